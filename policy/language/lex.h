/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * lex: the lexer. Bytes become words, strings, braces, commas and line ends.
 *
 * Tokens are views of the source; pol_lex allocates nothing. Characters that no token may contain
 * (control characters, broken UTF-8, characters that hide or reorder text) are reported here; the
 * token is POL_TOKEN_BAD then, and the parser must not report it again. The daemon's configuration
 * is read with the same lexer. A lexer is for one thread.
 *
 * Within a condition, parentheses and runs of `< > = & |`, with a `!` before them, are words of
 * their own, with or without spaces around them. No value or fact has such a character outside of
 * quotes, and the parser names operators of other languages, such as `==`, by the run.
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
	POL_TOKEN_TOP, /* set by the parser only: a statement's keyword in column 1 */
	POL_TOKEN_BAD  /* a mistake that was reported */
};

struct pol_token {
	enum pol_token_kind kind;
	bool first;         /* the first token of its line */
	bool column1;       /* nothing before it on its line, not even a space */
	bool quoted;        /* a STRING, or a WORD with a quoted part */
	bool escaped;       /* the quoted part has a backslash */
	bool param;         /* a WORD with {name} in it */
	bool adjacent;      /* no space between it and the token before */
	struct pol_str raw; /* its bytes in the source */
	struct pol_span at;
};

struct pol_lexer {
	struct pol_diags *diags;
	struct pol_str text;
	uint32_t file;
	uint32_t pos;
	uint32_t line_start;
	bool at_line_start; /* no token of this line was read */
	bool in_condition;  /* set by the caller: the next token is one of a condition */
};

/* text is sources[file].text of the diags' sources, at most UINT32_MAX bytes. */
void pol_lexer_init(
	struct pol_lexer *lexer, struct pol_diags *diags, uint32_t file, struct pol_str text);

/* Reads the next token. After POL_TOKEN_END each further one is POL_TOKEN_END. */
void pol_lex(struct pol_lexer *lexer, struct pol_token *out);

/* Does the text begin with the word, which is one of conditions, after blanks, line ends and
 * comments? */
bool pol_lex_begins(struct pol_str text, struct pol_str word);

/* The text of a WORD or STRING without quotes and escapes: a view of the source if possible, else a
 * copy in the arena. False: the arena has no memory. */
bool pol_lex_token_text(
	struct pol_arena *arena, const struct pol_token *token, struct pol_str *out);
