/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ast_text: everything that the parser reads of a file, as text without positions, and what it does
 * not read. Two files with the same text compile to the same policy. Both functions abort when
 * there is no memory.
 */

#include "policy/text/str.h"

struct pol_ast;

/* The caller frees it. */
char *ast_text_of(const struct pol_ast *ast);

/* NULL if the file does not parse. The caller frees it. */
char *ast_text(struct pol_str file);

/* The comments, a line each, found without the lexer; the file parses. The caller frees it. */
char *ast_comments(struct pol_str file);
