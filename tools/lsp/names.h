/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * names: every place of a parsed file at which something is named: where it is declared and where
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
	LSP_FACT,
	LSP_CONDITION,
};

struct lsp_name {
	enum lsp_kind kind;
	struct pol_str name;
	struct pol_span at;
	bool declares;
	bool in_path;                          /* a segment of a path of the tree authz */
	struct pol_str description;            /* of a declaration; ptr NULL: none */
	const struct pol_ast_grantee *grantee; /* of the declaration of a role or scope */
};

/* Called for each, whose pointers live as long as the statements. Return false to stop. */
typedef bool (*lsp_names_visit)(void *context, const struct lsp_name *name);

/* ast: of one file, text. */
void lsp_names_each(
	const struct pol_ast *ast, struct pol_str text, lsp_names_visit visit, void *context);
/* The declarations among them. */
void lsp_names_declarations(const struct pol_ast *ast, lsp_names_visit visit, void *context);
/* What is named at an offset of the file. False: nothing. */
bool lsp_names_at(
	const struct pol_ast *ast, struct pol_str text, size_t offset, struct lsp_name *out);
/* The first declaration of a name. False: there is none. */
bool lsp_names_declared(
	const struct pol_ast *ast, enum lsp_kind kind, struct pol_str name, struct lsp_name *out);

/* "role", "scope" and so on. */
const char *lsp_names_kind(enum lsp_kind kind);
