/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

/* "as" ( "role" held | "principal" WORD | "nobody" ) */
static bool as(struct pol_parser *parser, struct pol_ast_step *out)
{
	static const char *const keywords[] = { "role", "principal", "nobody", NULL };

	if (pol_parser_take_keyword(parser, "role")) {
		out->kind = POL_STEP_AS_ROLE;
		return pol_parse_pattern_assignment(parser, &out->held);
	}
	if (pol_parser_take_keyword(parser, "principal")) {
		out->kind = POL_STEP_AS_PRINCIPAL;
		return pol_parse_words_name(parser, "a principal's id", POL_SHAPE_ANY, &out->word);
	}
	if (pol_parser_take_keyword(parser, "nobody")) {
		out->kind = POL_STEP_AS_NOBODY;
		return true;
	}
	return pol_parse_words_expected(parser, "'role', 'principal' or 'nobody'", keywords);
}

/* "role" held */
static bool role(struct pol_parser *parser, struct pol_ast_step *out)
{
	static const char *const keywords[] = { "role", NULL };

	if (!pol_parser_take_keyword(parser, "role")) {
		return pol_parse_words_expected(parser, "'role'", keywords);
	}
	return pol_parse_pattern_assignment(parser, &out->held);
}

static bool and (struct pol_parser * parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_AND_ROLE;
	return role(parser, out);
}

static bool everyone(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_EVERYONE_ROLE;
	return role(parser, out);
}

static bool anyone(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_ANYONE_ROLE;
	return role(parser, out);
}

/* "with" "scope" ids */
static bool with(struct pol_parser *parser, struct pol_ast_step *out)
{
	static const char *const keywords[] = { "scope", NULL };

	out->kind = POL_STEP_WITH_SCOPE;
	if (!pol_parser_take_keyword(parser, "scope")) {
		return pol_parse_words_expected(parser, "'scope'", keywords);
	}
	return pol_parse_words_ids(parser, "a scope's name", &out->words);
}

/* "key" ( "at" places | STATE ) */
static bool key(struct pol_parser *parser, struct pol_ast_step *out)
{
	static const char *const states[] = { "active", "inactive", "expired", "revoked", "missing",
		"unknown", NULL };

	if (pol_parser_take_keyword(parser, "at")) {
		out->kind = POL_STEP_KEY_AT;
		return pol_parse_pattern_places(parser, false, &out->words);
	}
	out->kind = POL_STEP_KEY_STATE;
	for (size_t i = 0; states[i] != NULL; i++) {
		if (pol_parser_at_keyword(parser, states[i])) {
			out->word = pol_parse_words_take(parser);
			return true;
		}
	}
	return pol_parse_words_expected(parser,
		"'at' and places, or a state: active, inactive, expired, revoked, missing or "
		"unknown",
		states);
}

static bool mfa(struct pol_parser *parser, struct pol_ast_step *out)
{
	(void)parser;
	out->kind = POL_STEP_MFA;
	return true;
}

static bool environment(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_ENVIRONMENT;
	return pol_parse_words_name(parser, "an environment's name", POL_SHAPE_ANY, &out->word);
}

static bool service(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_SERVICE;
	return pol_parse_words_name(parser, "a service's name", POL_SHAPE_ANY, &out->word);
}

static bool from(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_FROM;
	return pol_parse_words_name(
		parser, "an address, such as 192.0.2.1", POL_SHAPE_ANY, &out->word);
}

static bool time_of(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_TIME;
	return pol_parse_words_name(
		parser, "a time, such as 2030-01-31T00:00:00Z", POL_SHAPE_ANY, &out->word);
}

static bool peer(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_PEER;
	return pol_parse_words_name(parser, "a user of the host", POL_SHAPE_ANY, &out->word);
}

/* verb { comma verb } places [ "because" NAME ] */
static bool expect(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_EXPECT;
	return pol_parse_words_verbs(parser, &out->verbs) &&
	       pol_parse_pattern_places(parser, true, &out->places) &&
	       (!pol_parser_take_keyword(parser, "because") ||
		       pol_parse_words_name(
			       parser, "a reason's name", POL_SHAPE_NAME, &out->because));
}

static bool deny(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->deny = true;
	return expect(parser, out);
}

static bool given(struct pol_parser *parser, struct pol_ast_step *out)
{
	out->kind = POL_STEP_GIVEN;
	return pol_parse_facts_given(parser, &out->given, &out->given_count);
}

static const struct {
	const char *keyword;
	bool (*parse)(struct pol_parser *parser, struct pol_ast_step *out);
} steps[] = {
	{ "allow", expect },
	{ "and", and},
	{ "anyone", anyone },
	{ "as", as },
	{ "deny", deny },
	{ "environment", environment },
	{ "everyone", everyone },
	{ "from", from },
	{ "given", given },
	{ "key", key },
	{ "mfa", mfa },
	{ "peer", peer },
	{ "service", service },
	{ "time", time_of },
	{ "with", with },
};

#define STEP_COUNT (sizeof steps / sizeof *steps)

static bool step(struct pol_parser *parser, struct pol_ast_step *out)
{
	const char *keywords[STEP_COUNT + 1] = { NULL };

	for (size_t i = 0; i < STEP_COUNT; i++) {
		if (pol_parser_take_keyword(parser, steps[i].keyword)) {
			return steps[i].parse(parser, out);
		}
		keywords[i] = steps[i].keyword;
	}
	return pol_parse_words_expected(parser,
		"a line of a test, such as 'as role NAME' or 'allow GET TREE:/path'", keywords);
}

bool pol_parse_test(struct pol_parser *parser, struct pol_ast_test *out)
{
	static const char *const after[] = { "at", "until", "because", NULL };
	bool ok = pol_parser_at(parser, POL_TOKEN_STRING);
	size_t list;

	if (ok) {
		out->name = pol_parse_words_take(parser);
	} else {
		pol_parse_words_expected(parser, "the test's name in quotes", NULL);
	}
	out->incomplete = !ok;
	if (!ok && !pol_parse_block_find_open(parser)) {
		return false;
	}
	if (!pol_parse_block_open(parser, "the test")) {
		out->incomplete = true;
		return false;
	}
	list = pol_parser_list(parser);
	while (pol_parse_block_more(parser)) {
		struct pol_ast_step one = { .at = parser->token.at };
		uint32_t start = parser->token.at.offset;
		size_t errors = parser->diags->errors;

		ok = step(parser, &one);
		pol_parse_block_end_line(parser, ok, start, after);
		if (ok && parser->diags->errors == errors) {
			pol_parser_push(parser, &one, sizeof one);
		} else {
			out->incomplete = true;
		}
	}
	out->steps = pol_parse_block_end_list(parser, list, sizeof *out->steps, &out->step_count);
	return true;
}
