/* SPDX-License-Identifier: Apache-2.0 */
/* Facts: their declarations, what a principal's attributes are, and what a test gives. */
#include "policy/language/parser.h"

static const struct pol_str spaces[] = { POL_STR_INIT("principal"), POL_STR_INIT("resource"),
	POL_STR_INIT("action"), POL_STR_INIT("context") };

#define SPACE_COUNT (sizeof spaces / sizeof *spaces)

/* Bytes before the first dot; all, if there is none. */
static struct pol_str first_part(struct pol_str word)
{
	const char *dot = memchr(word.ptr, '.', word.len);

	return (struct pol_str){ word.ptr, dot != NULL ? (size_t)(dot - word.ptr) : word.len };
}

static bool is_space(struct pol_str word)
{
	for (size_t i = 0; i < SPACE_COUNT; i++) {
		if (pol_str_compare(word, spaces[i]) == 0) {
			return true;
		}
	}
	return false;
}

/* part { "." part }; part = idchar { idchar } */
static bool is_name(struct pol_str word)
{
	bool in_part = false;

	for (size_t i = 0; i < word.len; i++) {
		bool dot = word.ptr[i] == '.';

		if (dot ? !in_part : !pol_parser_is(word.ptr[i], POL_CHAR_ID)) {
			return false;
		}
		in_part = !dot;
	}
	return in_part;
}

static void check_length(struct pol_parser *parser, const char *what, const struct pol_word *word)
{
	if (word->text.len > POL_NAME_MAX) {
		pol_diag_error(
			parser->diags, word->at, "%s is longer than %d bytes", what, POL_NAME_MAX);
	}
}

/* FACT = SPACE "." part { "." part } */
static void check_fact(struct pol_parser *parser, const struct pol_word *word)
{
	struct pol_str space = first_part(word->text);
	struct pol_str shown = pol_parse_words_clip(word->text);
	struct pol_nearest nearest = pol_nearest_to(space);

	if (!is_space(space)) {
		for (size_t i = 0; i < SPACE_COUNT; i++) {
			pol_nearest_offer(&nearest, spaces[i]);
		}
		pol_diag_error(parser->diags, word->at,
			"'%.*s' cannot be a fact: its name begins with 'principal.', 'resource.', "
			"'action.' or 'context.'" POL_NEAREST,
			POL_STR_ARGS(shown), POL_NEAREST_ARGS(nearest));
	} else if (space.len == word->text.len || !is_name(word->text)) {
		pol_diag_error(parser->diags, word->at,
			"'%.*s' cannot be a fact: words of letters, digits, '_' and '-' follow "
			"'%.*s.', with a dot between them",
			POL_STR_ARGS(shown), POL_STR_ARGS(space));
	}
	check_length(parser, "a fact's name", word);
}

/* Takes a name. Its form is not checked. Messages say that `wanted` was expected. */
static bool name(
	struct pol_parser *parser, const char *what, const char *wanted, struct pol_word *out)
{
	bool quoted = parser->token.quoted;

	if (!pol_parser_at(parser, POL_TOKEN_WORD) && !pol_parser_at(parser, POL_TOKEN_STRING)) {
		return pol_parse_words_expected(parser, wanted, NULL);
	}
	*out = pol_parse_words_take(parser);
	if (quoted) {
		pol_diag_error(parser->diags, out->at, "%s is written without quotes", what);
	}
	return true;
}

static bool fact_name(struct pol_parser *parser, struct pol_word *out)
{
	size_t errors = parser->diags->errors;

	if (!name(parser, "a fact's name", "a fact's name, such as resource.owner", out)) {
		return false;
	}
	if (parser->diags->errors == errors) {
		check_fact(parser, out);
	}
	return true;
}

/* Does the word name a fact? After a comma of `given` it begins the next one then. */
static bool at_fact(const struct pol_parser *parser)
{
	struct pol_str space = first_part(parser->token.raw);

	return pol_parser_at(parser, POL_TOKEN_WORD) && !parser->token.quoted &&
	       space.len < parser->token.raw.len && is_space(space);
}

/* Takes a value, but not the keyword of the next line, where a comma ends the line before it. */
static bool value(struct pol_parser *parser, struct pol_ast_operand *out)
{
	static const char wanted[] = "a value";

	if (parser->token.first &&
		(pol_parser_at_keyword(parser, "attribute") ||
			pol_parser_at_keyword(parser, "peer") ||
			pol_parser_at_keyword(parser, "role") ||
			pol_parser_at_keyword(parser, "given") || at_fact(parser))) {
		return pol_parse_words_expected(parser, wanted, NULL);
	}
	return pol_parse_operand_value(parser, wanted, out);
}

/* value { comma value } */
static bool values(struct pol_parser *parser, struct pol_ast_operands *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_ast_operand one = { 0 };

		ok = value(parser, &one);
		if (ok) {
			pol_parser_push(parser, &one, sizeof one);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

/* --- facts { … } ------------------------------------------------------------------------------ */

/* A word of a type: letters, digits, '_' and '-', a letter first. */
static void check_word(struct pol_parser *parser, const struct pol_word *word)
{
	struct pol_str shown = pol_parse_words_clip(word->text);
	bool good = word->text.len > 0 && pol_parser_is(word->text.ptr[0], POL_CHAR_LETTER);

	for (size_t i = 0; i < word->text.len; i++) {
		good = good && pol_parser_is(word->text.ptr[i], POL_CHAR_ID);
	}
	if (memchr(word->text.ptr, '|', word->text.len) != NULL) {
		pol_diag_error(parser->diags, word->at, "put spaces around '|'");
	} else if (!good) {
		pol_diag_error(parser->diags, word->at,
			"'%.*s' cannot be a word of a type: letters, digits, '_' and '-', a letter "
			"first",
			POL_STR_ARGS(shown));
	} else if (pol_parse_operand_is_keyword(word->text)) {
		pol_diag_error(parser->diags, word->at,
			"'%.*s' has a meaning of its own in conditions: choose another word",
			POL_STR_ARGS(shown));
	}
	check_length(parser, "a word of a type", word);
}

static const char types_wanted[] = "a type, or words with '|' between them";

/* word { "|" word } */
static bool types(struct pol_parser *parser, struct pol_words *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_word one = { 0 };
		size_t errors = parser->diags->errors;

		if (pol_parser_at_keyword(parser, "default")) {
			ok = pol_parse_words_expected(parser, types_wanted, NULL);
			break;
		}
		ok = name(parser, "a type", types_wanted, &one);
		if (ok && parser->diags->errors == errors) {
			check_word(parser, &one);
		}
		if (ok) {
			pol_parser_push(parser, &one, sizeof one);
		}
	} while (ok && pol_parser_take_keyword(parser, "|"));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

/* FACT type [ "default" value { comma value } ] */
bool pol_parse_facts_fact(struct pol_parser *parser, struct pol_ast_fact *out)
{
	static const char *const keywords[] = { "default", NULL };

	if (!fact_name(parser, &out->name) || !types(parser, &out->types)) {
		return false;
	}
	if (pol_parser_take_keyword(parser, "default")) {
		return values(parser, &out->presets);
	}
	return pol_parser_at_line_end(parser) ||
	       pol_parse_words_expected(
		       parser, "'|' and a word, 'default' or the end of the line", keywords);
}

/* --- attribute and given ---------------------------------------------------------------------- */

bool pol_parse_facts_attribute(struct pol_parser *parser, struct pol_ast_given *out)
{
	size_t errors = parser->diags->errors;

	if (!name(parser, "an attribute's name", "an attribute's name", &out->name)) {
		return false;
	}
	if (parser->diags->errors == errors && !is_name(out->name.text)) {
		struct pol_str shown = pol_parse_words_clip(out->name.text);

		pol_diag_error(parser->diags, out->name.at,
			"'%.*s' cannot be an attribute's name: words of letters, digits, '_' and "
			"'-', with a dot between them",
			POL_STR_ARGS(shown));
	}
	check_length(parser, "an attribute's name", &out->name);
	return values(parser, &out->values);
}

/* value { comma value }, up to the next fact, whose name was taken if *out_next has text. A word
 * that a value follows is taken for the misspelt name of one. */
static bool given_values(
	struct pol_parser *parser, struct pol_ast_operands *out, struct pol_word *out_next)
{
	size_t list = pol_parser_list(parser);
	bool ok = true;

	while (ok) {
		struct pol_ast_operand one = { 0 };

		ok = value(parser, &one);
		if (ok && list != pol_parser_list(parser) && one.kind == POL_AST_WORD &&
			(pol_parser_at(parser, POL_TOKEN_WORD) ||
				pol_parser_at(parser, POL_TOKEN_STRING))) {
			*out_next = one.word;
			break;
		}
		if (ok) {
			pol_parser_push(parser, &one, sizeof one);
		}
		if (!ok || !pol_parse_block_take_comma(parser)) {
			break;
		}
		if (at_fact(parser)) {
			*out_next = pol_parse_words_take(parser);
			break;
		}
	}
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

bool pol_parse_facts_given(struct pol_parser *parser, struct pol_ast_given **out, uint32_t *count)
{
	size_t list = pol_parser_list(parser);
	struct pol_word next = { 0 };
	bool ok = fact_name(parser, &next);

	while (ok && next.text.len > 0) {
		struct pol_ast_given one = { .name = next };

		next = (struct pol_word){ 0 };
		ok = given_values(parser, &one.values, &next);
		pol_parser_push(parser, &one, sizeof one);
		if (next.text.len > 0) {
			check_fact(parser, &next);
		}
	}
	*out = pol_parse_block_end_list(parser, list, sizeof **out, count);
	return ok;
}
