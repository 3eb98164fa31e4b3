/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * names: every place of a parsed policy at which something is named: where it is declared and where
 * it is used. Pure, any thread.
 */

#include <stdbool.h>

#include "policy/language/parse.h"

enum lsp_kind {
	LSP_ROLE = 1,
	LSP_SCOPE,
	LSP_STACK,
	LSP_TREE,
	LSP_ENVIRONMENT,
	LSP_PRINCIPAL,
};

struct lsp_name {
	enum lsp_kind kind;
	struct pol_str name;
	struct pol_span at;
	bool declares;
	struct pol_str description;            /* of a declaration; ptr NULL: none */
	const struct pol_ast_grantee *grantee; /* of the declaration of a role or scope */
};

/* Called for each, whose pointers live as long as the statements. Return false to stop. */
typedef bool (*lsp_names_visit)(void *context, const struct lsp_name *name);

void lsp_names_each(const struct pol_ast *ast, lsp_names_visit visit, void *context);
/* What is named at an offset of a file. False: nothing. */
bool lsp_names_at(const struct pol_ast *ast, uint32_t file, size_t offset, struct lsp_name *out);
/* The declaration of a name; of a tree, its first. False: there is none. */
bool lsp_names_declared(
	const struct pol_ast *ast, enum lsp_kind kind, struct pol_str name, struct lsp_name *out);
