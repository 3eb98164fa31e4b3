/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

/* operand = "{" ID "}" | WORD | STRING */
static bool operand(struct pol_parser *parser)
{
	struct pol_word word;

	if (pol_parser_at(parser, POL_TOKEN_WORD) || pol_parser_at(parser, POL_TOKEN_STRING)) {
		pol_parse_block_next(parser);
		return true;
	}
	if (!pol_parser_at(parser, POL_TOKEN_OPEN)) {
		return pol_parse_words_expected(parser, "a fact, {name}, or a value", NULL);
	}
	pol_parse_block_next(parser);
	if (!pol_parse_words_name(parser, "a fact's name", POL_SHAPE_ID, &word)) {
		return false;
	}
	if (!pol_parser_at(parser, POL_TOKEN_CLOSE)) {
		return pol_parse_words_expected(parser, "the '}' of the fact", NULL);
	}
	pol_parse_block_next(parser);
	return true;
}

static bool take_order(struct pol_parser *parser)
{
	return pol_parser_take_keyword(parser, "<") || pol_parser_take_keyword(parser, "<=") ||
	       pol_parser_take_keyword(parser, ">") || pol_parser_take_keyword(parser, ">=");
}

/* predicate = [ "not" ] operand [ "is" [ "not" ] operand | ( "<" | "<=" | ">" | ">=" ) operand
 *           | [ "not" ] "in" operand { comma operand } ] */
static bool predicate(struct pol_parser *parser)
{
	(void)pol_parser_take_keyword(parser, "not");
	if (!operand(parser)) {
		return false;
	}
	if (pol_parser_take_keyword(parser, "is")) {
		(void)pol_parser_take_keyword(parser, "not");
		return operand(parser);
	}
	if (take_order(parser)) {
		return operand(parser);
	}
	if (pol_parser_take_keyword(parser, "not")) {
		if (!pol_parser_at_keyword(parser, "in")) {
			return pol_parse_words_expected(parser, "'in' after 'not'", NULL);
		}
	}
	if (!pol_parser_take_keyword(parser, "in")) {
		return true;
	}
	do {
		if (!operand(parser)) {
			return false;
		}
	} while (pol_parse_block_take_comma(parser));
	return true;
}

bool pol_parse_when_condition(struct pol_parser *parser)
{
	do {
		if (!predicate(parser)) {
			return false;
		}
	} while (pol_parser_take_keyword(parser, "and") || pol_parser_take_keyword(parser, "or"));
	return true;
}
