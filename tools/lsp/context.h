/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * context: what may be written at an offset of a text that is being typed, from the tokens of the
 * statement before it. What stands after the offset does not matter, and mistakes before it do not
 * either, as far as blocks and lines are clear. Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"

/* Kinds of words; bits. */
enum lsp_expect {
	LSP_EXPECT_KEYWORDS = 1, /* of the list */
	LSP_EXPECT_ROLES = 2,
	LSP_EXPECT_SCOPES = 4,
	LSP_EXPECT_STACKS = 8,
	LSP_EXPECT_ENVIRONMENTS = 16,
	LSP_EXPECT_PRINCIPALS = 32,
	LSP_EXPECT_VERBS = 64,     /* actions and methods that some node has */
	LSP_EXPECT_METHODS = 128,  /* all methods */
	LSP_EXPECT_PATTERNS = 256, /* TREE:/path of a grant */
	LSP_EXPECT_PLACES = 512,   /* TREE:/path with values */
	LSP_EXPECT_MODULES = 1024,
	LSP_EXPECT_REASONS = 2048,
	LSP_EXPECT_FACTS = 4096,
	LSP_EXPECT_CONDITIONS = 8192,
};

#define LSP_CONTEXT_KEYWORDS 16

struct lsp_context {
	unsigned expects;
	const char *keywords[LSP_CONTEXT_KEYWORDS + 1]; /* NULL ends them */
	struct pol_str word;                            /* the part of the word before the offset */
	struct pol_str prefix; /* of a list of suffixes: TREE:/path that the word continues */
	struct pol_str own;    /* the name of the role, scope or stack that is typed */
};

/* The words live as long as the text and the arena. */
void lsp_context_at(
	struct pol_arena *arena, struct pol_str text, size_t offset, struct lsp_context *out);
