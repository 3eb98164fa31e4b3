/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* context_internal: what context.c reads of a statement, and expect.c goes by. */

#include "tools/lsp/context.h"

/* The block of a statement, or a list in one. */
enum block {
	TOP = 0,
	TREE,
	GRANTS,
	SUFFIXES,
	PRINCIPAL,
	LIMITS,
	STACK,
	TEST,
	FACTS,
	PARAMETER /* {name} in a condition */
};

/* A block, and its line or entry of a list before the offset. */
struct frame {
	enum block block;
	unsigned count;                         /* words of the line */
	struct pol_str first, second, previous; /* of them */
	struct pol_str mode;                    /* the last keyword among them that begins a list */
	bool comma;                             /* a comma follows the last word */
	struct pol_str prefix;                  /* of a list of suffixes */
};

/* The keywords of statements, and their blocks; TOP: it has none. */
#define LSP_STATEMENTS 11
extern const struct lsp_statement {
	const char *keyword;
	enum block block;
} lsp_context_statements[LSP_STATEMENTS];

static inline bool lsp_context_is(struct pol_str word, const char *text)
{
	return pol_str_equal(word, pol_str_of(text));
}
/* Is it a word of the list, with spaces between them? */
bool lsp_context_is_one_of(struct pol_str word, const char *list);

/* Sets what may stand at the end of the frame. own: its block is the outermost one. */
void lsp_context_expect(const struct frame *frame, bool own, struct lsp_context *out);
