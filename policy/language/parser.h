/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * parser: what the files parse_*.c share. Private to the parser.
 *
 * One function a rule of the grammar. A function that returns bool says whether the caller may go
 * on within the statement; where it returns false the mistake has been reported, and whoever runs
 * the block finds the next statement. A mistake that leaves no doubt about how to read on (a name
 * with a bad letter) is reported and returns true. No rule reports on POL_TOKEN_BAD: the lexer
 * did.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/language/lex.h"
#include "policy/language/parse.h"
#include "policy/text/nearest.h"

/* Blocks in blocks: a tree that is deeper could never be asked for. */
#define POL_NESTING_MAX 64

/* Every name; a longer one is a mistake or a trick. Bytes. */
#define POL_NAME_MAX 128

struct pol_parser {
	struct pol_lexer lexer;
	struct pol_token token; /* not yet taken */
	struct pol_arena *arena;
	struct pol_diags *diags;
	struct pol_ast *ast;
	enum pol_status status; /* POL_OK until memory ends */
	struct pol_span comma;  /* the last one of a list */
	uint32_t after_comma;   /* where the token behind it begins */

	struct pol_arena scratch; /* of the stack */
	unsigned char *stack;     /* lists in the making: the inner ones above the outer ones */
	size_t stack_used;
	size_t stack_capacity;

	struct pol_span open[POL_NESTING_MAX]; /* the '{' of the blocks around the token */
	unsigned depth;
	bool unwinding;   /* a missing '}' was reported and ends every block */
	bool behind_tree; /* the statement before was a tree */
};

/* Parses a part of sources[file] that begins with a line: all that is before text.len, from begin
 * on. */
void pol_parser_part(struct pol_parser *parser, uint32_t file, struct pol_str text, uint32_t begin);
/* Does the word begin a statement, or is it reserved for one? */
bool pol_parse_block_is_top(struct pol_str word);

/* Tokens. */

void pol_parse_block_next(struct pol_parser *parser);
static inline bool pol_parser_at(const struct pol_parser *parser, enum pol_token_kind kind)
{
	return parser->token.kind == kind;
}
static inline bool pol_parser_at_keyword(const struct pol_parser *parser, const char *keyword)
{
	return parser->token.kind == POL_TOKEN_WORD &&
	       pol_str_equal(parser->token.raw, pol_str_of(keyword));
}
static inline bool pol_parser_take_keyword(struct pol_parser *parser, const char *keyword)
{
	bool there = pol_parser_at_keyword(parser, keyword);

	if (there) {
		pol_parse_block_next(parser);
	}
	return there;
}
/* comma = "," { NL } */
bool pol_parse_block_take_comma(struct pol_parser *parser);
/* True where a line may end: a line end, a '}', the end of the file or of all blocks. */
static inline bool pol_parser_at_line_end(const struct pol_parser *parser)
{
	return parser->token.kind == POL_TOKEN_NL || parser->token.kind == POL_TOKEN_CLOSE ||
	       parser->token.kind == POL_TOKEN_TOP || parser->token.kind == POL_TOKEN_END;
}
/* The token's word, and on. */
struct pol_word pol_parse_words_take(struct pol_parser *parser);

/* What a byte may be part of. */
enum pol_char {
	POL_CHAR_LOWER = 1,
	POL_CHAR_UPPER = 2,
	POL_CHAR_DIGIT = 4,
	POL_CHAR_JOINT = 8,  /* - _ */
	POL_CHAR_PLAIN = 16, /* in a segment, as it stands: unreserved characters and the like */
	POL_CHAR_LETTER = POL_CHAR_LOWER | POL_CHAR_UPPER,
	POL_CHAR_ID = POL_CHAR_LETTER | POL_CHAR_DIGIT | POL_CHAR_JOINT
};
extern const unsigned char pol_parser_chars[256];

static inline bool pol_parser_is(char c, enum pol_char chars)
{
	return (pol_parser_chars[(unsigned char)c] & chars) != 0;
}

/* Mistakes. */

/* "expected WANTED, found …", with a suggestion from the NULL-terminated keywords, or NULL.
 * Returns false. */
bool pol_parse_words_expected(
	struct pol_parser *parser, const char *wanted, const char *const *keywords);

/* A view cut to what a message can bear. */
struct pol_str pol_parse_words_clip(struct pol_str text);

/* Lists: begin, push items of one size, end. Lists may nest, each ends before the one around it
 * goes on. */

static inline size_t pol_parser_list(const struct pol_parser *parser)
{
	return parser->stack_used;
}
bool pol_parse_block_grow_stack(struct pol_parser *parser, size_t need);
static inline void pol_parser_push(struct pol_parser *parser, const void *item, size_t size)
{
	size_t need = parser->stack_used + size;

	if (need > parser->stack_capacity && !pol_parse_block_grow_stack(parser, need)) {
		return;
	}
	memcpy(parser->stack + parser->stack_used, item, size);
	parser->stack_used = need;
}
/* The items as an array in the arena. NULL for an empty list. */
void *pol_parse_block_end_list(
	struct pol_parser *parser, size_t begin, size_t size, uint32_t *out_count);

/* Words by shape. `what` names it in messages: "a role's name". */

enum pol_shape { POL_SHAPE_ANY, POL_SHAPE_NAME, POL_SHAPE_ID };
bool pol_parse_words_name(
	struct pol_parser *parser, const char *what, enum pol_shape shape, struct pol_word *out);
/* [ STRING ] */
void pol_parse_words_description(struct pol_parser *parser, struct pol_word *out);
/* ids = ID { comma ID } */
bool pol_parse_words_ids(struct pol_parser *parser, const char *what, struct pol_words *out);
/* verb { comma verb }; taken are ACTION and METHOD. */
bool pol_parse_words_verbs(struct pol_parser *parser, struct pol_words *out);
/* Is it a METHOD, else an ACTION? Reports what is neither; *out_method may be NULL. */
bool pol_parse_words_verb(struct pol_parser *parser, struct pol_word *out, bool *out_method);
/* In capitals alone: at least one letter, none of them small. */
bool pol_parse_words_is_capitals(struct pol_str word);

/* Blocks. */

/* Takes the '{' of a block; what owns it is named in messages. False when there is none, or when
 * the block was skipped for its depth. */
bool pol_parse_block_open(struct pol_parser *parser, const char *owner);
/* In a block: moves to the next statement. False when the block has ended, its '}' taken. */
bool pol_parse_block_more(struct pol_parser *parser);
/* Ends a statement that began at token offset `start`: when ok the line must be over, else finds
 * the next line. keywords: what may have been meant, or NULL. */
void pol_parse_block_end_line(
	struct pol_parser *parser, bool ok, uint32_t start, const char *const *keywords);
/* After a mistake in a header: moves to its '{' on this line. False when it has none. */
bool pol_parse_block_find_open(struct pol_parser *parser);
/* Skips to the end of the line, whole blocks within. */
void pol_parse_block_skip_line(struct pol_parser *parser);

/* Paths. */

/* The length of NAME before the ':' of a pattern, or 0. */
size_t pol_parse_path_tree_len(struct pol_str raw);
/* Where the next '/' outside of quotes stands, from i on, or the end. */
size_t pol_parse_path_segment_end(struct pol_str raw, size_t i);
/* What must be last is last, and no more segments than the bound. Returns how many of them are
 * good, all if the path is. */
uint32_t pol_parse_path_check_path(struct pol_parser *parser, const struct pol_ast_path *path);

enum pol_path_use { POL_PATH_OF_TREE, POL_PATH_OF_GRANT };
/* Takes a word that is a PATH, or a PATTERN when out_tree is not NULL. Mistakes inside the word are
 * reported and return true. */
bool pol_parse_path(struct pol_parser *parser, enum pol_path_use use, struct pol_word *out_tree,
	struct pol_ast_path *out);
/* patterns = pattern { comma pattern }, lists of suffixes spread out */
bool pol_parse_pattern_patterns(struct pol_parser *parser, struct pol_ast_patterns *out);
/* Does the word look like TREE:/path? */
bool pol_parse_path_at_pattern(const struct pol_parser *parser);
/* places = place { comma place }; of a request: any bytes behind the tree. */
bool pol_parse_pattern_places(struct pol_parser *parser, bool request, struct pol_words *out);
/* held = ids [ "at" places ] [ "until" WORD ] */
bool pol_parse_pattern_held(struct pol_parser *parser, struct pol_ast_held *out);

/* Statements, their keyword taken. They fill in what they can. */

bool pol_parse_tree(struct pol_parser *parser, struct pol_ast_tree *out);
bool pol_parse_grants_grantee(struct pol_parser *parser, bool scope, struct pol_ast_grantee *out);
bool pol_parse_principal(struct pol_parser *parser, struct pol_ast_principal *out);
bool pol_parse_stack(struct pol_parser *parser, struct pol_ast_stack *out);
bool pol_parse_test(struct pol_parser *parser, struct pol_ast_test *out);
/* condition, behind "when" */
bool pol_parse_when_condition(struct pol_parser *parser);
