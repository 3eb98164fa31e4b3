/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/spot.h"

#include <string.h>

struct search {
	size_t offset;
	struct pol_arena *arena;
	struct lsp_spot *out;
	struct pol_segment path[POL_PATH_SEGMENTS]; /* of the node whose entries are searched */
	uint32_t depth;
};

static bool is_in(const struct search *search, struct pol_span at)
{
	return search->offset >= at.offset && search->offset < (size_t)at.offset + at.length;
}

/* The word among them at the offset. */
static bool find_word(struct search *search, enum lsp_spot_kind kind, const struct pol_words *words)
{
	for (uint32_t i = 0; i < words->count; i++) {
		if (is_in(search, words->items[i].at)) {
			search->out->kind = kind;
			search->out->at = words->items[i].at;
			search->out->word = words->items[i];
			return true;
		}
	}
	return false;
}

static bool find_pattern(struct search *search, const struct pol_ast_patterns *patterns)
{
	for (uint32_t i = 0; i < patterns->count; i++) {
		const struct pol_ast_pattern *pattern = &patterns->items[i];

		if (is_in(search, pattern->path.at)) {
			search->out->kind = LSP_SPOT_PATTERN;
			search->out->at = pattern->path.at;
			search->out->pattern = pattern;
			return true;
		}
	}
	return false;
}

static bool find_grant(struct search *search, const struct pol_ast_grantee *items, size_t count)
{
	for (size_t i = 0; i < count && items[i].name.at.offset <= search->offset; i++) {
		for (uint32_t k = 0; k < items[i].grant_count; k++) {
			const struct pol_ast_grant *grant = &items[i].grants[k];

			search->out->grant = grant;
			if (find_word(search, LSP_SPOT_VERB, &grant->verbs) ||
				find_word(search, LSP_SPOT_VERB, &grant->except_verbs) ||
				find_pattern(search, &grant->patterns) ||
				find_pattern(search, &grant->except_patterns)) {
				return true;
			}
		}
	}
	search->out->grant = NULL;
	return false;
}

static bool find_step(struct search *search, const struct pol_ast_step *step)
{
	if (find_word(search, LSP_SPOT_PLACE, &step->held.places) ||
		(step->kind == POL_STEP_KEY_AT &&
			find_word(search, LSP_SPOT_PLACE, &step->words))) {
		return true;
	}
	search->out->step = step;
	return step->kind == POL_STEP_EXPECT &&
	       (find_word(search, LSP_SPOT_VERB, &step->verbs) ||
		       find_word(search, LSP_SPOT_PLACE, &step->places));
}

static bool find_test(struct search *search, const struct pol_ast *ast)
{
	for (size_t i = 0; i < ast->tests_count; i++) {
		for (uint32_t k = 0; k < ast->tests[i].step_count; k++) {
			if (find_step(search, &ast->tests[i].steps[k])) {
				return true;
			}
			search->out->step = NULL;
		}
	}
	return false;
}

static bool find_place(struct search *search, const struct pol_ast *ast)
{
	for (size_t i = 0; i < ast->principals_count; i++) {
		for (uint32_t k = 0; k < ast->principals[i].held_count; k++) {
			if (find_word(search, LSP_SPOT_PLACE, &ast->principals[i].held[k].places)) {
				return true;
			}
		}
	}
	return false;
}

/* Sets the path of the spot: that of the search. */
static bool found_node(struct search *search, enum lsp_spot_kind kind, struct pol_span at)
{
	struct lsp_spot *out = search->out;

	out->path.segments =
		pol_arena_alloc(search->arena, search->depth, sizeof *out->path.segments);
	if (out->path.segments == NULL) {
		return false;
	}
	memcpy(out->path.segments, search->path, search->depth * sizeof *search->path);
	out->path.count = search->depth;
	out->kind = kind;
	out->at = at;
	return true;
}

/* Goes down a path, and stops at the segment at the offset. True: it is there. */
static bool enter_path(struct search *search, const struct pol_ast_path *path)
{
	for (uint32_t i = 0; i < path->count && search->depth < POL_PATH_SEGMENTS; i++) {
		struct pol_span at = path->segments[i].at;

		search->path[search->depth++] = path->segments[i];
		if (is_in(search, path->at) && search->offset < (size_t)at.offset + at.length) {
			return true;
		}
	}
	return false;
}

static bool find_entry(struct search *search, const struct pol_ast_entry *entries, uint32_t count)
{
	uint32_t depth = search->depth;

	for (uint32_t i = 0; i < count; i++) {
		const struct pol_ast_entry *entry = &entries[i];
		bool is_verb = entry->kind == POL_ENTRY_ACTION || entry->kind == POL_ENTRY_METHOD;

		if (is_verb && is_in(search, entry->name.at)) {
			search->out->entry = entry;
			return found_node(search, LSP_SPOT_ENTRY, entry->name.at);
		}
		for (uint32_t k = 0; entry->kind == POL_ENTRY_NODE && k < entry->path_count; k++) {
			if (enter_path(search, &entry->paths[k])) {
				return found_node(search, LSP_SPOT_NODE, entry->paths[k].at);
			}
			/* All paths of a list have the same entries: they are looked at once. */
			if (k == 0 && find_entry(search, entry->entries, entry->entry_count)) {
				return true;
			}
			search->depth = depth;
		}
	}
	return false;
}

static bool find_node(struct search *search, const struct pol_ast *ast)
{
	for (size_t i = 0; i < ast->trees_count; i++) {
		search->out->tree = ast->trees[i].name.text;
		search->depth = 0;
		if (ast->trees[i].name.at.offset <= search->offset &&
			find_entry(search, ast->trees[i].entries, ast->trees[i].entry_count)) {
			return true;
		}
	}
	return false;
}

bool lsp_spot_find(
	const struct pol_ast *ast, size_t offset, struct pol_arena *arena, struct lsp_spot *out)
{
	struct search search = { .offset = offset, .arena = arena, .out = out };

	*out = (struct lsp_spot){ .kind = LSP_SPOT_NONE };
	return find_grant(&search, ast->roles, ast->roles_count) ||
	       find_grant(&search, ast->scopes, ast->scopes_count) || find_test(&search, ast) ||
	       find_place(&search, ast) || find_node(&search, ast);
}
