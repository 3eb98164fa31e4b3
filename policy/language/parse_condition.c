/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions. A line may end within one where the grammar of policy/REFERENCE.md says so; after a
 * mistake all of its lines are skipped, so that they are not taken for statements.
 */
#include "policy/language/parser.h"

/* Takes a word after which the line may end. */
static void take_joint(struct pol_parser *parser)
{
	parser->condition_end = parser->token.at.offset + parser->token.at.length;
	pol_parse_block_take_joint(parser);
}

/* Takes `and` or `or`, perhaps at the beginning of the next line. */
static bool take_conjunction(struct pol_parser *parser, const char *word, const char *theirs)
{
	if (pol_parse_block_goes_on(parser, pol_str_of(word)) ||
		pol_parse_block_goes_on(parser, pol_str_of(theirs))) {
		pol_parse_block_skip_lines(parser);
	}
	if (!pol_parse_comparison_at(parser, word)) {
		return false;
	}
	take_joint(parser);
	return true;
}

/* --- conditions ------------------------------------------------------------------------------- */

/* Reports a token that cannot follow a predicate. Returns false. */
static bool cannot_follow(struct pol_parser *parser)
{
	static const char *const keywords[] = { "and", "or", "is", "in", "not", "has", NULL };
	static const char *const computed[] = { "+", "-", "*", "/", "%" };

	for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
		if (pol_parser_at_mistake(parser, computed[i])) {
			pol_diag_error(parser->diags, parser->token.at,
				"'%s' computes: a condition only compares", computed[i]);
			return false;
		}
	}
	if (parser->condition_parens == 0) {
		if (pol_parser_at_keyword(parser, ")")) {
			pol_diag_error(parser->diags, parser->token.at, "a ')' without its '('");
			return false;
		}
		return pol_parse_words_expected(
			parser, "'and', 'or' or the end of the condition", keywords);
	}
	return pol_parse_words_expected(
		parser, "'and', 'or' or the ')' of the condition", keywords);
}

static bool disjunction(struct pol_parser *parser, struct pol_ast_condition *out);

/* Enters a `not` or a parenthesis. False: there are too many within one another. */
static bool enter(struct pol_parser *parser)
{
	if (parser->condition_levels == POL_CONDITION_LEVELS) {
		pol_diag_error(parser->diags, parser->token.at,
			"a condition is nested more than %d deep", POL_CONDITION_LEVELS);
		return false;
	}
	parser->condition_levels++;
	return true;
}

/* "(" condition ")"; at the parenthesis */
static bool parenthesis(struct pol_parser *parser, struct pol_ast_condition *out)
{
	if (!enter(parser)) {
		return false;
	}
	parser->condition_open[parser->condition_parens++] = parser->token.at;
	pol_parse_operand_next(parser);
	if (!disjunction(parser, out)) {
		return false;
	}
	if (!pol_parser_at_keyword(parser, ")")) {
		return cannot_follow(parser);
	}
	parser->condition_levels--;
	parser->condition_parens--;
	pol_parse_operand_next(parser);
	return true;
}

/* predicate = "not" { NL } predicate | "(" condition ")" | operand [ comparison ] */
static bool predicate(struct pol_parser *parser, struct pol_ast_condition *out)
{
	uint32_t begin = parser->token.at.offset;
	bool ok;

	out->at = parser->token.at;
	if (pol_parse_comparison_at(parser, "not")) {
		size_t list = pol_parser_list(parser);
		struct pol_ast_condition part = { 0 };

		if (!enter(parser)) {
			return false;
		}
		take_joint(parser);
		ok = predicate(parser, &part);
		parser->condition_levels--;
		pol_parser_push(parser, &part, sizeof part);
		out->kind = POL_AST_NOT;
		out->parts = pol_parse_block_end_list(
			parser, list, sizeof *out->parts, &out->part_count);
	} else if (pol_parser_at_keyword(parser, "(")) {
		ok = parenthesis(parser, out);
		out->at.offset = begin;
	} else {
		ok = pol_parse_comparison(parser, out);
	}
	out->at.length = parser->condition_end - begin;
	return ok;
}

/* Joins the parts of a list; a single one stands for itself. */
static void join(struct pol_parser *parser, enum pol_ast_condition_kind kind, size_t list,
	struct pol_ast_condition *out)
{
	uint32_t count;
	struct pol_ast_condition *parts =
		pol_parse_block_end_list(parser, list, sizeof *parts, &count);

	if (count == 1) {
		*out = *parts;
	} else if (count > 1) {
		out->kind = kind;
		out->at = parts[0].at;
		out->at.length = parts[count - 1].at.offset + parts[count - 1].at.length -
				 parts[0].at.offset;
		out->parts = parts;
		out->part_count = count;
	}
}

/* conjunction = predicate { "and" { NL } predicate } */
static bool conjunction(struct pol_parser *parser, struct pol_ast_condition *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_ast_condition part = { 0 };

		ok = predicate(parser, &part);
		pol_parser_push(parser, &part, sizeof part);
	} while (ok && take_conjunction(parser, "and", "&&"));
	join(parser, POL_AST_AND, list, out);
	return ok;
}

/* condition = conjunction { "or" { NL } conjunction } */
static bool disjunction(struct pol_parser *parser, struct pol_ast_condition *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_ast_condition part = { 0 };

		ok = conjunction(parser, &part);
		pol_parser_push(parser, &part, sizeof part);
	} while (ok && take_conjunction(parser, "or", "||"));
	join(parser, POL_AST_OR, list, out);
	return ok;
}

/* --- recovery and statements ------------------------------------------------------------------ */

static bool begins_grant(const struct pol_parser *parser)
{
	return parser->token.first &&
	       (pol_parser_at_keyword(parser, "allow") || pol_parser_at_keyword(parser, "deny"));
}

/* Does the condition surely end with the line at whose end the token is? */
static bool line_ends_it(const struct pol_parser *parser, bool after_joint)
{
	if (pol_parse_block_goes_on(parser, POL_STR("allow")) ||
		pol_parse_block_goes_on(parser, POL_STR("deny"))) {
		return true;
	}
	return parser->condition_parens == 0 && !after_joint &&
	       !pol_parse_block_goes_on(parser, POL_STR("and")) &&
	       !pol_parse_block_goes_on(parser, POL_STR("or"));
}

static bool is_joint(const struct pol_token *token)
{
	static const struct pol_str words[] = { POL_STR_INIT("and"), POL_STR_INIT("or"),
		POL_STR_INIT("not"), POL_STR_INIT("when"), POL_STR_INIT("=") };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (pol_str_equal(token->raw, words[i])) {
			return true;
		}
	}
	return token->kind == POL_TOKEN_COMMA;
}

/* After a mistake: skips the rest of the condition. */
static void skip(struct pol_parser *parser)
{
	unsigned braces = 0;
	bool after_joint = false;

	while (!begins_grant(parser) && !pol_parser_at(parser, POL_TOKEN_TOP) &&
		!pol_parser_at(parser, POL_TOKEN_END)) {
		if (pol_parser_at(parser, POL_TOKEN_NL) && line_ends_it(parser, after_joint)) {
			return;
		}
		if (pol_parser_at(parser, POL_TOKEN_OPEN)) {
			braces++;
		} else if (pol_parser_at(parser, POL_TOKEN_CLOSE) && braces-- == 0) {
			return;
		} else if (pol_parser_at_keyword(parser, "(")) {
			parser->condition_parens++;
		} else if (pol_parser_at_keyword(parser, ")") && parser->condition_parens > 0) {
			parser->condition_parens--;
		}
		if (!pol_parser_at(parser, POL_TOKEN_NL)) {
			after_joint = is_joint(&parser->token);
		}
		pol_parse_block_next(parser);
	}
}

bool pol_parse_condition(struct pol_parser *parser, struct pol_ast_condition *out)
{
	bool ok;

	parser->condition_levels = 0;
	parser->condition_parens = 0;
	ok = disjunction(parser, out);
	if (ok && !pol_parser_at_line_end(parser) && !pol_parser_at_keyword(parser, "except") &&
		!pol_parser_at_keyword(parser, "when")) {
		ok = cannot_follow(parser);
	}
	if (!ok) {
		skip(parser);
	}
	parser->lexer.in_condition = false;
	parser->condition_parens = 0;
	return ok;
}

/* Takes the first `len` bytes of the token, after which a condition begins. */
static void begin(struct pol_parser *parser, uint32_t len)
{
	parser->token.at.length = len;
	parser->lexer.pos = parser->token.at.offset + len;
	parser->lexer.in_condition = true;
	pol_parse_block_take_joint(parser);
}

/* Is the token the word, or does a condition's parenthesis follow it without a space? */
static bool is_before_condition(const struct pol_parser *parser, struct pol_str word)
{
	struct pol_str raw = parser->token.raw;

	return pol_parser_at(parser, POL_TOKEN_WORD) && raw.len >= word.len &&
	       (raw.len == word.len || raw.ptr[word.len] == '(') &&
	       pol_str_equal((struct pol_str){ raw.ptr, word.len }, word);
}

bool pol_parse_condition_at_when(struct pol_parser *parser)
{
	const struct pol_str when = POL_STR("when");

	if (pol_parse_block_goes_on(parser, when)) {
		pol_parse_block_skip_lines(parser);
	}
	return is_before_condition(parser, when);
}

void pol_parse_condition_take_when(struct pol_parser *parser)
{
	begin(parser, (uint32_t)POL_STR("when").len);
}

bool pol_parse_condition_named(struct pol_parser *parser, struct pol_ast_named_condition *out)
{
	const struct pol_str equals = POL_STR("=");

	if (!pol_parse_words_name(parser, "a condition's name", POL_SHAPE_NAME, &out->name)) {
		return false;
	}
	if (pol_parse_operand_is_keyword(out->name.text)) {
		pol_diag_error(parser->diags, out->name.at,
			"'%.*s' has a meaning of its own in conditions: choose another name",
			POL_STR_ARGS(out->name.text));
	}
	if (!is_before_condition(parser, equals)) {
		return pol_parse_words_expected(parser, "'=' and a condition", NULL);
	}
	begin(parser, (uint32_t)equals.len);
	return pol_parse_condition(parser, &out->condition);
}
