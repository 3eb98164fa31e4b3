/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions that are written as one before. Large policies have few different ones, so grants
 * share what was read. */
#include "policy/language/parser.h"

#include <string.h>

/* Texts that are remembered: as many as a policy may have different conditions. */
#define TEXTS ((size_t)4096)

/* The first size of the table; a power of two. */
#define FIRST_TABLE ((size_t)64)

struct pol_known_text {
	struct pol_str text; /* from after `when` to the end of the line; ptr NULL: none */
	uint64_t hash;
	uint32_t offset; /* of the text */
	struct pol_ast_condition *condition;
};

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

static struct pol_known_text *find(
	const struct pol_known *known, struct pol_str text, uint64_t hash)
{
	struct pol_known_text *at = &known->texts[hash & known->mask];

	while (at->text.ptr != NULL && (at->hash != hash || !pol_str_equal(at->text, text))) {
		at = at == &known->texts[known->mask] ? known->texts : at + 1;
	}
	return at;
}

/* Makes the table, or one of twice the size. False: no memory. */
static bool grow(struct pol_arena *scratch, struct pol_known *known)
{
	struct pol_known grown = { .count = known->count,
		.mask = known->texts == NULL ? FIRST_TABLE - 1 : known->mask * 2 + 1 };

	grown.texts = pol_arena_alloc(scratch, grown.mask + 1, sizeof *grown.texts);
	if (grown.texts == NULL) {
		return false;
	}
	for (size_t i = 0; known->texts != NULL && i <= known->mask; i++) {
		struct pol_known_text *old = &known->texts[i];

		if (old->text.ptr != NULL) {
			*find(&grown, old->text, old->hash) = *old;
		}
	}
	*known = grown;
	return true;
}

/* May the line at that offset go on with a condition? Its first bytes mostly show that it does not.
 */
static bool may_go_on(const struct pol_lexer *lexer, size_t at)
{
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

/* Does the condition go on in the line at that offset? */
static bool goes_on(const struct pol_parser *parser, size_t at)
{
	static const struct pol_str words[] = { POL_STR_INIT("and"), POL_STR_INIT("&&"),
		POL_STR_INIT("or"), POL_STR_INIT("||") };
	const struct pol_lexer *lexer = &parser->lexer;
	struct pol_str rest = { lexer->text.ptr + at, lexer->text.len - at };
	bool found = false;

	for (size_t i = 0; may_go_on(lexer, at) && i < sizeof words / sizeof *words; i++) {
		found = found || pol_lex_begins(rest, words[i]);
	}
	return found;
}

bool pol_parse_known_take(
	struct pol_parser *parser, struct pol_known_place *out_place, struct pol_ast_grant *out)
{
	const struct pol_known_text *known;
	size_t next;

	*out_place = (struct pol_known_place){ .errors = parser->diags->errors };
	if (!pol_parser_at_keyword(parser, "when") || !rest_of_line(parser, &out_place->text)) {
		return false;
	}
	out_place->offset = parser->lexer.pos;
	out_place->hash = pol_str_hash(out_place->text, POL_HASH_SEED);
	if (parser->known.texts == NULL) {
		return false;
	}
	known = find(&parser->known, out_place->text, out_place->hash);
	if (known->text.ptr == NULL) {
		return false;
	}
	next = parser->lexer.pos + out_place->text.len + 1; /* after the line's end */
	if (goes_on(parser, next)) {
		return false;
	}
	parser->lexer.pos += (uint32_t)out_place->text.len;
	pol_parse_block_next(parser);
	out->when = known->condition;
	out->when_offset = known->condition->at.offset + (out_place->offset - known->offset);
	return true;
}

void pol_parse_known_put(struct pol_parser *parser, const struct pol_known_place *place,
	struct pol_ast_condition *condition)
{
	struct pol_known *known = &parser->known;
	struct pol_known_text *slot;

	if (place->text.ptr == NULL || parser->diags->errors > place->errors ||
		known->count == TEXTS || !pol_parser_at(parser, POL_TOKEN_NL) ||
		parser->token.at.offset != place->offset + place->text.len) {
		return;
	}
	if ((known->texts == NULL || known->count * 2 > known->mask) &&
		!grow(&parser->scratch, known)) {
		parser->status = parser->scratch.status;
		return;
	}
	slot = find(known, place->text, place->hash);
	known->count += slot->text.ptr == NULL;
	*slot = (struct pol_known_text){ place->text, place->hash, place->offset, condition };
}

/* --- a copy ----------------------------------------------------------------------------------- */

/* Calls itself for the parts, which are nested no deeper than the parser allows. */
static void copy_condition(struct pol_arena *arena, const struct pol_ast_grant *grant,
	const struct pol_ast_condition *from, struct pol_ast_condition *out)
{
	struct pol_ast_operand *items = pol_arena_alloc(arena, from->right.count, sizeof *items);
	struct pol_ast_condition *parts = pol_arena_alloc(arena, from->part_count, sizeof *parts);

	if (items == NULL || parts == NULL) {
		return;
	}
	*out = *from;
	out->at = pol_ast_when_at(grant, from->at);
	out->left.word.at = pol_ast_when_at(grant, from->left.word.at);
	for (uint32_t i = 0; i < from->right.count; i++) {
		items[i] = from->right.items[i];
		items[i].word.at = pol_ast_when_at(grant, items[i].word.at);
	}
	for (uint32_t i = 0; i < from->part_count; i++) {
		copy_condition(arena, grant, &from->parts[i], &parts[i]);
	}
	out->right.items = items;
	out->parts = parts;
}

const struct pol_ast_condition *pol_parse_known_own(
	struct pol_arena *arena, const struct pol_ast_grant *grant)
{
	const struct pol_ast_condition *when = grant->when;
	struct pol_ast_condition *copy;

	if (when->at.file == grant->at.file && when->at.offset == grant->when_offset) {
		return when;
	}
	copy = pol_arena_alloc(arena, 1, sizeof *copy);
	if (copy != NULL) {
		copy_condition(arena, grant, when, copy);
	}
	return arena->status == POL_OK ? copy : NULL;
}
