/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/query.h"

#include <stdlib.h>
#include <string.h>

#include "policy/resource.h"
#include "policy/subject.h"
#include "policy/tree.h"

/*
 * Permissions depend on the path only through places, and a place speaks of what is at it or below
 * it. So each node is asked for as declared, with values that no place can hold, and once more
 * for every place that fills in parameters on the way to it. Of these only what differs from the
 * more general answer is an entry.
 */

/* Control characters are in no path, so this equals no segment of a place. */
static const struct pol_str no_value = POL_STR_INIT("\x01");

/* A way into a tree with values in it: a place's, or nothing (count 0). */
struct filling {
	uint32_t node; /* where it leads */
	uint32_t count;
	const struct pol_str *values;
	bool asked;    /* at the present node */
	bool *allowed; /* there, by permission of the node */
};

struct query {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	struct pol_arena arena;
	struct filling *fillings; /* sorted, the more general first; [0] is the base */
	size_t filling_count, filling_capacity;
	struct pol_resource resource;
	struct pol_str *actions;
	struct pol_path path; /* as it is asked for; only what is read is written */
	size_t skip;
	pol_allowed_seen seen;
	void *context;
	bool stopped;
};

static bool is_prefix(const struct filling *a, const struct filling *b)
{
	if (a->count > b->count) {
		return false;
	}
	for (uint32_t i = 0; i < a->count; i++) {
		if (!pol_str_equal(a->values[i], b->values[i])) {
			return false;
		}
	}
	return true;
}

static int compare_fillings(const void *left, const void *right)
{
	const struct filling *a = left;
	const struct filling *b = right;

	for (uint32_t i = 0; i < a->count && i < b->count; i++) {
		int order = pol_str_compare(a->values[i], b->values[i]);

		if (order != 0) {
			return order;
		}
	}
	if (a->count != b->count) {
		return a->count < b->count ? -1 : 1;
	}
	return (a->node > b->node) - (a->node < b->node);
}

/* The place as a filling. POL_EINVALID: it leads nowhere. */
static enum pol_status read_filling(
	struct query *query, struct pol_str place, struct filling *out, uint32_t *out_tree)
{
	struct pol_path *path = pol_arena_alloc(&query->arena, 1, sizeof *path);
	uint32_t chain[POL_PATH_SEGMENTS];
	struct pol_str tree;
	struct pol_str raw;
	uint32_t depth;

	if (path == NULL) {
		return query->arena.status;
	}
	if (!pol_path_split(place, &tree, &raw) || pol_path_read(raw, path) != POL_OK) {
		return POL_EINVALID;
	}
	*out_tree = pol_tree_number(query->snapshot, tree);
	if (pol_tree_find(query->snapshot, *out_tree, path, &out->node) != POL_OK) {
		return POL_EINVALID;
	}
	/* A rest that owns its parent: the place is the parent. */
	depth = pol_node_chain(query->snapshot, out->node, chain);
	if (depth > path->count) {
		out->node = query->snapshot->nodes[out->node].parent;
	}
	out->count = path->count;
	out->values = path->segments;
	return POL_OK;
}

static bool has_values(const struct query *query, uint32_t node)
{
	for (; node != POL_NONE; node = query->snapshot->nodes[node].parent) {
		if (query->snapshot->nodes[node].kind != POL_SEGMENT_LITERAL) {
			return true;
		}
	}
	return false;
}

static bool is_within(const struct query *query, uint32_t node, uint32_t above)
{
	return node >= above && node < query->snapshot->nodes[above].end;
}

static enum pol_status add_filling(struct query *query, struct filling filling)
{
	if (query->filling_count == query->filling_capacity) {
		struct filling *grown =
			pol_arena_grow(&query->arena, query->fillings, query->filling_count,
				query->filling_count + 1, sizeof *grown, &query->filling_capacity);

		if (grown == NULL) {
			return query->arena.status;
		}
		query->fillings = grown;
	}
	query->fillings[query->filling_count++] = filling;
	return POL_OK;
}

/* Places that lead nowhere, fill in nothing or lie outside of what is asked change nothing. */
static enum pol_status add_places(
	struct query *query, const struct pol_str *places, uint32_t count, bool based)
{
	for (uint32_t i = 0; i < count; i++) {
		struct filling filling = { 0 };
		uint32_t tree;
		enum pol_status status = read_filling(query, places[i], &filling, &tree);

		if (status == POL_EINVALID ||
			(status == POL_OK && !has_values(query, filling.node))) {
			continue;
		}
		if (status == POL_OK && based &&
			(!is_within(query, filling.node, query->fillings[0].node) ||
				!is_prefix(&query->fillings[0], &filling))) {
			continue;
		}
		if (status == POL_OK) {
			status = add_filling(query, filling);
		}
		if (status != POL_OK) {
			return status;
		}
	}
	return POL_OK;
}

static enum pol_status gather_places(struct query *query, bool based)
{
	const struct pol_facts *facts = query->facts;
	enum pol_status status =
		add_places(query, facts->key_places, facts->key_place_count, based);

	for (uint32_t i = 0; status == POL_OK && i < facts->held_count; i++) {
		status =
			add_places(query, facts->held[i].places, facts->held[i].place_count, based);
	}
	if (status == POL_OK && query->filling_count > 1) {
		qsort(query->fillings + 1, query->filling_count - 1, sizeof *query->fillings,
			compare_fillings);
	}
	return status;
}

/* The path of the node, its beginning filled in, and its text. */
static void make_path(struct query *query, const struct filling *filling, uint32_t node)
{
	const struct pol_snapshot *snapshot = query->snapshot;
	uint32_t chain[POL_PATH_SEGMENTS];
	uint32_t depth = pol_node_chain(snapshot, node, chain);
	bool rest = snapshot->nodes[node].kind == POL_SEGMENT_REST;

	pol_resource_begin(&query->resource, snapshot->trees[snapshot->nodes[node].tree].name);
	query->path.count = 0;
	for (uint32_t i = 0; i < filling->count; i++) {
		query->path.segments[query->path.count++] = filling->values[i];
		pol_resource_value(&query->resource, filling->values[i]);
	}
	for (uint32_t i = filling->count; i < depth; i++) {
		const struct pol_node *step = &snapshot->nodes[chain[i]];
		bool literal = step->kind == POL_SEGMENT_LITERAL;

		query->path.segments[query->path.count++] = literal ? step->name : no_value;
		pol_resource_node(&query->resource, step);
	}
	if (rest && filling->count >= depth) {
		pol_resource_node(&query->resource, &snapshot->nodes[node]);
	}
}

/* Asks for every permission of the node. Returns whether any is allowed. */
static bool ask(struct query *query, struct filling *filling, uint32_t node)
{
	struct pol_run run = pol_node_run(query->snapshot, node);
	struct pol_str tree = query->snapshot->trees[query->snapshot->nodes[node].tree].name;
	bool any = false;

	for (uint32_t i = 0; i < run.count; i++) {
		struct pol_say say = pol_subject_say(
			query->snapshot, query->facts, tree, &query->path, run.first + i);

		filling->allowed[i] = pol_subject_allows(query->facts, say);
		any = any || filling->allowed[i];
	}
	filling->asked = true;
	return any;
}

/* The nearest more general answer for this node, or NULL. */
static const struct filling *more_general(const struct query *query, size_t i)
{
	for (size_t k = i; k > 0; k--) {
		const struct filling *other = &query->fillings[k - 1];

		if (other->asked && is_prefix(other, &query->fillings[i])) {
			return other;
		}
	}
	return NULL;
}

/* Names of what is allowed: of whole actions, else of their methods. */
static size_t name_actions(struct query *query, const struct filling *filling, uint32_t node)
{
	const struct pol_snapshot *snapshot = query->snapshot;
	uint32_t base = snapshot->nodes[node].first;
	size_t count = 0;

	for (uint32_t i = snapshot->nodes[node].action; i < snapshot->nodes[node + 1].action; i++) {
		const struct pol_action *action = &snapshot->actions[i];
		uint32_t end = action->run.first + action->run.count;
		uint32_t held = 0;

		for (uint32_t p = action->run.first; p < end; p++) {
			held += filling->allowed[p - base];
		}
		if (held == action->run.count) {
			query->actions[count++] = snapshot->verbs[action->verb];
			continue;
		}
		for (uint32_t p = action->run.first; p < end; p++) {
			if (filling->allowed[p - base]) {
				query->actions[count++] = snapshot->verbs[snapshot->permissions[p]];
			}
		}
	}
	return count;
}

static void visit(struct query *query, uint32_t node)
{
	struct pol_run run = pol_node_run(query->snapshot, node);

	for (size_t i = 0; i < query->filling_count; i++) {
		query->fillings[i].asked = false;
	}
	for (size_t i = 0; run.count > 0 && !query->stopped && i < query->filling_count; i++) {
		struct filling *filling = &query->fillings[i];
		const struct filling *general;
		struct pol_allowed allowed;
		bool any;

		if (i > 0 && !is_within(query, node, filling->node)) {
			continue;
		}
		make_path(query, filling, node);
		any = ask(query, filling, node);
		general = more_general(query, i);
		if (general != NULL ? memcmp(general->allowed, filling->allowed, run.count) == 0
				    : !any) {
			continue;
		}
		if (query->skip > 0) {
			query->skip--;
			continue;
		}
		allowed = (struct pol_allowed){
			.resource = pol_resource_end(&query->resource),
			.actions = query->actions,
			.action_count = name_actions(query, filling, node),
		};
		query->stopped = !query->seen(query->context, &allowed);
	}
}

static enum pol_status make_room(struct query *query, uint32_t first, uint32_t end)
{
	uint32_t most = 0;

	for (uint32_t i = first; i < end; i++) {
		uint32_t count = pol_node_run(query->snapshot, i).count;

		most = count > most ? count : most;
	}
	for (size_t i = 0; i < query->filling_count; i++) {
		query->fillings[i].allowed = pol_arena_alloc(&query->arena, most, sizeof(bool));
	}
	query->actions = pol_arena_alloc(&query->arena, most, sizeof *query->actions);
	query->resource.text = pol_arena_alloc(&query->arena, POL_RESOURCE_TEXT, 1);
	return query->arena.status;
}

/* Is there somebody at all to hold anything? As the steps of a decision before the stack. */
static bool is_somebody(const struct pol_facts *facts)
{
	return (facts->key_state == POL_KEY_ACTIVE || facts->key_state == POL_KEY_MISSING) &&
	       (facts->principal_state == POL_PRINCIPAL_NONE ||
		       facts->principal_state == POL_PRINCIPAL_ACTIVE) &&
	       !facts->tenant_inactive && !facts->wrong_environment && !facts->wrong_tenant;
}

/* Which nodes are asked for, and what the way to them begins with. */
static enum pol_status find_range(struct query *query, struct pol_str tree, struct pol_str at,
	struct filling *base, struct pol_run *out)
{
	const struct pol_snapshot *snapshot = query->snapshot;
	uint32_t number = tree.len > 0 ? pol_tree_number(snapshot, tree) : POL_NONE;
	uint32_t found = POL_NONE;
	enum pol_status status = POL_OK;

	if (tree.len > 0 && number == POL_NONE) {
		return POL_EINVALID;
	}
	*out = (struct pol_run){ 0, snapshot->node_count };
	if (tree.len > 0) {
		out->first = snapshot->trees[number].root;
		out->count = snapshot->nodes[out->first].end - out->first;
	}
	if (at.len > 0) {
		status = read_filling(query, at, base, &found);
		if (status == POL_OK && tree.len > 0 && found != number) {
			*out = (struct pol_run){ 0 };
		} else if (status == POL_OK) {
			out->first = base->node;
			out->count = snapshot->nodes[base->node].end - base->node;
		}
	}
	return status;
}

static enum pol_status run_query(struct query *query, struct pol_str tree, struct pol_str at)
{
	struct filling base = { 0 };
	struct pol_run range;
	enum pol_status status = find_range(query, tree, at, &base, &range);

	if (status == POL_OK) {
		status = add_filling(query, base);
	}
	if (status == POL_OK) {
		status = gather_places(query, at.len > 0);
	}
	if (status == POL_OK) {
		status = make_room(query, range.first, range.first + range.count);
	}
	for (uint32_t i = 0; status == POL_OK && !query->stopped && i < range.count; i++) {
		visit(query, range.first + i);
	}
	return status;
}

enum pol_status pol_permissions(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_str tree, struct pol_str at, size_t skip, pol_allowed_seen seen, void *context)
{
	struct query *query = calloc(1, sizeof *query);
	enum pol_status status;

	if (query == NULL) {
		return POL_ENOMEM;
	}
	query->snapshot = snapshot;
	query->facts = facts;
	query->skip = skip;
	query->seen = seen;
	query->context = context;
	query->stopped = !is_somebody(facts);
	pol_arena_init(&query->arena, POL_SNAPSHOT_LIMIT);
	status = run_query(query, tree, at);
	pol_arena_finish(&query->arena);
	free(query);
	return status;
}
