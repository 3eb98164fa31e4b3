/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions that are written as one before. Large policies have few different ones, and to copy a
 * statement costs a fraction of reading it. */
#include "policy/language/parser.h"

#include <string.h>

/* Texts that are remembered, by hash; a power of two. */
#define TEXTS ((size_t)1024)

/* Places in which a text may be. */
#define PROBES 4

struct pol_known {
	struct pol_str text; /* from after `when` to the end of the line; ptr NULL: none */
	struct pol_span at;
	const struct pol_ast_condition *condition;
};

/* How far a copy stands from what it is copied from. */
struct copy {
	struct pol_parser *parser;
	uint32_t file;
	uint32_t shift; /* of offsets; they wrap around when it is backwards */
};

static void move_word(const struct copy *copy, struct pol_word *word)
{
	word->at.file = copy->file;
	word->at.offset += copy->shift;
}

/* Calls itself for the parts, which are nested no deeper than the parser allows. */
static void copy_condition(const struct copy *copy, const struct pol_ast_condition *from,
	struct pol_ast_condition *out)
{
	struct pol_arena *arena = copy->parser->arena;
	struct pol_ast_operand *items = NULL;
	struct pol_ast_condition *parts = NULL;

	*out = *from;
	out->at.file = copy->file;
	out->at.offset += copy->shift;
	move_word(copy, &out->left.word);
	if (from->right.count > 0) {
		items = pol_arena_alloc(arena, from->right.count, sizeof *items);
	}
	if (from->part_count > 0) {
		parts = pol_arena_alloc(arena, from->part_count, sizeof *parts);
	}
	if (arena->status != POL_OK) {
		copy->parser->status = arena->status;
		return;
	}
	for (uint32_t i = 0; i < from->right.count; i++) {
		items[i] = from->right.items[i];
		move_word(copy, &items[i].word);
	}
	for (uint32_t i = 0; i < from->part_count; i++) {
		copy_condition(copy, &from->parts[i], &parts[i]);
	}
	out->right.items = items;
	out->parts = parts;
}

/* The rest of the line after the token, without its end. False: it ends in another way than with a
 * line feed. */
static bool rest_of_line(const struct pol_parser *parser, struct pol_str *out)
{
	const struct pol_lexer *lexer = &parser->lexer;
	const char *begin = lexer->text.ptr + lexer->pos;
	const char *end = memchr(begin, '\n', lexer->text.len - lexer->pos);

	if (end == NULL || end == begin || end[-1] == '\r') {
		return false;
	}
	*out = (struct pol_str){ begin, (size_t)(end - begin) };
	return true;
}

/* The place of the text: its own, a free one, or one that is used again. NULL: no memory. */
static struct pol_known *find(struct pol_parser *parser, struct pol_str text)
{
	uint64_t hash = pol_str_hash(text, POL_HASH_SEED) * UINT64_C(0x9e3779b97f4a7c15);
	struct pol_known *known = NULL;

	if (parser->known == NULL) {
		parser->known = pol_arena_alloc(&parser->scratch, TEXTS, sizeof *parser->known);
	}
	for (size_t i = 0; parser->known != NULL && i < PROBES; i++) {
		known = &parser->known[((hash >> 32) + i) & (TEXTS - 1)];
		if (known->text.ptr == NULL || pol_str_equal(known->text, text)) {
			break;
		}
	}
	return known;
}

/* May the next line go on with a condition? Its first bytes mostly show that it does not. */
static bool may_go_on(const struct pol_lexer *lexer)
{
	uint32_t at = lexer->pos;

	while (at < lexer->text.len &&
		(lexer->text.ptr[at] == ' ' || lexer->text.ptr[at] == '\t')) {
		at++;
	}
	if (lexer->text.len - at < 2) {
		return false;
	}
	switch (lexer->text.ptr[at]) {
	case 'a':
		return lexer->text.ptr[at + 1] == 'n';
	case 'o':
	case '&':
	case '|':
	case '#':
	case '\r':
	case '\n':
		return true;
	default:
		return false;
	}
}

/* Does the condition go on in the next line? */
static bool goes_on(const struct pol_parser *parser)
{
	static const struct pol_str words[] = { POL_STR_INIT("and"), POL_STR_INIT("&&"),
		POL_STR_INIT("or"), POL_STR_INIT("||") };
	bool found = false;

	for (size_t i = 0; may_go_on(&parser->lexer) && i < sizeof words / sizeof *words; i++) {
		found = found || pol_parse_block_goes_on(parser, words[i]);
	}
	return found;
}

bool pol_parse_known_take(struct pol_parser *parser, struct pol_ast_condition *out)
{
	const struct pol_lexer lexer = parser->lexer;
	const struct pol_token token = parser->token;
	const struct pol_known *known;
	struct pol_str text;
	struct copy copy;

	if (!pol_parser_at_keyword(parser, "when") || !rest_of_line(parser, &text)) {
		return false;
	}
	known = find(parser, text);
	if (known == NULL || known->text.ptr == NULL || !pol_str_equal(known->text, text)) {
		return false;
	}
	parser->lexer.pos += (uint32_t)text.len;
	pol_parse_block_next(parser);
	if (!pol_parser_at(parser, POL_TOKEN_NL) || goes_on(parser)) {
		parser->lexer = lexer;
		parser->token = token;
		return false;
	}
	copy = (struct copy){ parser, token.at.file, lexer.pos - known->at.offset };
	copy_condition(&copy, known->condition, out);
	return true;
}

void pol_parse_known_begin(const struct pol_parser *parser, struct pol_known_place *out)
{
	out->offset = parser->lexer.pos;
	out->errors = parser->diags->errors;
	if (!pol_parser_at_keyword(parser, "when") || !rest_of_line(parser, &out->text)) {
		out->text = (struct pol_str){ 0 };
	}
}

void pol_parse_known_put(struct pol_parser *parser, const struct pol_known_place *place,
	const struct pol_ast_condition *condition)
{
	struct pol_known *known;

	if (place->text.ptr == NULL || parser->diags->errors > place->errors ||
		!pol_parser_at(parser, POL_TOKEN_NL) ||
		parser->token.at.offset != place->offset + place->text.len) {
		return;
	}
	known = find(parser, place->text);
	if (known != NULL) {
		*known = (struct pol_known){ place->text,
			{ parser->token.at.file, place->offset, 0 }, condition };
	}
}
