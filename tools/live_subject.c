/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/snapshot/stored.h"
#include "policy/text/timetext.h"
#include "tools/live_internal.h"

/* What a principal or key holds, by one policy. */
struct holding {
	struct pol_facts facts;
	struct pol_held *held;
	struct pol_str *places; /* of the key */
	uint32_t *scopes;
};

/* The number of a role that a record names. A role of the store keeps its name when the files
 * declare it too; of an assignment to one that is shadowed already the record says so. */
static uint32_t find_role(
	const struct live *live, int side, const char *name, bool record_is_shadowed)
{
	const struct pol_snapshot *snapshot = live->sides[side];
	uint32_t declared = pol_snapshot_role(live->policies[side].snapshot, pol_str_of(name));
	uint32_t declared_before = pol_snapshot_role(live->policies[0].snapshot, pol_str_of(name));
	uint64_t number;
	uint32_t stored = pol_stored_named(snapshot, LIVE_TENANT, pol_str_of(name), &number);

	if (stored != POL_NONE && (declared_before == POL_NONE || record_is_shadowed)) {
		return stored;
	}
	return declared;
}

static struct pol_str *read_places(struct app *app, const json_t *array, uint32_t *out_count)
{
	size_t count = json_array_size(array);
	struct pol_str *places = pol_arena_alloc(&app->arena, count, sizeof *places);

	*out_count = places != NULL ? (uint32_t)count : 0;
	for (size_t i = 0; i < *out_count; i++) {
		places[i] = pol_str_of(json_string_value(json_array_get(array, i)));
	}
	return places;
}

/* Adds assignments to out->held, which has room for them. */
static void add_assignments(
	const struct live *live, int side, const json_t *assignments, struct holding *out)
{
	for (size_t i = 0; out->held != NULL && i < json_array_size(assignments); i++) {
		const json_t *item = json_array_get(assignments, i);
		struct pol_held *held = &out->held[out->facts.held_count++];

		held->role = find_role(live, side, live_text(item, "role"),
			json_is_true(json_object_get(item, "shadowed")));
		held->places =
			read_places(live->app, json_object_get(item, "at"), &held->place_count);
		(void)pol_timetext_parse(pol_str_of(live_text(item, "until")), &held->until);
	}
}

/* Makes room for `count` roles of the subject itself, and for those that all hold. */
static void make_room(const struct live *live, size_t count, struct holding *out)
{
	count += json_array_size(live->all[POL_HOLDER_EVERYONE]) +
		 json_array_size(live->all[POL_HOLDER_ANYONE]);
	out->held = pol_arena_alloc(&live->app->arena, count, sizeof *out->held);
	out->facts.held = out->held;
}

/* After what the subject holds itself: what every principal holds, if it is one, and every caller.
 */
static void add_all(const struct live *live, int side, bool is_principal, struct holding *out)
{
	struct pol_facts *facts = &out->facts;
	uint32_t own = facts->held_count;

	if (is_principal) {
		add_assignments(live, side, live->all[POL_HOLDER_EVERYONE], out);
		facts->everyone_count = (uint16_t)(facts->held_count - own);
		own = facts->held_count;
	}
	add_assignments(live, side, live->all[POL_HOLDER_ANYONE], out);
	facts->anyone_count = (uint16_t)(facts->held_count - own);
}

/* What a principal holds. */
static void hold_assignments(
	const struct live *live, int side, const json_t *assignments, struct holding *out)
{
	make_room(live, json_array_size(assignments), out);
	add_assignments(live, side, assignments, out);
	add_all(live, side, true, out);
}

/* The roles of a key that has its own. */
static void hold_roles(const struct live *live, int side, const json_t *roles, struct holding *out)
{
	size_t count = json_array_size(roles);

	make_room(live, count, out);
	out->facts.held_count = out->held != NULL ? (uint32_t)count : 0;
	for (uint32_t i = 0; i < out->facts.held_count; i++) {
		out->held[i].role =
			find_role(live, side, json_string_value(json_array_get(roles, i)), false);
	}
	add_all(live, side, false, out);
}

/* Notes the first two roles that exclude each other after the change and did not before. */
static void check_exclusive(
	struct live *live, const char *holder, const char *id, const struct holding both[2])
{
	const struct pol_facts *facts = &both[1].facts;

	for (uint32_t i = 0; i < facts->held_count; i++) {
		for (uint32_t k = i + 1; k < facts->held_count; k++) {
			const uint32_t members[2] = { facts->held[i].role, facts->held[k].role };

			if (pol_snapshot_exclusive(live->sides[1], members[0], members[1]) !=
					POL_NONE &&
				pol_snapshot_exclusive(live->sides[0], both[0].held[i].role,
					both[0].held[k].role) == POL_NONE) {
				live_add_exclusive(live, holder, id, members);
				return;
			}
		}
	}
}

static enum pol_status compare(
	struct live *live, enum pol_compared kind, const char *id, const struct holding both[2])
{
	struct pol_difference difference;
	enum pol_status status = pol_compare_subject(
		live->compare, &both[0].facts, &both[1].facts, live->app->now, &difference);

	difference.kind = kind;
	difference.name = pol_str_of(id);
	if (status == POL_OK && difference.count > 0) {
		differences_show(live->differences, &difference);
	}
	return status;
}

/* What conditions read of the principal itself. */
static void describe_principal(
	const struct live *live, int side, const char *principal, struct pol_facts *out)
{
	const struct pol_snapshot *snapshot = live->policies[side].snapshot;
	const json_t *record = json_object_get(live->records, principal);

	out->principal = pol_str_of(principal);
	out->tenant_name = pol_str_of(live->tenant);
	out->principal_kind = POL_KIND_USER;
	if (record == NULL) {
		out->principal_kind = POL_KIND_SERVICE; /* the policy declares it */
		out->attributes = pol_snapshot_principal_attributes(
			snapshot, pol_snapshot_principal(snapshot, pol_str_of(principal)));
		return;
	}
	if (strcmp(live_text(record, "kind"), "service") == 0) {
		out->principal_kind = POL_KIND_SERVICE;
	}
	out->attributes = live_attributes(live->app, snapshot, record);
}

enum pol_status live_compare_principal(struct live *live, const char *id, const json_t *assignments)
{
	struct holding both[2] = { 0 };

	for (int side = 0; side < 2; side++) {
		both[side].facts.key_state = POL_KEY_MISSING;
		both[side].facts.principal_state = POL_PRINCIPAL_ACTIVE;
		describe_principal(live, side, id, &both[side].facts);
		hold_assignments(live, side, assignments, &both[side]);
	}
	check_exclusive(live, "principal", id, both);
	return compare(live, POL_COMPARED_PRINCIPAL, id, both);
}

enum pol_status live_compare_all(struct live *live, enum pol_holder holder)
{
	bool principals = holder == POL_HOLDER_EVERYONE;
	struct holding both[2] = { 0 };

	if (json_array_size(live->all[holder]) == 0) {
		return POL_OK;
	}
	for (int side = 0; side < 2; side++) {
		both[side].facts.key_state = POL_KEY_MISSING;
		both[side].facts.principal_state =
			principals ? POL_PRINCIPAL_ACTIVE : POL_PRINCIPAL_NONE;
		make_room(live, 0, &both[side]);
		add_all(live, side, principals, &both[side]);
	}
	return compare(live, POL_COMPARED_PRINCIPAL,
		principals ? "every principal" : "every caller", both);
}

/* The roles of the key's principal, which the files may declare. */
static void hold_principal(
	const struct live *live, int side, const char *principal, struct holding *out)
{
	const struct pol_snapshot *snapshot = live->policies[side].snapshot;
	uint32_t number = pol_snapshot_principal(snapshot, pol_str_of(principal));
	const json_t *assignments = json_object_get(live->held, principal);

	out->facts.binding = POL_BOUND_TO_PRINCIPAL;
	out->facts.principal_state = POL_PRINCIPAL_ACTIVE;
	describe_principal(live, side, principal, &out->facts);
	if (assignments != NULL) {
		hold_assignments(live, side, assignments, out);
	} else if (number != POL_NONE) {
		make_room(live, POL_PRINCIPAL_ROLES, out);
		out->facts.held_count = out->held != NULL
						? (uint32_t)pol_snapshot_principal_held(snapshot,
							  number, live->app->now, out->held)
						: 0;
		add_all(live, side, true, out);
	} else {
		/* Its keys are not valid until the files declare it again. */
		out->facts.principal_state = POL_PRINCIPAL_INACTIVE;
	}
}

static void hold_key(const struct live *live, int side, const json_t *key, struct holding *out)
{
	const struct pol_snapshot *snapshot = live->policies[side].snapshot;
	const json_t *scopes = json_object_get(key, "scopes");
	const json_t *roles = json_object_get(key, "roles");
	const char *principal = live_text(key, "principal");
	size_t count = json_array_size(scopes);

	out->facts.key_state = POL_KEY_ACTIVE;
	out->facts.tenant_name = pol_str_of(live->tenant);
	if (principal[0] != '\0') {
		hold_principal(live, side, principal, out);
	} else if (json_array_size(roles) > 0) {
		out->facts.binding = POL_BOUND_TO_ROLES;
		hold_roles(live, side, roles, out);
	} else {
		out->facts.binding = POL_BOUND_TO_SCOPES;
		make_room(live, 0, out);
		add_all(live, side, false, out);
	}
	out->places =
		read_places(live->app, json_object_get(key, "at"), &out->facts.key_place_count);
	out->facts.key_places = out->places;
	out->scopes = pol_arena_alloc(&live->app->arena, count, sizeof *out->scopes);
	out->facts.scopes = out->scopes;
	out->facts.scope_count = out->scopes != NULL ? (uint32_t)count : 0;
	for (uint32_t i = 0; i < out->facts.scope_count; i++) {
		out->scopes[i] = pol_snapshot_scope(
			snapshot, pol_str_of(json_string_value(json_array_get(scopes, i))));
	}
	out->facts.narrowed_by_scopes = count > 0;
	out->facts.narrowed = count > 0 || out->facts.key_place_count > 0;
}

enum pol_status live_compare_key(struct live *live, const json_t *key)
{
	struct holding both[2] = { 0 };
	const char *id = live_text(key, "id");

	if (strcmp(live_text(key, "status"), "revoked") == 0) {
		return POL_OK;
	}
	hold_key(live, 0, key, &both[0]);
	hold_key(live, 1, key, &both[1]);
	/* A key that is not narrowed may do what its principal may, which is shown already; but not
	 * that of one that the files no longer declare. */
	if (both[0].facts.binding == POL_BOUND_TO_PRINCIPAL && !both[0].facts.narrowed &&
		both[0].facts.principal_state == both[1].facts.principal_state) {
		return POL_OK;
	}
	if (both[0].facts.binding == POL_BOUND_TO_ROLES) {
		check_exclusive(live, "key", id, both);
	}
	return compare(live, POL_COMPARED_KEY, id, both);
}
