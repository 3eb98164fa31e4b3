/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/decide/subject_internal.h"
#include "daemon/keys/principal_cache.h"
#include "daemon/load/stored_roles.h"

_Static_assert(POL_PRINCIPAL_ROLES <= STORE_MAX_ASSIGNMENTS, "held holds either");

/* A place is counted as if it were longer by what beginning a comparison takes. */
enum { PLACE_BEGIN = 16 };

void subject_count_place(struct subject *subject, struct pol_str place)
{
	subject->place_bytes += PLACE_BEGIN + (uint32_t)place.len;
}

/* --- what is held ----------------------------------------------------------------------------- */

/* Copies the places of an assignment into the subject. False: they do not fit, so the record was
 * not written by this daemon. */
static bool add_places(struct subject *subject, struct store_list places, struct pol_held *held)
{
	struct pol_str place;

	held->places = &subject->places[subject->place_count];
	held->place_count = 0;
	while (store_list_next(&places, &place)) {
		if (subject->place_count == SUBJECT_MAX_PLACES) {
			return false;
		}
		subject->places[subject->place_count++] = place;
		subject_count_place(subject, place);
		held->place_count++;
	}
	return true;
}

/* Takes the record's roles and their places, without those that have ended. */
int subject_take_assignments(
	struct call *call, const struct store_principal *principal, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;
	struct store_list left = principal->assignments;
	struct store_assignment assignment;

	while (store_assignment_next(&left, &assignment)) {
		struct pol_held *held = &subject->held[facts->held_count];

		if (assignment.until != 0 && call->now >= assignment.until) {
			continue;
		}
		if (facts->held_count == SUBJECT_MAX_HELD ||
			!add_places(subject, assignment.places, held)) {
			return -EBADMSG;
		}
		held->role = stored_roles_find(
			call->snapshot, principal->tenant, assignment.role, assignment.stored);
		held->until = assignment.until;
		facts->held_count++;
	}
	facts->held = subject->held;
	return 0;
}

/* The attributes that are facts of the policy. */
static void take_attributes(
	struct call *call, const struct store_principal *principal, struct subject *subject)
{
	if (principal->attributes.count == 0) {
		return;
	}
	attributes_read(call->snapshot, principal->attributes, &subject->attributes);
	if (subject->attributes.given.count > 0) {
		subject->facts.attributes = &subject->attributes.given;
	}
}

static void take_principal(struct subject *subject, uint32_t flags)
{
	struct pol_facts *facts = &subject->facts;
	bool no_api = facts->key_state != POL_KEY_MISSING && (flags & STORE_PRINCIPAL_NO_API) != 0;
	bool disabled = (flags & STORE_PRINCIPAL_DISABLED) != 0;

	subject->known_principal = true;
	facts->principal_kind =
		(flags & STORE_PRINCIPAL_SERVICE) != 0 ? POL_KIND_SERVICE : POL_KIND_USER;
	facts->principal_state = disabled || no_api ? POL_PRINCIPAL_INACTIVE : POL_PRINCIPAL_ACTIVE;
}

void subject_take_state(struct subject *subject, const struct principal_state *state)
{
	struct pol_facts *facts = &subject->facts;

	take_principal(subject, state->flags);
	for (uint32_t i = 0; i < state->role_count; i++) {
		subject->held[i] = (struct pol_held){ .role = state->roles[i] };
	}
	facts->held_count = state->role_count;
	facts->held = subject->held;
}

/* What was found out about the principal before, if nothing has changed it since. */
static bool recall(
	struct call *call, const struct principal_cache_key *key, struct subject *subject)
{
	struct principal_state state;

	if (!principal_cache_find(
		    call->context->principal_cache, key, &state, &subject->principal_ref)) {
		return false;
	}
	subject_take_state(subject, &state);
	return true;
}

/* Keeps what depends on neither time nor place, of a principal without attributes that are facts.
 */
static void remember(struct call *call, const struct principal_cache_key *key,
	const struct store_principal *principal, struct subject *subject)
{
	struct principal_state state = { .flags = principal->flags };
	struct store_list left = principal->assignments;
	struct store_assignment assignment;

	if (left.count > PRINCIPAL_CACHE_ROLES || subject->facts.attributes != NULL) {
		return;
	}
	while (store_assignment_next(&left, &assignment)) {
		if (assignment.until != 0 || assignment.places.count > 0) {
			return;
		}
		state.roles[state.role_count] = subject->held[state.role_count].role;
		state.role_count++;
	}
	subject->principal_ref =
		principal_cache_put(call->context->principal_cache, key, &state, call->view);
}

/* --- principals ------------------------------------------------------------------------------- */

static void take_declared(struct call *call, uint32_t number, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;

	subject->known_principal = true;
	facts->principal = pol_snapshot_principal_id(call->snapshot, number);
	facts->tenant = STORE_TENANT_DEFAULT;
	facts->declared = true;
	facts->principal_kind = POL_KIND_SERVICE; /* as its record says */
	facts->principal_state = POL_PRINCIPAL_ACTIVE;
	facts->held_count = (uint32_t)pol_snapshot_principal_held(
		call->snapshot, number, call->now, subject->held);
	facts->held = subject->held;
	facts->attributes = pol_snapshot_principal_attributes(call->snapshot, number);
}

/* The store's principals, then those that the files declare, who are of tenant `default`. */
int subject_take_principal(
	struct call *call, uint32_t tenant, struct pol_str id, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;
	struct principal_cache_key key;
	struct store_principal principal;
	uint32_t declared;
	bool keeps = call->view != 0 && principal_cache_key_make(call->serial, tenant, id, &key);
	int r;

	facts->principal = id;
	facts->tenant = tenant;
	if (keeps && recall(call, &key, subject)) {
		return subject_take_all(call, tenant, subject);
	}
	facts->principal_state = POL_PRINCIPAL_UNKNOWN;
	r = store_get_principal(call->read, tenant, id, &principal);
	if (r == 0) {
		call->cost += (principal.assignments.size + principal.attributes.size) /
			      SUBJECT_RECORD_BYTES;
		take_principal(subject, principal.flags);
		r = subject_take_assignments(call, &principal, subject);
		take_attributes(call, &principal, subject);
		if (r == 0 && keeps) {
			remember(call, &key, &principal, subject);
		}
		return r < 0 ? r : subject_take_all(call, tenant, subject);
	}
	/* An altered record is nobody; the files do not take its place. */
	if (r != -ENOENT) {
		return r == -EBADMSG ? 0 : r;
	}
	declared = tenant == STORE_TENANT_DEFAULT ? pol_snapshot_principal(call->snapshot, id)
						  : POL_NONE;
	if (declared != POL_NONE) {
		take_declared(call, declared, subject);
		return subject_take_all(call, tenant, subject);
	}
	return 0;
}

/* --- keys ------------------------------------------------------------------------------------- */

static int take_narrowing(struct call *call, struct subject *subject)
{
	const struct store_key *key = &subject->key;
	struct pol_facts *facts = &subject->facts;
	struct store_list scopes = key->scopes, places = key->places;
	struct pol_str text;

	if (scopes.count > STORE_MAX_LIST || places.count > STORE_MAX_LIST ||
		key->network_count > STORE_MAX_LIST) {
		return -EBADMSG;
	}
	facts->narrowed_by_scopes = (key->flags & STORE_KEY_HAS_SCOPES) != 0;
	facts->narrowed = facts->narrowed_by_scopes || (key->flags & STORE_KEY_HAS_PLACES) != 0;
	while (store_list_next(&scopes, &text)) {
		subject->scopes[facts->scope_count++] = pol_snapshot_scope(call->snapshot, text);
	}
	while (store_list_next(&places, &text)) {
		subject->key_places[facts->key_place_count++] = text;
		subject_count_place(subject, text);
	}
	for (uint32_t i = 0; i < key->network_count; i++) {
		const uint8_t *network = key->networks + (size_t)i * STORE_NETWORK;

		memcpy(subject->networks[i].bytes, network, STORE_NETWORK - 1);
		subject->networks[i].bits = network[STORE_NETWORK - 1];
	}
	facts->scopes = subject->scopes;
	facts->key_places = subject->key_places;
	facts->key_networks = subject->networks;
	facts->key_network_count = key->network_count;
	return 0;
}

static int take_roles(struct call *call, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;
	struct store_list roles = subject->key.roles;
	struct pol_str item;

	while (store_list_next(&roles, &item)) {
		uint64_t stored;
		struct pol_str name = store_role_split(item, &stored);

		if (facts->held_count == STORE_MAX_ASSIGNMENTS) {
			return -EBADMSG;
		}
		subject->held[facts->held_count++] = (struct pol_held){
			.role = stored_roles_find(call->snapshot, subject->key.tenant, name, stored)
		};
	}
	facts->held = subject->held;
	return 0;
}

int subject_take_key(struct call *call, struct subject *subject)
{
	const struct store_key *key = &subject->key;
	int r = take_narrowing(call, subject);

	subject->facts.key = key->kid;
	subject->facts.tenant = key->tenant;
	subject->facts.binding = (enum pol_binding)key->binding;
	if (r == 0 && key->binding == POL_BOUND_TO_PRINCIPAL) {
		r = subject_take_principal(call, key->tenant, key->principal, subject);
	} else if (r == 0 && key->binding == POL_BOUND_TO_ROLES) {
		r = take_roles(call, subject);
	}
	if (r == 0 && key->binding != POL_BOUND_TO_PRINCIPAL) {
		r = subject_take_everyone(call, key->tenant, STORE_EVERY_CALLER, subject);
	}
	return r;
}

/* --- who is looked at ------------------------------------------------------------------------- */

void subject_begin(struct call *call, struct subject *out)
{
	out->facts = (struct pol_facts){ .now = call->now };
	out->verified = false;
	out->known_principal = false;
	out->by_other = false;
	out->place_count = 0;
	out->place_bytes = 0;
	out->principal_ref = PRINCIPAL_REF_NONE;
}

int subject_describe_key(struct call *call, const struct store_key *key, struct subject *out)
{
	int r;

	subject_begin(call, out);
	out->key = *key;
	out->facts.environment = key->environment;
	out->facts.key_state = POL_KEY_ACTIVE;
	out->facts.tenant_name = subject_tenant_name(call, key->tenant);
	r = subject_take_key(call, out);
	if (out->known_principal) {
		out->facts.principal_state = POL_PRINCIPAL_ACTIVE;
	}
	return r;
}

int subject_look_at_key(struct call *call, const struct store_key *key, struct subject *out)
{
	subject_begin(call, out);
	out->key = *key;
	out->facts.environment = key->environment;
	out->facts.key_state = subject_marked_state(call, key);
	return subject_take_key(call, out);
}

int subject_describe_principal(
	struct call *call, const struct store_principal *principal, struct subject *out)
{
	int r;

	subject_begin(call, out);
	out->facts.principal = principal->id;
	out->facts.tenant = principal->tenant;
	out->facts.tenant_name = subject_tenant_name(call, principal->tenant);
	take_principal(out, principal->flags);
	out->facts.principal_state = POL_PRINCIPAL_ACTIVE;
	out->known_principal = true;
	take_attributes(call, principal, out);
	r = subject_take_assignments(call, principal, out);
	return r < 0 ? r : subject_take_all(call, principal->tenant, out);
}

int subject_describe_narrowed(struct call *call, const struct store_principal *principal,
	const struct store_key *key, struct subject *out)
{
	int r = subject_describe_principal(call, principal, out);

	if (r < 0) {
		return r;
	}
	out->key = *key;
	out->facts.environment = key->environment;
	out->facts.key_state = POL_KEY_ACTIVE;
	out->facts.key = key->kid;
	out->facts.binding = POL_BOUND_TO_PRINCIPAL;
	return take_narrowing(call, out);
}

int subject_describe_declared(struct call *call, uint32_t number, struct subject *out)
{
	subject_begin(call, out);
	take_declared(call, number, out);
	return subject_take_all(call, STORE_TENANT_DEFAULT, out);
}
