/* SPDX-License-Identifier: Apache-2.0 */
/* Comparisons, and what is usual in other languages. */
#include "policy/language/parser.h"

/* Operators of other languages, and ours for each. */
static const struct {
	const char *theirs;
	const char *ours;
} operators[] = {
	{ "==", "is" },
	{ "===", "is" },
	{ "=", "is" },
	{ "!=", "is not" },
	{ "!==", "is not" },
	{ "<>", "is not" },
	{ "=<", "<=" },
	{ "=>", ">=" },
	{ "&&", "and" },
	{ "&", "and" },
	{ "||", "or" },
	{ "|", "or" },
	{ "!", "not" },
	{ "AND", "and" },
	{ "OR", "or" },
	{ "NOT", "not" },
	{ "IS", "is" },
	{ "IN", "in" },
	{ "contains", "has" },
};

/* May it be one of them? Most words are not. */
static bool is_like_operator(struct pol_str word)
{
	static const char begins[] = "=!&|AONI";

	if (word.len > 0 && word.ptr[0] == '<') {
		return word.len == 2 && word.ptr[1] == '>';
	}
	return word.len > 0 && (strchr(begins, word.ptr[0]) != NULL || word.len == 8);
}

/* Is the token what the word is in another language? That is reported. */
static bool at_other(struct pol_parser *parser, const char *word)
{
	if (!pol_parser_at(parser, POL_TOKEN_WORD) || !is_like_operator(parser->token.raw)) {
		return false;
	}
	for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
		if (pol_parser_at_mistake(parser, operators[i].theirs) &&
			strcmp(word, operators[i].ours) == 0) {
			pol_diag_error(parser->diags, parser->token.at,
				"write '%s' in place of '%s'", word, operators[i].theirs);
			return true;
		}
	}
	return false;
}

bool pol_parse_comparison_at(struct pol_parser *parser, const char *word)
{
	return pol_parser_at_keyword(parser, word) || at_other(parser, word);
}

static bool take(struct pol_parser *parser, const char *word)
{
	bool there = pol_parse_comparison_at(parser, word);

	if (there) {
		pol_parse_operand_next(parser);
	}
	return there;
}

/* Takes `not`, after which the line may end. */
static bool take_not(struct pol_parser *parser)
{
	bool there = pol_parse_comparison_at(parser, "not");

	if (there) {
		pol_parse_block_take_joint(parser);
	}
	return there;
}

static const char operand_wanted[] = "a fact, {name} or a value";

/* operand { comma operand }; the items go on after `list` */
static bool items(struct pol_parser *parser, struct pol_ast_operands *out)
{
	size_t list = pol_parser_list(parser);
	size_t count = 0;
	bool ok;

	do {
		struct pol_ast_operand one = { 0 };
		struct pol_span here = parser->token.at;

		ok = pol_parse_operand(parser, operand_wanted, &one);
		if (ok && count++ == POL_CONDITION_LIST) {
			pol_diag_error(parser->diags, here, "a list has at most %d items",
				POL_CONDITION_LIST);
		}
		if (ok && count <= POL_CONDITION_LIST) {
			pol_parser_push(parser, &one, sizeof one);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

/* list = operand { comma operand }. Parentheses around it are reported. */
static bool list(struct pol_parser *parser, struct pol_ast_operands *out)
{
	bool parens = pol_parser_at_keyword(parser, "(");

	if (parens) {
		pol_diag_error(parser->diags, parser->token.at,
			"the items of a list stand without parentheses, with a comma between them");
		parser->condition_open[parser->condition_parens++] = parser->token.at;
		pol_parse_operand_next(parser);
	}
	if (!items(parser, out)) {
		return false;
	}
	if (parens && pol_parser_at_keyword(parser, ")")) {
		parser->condition_parens--;
		pol_parse_operand_next(parser);
	}
	return true;
}

static bool one(struct pol_parser *parser, struct pol_ast_operands *out)
{
	size_t begin = pol_parser_list(parser);
	struct pol_ast_operand operand = { 0 };
	bool ok = pol_parse_operand(parser, operand_wanted, &operand);

	if (ok) {
		pol_parser_push(parser, &operand, sizeof operand);
	}
	out->items = pol_parse_block_end_list(parser, begin, sizeof *out->items, &out->count);
	return ok;
}

/* "is" [ "not" { NL } ] operand; "is" was taken */
static bool is(struct pol_parser *parser, struct pol_ast_condition *out)
{
	bool negated = out->comparison == POL_AST_IS_NOT || take_not(parser);

	out->comparison = negated ? POL_AST_IS_NOT : POL_AST_IS;
	if (pol_parser_at_keyword(parser, "in")) {
		pol_diag_error(parser->diags, parser->token.at, "write '%s' without 'is'",
			negated ? "not in" : "in");
		out->comparison = negated ? POL_AST_NOT_IN : POL_AST_IN;
		pol_parse_operand_next(parser);
		return list(parser, &out->right);
	}
	return one(parser, &out->right);
}

/* "has" ( operand | ( "any" | "all" ) list ); "has" was taken */
static bool has(struct pol_parser *parser, struct pol_ast_condition *out)
{
	out->comparison = POL_AST_HAS;
	if (pol_parser_at_keyword(parser, "not")) {
		pol_diag_error(parser->diags, parser->token.at,
			"write 'not' before the comparison: not … has …");
		return false;
	}
	if (take(parser, "any")) {
		out->comparison = POL_AST_HAS_ANY;
		return list(parser, &out->right);
	}
	if (take(parser, "all")) {
		out->comparison = POL_AST_HAS_ALL;
		return list(parser, &out->right);
	}
	if (!one(parser, &out->right)) {
		return false;
	}
	if (pol_parser_at(parser, POL_TOKEN_COMMA)) {
		pol_diag_error(parser->diags, parser->token.at,
			"'has' asks for one member: write 'has any' or 'has all' before a list");
		return false;
	}
	return true;
}

/* "not" { NL } "in" list; at "not" */
static bool not_in(struct pol_parser *parser, struct pol_ast_condition *out)
{
	static const char *const keywords[] = { "in", NULL };

	(void)take_not(parser);
	if (pol_parser_at_keyword(parser, "has")) {
		pol_diag_error(parser->diags, parser->token.at,
			"write 'not' before the comparison: not … has …");
		return false;
	}
	if (!pol_parser_at_keyword(parser, "in")) {
		return pol_parse_words_expected(parser, "'in' after 'not'", keywords);
	}
	pol_parse_operand_next(parser);
	out->comparison = POL_AST_NOT_IN;
	return list(parser, &out->right);
}

/* ( "<" | "<=" | ">" | ">=" ) operand. False in *out_there: the token is another one. */
static bool order(struct pol_parser *parser, struct pol_ast_condition *out, bool *out_there)
{
	static const struct {
		const char *word;
		enum pol_ast_comparison comparison;
	} orders[] = {
		{ "<", POL_AST_LESS },
		{ "<=", POL_AST_LESS_OR_EQUAL },
		{ ">", POL_AST_GREATER },
		{ ">=", POL_AST_GREATER_OR_EQUAL },
	};

	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
		if (take(parser, orders[i].word)) {
			*out_there = true;
			out->comparison = orders[i].comparison;
			return one(parser, &out->right);
		}
	}
	return true;
}

/* [ comparison ] */
static bool comparison(struct pol_parser *parser, struct pol_ast_condition *out)
{
	bool there = false;
	bool ok;

	if (at_other(parser, "is not")) {
		pol_parse_operand_next(parser);
		out->comparison = POL_AST_IS_NOT;
		return is(parser, out);
	}
	if (take(parser, "is")) {
		return is(parser, out);
	}
	if (take(parser, "has")) {
		return has(parser, out);
	}
	if (pol_parser_at_keyword(parser, "not")) {
		return not_in(parser, out);
	}
	if (take(parser, "in")) {
		out->comparison = POL_AST_IN;
		return list(parser, &out->right);
	}
	ok = order(parser, out, &there);
	if (!there) {
		out->comparison = POL_AST_ALONE;
	}
	return ok;
}

/* operand [ comparison ] */
bool pol_parse_comparison(struct pol_parser *parser, struct pol_ast_condition *out)
{
	static const char *const comparisons[] = { "is", "in", "has", "<", "<=", ">",
		">=", "==", "!=" };

	out->kind = POL_AST_COMPARE;
	if (!pol_parse_operand(parser, operand_wanted, &out->left) || !comparison(parser, out)) {
		return false;
	}
	for (size_t i = 0; i < sizeof comparisons / sizeof *comparisons; i++) {
		if (pol_parser_at_mistake(parser, comparisons[i])) {
			pol_diag_error(parser->diags, parser->token.at,
				"one comparison has two sides: join two comparisons with 'and'");
			return false;
		}
	}
	return true;
}
