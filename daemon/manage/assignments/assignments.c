/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/load/stored_roles.h"
#include "daemon/manage/assignments/assignments.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/record.h"
#include "daemon/write/audit.h"
#include "policy/snapshot/stored.h"

/*
 * An assignment is identified by its holder, its role and its places: a principal can hold a role
 * twice, at one place without an end and at another until Friday. Assignments are stored in the
 * principal's record, and those of every principal, or every caller, of a tenant in a record of
 * their own (store/everyone.c).
 */

enum { AT = ASSIGNMENTS_FIELDS, DELETE_FIELDS, UNTIL = DELETE_FIELDS, CREATE_FIELDS };

static const struct wire_field create_fields[CREATE_FIELDS] = {
	[ASSIGNMENTS_PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[ASSIGNMENTS_EVERYONE] = WIRE_FIELD("everyone", WIRE_KIND_BOOL, 0),
	[ASSIGNMENTS_ANYONE] = WIRE_FIELD("anyone", WIRE_KIND_BOOL, 0),
	[ASSIGNMENTS_TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[ASSIGNMENTS_ROLE] = WIRE_FIELD("role", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[AT] = WIRE_FIELD("at", WIRE_KIND_TEXTS, 0),
	[UNTIL] = WIRE_FIELD("until", WIRE_KIND_TIME, 0),
};

/* Whose assignments are changed. */
struct holder {
	enum pol_holder kind;
	struct store_principal record;
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

/* Finds the holder that the parameters name. 0; 1: refused; or a negative errno. */
static int find_holder(struct call *call, struct holder *out)
{
	bool given;
	int r = assignments_read_holder(call, &out->kind, &given);

	if (r == 0 && !given) {
		r = call_invalid(
			call, "principal", "missing: give a principal, everyone or anyone");
	}
	return r != 0 ? r : assignments_find(call, out->kind, &out->record);
}

/* --- creation --------------------------------------------------------------------------------- */

/* Is any role of the list exclusive with this one? */
static int check_list(struct call *call, const struct store_principal *record, uint32_t number)
{
	struct store_list left = record->assignments;
	struct store_assignment held;
	int r = 0;

	while (r == 0 && store_assignment_next(&left, &held)) {
		uint32_t other =
			stored_roles_find(call->snapshot, record->tenant, held.role, held.stored);

		if (!is_over(call, &held) && other != POL_NONE && other != number) {
			r = check_exclusive(call, other, number);
		}
	}
	return r;
}

/* What every principal and every caller holds, the principal holds too. */
static int check_everyone(struct call *call, uint32_t tenant, uint32_t number)
{
	int r = 0;

	for (int kind = 0; r == 0 && kind < STORE_EVERYONE_KINDS; kind++) {
		struct store_principal record;

		r = store_get_everyone(call->read, tenant, (enum store_everyone)kind, &record);
		r = r == 0 ? check_list(call, &record, number) : r == -ENOENT ? 0 : r;
	}
	return r;
}

/* A role of an exclusive set could meet another member of it in any principal, now or later. */
static int check_common(struct call *call, const struct holder *holder, uint32_t number)
{
	if (holder->kind == POL_HOLDER_ANYONE && !call->params[AT].given) {
		return call_invalid(call, "at",
			"missing: a role of every caller, known or not, is for places alone");
	}
	if (pol_snapshot_is_exclusive(call->snapshot, number)) {
		return call_error(call, "conflict",
			"role %.*s is, or inherits, a member of an exclusive set: %s cannot hold "
			"it, because a principal may hold another member",
			POL_STR_ARGS(pol_snapshot_role_name(call->snapshot, number)),
			assignments_holder_text(holder->kind));
	}
	return 0;
}

/* The new assignment must neither exist already nor be exclusive with another one. */
static int check_held(struct call *call, const struct holder *holder,
	const struct store_assignment *new, uint32_t number)
{
	const struct store_principal *record = &holder->record;
	struct store_list left = record->assignments;
	struct store_assignment held;
	int r = check_exclusive(call, number, number);

	while (r == 0 && store_assignment_next(&left, &held)) {
		if (!is_over(call, &held) && pol_str_equal(held.role, new->role) &&
			held.stored == new->stored && same_places(held.places, new->places)) {
			r = call_error(call, "conflict", "%s holds that role there already",
				assignments_holder_text(holder->kind));
		}
	}
	if (r != 0) {
		return r;
	}
	if (holder->kind != POL_HOLDER_SUBJECT) {
		return check_common(call, holder, number);
	}
	r = check_list(call, record, number);
	return r != 0 ? r : check_everyone(call, record->tenant, number);
}

static int check_gain(
	struct call *call, const struct holder *holder, const struct store_principal *before)
{
	return holder->kind == POL_HOLDER_SUBJECT
		       ? escalation_check_principal(call, before, &holder->record)
		       : escalation_check_everyone(
				 call, assignments_kind(holder->kind), before, &holder->record);
}

/* Stores the record without assignments that have ended, and with the new one. */
static int add(struct call *call, struct holder *holder, const struct store_assignment *new)
{
	uint8_t bytes[STORE_MAX_RECORD];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_principal before = holder->record;
	struct store_list left = before.assignments;
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
			"%s holds at most %d assignments with %d places altogether",
			holder->kind == POL_HOLDER_SUBJECT ? "a principal"
							   : assignments_holder_text(holder->kind),
			STORE_MAX_ASSIGNMENTS, STORE_MAX_PLACES);
	}
	holder->record.assignments = store_pack_list(&pack);
	r = check_gain(call, holder, &before);
	if (r == 0 && holder->kind != POL_HOLDER_SUBJECT) {
		r = escalation_check_membership(call,
			stored_roles_find(call->snapshot, before.tenant, new->role, new->stored));
	}
	if (r != 0) {
		return r;
	}
	r = audit_put_principal(call->change, &holder->record);
	if (r == -E2BIG) {
		return call_error(call, "limit_reached",
			"the record of %s has no room for another assignment",
			assignments_holder_text(holder->kind));
	}
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	record_encode_assignment(call, &holder->record, new);
	return 0;
}

static int refuse_altered(struct call *call, const struct holder *holder)
{
	return call_error(call, "conflict",
		"the record of what %s holds was altered outside of the daemon, and nothing is "
		"decided until it is deleted: as root, unassign any of its roles",
		assignments_holder_text(holder->kind));
}

/* The new assignment as the parameters say it, with the role's number. */
static int read_new(struct call *call, struct store_pack *places, struct store_assignment *out,
	uint32_t *out_number)
{
	const struct wire_value *params = call->params;
	uint32_t tenant;
	int r = check_tenant(call, &params[ASSIGNMENTS_TENANT], &tenant);

	*out = (struct store_assignment){
		.role = subject_str(params[ASSIGNMENTS_ROLE].text),
		.until = params[UNTIL].given ? params[UNTIL].integer : 0,
		.created_at = call->now,
		.created_by = pol_str_of(call->change->actor),
	};
	if (r == 0) {
		r = check_role(call, "role", tenant, out->role, out_number);
	}
	if (r == 0) {
		out->stored = pol_stored_number(call->snapshot, *out_number);
	}
	if (r == 0 && params[AT].given) {
		r = check_places(call, &params[AT], true, places);
		out->places = store_pack_list(places);
	}
	if (r == 0 && params[UNTIL].given && out->until <= call->now) {
		r = call_invalid(call, "until", "is past");
	}
	return r;
}

static int create(struct call *call)
{
	uint8_t places[CHECK_PLACES_SIZE];
	struct store_pack pack = { .bytes = places, .cap = sizeof places };
	struct store_assignment new;
	struct holder holder;
	uint32_t number;
	int r = actor_may(call, "assignments", (struct pol_str){ NULL, 0 }, "create");

	if (r == 0) {
		r = read_new(call, &pack, &new, &number);
	}
	if (r == 0) {
		r = find_holder(call, &holder);
		r = r == -EBADMSG ? refuse_altered(call, &holder) : r;
	}
	if (r == 0) {
		r = check_held(call, &holder, &new, number);
	}
	return r != 0 ? r : add(call, &holder, &new);
}

/* --- deletion --------------------------------------------------------------------------------- */

/* Is this one to be deleted? `at` NULL: all of that role. */
static bool matches(
	const struct call *call, const struct store_assignment *held, const struct store_list *at)
{
	return pol_str_equal(held->role, subject_str(call->params[ASSIGNMENTS_ROLE].text)) &&
	       (at == NULL || same_places(held->places, *at));
}

/* Answers with the assignments that are deleted. */
static void answer_deleted(
	struct call *call, const struct store_principal *record, const struct store_list *at)
{
	struct store_list assignments = record->assignments;
	struct store_assignment held;
	size_t map, items;
	uint32_t deleted = 0;

	wire_put_result(call->out, call->id);
	map = wire_open_map(call->out);
	wire_put_str(call->out, WIRE_STR("items"));
	items = wire_open_array(call->out);
	while (store_assignment_next(&assignments, &held)) {
		if (matches(call, &held, at)) {
			record_encode_assignment(call, record, &held);
			deleted++;
		}
	}
	wire_close_array(call->out, items, deleted);
	wire_close_map(call->out, map, 1);
}

/* What a role of all denied, another role may allow to any of them: the caller that ends it must
 * have all of that, everywhere. */
static int check_lifted(
	struct call *call, const struct store_principal *before, const struct store_list *at)
{
	struct store_list left = before->assignments;
	struct store_assignment held;
	int r = 0;

	while (r == 0 && store_assignment_next(&left, &held)) {
		if (matches(call, &held, at) && !is_over(call, &held)) {
			r = escalation_check_role(call,
				stored_roles_find(
					call->snapshot, before->tenant, held.role, held.stored),
				call->snapshot, POL_NONE);
		}
	}
	return r;
}

/* A record of every principal or every caller that has no assignment left is deleted. */
static int save(struct call *call, const struct holder *holder)
{
	if (holder->kind != POL_HOLDER_SUBJECT && holder->record.assignments.count == 0) {
		return audit_delete_principal(call->change, holder->record.tenant,
			store_everyone_id(assignments_kind(holder->kind)));
	}
	return audit_put_principal(call->change, &holder->record);
}

/* Deletes the matching assignments. If one of them denied something, the holder gains. */
static int delete_matching(struct call *call, struct holder *holder, const struct store_list *at)
{
	uint8_t bytes[STORE_MAX_RECORD];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_principal before = holder->record;
	struct store_list left = before.assignments;
	struct store_assignment held;
	bool deleted = false;
	int r = 0;

	while (store_assignment_next(&left, &held)) {
		if (matches(call, &held, at)) {
			deleted = true;
		} else if (!store_assignment_add(&pack, &held)) {
			return -EBADMSG;
		}
	}
	if (!deleted) {
		return call_error(call, "not_found", "%s has no such assignment of that role",
			assignments_holder_text(holder->kind));
	}
	holder->record.assignments = store_pack_list(&pack);
	r = check_gain(call, holder, &before);
	if (r == 0 && holder->kind != POL_HOLDER_SUBJECT) {
		r = check_lifted(call, &before, at);
	}
	if (r != 0) {
		return r;
	}
	/* Before the record is stored: the old ones are views into it. */
	answer_deleted(call, &before, at);
	return save(call, holder);
}

/* It is not known what an altered record denied, so a caller that may manage only some roles cannot
 * delete it. */
static int delete_altered(struct call *call, const struct holder *holder)
{
	const struct store_principal none = { .id = { NULL, 0 } };
	uint32_t tenant;
	int r;

	if (!actor_is_superuser(call)) {
		return refuse_altered(call, holder);
	}
	r = check_tenant(call, &call->params[ASSIGNMENTS_TENANT], &tenant);
	if (r != 0) {
		return r;
	}
	answer_deleted(call, &none, NULL);
	return audit_delete_principal(
		call->change, tenant, store_everyone_id(assignments_kind(holder->kind)));
}

/* Without `at` all assignments of the role are deleted. The policy need not have the role or the
 * places any more. */
static int delete (struct call *call)
{
	const struct wire_value *params = call->params;
	uint8_t places[CHECK_PLACES_SIZE];
	struct store_pack pack = { .bytes = places, .cap = sizeof places };
	struct holder holder;
	struct store_list at;
	int r = actor_may(call, "assignments", (struct pol_str){ NULL, 0 }, "delete");

	if (r == 0) {
		r = find_holder(call, &holder);
		if (r == -EBADMSG) {
			return delete_altered(call, &holder);
		}
	}
	if (r == 0 && params[AT].given) {
		r = check_places(call, &params[AT], false, &pack);
	}
	if (r != 0) {
		return r;
	}
	at = store_pack_list(&pack);
	return delete_matching(call, &holder, params[AT].given ? &at : NULL);
}

#define CHANGES (METHOD_CHANGES | METHOD_MANAGES | METHOD_TOKEN)

const struct method assignments_methods[] = {
	{ "assignments.create", create_fields, CREATE_FIELDS, CHANGES, create },
	{ "assignments.delete", create_fields, DELETE_FIELDS, CHANGES | METHOD_ENDS, delete },
	{ "assignments.list", assignments_list_fields, ASSIGNMENTS_LIST_FIELDS,
		METHOD_MANAGES | METHOD_TOKEN, assignments_list },
};
const size_t assignments_method_count = sizeof assignments_methods / sizeof assignments_methods[0];
