/* SPDX-License-Identifier: Apache-2.0 */
/* store.set: settings that are the same on all hosts of a shared store. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/manage/store_share.h"
#include "daemon/share/settings.h"
#include "daemon/share/share.h"
#include "daemon/store/shared.h"
#include "daemon/write/audit.h"

enum { SET_MAX_LAG, SET_STANDBYS, SET_POLICY };
const struct wire_field store_set_fields[STORE_SET_FIELDS] = {
	[SET_MAX_LAG] = WIRE_FIELD("max_lag", WIRE_KIND_TEXT, WIRE_OR_NIL),
	[SET_STANDBYS] = WIRE_FIELD("standbys", WIRE_KIND_TEXT, WIRE_OR_NIL),
	[SET_POLICY] = WIRE_FIELD("policy", WIRE_KIND_TEXT, WIRE_OR_NIL),
};

static const char *const names[STORE_SET_FIELDS] = {
	[SET_MAX_LAG] = SHARE_SET_MAX_LAG,
	[SET_STANDBYS] = SHARE_SET_STANDBYS,
	[SET_POLICY] = SHARE_SET_POLICY,
};

struct setting {
	char text[SHARE_REVISION];
	size_t len;
};

/* --- values ----------------------------------------------------------------------------------- */

static const struct {
	const char *unit;
	uint64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 } };

/* `1500ms`, `3s`, … as milliseconds. */
static bool read_lag(struct pol_str text, uint64_t *out)
{
	uint64_t number = 0;
	size_t at = 0;

	while (at < text.len && at < 9 && text.ptr[at] >= '0' && text.ptr[at] <= '9') {
		number = number * 10 + (uint64_t)(text.ptr[at++] - '0');
	}
	for (size_t i = 0; at > 0 && i < sizeof units / sizeof units[0]; i++) {
		struct pol_str unit = { text.ptr + at, text.len - at };

		if (pol_str_equal(unit, pol_str_of(units[i].unit))) {
			*out = number * units[i].ms;
			return *out >= SHARE_LEAST_MAX_LAG && *out <= SHARE_MOST_MAX_LAG;
		}
	}
	return false;
}

static int read_max_lag(struct call *call, struct pol_str text, struct setting *out)
{
	uint64_t ms;

	if (!read_lag(text, &ms)) {
		return call_invalid(
			call, "max_lag", "must be digits and one of ms, s, m, h, from 1s to 24h");
	}
	out->len = (size_t)snprintf(out->text, sizeof out->text, "%" PRIu64, ms);
	return 0;
}

static int read_standbys(struct call *call, struct pol_str text, struct setting *out)
{
	enum share_standbys standbys;

	if (!share_parse_standbys(text, &standbys)) {
		return call_invalid(call, "standbys", "must be synchronous or none");
	}
	out->len = text.len;
	memcpy(out->text, text.ptr, text.len);
	return 0;
}

/* Hexadecimal digits. */
static bool is_revision(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((text.ptr[i] < '0' || text.ptr[i] > '9') &&
			(text.ptr[i] < 'a' || text.ptr[i] > 'f')) {
			return false;
		}
	}
	return true;
}

static int read_policy(struct call *call, struct pol_str text, struct setting *out)
{
	if (pol_str_equal(text, POL_STR("any"))) {
		return 0;
	}
	if (text.len == 0 || text.len >= sizeof out->text || !is_revision(text)) {
		return call_invalid(call, "policy", "is not a revision, and not `any`");
	}
	out->len = text.len;
	memcpy(out->text, text.ptr, text.len);
	return 0;
}

static int read_value(struct call *call, unsigned which, struct setting *out)
{
	static int (*const readers[STORE_SET_FIELDS])(
		struct call * call, struct pol_str text, struct setting * out) = {
		[SET_MAX_LAG] = read_max_lag,
		[SET_STANDBYS] = read_standbys,
		[SET_POLICY] = read_policy,
	};
	const struct wire_value *value = &call->params[which];

	memset(out, 0, sizeof *out);
	return value->nil ? 0
			  : readers[which](call,
				    (struct pol_str){ value->text.ptr, value->text.len }, out);
}

/* --- the change ------------------------------------------------------------------------------- */

static struct pol_str get(struct store_read *read, const char *name)
{
	struct pol_str text;

	return store_get_setting(read, name, &text) == 0 ? text : (struct pol_str){ "", 0 };
}

/* Puts one setting, with its entry in the trail, if it changes. */
static int put(struct call *call, const char *name, const struct setting *to)
{
	struct pol_str text = { to->text, to->len };
	char before[STORE_MAX_SETTING];
	struct pol_str from = get(call->read, name);
	struct audit_note note;
	const struct audit_entry entry = {
		.kind = STORE_AUDIT_STORE,
		.target = pol_str_of(name),
		.flags = to->len > 0 ? STORE_AUDIT_MADE : STORE_AUDIT_REMOVED,
		.note = &note,
	};
	int r;

	if (pol_str_equal(from, text) || from.len > sizeof before) {
		return 0;
	}
	/* It is a view, which the put ends. */
	memcpy(before, from.ptr, from.len);
	from.ptr = before;
	r = store_put_setting(call->change->write, name, text);
	if (r < 0) {
		return r;
	}
	audit_note_init(&note);
	audit_note_text(&note, name, from, text);
	return audit_enter(call->change, &entry);
}

static void put_text(struct wire_buf *out, const char *name, struct pol_str text)
{
	wire_put_cstr(out, name);
	if (text.len == 0) {
		wire_put_nil(out);
	} else {
		wire_put_str(out, (struct wire_str){ text.ptr, text.len });
	}
}

static int answer(struct call *call)
{
	struct pol_str lag = get(call->read, SHARE_SET_MAX_LAG);
	uint64_t ms;

	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 3);
	wire_put_cstr(call->out, "max_lag_ms");
	if (share_parse_max_lag(lag, &ms)) {
		wire_put_int(call->out, (int64_t)ms);
	} else {
		wire_put_nil(call->out);
	}
	put_text(call->out, "standbys", get(call->read, SHARE_SET_STANDBYS));
	put_text(call->out, "policy", get(call->read, SHARE_SET_POLICY));
	return 0;
}

int store_set(struct call *call)
{
	struct setting settings[STORE_SET_FIELDS];
	int r = store_share_admit(call);

	if (r == 0 && !share_is_on(call->context->share)) {
		return call_error(call, "conflict",
			"the store is not shared: run 'authzcheck store share' or 'store join'");
	}
	for (unsigned i = 0; i < STORE_SET_FIELDS && r == 0; i++) {
		r = call->params[i].given ? read_value(call, i, &settings[i]) : 0;
	}
	for (unsigned i = 0; i < STORE_SET_FIELDS && r == 0; i++) {
		r = call->params[i].given ? put(call, names[i], &settings[i]) : 0;
	}
	return r == 0 ? answer(call) : r;
}
