/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query.h"

#include <stdlib.h>
#include <string.h>

#include "policy/ask/query_internal.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

/*
 * What is allowed depends on the path only through places, and a place covers what is at it or
 * below it. So each node is computed as declared, for values that no place has, and once more for
 * every substitution that leads to it. A substitution starts from the answer of its general one and
 * adds its own places; it is an entry when the two answers differ.
 */

static bool is_within(uint32_t node, uint32_t first, uint32_t end)
{
	return node >= first && node < end;
}

static void make_room_for_conditions(struct pol_query_walk *walk, size_t words)
{
	struct pol_arena *arena = &walk->arena;

	walk->unsure = pol_arena_alloc(arena, words, sizeof *walk->unsure);
	walk->allowed = pol_arena_alloc(arena, words, sizeof *walk->allowed);
	walk->own.items = pol_arena_alloc(arena, words * 64, sizeof *walk->own.items);
	walk->of_general.items = pol_arena_alloc(arena, words * 64, sizeof *walk->own.items);
	walk->of_general.node = POL_NONE;
	walk->groups = pol_arena_alloc(arena, words * 64, sizeof *walk->groups);
}

/* Makes room for a node of that many words, and for its actions. */
static enum pol_status make_room(struct pol_query_walk *walk, size_t words)
{
	struct pol_arena *arena = &walk->arena;
	size_t held = walk->facts->held_count;
	size_t room = 2 * words;

	if (words <= walk->word_capacity) {
		return POL_OK;
	}
	walk->at = pol_arena_alloc(arena, room, sizeof *walk->at);
	walk->general = pol_arena_alloc(arena, room, sizeof *walk->general);
	walk->said = pol_arena_alloc(arena, room * held, sizeof *walk->said);
	walk->answers =
		pol_arena_alloc(arena, room * walk->substitutions.count, sizeof *walk->answers);
	walk->actions = pol_arena_alloc(arena, room * 64, sizeof *walk->actions);
	if (walk->conditional) {
		make_room_for_conditions(walk, room);
	}
	if (arena->status == POL_OK) {
		walk->word_capacity = room;
	}
	return arena->status;
}

static void enter_tree(struct pol_query_walk *walk, uint32_t tree)
{
	const struct pol_substitutions *substitutions = &walk->substitutions;

	walk->tree = tree;
	walk->first = 1;
	while (walk->first < substitutions->count &&
		substitutions->items[walk->first].tree < tree) {
		walk->first++;
	}
	walk->end = walk->first;
	while (walk->end < substitutions->count && substitutions->items[walk->end].tree == tree) {
		walk->end++;
	}
	memset(walk->placed_roles, 0, walk->facts->held_count * sizeof *walk->placed_roles);
	for (uint32_t i = 0; i < substitutions->placed_role_count; i++) {
		if (substitutions->placed_roles[i].tree == tree) {
			walk->placed_roles[substitutions->placed_roles[i].held] = true;
		}
	}
	walk->out->steps += substitutions->count + substitutions->placed_role_count;
}

/* Finds what of the node some condition is about. */
static void find_unsure(struct pol_query_walk *walk)
{
	const struct pol_facts *facts = walk->facts;
	size_t words = walk->words;

	walk->any_unsure = false;
	for (size_t w = 0; w < words; w++) {
		const struct pol_subject_bits *say = &walk->general[w];
		uint64_t unsure = say->roles.maybe | say->scopes.maybe | say->anyone.maybe |
				  say->denied.maybe;

		for (uint32_t h = pol_subject_first(facts); h < facts->held_count; h++) {
			say = &walk->said[h * words + w];
			unsure |= say->roles.maybe | say->anyone.maybe | say->denied.maybe;
		}
		walk->unsure[w] = unsure & walk->at[w].mask;
		walk->any_unsure = walk->any_unsure || walk->unsure[w] != 0;
	}
	walk->out->steps += words * facts->held_count;
}

/* Reads the sets of all roles and scopes for the node. */
static enum pol_status read_sets(struct pol_query_walk *walk, struct pol_run run)
{
	const struct pol_facts *facts = walk->facts;
	size_t words = (run.first % 64 + (size_t)run.count + 63) / 64;
	enum pol_status status = make_room(walk, words);

	if (status != POL_OK) {
		return status;
	}
	walk->words = words;
	for (size_t w = 0; pol_run_next(&run, &walk->at[w]); w++) {
		walk->general[w] = pol_subject_general(walk->snapshot, walk->facts, &walk->at[w]);
	}
	for (uint32_t h = pol_subject_first(facts); h < facts->held_count; h++) {
		for (size_t w = 0; w < words; w++) {
			struct pol_subject_bits say = { 0 };

			pol_subject_held(
				walk->snapshot, facts, h, POL_PLACE_INSIDE, &walk->at[w], &say);
			walk->said[h * words + w] = say;
		}
	}
	walk->out->steps += words * (1 + facts->scope_count + facts->held_count);
	if (walk->conditional) {
		find_unsure(walk);
	}
	return POL_OK;
}

/* What depends on a condition is not surely allowed, and counts as denied. */
static void add_said(struct pol_query_answer *answer, const struct pol_subject_bits *say)
{
	answer->roles |= say->roles.sure;
	answer->anyone |= say->anyone.sure;
	answer->denied |= say->denied.sure | say->denied.maybe;
}

/* Starts substitution 0: roles without places, and the denies of roles whose places are all in
 * other trees. */
static void begin_base(struct pol_query_walk *walk)
{
	const struct pol_facts *facts = walk->facts;
	struct pol_query_answer *base = walk->answers;

	memset(base, 0, walk->words * sizeof *base);
	walk->inside[0] = !walk->by_places;
	for (uint32_t h = pol_subject_first(facts); h < facts->held_count; h++) {
		const struct pol_held *held = &facts->held[h];

		for (size_t w = 0; w < walk->words; w++) {
			if (held->place_count == 0) {
				add_said(&base[w], &walk->said[h * walk->words + w]);
			} else if (!walk->placed_roles[h]) {
				struct pol_subject_bits say = { 0 };

				pol_subject_role(walk->snapshot, held->role, POL_PLACE_ELSEWHERE,
					&walk->at[w], &say);
				add_said(&base[w], &say);
			}
		}
	}
}

/* Computes what is allowed on the node with these values. The general substitution comes before. */
static void compute(struct pol_query_walk *walk, uint32_t node, uint32_t number)
{
	const struct pol_substitution *substitution = &walk->substitutions.items[number];
	size_t words = walk->words;
	struct pol_query_answer *answers = walk->answers + number * words;

	if (number == 0) {
		begin_base(walk);
	} else {
		memcpy(answers, walk->answers + substitution->general * words,
			words * sizeof *answers);
		walk->inside[number] = walk->inside[substitution->general];
	}
	for (uint32_t i = substitution->first; i < substitution->first + substitution->place_count;
		i++) {
		const struct pol_place_range *placed = &walk->substitutions.places[i];

		if (!is_within(node, placed->node, placed->end)) {
			continue;
		}
		if (placed->held == POL_NONE) {
			walk->inside[number] = true;
			continue;
		}
		for (size_t w = 0; w < words; w++) {
			add_said(&answers[w], &walk->said[placed->held * words + w]);
		}
	}
	for (size_t w = 0; w < words; w++) {
		struct pol_subject_bits say = walk->general[w];

		say.roles.sure = answers[w].roles;
		say.anyone.sure |= answers[w].anyone;
		say.denied.sure |= answers[w].denied;
		say.scopes.sure = walk->inside[number] ? say.scopes.sure : 0;
		answers[w].allowed = pol_subject_allows(walk->facts, say);
	}
	walk->out->steps += words + substitution->place_count;
}

/* Computes the conditions of one substitution of the node. */
static enum pol_status find_conditions(
	struct pol_query_walk *walk, struct pol_query_when *when, uint32_t node, uint32_t number)
{
	const struct pol_query_answer *answers = walk->answers + number * walk->words;

	for (size_t w = 0; w < walk->words; w++) {
		walk->allowed[w] = answers[w].allowed;
	}
	return pol_query_when_find(when, node, number, walk->allowed, walk->unsure);
}

/* Computes those of the substitution and of its general one, and whether they differ. */
static enum pol_status compare_conditions(
	struct pol_query_walk *walk, uint32_t node, uint32_t number, bool *out)
{
	uint32_t general = walk->substitutions.items[number].general;
	enum pol_status status = POL_OK;

	if (number > 0 && (walk->of_general.node != node || walk->of_general.number != general)) {
		status = find_conditions(walk, &walk->of_general, node, general);
	}
	if (status == POL_OK) {
		status = find_conditions(walk, &walk->own, node, number);
	}
	*out = status == POL_OK &&
	       !pol_query_when_equal(&walk->own, number > 0 ? &walk->of_general : NULL);
	return status;
}

/* Is the answer of the substitution another than that of its general one? Of [0]: is there one? */
static bool differs(const struct pol_query_walk *walk, uint32_t number)
{
	const struct pol_query_answer *answers = walk->answers + number * walk->words;
	const struct pol_query_answer *general =
		walk->answers + walk->substitutions.items[number].general * walk->words;

	for (size_t w = 0; w < walk->words; w++) {
		if (answers[w].allowed != (number > 0 ? general[w].allowed : 0)) {
			return true;
		}
	}
	return false;
}

/* Computes one substitution of the node; if it is `from` or after it, shows it. */
static enum pol_status visit_substitution(struct pol_query_walk *walk, uint32_t node,
	uint32_t number, const struct pol_query_cursor *from)
{
	enum pol_status status = POL_OK;
	bool shown;

	compute(walk, node, number);
	if (number < from->substitution) {
		return POL_OK;
	}
	if (!walk->any_unsure) {
		shown = differs(walk, number);
	} else {
		status = compare_conditions(walk, node, number, &shown);
	}
	if (status == POL_OK && shown) {
		pol_query_show(walk, node, number, number == from->substitution ? from->entry : 0);
	}
	/* Formulas may take long: such a node takes several turns. */
	if (walk->any_unsure && !walk->stopped && walk->out->steps > POL_QUERY_STEPS) {
		walk->out->next = (struct pol_query_cursor){ node, number + 1, 0 };
		walk->stopped = true;
	}
	return status;
}

/* Visits one node. Substitutions before `from` give no entries, but later ones start from them. */
static enum pol_status visit(
	struct pol_query_walk *walk, uint32_t node, const struct pol_query_cursor *from)
{
	const struct pol_substitution *substitutions = walk->substitutions.items;
	struct pol_run run = pol_tree_node_run(walk->snapshot, node);
	enum pol_status status;

	walk->out->steps++;
	if (run.count == 0) {
		return POL_OK;
	}
	if (walk->snapshot->nodes[node].tree != walk->tree) {
		enter_tree(walk, walk->snapshot->nodes[node].tree);
	}
	status = read_sets(walk, run);
	walk->first_bit = run.first % 64;
	if (status == POL_OK) {
		status = visit_substitution(walk, node, 0, from);
	}
	for (uint32_t i = walk->first; status == POL_OK && !walk->stopped && i < walk->end; i++) {
		if (is_within(node, substitutions[i].node, substitutions[i].end)) {
			status = visit_substitution(walk, node, i, from);
		}
	}
	walk->out->steps += (walk->end - walk->first) / 4;
	return status;
}

/* Is the subject active? The same as a decision checks before the stack. */
static bool is_somebody(const struct pol_facts *facts)
{
	return (facts->key_state == POL_KEY_ACTIVE || facts->key_state == POL_KEY_MISSING) &&
	       (facts->principal_state == POL_PRINCIPAL_NONE ||
		       facts->principal_state == POL_PRINCIPAL_ACTIVE) &&
	       !facts->tenant_inactive && !facts->wrong_environment && !facts->wrong_tenant;
}

/* Finds the nodes to visit: those of the tree, at the base or below it. */
static enum pol_status find_range(const struct pol_query_walk *walk, struct pol_run *out)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	const struct pol_substitution *base = &walk->substitutions.items[0];
	uint32_t tree = POL_NONE;

	*out = (struct pol_run){ base->node, base->end - base->node };
	if (walk->query->tree.len == 0) {
		return POL_OK;
	}
	tree = pol_tree_number(snapshot, walk->query->tree);
	if (tree == POL_NONE) {
		return POL_EINVALID;
	}
	if (base->tree == POL_NONE) {
		out->first = snapshot->trees[tree].root;
		out->count = snapshot->nodes[out->first].end - out->first;
	} else if (base->tree != tree) {
		out->count = 0;
	}
	return POL_OK;
}

/* Does a condition bear on what the subject may? */
static bool is_conditional(const struct pol_query_walk *walk)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	const struct pol_facts *facts = walk->facts;
	uint32_t count = 0;

	if (snapshot->anyone < snapshot->role_count) {
		count += snapshot->roles[snapshot->anyone].conditional_count;
	}
	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		if (facts->held[i].role < snapshot->role_count) {
			count += snapshot->roles[facts->held[i].role].conditional_count;
		}
	}
	for (uint32_t i = 0; i < facts->scope_count; i++) {
		if (facts->scopes[i] < snapshot->scope_count) {
			count += snapshot->scopes[facts->scopes[i]].conditional_count;
		}
	}
	return count > 0;
}

static void prepare_conditions(struct pol_query_walk *walk)
{
	walk->conditional = is_conditional(walk);
	walk->own = (struct pol_query_when){
		.snapshot = walk->snapshot,
		.facts = walk->facts,
		.substitutions = &walk->substitutions,
		.placed_roles = walk->placed_roles,
		.any_principal = walk->query->any_principal,
		.steps = &walk->out->steps,
		.node = POL_NONE,
	};
	walk->of_general = walk->own;
}

static enum pol_status prepare(struct pol_query_walk *walk, struct pol_run *out)
{
	struct pol_arena *arena = &walk->arena;
	enum pol_status status = pol_substitutions_make(
		walk->snapshot, walk->facts, walk->query->at, arena, &walk->substitutions);

	if (status != POL_OK) {
		return status;
	}
	walk->tree = POL_NONE;
	walk->by_places = pol_subject_key_counts(walk->facts) && walk->facts->key_place_count > 0;
	walk->placed_roles =
		pol_arena_alloc(arena, walk->facts->held_count, sizeof *walk->placed_roles);
	walk->inside = pol_arena_alloc(arena, walk->substitutions.count, sizeof *walk->inside);
	walk->resource.text = pol_arena_alloc(arena, POL_RESOURCE_TEXT, 1);
	if (arena->status != POL_OK) {
		return arena->status;
	}
	walk->out->steps = 8 * (size_t)walk->substitutions.count;
	prepare_conditions(walk);
	return find_range(walk, out);
}

static enum pol_status run_walk(struct pol_query_walk *walk)
{
	const struct pol_query_cursor from = walk->query->from, begin = { 0 };
	struct pol_query_result *out = walk->out;
	struct pol_run range;
	enum pol_status status = prepare(walk, &range);
	uint32_t node;

	if (status != POL_OK || !is_somebody(walk->facts)) {
		return status;
	}
	node = from.node > range.first ? from.node : range.first;
	for (; status == POL_OK && !out->more && node < range.first + range.count; node++) {
		status = visit(walk, node, node == from.node ? &from : &begin);
		out->more = walk->stopped;
		if (!walk->stopped && out->steps > POL_QUERY_STEPS &&
			node + 1 < range.first + range.count) {
			out->next = (struct pol_query_cursor){ node + 1, 0, 0 };
			out->more = true;
		}
	}
	return status;
}

enum pol_status pol_query_permissions(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_query *query, struct pol_query_result *out)
{
	struct pol_query_result walked = { 0 };
	struct pol_query_walk *walk = calloc(1, sizeof *walk);
	enum pol_status status;

	if (walk == NULL) {
		return POL_ENOMEM;
	}
	walk->snapshot = snapshot;
	walk->facts = facts;
	walk->query = query;
	walk->out = &walked;
	pol_arena_init(&walk->arena, POL_SNAPSHOT_LIMIT);
	status = run_walk(walk);
	pol_query_when_finish(&walk->own);
	pol_query_when_finish(&walk->of_general);
	pol_arena_finish(&walk->arena);
	free(walk);
	if (status == POL_OK) {
		*out = walked;
	}
	return status;
}
