/* SPDX-License-Identifier: Apache-2.0 */
/* store.share, join, leave, rejoin and upgrade: the writer's thread does the work, after the call's
 * own transaction, and then answers. */
#include "daemon/manage/store_share.h"

#include <errno.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/manage/audit_encode.h"
#include "daemon/share/realm.h"
#include "daemon/share/row.h"
#include "daemon/share/settings.h"
#include "daemon/share/share.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"
#include "daemon/tend/marks.h"

enum { JOIN_AT, JOIN_DISCARD };
const struct wire_field store_join_fields[STORE_JOIN_FIELDS] = {
	[JOIN_AT] = WIRE_FIELD("at", WIRE_KIND_TEXT, 0),
	[JOIN_DISCARD] = WIRE_FIELD("discard", WIRE_KIND_BOOL, 0),
};

enum { SHARE_DATABASE, SHARE_DATA, SHARE_LAST, SHARE_ACCEPT, SHARE_CURSOR };
const struct wire_field store_share_fields[STORE_SHARE_FIELDS] = {
	[SHARE_DATABASE] = WIRE_FIELD("database", WIRE_KIND_TEXT, 0),
	[SHARE_DATA] = WIRE_FIELD("data", WIRE_KIND_BYTES, 0),
	[SHARE_LAST] = WIRE_FIELD("last", WIRE_KIND_BOOL, 0),
	[SHARE_ACCEPT] = WIRE_FIELD("accept_rollback", WIRE_KIND_BOOL, 0),
	[SHARE_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

int store_share_admit(struct call *call)
{
	if (!actor_is_superuser(call)) {
		return call_error(call, "forbidden",
			"only root and the daemon's own user may manage what hosts share");
	}
	if (call->context->share == NULL) {
		return call_error(call, "conflict",
			"the configuration has no line `shared`: write where the database is "
			"(authzd.conf(5)), and start the daemon again");
	}
	return 0;
}

int store_share_refuse(struct call *call, int r, const char *why)
{
	switch (r) {
	case -EEXIST:
	case -ENOENT:
		return call_error(call, "conflict", "%s", why);
	case -EINPROGRESS:
		return call_error(
			call, "unavailable", "%s: it may have been done all the same", why);
	case -ENOTCONN:
	case -ETIMEDOUT:
	case -EPERM:
	case -EBADMSG:
		return call_error(call, "unavailable", "%s", why);
	default:
		return call_error(call, "overloaded", "%s", why);
	}
}

/* --- the answer ------------------------------------------------------------------------------- */

void store_share_put_realm(struct wire_buf *out, const struct share_realm *realm)
{
	char place[SHARE_PLACE_TEXT];

	share_place_format(realm->sequence, realm->tag, place);
	wire_put_cstr(out, "realm");
	audit_encode_tag(out, realm->realm, sizeof realm->realm);
	wire_put_cstr(out, "epoch");
	wire_put_int(out, (int64_t)realm->epoch);
	wire_put_cstr(out, "as_of");
	wire_put_cstr(out, place);
}

static int answer(struct call *call, const struct share_realm *realm)
{
	bool copied = realm->copy[0] != '\0';

	wire_put_result(call->out, call->id);
	wire_put_map(call->out, copied ? 4 : 3);
	store_share_put_realm(call->out, realm);
	if (copied) {
		wire_put_cstr(call->out, "copy");
		wire_put_cstr(call->out, realm->copy);
	}
	return 0;
}

int store_share_later(struct call *call, int (*work)(struct call *call))
{
	int r = store_share_admit(call);

	if (r == 0) {
		*call->after = work;
		wire_put_result(call->out, call->id);
		wire_put_nil(call->out);
	}
	return r;
}

void store_share_enter(struct call *call, const char *action)
{
	struct share_status status;

	share_get_status(call->context->share, &status);
	marks_enter(call->context->marks, call->peer, action, status.host);
}

/* Answers, after it was entered. */
static int answer_entered(struct call *call, const char *action, const struct share_realm *realm)
{
	store_share_enter(call, action);
	return answer(call, realm);
}

/* --- store.share ------------------------------------------------------------------------------ */

static struct pol_str get_database(const struct call *call)
{
	const struct wire_value *database = &call->params[SHARE_DATABASE];

	return database->given ? (struct pol_str){ database->text.ptr, database->text.len }
			       : (struct pol_str){ NULL, 0 };
}

static int share_this(struct call *call)
{
	char why[SHARE_WHY] = "";
	struct share_realm realm;
	int r;

	r = share_begin(call->context->share, get_database(call), &realm, why);
	return r < 0 ? store_share_refuse(call, r, why)
		     : answer_entered(call, "store.share", &realm);
}

/* Bytes of a part: a message has 256 KiB at most. */
#define PART_MOST ((size_t)128 << 10)

/* Takes a part of a copy, and with the last one begins a new epoch. */
static int restore_this(struct call *call)
{
	const struct wire_value *data = &call->params[SHARE_DATA];
	const struct wire_value *cursor = &call->params[SHARE_CURSOR];
	struct share_copied part = {
		.database = get_database(call),
		.bytes = { data->text.ptr, data->text.len },
		.last = call->params[SHARE_LAST].boolean,
		.accept_rollback = call->params[SHARE_ACCEPT].boolean,
	};
	struct share *share = call->context->share;
	uint8_t id[SHARE_CURSOR_SIZE];
	char why[SHARE_WHY] = "";
	struct share_realm realm;
	int r;

	if (cursor->given) {
		if (!audit_decode_tag(cursor->text, id, sizeof id)) {
			return call_invalid(call, "cursor",
				"is not one that this method gave: begin without a cursor");
		}
		part.cursor = id;
	}
	r = share_restore(share, &part, &realm, why);
	if (r < 0) {
		return store_share_refuse(call, r, why);
	}
	if (part.last) {
		return answer(call, &realm);
	}
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 1);
	wire_put_cstr(call->out, "cursor");
	audit_encode_tag(call->out, share_restore_cursor(share), SHARE_CURSOR_SIZE);
	return 0;
}

int store_share(struct call *call)
{
	const struct wire_value *params = call->params;

	if (params[SHARE_DATA].given && params[SHARE_DATA].text.len > PART_MOST) {
		return call_invalid(call, "data", "has more than 128 KiB");
	}
	if (!params[SHARE_DATA].given && (params[SHARE_CURSOR].given || params[SHARE_LAST].given ||
						 params[SHARE_ACCEPT].given)) {
		return call_invalid(call, "data", "is missing: the others go with a copy");
	}
	return store_share_later(call, params[SHARE_DATA].given ? restore_this : share_this);
}

/* --- store.join ------------------------------------------------------------------------------- */

static int join_now(struct call *call)
{
	const struct wire_value *at = &call->params[JOIN_AT];
	struct share_join join = { .discard = call->params[JOIN_DISCARD].boolean };
	char why[SHARE_WHY] = "";
	struct share_realm realm;
	int r;

	if (at->given) {
		struct pol_str text = { at->text.ptr, at->text.len };

		join.at = share_place_parse(text, &join.sequence, join.tag);
		if (!join.at) {
			return call_invalid(
				call, "at", "is not a place: NUMBER-HEX, as `as_of` has it");
		}
	}
	r = share_join(call->context->share, &join, &realm, why);
	return r < 0 ? store_share_refuse(call, r, why)
		     : answer_entered(call, "store.join", &realm);
}

int store_join(struct call *call)
{
	return store_share_later(call, join_now);
}

/* --- store.leave ------------------------------------------------------------------------------ */

static int leave_now(struct call *call)
{
	char why[SHARE_WHY] = "";
	struct share_realm realm;
	int r = share_leave(call->context->share, &realm, why);

	if (r < 0) {
		return store_share_refuse(call, r, why);
	}
	store_share_enter(call, "store.leave");
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 1);
	wire_put_cstr(call->out, "copy");
	wire_put_cstr(call->out, realm.copy);
	return 0;
}

int store_leave(struct call *call)
{
	return store_share_later(call, leave_now);
}

/* --- store.upgrade ---------------------------------------------------------------------------- */

/* The conflict has the names of the hosts that are in the way. */
static int refuse_older(struct call *call, const struct share_older *older, const char *why)
{
	struct wire_error error;

	wire_error_set(&error, WIRE_CONFLICT, (struct wire_str){ NULL, 0 }, "%s", why);
	wire_begin_error(call->out, &call->id, &error, 1);
	wire_put_str(call->out, WIRE_STR("ids"));
	wire_put_array(call->out, (uint32_t)older->count);
	for (size_t i = 0; i < older->count; i++) {
		wire_put_cstr(call->out, older->names[i]);
	}
	wire_put_nil(call->out);
	return 0;
}

static int upgrade_now(struct call *call)
{
	char why[SHARE_WHY] = "";
	struct share_older older;
	uint32_t before = 0;
	int r = share_upgrade(call->context->share, &before, &older, why);

	if (r == -EEXIST && older.count > 0) {
		return refuse_older(call, &older, why);
	}
	if (r < 0) {
		return store_share_refuse(call, r, why);
	}
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 2);
	wire_put_cstr(call->out, "format");
	wire_put_int(call->out, SHARE_FORMAT);
	wire_put_cstr(call->out, "before");
	wire_put_int(call->out, before);
	return 0;
}

int store_upgrade(struct call *call)
{
	return store_share_later(call, upgrade_now);
}

/* --- status ----------------------------------------------------------------------------------- */

static void put_number(struct wire_buf *out, const char *name, uint64_t value)
{
	wire_put_cstr(out, name);
	wire_put_int(out, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

static void put_text(struct wire_buf *out, const char *name, const char *text)
{
	wire_put_cstr(out, name);
	wire_put_cstr(out, text);
}

static void put_flag(struct wire_buf *out, const char *name, bool flag)
{
	wire_put_cstr(out, name);
	wire_put_bool(out, flag);
}

static void put_place(struct wire_buf *out, const struct share_status *status)
{
	char place[SHARE_PLACE_TEXT];

	share_place_format(status->place, status->tag, place);
	wire_put_cstr(out, "realm");
	audit_encode_tag(out, status->realm, sizeof status->realm);
	put_number(out, "epoch", status->epoch);
	put_number(out, "applied", status->applied);
	put_number(out, "head", status->head);
	put_text(out, "as_of", place);
	put_number(out, "format", status->format);
	put_number(out, "hosts", status->hosts);
	put_flag(out, "stale", status->stale);
	put_flag(out, "diverged", status->diverged);
	put_text(out, "standbys", share_standbys_name(status->standbys));
	wire_put_cstr(out, "clock_ms");
	wire_put_int(out, status->clock_us / 1000);
	wire_put_cstr(out, "counters");
	wire_put_map(out, 4);
	put_number(out, "appended", status->appended);
	put_number(out, "applied", status->applied_rows);
	put_number(out, "lost", status->lost);
	put_number(out, "unanswered", status->unanswered);
}

#define PLACE_PAIRS 12

static int on_mark(void *context, const struct store_mark *mark)
{
	(void)mark;
	++*(uint64_t *)context;
	return 0;
}

/* Keys that are denied on this host and not ended in the log yet. */
static uint64_t count_marks(struct call *call)
{
	uint64_t count = 0;

	if (store_has_marks(call->context->store)) {
		store_list_marks(call->read, on_mark, &count);
	}
	return count;
}

static void put_work(struct wire_buf *out, const struct share_status *status)
{
	wire_put_cstr(out, "work");
	wire_put_map(out, status->work_total > 0 ? 3 : 2);
	put_text(out, "what", status->work);
	put_number(out, "done", status->work_done);
	if (status->work_total > 0) {
		put_number(out, "total", status->work_total);
	}
}

void store_share_encode(struct call *call)
{
	struct wire_buf *out = call->out;
	struct share_status status;
	bool lags, bounds, bound;

	share_get_status(call->context->share, &status);
	lags = status.on && status.lag_ns != UINT64_MAX;
	bounds = status.on && status.max_lag_ns != 0;
	bound = status.on && status.policy[0] != '\0';
	wire_put_cstr(out, "shared");
	wire_put_map(out, 3u + (status.problem[0] != '\0') + (status.on ? PLACE_PAIRS + 1 : 0) +
				  lags + bounds + bound + (status.work != NULL));
	put_flag(out, "on", status.on);
	put_text(out, "host", status.host);
	put_flag(out, "connected", status.connected);
	if (status.problem[0] != '\0') {
		put_text(out, "problem", status.problem);
	}
	if (status.on) {
		put_place(out, &status);
		put_number(out, "marks", count_marks(call));
	}
	if (lags) {
		put_number(out, "lag_ms", status.lag_ns / 1000000);
	}
	if (bounds) {
		put_number(out, "max_lag_ms", status.max_lag_ns / 1000000);
	}
	if (bound) {
		put_text(out, "policy", status.policy);
	}
	if (status.work != NULL) {
		put_work(out, &status);
	}
}
