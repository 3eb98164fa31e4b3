/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

/* actions = "all" | verb { comma verb } */
static bool actions(struct pol_parser *parser, bool *all, struct pol_words *verbs)
{
	if (!pol_parser_take_keyword(parser, "all")) {
		return pol_parse_words_verbs(parser, verbs);
	}
	*all = true;
	if (pol_parser_at(parser, POL_TOKEN_COMMA)) {
		pol_diag_error(parser->diags, parser->token.at,
			"'all' stands alone: it already means every action and method");
		return false;
	}
	return true;
}

/* exception = patterns | actions [ "on" patterns ] */
static bool exception(struct pol_parser *parser, struct pol_ast_grant *out)
{
	out->except = true;
	if (pol_parse_path_at_pattern(parser)) {
		return pol_parse_pattern_patterns(parser, &out->except_patterns);
	}
	if (pol_parser_at_line_end(parser)) {
		return pol_parse_words_expected(
			parser, "what to take away: actions, or a pattern, TREE:/path", NULL);
	}
	return actions(parser, &out->except_all, &out->except_verbs) &&
	       (!pol_parser_take_keyword(parser, "on") ||
		       pol_parse_pattern_patterns(parser, &out->except_patterns));
}

/* grant = ( "allow" | "deny" ) actions "on" patterns [ "except" exception ] [ "when" condition ];
 * the first keyword was taken */
static bool grant(struct pol_parser *parser, struct pol_ast_grant *out)
{
	static const char *const on[] = { "on", NULL };
	struct pol_span when;

	if (!actions(parser, &out->all, &out->verbs)) {
		return false;
	}
	if (!pol_parser_take_keyword(parser, "on")) {
		return pol_parse_words_expected(parser, "'on' and a pattern, TREE:/path", on);
	}
	if (!pol_parse_pattern_patterns(parser, &out->patterns)) {
		return false;
	}
	out->except_at = parser->token.at;
	if (pol_parser_take_keyword(parser, "except") && !exception(parser, out)) {
		return false;
	}
	when = parser->token.at;
	if (!pol_parser_take_keyword(parser, "when")) {
		return true;
	}
	if (!pol_parse_when_condition(parser)) {
		return false;
	}
	pol_diag_error(parser->diags, when,
		"'when' is reserved for conditions, which this version does not have");
	return true;
}

/* grants = "{" grantlines "}"; the '{' was taken */
static void grants(struct pol_parser *parser, struct pol_ast_grantee *out)
{
	static const char *const begin[] = { "allow", "deny", NULL };
	static const char *const after[] = { "except", "when", NULL };
	size_t list = pol_parser_list(parser);

	while (pol_parse_block_more(parser)) {
		struct pol_ast_grant one = { .at = parser->token.at };
		uint32_t start = parser->token.at.offset;
		size_t errors = parser->diags->errors;
		bool ok;

		one.deny = pol_parser_at_keyword(parser, "deny");
		if (one.deny || pol_parser_at_keyword(parser, "allow")) {
			pol_parse_block_next(parser);
			ok = grant(parser, &one);
		} else {
			ok = pol_parse_words_expected(parser, "'allow' or 'deny'", begin);
		}
		pol_parse_block_end_line(parser, ok, start, after);
		if (ok && parser->diags->errors == errors) {
			pol_parser_push(parser, &one, sizeof one);
		} else {
			out->incomplete = true;
		}
	}
	out->grants =
		pol_parse_block_end_list(parser, list, sizeof *out->grants, &out->grant_count);
}

/* ID [ STRING ] [ "inherits" ids ]; for a scope the keyword is "includes". Grants must follow if it
 * is absent. */
static bool header(struct pol_parser *parser, bool scope, struct pol_ast_grantee *out)
{
	const char *what = scope ? "a scope's name" : "a role's name";
	const char *const keywords[] = { scope ? "includes" : "inherits", NULL };

	if (!pol_parse_words_name(parser, what, POL_SHAPE_ID, &out->name)) {
		return false;
	}
	pol_parse_words_description(parser, &out->description);
	if (pol_parser_take_keyword(parser, keywords[0])) {
		return pol_parse_words_ids(parser, what, &out->parents);
	}
	return pol_parser_at(parser, POL_TOKEN_OPEN) || pol_parser_at(parser, POL_TOKEN_NL) ||
	       pol_parse_words_expected(parser,
		       scope ? "a '{', or 'includes' and scopes" : "a '{', or 'inherits' and roles",
		       keywords);
}

bool pol_parse_grants_grantee(struct pol_parser *parser, bool scope, struct pol_ast_grantee *out)
{
	bool ok = header(parser, scope, out);

	if (ok && out->parents.count > 0 && !pol_parser_at(parser, POL_TOKEN_OPEN)) {
		return true;
	}
	out->incomplete = true;
	if (!ok && !pol_parse_block_find_open(parser)) {
		return false;
	}
	if (!pol_parse_block_open(parser, "the grants")) {
		return false;
	}
	out->incomplete = !ok;
	grants(parser, out);
	return true;
}
