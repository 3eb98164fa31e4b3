/* SPDX-License-Identifier: Apache-2.0 */
/* audit.list and audit.verify. */
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/audit_encode.h"
#include "daemon/manage/check.h"
#include "daemon/manage/list.h"
#include "daemon/manage/policy.h"

enum {
	TENANT,
	ACTOR,
	KEY,
	KIND,
	TARGET,
	SINCE,
	UNTIL,
	AFTER,
	NEWEST_FIRST,
	LIMIT,
	CURSOR,
	LIST_FIELDS
};

static const struct wire_field list_fields[LIST_FIELDS] = {
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[ACTOR] = WIRE_FIELD("actor", WIRE_KIND_TEXT, 0),
	[KEY] = WIRE_FIELD("key", WIRE_KIND_TEXT, 0),
	[KIND] = WIRE_FIELD("kind", WIRE_KIND_TEXT, 0),
	[TARGET] = WIRE_FIELD("target", WIRE_KIND_TEXT, 0),
	[SINCE] = WIRE_FIELD("since", WIRE_KIND_TIME, 0),
	[UNTIL] = WIRE_FIELD("until", WIRE_KIND_TIME, 0),
	[AFTER] = WIRE_FIELD("after", WIRE_KIND_INT, 0),
	[NEWEST_FIRST] = WIRE_FIELD("newest_first", WIRE_KIND_BOOL, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

enum { VERIFY_LIMIT, VERIFY_CURSOR, VERIFY_FIELDS };

static const struct wire_field verify_fields[VERIFY_FIELDS] = {
	[VERIFY_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[VERIFY_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* Records that one call of audit.verify checks without `limit`: a few milliseconds of a worker. */
#define VERIFY_SLICE 1000

/* --- the list --------------------------------------------------------------------------------- */

struct listing {
	struct list list;
	uint32_t tenant; /* 0: any */
	struct pol_str actor;
	enum store_audit_kind kind; /* of what was changed; STORE_AUDIT_NONE: any */
	struct pol_str target;      /* what was changed; empty: anything */
	int64_t since;              /* 0: any time */
	int64_t until;
	uint64_t after; /* a sequence number */
	bool backwards;
};

/* Alarms are about keys. */
static bool is_of_kind(const struct store_audit *audit, enum store_audit_kind kind)
{
	return kind == STORE_AUDIT_NONE || audit->kind == kind ||
	       (kind == STORE_AUDIT_KEY && audit->kind == STORE_AUDIT_ALARM);
}

static bool passes(const struct listing *listing, const struct store_audit *audit)
{
	return audit->time >= listing->since &&
	       (listing->until == 0 || audit->time <= listing->until) &&
	       (listing->tenant == 0 || audit->tenant == listing->tenant) &&
	       (listing->actor.len == 0 || pol_str_equal(audit->actor, listing->actor)) &&
	       is_of_kind(audit, listing->kind) &&
	       (listing->target.len == 0 || pol_str_equal(audit->target, listing->target));
}

static int on_audit(void *context, const struct store_audit *audit)
{
	struct listing *listing = (struct listing *)context;
	char cursor[LIST_NUMBER];
	bool item;

	/* No older record passes either filter: `latest` grows with the sequence. */
	if (listing->backwards &&
		(audit->sequence <= listing->after || audit->latest < listing->since)) {
		return 1;
	}
	if (!list_has_room(&listing->list)) {
		return 1;
	}
	item = passes(listing, audit);
	if (item) {
		audit_encode(listing->list.call, audit);
	}
	list_visited(&listing->list, list_number_cursor(audit->sequence, cursor), item);
	return 0;
}

/* What was changed: `key`, or `kind` and perhaps `target`. */
static int read_target(struct call *call, struct listing *listing)
{
	const struct wire_value *params = call->params;
	bool is_key = params[KEY].given;

	if (is_key && (params[KIND].given || params[TARGET].given)) {
		return call_invalid(call, "key", "cannot be combined with 'kind' or 'target'");
	}
	if (params[TARGET].given && !params[KIND].given) {
		return call_invalid(call, "target", "needs 'kind', such as principal");
	}
	if (params[KIND].given) {
		listing->kind = audit_find_kind(subject_str(params[KIND].text));
		if (listing->kind == STORE_AUDIT_NONE) {
			return audit_refuse_kind(call, "kind");
		}
	}
	if (params[TARGET].given) {
		listing->target = subject_str(params[TARGET].text);
		if (listing->target.len == 0 || listing->target.len > STORE_MAX_NAME) {
			return call_invalid(
				call, "target", "must be of 1 to %d bytes", STORE_MAX_NAME);
		}
	}
	if (is_key) {
		listing->kind = STORE_AUDIT_KEY;
		listing->target = subject_str(params[KEY].text);
		if (listing->target.len != STORE_KID) {
			return call_invalid(call, "key", "is not a key's id");
		}
	}
	return 0;
}

/* The narrowest index of the trail. Records about what is not a key are found by their target in a
 * tenant alone; without one they are looked for among the others. */
static struct store_audit_filter filter_of(const struct listing *listing)
{
	bool is_key = listing->kind == STORE_AUDIT_KEY || listing->kind == STORE_AUDIT_ALARM;
	bool is_in_tenant = listing->tenant != 0 && (listing->kind == STORE_AUDIT_PRINCIPAL ||
							    listing->kind == STORE_AUDIT_ROLE);
	struct store_audit_filter filter = {
		.kind = STORE_AUDIT_NONE,
		.tenant = listing->tenant,
		.actor = listing->actor,
		.backwards = listing->backwards,
	};

	if (listing->target.len > 0 && (is_key || is_in_tenant)) {
		filter.kind = listing->kind;
		filter.target = listing->target;
	}
	return filter;
}

static int read_filters(struct call *call, struct listing *listing)
{
	const struct wire_value *params = call->params;
	int r = 0;

	/* A token sees the records of its tenant alone, a peer all of them. */
	if (params[TENANT].given || call->actor != NULL) {
		r = check_tenants(call, &params[TENANT], &listing->tenant);
	}
	if (r == 0 && params[ACTOR].given) {
		listing->actor = subject_str(params[ACTOR].text);
		if (listing->actor.len == 0 || listing->actor.len > STORE_MAX_NAME + 16) {
			r = call_invalid(call, "actor",
				"is not an actor: write uid:N, key:ID or principal:ID");
		}
	}
	if (r == 0) {
		r = read_target(call, listing);
	}
	if (r == 0 && params[AFTER].given) {
		if (params[AFTER].integer < 0) {
			r = call_invalid(call, "after", "is below zero");
		}
		listing->after = (uint64_t)params[AFTER].integer;
	}
	listing->since = params[SINCE].given ? params[SINCE].integer : 0;
	listing->until = params[UNTIL].given ? params[UNTIL].integer : 0;
	listing->backwards = params[NEWEST_FIRST].given && params[NEWEST_FIRST].boolean;
	return r;
}

/* Where the walk begins: after the last page, or where the filters begin. */
static int find_start(struct call *call, const struct listing *listing, uint64_t *out)
{
	uint64_t passed = list_cursor_number(&listing->list), first = listing->after + 1;
	int r = 0;

	if (listing->backwards) {
		*out = passed > 0 ? passed - 1 : INT64_MAX;
		return 0;
	}
	if (passed > 0) {
		*out = passed + 1;
		return 0;
	}
	if (listing->since != 0) {
		r = store_find_audit(call->read, listing->since, out);
	} else {
		*out = 1;
	}
	if (r == 0 && *out < first) {
		*out = first;
	}
	return r;
}

static int list(struct call *call)
{
	struct listing listing = { .tenant = 0 };
	struct store_audit_filter filter;
	uint64_t from = 0;
	int r = actor_may(call, "audit", (struct pol_str){ NULL, 0 }, "read");

	if (r == 0) {
		r = read_filters(call, &listing);
	}
	if (r == 0) {
		r = list_begin(&listing.list, call, &call->params[LIMIT], &call->params[CURSOR]);
	}
	if (r == 0) {
		r = find_start(call, &listing, &from);
	}
	if (r != 0) {
		return r;
	}
	filter = filter_of(&listing);
	r = store_list_audit(call->read, &filter, from, on_audit, &listing);
	return r < 0 ? r : list_end(&listing.list);
}

/* --- verifying -------------------------------------------------------------------------------- */

struct verifying {
	struct call *call;
	uint32_t found;
};

static void on_problem(void *context, const struct store_problem *problem)
{
	struct verifying *verifying = (struct verifying *)context;

	audit_encode_problem(verifying->call, problem);
	verifying->found++;
}

/* Its own read transaction is renewed after the head was read; the worker's may be older. */
static int verify_slice(
	struct call *call, struct store_verify *verify, struct verifying *verifying, uint32_t most)
{
	uint64_t head = store_head_count(call->context->store);
	struct store_read *read = NULL;
	int r = store_read_open(call->context->store, &read);

	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r == 0) {
		r = store_verify(read, verify, most, head, on_problem, verifying);
	}
	store_read_close(read);
	return r;
}

/* The number of records to check, for a progress display: the trail, then keys and principals. */
static uint64_t total_of(struct call *call)
{
	struct store_counts counts = { 0 };
	struct store_head head = { 0 };

	if (store_get_head(call->read, &head) < 0 || store_count(call->read, &counts) < 0) {
		return 0;
	}
	return head.count + 2 * (counts.keys + counts.principals);
}

static int verify(struct call *call)
{
	struct verifying verifying = { .call = call };
	struct store_verify at = { .place_len = 0 };
	struct list list;
	uint32_t most;
	int r = policy_admit(call);

	if (r != 0) {
		return r;
	}
	r = list_begin(&list, call, &call->params[VERIFY_LIMIT], &call->params[VERIFY_CURSOR]);
	if (r != 0) {
		return r;
	}
	at.place_len = list.cursor_len;
	memcpy(at.place, list.cursor, list.cursor_len);
	most = call->params[VERIFY_LIMIT].given ? list.limit : VERIFY_SLICE;
	r = verify_slice(call, &at, &verifying, most);
	if (r < 0) {
		return r;
	}
	call->cost = most / 8;
	list.count = verifying.found;
	list.extra = 2;
	if (r == 0) {
		list_stop(&list, (struct pol_str){ (const char *)at.place, at.place_len });
	}
	list_end(&list);
	wire_put_cstr(call->out, "checked");
	wire_put_int(call->out, (int64_t)at.checked);
	wire_put_cstr(call->out, "total");
	wire_put_int(call->out, (int64_t)total_of(call));
	return 0;
}

const struct method audit_methods[] = {
	{ "audit.list", list_fields, LIST_FIELDS, METHOD_MANAGES | METHOD_ANY_AGE | METHOD_TOKEN,
		list },
	{ "audit.verify", verify_fields, VERIFY_FIELDS, METHOD_MANAGES | METHOD_ANY_AGE, verify },
};
const size_t audit_method_count = sizeof audit_methods / sizeof audit_methods[0];
