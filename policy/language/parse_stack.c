/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

static const char *const groups[] = { [POL_GROUP_AUTHENTICATE] = "authenticate",
	[POL_GROUP_ACCOUNT] = "account",
	[POL_GROUP_AUTHORIZE] = "authorize",
	[POL_GROUP_RECORD] = "record",
	[POL_GROUP_COUNT] = NULL };

static const char *const controls[] = { [POL_CONTROL_REQUIRED] = "required",
	[POL_CONTROL_REQUISITE] = "requisite",
	[POL_CONTROL_SUFFICIENT] = "sufficient",
	[POL_CONTROL_OPTIONAL] = "optional",
	[POL_CONTROL_INCLUDE] = "include",
	[POL_CONTROL_SUBSTACK] = "substack",
	[POL_CONTROL_SUBSTACK + 1] = NULL };

/* Takes one of the words; *out is its index. */
static bool one_of(
	struct pol_parser *parser, const char *what, const char *const *words, size_t *out)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (pol_parser_take_keyword(parser, words[i])) {
			*out = i;
			return true;
		}
	}
	return pol_parse_words_expected(parser, what, words);
}

/* argument = value { comma value } */
static bool argument(struct pol_parser *parser, struct pol_ast_argument *out)
{
	size_t list = pol_parser_list(parser);
	bool ok = true;

	do {
		struct pol_word value;

		if (!pol_parser_at(parser, POL_TOKEN_WORD) &&
			!pol_parser_at(parser, POL_TOKEN_STRING)) {
			ok = pol_parse_words_expected(parser, "a value of the argument", NULL);
			break;
		}
		value = pol_parse_words_take(parser);
		pol_parser_push(parser, &value, sizeof value);
	} while (pol_parse_block_take_comma(parser));
	out->values.items = pol_parse_block_end_list(
		parser, list, sizeof *out->values.items, &out->values.count);
	return ok;
}

/* GROUP CONTROL NAME { argument } */
static bool line(struct pol_parser *parser, struct pol_ast_line *out)
{
	size_t list;
	size_t number = 0;
	bool ok = true;

	if (!one_of(parser, "a group: authenticate, account, authorize or record", groups,
		    &number)) {
		return false;
	}
	out->group = (enum pol_group)number;
	if (!one_of(parser,
		    "a control: required, requisite, sufficient, optional, include or substack",
		    controls, &number)) {
		return false;
	}
	out->control = (enum pol_control)number;
	if (!pol_parse_words_name(parser,
		    out->control < POL_CONTROL_INCLUDE ? "a module's name" : "a stack's name",
		    POL_SHAPE_NAME, &out->module)) {
		return false;
	}
	list = pol_parser_list(parser);
	/* `when` is reported with the end of the line. */
	while (ok && !pol_parser_at_line_end(parser) && !pol_parser_at_keyword(parser, "when")) {
		struct pol_ast_argument one = { 0 };

		ok = argument(parser, &one);
		if (ok) {
			pol_parser_push(parser, &one, sizeof one);
		}
	}
	out->arguments = pol_parse_block_end_list(
		parser, list, sizeof *out->arguments, &out->argument_count);
	return ok;
}

bool pol_parse_stack(struct pol_parser *parser, struct pol_ast_stack *out)
{
	size_t list;

	if (!pol_parse_words_name(parser, "a stack's name", POL_SHAPE_NAME, &out->name) &&
		!pol_parse_block_find_open(parser)) {
		return false;
	}
	if (pol_parser_at(parser, POL_TOKEN_STRING)) {
		pol_diag_error(parser->diags, parser->token.at,
			"a stack has no description: write it as a comment");
		pol_parse_block_next(parser);
	}
	if (!pol_parse_block_open(parser, "the stack")) {
		return false;
	}
	list = pol_parser_list(parser);
	while (pol_parse_block_more(parser)) {
		struct pol_ast_line one = { .at = parser->token.at };
		uint32_t start = parser->token.at.offset;
		size_t errors = parser->diags->errors;
		bool ok = line(parser, &one);

		pol_parse_block_end_line(parser, ok, start, NULL);
		if (ok && parser->diags->errors == errors) {
			pol_parser_push(parser, &one, sizeof one);
		} else {
			out->incomplete = true;
		}
	}
	out->lines = pol_parse_block_end_list(parser, list, sizeof *out->lines, &out->line_count);
	return true;
}
