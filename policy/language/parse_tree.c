/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

#include "policy/text/method.h"

#define STRICT_SLASH "strict_slash"

static void entries(
	struct pol_parser *parser, bool of_tree, struct pol_ast_entry **out, uint32_t *out_count);

/* Pushes a mark that something is missing, so that the compiler does not report as unknown what may
 * have been here. */
static void push_lost(struct pol_parser *parser, enum pol_ast_entry_kind kind)
{
	struct pol_ast_entry lost = { .kind = kind };

	pol_parser_push(parser, &lost, sizeof lost);
}

/* Warns of `/path{word}`: a block, but probably meant as a parameter within a segment. */
static void warn_of_adjacent_brace(struct pol_parser *parser)
{
	struct pol_str text = parser->lexer.text;
	size_t i = parser->token.at.offset + 1;

	if (!parser->token.adjacent) {
		return;
	}
	while (i < text.len &&
		((text.ptr[i] >= 'a' && text.ptr[i] <= 'z') ||
			(text.ptr[i] >= 'A' && text.ptr[i] <= 'Z') || text.ptr[i] == '_')) {
		i++;
	}
	if (i < text.len && text.ptr[i] == '}') {
		pol_diag_warning(parser->diags, parser->token.at, POL_WARNING_ADJACENT_BLOCK,
			"this is a block, not a parameter: a parameter is a whole segment, "
			"/{name}; "
			"put a space before a block");
	}
}

/* Reads a node's block if it is there, else marks all its entries as lost. */
static bool block(struct pol_parser *parser, struct pol_ast_entry *out, bool there)
{
	size_t list = pol_parser_list(parser);

	if (there && pol_parse_block_open(parser, "the path's block")) {
		entries(parser, false, &out->entries, &out->entry_count);
		return true;
	}
	push_lost(parser, POL_ENTRY_LOST);
	out->entries =
		pol_parse_block_end_list(parser, list, sizeof *out->entries, &out->entry_count);
	return false;
}

/* PATH { comma PATH } [ STRING ] nodes; *lost becomes what a mistake left out beside it */
static bool node(
	struct pol_parser *parser, struct pol_ast_entry *out, enum pol_ast_entry_kind *lost)
{
	size_t list = pol_parser_list(parser);
	bool there = true;
	bool ok;

	out->kind = POL_ENTRY_NODE;
	do {
		struct pol_ast_path path = { 0 };

		ok = pol_parse_path(parser, POL_PATH_OF_TREE, NULL, &path);
		if (ok) {
			pol_parser_push(parser, &path, sizeof path);
		}
	} while (ok && pol_parse_block_take_comma(parser));
	out->paths = pol_parse_block_end_list(parser, list, sizeof *out->paths, &out->path_count);
	if (ok) {
		pol_parse_words_description(parser, &out->description);
		warn_of_adjacent_brace(parser);
	} else {
		*lost = POL_ENTRY_LOST;
		there = pol_parse_block_find_open(parser);
	}
	return block(parser, out, there);
}

/* Reports a block that does not follow a path, and reads it for the mistakes in it. */
static bool stray_block(
	struct pol_parser *parser, const struct pol_word *owner, struct pol_ast_entry *out)
{
	size_t list = pol_parser_list(parser);
	struct pol_segment name = { POL_SEGMENT_LOST, owner->at, owner->text };
	struct pol_ast_path path = { .at = owner->at };

	pol_diag_error(parser->diags, parser->token.at,
		"only a path has a block, and a path begins with '/'");
	*out = (struct pol_ast_entry){ .kind = POL_ENTRY_NODE };
	pol_parser_push(parser, &name, sizeof name);
	path.segments = pol_parse_block_end_list(parser, list, sizeof *path.segments, &path.count);
	pol_parser_push(parser, &path, sizeof path);
	out->paths = pol_parse_block_end_list(parser, list, sizeof *out->paths, &out->path_count);
	return block(parser, out, true);
}

/* Reports an action that is followed by `yes` or `no`, as a setting is. */
static void wrong_setting(struct pol_parser *parser, struct pol_str action)
{
	struct pol_nearest nearest = pol_nearest_to(action);

	if (pol_str_equal(action, POL_STR(STRICT_SLASH))) {
		pol_diag_error(parser->diags, parser->token.at,
			"'" STRICT_SLASH "' is a setting of a whole tree: write it in the tree's "
			"own block, outside of its paths");
		return;
	}
	pol_nearest_offer(&nearest, POL_STR(STRICT_SLASH));
	pol_diag_error(parser->diags, parser->token.at,
		"'%.*s' is not a setting of a tree" POL_NEAREST,
		POL_STR_ARGS(pol_parse_words_clip(action)), POL_NEAREST_ARGS(nearest));
}

/* Reports a word that is not a method, after an action. */
static void method_expected(struct pol_parser *parser, struct pol_str action)
{
	struct pol_str word = pol_parse_words_clip(parser->token.raw);
	struct pol_nearest nearest = pol_nearest_to(parser->token.raw);

	if (pol_parser_at_keyword(parser, "yes") || pol_parser_at_keyword(parser, "no")) {
		wrong_setting(parser, action);
		return;
	}
	for (size_t i = 0; i < pol_method_count(); i++) {
		pol_nearest_offer(&nearest, pol_method_name(i));
	}
	pol_diag_error(parser->diags, parser->token.at,
		"expected a method, ',' or the end of the line, found '%.*s'" POL_NEAREST,
		POL_STR_ARGS(word), POL_NEAREST_ARGS(nearest));
}

/* ACTION { METHOD } [ STRING ]; the action was taken. *lost as in verb(). */
static bool methods(
	struct pol_parser *parser, struct pol_ast_entry *out, enum pol_ast_entry_kind *lost)
{
	size_t list = pol_parser_list(parser);
	bool ok = true;

	out->kind = POL_ENTRY_ACTION;
	while (ok && pol_parser_at(parser, POL_TOKEN_WORD)) {
		struct pol_word word = { 0 };

		if (!pol_parse_words_is_capitals(parser->token.raw)) {
			method_expected(parser, out->name.text);
			ok = false;
		} else {
			ok = pol_parse_words_verb(parser, &word, NULL);
		}
		if (ok && pol_method_is_registered(word.text)) {
			pol_parser_push(parser, &word, sizeof word);
		} else if (ok) {
			*lost = POL_ENTRY_LOST_VERB;
		}
	}
	out->methods.items = pol_parse_block_end_list(
		parser, list, sizeof *out->methods.items, &out->methods.count);
	return ok;
}

/* Reports a method that follows an action after a comma: the line has two meanings. `before` is the
 * action with its methods as written. */
static void two_ways(
	struct pol_parser *parser, struct pol_str before, const struct pol_word *method)
{
	before = pol_parse_words_clip(before);
	pol_diag_error(parser->diags, method->at,
		"a bare method after '%.*s': write '%.*s %.*s' if it belongs to that action, or "
		"'%.*s' on a line of its own if it is one by itself",
		POL_STR_ARGS(before), POL_STR_ARGS(before), POL_STR_ARGS(method->text),
		POL_STR_ARGS(method->text));
}

/* The source from the action to the token, without the space between. */
static struct pol_str as_written(const struct pol_parser *parser, const struct pol_word *action)
{
	struct pol_str text = { parser->lexer.text.ptr + action->at.offset,
		parser->token.at.offset - action->at.offset };

	while (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t') {
		text.len--;
	}
	return text;
}

/* METHOD [ STRING ] | ACTION { METHOD } [ STRING ]; *action is the last action of this line. *lost
 * as in verb(). */
static bool read_verb(struct pol_parser *parser, struct pol_str *action, struct pol_ast_entry *out,
	enum pol_ast_entry_kind *lost)
{
	size_t errors = parser->diags->errors;
	bool method = false;
	bool ok;

	if (pol_parser_at(parser, POL_TOKEN_STRING)) {
		return pol_parse_words_expected(parser,
			"a path, an action or a method (a description comes after it)", NULL);
	}
	if (!pol_parser_at(parser, POL_TOKEN_WORD)) {
		return pol_parse_words_expected(parser, "a path, an action or a method", NULL);
	}
	ok = pol_parse_words_verb(parser, &out->name, &method);
	if (ok && method) {
		out->kind = POL_ENTRY_METHOD;
		if (action->ptr != NULL) {
			two_ways(parser, *action, &out->name);
		}
	} else if (ok) {
		if (parser->diags->errors > errors) {
			*lost = POL_ENTRY_LOST_VERB;
		}
		ok = methods(parser, out, lost);
		*action = as_written(parser, &out->name);
	}
	if (ok) {
		pol_parse_words_description(parser, &out->description);
	}
	return ok;
}

/* "strict_slash" ( "yes" | "no" ); the keyword is the current token. */
static bool strict_slash(struct pol_parser *parser, struct pol_ast_entry *out)
{
	static const char *const answers[] = { "yes", "no", NULL };

	out->name = pol_parse_words_take(parser);
	if (pol_parser_at_keyword(parser, "yes") || pol_parser_at_keyword(parser, "no")) {
		out->kind = POL_ENTRY_STRICT_SLASH;
		out->yes = pol_parser_at_keyword(parser, "yes");
		pol_parse_block_next(parser);
		return true;
	}
	return pol_parse_words_expected(parser, "'yes' or 'no'", answers);
}

/* read_verb; *lost becomes what a mistake left out, POL_ENTRY_NODE if there was none. */
static bool verb(struct pol_parser *parser, struct pol_str *action, struct pol_ast_entry *out,
	enum pol_ast_entry_kind *lost)
{
	size_t errors = parser->diags->errors;
	bool ok = read_verb(parser, action, out, lost);

	if (!ok) {
		*lost = POL_ENTRY_LOST;
	} else if (out->kind == POL_ENTRY_METHOD && !pol_method_is_registered(out->name.text)) {
		*lost = POL_ENTRY_LOST_VERB;
	} else if (*lost == POL_ENTRY_NODE && parser->diags->errors > errors) {
		*lost = POL_ENTRY_DOUBTFUL;
	}
	return ok;
}

/* Ends an entry as pol_parse_block_end_line does a line; a comma ends one too. */
static void end_entry(struct pol_parser *parser, bool ok, uint32_t start)
{
	if (ok && (pol_parser_at_line_end(parser) || pol_parser_at(parser, POL_TOKEN_COMMA))) {
		return;
	}
	if (ok) {
		pol_parse_words_expected(parser, "',' or the end of the line", NULL);
	}
	if (parser->token.first && parser->token.at.offset != start) {
		return;
	}
	while (!pol_parser_at_line_end(parser) && !pol_parser_at(parser, POL_TOKEN_COMMA)) {
		if (pol_parser_at(parser, POL_TOKEN_OPEN)) {
			pol_parse_block_skip_line(parser);
			return;
		}
		pol_parse_block_next(parser);
	}
}

/* Keeps an entry that is followed by a block, which only a path may have: one with methods is an
 * action all the same, and a name alone may be an action whose methods stand in the block. */
static void keep_owner(
	struct pol_parser *parser, const struct pol_ast_entry *owner, enum pol_ast_entry_kind lost)
{
	if (lost == POL_ENTRY_NODE &&
		(owner->kind == POL_ENTRY_METHOD || owner->methods.count > 0)) {
		pol_parser_push(parser, owner, sizeof *owner);
	}
	push_lost(parser, POL_ENTRY_LOST_VERB);
}

/* Reads a setting to its end and pushes it. */
static void setting(struct pol_parser *parser)
{
	struct pol_ast_entry out = { 0 };
	uint32_t start = parser->token.at.offset;
	bool ok = strict_slash(parser, &out);

	end_entry(parser, ok, start);
	if (ok) {
		pol_parser_push(parser, &out, sizeof out);
	}
}

/* Reads one entry to its end and pushes it, and a mark for what mistakes have left out. */
static void entry(struct pol_parser *parser, struct pol_str *action)
{
	struct pol_word owner = { .at = parser->token.at, .text = parser->token.raw };
	struct pol_ast_entry out = { 0 };
	uint32_t start = parser->token.at.offset;
	bool path = pol_parser_at(parser, POL_TOKEN_WORD) && parser->token.raw.ptr[0] == '/';
	enum pol_ast_entry_kind lost = POL_ENTRY_NODE;
	size_t errors;
	bool ok = path ? node(parser, &out, &lost) : verb(parser, action, &out, &lost);

	if (ok && pol_parser_at(parser, POL_TOKEN_OPEN)) {
		if (path) {
			pol_parser_push(parser, &out, sizeof out);
		} else {
			owner = out.name;
			keep_owner(parser, &out, lost);
		}
		path = true;
		ok = stray_block(parser, &owner, &out);
	}
	errors = parser->diags->errors;
	end_entry(parser, ok, start);
	if (path || out.kind == POL_ENTRY_ACTION ||
		(out.kind == POL_ENTRY_METHOD && pol_method_is_registered(out.name.text))) {
		pol_parser_push(parser, &out, sizeof out);
	}
	if (parser->diags->errors > errors) {
		lost = POL_ENTRY_LOST;
	}
	if (lost != POL_ENTRY_NODE) {
		push_lost(parser, lost);
	}
}

/* entries = { NL | "," } [ entry [ ( NL | "," ) entries ] ] and the '}'. If a '}' is missing, each
 * of the open blocks may lack entries. `of_tree`: the tree's own block, which may have settings. */
static void entries(
	struct pol_parser *parser, bool of_tree, struct pol_ast_entry **out, uint32_t *out_count)
{
	size_t list = pol_parser_list(parser);
	struct pol_str action = { 0 };

	for (;;) {
		while (pol_parser_at(parser, POL_TOKEN_NL) ||
			pol_parser_at(parser, POL_TOKEN_COMMA)) {
			if (pol_parser_at(parser, POL_TOKEN_NL)) {
				action = (struct pol_str){ 0 };
			}
			pol_parse_block_next(parser);
		}
		if (!pol_parse_block_more(parser)) {
			break;
		}
		if (of_tree && pol_parser_at_keyword(parser, STRICT_SLASH)) {
			setting(parser);
		} else {
			entry(parser, &action);
		}
	}
	if (parser->unwinding) {
		push_lost(parser, POL_ENTRY_LOST);
	}
	*out = pol_parse_block_end_list(parser, list, sizeof **out, out_count);
}

bool pol_parse_tree(struct pol_parser *parser, struct pol_ast_tree *out)
{
	size_t errors = parser->diags->errors;

	if (pol_parse_words_name(parser, "a tree's name", POL_SHAPE_NAME, &out->name)) {
		out->misnamed = parser->diags->errors > errors;
		pol_parse_words_description(parser, &out->description);
	} else if (!pol_parse_block_find_open(parser)) {
		return false;
	}
	if (!pol_parse_block_open(parser, "the tree")) {
		return false;
	}
	entries(parser, true, &out->entries, &out->entry_count);
	out->unclosed = parser->unwinding;
	return true;
}
