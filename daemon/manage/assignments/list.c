/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/manage/assignments/assignments.h"
#include "daemon/manage/check.h"
#include "daemon/manage/list.h"
#include "daemon/manage/principals/principals.h"
#include "daemon/manage/record.h"

enum { LIMIT = ASSIGNMENTS_FIELDS, CURSOR };

const struct wire_field assignments_list_fields[ASSIGNMENTS_LIST_FIELDS] = {
	[ASSIGNMENTS_PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[ASSIGNMENTS_EVERYONE] = WIRE_FIELD("everyone", WIRE_KIND_BOOL, 0),
	[ASSIGNMENTS_ANYONE] = WIRE_FIELD("anyone", WIRE_KIND_BOOL, 0),
	[ASSIGNMENTS_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[ASSIGNMENTS_ROLE] = WIRE_FIELD("role", WIRE_KIND_TEXT, 0),
	[LIMIT] = WIRE_FIELD("limit", WIRE_KIND_INT, 0),
	[CURSOR] = WIRE_FIELD("cursor", WIRE_KIND_TEXT, 0),
};

/* A cursor is one byte, the number of the holder's assignments that were visited, and its id. */
struct listing {
	struct list list;
	enum pol_holder holder; /* when `given` */
	bool given;
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

/* Those of every principal or of every caller, from number `skip` on. */
static int list_everyone(
	struct listing *listing, uint32_t tenant, enum store_everyone kind, uint32_t skip)
{
	struct call *call = listing->list.call;
	struct store_principal record;
	int r = store_get_everyone(call->read, tenant, kind, &record);

	/* An altered one says nothing; `audit.verify` and the log name it. */
	return r == 0 ? list_one(listing, &record, skip) : r == -ENOENT || r == -EBADMSG ? 0 : r;
}

/* A role's: those of every principal, of every caller, then of each principal that has it. `id` is
 * where the last page ended. */
static int list_role(struct listing *listing, uint32_t tenant, struct pol_str id, uint32_t skip)
{
	bool begun = id.len == 0;
	int r = 0;

	for (int kind = 0; r == 0 && kind < STORE_EVERYONE_KINDS; kind++) {
		bool here = pol_str_equal(id, store_everyone_id((enum store_everyone)kind));

		begun = begun || here;
		if (begun) {
			r = list_everyone(
				listing, tenant, (enum store_everyone)kind, here ? skip : 0);
		}
	}
	if (r != 0) {
		return r;
	}
	if (store_is_everyone(id)) {
		id.len = 0;
	}
	return store_list_holders(
		listing->list.call->read, tenant, listing->role, id, on_holder, listing);
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
	if (listing->given && listing->holder != POL_HOLDER_SUBJECT) {
		return list_everyone(listing, tenant, assignments_kind(listing->holder), skip);
	}
	if (listing->given) {
		id = subject_str(params[ASSIGNMENTS_PRINCIPAL].text);
	}
	/* The principal at which the last page ended; it may be deleted by now. */
	if (id.len > 0 && !store_is_everyone(id)) {
		r = store_get_principal(call->read, tenant, id, &principal);
		r = r == 0 ? list_one(listing, &principal, skip) : r;
		r = r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	if (r == 0 && !listing->given) {
		r = list_role(listing, tenant, id, skip);
	}
	return r;
}

/* *out_declared: the number of the requested principal if the files declare it, else POL_NONE. */
static int check_list(
	struct call *call, struct listing *listing, uint32_t *out_tenant, uint32_t *out_declared)
{
	const struct wire_value *params = call->params;
	const struct wire_value *role = &params[ASSIGNMENTS_ROLE];
	struct store_principal principal;
	bool of_principal;
	int r = actor_may(call, "assignments", (struct pol_str){ NULL, 0 }, "list");

	if (r == 0) {
		r = assignments_read_holder(call, &listing->holder, &listing->given);
	}
	if (r == 0 && !listing->given && !role->given) {
		r = call_invalid(
			call, "principal", "missing: give a principal, everyone, anyone or a role");
	}
	if (r == 0 && role->given && (role->text.len == 0 || role->text.len > STORE_MAX_NAME)) {
		r = call_invalid(call, "role", "names no role");
	}
	if (r == 0) {
		r = check_tenant(call, &params[ASSIGNMENTS_TENANT], out_tenant);
	}
	*out_declared = POL_NONE;
	of_principal = r == 0 && listing->given && listing->holder == POL_HOLDER_SUBJECT;
	if (of_principal && *out_tenant == STORE_TENANT_DEFAULT) {
		*out_declared = pol_snapshot_principal(
			call->snapshot, subject_str(params[ASSIGNMENTS_PRINCIPAL].text));
	}
	if (of_principal && *out_declared == POL_NONE) {
		r = principals_find(call, &params[ASSIGNMENTS_PRINCIPAL],
			&params[ASSIGNMENTS_TENANT], &principal);
	}
	return r;
}

int assignments_list(struct call *call)
{
	const struct wire_value *params = call->params;
	struct listing listing = { .role = { NULL, 0 } };
	uint32_t tenant, declared;
	int r = check_list(call, &listing, &tenant, &declared);

	if (r == 0) {
		r = list_begin(&listing.list, call, &params[LIMIT], &params[CURSOR]);
	}
	if (r != 0) {
		return r;
	}
	if (params[ASSIGNMENTS_ROLE].given) {
		listing.role = subject_str(params[ASSIGNMENTS_ROLE].text);
	}
	if (declared != POL_NONE) {
		list_declared(&listing, declared);
	} else {
		r = list_all(call, &listing, tenant);
	}
	return r < 0 ? r : list_end(&listing.list);
}
