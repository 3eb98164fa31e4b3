/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

#include <string.h>

/* Puts the prefix's segments in front of the path's. */
static void join(
	struct pol_parser *parser, const struct pol_ast_path *prefix, struct pol_ast_path *path)
{
	size_t count = (size_t)prefix->count + path->count;
	struct pol_segment *segments = pol_arena_alloc(parser->arena, count, sizeof *segments);

	if (segments == NULL) {
		parser->status = parser->arena->status;
		return;
	}
	if (prefix->count > 0) {
		memcpy(segments, prefix->segments, prefix->count * sizeof *segments);
	}
	if (path->count > 0) {
		memcpy(segments + prefix->count, path->segments, path->count * sizeof *segments);
		path->segments = segments;
		path->count = (uint32_t)count;
		(void)pol_parse_path_check_path(parser, path);
		return;
	}
	path->segments = segments;
	path->count = (uint32_t)count;
}

/* Reads a list of suffixes, the '{' not yet taken, and pushes a pattern for each. */
static bool suffixes(struct pol_parser *parser, const struct pol_ast_pattern *prefix)
{
	struct pol_span open = parser->token.at;
	bool any = false;

	if (!pol_parse_block_open(parser, "the list of suffixes")) {
		return false;
	}
	for (;;) {
		struct pol_ast_pattern pattern = { .tree = prefix->tree };
		uint32_t start;
		bool ok;

		while (pol_parser_at(parser, POL_TOKEN_NL) ||
			pol_parser_at(parser, POL_TOKEN_COMMA)) {
			pol_parse_block_next(parser);
		}
		if (!pol_parse_block_more(parser)) {
			break;
		}
		any = true;
		start = parser->token.at.offset;
		ok = pol_parse_path(parser, POL_PATH_OF_GRANT, NULL, &pattern.path);
		if (ok) {
			join(parser, &prefix->path, &pattern.path);
		}
		if (ok && pol_parser_at(parser, POL_TOKEN_OPEN)) {
			ok = suffixes(parser, &pattern);
		} else if (ok) {
			pol_parser_push(parser, &pattern, sizeof pattern);
		}
		if (ok && pol_parser_at(parser, POL_TOKEN_COMMA)) {
			continue;
		}
		pol_parse_block_end_line(parser, ok, start, NULL);
	}
	if (!any && !parser->unwinding) {
		pol_diag_error(
			parser->diags, open, "an empty list of suffixes: '/' is the prefix itself");
	}
	return true;
}

bool pol_parse_pattern_patterns(struct pol_parser *parser, struct pol_ast_patterns *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_ast_pattern pattern = { 0 };

		ok = pol_parse_path(parser, POL_PATH_OF_GRANT, &pattern.tree, &pattern.path);
		if (ok && pol_parser_at(parser, POL_TOKEN_OPEN)) {
			ok = suffixes(parser, &pattern);
		} else if (ok) {
			pol_parser_push(parser, &pattern, sizeof pattern);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

/* Reports parameters and wildcards that are not quoted: a place has none. */
static void check_concrete(struct pol_parser *parser, const struct pol_token *token, bool request)
{
	struct pol_str raw = token->raw;

	if (token->param) {
		pol_diag_error(parser->diags, token->at,
			request ? "a request has a value in place of {name}; a path with braces is "
				  "quoted"
				: "a place is concrete: write a value in place of {name}");
		return;
	}
	for (size_t i = pol_parse_path_segment_end(raw, 0); !request && i < raw.len;) {
		size_t end = pol_parse_path_segment_end(raw, i + 1);
		struct pol_str one = { raw.ptr + i + 1, end - i - 1 };

		if (pol_str_equal(one, POL_STR("*")) || pol_str_equal(one, POL_STR("**"))) {
			pol_diag_error(parser->diags, token->at,
				"a place is concrete and holds what is below it: no '*' here");
			return;
		}
		i = end;
	}
}

static bool place(struct pol_parser *parser, bool request, struct pol_word *out)
{
	struct pol_token token = parser->token;
	size_t len;

	if (token.kind != POL_TOKEN_WORD && token.kind != POL_TOKEN_STRING) {
		return pol_parse_words_expected(
			parser, request ? "a resource, TREE:/path" : "a place, TREE:/path", NULL);
	}
	*out = pol_parse_words_take(parser);
	len = pol_parse_path_tree_len(out->text);
	if (len == 0 || (!request && (len + 1 == out->text.len || out->text.ptr[len + 1] != '/'))) {
		struct pol_str shown = pol_parse_words_clip(out->text);

		pol_diag_error(parser->diags, out->at, "expected a %s, TREE:/path, found '%.*s'",
			request ? "resource" : "place", POL_STR_ARGS(shown));
	} else if (token.kind == POL_TOKEN_WORD) {
		check_concrete(parser, &token, request);
	}
	return true;
}

bool pol_parse_pattern_places(struct pol_parser *parser, bool request, struct pol_words *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	do {
		struct pol_word one = { 0 };

		ok = place(parser, request, &one);
		if (ok) {
			pol_parser_push(parser, &one, sizeof one);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->items = pol_parse_block_end_list(parser, list, sizeof *out->items, &out->count);
	return ok;
}

bool pol_parse_pattern_assignment(struct pol_parser *parser, struct pol_ast_assignment *out)
{
	if (!pol_parse_words_ids(parser, "a role's name", &out->roles)) {
		return false;
	}
	if (pol_parser_take_keyword(parser, "at") &&
		!pol_parse_pattern_places(parser, false, &out->places)) {
		return false;
	}
	return !pol_parser_take_keyword(parser, "until") ||
	       pol_parse_words_name(
		       parser, "a time, such as 2030-01-31T00:00:00Z", POL_SHAPE_ANY, &out->until);
}
