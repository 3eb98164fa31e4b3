/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens, lists, blocks, and recovery after a mistake. Recovery never skips a statement that begins
 * in column 1.
 */
#include "policy/language/parser.h"

#include <string.h>

bool pol_parse_block_is_top(struct pol_str word)
{
	static const struct pol_str keywords[] = { POL_STR_INIT("environment"),
		POL_STR_INIT("condition"), POL_STR_INIT("exclusive"), POL_STR_INIT("facts"),
		POL_STR_INIT("group"), POL_STR_INIT("limits"), POL_STR_INIT("principal"),
		POL_STR_INIT("role"), POL_STR_INIT("scope"), POL_STR_INIT("stack"),
		POL_STR_INIT("test"), POL_STR_INIT("tree") };

	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		if (pol_str_equal(word, keywords[i])) {
			return true;
		}
	}
	return false;
}

void pol_parse_block_next(struct pol_parser *parser)
{
	struct pol_token *token = &parser->token;

	if (parser->status != POL_OK) {
		token->kind = POL_TOKEN_END;
		return;
	}
	pol_lex(&parser->lexer, token);
	if (token->column1 && token->kind == POL_TOKEN_WORD && pol_parse_block_is_top(token->raw)) {
		token->kind = POL_TOKEN_TOP;
	}
}

void pol_parse_block_skip_lines(struct pol_parser *parser)
{
	while (pol_parser_at(parser, POL_TOKEN_NL)) {
		pol_parse_block_next(parser);
	}
}

bool pol_parse_block_take_comma(struct pol_parser *parser)
{
	if (!pol_parser_at(parser, POL_TOKEN_COMMA)) {
		return false;
	}
	pol_parse_block_take_joint(parser);
	return true;
}

void pol_parse_block_take_joint(struct pol_parser *parser)
{
	parser->joint = parser->token.at;
	pol_parse_block_next(parser);
	pol_parse_block_skip_lines(parser);
	parser->after_joint = parser->token.at.offset;
}

/* Looks at bytes, not at tokens: a token of the next line is read only once it is known whether it
 * belongs to a condition, and a bad one is reported when it is read. */
bool pol_parse_block_goes_on(const struct pol_parser *parser, struct pol_str word)
{
	const struct pol_lexer *lexer = &parser->lexer;
	struct pol_str rest = { lexer->text.ptr + lexer->pos, lexer->text.len - lexer->pos };

	return pol_parser_at(parser, POL_TOKEN_NL) && pol_lex_begins(rest, word);
}

bool pol_parse_block_grow_stack(struct pol_parser *parser, size_t need)
{
	void *grown = pol_arena_grow(&parser->scratch, parser->stack, parser->stack_used, need, 1,
		&parser->stack_capacity);

	if (grown == NULL) {
		parser->status = parser->scratch.status;
		return false;
	}
	parser->stack = grown;
	return true;
}

void *pol_parse_block_end_list(
	struct pol_parser *parser, size_t begin, size_t size, uint32_t *out_count)
{
	size_t bytes = parser->stack_used - begin;
	void *items = NULL;

	if (bytes > 0) {
		items = pol_arena_alloc(parser->arena, bytes, 1);
		if (items == NULL) {
			parser->status = parser->arena->status;
			bytes = 0;
		} else {
			memcpy(items, parser->stack + begin, bytes);
		}
	}
	parser->stack_used = begin;
	*out_count = (uint32_t)(bytes / size);
	return items;
}

void pol_parse_block_skip_line(struct pol_parser *parser)
{
	size_t depth = 0;

	for (;;) {
		switch (parser->token.kind) {
		case POL_TOKEN_END:
		case POL_TOKEN_TOP:
			return;
		case POL_TOKEN_NL:
			if (depth == 0) {
				return;
			}
			break;
		case POL_TOKEN_OPEN:
			depth++;
			break;
		case POL_TOKEN_CLOSE:
			if (depth == 0) {
				return;
			}
			depth--;
			break;
		case POL_TOKEN_WORD:
		case POL_TOKEN_STRING:
		case POL_TOKEN_COMMA:
		case POL_TOKEN_BAD:
			break;
		}
		pol_parse_block_next(parser);
	}
}

bool pol_parse_block_find_open(struct pol_parser *parser)
{
	while (!pol_parser_at_line_end(parser) && !pol_parser_at(parser, POL_TOKEN_OPEN)) {
		pol_parse_block_next(parser);
	}
	return pol_parser_at(parser, POL_TOKEN_OPEN);
}

/* Looks for a '{' on a line of its own. Reports it and returns true; reports a missing '{' and
 * returns false. */
static bool open_below(struct pol_parser *parser, const char *owner)
{
	struct pol_token line_end = parser->token;

	pol_parse_block_skip_lines(parser);
	if (pol_parser_at(parser, POL_TOKEN_OPEN)) {
		pol_diag_error(parser->diags, parser->token.at,
			"the '{' of %s stands on the line of its header", owner);
		return true;
	}
	pol_diag_error(parser->diags, line_end.at,
		"expected the '{' of %s, found the end of the line", owner);
	return false;
}

bool pol_parse_block_open(struct pol_parser *parser, const char *owner)
{
	if (pol_parser_at(parser, POL_TOKEN_NL)) {
		if (!open_below(parser, owner)) {
			return false;
		}
	} else if (!pol_parser_at(parser, POL_TOKEN_OPEN)) {
		char wanted[64] = "the '{' of ";
		size_t used = sizeof "the '{' of " - 1;
		size_t len = strlen(owner) < sizeof wanted - used ? strlen(owner)
								  : sizeof wanted - used - 1;

		memcpy(wanted + used, owner, len);
		return pol_parse_words_expected(parser, wanted, NULL);
	}
	if (parser->depth == POL_NESTING_MAX) {
		pol_diag_error(parser->diags, parser->token.at,
			"blocks are nested more than %d deep", POL_NESTING_MAX);
		pol_parse_block_skip_line(parser);
		return false;
	}
	parser->open[parser->depth++] = parser->token.at;
	pol_parse_block_next(parser);
	return true;
}

/* Reports, once for all blocks, that a '}' is missing. */
static void missing_close(struct pol_parser *parser)
{
	struct pol_str word = pol_parse_words_clip(parser->token.raw);
	struct pol_diag *diag;

	if (parser->unwinding || parser->status != POL_OK) {
		return;
	}
	parser->unwinding = true;
	if (pol_parser_at(parser, POL_TOKEN_END)) {
		diag = pol_diag_error(
			parser->diags, parser->token.at, "a '}' is missing at the end of the file");
	} else {
		diag = pol_diag_error(parser->diags, parser->token.at,
			"a '}' is missing before '%.*s', which begins a new statement in column 1",
			POL_STR_ARGS(word));
	}
	for (unsigned i = parser->depth; i > 0; i--) {
		pol_diag_note(parser->diags, diag, parser->open[i - 1], "this '{' is still open");
	}
}

bool pol_parse_block_more(struct pol_parser *parser)
{
	pol_parse_block_skip_lines(parser);
	if (pol_parser_at(parser, POL_TOKEN_CLOSE)) {
		parser->depth--;
		pol_parse_block_next(parser);
		return false;
	}
	if (pol_parser_at(parser, POL_TOKEN_TOP) || pol_parser_at(parser, POL_TOKEN_END)) {
		missing_close(parser);
		parser->depth--;
		return false;
	}
	return true;
}

/* Reports a reserved word. False: the token is not one. */
static bool reserved(struct pol_parser *parser)
{
	static const struct {
		const char *word;
		const char *what;
	} words[] = {
		{ "lasts", "activations that end by themselves" },
		{ "with", "obligations" },
	};

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (pol_parser_at_keyword(parser, words[i].word)) {
			pol_diag_error(parser->diags, parser->token.at,
				"'%s' is reserved for %s, which this version does not have",
				words[i].word, words[i].what);
			return true;
		}
	}
	if (pol_parser_at_keyword(parser, "when")) {
		pol_diag_error(parser->diags, parser->token.at,
			"'when' stands at the end of 'allow …' and 'deny …' of roles and scopes: "
			"nothing else has a condition");
		return true;
	}
	return false;
}

void pol_parse_block_end_line(
	struct pol_parser *parser, bool ok, uint32_t start, const char *const *keywords)
{
	if (ok && pol_parser_at_line_end(parser)) {
		return;
	}
	if (ok && !reserved(parser)) {
		pol_parse_words_expected(parser, "the end of the line", keywords);
	}
	if (parser->token.first && parser->token.at.offset != start) {
		return;
	}
	pol_parse_block_skip_line(parser);
}
