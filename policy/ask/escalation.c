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

/* What depends on a condition counts for what is gained, and not for what is held already: what is
 * left then is decided by formulas. */
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
	search->cases = out->cases;
	out->found = false;
	for (size_t i = 0; !out->found && i < search->count; i++) {
		search->row = search->rows + i * search->width;
		search_region(search, &search->regions[i]);
	}
	out->cases = search->cases;
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

enum pol_status pol_escalation_of_role(const struct pol_snapshot *old, uint32_t before,
	const struct pol_snapshot *snapshot, uint32_t after, const struct pol_grantor *grantor,
	struct pol_escalation *out)
{
	static const struct pol_grantee none = { 0 };
	const struct pol_grantee *was = before < old->role_count ? &old->roles[before] : &none;
	const struct pol_grantee *is =
		after < snapshot->role_count ? &snapshot->roles[after] : &none;
	const struct pol_escalation_role role = { snapshot, was, is };
	const struct pol_facts *own = grantor->facts != NULL ? grantor->facts : &nobody;
	/* The grantor may hold this role: what it has by the change does not count. */
	struct pol_escalation_search search = {
		.snapshot = old,
		.facts = { &nobody, &nobody, own },
		.grantor = grantor,
		.at = { .when = INT64_MIN },
		.cases = out->cases,
	};
	struct pol_run run = { 0, snapshot->permission_count };
	struct pol_run_word at;
	uint8_t *row;

	pol_escalation_plan_rows(&search);
	pol_arena_init(&search.arena, POL_SNAPSHOT_LIMIT);
	row = pol_arena_alloc(&search.arena, 1, search.width);
	if (row == NULL) {
		pol_arena_finish(&search.arena);
		return POL_ENOMEM;
	}
	search.row = row;
	out->found = false;
	/* A path outside of all places: there the grantor has what it has everywhere. */
	row += search.first[POL_ESCALATION_GRANTOR];
	row[0] = !pol_subject_key_counts(own) || own->key_place_count == 0;
	for (uint32_t h = 0; h < own->held_count; h++) {
		row[1 + h] = own->held[h].place_count == 0 ? POL_PLACE_INSIDE : POL_PLACE_ELSEWHERE;
	}
	while (!out->found && pol_run_next(&run, &at)) {
		uint64_t bits = may_allow(is, &at) & ~pol_permset_word(&was->allow, &at);

		bits |= may_deny(was, &at) & ~pol_permset_word(&is->deny, &at);
		bits &= bits != 0 ? ~allowed(&search, POL_ESCALATION_GRANTOR, &at) : 0;
		bits &= bits != 0 ? ~may_grant(snapshot, grantor, &at) : 0;
		for (; bits != 0 && !out->found; bits &= bits - 1) {
			if (pol_escalation_role_gains(&search, &role, first_of(&at, bits))) {
				name_permission(snapshot, first_of(&at, bits), out);
			}
		}
	}
	out->cases = search.cases;
	pol_escalation_drop_formulas(&search);
	pol_arena_finish(&search.arena);
	return POL_OK;
}
