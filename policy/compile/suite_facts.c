/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/suite_fixture.h"

/* All principals and keys of a test belong to one tenant. */
#define TENANT 1

static void add_key(const struct pol_fixture *fixture, struct pol_facts *facts)
{
	facts->key = POL_STR("test");
	facts->wrong_environment = fixture->environment != 0;
	facts->narrowed_by_scopes = fixture->scopes_given;
	facts->narrowed = fixture->scopes_given || fixture->key_place_count > 0;
	facts->scopes = fixture->scopes;
	facts->scope_count = fixture->scope_count;
	facts->key_places = fixture->key_places;
	facts->key_place_count = fixture->key_place_count;
	if (fixture->principal_state != POL_PRINCIPAL_NONE) {
		facts->binding = POL_BOUND_TO_PRINCIPAL;
	} else if (fixture->scopes_given) {
		facts->binding = POL_BOUND_TO_SCOPES;
	} else {
		facts->binding = POL_BOUND_TO_ROLES;
	}
}

/* Adds the roles of a holder that have not ended to those of the facts; returns how many. */
static uint16_t add_roles(const struct pol_fixture *fixture, enum pol_holder holder,
	struct pol_held *held, struct pol_facts *facts)
{
	const struct pol_fixture_roles *roles = &fixture->held[holder];
	uint32_t before = facts->held_count;

	for (size_t i = 0; i < roles->count; i++) {
		if (roles->items[i].until == 0 || fixture->now < roles->items[i].until) {
			held[facts->held_count++] = roles->items[i].held;
		}
	}
	return (uint16_t)(facts->held_count - before);
}

/* Adds the roles to those of a peer, as the daemon does: every principal holds those of
 * everyone, and every caller those of anyone. */
static bool add_all_roles(struct pol_suite_builder *builder, struct pol_facts *facts)
{
	const struct pol_fixture *fixture = &builder->fixture;
	size_t most = facts->held_count;
	struct pol_held *held;

	for (int holder = 0; holder < POL_HOLDERS; holder++) {
		most += fixture->held[holder].count;
	}
	held = pol_arena_alloc(builder->arena, most, sizeof *held);
	if (held == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < facts->held_count; i++) {
		held[i] = facts->held[i];
	}
	facts->held = held;
	if (!facts->by_peer && facts->tenant != 0) {
		add_roles(fixture, POL_HOLDER_SUBJECT, held, facts);
	}
	if (facts->principal_state != POL_PRINCIPAL_NONE) {
		facts->everyone_count = add_roles(fixture, POL_HOLDER_EVERYONE, held, facts);
	}
	facts->anyone_count = add_roles(fixture, POL_HOLDER_ANYONE, held, facts);
	return true;
}

/* Is the caller the principal that declares the peer, and no other is named? */
static bool is_peer(const struct pol_suite_builder *builder)
{
	const struct pol_fixture *fixture = &builder->fixture;

	return fixture->peer < builder->snapshot->principal_count &&
	       fixture->principal_state != POL_PRINCIPAL_INACTIVE &&
	       (!fixture->named || fixture->declared == fixture->peer);
}

static void add_peer(struct pol_suite_builder *builder, struct pol_facts *facts)
{
	const struct pol_snapshot *snapshot = builder->snapshot;
	const struct pol_principal *principal = &snapshot->principals[builder->fixture.peer];
	struct pol_held *held = pol_arena_alloc(builder->arena, POL_PRINCIPAL_ROLES, sizeof *held);

	if (held == NULL) {
		return;
	}
	facts->by_peer = true;
	facts->declared = true;
	facts->principal_kind = POL_KIND_SERVICE; /* as in the daemon */
	facts->attributes = &principal->attributes;
	facts->principal_state = POL_PRINCIPAL_ACTIVE;
	facts->principal = principal->id;
	facts->tenant = TENANT;
	facts->tenant_name = POL_STR("default");
	facts->held = held;
	facts->held_count = (uint32_t)pol_snapshot_principal_held(
		snapshot, builder->fixture.peer, builder->fixture.now, held);
}

const struct pol_facts *pol_suite_fixture_facts(struct pol_suite_builder *builder)
{
	struct pol_fixture *fixture = &builder->fixture;
	struct pol_facts *facts = fixture->facts;

	if (facts != NULL) {
		return facts;
	}
	facts = pol_arena_alloc(builder->arena, 1, sizeof *facts);
	if (facts == NULL) {
		return NULL;
	}
	facts->key_state = fixture->keyless ? POL_KEY_MISSING : fixture->key_state;
	if (facts->key_state != POL_KEY_MISSING) {
		add_key(fixture, facts);
	}
	/* Without a key the caller is known only when a trusted peer names it, or when it is the
	 * peer. */
	if (facts->key_state == POL_KEY_MISSING && is_peer(builder)) {
		add_peer(builder, facts);
	} else if (facts->key_state != POL_KEY_MISSING || fixture->named) {
		facts->principal_state = fixture->principal_state;
		facts->principal = fixture->principal;
		facts->declared = fixture->named;
		facts->tenant = TENANT;
		facts->tenant_name = POL_STR("default");
		if (facts->principal.len > 0) {
			facts->principal_kind = fixture->named ? POL_KIND_SERVICE : POL_KIND_USER;
		}
		if (fixture->named) {
			facts->attributes =
				&builder->snapshot->principals[fixture->declared].attributes;
		}
	}
	if (!add_all_roles(builder, facts)) {
		return NULL;
	}
	facts->environment = builder->snapshot->environments[0].name;
	facts->service = fixture->service;
	facts->ip = fixture->ip;
	facts->now = fixture->now;
	facts->time = fixture->time;
	facts->mfa_at = fixture->mfa_at;
	if (!pol_suite_given_add(builder, facts)) {
		return NULL;
	}
	fixture->facts = facts;
	return facts;
}
