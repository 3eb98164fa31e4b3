/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

/*
 * Lists of paths are multiplied out: `/a, /b { /c, /d { GET } }` has four nodes below the first
 * two, and a few kilobytes of nested lists have millions. So a statement is counted before it is
 * built. A path that is declared already counts again, because to find it costs time.
 */

/* A number that is larger than any bound, and whose products do not overflow. */
#define COUNT_MAX ((uint64_t)1 << 40)

struct totals {
	uint64_t nodes;
	uint64_t actions;
	uint64_t permissions;
};

static uint64_t multiply_add(uint64_t sum, uint64_t a, uint64_t b)
{
	uint64_t product = b > 0 && a > COUNT_MAX / b ? COUNT_MAX : a * b;

	return sum + product < COUNT_MAX ? sum + product : COUNT_MAX;
}

/* The least that these will take: nodes and actions while they are built, and in the snapshot. */
static uint64_t least_bytes(const struct totals *totals)
{
	uint64_t node = sizeof(struct pol_build_node) + sizeof(struct pol_node) +
			2 * sizeof(struct pol_literal);
	uint64_t action = sizeof(struct pol_build_action) + sizeof(struct pol_action);
	uint64_t bytes = multiply_add(0, totals->nodes, node);

	bytes = multiply_add(bytes, totals->actions, action);
	return multiply_add(bytes, totals->permissions, sizeof(uint32_t));
}

static bool is_too_much(const struct pol_build *build, const struct totals *totals)
{
	return totals->nodes > 2 * POL_NODE_LIMIT ||
	       least_bytes(totals) > pol_budget_left(build->compiler->scratch->budget);
}

static void report(
	struct pol_build *build, const struct pol_ast_entry *entry, const struct totals *totals)
{
	build->too_many = true;
	if (totals->nodes > 2 * POL_NODE_LIMIT) {
		pol_diag_error(build->compiler->diags, entry->paths[0].at,
			"more than 1,000,000 nodes, when the lists of paths are multiplied out");
		return;
	}
	pol_diag_error(build->compiler->diags, entry->paths[0].at,
		"%llu nodes and %llu actions, when the lists of paths are multiplied out: more "
		"than "
		"%zu MiB would hold",
		(unsigned long long)totals->nodes, (unsigned long long)totals->actions,
		(build->compiler->scratch->budget->limit + POL_DIAGS_LIMIT) / 1024 / 1024);
}

/* Adds up a list. False: it is too much, which is reported at the innermost list that is. */
static bool count_entries(struct pol_build *build, const struct pol_ast_entry *entries,
	uint32_t count, struct totals *out)
{
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_ast_entry *entry = &entries[i];
		struct totals inner = { 0 };

		if (entry->kind == POL_ENTRY_METHOD || entry->kind == POL_ENTRY_ACTION) {
			bool methods = entry->kind == POL_ENTRY_ACTION && entry->methods.count > 0;

			out->actions = multiply_add(out->actions, 1, 1);
			out->permissions = multiply_add(
				out->permissions, 1, methods ? entry->methods.count : 1);
		}
		if (entry->kind != POL_ENTRY_NODE || entry->path_count == 0) {
			continue;
		}
		if (!count_entries(build, entry->entries, entry->entry_count, &inner)) {
			return false;
		}
		for (uint32_t k = 0; k < entry->path_count; k++) {
			out->nodes = multiply_add(out->nodes, 1, entry->paths[k].count);
		}
		out->nodes = multiply_add(out->nodes, entry->path_count, inner.nodes);
		out->actions = multiply_add(out->actions, entry->path_count, inner.actions);
		out->permissions =
			multiply_add(out->permissions, entry->path_count, inner.permissions);
		if (is_too_much(build, out)) {
			report(build, entry, out);
			return false;
		}
	}
	return true;
}

bool pol_compile_count(struct pol_build *build, const struct pol_ast_tree *tree)
{
	struct totals totals = { 0 };

	return count_entries(build, tree->entries, tree->entry_count, &totals);
}
