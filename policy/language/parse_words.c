/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

#include <string.h>

#include "policy/text/method.h"

/* Bytes of a word in a message. */
#define CLIP 60

struct pol_str pol_parse_words_clip(struct pol_str text)
{
	if (text.len > CLIP) {
		text.len = CLIP;
		while (text.len > 0 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80) {
			text.len--;
		}
	}
	return text;
}

static const char *name_of(const struct pol_token *token)
{
	switch (token->kind) {
	case POL_TOKEN_END:
		return "the end of the file";
	case POL_TOKEN_NL:
		return "the end of the line";
	case POL_TOKEN_STRING:
		return "a string";
	case POL_TOKEN_WORD:
	case POL_TOKEN_OPEN:
	case POL_TOKEN_CLOSE:
	case POL_TOKEN_COMMA:
	case POL_TOKEN_TOP:
	case POL_TOKEN_BAD:
		break;
	}
	return NULL;
}

bool pol_parse_words_expected(
	struct pol_parser *parser, const char *wanted, const char *const *keywords)
{
	const struct pol_token *token = &parser->token;
	const char *name = name_of(token);
	struct pol_str word = name != NULL ? pol_str_of(name) : pol_parse_words_clip(token->raw);
	struct pol_nearest nearest = pol_nearest_to(token->raw);
	struct pol_diag *diag;

	/* for a statement's keyword within a block, the missing '}' is reported instead */
	if (parser->status != POL_OK || token->kind == POL_TOKEN_BAD ||
		(token->kind == POL_TOKEN_TOP && parser->depth > 0)) {
		return false;
	}
	for (; keywords != NULL && *keywords != NULL; keywords++) {
		pol_nearest_offer(&nearest, pol_str_of(*keywords));
	}
	diag = pol_diag_error(parser->diags, token->at, "expected %s, found %s%.*s%s" POL_NEAREST,
		wanted, name != NULL ? "" : "'", POL_STR_ARGS(word), name != NULL ? "" : "'",
		POL_NEAREST_ARGS(nearest));
	if (token->first && parser->joint.length > 0 && parser->after_joint == token->at.offset) {
		struct pol_str joint = { parser->lexer.text.ptr + parser->joint.offset,
			parser->joint.length };

		pol_diag_note(parser->diags, diag, parser->joint,
			"the %s goes on after this '%.*s'",
			joint.ptr[0] == ',' ? "list" : "condition", POL_STR_ARGS(joint));
	} else if (parser->condition_parens > 0 &&
		   (token->first || pol_parser_at_line_end(parser))) {
		pol_diag_note(parser->diags, diag,
			parser->condition_open[parser->condition_parens - 1],
			"this '(' is still open");
	}
	return false;
}

struct pol_word pol_parse_words_take(struct pol_parser *parser)
{
	struct pol_word word = { .at = parser->token.at };

	if (!pol_lex_token_text(parser->arena, &parser->token, &word.text)) {
		parser->status = parser->arena->status;
	}
	pol_parse_block_next(parser);
	return word;
}

/* clang-format off */
#define LOW  (POL_CHAR_LOWER | POL_CHAR_PLAIN)
#define UP   (POL_CHAR_UPPER | POL_CHAR_PLAIN)
#define NUM  (POL_CHAR_DIGIT | POL_CHAR_PLAIN)
#define JOIN (POL_CHAR_JOINT | POL_CHAR_PLAIN)
#define SEG  POL_CHAR_PLAIN

/* All other bytes are in no class. */
const unsigned char pol_parse_words_chars[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	/* 20 */ 0, SEG, 0, 0, SEG, 0, SEG, SEG,
	/* 28 */ SEG, SEG, SEG, SEG, SEG, JOIN, SEG, 0,
	/* 30 */ NUM, NUM, NUM, NUM, NUM, NUM, NUM, NUM,
	/* 38 */ NUM, NUM, SEG, 0, 0, SEG, 0, 0,
	/* 40 */ SEG, UP, UP, UP, UP, UP, UP, UP,
	/* 48 */ UP, UP, UP, UP, UP, UP, UP, UP,
	/* 50 */ UP, UP, UP, UP, UP, UP, UP, UP,
	/* 58 */ UP, UP, UP, 0, 0, 0, 0, JOIN,
	/* 60 */ 0, LOW, LOW, LOW, LOW, LOW, LOW, LOW,
	/* 68 */ LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW,
	/* 70 */ LOW, LOW, LOW, LOW, LOW, LOW, LOW, LOW,
	/* 78 */ LOW, LOW, LOW, 0, 0, 0, SEG, 0,
};
/* clang-format on */

bool pol_parse_words_is_capitals(struct pol_str word)
{
	bool letter = false;

	for (size_t i = 0; i < word.len; i++) {
		if (pol_parser_is(word.ptr[i], POL_CHAR_LOWER)) {
			return false;
		}
		letter = letter || pol_parser_is(word.ptr[i], POL_CHAR_UPPER);
	}
	return letter;
}

/* NAME = lower { lower | digit | "_" | "-" } */
static bool is_name(struct pol_str word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (!pol_parser_is(c, POL_CHAR_LOWER) &&
			(i == 0 || !pol_parser_is(c, POL_CHAR_DIGIT | POL_CHAR_JOINT))) {
			return false;
		}
	}
	return word.len > 0;
}

/* ID = letter { idchar } { ( "." | ":" | "/" ) idchar { idchar } } */
static bool is_id_word(struct pol_str word)
{
	if (word.len == 0 || !pol_parser_is(word.ptr[0], POL_CHAR_LETTER)) {
		return false;
	}
	for (size_t i = 1; i < word.len; i++) {
		char c = word.ptr[i];
		bool joint = c == '.' || c == ':' || c == '/';

		if (joint ? i + 1 == word.len || !pol_parser_is(word.ptr[i + 1], POL_CHAR_ID)
			  : !pol_parser_is(c, POL_CHAR_ID)) {
			return false;
		}
	}
	return true;
}

/* ACTION = letter { idchar | "." | "/" } */
static bool is_action(struct pol_str word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (i == 0 ? !pol_parser_is(c, POL_CHAR_LETTER)
			   : !(pol_parser_is(c, POL_CHAR_ID) || c == '.' || c == '/')) {
			return false;
		}
	}
	return word.len > 0;
}

static void check_length(struct pol_parser *parser, const char *what, const struct pol_word *word)
{
	if (word->text.len > POL_NAME_MAX) {
		pol_diag_error(
			parser->diags, word->at, "%s is longer than %d bytes", what, POL_NAME_MAX);
	}
}

static void check_shape(struct pol_parser *parser, const char *what, enum pol_shape shape,
	const struct pol_word *word)
{
	struct pol_str shown = pol_parse_words_clip(word->text);

	switch (shape) {
	case POL_SHAPE_NAME:
		if (!is_name(word->text)) {
			pol_diag_error(parser->diags, word->at,
				"'%.*s' cannot be %s: small letters, digits, '_' and '-', "
				"a letter first",
				POL_STR_ARGS(shown), what);
		}
		break;
	case POL_SHAPE_ID:
		if (!is_id_word(word->text)) {
			pol_diag_error(parser->diags, word->at,
				"'%.*s' cannot be %s: words of letters, digits, '_' and '-', a "
				"letter first, joined by '.', ':' or '/'",
				POL_STR_ARGS(shown), what);
		}
		break;
	case POL_SHAPE_ANY:
		break;
	}
	check_length(parser, what, word);
}

bool pol_parse_words_name(
	struct pol_parser *parser, const char *what, enum pol_shape shape, struct pol_word *out)
{
	bool quoted = parser->token.quoted;

	if (!pol_parser_at(parser, POL_TOKEN_WORD) && !pol_parser_at(parser, POL_TOKEN_STRING)) {
		return pol_parse_words_expected(parser, what, NULL);
	}
	*out = pol_parse_words_take(parser);
	if (quoted) {
		pol_diag_error(parser->diags, out->at, "%s is written without quotes", what);
	} else {
		check_shape(parser, what, shape, out);
	}
	return true;
}

void pol_parse_words_description(struct pol_parser *parser, struct pol_word *out)
{
	if (pol_parser_at(parser, POL_TOKEN_STRING)) {
		*out = pol_parse_words_take(parser);
	}
}

bool pol_parse_words_ids(struct pol_parser *parser, const char *what, struct pol_words *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_word id = { 0 };

		ok = pol_parse_words_name(parser, what, POL_SHAPE_ID, &id);
		if (ok) {
			pol_parser_push(parser, &id, sizeof id);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

/* Reports an unknown method. If a known one is near, *word becomes that, so that grants which name
 * the known method are not reported too. */
static void unknown_method(struct pol_parser *parser, struct pol_word *word)
{
	struct pol_nearest nearest = pol_nearest_to(word->text);
	struct pol_str shown = pol_parse_words_clip(word->text);

	for (size_t i = 0; i < pol_method_count(); i++) {
		pol_nearest_offer(&nearest, pol_method_name(i));
	}
	if (nearest.best.len > 0) {
		pol_diag_error(parser->diags, word->at, "unknown method '%.*s'" POL_NEAREST,
			POL_STR_ARGS(shown), POL_NEAREST_ARGS(nearest));
		word->text = nearest.best;
		return;
	}
	pol_diag_error(parser->diags, word->at,
		"unknown method '%.*s': a word in capitals is a registered HTTP method, an action "
		"has a small letter",
		POL_STR_ARGS(shown));
}

static bool is_keyword_of_grants(struct pol_str word)
{
	static const struct pol_str keywords[] = { POL_STR_INIT("all"), POL_STR_INIT("on"),
		POL_STR_INIT("except"), POL_STR_INIT("when"), POL_STR_INIT("with"),
		POL_STR_INIT("because") };

	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		if (word.ptr[0] == keywords[i].ptr[0] && pol_str_equal(word, keywords[i])) {
			return true;
		}
	}
	return false;
}

bool pol_parse_words_verb(struct pol_parser *parser, struct pol_word *out, bool *out_method)
{
	bool method = false;

	if (!pol_parser_at(parser, POL_TOKEN_WORD) || parser->token.quoted ||
		is_keyword_of_grants(parser->token.raw)) {
		return pol_parse_words_expected(parser, "an action or a method", NULL);
	}
	*out = pol_parse_words_take(parser);
	if (pol_method_is_registered(out->text)) {
		method = true;
	} else if (pol_parse_words_is_capitals(out->text)) {
		method = true;
		unknown_method(parser, out);
	} else if (!is_action(out->text)) {
		struct pol_str shown = pol_parse_words_clip(out->text);

		pol_diag_error(parser->diags, out->at,
			"'%.*s' cannot be an action: letters, digits, '_', '-', '.' and '/', a "
			"letter first",
			POL_STR_ARGS(shown));
	}
	check_length(parser, "an action", out);
	if (out_method != NULL) {
		*out_method = method;
	}
	return true;
}

bool pol_parse_words_verbs(struct pol_parser *parser, struct pol_words *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_word verb = { 0 };

		if (list != pol_parser_list(parser) && pol_parser_at_keyword(parser, "all")) {
			pol_diag_error(parser->diags, parser->token.at,
				"'all' stands alone: it already means every action and method");
			ok = false;
			break;
		}
		ok = pol_parse_words_verb(parser, &verb, NULL);
		if (ok) {
			pol_parser_push(parser, &verb, sizeof verb);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}
