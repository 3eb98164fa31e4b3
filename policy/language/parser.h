/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * parser: what the files parse*.c share. Private to policy/language.
 *
 * A recursive descent parser with one function for each rule of the grammar. A function that
 * returns bool returns true if the caller can go on within the statement. On false the mistake was
 * reported, and the loop over the block looks for the next statement. After a mistake that does not
 * affect what follows, such as a bad letter in a name, a function reports it and returns true. No
 * function reports POL_TOKEN_BAD, because the lexer has.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/language/lex.h"
#include "policy/language/parse.h"
#include "policy/text/nearest.h"
#include "policy/text/value.h"

/* Levels of nested blocks. A path has at most POL_PATH_SEGMENTS segments. */
#define POL_NESTING_MAX 64

/* Bytes of a name. */
#define POL_NAME_MAX 128

struct pol_parser {
	struct pol_lexer lexer;
	struct pol_token token; /* the current one, not yet taken */
	struct pol_arena *arena;
	struct pol_diags *diags;
	struct pol_ast *ast;
	enum pol_status status; /* POL_OK until memory runs out */
	struct pol_span
		joint; /* the last comma, `and`, `=` or the like after which a line may end */
	uint32_t after_joint; /* offset of the token after it */

	/* of a condition: */
	unsigned condition_levels; /* `not` and parentheses around */
	unsigned condition_parens; /* open parentheses */
	/* their positions; one more for those around a list, which are a mistake */
	struct pol_span condition_open[POL_CONDITION_LEVELS + 1];
	uint32_t condition_end; /* of the last token that was taken */
	struct pol_known {      /* those that were read, in scratch: a table by text */
		struct pol_known_text *texts;
		size_t count, mask;
	} known;

	struct pol_arena scratch; /* memory of the stack */
	unsigned char *stack;     /* unfinished lists, the innermost last */
	size_t stack_used;
	size_t stack_capacity;

	struct pol_span open[POL_NESTING_MAX]; /* the '{' of each block around the token */
	unsigned depth;
	bool unwinding;  /* a missing '}' was reported; all blocks are being closed */
	bool after_tree; /* the statement before was a tree */
};

/* Parses the bytes of sources[file] from offset `begin`, where a line begins, to text.len. */
void pol_parse_part(struct pol_parser *parser, uint32_t file, struct pol_str text, uint32_t begin);
/* Is the word the keyword of a statement, or reserved for one? */
bool pol_parse_block_is_top(struct pol_str word);

/* Tokens. */

/* Reads the next token into parser->token. */
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
/* The same for a word that is not a keyword, but one that people write by mistake. */
static inline bool pol_parser_at_mistake(const struct pol_parser *parser, const char *word)
{
	size_t len = strlen(word);

	return parser->token.kind == POL_TOKEN_WORD && parser->token.raw.len == len &&
	       memcmp(parser->token.raw.ptr, word, len) == 0;
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
/* Takes any token, after which the line may end. */
void pol_parse_block_take_joint(struct pol_parser *parser);
/* At the end of a line: does the next line that is not empty begin with the word? */
bool pol_parse_block_goes_on(const struct pol_parser *parser, struct pol_str word);
void pol_parse_block_skip_lines(struct pol_parser *parser);
/* True where a line may end: a line end, a '}', the end of the file or of all blocks. */
static inline bool pol_parser_at_line_end(const struct pol_parser *parser)
{
	return parser->token.kind == POL_TOKEN_NL || parser->token.kind == POL_TOKEN_CLOSE ||
	       parser->token.kind == POL_TOKEN_TOP || parser->token.kind == POL_TOKEN_END;
}
/* Takes the token, which must be a WORD or a STRING, and returns its text and position. */
struct pol_word pol_parse_words_take(struct pol_parser *parser);

/* Classes of bytes; bits. */
enum pol_char {
	POL_CHAR_LOWER = 1,
	POL_CHAR_UPPER = 2,
	POL_CHAR_DIGIT = 4,
	POL_CHAR_JOINT = 8,  /* - _ */
	POL_CHAR_PLAIN = 16, /* may be in a segment of a path without quotes */
	POL_CHAR_LETTER = POL_CHAR_LOWER | POL_CHAR_UPPER,
	POL_CHAR_ID = POL_CHAR_LETTER | POL_CHAR_DIGIT | POL_CHAR_JOINT
};
extern const unsigned char pol_parse_words_chars[256];

static inline bool pol_parser_is(char c, enum pol_char chars)
{
	return (pol_parse_words_chars[(unsigned char)c] & chars) != 0;
}

/* Mistakes. */

/* Reports "expected WANTED, found ..." at the token, with a suggestion from the NULL-terminated
 * keywords (NULL: none). Returns false. */
bool pol_parse_words_expected(
	struct pol_parser *parser, const char *wanted, const char *const *keywords);

/* The text, cut to a length that suits a message. */
struct pol_str pol_parse_words_clip(struct pol_str text);

/* Lists: begin with pol_parser_list, push items of one size, end with pol_parse_block_end_list.
 * Lists may nest; an inner list must end before the outer one goes on. */

/* The beginning of a new list. */
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
/* Ends a list: its items become an array in the parser's arena. NULL for an empty list. */
void *pol_parse_block_end_list(
	struct pol_parser *parser, size_t begin, size_t size, uint32_t *out_count);

/* Words by their form. `what` is what messages call it: "a role's name". */

enum pol_shape { POL_SHAPE_ANY, POL_SHAPE_NAME, POL_SHAPE_ID };
bool pol_parse_words_name(
	struct pol_parser *parser, const char *what, enum pol_shape shape, struct pol_word *out);
/* [ STRING ] */
void pol_parse_words_description(struct pol_parser *parser, struct pol_word *out);
/* ids = ID { comma ID } */
bool pol_parse_words_ids(struct pol_parser *parser, const char *what, struct pol_words *out);
/* verb { comma verb }; a verb is an ACTION or a METHOD */
bool pol_parse_words_verbs(struct pol_parser *parser, struct pol_words *out);
/* Takes a verb; *out_method, unless NULL, becomes true for a METHOD. Reports a word that is
 * neither. */
bool pol_parse_words_verb(struct pol_parser *parser, struct pol_word *out, bool *out_method);
/* Does it have a letter, and no small one? */
bool pol_parse_words_is_capitals(struct pol_str word);

/* Blocks. */

/* Takes the '{' of a block; messages call it "the '{' of OWNER". False: there is none, or the block
 * is nested too deep and was skipped. */
bool pol_parse_block_open(struct pol_parser *parser, const char *owner);
/* In a block: moves to the next line that is not empty. False: the block has ended and its '}' was
 * taken, or is missing, which was reported. */
bool pol_parse_block_more(struct pol_parser *parser);
/* Ends a line of a block or a statement whose first token is at offset `start`. If ok, the line
 * must end here, else that is reported with a suggestion from the keywords (NULL: none). After a
 * mistake moves to the next line. */
void pol_parse_block_end_line(
	struct pol_parser *parser, bool ok, uint32_t start, const char *const *keywords);
/* After a mistake in a header: moves to its '{' on this line. False: the line has none. */
bool pol_parse_block_find_open(struct pol_parser *parser);
/* Skips to the end of the line, with all blocks that begin on it. */
void pol_parse_block_skip_line(struct pol_parser *parser);

/* Paths. */

/* The length of the tree's name before the ':' of a pattern or a place, or 0. */
size_t pol_parse_path_tree_len(struct pol_str raw);
/* The offset of the next '/' outside of quotes, from i on, or the length. */
size_t pol_parse_path_segment_end(struct pol_str raw, size_t i);
/* Checks that `{name...}` and `**` come last and that there are at most POL_PATH_SEGMENTS segments.
 * Reports a mistake. Returns how many segments from the beginning are good. */
uint32_t pol_parse_path_check_path(struct pol_parser *parser, const struct pol_ast_path *path);

enum pol_path_use { POL_PATH_OF_TREE, POL_PATH_OF_GRANT };
/* Takes a PATH, or a PATTERN if out_tree is not NULL. Returns true for a mistake within the word,
 * which is reported. */
bool pol_parse_path(struct pol_parser *parser, enum pol_path_use use, struct pol_word *out_tree,
	struct pol_ast_path *out);
/* patterns = pattern { comma pattern }; a list of suffixes becomes one pattern for each */
bool pol_parse_pattern_patterns(struct pol_parser *parser, struct pol_ast_patterns *out);
/* Does the word look like TREE:/path? */
bool pol_parse_path_at_pattern(const struct pol_parser *parser);
/* places = place { comma place }; if `request`, any bytes may follow the tree's name */
bool pol_parse_pattern_places(struct pol_parser *parser, bool request, struct pol_words *out);
/* assignment = ids [ "at" places ] [ "until" WORD ] */
bool pol_parse_pattern_assignment(struct pol_parser *parser, struct pol_ast_assignment *out);

/* Statements. The keyword was taken. After a mistake *out holds what could be parsed. */

bool pol_parse_tree(struct pol_parser *parser, struct pol_ast_tree *out);
bool pol_parse_grants_grantee(struct pol_parser *parser, bool scope, struct pol_ast_grantee *out);
bool pol_parse_principal(struct pol_parser *parser, struct pol_ast_principal *out);
bool pol_parse_stack(struct pol_parser *parser, struct pol_ast_stack *out);
bool pol_parse_test(struct pol_parser *parser, struct pol_ast_test *out);
/* NAME "=" condition */
bool pol_parse_condition_named(struct pol_parser *parser, struct pol_ast_named_condition *out);
/* Is "when" at the token, or at the beginning of the next line, which is then begun? */
bool pol_parse_condition_at_when(struct pol_parser *parser);
void pol_parse_condition_take_when(struct pol_parser *parser);
/* Conditions that are written as one before: parse_known.c. */
struct pol_known_place {
	struct pol_str text; /* the rest of the line; ptr NULL: it cannot be remembered */
	uint64_t hash;
	uint32_t offset; /* of the text */
	size_t errors;
};
/* At "when": takes it and a condition of which the rest of the line was read before; out->when is
 * that one. False: it was not, nothing is taken, and the place is for pol_parse_known_put. */
bool pol_parse_known_take(
	struct pol_parser *parser, struct pol_known_place *out_place, struct pol_ast_grant *out);
/* Remembers a condition that was read without a mistake and ends with that line. */
void pol_parse_known_put(struct pol_parser *parser, const struct pol_known_place *place,
	struct pol_ast_condition *condition);
/* condition; "when" was taken. False: the rest of the condition was skipped. */
bool pol_parse_condition(struct pol_parser *parser, struct pol_ast_condition *out);
/* A line of `facts { … }` */
bool pol_parse_facts_fact(struct pol_parser *parser, struct pol_ast_fact *out);
/* attribute = "attribute" FACTNAME value { comma value }; "attribute" was taken */
bool pol_parse_facts_attribute(struct pol_parser *parser, struct pol_ast_given *out);
/* FACT value { comma ( value | FACT value ) }; "given" was taken */
bool pol_parse_facts_given(struct pol_parser *parser, struct pol_ast_given **out, uint32_t *count);

/* Words of conditions. */

/* Reads the next token; within parentheses, the next that is not an end of a line. */
void pol_parse_operand_next(struct pol_parser *parser);
/* Takes a word or a string, in conditions also {name}. Messages say that `what` was expected. */
bool pol_parse_operand(struct pol_parser *parser, const char *what, struct pol_ast_operand *out);
bool pol_parse_operand_value(
	struct pol_parser *parser, const char *what, struct pol_ast_operand *out);
/* operand [ comparison ] */
bool pol_parse_comparison(struct pol_parser *parser, struct pol_ast_condition *out);
/* Is the token the word of a condition, or what it is in another language? The latter is reported.
 */
bool pol_parse_comparison_at(struct pol_parser *parser, const char *word);
/* Is it `and`, `not` or another word that has a meaning of its own in conditions? */
bool pol_parse_operand_is_keyword(struct pol_str word);
