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

/* "when" condition; at "when" */
static bool when(struct pol_parser *parser, struct pol_ast_grant *out)
{
	struct pol_known_place place;

	if (pol_parse_known_take(parser, &place, out)) {
		return true;
	}
	out->when = pol_arena_alloc(parser->arena, 1, sizeof *out->when);
	if (out->when == NULL) {
		parser->status = parser->arena->status;
		return false;
	}
	pol_parse_condition_take_when(parser);
	if (!pol_parse_condition(parser, out->when)) {
		out->when = NULL;
		return false;
	}
	out->when_offset = out->when->at.offset;
	pol_parse_known_put(parser, &place, out->when);
	if (pol_parser_at_keyword(parser, "except")) {
		pol_diag_error(parser->diags, parser->token.at, "'except' stands before 'when'");
		return false;
	}
	if (pol_parser_at_keyword(parser, "when")) {
		pol_diag_error(parser->diags, parser->token.at,
			"a grant has one 'when': join its conditions with 'and' or 'or'");
		return false;
	}
	return true;
}

/* Reports what begins a condition in other languages. False: the token does not. */
static bool condition_of_others(struct pol_parser *parser)
{
	static const struct {
		const char *word;
		const char *ours;
	} words[] = { { "if", "when …" }, { "provided", "when …" }, { "unless", "when not (…)" },
		{ "where", "when …" } };

	if (pol_parser_at_line_end(parser)) {
		return false;
	}
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (pol_parser_at_mistake(parser, words[i].word)) {
			pol_diag_error(parser->diags, parser->token.at,
				"a condition begins with 'when': write '%s' in place of '%s'",
				words[i].ours, words[i].word);
			return true;
		}
	}
	return false;
}

/* grant = ( "allow" | "deny" ) actions "on" patterns [ "except" exception ] [ "when" condition ];
 * the first keyword was taken */
static bool grant(struct pol_parser *parser, struct pol_ast_grant *out)
{
	static const char *const on[] = { "on", NULL };
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
	if (pol_parse_condition_at_when(parser)) {
		return when(parser, out);
	}
	return !condition_of_others(parser);
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
