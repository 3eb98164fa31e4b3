/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"
#include "policy/snapshot/tree.h"

/* At most this many nodes may be visited one by one for all patterns together, which takes seconds.
 * Without a bound, a list of `*` patterns over a large tree would take hours. */
#define STEPS 30000000

static enum pol_status add_range(
	struct pol_compiler *compiler, struct pol_node_ranges *ranges, uint32_t first, uint32_t end)
{
	if (ranges->count == ranges->capacity) {
		struct pol_node_range *grown = pol_arena_grow(compiler->scratch, ranges->items,
			ranges->count, ranges->count + 1, sizeof *grown, &ranges->capacity);

		if (grown == NULL) {
			return compiler->scratch->status;
		}
		ranges->items = grown;
	}
	ranges->items[ranges->count++] = (struct pol_node_range){ first, end };
	return POL_OK;
}

uint32_t pol_compile_pattern_wild_child(
	const struct pol_snapshot *snapshot, uint32_t node, const struct pol_segment *segment)
{
	uint32_t wild = snapshot->nodes[node].wild;

	while (wild != POL_NONE &&
		(snapshot->nodes[wild].kind != segment->kind ||
			!pol_str_equal(snapshot->nodes[wild].name, segment->text))) {
		wild = snapshot->damage != NULL ? snapshot->damage[wild].rival : POL_NONE;
	}
	return wild;
}

/* Adds the children of a node that the segment selects. */
static enum pol_status step(struct pol_compiler *compiler, uint32_t node,
	const struct pol_segment *segment, struct pol_node_ranges *out)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_node *nodes = snapshot->nodes;
	size_t before = out->count;
	uint32_t child;
	enum pol_status status = POL_OK;

	switch (segment->kind) {
	case POL_SEGMENT_LITERAL:
		if (pol_tree_literal_find(snapshot, node, segment->text, &child) ==
			POL_LITERAL_EXACT) {
			status = add_range(compiler, out, child, child + 1);
		}
		break;
	case POL_SEGMENT_PARAM:
	case POL_SEGMENT_REST:
		child = pol_compile_pattern_wild_child(snapshot, node, segment);
		if (child != POL_NONE) {
			status = add_range(compiler, out, child, child + 1);
		}
		break;
	case POL_SEGMENT_STAR:
		for (child = node + 1; status == POL_OK && child < nodes[node].end;
			child = nodes[child].end) {
			if (nodes[child].kind != POL_SEGMENT_REST) {
				status = add_range(compiler, out, child, child + 1);
			}
		}
		break;
	case POL_SEGMENT_STARSTAR:
		status = add_range(compiler, out, node, nodes[node].end);
		break;
	case POL_SEGMENT_LOST:
		break;
	}
	if (out->count == before) {
		pol_damage_of_child(snapshot, node, segment->kind, &compiler->loss);
	}
	return status;
}

static void report(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	const struct pol_segment *segment, const struct pol_node_ranges *from)
{
	const struct pol_node *nodes = compiler->snapshot->nodes;
	struct pol_nearest nearest = pol_nearest_to(segment->text);
	struct pol_str wild = { 0 };
	const char *dots = "";
	unsigned offers = compiler->diags->errors < POL_NEAREST_ERRORS ? 0 : POL_NEAREST_OFFERS;

	for (size_t i = 0; i < from->count; i++) {
		uint32_t node = from->items[i].first;
		uint32_t child = node + 1;

		if (nodes[node].wild != POL_NONE) {
			wild = nodes[nodes[node].wild].name;
			dots = nodes[nodes[node].wild].kind == POL_SEGMENT_REST ? "..." : "";
		}
		for (; child < nodes[node].end && offers < POL_NEAREST_OFFERS;
			child = nodes[child].end) {
			offers++;
			if (nodes[child].kind == POL_SEGMENT_LITERAL) {
				pol_nearest_offer(&nearest, nodes[child].name);
			}
		}
	}
	if (segment->kind == POL_SEGMENT_STAR) {
		pol_diag_error(compiler->diags, segment->at,
			"'*' stands for any one child, and there is none here");
	} else if (segment->kind != POL_SEGMENT_LITERAL && wild.ptr != NULL) {
		pol_diag_error(compiler->diags, segment->at,
			"no '{%.*s%s}' here: the parameter is declared as '{%.*s%s}'",
			POL_STR_ARGS(segment->text), segment->kind == POL_SEGMENT_REST ? "..." : "",
			POL_STR_ARGS(wild), dots);
	} else if (nearest.best.len == 0 && wild.ptr != NULL) {
		pol_diag_error(compiler->diags, segment->at,
			"no node '%.*s' is declared here: patterns select declared nodes, and "
			"any other value is '{%.*s%s}'",
			POL_STR_ARGS(segment->text), POL_STR_ARGS(wild), dots);
	} else {
		bool literal = segment->kind == POL_SEGMENT_LITERAL;

		pol_diag_error(compiler->diags, segment->at,
			"no node '%s%.*s%s' is declared here in tree '%.*s'" POL_NEAREST,
			literal ? "" : "{", POL_STR_ARGS(segment->text), literal ? "" : "}",
			POL_STR_ARGS(pattern->tree.text), POL_NEAREST_ARGS(nearest));
	}
}

/* Finds where to begin: at the tree's root, or where the prefetch arrived. False when the tree is
 * not known or the bound is passed, which is reported unless a mistake may have removed the tree.
 */
static bool find_start(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	uint32_t *out_node, uint32_t *out_depth)
{
	uint32_t tree;

	if (!pol_compile_prefetch_take(compiler, pattern, out_node, out_depth)) {
		tree = pol_tree_number(compiler->snapshot, pattern->tree.text);
		if (tree == POL_NONE && compiler->snapshot->tree_lost) {
			compiler->loss = (struct pol_loss){ true, true, true };
			return false;
		}
		if (tree == POL_NONE) {
			pol_compile_unknown(
				compiler, "tree", &pattern->tree, &compiler->snapshot->tree_names);
			return false;
		}
		*out_node = compiler->snapshot->trees[tree].root;
		*out_depth = 0;
	}
	if (compiler->steps > STEPS) {
		pol_diag_error(compiler->diags, pattern->path.at,
			"all patterns up to here select more than %d nodes one by one: grant on "
			"nodes further up",
			STEPS);
		return false;
	}
	return true;
}

enum pol_status pol_compile_pattern(
	struct pol_compiler *compiler, const struct pol_ast_pattern *pattern)
{
	struct pol_node_ranges *out = &compiler->ranges;
	uint32_t node, depth;
	enum pol_status status;

	out->count = 0;
	compiler->loss = (struct pol_loss){ 0 };
	if (!find_start(compiler, pattern, &node, &depth)) {
		return POL_OK;
	}
	/* The prefetch took `depth` steps; the loop below counts two for such a step. */
	compiler->steps += 2 * (uint64_t)depth;
	status = add_range(compiler, out, node, node + 1);
	for (uint32_t i = depth; status == POL_OK && out->count > 0 && i < pattern->path.count;
		i++) {
		const struct pol_segment *segment = &pattern->path.segments[i];
		struct pol_node_ranges from = *out;

		*out = compiler->spare;
		out->count = 0;
		for (size_t k = 0; status == POL_OK && k < from.count; k++) {
			status = step(compiler, from.items[k].first, segment, out);
		}
		compiler->steps += from.count + out->count;
		if (status == POL_OK && out->count == 0 && !compiler->loss.nodes) {
			report(compiler, pattern, segment, &from);
		}
		compiler->spare = from;
	}
	for (size_t i = 0; compiler->snapshot->damage != NULL && i < out->count; i++) {
		pol_damage_of_nodes(compiler->snapshot, out->items[i].first, out->items[i].end,
			&compiler->loss);
	}
	return status;
}
