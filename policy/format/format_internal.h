/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * format_internal: what the files format*.c share. Private to policy/format.
 *
 * format_spans.c parses the text and says where its conditions are; format_tokens.c reads it into
 * an array of tokens; format.c walks over the blocks and makes a row for each line of the output,
 * format_condition.c those of a condition; format_rows.c keeps the rows of a run, aligns their
 * columns and writes them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/language/lex.h"
#include "policy/text/arena.h"
#include "policy/text/str.h"

/* A WORD, STRING, OPEN, CLOSE, COMMA, NL or END. Before END there is always an NL. */
struct pol_format_token {
	uint32_t offset; /* in the text; of an NL: of the comment before it */
	uint32_t length; /* in bytes; of an NL without a comment 0 */
	uint32_t close;  /* OPEN: the index of its CLOSE */
	uint8_t kind;    /* enum pol_token_kind */
	uint8_t depth;   /* of a condition: the parentheses around it */
	bool lines : 1;  /* OPEN: its block has several lines */
	bool lead : 1;   /* `when`, or the `=` before a condition */
	bool inside : 1; /* of a condition, the line ends in it too */
	bool begins : 1; /* lead or inside: a row of the output begins with it */
};

/* Where the conditions are, in the order of the text. */
struct pol_format_spans {
	struct pol_span *items;
	size_t count;
};

/* Parses the text of diags->sources[0]. The list lives in the arena. POL_EINVALID: a mistake, which
 * diags has. */
enum pol_status pol_format_spans_find(
	struct pol_diags *diags, struct pol_arena *arena, struct pol_format_spans *out);

/* Reads the text of diags->sources[0], in which the parser found no mistake, and these conditions.
 * The array lives in the arena. NULL: no memory. */
struct pol_format_token *pol_format_tokens_read(
	struct pol_diags *diags, const struct pol_format_spans *spans, struct pol_arena *arena);

/* What a row is, for its columns. */
enum pol_format_shape {
	POL_FORMAT_PLAIN = 0,   /* no columns */
	POL_FORMAT_ENVIRONMENT, /* environment NAME | "description" | prefix WORD */
	POL_FORMAT_GRANTEE,     /* the header | the block */
	POL_FORMAT_ACTION,      /* the name | its methods | "description" */
	POL_FORMAT_NODE,        /* the paths | the description and the block */
	POL_FORMAT_GRANT,       /* allow | actions | on … */
	POL_FORMAT_LIMIT,       /* the name | its value */
	POL_FORMAT_LINE,        /* the group | the control | the module | its arguments */
	POL_FORMAT_EXPECT,      /* allow | actions | places | because … */
	POL_FORMAT_FACT,        /* the name | its type | default … */
	POL_FORMAT_SHAPES
};

/* A line of the output. */
struct pol_format_row {
	uint32_t begin, end; /* its tokens; none: the line has only a comment */
	uint32_t comment;    /* the NL with the comment at its end; POL_NONE: it has none */
	uint16_t level;      /* of indentation */
	uint8_t shape;       /* enum pol_format_shape */
	bool tight;          /* no space after commas, as in the arguments of modules */
};

struct pol_format_rows {
	const char *text;
	struct pol_format_token *tokens;
	struct pol_arena *arena; /* of the run and the output */
	struct pol_format_row *run;
	size_t run_count, run_capacity;
	char *out;
	size_t out_len, out_capacity;
};

/* Adds a row to the run. Does nothing when there is no memory: the arena's status says so. */
void pol_format_rows_add(struct pol_format_rows *rows, struct pol_format_row row);
/* The characters of the row if nothing is aligned, without its comment. */
size_t pol_format_rows_width(struct pol_format_rows *rows, const struct pol_format_row *row);
/* Ends the run: aligns its rows and writes them. */
void pol_format_rows_flush(struct pol_format_rows *rows);
/* Writes an empty line. The run must be empty. */
void pol_format_rows_blank(struct pol_format_rows *rows);

static inline bool pol_format_is(const struct pol_format_token *token, enum pol_token_kind kind)
{
	return token->kind == kind;
}

/* Is the token the word, without quotes? */
static inline bool pol_format_is_word(
	const char *text, const struct pol_format_token *token, struct pol_str word)
{
	return token->kind == POL_TOKEN_WORD &&
	       pol_str_equal((struct pol_str){ text + token->offset, token->length }, word);
}

struct pol_format_condition {
	uint32_t begin;       /* the first token of the row in which it begins */
	uint32_t lead, end;   /* its tokens, from the lead on */
	uint16_t level;       /* of the statement */
	uint16_t first_level; /* of the row in which it begins */
};
/* Sets `begins` of the tokens with which the rows of a condition begin. */
void pol_format_condition_break(
	struct pol_format_rows *rows, const struct pol_format_condition *condition);
/* The level of a row of the condition that begins with the token. */
uint16_t pol_format_condition_level(const struct pol_format_rows *rows,
	const struct pol_format_condition *condition, uint32_t i);
