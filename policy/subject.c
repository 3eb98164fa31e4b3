/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/subject.h"

#include "policy/compiled.h"

struct ask {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	struct pol_str tree;
	const struct pol_path *path;
	uint32_t permission;
};

static bool has_key(const struct pol_facts *facts)
{
	return facts->key_state == POL_KEY_ACTIVE;
}

/* Do the facts speak of somebody whose roles count? A principal without a token was named by a
 * trusted peer. */
static bool roles_count(const struct pol_facts *facts)
{
	if (has_key(facts)) {
		return facts->binding == POL_BOUND_TO_ROLES ||
		       (facts->binding == POL_BOUND_TO_PRINCIPAL &&
			       facts->principal_state == POL_PRINCIPAL_ACTIVE);
	}
	return facts->principal_state == POL_PRINCIPAL_ACTIVE;
}

/* Where the request stands beside the nearest of some places; none of them: inside. */
static enum pol_place_match match_places(
	const struct ask *ask, const struct pol_str *places, uint32_t count)
{
	enum pol_place_match best = POL_PLACE_ELSEWHERE;

	if (count == 0) {
		return POL_PLACE_INSIDE;
	}
	for (uint32_t i = 0; i < count && best != POL_PLACE_INSIDE; i++) {
		enum pol_place_match match = pol_place_match(places[i], ask->tree, ask->path);

		best = match > best ? match : best;
	}
	return best;
}

static void ask_roles(const struct ask *ask, struct pol_say *say)
{
	const struct pol_snapshot *snapshot = ask->snapshot;
	const struct pol_facts *facts = ask->facts;

	if (!roles_count(facts)) {
		return;
	}
	for (uint32_t i = 0; i < facts->held_count; i++) {
		const struct pol_held *held = &facts->held[i];
		const struct pol_grantee *role;
		enum pol_place_match match;

		if (held->role >= snapshot->role_count) {
			continue;
		}
		role = &snapshot->roles[held->role];
		match = match_places(ask, held->places, held->place_count);
		/* On a tree that its places do not speak of, a role denies and does not allow. */
		if (match == POL_PLACE_INSIDE) {
			say->roles = say->roles || pol_permset_has(&role->allow, ask->permission);
		}
		if (match != POL_PLACE_OUTSIDE) {
			say->denied = say->denied || pol_permset_has(&role->deny, ask->permission);
		}
	}
}

/* Nothing was given to narrow it: everything is left in. What was given and is gone leaves out
 * everything. */
static void ask_scopes(const struct ask *ask, struct pol_say *say)
{
	const struct pol_snapshot *snapshot = ask->snapshot;
	const struct pol_facts *facts = ask->facts;
	bool by_scopes;

	if (!has_key(facts)) {
		say->scopes = true;
		return;
	}
	by_scopes = facts->narrowed_by_scopes || facts->scope_count > 0 ||
		    facts->binding == POL_BOUND_TO_SCOPES;
	say->scopes = !by_scopes;
	for (uint32_t i = 0; i < facts->scope_count; i++) {
		const struct pol_grantee *scope;

		if (facts->scopes[i] >= snapshot->scope_count) {
			continue;
		}
		scope = &snapshot->scopes[facts->scopes[i]];
		say->scopes = say->scopes || pol_permset_has(&scope->allow, ask->permission);
		say->denied = say->denied || pol_permset_has(&scope->deny, ask->permission);
	}
	if (facts->narrowed && !by_scopes && facts->key_place_count == 0) {
		say->scopes = false;
	}
	if (match_places(ask, facts->key_places, facts->key_place_count) != POL_PLACE_INSIDE) {
		say->scopes = false;
	}
}

static void ask_anyone(const struct ask *ask, struct pol_say *say)
{
	const struct pol_snapshot *snapshot = ask->snapshot;

	if (snapshot->anyone < snapshot->role_count) {
		const struct pol_grantee *anyone = &snapshot->roles[snapshot->anyone];

		say->anyone = pol_permset_has(&anyone->allow, ask->permission);
		say->denied = say->denied || pol_permset_has(&anyone->deny, ask->permission);
	}
}

struct pol_say pol_subject_say(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_str tree, const struct pol_path *path, uint32_t permission)
{
	const struct ask ask = { snapshot, facts, tree, path, permission };
	struct pol_say say = { 0 };

	ask_anyone(&ask, &say);
	ask_scopes(&ask, &say);
	ask_roles(&ask, &say);
	return say;
}

bool pol_subject_allows(const struct pol_facts *facts, struct pol_say say)
{
	bool by_roles = facts->binding != POL_BOUND_TO_SCOPES;

	if (say.denied) {
		return false;
	}
	return say.anyone || (say.scopes && (say.roles || !by_roles));
}
