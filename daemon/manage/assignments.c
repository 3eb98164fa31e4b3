/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/load/stored_roles.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/list.h"
#include "daemon/manage/principals/principals.h"
#include "daemon/manage/record.h"
#include "daemon/write/audit.h"
#include "policy/snapshot/stored.h"

/*
 * An assignment is identified by its principal, its role and its places: a principal can hold a
 * role twice, at one place without an end and at another until Friday. Assignments are stored in
 * the principal's record.
 */

enum { PRINCIPAL, ROLE, AT, TENANT, DELETE_FIELDS, UNTIL = DELETE_FIELDS, CREATE_FIELDS };
enum { LIST_PRINCIPAL, LIST_ROLE, LIST_TENANT, LIST_LIMIT, LIST_CURSOR, LIST_FIELDS };

static const struct wire_field create_fields[CREATE_FIELDS] = {
	[PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[ROLE] = WIRE_FIELD("role", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[AT] = WIRE_FIELD("at", WIRE_KIND_TEXTS, 0),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[UNTIL] = WIRE_FIELD("until", WIRE_KIND_TIME, 0),
};

static const struct wire_field list_fields[LIST_FIELDS] = {
	[LIST_PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[LIST_ROLE] = WIRE_FIELD("role", WIRE_KIND_TEXT, 0),
	[LIST_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[LIST_LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[LIST_CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* Both lists are sorted and without duplicates. */
static bool same_places(struct store_list a, struct store_list b)
{
	return a.count == b.count && a.size == b.size &&
	       (a.size == 0 || memcmp(a.ptr, b.ptr, a.size) == 0);
}

static bool is_over(const struct call *call, const struct store_assignment *assignment)
{
	return assignment->until != 0 && call->now >= assignment->until;
}

/* --- creation --------------------------------------------------------------------------------- */

/* The new assignment must neither exist already nor be exclusive with another one. */
static int check_held(struct call *call, const struct store_principal *principal,
	const struct store_assignment *new)
{
	struct store_list left = principal->assignments;
	struct store_assignment held;
	uint32_t number =
		stored_roles_find(call->snapshot, principal->tenant, new->role, new->stored);
	int r = check_exclusive(call, number, number);

	while (r == 0 && store_assignment_next(&left, &held)) {
		uint32_t other = stored_roles_find(
			call->snapshot, principal->tenant, held.role, held.stored);

		if (is_over(call, &held)) {
			continue;
		}
		if (pol_str_equal(held.role, new->role) && held.stored == new->stored) {
			if (same_places(held.places, new->places)) {
				return call_error(call, "conflict",
					"the principal holds that role there already");
			}
		} else if (other != POL_NONE) {
			r = check_exclusive(call, other, number);
		}
	}
	return r;
}

/* Stores the record without assignments that have ended, and with the new one. */
static int add(
	struct call *call, struct store_principal *principal, const struct store_assignment *new)
{
	uint8_t bytes[STORE_MAX_RECORD];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	struct store_list left = principal->assignments;
	struct store_principal before;
	struct store_assignment held;
	uint32_t places = new->places.count;
	bool fits = true;
	int r;

	while (fits && store_assignment_next(&left, &held)) {
		if (!is_over(call, &held)) {
			places += held.places.count;
			fits = store_assignment_add(&pack, &held);
		}
	}
	if (!fits || !store_assignment_add(&pack, new) || pack.count > STORE_MAX_ASSIGNMENTS ||
		places > STORE_MAX_PLACES) {
		return call_error(call, "limit_reached",
			"a principal holds at most %d assignments with %d places altogether",
			STORE_MAX_ASSIGNMENTS, STORE_MAX_PLACES);
	}
	before = *principal;
	principal->assignments = store_pack_list(&pack);
	r = escalation_check_principal(call, &before, principal);
	if (r != 0) {
		return r;
	}
	r = audit_put_principal(call->change, principal);
	if (r == -E2BIG) {
		return call_error(call, "limit_reached",
			"the principal's record has no room for another assignment");
	}
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	record_encode_assignment(call, principal, new);
	return 0;
}

static int create(struct call *call)
{
	const struct wire_value *params = call->params;
	uint8_t places[CHECK_PLACES_SIZE];
	struct store_pack pack = { .bytes = places, .cap = sizeof places };
	struct store_principal principal;
	struct store_assignment new = {
		.role = subject_str(params[ROLE].text),
		.until = params[UNTIL].given ? params[UNTIL].integer : 0,
		.created_at = call->now,
		.created_by = pol_str_of(call->change->actor),
	};
	uint32_t number, tenant;
	int r = actor_may(call, "assignments", (struct pol_str){ NULL, 0 }, "create");

	if (r == 0) {
		r = check_tenant(call, &params[TENANT], &tenant);
	}
	if (r == 0) {
		r = check_role(call, "role", tenant, new.role, &number);
	}
	if (r == 0) {
		new.stored = pol_stored_number(call->snapshot, number);
	}
	if (r == 0 && params[AT].given) {
		r = check_places(call, &params[AT], true, &pack);
		new.places = store_pack_list(&pack);
	}
	if (r == 0 && params[UNTIL].given && new.until <= call->now) {
		r = call_invalid(call, "until", "is past");
	}
	if (r == 0) {
		r = principals_find(call, &params[PRINCIPAL], &params[TENANT], &principal);
	}
	if (r == 0) {
		r = check_held(call, &principal, &new);
	}
	return r != 0 ? r : add(call, &principal, &new);
}

/* --- deletion --------------------------------------------------------------------------------- */

/* Is this one to be deleted? `at` NULL: all of that role. */
static bool matches(
	const struct call *call, const struct store_assignment *held, const struct store_list *at)
{
	return pol_str_equal(held->role, subject_str(call->params[ROLE].text)) &&
	       (at == NULL || same_places(held->places, *at));
}

/* Answers with the assignments that are deleted. */
static void answer_deleted(
	struct call *call, const struct store_principal *principal, const struct store_list *at)
{
	struct store_list assignments = principal->assignments;
	struct store_assignment held;
	size_t map, items;
	uint32_t deleted = 0;

	wire_put_result(call->out, call->id);
	map = wire_open_map(call->out);
	wire_put_str(call->out, WIRE_STR("items"));
	items = wire_open_array(call->out);
	while (store_assignment_next(&assignments, &held)) {
		if (matches(call, &held, at)) {
			record_encode_assignment(call, principal, &held);
			deleted++;
		}
	}
	wire_close_array(call->out, items, deleted);
	wire_close_map(call->out, map, 1);
}

/* Deletes the matching assignments. If one of them denied something, the principal gains. */
static int delete_matching(
	struct call *call, struct store_principal *principal, const struct store_list *at)
{
	uint8_t bytes[STORE_MAX_RECORD];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_principal before = *principal;
	struct store_list left = before.assignments;
	struct store_assignment held;
	bool deleted = false;
	int r;

	while (store_assignment_next(&left, &held)) {
		if (matches(call, &held, at)) {
			deleted = true;
		} else if (!store_assignment_add(&pack, &held)) {
			return -EBADMSG;
		}
	}
	if (!deleted) {
		return call_error(
			call, "not_found", "the principal has no such assignment of that role");
	}
	principal->assignments = store_pack_list(&pack);
	r = escalation_check_principal(call, &before, principal);
	if (r != 0) {
		return r;
	}
	/* Before the record is stored: the old ones are views into it. */
	answer_deleted(call, &before, at);
	return audit_put_principal(call->change, principal);
}

/* Without `at` all assignments of the role are deleted. The policy need not have the role or the
 * places any more. */
static int delete (struct call *call)
{
	const struct wire_value *params = call->params;
	uint8_t places[CHECK_PLACES_SIZE];
	struct store_pack pack = { .bytes = places, .cap = sizeof places };
	struct store_principal principal;
	struct store_list at;
	int r = actor_may(call, "assignments", (struct pol_str){ NULL, 0 }, "delete");

	if (r == 0) {
		r = principals_find(call, &params[PRINCIPAL], &params[TENANT], &principal);
	}
	if (r == 0 && params[AT].given) {
		r = check_places(call, &params[AT], false, &pack);
	}
	if (r != 0) {
		return r;
	}
	at = store_pack_list(&pack);
	return delete_matching(call, &principal, params[AT].given ? &at : NULL);
}

/* --- lists ------------------------------------------------------------------------------------ */

/* A cursor is one byte, the number of the principal's assignments that were visited, and its id. */
struct listing {
	struct list list;
	struct pol_str role; /* empty: any */
};

/* Lists the assignments of one principal from number `skip` on. 1: the page is full. */
static int list_one(struct listing *listing, const struct store_principal *principal, uint32_t skip)
{
	struct store_list left = principal->assignments;
	struct store_assignment held;
	char cursor[LIST_MAX_CURSOR];

	memcpy(cursor + 1, principal->id.ptr, principal->id.len);
	for (uint32_t i = 0; store_assignment_next(&left, &held); i++) {
		bool item = listing->role.len == 0 || pol_str_equal(held.role, listing->role);

		if (i < skip) {
			continue;
		}
		if (!list_has_room(&listing->list)) {
			return 1;
		}
		if (item) {
			record_encode_assignment(listing->list.call, principal, &held);
		}
		cursor[0] = (char)(i + 1);
		list_visited(
			&listing->list, (struct pol_str){ cursor, principal->id.len + 1 }, item);
	}
	return 0;
}

static int on_holder(void *context, const struct store_principal *principal)
{
	return list_one((struct listing *)context, principal, 0);
}

/* Lists what the files assign to a principal that they declare, which the store does not have. */
static void list_declared(struct listing *listing, uint32_t number)
{
	struct list *list = &listing->list;
	const struct pol_snapshot *snapshot = list->call->snapshot;
	struct pol_held held[POL_PRINCIPAL_ROLES];
	size_t count = pol_snapshot_principal_held(snapshot, number, list->call->now, held);
	char cursor;

	for (size_t i = list->cursor_len > 0 ? list->cursor[0] : 0; i < count; i++) {
		struct pol_str role = held[i].role != POL_NONE
					      ? pol_snapshot_role_name(snapshot, held[i].role)
					      : (struct pol_str){ NULL, 0 };
		bool item = role.len > 0 &&
			    (listing->role.len == 0 || pol_str_equal(role, listing->role));

		if (!list_has_room(list)) {
			return;
		}
		if (item) {
			record_encode_held(list->call, number, &held[i]);
		}
		cursor = (char)(i + 1);
		list_visited(list, (struct pol_str){ &cursor, 1 }, item);
	}
}

static int list_all(struct call *call, struct listing *listing, uint32_t tenant)
{
	const struct wire_value *params = call->params;
	struct list *list = &listing->list;
	struct store_principal principal;
	char last[LIST_MAX_CURSOR];
	struct pol_str id = { NULL, 0 };
	uint32_t skip = 0;
	int r = 0;

	if (list->cursor_len > 0) {
		skip = list->cursor[0];
		memcpy(last, list->cursor + 1, list->cursor_len - 1);
		id = (struct pol_str){ last, list->cursor_len - 1 };
	}
	if (params[LIST_PRINCIPAL].given) {
		id = subject_str(params[LIST_PRINCIPAL].text);
	}
	/* The principal at which the last page ended; it may be deleted by now. */
	if (id.len > 0) {
		r = store_get_principal(call->read, tenant, id, &principal);
		r = r == 0 ? list_one(listing, &principal, skip) : r;
		r = r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	if (r == 0 && !params[LIST_PRINCIPAL].given) {
		r = store_list_holders(call->read, tenant, listing->role, id, on_holder, listing);
	}
	return r < 0 ? r : 0;
}

/* *out_declared: the number of the requested principal if the files declare it, else POL_NONE. */
static int check_list(struct call *call, uint32_t *out_tenant, uint32_t *out_declared)
{
	const struct wire_value *params = call->params;
	struct store_principal principal;
	int r = actor_may(call, "assignments", (struct pol_str){ NULL, 0 }, "list");

	if (r == 0 && !params[LIST_PRINCIPAL].given && !params[LIST_ROLE].given) {
		r = call_invalid(call, "principal", "missing: give a principal or a role");
	}
	if (r == 0 && params[LIST_ROLE].given &&
		(params[LIST_ROLE].text.len == 0 || params[LIST_ROLE].text.len > STORE_MAX_NAME)) {
		r = call_invalid(call, "role", "names no role");
	}
	if (r == 0) {
		r = check_tenant(call, &params[LIST_TENANT], out_tenant);
	}
	*out_declared = POL_NONE;
	if (r == 0 && params[LIST_PRINCIPAL].given && *out_tenant == STORE_TENANT_DEFAULT) {
		*out_declared = pol_snapshot_principal(
			call->snapshot, subject_str(params[LIST_PRINCIPAL].text));
	}
	if (r == 0 && params[LIST_PRINCIPAL].given && *out_declared == POL_NONE) {
		r = principals_find(
			call, &params[LIST_PRINCIPAL], &params[LIST_TENANT], &principal);
	}
	return r;
}

static int list(struct call *call)
{
	const struct wire_value *params = call->params;
	struct listing listing = { .role = { NULL, 0 } };
	uint32_t tenant, declared;
	int r = check_list(call, &tenant, &declared);

	if (r == 0) {
		r = list_begin(&listing.list, call, &params[LIST_LIMIT], &params[LIST_CURSOR]);
	}
	if (r != 0) {
		return r;
	}
	if (params[LIST_ROLE].given) {
		listing.role = subject_str(params[LIST_ROLE].text);
	}
	if (declared != POL_NONE) {
		list_declared(&listing, declared);
	} else {
		r = list_all(call, &listing, tenant);
	}
	return r < 0 ? r : list_end(&listing.list);
}

#define CHANGES (METHOD_CHANGES | METHOD_MANAGES | METHOD_TOKEN)

const struct method assignments_methods[] = {
	{ "assignments.create", create_fields, CREATE_FIELDS, CHANGES, create },
	{ "assignments.delete", create_fields, DELETE_FIELDS, CHANGES | METHOD_ENDS, delete },
	{ "assignments.list", list_fields, LIST_FIELDS, METHOD_MANAGES | METHOD_TOKEN, list },
};
const size_t assignments_method_count = sizeof assignments_methods / sizeof assignments_methods[0];
