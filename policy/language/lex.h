/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * lex: bytes into words, strings, braces, commas and line ends.
 *
 * One token at a time, as views into the source; nothing is allocated. What no token may hold
 * (control characters, broken UTF-8, characters that hide or reorder text) is reported here and
 * comes back as POL_TOKEN_BAD, for which nobody complains again. The daemon's configuration is
 * written in the same words. Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/diag.h"
#include "policy/text/str.h"

enum pol_token_kind {
	POL_TOKEN_END = 0,
	POL_TOKEN_NL,
	POL_TOKEN_WORD,
	POL_TOKEN_STRING,
	POL_TOKEN_OPEN,
	POL_TOKEN_CLOSE,
	POL_TOKEN_COMMA,
	POL_TOKEN_TOP, /* made by the parser alone: a keyword that begins a statement in column 1 */
	POL_TOKEN_BAD  /* already reported */
};

struct pol_token {
	enum pol_token_kind kind;
	bool first;         /* of its line */
	bool column1;       /* nothing stands before it on its line, no space either */
	bool quoted;        /* a STRING, or a word with a STRING in it */
	bool escaped;       /* and a backslash in that */
	bool param;         /* a word with {name} in it */
	bool glued;         /* touches the token before it */
	struct pol_str raw; /* as it stands in the source */
	struct pol_span at;
};

struct pol_lexer {
	struct pol_diags *diags;
	struct pol_str text;
	uint32_t file;
	uint32_t pos;
	uint32_t line_start;
	bool fresh; /* no token of this line was seen */
};

/* text is sources[file].text of the diags' sources, at most UINT32_MAX bytes. */
void pol_lexer_init(
	struct pol_lexer *lexer, struct pol_diags *diags, uint32_t file, struct pol_str text);

/* The next token. After POL_TOKEN_END it stays there. */
void pol_lex(struct pol_lexer *lexer, struct pol_token *out);

/* What a WORD or STRING means, quotes and escapes resolved: a view of the source, or a copy in the
 * arena where they cannot be cut off. False when the arena is full. */
bool pol_lex_token_text(
	struct pol_arena *arena, const struct pol_token *token, struct pol_str *out);
