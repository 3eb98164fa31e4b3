/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/audit_encode.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "daemon/decide/subject.h"
#include "daemon/secret/token.h"

static const struct {
	enum store_audit_kind kind;
	const char *name;
} kinds[] = {
	{ STORE_AUDIT_KEY, "key" },
	{ STORE_AUDIT_PRINCIPAL, "principal" },
	{ STORE_AUDIT_ROLE, "role" },
	{ STORE_AUDIT_TENANT, "tenant" },
	{ STORE_AUDIT_POLICY, "policy" },
	{ STORE_AUDIT_STORE, "store" },
	{ STORE_AUDIT_ALARM, "alarm" },
};

static const char *kind_name(uint8_t kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (kinds[i].kind == kind) {
			return kinds[i].name;
		}
	}
	return "other";
}

enum store_audit_kind audit_find_kind(struct pol_str name)
{
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (pol_str_equal(name, pol_str_of(kinds[i].name))) {
			return kinds[i].kind;
		}
	}
	return STORE_AUDIT_NONE;
}

int audit_refuse_kind(struct call *call, const char *param)
{
	const size_t count = sizeof kinds / sizeof kinds[0];
	char names[128];
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		const char *after = i + 2 < count ? ", " : i + 2 == count ? " or " : "";

		len += (size_t)snprintf(
			names + len, sizeof names - len, "%s%s", kinds[i].name, after);
		assert(len < sizeof names);
	}
	return call_invalid(call, param, "is not a kind: write %s", names);
}

void audit_encode_tag(struct wire_buf *out, const uint8_t *tag, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * STORE_CHAIN];

	for (size_t i = 0; i < len && i < STORE_CHAIN; i++) {
		text[2 * i] = digits[tag[i] >> 4];
		text[2 * i + 1] = digits[tag[i] & 15];
	}
	wire_put_str(out, (struct wire_str){ text, 2 * len });
}

static void encode_int(struct wire_buf *out, const char *name, uint64_t value)
{
	wire_put_cstr(out, name);
	wire_put_int(out, (int64_t)value);
}

static void encode_text(struct wire_buf *out, const char *name, struct pol_str text)
{
	wire_put_cstr(out, name);
	wire_put_str(out, subject_wire(text));
}

static void encode_changes(struct wire_buf *out, struct store_list fields)
{
	struct pol_str name, from, to;
	size_t at = wire_open_array(out);
	uint32_t count = 0;

	while (store_list_next(&fields, &name) && store_list_next(&fields, &from) &&
		store_list_next(&fields, &to)) {
		wire_put_map(out, 1 + (from.len > 0) + (to.len > 0));
		encode_text(out, "field", name);
		if (from.len > 0) {
			encode_text(out, "from", from);
		}
		if (to.len > 0) {
			encode_text(out, "to", to);
		}
		count++;
	}
	wire_close_array(out, at, count);
}

/* Returns the number of pairs, 1 or 0. */
static uint32_t encode_tenant(struct call *call, uint32_t tenant)
{
	struct pol_str name = { NULL, 0 };

	if (tenant != 0) {
		name = subject_tenant_name(call, tenant);
	}
	if (name.len == 0) {
		return 0;
	}
	encode_text(call->out, "tenant", name);
	return 1;
}

void audit_encode(struct call *call, const struct store_audit *audit)
{
	struct wire_buf *out = call->out;
	size_t map = wire_open_map(out);
	uint32_t pairs = 7;

	encode_int(out, "sequence", audit->sequence);
	encode_int(out, "time", (uint64_t)audit->time);
	encode_text(out, "actor", audit->actor);
	encode_int(out, "uid", audit->uid);
	encode_int(out, "pid", audit->pid);
	encode_text(out, "action", audit->action);
	wire_put_cstr(out, "kind");
	wire_put_cstr(out, kind_name(audit->kind));
	if (audit->target.len > 0) {
		encode_text(out, "target", audit->target);
		pairs++;
	}
	pairs += encode_tenant(call, audit->tenant);
	if (audit->fields.count > 0) {
		wire_put_cstr(out, "changes");
		encode_changes(out, audit->fields);
		pairs++;
	}
	if ((audit->flags & STORE_AUDIT_MADE) != 0) {
		wire_put_cstr(out, "record_tag");
		audit_encode_tag(out, audit->made, SECRET_TAG);
		pairs++;
	}
	wire_put_cstr(out, "tag");
	audit_encode_tag(out, audit->tag, STORE_CHAIN);
	wire_close_map(out, map, pairs + 1);
}

/* --- problems --------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	const char *text; /* follows "record N of the trail " or "key K " */
} problems[] = {
	[STORE_AUDIT_EDITED] = { "edited", "was edited" },
	[STORE_AUDIT_MISSING] = { "removed", "was removed" },
	[STORE_AUDIT_REORDERED] = { "reordered", "was moved" },
	[STORE_AUDIT_SPLICED] = { "spliced", "does not follow the one before it: the trail was "
					     "replaced by another one from here on, or before" },
	[STORE_AUDIT_CUT] = { "cut", "was cut off the end" },
	[STORE_AUDIT_UNLISTED] = { "unlisted", "was taken out of the lists by actor, tenant or "
					       "target" },
	[STORE_RECORD_EDITED] = { "record_edited",
		"was edited outside the daemon, or copied from another place: it is refused" },
	[STORE_RECORD_REPLACED] = { "record_replaced",
		"was replaced outside the daemon: what stands there now is not what the trail made "
		"last" },
	[STORE_RECORD_UNKNOWN] = { "record_unknown",
		"was put into the store outside the daemon: the trail has no record of it" },
	[STORE_RECORD_REMOVED] = { "record_removed", "was removed from the store outside the "
						     "daemon" },
	[STORE_RECORD_UNLISTED] = { "record_unlisted",
		"was taken out of a list outside the daemon, by which it would be found" },
};

static void encode_message(struct wire_buf *out, const struct store_problem *problem)
{
	char text[512];
	int len;

	if (problem->what == STORE_AUDIT_REORDERED) {
		len = snprintf(text, sizeof text,
			"where record %" PRIu64 " of the trail should be is record %" PRIu64,
			problem->sequence, problem->last);
	} else if (problem->kind == STORE_AUDIT_NONE && problem->last > problem->sequence) {
		len = snprintf(text, sizeof text,
			"each of records %" PRIu64 " to %" PRIu64 " of the trail %s",
			problem->sequence, problem->last, problems[problem->what].text);
	} else if (problem->kind == STORE_AUDIT_NONE) {
		len = snprintf(text, sizeof text, "record %" PRIu64 " of the trail %s",
			problem->sequence, problems[problem->what].text);
	} else {
		len = snprintf(text, sizeof text, "%s %.*s %s", kind_name(problem->kind),
			POL_STR_ARGS(problem->target), problems[problem->what].text);
	}
	wire_put_cstr(out, "message");
	wire_put_str(out,
		(struct wire_str){ text, len < (int)sizeof text ? (size_t)len : sizeof text - 1 });
}

static bool is_plain(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < 0x20 || (unsigned char)text.ptr[i] >= 0x7f) {
			return false;
		}
	}
	return text.len > 0 && text.len <= STORE_MAX_NAME;
}

void audit_encode_problem(struct call *call, const struct store_problem *problem)
{
	struct wire_buf *out = call->out;
	struct store_problem shown = *problem;
	size_t map = wire_open_map(out);
	uint32_t pairs = 2;

	/* The bytes of an altered record may be anything. */
	if (problem->kind != STORE_AUDIT_NONE && !is_plain(problem->target)) {
		shown.target = POL_STR("(invalid id)");
	}
	wire_put_cstr(out, "problem");
	wire_put_cstr(out, problems[problem->what].name);
	encode_message(out, &shown);
	if (problem->sequence != 0) {
		encode_int(out, "sequence", problem->sequence);
		pairs++;
	}
	if (problem->last > problem->sequence && problem->what != STORE_AUDIT_REORDERED) {
		encode_int(out, "last", problem->last);
		pairs++;
	}
	if (problem->kind != STORE_AUDIT_NONE) {
		wire_put_cstr(out, "kind");
		wire_put_cstr(out, kind_name(problem->kind));
		encode_text(out, "target", shown.target);
		pairs += 2 + encode_tenant(call, problem->tenant);
	}
	wire_close_map(out, map, pairs);
}

bool audit_decode_tag(struct wire_str text, uint8_t *out, size_t len)
{
	if (text.len != 2 * len) {
		return false;
	}
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		int digit = c >= '0' && c <= '9'   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
						   : -1;

		if (digit < 0) {
			return false;
		}
		out[i / 2] = (uint8_t)(i % 2 == 0 ? digit << 4 : out[i / 2] | digit);
	}
	return true;
}
