/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parser.h"

/* actions = "all" | verb { comma verb } */
static bool actions(struct pol_parser *parser, bool *all, struct pol_words *verbs)
{
	if (!pol_parser_take_keyword(parser, "all")) {
		return pol_parser_verbs(parser, verbs);
	}
	*all = true;
	if (pol_parser_at(parser, POL_TOKEN_COMMA)) {
		pol_error(parser->diags, parser->token.at,
			"'all' stands alone: it already means every action and method");
		return false;
	}
	return true;
}

/* exception = patterns | actions [ "on" patterns ] */
static bool exception(struct pol_parser *parser, struct pol_ast_grant *out)
{
	out->except = true;
	if (pol_parser_at_pattern(parser)) {
		return pol_parser_patterns(parser, &out->except_patterns);
	}
	return actions(parser, &out->except_all, &out->except_verbs) &&
	       (!pol_parser_take_keyword(parser, "on") ||
		       pol_parser_patterns(parser, &out->except_patterns));
}

/* grant = ( "allow" | "deny" ) actions "on" patterns [ "except" exception ] [ "when" … ] */
static bool grant(struct pol_parser *parser, struct pol_ast_grant *out)
{
	static const char *const on[] = { "on", NULL };
	struct pol_span when;

	if (!actions(parser, &out->all, &out->verbs)) {
		return false;
	}
	if (!pol_parser_take_keyword(parser, "on")) {
		return pol_parser_expected(parser, "'on' and a pattern, TREE:/path", on);
	}
	if (!pol_parser_patterns(parser, &out->patterns)) {
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
	if (pol_parser_condition(parser)) {
		pol_error(parser->diags, when,
			"'when' is reserved for conditions, which this version does not have");
	}
	return true;
}

/* grants = "{" grantlines "}", the '{' taken */
static void grants(struct pol_parser *parser, struct pol_ast_grantee *out)
{
	static const char *const begin[] = { "allow", "deny", NULL };
	static const char *const behind[] = { "except", "when", NULL };
	size_t list = pol_parser_list(parser);

	while (pol_parser_more(parser)) {
		struct pol_ast_grant one = { .at = parser->token.at };
		uint32_t start = parser->token.at.offset;
		bool ok;

		one.deny = pol_parser_at_keyword(parser, "deny");
		if (one.deny || pol_parser_at_keyword(parser, "allow")) {
			pol_parser_next(parser);
			ok = grant(parser, &one);
		} else {
			ok = pol_parser_expected(parser, "'allow' or 'deny'", begin);
		}
		pol_parser_end_line(parser, ok, start, behind);
		if (ok) {
			pol_parser_push(parser, &one, sizeof one);
		}
	}
	out->grants = pol_parser_end_list(parser, list, sizeof *out->grants, &out->grant_count);
}

/* ID [ STRING ] ( "inherits" ids [ grants ] | grants ) */
static bool header(struct pol_parser *parser, const char *what, const char *inherits,
	struct pol_ast_grantee *out)
{
	const char *const keywords[] = { inherits, NULL };

	if (!pol_parser_name(parser, what, POL_SHAPE_ID, &out->name)) {
		return false;
	}
	pol_parser_description(parser, &out->description);
	if (pol_parser_take_keyword(parser, inherits)) {
		return pol_parser_ids(parser, what, &out->parents);
	}
	if (pol_parser_at(parser, POL_TOKEN_WORD)) {
		return pol_parser_expected(parser, "a '{'", keywords);
	}
	return true;
}

bool pol_parser_grantee(struct pol_parser *parser, const char *what, const char *inherits,
	struct pol_ast_grantee *out)
{
	bool ok = header(parser, what, inherits, out);

	if (ok && out->parents.count > 0 && !pol_parser_at(parser, POL_TOKEN_OPEN)) {
		return true;
	}
	if (!ok && !pol_parser_find_open(parser)) {
		return false;
	}
	if (!pol_parser_open(parser, "the grants")) {
		return false;
	}
	grants(parser, out);
	return true;
}
