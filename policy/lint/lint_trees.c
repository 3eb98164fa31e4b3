/* SPDX-License-Identifier: Apache-2.0 */

/* Nodes that have no actions, that nothing allows, or that no request can have. */

#include <string.h>

#include "policy/lint/linter.h"
#include "policy/snapshot/tree.h"

/* What is wrong with a node; of several the first. */
enum fault { FAULT_NONE = 0, FAULT_EMPTY, FAULT_UNREACHABLE, FAULT_NOT_ALLOWED };

struct trees {
	struct pol_linter *linter;
	uint8_t *faults;                    /* enum fault of each node */
	uint32_t *methods;                  /* of each permission: how many before it are methods */
	struct pol_permset allowed;         /* by any role or scope */
	bool with_grants;                   /* there are roles or scopes */
	struct pol_path path;               /* of a request, read */
	char *text;                         /* of a request: TEXT_SIZE bytes */
	size_t ends[POL_PATH_SEGMENTS + 1]; /* where the text of each depth ends */
	size_t found;                       /* nodes with a fault */
};

/* Bytes of a request's path that is one segment too long; no longer one is made. */
#define TEXT_SIZE ((size_t)2 * POL_PATH_BYTES)

/* --- requests --------------------------------------------------------------------------------- */

/* Adds a byte as a client sends it in a path (RFC 3986, pchar); ';' encoded, as it is refused raw.
 */
static void put(struct trees *trees, size_t *len, unsigned char byte)
{
	static const char hex[] = "0123456789ABCDEF";
	bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		     (byte >= '0' && byte <= '9') ||
		     (byte != 0 && strchr("-._~!$&'()*+,=:@", byte) != NULL);

	if (*len + 3 > TEXT_SIZE) {
		*len = TEXT_SIZE;
	} else if (plain) {
		trees->text[(*len)++] = (char)byte;
	} else {
		trees->text[(*len)++] = '%';
		trees->text[(*len)++] = hex[byte >> 4];
		trees->text[(*len)++] = hex[byte & 15];
	}
}

/* A value of the parameter `node` that is not a literal beside it: "0", "00", and so on. */
static void put_value(struct trees *trees, size_t *len, uint32_t node)
{
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	struct pol_str value = { zeros, 1 };
	uint32_t ignored;

	while (value.len < sizeof zeros - 1 && pol_tree_literal_find(trees->linter->snapshot,
						       trees->linter->snapshot->nodes[node].parent,
						       value, &ignored) != POL_LITERAL_NONE) {
		value.len++;
	}
	for (size_t i = 0; i < value.len; i++) {
		put(trees, len, (unsigned char)value.ptr[i]);
	}
}

/* Makes the path of a request for the node, at `depth` below its root, from that of its parent.
 * Does it lead there, or to a `{name...}` below, which a node without permissions gives way to? */
static bool is_reached(struct trees *trees, uint32_t tree, uint32_t node, uint32_t depth)
{
	const struct pol_snapshot *snapshot = trees->linter->snapshot;
	const struct pol_node *own = &snapshot->nodes[node];
	size_t len = depth > 0 ? trees->ends[depth - 1] : 0;
	uint32_t found;

	if (depth == 0) {
		trees->ends[0] = 0;
		return true;
	}
	trees->text[len++] = '/';
	if (own->kind != POL_SEGMENT_LITERAL) {
		put_value(trees, &len, node);
	}
	for (size_t i = 0; own->kind == POL_SEGMENT_LITERAL && i < own->name.len; i++) {
		put(trees, &len, (unsigned char)own->name.ptr[i]);
	}
	trees->ends[depth] = len < TEXT_SIZE ? len : TEXT_SIZE - 1;
	return len < TEXT_SIZE &&
	       pol_path_read((struct pol_str){ trees->text, len }, &trees->path) == POL_OK &&
	       pol_tree_find_requested(snapshot, tree, &trees->path, &found) == POL_OK &&
	       (found == node || found == own->wild);
}

/* --- faults ----------------------------------------------------------------------------------- */

/* The permissions of a node and of all below it. */
static struct pol_run below(const struct pol_snapshot *snapshot, uint32_t node)
{
	uint32_t first = snapshot->nodes[node].first;

	return (struct pol_run){ first, snapshot->nodes[snapshot->nodes[node].end].first - first };
}

static enum fault fault_of(struct trees *trees, uint32_t tree, uint32_t node, uint32_t depth)
{
	struct pol_run run = below(trees->linter->snapshot, node);

	if (run.count == 0) {
		return FAULT_EMPTY;
	}
	if (!is_reached(trees, tree, node, depth) &&
		trees->methods[run.first + run.count] > trees->methods[run.first]) {
		return FAULT_UNREACHABLE;
	}
	return trees->with_grants && !pol_permset_has_any(&trees->allowed, run) ? FAULT_NOT_ALLOWED
										: FAULT_NONE;
}

/* The nodes below one with a fault are not looked at. */
static void check_tree(struct trees *trees, uint32_t tree)
{
	const struct pol_snapshot *snapshot = trees->linter->snapshot;
	uint32_t root = snapshot->trees[tree].root;
	uint32_t parents[POL_PATH_SEGMENTS + 1]; /* ends of the nodes above */
	uint32_t depth = 0;

	for (uint32_t node = root; node < snapshot->nodes[root].end;) {
		enum fault fault;

		while (depth > 0 && node >= parents[depth - 1]) {
			depth--;
		}
		fault = fault_of(trees, tree, node, depth);
		trees->faults[node] = (uint8_t)fault;
		trees->found += fault != FAULT_NONE;
		if (fault != FAULT_NONE) {
			node = snapshot->nodes[node].end;
			continue;
		}
		if (depth < POL_PATH_SEGMENTS) {
			parents[depth++] = snapshot->nodes[node].end;
		}
		node++;
	}
}

/* --- where they are --------------------------------------------------------------------------- */

static void report(struct trees *trees, uint32_t node, struct pol_span at)
{
	struct pol_diags *diags = trees->linter->diags;
	struct pol_resource resource = { .text = trees->linter->text };
	struct pol_str name = pol_resource_of_node(&resource, trees->linter->snapshot, node);

	switch ((enum fault)trees->faults[node]) {
	case FAULT_NONE:
		return;
	case FAULT_EMPTY:
		pol_diag_warning(diags, at, POL_WARNING_NODE_EMPTY,
			"%.*s has no actions, nor has anything below it: add some, or remove it",
			POL_STR_ARGS(name));
		break;
	case FAULT_UNREACHABLE:
		pol_diag_warning(diags, at, POL_WARNING_NODE_UNREACHABLE,
			"no request of a client leads to %.*s: its path is too long, or must be "
			"encoded and then is a value of the parameter beside it: rename it",
			POL_STR_ARGS(name));
		break;
	case FAULT_NOT_ALLOWED:
		pol_diag_warning(diags, at, POL_WARNING_NODE_NOT_ALLOWED,
			"no role and no scope allows anything on %.*s or below it: grant it, or "
			"remove it",
			POL_STR_ARGS(name));
		break;
	}
	trees->faults[node] = FAULT_NONE;
	trees->found--;
}

/* The child that a segment of the tree names, or POL_NONE. */
static uint32_t child(
	const struct pol_snapshot *snapshot, uint32_t node, const struct pol_segment *segment)
{
	uint32_t found;

	if (segment->kind != POL_SEGMENT_LITERAL) {
		return snapshot->nodes[node].wild;
	}
	return pol_tree_literal_find(snapshot, node, segment->text, &found) == POL_LITERAL_EXACT
		       ? found
		       : POL_NONE;
}

static void report_entries(
	struct trees *trees, const struct pol_ast_entry *entries, uint32_t count, uint32_t node);

static void report_path(struct trees *trees, const struct pol_ast_entry *entry,
	const struct pol_ast_path *path, uint32_t node)
{
	for (uint32_t i = 0; i < path->count && node != POL_NONE; i++) {
		node = child(trees->linter->snapshot, node, &path->segments[i]);
		if (node != POL_NONE) {
			report(trees, node, path->segments[i].at);
		}
	}
	if (node != POL_NONE) {
		report_entries(trees, entry->entries, entry->entry_count, node);
	}
}

/* Blocks are nested no deeper than the parser allows. */
static void report_entries(
	struct trees *trees, const struct pol_ast_entry *entries, uint32_t count, uint32_t node)
{
	for (uint32_t i = 0; i < count && trees->found > 0; i++) {
		for (uint32_t k = 0; entries[i].kind == POL_ENTRY_NODE && k < entries[i].path_count;
			k++) {
			report_path(trees, &entries[i], &entries[i].paths[k], node);
		}
	}
}

static void report_all(struct trees *trees)
{
	const struct pol_snapshot *snapshot = trees->linter->snapshot;
	const struct pol_ast *ast = &trees->linter->ast;

	for (size_t i = 0; i < ast->trees_count && trees->found > 0; i++) {
		uint32_t tree = pol_tree_number(snapshot, ast->trees[i].name.text);

		if (tree != POL_NONE) {
			report(trees, snapshot->trees[tree].root, ast->trees[i].name.at);
			report_entries(trees, ast->trees[i].entries, ast->trees[i].entry_count,
				snapshot->trees[tree].root);
		}
	}
}

/* Adds to `allowed` what the scopes allow; what the roles do is known. */
static enum pol_status find_allowed(struct trees *trees)
{
	struct pol_linter *linter = trees->linter;
	struct pol_lint_kind scopes = pol_lint_scopes(linter->snapshot);
	enum pol_status status = POL_OK;

	trees->allowed = linter->role;
	for (uint32_t i = 0; status == POL_OK && i < scopes.count; i++) {
		struct pol_permset own;

		status = pol_lint_allowed(linter, &scopes.grantees[i], &own);
		if (status == POL_OK) {
			status = pol_permset_pool_subtract(
				linter->pool, &own, &scopes.grantees[i].deny, &own);
		}
		if (status == POL_OK) {
			status = pol_permset_pool_union(
				linter->pool, &trees->allowed, &own, &trees->allowed);
		}
	}
	trees->with_grants = scopes.count + linter->snapshot->role_count > 0;
	return status;
}

static void count_methods(struct trees *trees)
{
	const struct pol_snapshot *snapshot = trees->linter->snapshot;

	for (uint32_t i = 0; i < snapshot->permission_count; i++) {
		trees->methods[i + 1] =
			trees->methods[i] + snapshot->verb_is_method[snapshot->permissions[i]];
	}
}

enum pol_status pol_lint_trees(struct pol_linter *linter)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct pol_arena *scratch = linter->scratch;
	struct trees *trees = pol_arena_alloc(scratch, 1, sizeof *trees);
	enum pol_status status;

	if (trees == NULL) {
		return scratch->status;
	}
	trees->linter = linter;
	trees->faults = pol_arena_alloc(scratch, snapshot->node_count, sizeof *trees->faults);
	trees->methods = pol_arena_alloc(
		scratch, (size_t)snapshot->permission_count + 1, sizeof *trees->methods);
	trees->text = pol_arena_alloc(scratch, TEXT_SIZE, 1);
	if (trees->faults == NULL || trees->methods == NULL || trees->text == NULL) {
		return scratch->status;
	}
	count_methods(trees);
	status = find_allowed(trees);
	for (uint32_t i = 0; status == POL_OK && i < snapshot->tree_count; i++) {
		if (i != linter->authz) {
			check_tree(trees, i);
		}
	}
	if (status == POL_OK) {
		report_all(trees);
	}
	return status;
}
