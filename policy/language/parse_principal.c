/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

/* "peer" ( "user" | "group" ) WORD; "peer" was taken */
static bool peer(struct pol_parser *parser, struct pol_ast_peer *out)
{
	static const char *const kinds[] = { "user", "group", NULL };

	out->group = pol_parser_at_keyword(parser, "group");
	if (!out->group && !pol_parser_at_keyword(parser, "user")) {
		return pol_parse_words_expected(parser, "'user' or 'group'", kinds);
	}
	pol_parse_block_next(parser);
	return pol_parse_words_name(parser,
		out->group ? "a group of the host" : "a user of the host", POL_SHAPE_ANY,
		&out->name);
}

/* A line of the block. All kinds are pushed to one list, in their order, and separated at the end
 * of the block. */
struct line {
	enum { LINE_ROLE, LINE_PEER, LINE_ATTRIBUTE } kind;
	struct pol_ast_assignment held;
	struct pol_ast_peer peer;
	struct pol_ast_given attribute;
};

static bool line(struct pol_parser *parser, struct line *out)
{
	static const char *const begin[] = { "attribute", "peer", "role", NULL };

	if (pol_parser_take_keyword(parser, "peer")) {
		out->kind = LINE_PEER;
		return peer(parser, &out->peer);
	}
	if (pol_parser_take_keyword(parser, "role")) {
		return pol_parse_pattern_assignment(parser, &out->held);
	}
	if (pol_parser_take_keyword(parser, "attribute")) {
		out->kind = LINE_ATTRIBUTE;
		return pol_parse_facts_attribute(parser, &out->attribute);
	}
	return pol_parse_words_expected(parser, "'peer', 'role' or 'attribute'", begin);
}

static void separate(struct pol_parser *parser, const struct line *lines, uint32_t count,
	struct pol_ast_principal *out)
{
	size_t list = pol_parser_list(parser);

	for (uint32_t i = 0; i < count; i++) {
		if (lines[i].kind == LINE_PEER) {
			pol_parser_push(parser, &lines[i].peer, sizeof lines[i].peer);
		}
	}
	out->peers = pol_parse_block_end_list(parser, list, sizeof *out->peers, &out->peer_count);
	for (uint32_t i = 0; i < count; i++) {
		if (lines[i].kind == LINE_ROLE) {
			pol_parser_push(parser, &lines[i].held, sizeof lines[i].held);
		}
	}
	out->held = pol_parse_block_end_list(parser, list, sizeof *out->held, &out->held_count);
	for (uint32_t i = 0; i < count; i++) {
		if (lines[i].kind == LINE_ATTRIBUTE) {
			pol_parser_push(parser, &lines[i].attribute, sizeof lines[i].attribute);
		}
	}
	out->attributes = pol_parse_block_end_list(
		parser, list, sizeof *out->attributes, &out->attribute_count);
}

bool pol_parse_principal(struct pol_parser *parser, struct pol_ast_principal *out)
{
	static const char *const after[] = { "at", "until", NULL };
	struct line *lines;
	uint32_t count;
	size_t list;

	if (pol_parse_words_name(parser, "a principal's id", POL_SHAPE_ANY, &out->id)) {
		pol_parse_words_description(parser, &out->description);
	} else if (!pol_parse_block_find_open(parser)) {
		return false;
	}
	if (!pol_parse_block_open(parser, "the principal")) {
		return false;
	}
	list = pol_parser_list(parser);
	while (pol_parse_block_more(parser)) {
		struct line one = { 0 };
		uint32_t start = parser->token.at.offset;
		size_t errors = parser->diags->errors;
		bool ok = line(parser, &one);

		pol_parse_block_end_line(parser, ok, start, after);
		if (ok && parser->diags->errors == errors) {
			pol_parser_push(parser, &one, sizeof one);
		}
	}
	lines = pol_parse_block_end_list(parser, list, sizeof *lines, &count);
	separate(parser, lines, count, out);
	return true;
}
