/* SPDX-License-Identifier: Apache-2.0 */
/* hosts.list and hosts.forget: the hosts that share a store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/manage/audit_encode.h"
#include "daemon/manage/store_share.h"
#include "daemon/share/database.h"
#include "daemon/share/realm.h"
#include "daemon/share/share.h"

enum { LIST_LIMIT, LIST_CURSOR, LIST_FIELDS };
static const struct wire_field list_fields[LIST_FIELDS] = {
	[LIST_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[LIST_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

enum { FORGET_HOST, FORGET_FIELDS };
static const struct wire_field forget_fields[FORGET_FIELDS] = {
	[FORGET_HOST] = WIRE_FIELD("host", WIRE_KIND_TEXT, WIRE_REQUIRED),
};

#define LIST_LIMIT_DEFAULT 100
#define LIST_LIMIT_MOST    1000
/* Microseconds without a look, after which a host is late: it looks each second. */
#define LATE_US 10000000

static int refuse_single(struct call *call)
{
	int r = store_share_admit(call);

	if (r == 0 && !share_is_on(call->context->share)) {
		return call_error(call, "conflict",
			"the store is not shared: run 'authzcheck store share' or 'store join'");
	}
	return r;
}

/* --- hosts.list ------------------------------------------------------------------------------- */

static void put_text(struct wire_buf *out, const char *name, const char *text)
{
	wire_put_cstr(out, name);
	wire_put_cstr(out, text);
}

static void put_int(struct wire_buf *out, const char *name, int64_t value)
{
	wire_put_cstr(out, name);
	wire_put_int(out, value);
}

static const char *find_state(const struct share_host *host, int64_t now)
{
	if (host->diverged) {
		return "diverged";
	}
	if (host->gone) {
		return "gone";
	}
	return now - host->seen > LATE_US ? "late" : "live";
}

static void encode_host(
	struct call *call, const struct share_host *host, uint64_t head, int64_t now)
{
	struct wire_buf *out = call->out;
	bool problem = host->problem[0] != '\0';

	wire_put_map(out, problem ? 14 : 13);
	put_text(out, "name", host->name);
	wire_put_cstr(out, "instance");
	audit_encode_tag(out, host->instance, sizeof host->instance);
	wire_put_cstr(out, "this");
	wire_put_bool(out, memcmp(host->instance, share_get_instance(call->context->share),
				   sizeof host->instance) == 0);
	put_int(out, "applied", (int64_t)host->applied);
	put_int(out, "lacks", host->applied < head ? (int64_t)(head - host->applied) : 0);
	put_int(out, "seen_at", host->seen / 1000000);
	put_int(out, "seen_ms", now > host->seen ? (now - host->seen) / 1000 : 0);
	put_int(out, "clock_ms", host->clock / 1000);
	put_int(out, "format", host->reads);
	put_text(out, "revision", host->revision);
	put_text(out, "version", host->version);
	put_int(out, "pepper", host->pepper);
	put_text(out, "state", find_state(host, now));
	if (problem) {
		put_text(out, "problem", host->problem);
	}
}

/* A cursor is the index of the next host, in decimal: the list is short, and read as a whole. */
static bool read_cursor(struct wire_str text, size_t *out)
{
	size_t value = 0;

	if (text.len == 0 || text.len > 9) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < '0' || text.ptr[i] > '9') {
			return false;
		}
		value = value * 10 + (size_t)(text.ptr[i] - '0');
	}
	*out = value;
	return true;
}

static void encode_list(struct call *call, const struct share_host *hosts, size_t count, size_t at,
	size_t end, int64_t now)
{
	char cursor[24], place[SHARE_PLACE_TEXT];
	struct wire_buf *out = call->out;
	struct share_status status;

	share_get_status(call->context->share, &status);
	share_place_format(status.place, status.tag, place);
	wire_put_result(out, call->id);
	wire_put_map(out, end < count ? 4 : 3);
	wire_put_cstr(out, "items");
	wire_put_array(out, (uint32_t)(end - at));
	for (size_t i = at; i < end; i++) {
		encode_host(call, &hosts[i], status.head, now);
	}
	put_int(out, "head", (int64_t)status.head);
	put_text(out, "as_of", place);
	if (end < count) {
		snprintf(cursor, sizeof cursor, "%zu", end);
		put_text(out, "cursor", cursor);
	}
}

static int list(struct call *call)
{
	const struct wire_value *limit = &call->params[LIST_LIMIT];
	const struct wire_value *cursor = &call->params[LIST_CURSOR];
	size_t most = LIST_LIMIT_DEFAULT, at = 0, count, end;
	struct share_host *hosts;
	int64_t now;
	int r = refuse_single(call);

	if (r != 0) {
		return r;
	}
	if (limit->given && (limit->integer < 1 || limit->integer > LIST_LIMIT_MOST)) {
		return call_invalid(call, "limit", "must be from 1 to %d", LIST_LIMIT_MOST);
	}
	if (cursor->given && !read_cursor(cursor->text, &at)) {
		return call_invalid(
			call, "cursor", "is not one that this method gave: begin without a cursor");
	}
	most = limit->given ? (size_t)limit->integer : most;
	share_ask_uses(call->context->share);
	r = share_get_hosts(call->context->share, &hosts, &count, &now);
	if (r < 0) {
		return r;
	}
	if (now == 0) {
		return call_error(call, "unavailable", "the database has not answered yet");
	}
	at = at < count ? at : count;
	end = count - at > most ? at + most : count;
	encode_list(call, hosts, count, at, end, now);
	free(hosts);
	return 0;
}

/* --- hosts.forget ----------------------------------------------------------------------------- */

static bool is_this(struct call *call, struct wire_str name)
{
	uint8_t instance[SHARE_INSTANCE];
	struct share_status status;

	share_get_status(call->context->share, &status);
	if (strlen(status.host) == name.len && memcmp(status.host, name.ptr, name.len) == 0) {
		return true;
	}
	return audit_decode_tag(name, instance, sizeof instance) &&
	       memcmp(instance, share_get_instance(call->context->share), sizeof instance) == 0;
}

static int forget_now(struct call *call)
{
	const struct wire_value *host = &call->params[FORGET_HOST];
	char name[SHARE_HOST + 1], why[SHARE_WHY] = "";
	unsigned count = 0;
	int r;

	if (host->text.len == 0 || host->text.len > SHARE_HOST ||
		memchr(host->text.ptr, '\0', host->text.len) != NULL) {
		return call_invalid(call, "host",
			"is neither a host's name nor an instance: hosts.list has them");
	}
	snprintf(name, sizeof name, "%.*s", (int)host->text.len, host->text.ptr);
	if (is_this(call, host->text)) {
		return call_error(call, "conflict",
			"this host is alive, it answers you: only a host that is gone can be "
			"forgotten");
	}
	r = share_forget(call->context->share, name, &count, why);
	if (r < 0) {
		return store_share_refuse(call, r, why);
	}
	if (count == 0) {
		return call_error(call, "not_found", "there is no host '%s'", name);
	}
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 1);
	put_int(call->out, "forgotten", count);
	return 0;
}

static int forget(struct call *call)
{
	int r = refuse_single(call);

	if (r == 0) {
		*call->after = forget_now;
		wire_put_result(call->out, call->id);
		wire_put_nil(call->out);
	}
	return r;
}

const struct method hosts_methods[] = {
	{ "hosts.forget", forget_fields, FORGET_FIELDS,
		METHOD_CHANGES | METHOD_MANAGES | METHOD_ALONE | METHOD_LOCAL, forget },
	{ "hosts.list", list_fields, LIST_FIELDS, METHOD_MANAGES | METHOD_ANY_AGE, list },
};
const size_t hosts_method_count = sizeof hosts_methods / sizeof hosts_methods[0];
