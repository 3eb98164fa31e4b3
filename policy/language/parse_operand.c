/* SPDX-License-Identifier: Apache-2.0 */
/* Operands of comparisons, and the values of facts in tests, defaults and attributes. */
#include "policy/language/parser.h"

bool pol_parse_operand_is_keyword(struct pol_str word)
{
	static const struct pol_str keywords[] = { POL_STR_INIT("and"), POL_STR_INIT("or"),
		POL_STR_INIT("not"), POL_STR_INIT("is"), POL_STR_INIT("in"), POL_STR_INIT("has"),
		POL_STR_INIT("when"), POL_STR_INIT("except"), POL_STR_INIT("default") };

	for (size_t i = 0; i < sizeof keywords / sizeof *keywords; i++) {
		if (pol_str_equal(word, keywords[i])) {
			return true;
		}
	}
	return false;
}

void pol_parse_operand_next(struct pol_parser *parser)
{
	parser->condition_end = parser->token.at.offset + parser->token.at.length;
	pol_parse_block_next(parser);
	if (parser->condition_parens > 0) {
		pol_parse_block_skip_lines(parser);
	}
}

static bool take(struct pol_parser *parser, struct pol_ast_operand *out)
{
	out->kind = pol_parser_at(parser, POL_TOKEN_STRING) ? POL_AST_STRING : POL_AST_WORD;
	out->word.at = parser->token.at;
	if (!pol_lex_token_text(parser->arena, &parser->token, &out->word.text)) {
		parser->status = parser->arena->status;
	}
	pol_parse_operand_next(parser);
	return true;
}

/* Are all of its characters those of facts, names, numbers, times or addresses? */
static bool is_plain(struct pol_str word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (!pol_parser_is(c, POL_CHAR_ID) && c != '.' && c != ':' && c != '/' &&
			c != '+') {
			return false;
		}
	}
	return true;
}

/* Is it the text between quotes of other languages? */
static bool is_in_other_quotes(struct pol_str word)
{
	char first = word.ptr[0];

	return (first == '\'' || first == '`') && word.len > 1 && word.ptr[word.len - 1] == first;
}

/* Takes a word that is not a keyword. Mistakes within it are reported. */
static bool word(struct pol_parser *parser, struct pol_ast_operand *out)
{
	struct pol_str raw = parser->token.raw;
	struct pol_str shown = pol_parse_words_clip(raw);
	struct pol_span at = parser->token.at;

	if (raw.ptr[0] == '\'' || raw.ptr[0] == '`') {
		pol_diag_error(parser->diags, at, "write a string in double quotes: \"…\"");
		return is_in_other_quotes(raw) && take(parser, out);
	}
	if (raw.ptr[0] == '[') {
		pol_diag_error(parser->diags, at,
			"the items of a list stand without brackets, with a comma between them");
		return false;
	}
	if (parser->token.quoted) {
		pol_diag_error(parser->diags, at,
			"a word touches a string: put a space between them, or write one string");
		return take(parser, out);
	}
	if (!is_plain(raw)) {
		pol_diag_error(parser->diags, at,
			"'%.*s' is neither a fact nor a value: write a string in double quotes",
			POL_STR_ARGS(shown));
	}
	return take(parser, out);
}

/* Is the token an operator, a parenthesis, or a keyword? Or does it begin the next grant, because
 * what should end this one is missing? */
static bool is_no_operand(const struct pol_parser *parser)
{
	struct pol_str raw = parser->token.raw;

	return pol_parse_operand_is_keyword(raw) || strchr("()<>=!&|,", raw.ptr[0]) != NULL ||
	       (parser->token.first && (pol_parser_at_keyword(parser, "allow") ||
					       pol_parser_at_keyword(parser, "deny")));
}

bool pol_parse_operand_value(
	struct pol_parser *parser, const char *what, struct pol_ast_operand *out)
{
	if (pol_parser_at(parser, POL_TOKEN_STRING)) {
		return take(parser, out);
	}
	if (!pol_parser_at(parser, POL_TOKEN_WORD) || is_no_operand(parser)) {
		return pol_parse_words_expected(parser, what, NULL);
	}
	return word(parser, out);
}

/* pname = ( letter | "_" ) { letter | digit | "_" | "-" } */
static bool is_parameter(struct pol_str word)
{
	for (size_t i = 0; i < word.len; i++) {
		if (!pol_parser_is(word.ptr[i], POL_CHAR_ID)) {
			return false;
		}
	}
	return word.len > 0 && (pol_parser_is(word.ptr[0], POL_CHAR_LETTER) || word.ptr[0] == '_');
}

/* The name between the braces; the '{' was taken. */
static bool parameter(struct pol_parser *parser, struct pol_ast_operand *out)
{
	struct pol_str shown = pol_parse_words_clip(parser->token.raw);

	if (!pol_parser_at(parser, POL_TOKEN_WORD)) {
		return pol_parse_words_expected(parser, "the name of a parameter", NULL);
	}
	if (shown.len > 3 && memcmp(shown.ptr + shown.len - 3, "...", 3) == 0) {
		pol_diag_error(parser->diags, parser->token.at,
			"{%.*s} stands for any number of segments: a condition reads single ones",
			POL_STR_ARGS(shown));
	} else if (!is_parameter(parser->token.raw)) {
		pol_diag_error(parser->diags, parser->token.at,
			"'%.*s' cannot be a parameter: letters, digits, '_' and '-', a letter or "
			"'_' first",
			POL_STR_ARGS(shown));
	}
	(void)take(parser, out);
	out->kind = POL_AST_PARAMETER;
	if (!pol_parser_at(parser, POL_TOKEN_CLOSE)) {
		return pol_parse_words_expected(parser, "the '}' of the parameter", NULL);
	}
	return true;
}

bool pol_parse_operand(struct pol_parser *parser, const char *what, struct pol_ast_operand *out)
{
	bool ok;

	if (!pol_parser_at(parser, POL_TOKEN_OPEN)) {
		return pol_parse_operand_value(parser, what, out);
	}
	pol_parse_operand_next(parser);
	ok = parameter(parser, out);
	while (!ok && !pol_parser_at_line_end(parser)) {
		pol_parse_operand_next(parser);
	}
	if (pol_parser_at(parser, POL_TOKEN_CLOSE)) {
		pol_parse_operand_next(parser);
	}
	return ok;
}
