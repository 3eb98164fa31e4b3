/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/subject.h"

#include "policy/snapshot/compiled.h"

bool pol_subject_key_counts(const struct pol_facts *facts)
{
	return facts->key_state == POL_KEY_ACTIVE;
}

/* Without a key the principal was named by a trusted peer or is the peer itself. */
bool pol_subject_roles_count(const struct pol_facts *facts)
{
	if (pol_subject_key_counts(facts)) {
		return facts->binding == POL_BOUND_TO_ROLES ||
		       (facts->binding == POL_BOUND_TO_PRINCIPAL &&
			       facts->principal_state == POL_PRINCIPAL_ACTIVE);
	}
	return facts->principal_state == POL_PRINCIPAL_ACTIVE;
}

/* The best match of the path with any of the places; inside if there are none. */
static enum pol_path_place_match match_places(const struct pol_str *places, uint32_t count,
	struct pol_str tree, const struct pol_path *path)
{
	enum pol_path_place_match best = POL_PLACE_ELSEWHERE;

	if (count == 0) {
		return POL_PLACE_INSIDE;
	}
	for (uint32_t i = 0; i < count && best != POL_PLACE_INSIDE; i++) {
		enum pol_path_place_match match = pol_path_place_match(places[i], tree, path);

		best = match > best ? match : best;
	}
	return best;
}

enum pol_path_place_match pol_subject_match(const struct pol_held *held, struct pol_str tree,
	const struct pol_path *path, const struct pol_str **out_place)
{
	*out_place = NULL;
	for (uint32_t i = 0; i < held->place_count; i++) {
		if (pol_path_place_match(held->places[i], tree, path) == POL_PLACE_INSIDE) {
			*out_place = &held->places[i];
		}
	}
	return match_places(held->places, held->place_count, tree, path);
}

void pol_subject_role(const struct pol_snapshot *snapshot, uint32_t role,
	enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *bits)
{
	if (role >= snapshot->role_count) {
		return;
	}
	/* In a tree where none of its places is, a role denies but does not allow. */
	if (match == POL_PLACE_INSIDE) {
		bits->roles |= pol_permset_word(&snapshot->roles[role].allow, at);
	}
	if (match != POL_PLACE_OUTSIDE) {
		bits->denied |= pol_permset_word(&snapshot->roles[role].deny, at);
	}
}

enum pol_holder pol_subject_holder(const struct pol_facts *facts, uint32_t held)
{
	uint32_t after = facts->held_count - held;

	if (after <= facts->anyone_count) {
		return POL_HOLDER_ANYONE;
	}
	return after <= (uint32_t)facts->anyone_count + facts->everyone_count ? POL_HOLDER_EVERYONE
									      : POL_HOLDER_SUBJECT;
}

void pol_subject_held(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	uint32_t number, enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *bits)
{
	struct pol_subject_bits say = { 0 };

	pol_subject_role(snapshot, facts->held[number].role, match, at, &say);
	bits->denied |= say.denied;
	*(pol_subject_holder(facts, number) == POL_HOLDER_ANYONE ? &bits->anyone : &bits->roles) |=
		say.roles;
}

void pol_subject_at(
	const struct pol_facts *facts, int64_t when, struct pol_held *held, struct pol_facts *out)
{
	*out = *facts;
	out->held = held;
	out->held_count = 0;
	out->everyone_count = 0;
	out->anyone_count = 0;
	for (uint32_t i = 0; i < facts->held_count; i++) {
		enum pol_holder holder = pol_subject_holder(facts, i);

		if (facts->held[i].until != 0 && facts->held[i].until <= when) {
			continue;
		}
		held[out->held_count++] = facts->held[i];
		out->everyone_count += holder == POL_HOLDER_EVERYONE;
		out->anyone_count += holder == POL_HOLDER_ANYONE;
	}
}

/* Adds the bits of the key's scopes. A key that was made without scopes and places is not narrowed,
 * so all bits are set. If it was made with some and they do not exist any more, none is. */
static void add_scopes(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_run_word *at, struct pol_subject_bits *bits)
{
	bool by_scopes;

	if (!pol_subject_key_counts(facts)) {
		bits->scopes = at->mask;
		return;
	}
	by_scopes = facts->narrowed_by_scopes || facts->scope_count > 0 ||
		    facts->binding == POL_BOUND_TO_SCOPES;
	bits->scopes = by_scopes ? 0 : at->mask;
	for (uint32_t i = 0; i < facts->scope_count; i++) {
		const struct pol_grantee *scope;

		if (facts->scopes[i] >= snapshot->scope_count) {
			continue;
		}
		scope = &snapshot->scopes[facts->scopes[i]];
		bits->scopes |= pol_permset_word(&scope->allow, at);
		bits->denied |= pol_permset_word(&scope->deny, at);
	}
	if (facts->narrowed && !by_scopes && facts->key_place_count == 0) {
		bits->scopes = 0;
	}
}

struct pol_subject_bits pol_subject_general(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_run_word *at)
{
	struct pol_subject_bits bits = { 0 };

	if (snapshot->anyone < snapshot->role_count) {
		const struct pol_grantee *anyone = &snapshot->roles[snapshot->anyone];

		bits.anyone = pol_permset_word(&anyone->allow, at);
		bits.denied = pol_permset_word(&anyone->deny, at);
	}
	add_scopes(snapshot, facts, at, &bits);
	return bits;
}

struct pol_subject_bits pol_subject_eval(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str tree, const struct pol_path *path,
	const struct pol_run_word *at)
{
	struct pol_subject_bits bits = pol_subject_general(snapshot, facts, at);
	uint32_t own = facts->held_count - facts->anyone_count;

	if (pol_subject_key_counts(facts) && match_places(facts->key_places, facts->key_place_count,
						     tree, path) != POL_PLACE_INSIDE) {
		bits.scopes = 0;
	}
	for (uint32_t i = 0; pol_subject_roles_count(facts) && i < own; i++) {
		const struct pol_held *held = &facts->held[i];

		if (held->role < snapshot->role_count) {
			pol_subject_role(snapshot, held->role,
				match_places(held->places, held->place_count, tree, path), at,
				&bits);
		}
	}
	for (uint32_t i = own; i < facts->held_count; i++) {
		const struct pol_held *held = &facts->held[i];

		pol_subject_held(snapshot, facts, i,
			match_places(held->places, held->place_count, tree, path), at, &bits);
	}
	return bits;
}

uint64_t pol_subject_allows(const struct pol_facts *facts, struct pol_subject_bits bits)
{
	bool by_roles = facts->binding != POL_BOUND_TO_SCOPES;

	return (bits.anyone | (by_roles ? bits.scopes & bits.roles : bits.scopes)) & ~bits.denied;
}
