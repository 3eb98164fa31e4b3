/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/parser.h"

#include "policy/method.h"

static void entries(struct pol_parser *parser, struct pol_ast_entry **out, uint32_t *out_count);

/* A '{' that touches its path, closes again at once and holds one word was meant as a part of the
 * segment, which no segment has. */
static void warn_of_glued_brace(struct pol_parser *parser)
{
	struct pol_str text = parser->lexer.text;
	size_t i = parser->token.at.offset + 1;

	if (!parser->token.glued) {
		return;
	}
	while (i < text.len &&
		((text.ptr[i] >= 'a' && text.ptr[i] <= 'z') ||
			(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z') || text.ptr[i] == '_')) {
		i++;
	}
	if (i < text.len && text.ptr[i] == '}') {
		pol_warning(parser->diags, parser->token.at,
			"this is a block and no parameter: a parameter is a whole segment, "
			"/{name}; "
			"put a space before a block");
	}
}

/* PATH { comma PATH } [ STRING ] nodes */
static bool node(struct pol_parser *parser, struct pol_ast_entry *out)
{
	size_t list = pol_parser_list(parser);
	bool ok;

	out->kind = POL_ENTRY_NODE;
	do {
		struct pol_ast_path path = { 0 };
		size_t errors = parser->diags->errors;

		ok = pol_parser_path(parser, POL_PATH_OF_TREE, NULL, &path);
		if (parser->diags->errors == errors) {
			pol_parser_push(parser, &path, sizeof path);
		}
	} while (ok && pol_parser_take_comma(parser));
	out->paths = pol_parser_end_list(parser, list, sizeof *out->paths, &out->path_count);
	if (ok) {
		pol_parser_description(parser, &out->description);
		warn_of_glued_brace(parser);
	} else if (!pol_parser_find_open(parser)) {
		return false;
	}
	if (!pol_parser_open(parser, "the path's block")) {
		return false;
	}
	entries(parser, &out->entries, &out->entry_count);
	return true;
}

static void method_expected(struct pol_parser *parser)
{
	struct pol_str word = pol_parser_clip(parser->token.raw);
	struct pol_nearest nearest = pol_nearest_to(parser->token.raw);

	for (size_t i = 0; i < pol_method_count(); i++) {
		pol_nearest_offer(&nearest, pol_method_name(i));
	}
	pol_error(parser->diags, parser->token.at,
		"expected a method, ',' or the end of the line, found '%.*s'" POL_NEAREST,
		POL_STR_ARGS(word), POL_NEAREST_ARGS(nearest));
}

/* ACTION { METHOD } [ STRING ], the action taken */
static bool methods(struct pol_parser *parser, struct pol_ast_entry *out)
{
	size_t list = pol_parser_list(parser);
	bool ok = true;

	out->kind = POL_ENTRY_ACTION;
	while (ok && pol_parser_at(parser, POL_TOKEN_WORD)) {
		struct pol_word word = { 0 };

		if (!pol_parser_is_capitals(parser->token.raw)) {
			method_expected(parser);
			ok = false;
		} else {
			ok = pol_parser_verb(parser, &word, NULL);
		}
		if (ok && pol_is_method(word.text)) {
			pol_parser_push(parser, &word, sizeof word);
		}
	}
	out->methods.items =
		pol_parser_end_list(parser, list, sizeof *out->methods.items, &out->methods.count);
	return ok;
}

/* before: the named action on the same line, with its methods */
static void two_ways(
	struct pol_parser *parser, struct pol_str before, const struct pol_word *method)
{
	before = pol_parser_clip(before);
	pol_error(parser->diags, method->at,
		"a bare method behind '%.*s': write '%.*s %.*s' if it belongs to that action, or "
		"'%.*s' on a line of its own if it is one by itself",
		POL_STR_ARGS(before), POL_STR_ARGS(before), POL_STR_ARGS(method->text),
		POL_STR_ARGS(method->text));
}

/* From the action to what stands before the token, as written. */
static struct pol_str as_written(const struct pol_parser *parser, const struct pol_word *action)
{
	struct pol_str text = { parser->lexer.text.ptr + action->at.offset,
		parser->token.at.offset - action->at.offset };

	while (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t') {
		text.len--;
	}
	return text;
}

/* METHOD [ STRING ] | ACTION { METHOD } [ STRING ]; *action is what this line named last */
static bool verb(struct pol_parser *parser, struct pol_str *action, struct pol_ast_entry *out)
{
	bool method = false;
	bool ok;

	if (pol_parser_at(parser, POL_TOKEN_STRING)) {
		return pol_parser_expected(parser,
			"a path, an action or a method (a description stands behind it)", NULL);
	}
	if (!pol_parser_at(parser, POL_TOKEN_WORD)) {
		return pol_parser_expected(parser, "a path, an action or a method", NULL);
	}
	ok = pol_parser_verb(parser, &out->name, &method);
	if (ok && method) {
		out->kind = POL_ENTRY_METHOD;
		if (action->ptr != NULL) {
			two_ways(parser, *action, &out->name);
		}
	} else if (ok) {
		ok = methods(parser, out);
		*action = as_written(parser, &out->name);
	}
	if (ok) {
		pol_parser_description(parser, &out->description);
	}
	return ok;
}

/* After an entry: at its end, or moved there. */
static void end_entry(struct pol_parser *parser, bool ok, uint32_t start)
{
	if (ok && (pol_parser_at_line_end(parser) || pol_parser_at(parser, POL_TOKEN_COMMA))) {
		return;
	}
	if (ok && pol_parser_at(parser, POL_TOKEN_OPEN)) {
		pol_error(parser->diags, parser->token.at,
			"only a path has a block, and a path begins with '/'");
	} else if (ok) {
		pol_parser_expected(parser, "',' or the end of the line", NULL);
	}
	if (parser->token.first && parser->token.at.offset != start) {
		return;
	}
	while (!pol_parser_at_line_end(parser) && !pol_parser_at(parser, POL_TOKEN_COMMA)) {
		if (pol_parser_at(parser, POL_TOKEN_OPEN)) {
			pol_parser_skip_line(parser);
			return;
		}
		pol_parser_next(parser);
	}
}

/* entries = { NL | "," } [ entry [ ( NL | "," ) entries ] ] and the '}' */
static void entries(struct pol_parser *parser, struct pol_ast_entry **out, uint32_t *out_count)
{
	size_t list = pol_parser_list(parser);
	struct pol_str action = { 0 };

	for (;;) {
		struct pol_ast_entry entry = { 0 };
		uint32_t start;
		bool good;
		bool ok;

		while (pol_parser_at(parser, POL_TOKEN_NL) ||
			pol_parser_at(parser, POL_TOKEN_COMMA)) {
			if (pol_parser_at(parser, POL_TOKEN_NL)) {
				action = (struct pol_str){ 0 };
			}
			pol_parser_next(parser);
		}
		if (!pol_parser_more(parser)) {
			break;
		}
		start = parser->token.at.offset;
		if (pol_parser_at(parser, POL_TOKEN_WORD) && parser->token.raw.ptr[0] == '/') {
			ok = node(parser, &entry);
			good = entry.path_count > 0;
		} else {
			ok = verb(parser, &action, &entry);
			good = entry.kind == POL_ENTRY_ACTION ||
			       (entry.kind == POL_ENTRY_METHOD && pol_is_method(entry.name.text));
		}
		end_entry(parser, ok, start);
		if (good) {
			pol_parser_push(parser, &entry, sizeof entry);
		}
	}
	*out = pol_parser_end_list(parser, list, sizeof **out, out_count);
}

bool pol_parser_tree(struct pol_parser *parser, struct pol_ast_tree *out)
{
	if (pol_parser_name(parser, "a tree's name", POL_SHAPE_NAME, &out->name)) {
		pol_parser_description(parser, &out->description);
	} else if (!pol_parser_find_open(parser)) {
		return false;
	}
	if (!pol_parser_open(parser, "the tree")) {
		return false;
	}
	entries(parser, &out->entries, &out->entry_count);
	return true;
}
