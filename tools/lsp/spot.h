/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * spot: what stands at an offset of a parsed file beside names: patterns, places, actions, nodes of
 * trees. Pure, any thread.
 */

#include <stdbool.h>

#include "policy/language/parse.h"

enum lsp_spot_kind {
	LSP_SPOT_NONE = 0,
	LSP_SPOT_PATTERN, /* pattern, grant */
	LSP_SPOT_VERB,    /* word; of a grant, or of step's expectation */
	LSP_SPOT_PLACE,   /* word; step for an expectation, else NULL */
	LSP_SPOT_NODE,    /* tree, path: up to the segment there */
	LSP_SPOT_ENTRY,   /* tree, path: of the node; entry: its action */
};

struct lsp_spot {
	enum lsp_spot_kind kind;
	struct pol_span at;
	struct pol_word word;
	const struct pol_ast_pattern *pattern;
	const struct pol_ast_grant *grant;
	const struct pol_ast_step *step;
	const struct pol_ast_entry *entry;
	struct pol_str tree;
	struct pol_ast_path path; /* in the arena */
};

/* False: nothing. */
bool lsp_spot_find(
	const struct pol_ast *ast, size_t offset, struct pol_arena *arena, struct lsp_spot *out);
