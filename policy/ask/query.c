/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query.h"

#include <stdlib.h>
#include <string.h>

#include "policy/ask/substitution.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

/*
 * Permissions depend on the path only through places, and a place speaks of what is at it or below
 * it. So each node is asked for as declared, with values that no place can hold, and once more
 * for every filling that leads to it. What a filling adds to its general one are its own places,
 * so that is all that is looked at; only what differs then is an entry.
 */

/* What the places of a filling, and of all with which it begins, make of one word. */
struct answer {
	uint64_t roles, denied;
	uint64_t allowed; /* all in all */
};

struct walk {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_query *query;
	struct pol_walked *out;
	struct pol_arena arena;
	struct pol_fillings fillings;
	struct pol_resource resource;
	bool stopped;
	bool by_places; /* the key's */

	/* the present tree */
	uint32_t tree;
	uint32_t first, end; /* its fillings, but [0] */
	bool *spoken;        /* per held role */

	/* the present node; `words` each */
	size_t words, word_capacity;
	struct pol_run_word *at;
	struct pol_say *general;
	struct pol_say *said;   /* per held role: what it says where its places are */
	struct answer *answers; /* per filling */
	bool *inside;           /* per filling: the key's places */
	struct pol_str *actions;
};

static bool is_within(uint32_t node, uint32_t first, uint32_t end)
{
	return node >= first && node < end;
}

/* Room for a node of that many words, and for its actions. */
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
	walk->answers = pol_arena_alloc(arena, room * walk->fillings.count, sizeof *walk->answers);
	walk->actions = pol_arena_alloc(arena, room * 64, sizeof *walk->actions);
	if (arena->status == POL_OK) {
		walk->word_capacity = room;
	}
	return arena->status;
}

static void enter_tree(struct walk *walk, uint32_t tree)
{
	const struct pol_fillings *fillings = &walk->fillings;

	walk->tree = tree;
	walk->first = 1;
	while (walk->first < fillings->count && fillings->items[walk->first].tree < tree) {
		walk->first++;
	}
	walk->end = walk->first;
	while (walk->end < fillings->count && fillings->items[walk->end].tree == tree) {
		walk->end++;
	}
	memset(walk->spoken, 0, walk->facts->held_count * sizeof *walk->spoken);
	for (uint32_t i = 0; i < fillings->spoken_count; i++) {
		if (fillings->spoken[i].tree == tree) {
			walk->spoken[fillings->spoken[i].held] = true;
		}
	}
	walk->out->steps += fillings->count + fillings->spoken_count;
}

/* What everybody's sets say of the node. */
static enum pol_status ask_sets(struct walk *walk, struct pol_run run)
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
			struct pol_say say = { 0 };

			pol_subject_role(walk->snapshot, facts->held[h].role, POL_PLACE_INSIDE,
				&walk->at[w], &say);
			walk->said[h * words + w] = say;
		}
	}
	walk->out->steps += words * (1 + facts->scope_count + facts->held_count);
	return POL_OK;
}

/* What holds whatever the path's values are: roles without places, and those whose places are all
 * in other trees. */
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
				base[w].roles |= walk->said[h * walk->words + w].roles;
				base[w].denied |= walk->said[h * walk->words + w].denied;
			} else if (!walk->spoken[h]) {
				struct pol_say say = { 0 };

				pol_subject_role(walk->snapshot, held->role, POL_PLACE_ELSEWHERE,
					&walk->at[w], &say);
				base[w].denied |= say.denied;
			}
		}
	}
}

/* What is allowed on the node with these values. The general filling was asked before. */
static void ask(struct walk *walk, uint32_t node, uint32_t number)
{
	const struct pol_filling *filling = &walk->fillings.items[number];
	size_t words = walk->words;
	struct answer *answers = walk->answers + number * words;

	if (number == 0) {
		begin_base(walk);
	} else {
		memcpy(answers, walk->answers + filling->general * words, words * sizeof *answers);
		walk->inside[number] = walk->inside[filling->general];
	}
	for (uint32_t i = filling->first; i < filling->first + filling->place_count; i++) {
		const struct pol_placed *placed = &walk->fillings.places[i];

		if (!is_within(node, placed->node, placed->end)) {
			continue;
		}
		if (placed->held == POL_NONE) {
			walk->inside[number] = true;
			continue;
		}
		for (size_t w = 0; w < words; w++) {
			answers[w].roles |= walk->said[placed->held * words + w].roles;
			answers[w].denied |= walk->said[placed->held * words + w].denied;
		}
	}
	for (size_t w = 0; w < words; w++) {
		struct pol_say say = walk->general[w];

		say.roles = answers[w].roles;
		say.denied |= answers[w].denied;
		say.scopes = walk->inside[number] ? say.scopes : 0;
		answers[w].allowed = pol_subject_allows(walk->facts, say);
	}
	walk->out->steps += words + filling->place_count;
}

/* Does the filling say what its general one does not? [0] does when it says anything. */
static bool differs(const struct walk *walk, uint32_t number)
{
	const struct answer *answers = walk->answers + number * walk->words;
	const struct answer *general =
		walk->answers + walk->fillings.items[number].general * walk->words;

	for (size_t w = 0; w < walk->words; w++) {
		if (answers[w].allowed != (number > 0 ? general[w].allowed : 0)) {
			return true;
		}
	}
	return false;
}

/* The node as text, its beginning filled in. */
static struct pol_str name_resource(
	struct walk *walk, const struct pol_filling *filling, uint32_t node)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_resource_node_chain(snapshot, node, chain);
	bool rest = snapshot->nodes[node].kind == POL_SEGMENT_REST;

	pol_resource_begin(&walk->resource, snapshot->trees[snapshot->nodes[node].tree].name);
	for (uint32_t i = 0; i < filling->count; i++) {
		pol_resource_value(&walk->resource, filling->values[i]);
	}
	for (uint32_t i = filling->count; i < depth; i++) {
		pol_resource_node(&walk->resource, &snapshot->nodes[chain[i]]);
	}
	if (rest && filling->count >= depth) {
		pol_resource_node(&walk->resource, &snapshot->nodes[node]);
	}
	return pol_resource_end(&walk->resource);
}

/* Names of what is allowed: of whole actions, else of their methods. */
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
		.resource = name_resource(walk, &walk->fillings.items[number], node),
		.actions = walk->actions,
		.action_count = name_actions(walk, answers, node),
	};

	walk->out->steps += 8 + pol_tree_node_run(walk->snapshot, node).count;
	if (!walk->query->seen(walk->query->context, &allowed)) {
		walk->out->next = (struct pol_resume){ node, number };
		walk->stopped = true;
	}
}

/* Entries begin with the filling `from`; those before are asked for what comes behind them. */
static enum pol_status visit(struct walk *walk, uint32_t node, uint32_t from)
{
	const struct pol_filling *fillings = walk->fillings.items;
	struct pol_run run = pol_tree_node_run(walk->snapshot, node);
	enum pol_status status;

	walk->out->steps++;
	if (run.count == 0) {
		return POL_OK;
	}
	if (walk->snapshot->nodes[node].tree != walk->tree) {
		enter_tree(walk, walk->snapshot->nodes[node].tree);
	}
	status = ask_sets(walk, run);
	if (status != POL_OK) {
		return status;
	}
	ask(walk, node, 0);
	if (from == 0 && differs(walk, 0)) {
		show(walk, node, 0);
	}
	for (uint32_t i = walk->first; !walk->stopped && i < walk->end; i++) {
		if (!is_within(node, fillings[i].node, fillings[i].end)) {
			continue;
		}
		ask(walk, node, i);
		if (i >= from && differs(walk, i)) {
			show(walk, node, i);
		}
	}
	walk->out->steps += (walk->end - walk->first) / 4;
	return POL_OK;
}

/* Is there somebody at all to hold anything? As the steps of a decision before the stack. */
static bool is_somebody(const struct pol_facts *facts)
{
	return (facts->key_state == POL_KEY_ACTIVE || facts->key_state == POL_KEY_MISSING) &&
	       (facts->principal_state == POL_PRINCIPAL_NONE ||
		       facts->principal_state == POL_PRINCIPAL_ACTIVE) &&
	       !facts->tenant_inactive && !facts->wrong_environment && !facts->wrong_tenant;
}

/* Which nodes are asked for: those of the tree, at the base or below it. */
static enum pol_status find_range(const struct walk *walk, struct pol_run *out)
{
	const struct pol_snapshot *snapshot = walk->snapshot;
	const struct pol_filling *base = &walk->fillings.items[0];
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
	enum pol_status status = pol_fillings_make(
		walk->snapshot, walk->facts, walk->query->at, arena, &walk->fillings);

	if (status != POL_OK) {
		return status;
	}
	walk->tree = POL_NONE;
	walk->by_places = pol_subject_key_counts(walk->facts) && walk->facts->key_place_count > 0;
	walk->spoken = pol_arena_alloc(arena, walk->facts->held_count, sizeof *walk->spoken);
	walk->inside = pol_arena_alloc(arena, walk->fillings.count, sizeof *walk->inside);
	walk->resource.text = pol_arena_alloc(arena, POL_RESOURCE_TEXT, 1);
	if (arena->status != POL_OK) {
		return arena->status;
	}
	walk->out->steps = 8 * (size_t)walk->fillings.count;
	return find_range(walk, out);
}

static enum pol_status run_walk(struct walk *walk)
{
	struct pol_resume from = walk->query->from;
	struct pol_walked *out = walk->out;
	struct pol_run range;
	enum pol_status status = prepare(walk, &range);
	uint32_t node;

	if (status != POL_OK || !is_somebody(walk->facts)) {
		return status;
	}
	node = from.node > range.first ? from.node : range.first;
	for (; status == POL_OK && !out->more && node < range.first + range.count; node++) {
		status = visit(walk, node, node == from.node ? from.filling : 0);
		out->more = walk->stopped;
		if (!walk->stopped && out->steps > POL_QUERY_STEPS &&
			node + 1 < range.first + range.count) {
			out->next = (struct pol_resume){ node + 1, 0 };
			out->more = true;
		}
	}
	return status;
}

enum pol_status pol_query_permissions(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_query *query, struct pol_walked *out)
{
	struct pol_walked walked = { 0 };
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
