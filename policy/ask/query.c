/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query.h"

#include <stdlib.h>
#include <string.h>

#include "policy/ask/substitution.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

/*
 * What is allowed depends on the path only through places, and a place covers what is at it or
 * below it. So each node is computed as declared, for values that no place has, and once more for
 * every substitution that leads to it. A substitution starts from the answer of its general one and
 * adds its own places; it is an entry when the two answers differ.
 */

/* What is allowed and denied of one word, with the places of a substitution and of all with which
 * it begins. */
struct answer {
	uint64_t roles, denied;
	uint64_t allowed; /* in the end */
};

struct walk {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_query *query;
	struct pol_query_result *out;
	struct pol_arena arena;
	struct pol_substitutions substitutions;
	struct pol_resource resource;
	bool stopped;
	bool by_places; /* the key counts and has places */

	/* the present tree */
	uint32_t tree;
	uint32_t first, end; /* its substitutions, without [0] */
	bool *placed_roles;  /* per held role: it has a place in this tree */

	/* the present node; `words` each */
	size_t words, word_capacity;
	struct pol_run_word *at;
	struct pol_subject_bits *general;
	struct pol_subject_bits *said; /* per held role: what it allows and denies at its places */
	struct answer *answers;        /* per substitution */
	bool *inside;                  /* per substitution: a place of the key covers it */
	struct pol_str *actions;
};

static bool is_within(uint32_t node, uint32_t first, uint32_t end)
{
	return node >= first && node < end;
}

/* Makes room for a node of that many words, and for its actions. */
static enum pol_status make_room(struct walk *walk, size_t words)
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
	if (arena->status == POL_OK) {
		walk->word_capacity = room;
	}
	return arena->status;
}

static void enter_tree(struct walk *walk, uint32_t tree)
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

/* Reads the sets of all roles and scopes for the node. */
static enum pol_status read_sets(struct walk *walk, struct pol_run run)
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
	for (uint32_t h = 0; pol_subject_roles_count(facts) && h < facts->held_count; h++) {
		for (size_t w = 0; w < words; w++) {
			struct pol_subject_bits say = { 0 };

			pol_subject_role(walk->snapshot, facts->held[h].role, POL_PLACE_INSIDE,
				&walk->at[w], &say);
			walk->said[h * words + w] = say;
		}
	}
	walk->out->steps += words * (1 + facts->scope_count + facts->held_count);
	return POL_OK;
}

/* Of what depends on a condition, nothing is allowed and all is denied. */
static void add_said(struct answer *answer, const struct pol_subject_bits *say)
{
	answer->roles |= say->roles.sure;
	answer->denied |= say->denied.sure | say->denied.maybe;
}

/* Starts substitution 0: roles without places, and the denies of roles whose places are all in
 * other trees. */
static void begin_base(struct walk *walk)
{
	const struct pol_facts *facts = walk->facts;
	struct answer *base = walk->answers;

	memset(base, 0, walk->words * sizeof *base);
	walk->inside[0] = !walk->by_places;
	for (uint32_t h = 0; pol_subject_roles_count(facts) && h < facts->held_count; h++) {
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
static void compute(struct walk *walk, uint32_t node, uint32_t number)
{
	const struct pol_substitution *substitution = &walk->substitutions.items[number];
	size_t words = walk->words;
	struct answer *answers = walk->answers + number * words;

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
		say.denied.sure |= answers[w].denied;
		say.scopes.sure = walk->inside[number] ? say.scopes.sure : 0;
		answers[w].allowed = pol_subject_allows(walk->facts, say);
	}
	walk->out->steps += words + substitution->place_count;
}

/* Is the answer of the substitution another than that of its general one? Of [0]: is there one? */
static bool differs(const struct walk *walk, uint32_t number)
{
	const struct answer *answers = walk->answers + number * walk->words;
	const struct answer *general =
		walk->answers + walk->substitutions.items[number].general * walk->words;

	for (size_t w = 0; w < walk->words; w++) {
		if (answers[w].allowed != (number > 0 ? general[w].allowed : 0)) {
			return true;
		}
	}
	return false;
}

/* The node as text, with the values of the substitution. */
static struct pol_str name_resource(
	struct walk *walk, const struct pol_substitution *substitution, uint32_t node)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);
	bool rest = snapshot->nodes[node].kind == POL_SEGMENT_REST;

	pol_resource_begin(&walk->resource, snapshot->trees[snapshot->nodes[node].tree].name);
	for (uint32_t i = 0; i < substitution->count; i++) {
		pol_resource_value(&walk->resource, substitution->values[i]);
	}
	for (uint32_t i = substitution->count; i < depth; i++) {
		pol_resource_node(&walk->resource, &snapshot->nodes[chain[i]]);
	}
	if (rest && substitution->count >= depth) {
		pol_resource_node(&walk->resource, &snapshot->nodes[node]);
	}
	return pol_resource_end(&walk->resource);
}

/* Lists what is allowed: an action by its name when all of its methods are, else the methods. */
static size_t name_actions(struct walk *walk, const struct answer *answers, uint32_t node)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	uint32_t base = snapshot->nodes[node].first / 64 * 64;
	size_t count = 0;

	for (uint32_t i = snapshot->nodes[node].action; i < snapshot->nodes[node + 1].action; i++) {
		const struct pol_action *action = &snapshot->actions[i];
		uint32_t end = action->run.first + action->run.count;
		size_t before = count;

		for (uint32_t p = action->run.first; p < end; p++) {
			if ((answers[(p - base) / 64].allowed >> (p - base) % 64 & 1) != 0) {
				walk->actions[count++] = snapshot->verbs[snapshot->permissions[p]];
			}
		}
		if (count - before == action->run.count) {
			walk->actions[before] = snapshot->verbs[action->verb];
			count = before + 1;
		}
	}
	return count;
}

static void show(struct walk *walk, uint32_t node, uint32_t number)
{
	const struct answer *answers = walk->answers + number * walk->words;
	struct pol_allowed allowed = {
		.resource = name_resource(walk, &walk->substitutions.items[number], node),
		.actions = walk->actions,
		.action_count = name_actions(walk, answers, node),
	};

	walk->out->steps += 8 + pol_tree_node_run(walk->snapshot, node).count;
	if (!walk->query->visit(walk->query->context, &allowed)) {
		walk->out->next = (struct pol_query_cursor){ node, number };
		walk->stopped = true;
	}
}

/* Visits one node. Substitutions before `from` give no entries, but later ones start from them. */
static enum pol_status visit(struct walk *walk, uint32_t node, uint32_t from)
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
	if (status != POL_OK) {
		return status;
	}
	compute(walk, node, 0);
	if (from == 0 && differs(walk, 0)) {
		show(walk, node, 0);
	}
	for (uint32_t i = walk->first; !walk->stopped && i < walk->end; i++) {
		if (!is_within(node, substitutions[i].node, substitutions[i].end)) {
			continue;
		}
		compute(walk, node, i);
		if (i >= from && differs(walk, i)) {
			show(walk, node, i);
		}
	}
	walk->out->steps += (walk->end - walk->first) / 4;
	return POL_OK;
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
static enum pol_status find_range(const struct walk *walk, struct pol_run *out)
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

static enum pol_status prepare(struct walk *walk, struct pol_run *out)
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
	return find_range(walk, out);
}

static enum pol_status run_walk(struct walk *walk)
{
	struct pol_query_cursor from = walk->query->from;
	struct pol_query_result *out = walk->out;
	struct pol_run range;
	enum pol_status status = prepare(walk, &range);
	uint32_t node;

	if (status != POL_OK || !is_somebody(walk->facts)) {
		return status;
	}
	node = from.node > range.first ? from.node : range.first;
	for (; status == POL_OK && !out->more && node < range.first + range.count; node++) {
		status = visit(walk, node, node == from.node ? from.substitution : 0);
		out->more = walk->stopped;
		if (!walk->stopped && out->steps > POL_QUERY_STEPS &&
			node + 1 < range.first + range.count) {
			out->next = (struct pol_query_cursor){ node + 1, 0 };
			out->more = true;
		}
	}
	return status;
}

enum pol_status pol_query_permissions(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_query *query, struct pol_query_result *out)
{
	struct pol_query_result walked = { 0 };
	struct walk *walk = calloc(1, sizeof *walk);
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
	pol_arena_finish(&walk->arena);
	free(walk);
	if (status == POL_OK) {
		*out = walked;
	}
	return status;
}
