/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/ask/escalation_internal.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

static const struct pol_facts nobody = { 0 };

/* --- what is allowed -------------------------------------------------------------------------- */

static bool has_ended(const struct pol_escalation_search *search, enum pol_escalation_who who)
{
	return (who == POL_ESCALATION_BEFORE && search->at.before_ended) ||
	       (who == POL_ESCALATION_AFTER && search->at.after_ended) ||
	       (who == POL_ESCALATION_GRANTOR && search->at.grantor_ended);
}

const struct pol_facts *pol_escalation_facts(
	const struct pol_escalation_search *search, enum pol_escalation_who who)
{
	return has_ended(search, who) ? &nobody : search->facts[who];
}

/* A permission on a condition counts as gained, but not as held already; formulas then decide about
 * the rest. */
static uint64_t allowed(const struct pol_escalation_search *search, enum pol_escalation_who who,
	const struct pol_run_word *at)
{
	const struct pol_facts *facts = pol_escalation_facts(search, who);
	const uint8_t *row = search->row + search->first[who];
	struct pol_subject_bits say = pol_subject_general(search->snapshot, facts, at);

	if (facts != &nobody && row[0] == 0) {
		say.scopes = (struct pol_tri){ 0 };
	}
	for (uint32_t h = pol_subject_first(facts); h < facts->held_count; h++) {
		const struct pol_held *held = &facts->held[h];

		if (held->until == 0 || held->until > search->at.when) {
			pol_subject_held(search->snapshot, facts, h,
				(enum pol_path_place_match)row[1 + h], at, &say);
		}
	}
	return who == POL_ESCALATION_AFTER ? pol_subject_may(facts, say)
					   : pol_subject_allows(facts, say);
}

/* With all that it allows or denies when some condition holds. */
static uint64_t may_allow(const struct pol_grantee *grantee, const struct pol_run_word *at)
{
	return pol_permset_word(&grantee->allow, at) | pol_permset_word(&grantee->sometimes, at);
}

static uint64_t may_deny(const struct pol_grantee *grantee, const struct pol_run_word *at)
{
	return pol_permset_word(&grantee->deny, at) | pol_permset_word(&grantee->sometimes, at);
}

static uint64_t may_grant(const struct pol_snapshot *snapshot, const struct pol_grantor *grantor,
	const struct pol_run_word *at)
{
	uint64_t word = 0;

	for (size_t i = 0; i < grantor->role_count; i++) {
		if (grantor->roles[i] < snapshot->role_count) {
			word |= pol_permset_word(&snapshot->roles[grantor->roles[i]].allow, at);
		}
	}
	for (size_t i = 0; i < grantor->scope_count; i++) {
		if (grantor->scopes[i] < snapshot->scope_count) {
			word |= pol_permset_word(&snapshot->scopes[grantor->scopes[i]].allow, at);
		}
	}
	for (size_t i = 0; i < grantor->run_count; i++) {
		struct pol_run run = grantor->runs[i];
		struct pol_run_word mine;

		while (pol_run_next(&run, &mine)) {
			word |= mine.chunk == at->chunk && mine.word == at->word ? mine.mask : 0;
		}
	}
	return word & at->mask;
}

/* --- what may not be granted ------------------------------------------------------------------ */

static void name_permission(
	const struct pol_snapshot *snapshot, uint32_t permission, struct pol_escalation *out)
{
	struct pol_resource resource = { .text = malloc(POL_RESOURCE_TEXT) };
	struct pol_str verb = snapshot->verbs[snapshot->permissions[permission]], text;

	out->found = true;
	snprintf(out->action, sizeof out->action, "%.*s", POL_STR_ARGS(verb));
	out->resource[0] = '\0';
	if (resource.text == NULL) {
		return;
	}
	text = pol_resource_of_node(
		&resource, snapshot, pol_tree_permission_node(snapshot, permission));
	snprintf(out->resource, sizeof out->resource, "%.*s", POL_STR_ARGS(text));
	free(resource.text);
}

/* The first of the permissions that are left. */
static uint32_t first_of(const struct pol_run_word *at, uint64_t bits)
{
	return at->chunk * POL_CHUNK_BITS + at->word * 64 + (uint32_t)__builtin_ctzll(bits);
}

static void search_region(
	struct pol_escalation_search *search, const struct pol_escalation_region *region)
{
	const struct pol_node *nodes = search->snapshot->nodes;
	struct pol_run run = { nodes[region->node].first, 0 };
	struct pol_run_word at;

	run.count = nodes[nodes[region->node].end].first - run.first;
	while (!search->out->found && pol_run_next(&run, &at)) {
		uint64_t bits = allowed(search, POL_ESCALATION_AFTER, &at);

		bits &= bits != 0 ? ~allowed(search, POL_ESCALATION_BEFORE, &at) : 0;
		bits &= bits != 0 ? ~allowed(search, POL_ESCALATION_GRANTOR, &at) : 0;
		bits &= bits != 0 ? ~may_grant(search->snapshot, search->grantor, &at) : 0;
		bits = pol_escalation_drop_owned(search, region, &at, bits);
		for (; bits != 0 && !search->out->found; bits &= bits - 1) {
			if (pol_escalation_gains(search, region, first_of(&at, bits))) {
				name_permission(search->snapshot, first_of(&at, bits), search->out);
			}
		}
	}
}

void pol_escalation_find_at(struct pol_escalation_search *search,
	const struct pol_escalation_time *at, const struct pol_grantor *grantor,
	struct pol_escalation *out)
{
	search->grantor = grantor;
	search->at = *at;
	search->out = out;
	search->steps = out->steps;
	out->found = false;
	for (size_t i = 0; !out->found && i < search->count; i++) {
		search->row = search->rows + i * search->width;
		search_region(search, &search->regions[i]);
	}
	out->steps = search->steps;
}

bool pol_escalation_permission(const struct pol_snapshot *snapshot, const char *noun, bool below,
	const char *action, struct pol_run *out)
{
	uint32_t tree = pol_tree_number(snapshot, POL_STR("authz"));
	const char *slash = strchr(noun, '/');
	struct pol_path path;
	uint32_t node;

	pol_path_begin(&path);
	if (slash != NULL) {
		path.segments[path.count++] = (struct pol_str){ noun, (size_t)(slash - noun) };
		noun = slash + 1;
	}
	path.segments[path.count++] = pol_str_of(noun);
	if (below) {
		path.segments[path.count++] = POL_STR("x");
	}
	return pol_tree_find(snapshot, tree, &path, &node) == POL_OK &&
	       pol_tree_node_verb(snapshot, node, pol_str_of(action), false, out) == POL_OK;
}

/* The first permission of a change of a role that may not be granted. `before` POL_NONE: nobody
 * holds it, so nobody is changed by what it inherits. */
static bool search_role(struct pol_escalation_search *search, uint32_t before,
	const struct pol_escalation_role *role, bool inherited)
{
	const struct pol_snapshot *snapshot = role->snapshot;
	struct pol_run run = { 0, snapshot->permission_count };
	struct pol_escalation_moved moved = { .count = 0 };
	struct pol_run_word at;

	if (inherited && !pol_escalation_find_moved(
				 search->snapshot, before, role, &search->arena, &moved)) {
		return false;
	}
	search->out->found = false;
	while (!search->out->found && pol_run_next(&run, &at)) {
		uint64_t bits =
			may_allow(role->is, &at) & ~pol_permset_word(&role->was->allow, &at);
		uint64_t sure = pol_escalation_moved_word(&moved, &at), own;

		bits |= may_deny(role->was, &at) & ~pol_permset_word(&role->is->deny, &at);
		bits |= sure;
		own = bits != 0 ? allowed(search, POL_ESCALATION_GRANTOR, &at) |
					  may_grant(snapshot, search->grantor, &at)
				: 0;
		for (bits &= ~own; bits != 0 && !search->out->found; bits &= bits - 1) {
			if ((sure & bits & -bits) != 0 ||
				pol_escalation_role_gains(search, role, first_of(&at, bits))) {
				name_permission(snapshot, first_of(&at, bits), search->out);
			}
		}
	}
	return true;
}

/* The grantor on a path outside of all places: there it has what it has everywhere. It may hold the
 * role itself: what it has by the change does not count. */
static enum pol_status search_everywhere(struct pol_escalation_search *search, uint32_t before,
	const struct pol_escalation_role *role, bool inherited)
{
	const struct pol_facts *own =
		search->grantor->facts != NULL ? search->grantor->facts : &nobody;
	bool done = false;
	uint8_t *row;

	search->facts[POL_ESCALATION_BEFORE] = &nobody;
	search->facts[POL_ESCALATION_AFTER] = &nobody;
	search->facts[POL_ESCALATION_GRANTOR] = own;
	pol_escalation_plan_rows(search);
	pol_arena_init(&search->arena, POL_SNAPSHOT_LIMIT);
	row = pol_arena_alloc(&search->arena, 1, search->width);
	if (row != NULL) {
		search->row = row;
		row += search->first[POL_ESCALATION_GRANTOR];
		row[0] = !pol_subject_key_counts(own) || own->key_place_count == 0;
		for (uint32_t h = 0; h < own->held_count; h++) {
			row[1 + h] = own->held[h].place_count == 0 ? POL_PLACE_INSIDE
								   : POL_PLACE_ELSEWHERE;
		}
		done = search_role(search, before, role, inherited);
		search->out->steps = search->steps;
		pol_escalation_drop_formulas(search);
	}
	pol_arena_finish(&search->arena);
	return done ? POL_OK : POL_ENOMEM;
}

static const struct pol_grantee nothing = { 0 };

enum pol_status pol_escalation_of_role(const struct pol_snapshot *old, uint32_t before,
	const struct pol_snapshot *snapshot, uint32_t after, const struct pol_grantor *grantor,
	struct pol_escalation *out)
{
	struct pol_escalation_role role = { .snapshot = snapshot,
		.number = after,
		.was = before < old->role_count ? &old->roles[before] : &nothing,
		.is = after < snapshot->role_count ? &snapshot->roles[after] : &nothing };
	struct pol_escalation_search search = {
		.snapshot = old,
		.grantor = grantor,
		.at = { .when = INT64_MIN },
		.steps = out->steps,
		.out = out,
	};

	return search_everywhere(&search, before, &role, before != POL_NONE);
}

enum pol_status pol_escalation_of_membership(const struct pol_snapshot *snapshot, uint32_t number,
	const struct pol_grantor *grantor, struct pol_escalation *out)
{
	const struct pol_escalation_role role = {
		.snapshot = snapshot, .number = number, .was = &nothing, .is = &nothing
	};
	struct pol_escalation_search search = {
		.snapshot = snapshot,
		.grantor = grantor,
		.at = { .when = INT64_MIN },
		.steps = out->steps,
		.out = out,
	};

	return search_everywhere(&search, POL_NONE, &role, true);
}
