/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/parser.h"

#include <string.h>

#include "policy/text/path.h"

struct path_reader {
	struct pol_parser *parser;
	enum pol_path_use use;
	struct pol_str raw; /* the whole word */
	struct pol_span at; /* its position */
};

/* The position of bytes from..to of the word. */
static struct pol_span part(const struct path_reader *reader, size_t from, size_t to)
{
	return (struct pol_span){ reader->at.file, reader->at.offset + (uint32_t)from,
		(uint32_t)(to - from) };
}

static bool is_plain(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (!pol_parser_is(text.ptr[i], POL_CHAR_PLAIN)) {
			return false;
		}
	}
	return text.len > 0 && text.ptr[0] != '.';
}

/*
 * Reads a literal as pol_path_read does, as a path of one segment: a literal that it refuses could
 * never match a request. Returns why it is refused, or NULL; out->ptr is NULL then only if memory
 * ran out.
 */
static const char *decode_literal(struct pol_arena *arena, struct pol_str text, struct pol_str *out)
{
	struct pol_path path;
	struct pol_str raw;
	const char *fault;
	char *copy;

	if (is_plain(text)) {
		*out = text;
		return NULL;
	}
	if (memchr(text.ptr, '?', text.len) != NULL) {
		return "a '?', where a request's query begins";
	}
	if (text.len >= POL_PATH_BYTES) {
		return "longer than a request may be";
	}
	copy = pol_arena_alloc(arena, text.len + 1, 1);
	if (copy == NULL) {
		return NULL;
	}
	copy[0] = '/';
	memcpy(copy + 1, text.ptr, text.len);
	raw = (struct pol_str){ copy, text.len + 1 };
	fault = pol_path_fault(raw);
	if (fault != NULL) {
		return fault;
	}
	if (pol_path_read(raw, &path) != POL_OK || path.count != 1 ||
		memchr(text.ptr, '/', text.len) != NULL) {
		return "a quoted slash";
	}
	*out = pol_arena_copy(arena, path.segments[0]);
	return NULL;
}

/* Reads a parameter, {name} or {name...}: bytes from..to of the word. */
static bool parameter(
	const struct path_reader *reader, size_t from, size_t to, struct pol_segment *out)
{
	struct pol_diags *diags = reader->parser->diags;
	const char *raw = reader->raw.ptr;
	const char *close = memchr(raw + from, '}', to - from);
	size_t end = close != NULL ? (size_t)(close - raw) : to;

	if (end + 1 != to) {
		pol_diag_error(diags, part(reader, from, to),
			"a parameter is a whole segment: /{name}, with nothing before or after it");
		return false;
	}
	out->kind = POL_SEGMENT_PARAM;
	if (end - from > 4 && memcmp(raw + end - 3, "...", 3) == 0) {
		out->kind = POL_SEGMENT_REST;
		end -= 3;
	}
	out->text = (struct pol_str){ raw + from + 1, end - from - 1 };
	if (out->text.len > POL_NAME_MAX) {
		pol_diag_error(diags, part(reader, from, to),
			"a parameter's name is longer than %d bytes", POL_NAME_MAX);
		return false;
	}
	return true;
}

static bool wildcard(
	const struct path_reader *reader, size_t from, size_t to, struct pol_segment *out)
{
	if (reader->use == POL_PATH_OF_TREE) {
		pol_diag_error(reader->parser->diags, part(reader, from, to),
			to - from == 1 ? "'*' is for grants: here write a parameter, /{name}"
				       : "'**' is for grants: here write /{name...}");
		return false;
	}
	out->kind = to - from == 1 ? POL_SEGMENT_STAR : POL_SEGMENT_STARSTAR;
	return true;
}

/* Reads a segment that is not a plain literal: empty, a parameter, a wildcard, quoted or escaped.
 */
static bool special_segment(
	const struct path_reader *reader, size_t from, size_t to, struct pol_segment *out)
{
	struct pol_parser *parser = reader->parser;
	struct pol_str raw = { reader->raw.ptr + from, to - from };
	struct pol_token token = { .kind = POL_TOKEN_WORD, .raw = raw };
	struct pol_str text;
	const char *why;

	out->at = part(reader, from, to);
	if (raw.len == 0) {
		pol_diag_error(parser->diags, part(reader, from - 1, from),
			"an empty segment: a path has one '/' between segments and none at its "
			"end");
		return false;
	}
	if (raw.ptr[0] == '{') {
		return parameter(reader, from, to, out);
	}
	if (pol_str_equal(raw, POL_STR("*")) || pol_str_equal(raw, POL_STR("**"))) {
		return wildcard(reader, from, to, out);
	}
	token.quoted = memchr(raw.ptr, '"', raw.len) != NULL;
	out->kind = POL_SEGMENT_LITERAL;
	if (!pol_lex_token_text(parser->arena, &token, &text)) {
		parser->status = parser->arena->status;
		return false;
	}
	why = text.len == 0 ? "an empty segment" : decode_literal(parser->arena, text, &out->text);
	if (why != NULL) {
		pol_diag_error(parser->diags, out->at, "no request can have this segment: %s", why);
		return false;
	}
	if (out->text.ptr == NULL) {
		parser->status = parser->arena->status;
	}
	return true;
}

size_t pol_parse_path_segment_end(struct pol_str raw, size_t i)
{
	bool inside = false;

	for (; i < raw.len; i++) {
		if (pol_parser_is(raw.ptr[i], POL_CHAR_PLAIN)) {
			continue;
		}
		if (raw.ptr[i] == '"') {
			inside = !inside;
		} else if (raw.ptr[i] == '\\' && inside) {
			i++;
		} else if (raw.ptr[i] == '/' && !inside) {
			break;
		}
	}
	return i;
}

uint32_t pol_parse_path_check_path(struct pol_parser *parser, const struct pol_ast_path *path)
{
	for (uint32_t i = 0; i + 1 < path->count; i++) {
		enum pol_segment_kind kind = path->segments[i].kind;

		if (kind == POL_SEGMENT_STARSTAR || kind == POL_SEGMENT_REST) {
			pol_diag_error(parser->diags, path->segments[i].at,
				kind == POL_SEGMENT_REST
					? "{name...} takes the whole rest: it stands at the end"
					: "'**' takes everything below: it stands at the end");
			return i;
		}
	}
	if (path->count > POL_PATH_SEGMENTS) {
		pol_diag_error(parser->diags, path->at,
			"a path of more than %d segments can never be asked for",
			POL_PATH_SEGMENTS);
		return POL_PATH_SEGMENTS - 1;
	}
	return path->count;
}

/* Reads the segment that begins at `from` in the word; *out_end is the offset of the next '/'. */
static bool segment(
	const struct path_reader *reader, size_t from, size_t *out_end, struct pol_segment *out)
{
	struct pol_str raw = reader->raw;
	size_t end = from;

	while (end < raw.len && pol_parser_is(raw.ptr[end], POL_CHAR_PLAIN)) {
		end++;
	}
	if (end > from && (end == raw.len || raw.ptr[end] == '/') && raw.ptr[from] != '.' &&
		raw.ptr[from] != '*') {
		out->kind = POL_SEGMENT_LITERAL;
		out->text = (struct pol_str){ raw.ptr + from, end - from };
		out->at = part(reader, from, end);
		*out_end = end;
		return true;
	}
	*out_end = pol_parse_path_segment_end(raw, end);
	return special_segment(reader, from, *out_end, out);
}

/* Cuts `text` to the name of `:id`, `$id`, `<id>` or `<converter:id>`, as routers write parameters.
 * False: it has none of these forms. */
static bool routers_parameter(struct pol_str *text, bool *out_rest)
{
	struct pol_str name = { text->ptr + 1, text->len - 1 };
	const char *colon;

	*out_rest = false;
	if (text->ptr[0] == '<' && text->ptr[text->len - 1] == '>' && name.len > 1) {
		name.len--;
		colon = memchr(name.ptr, ':', name.len);
		if (colon != NULL) {
			*out_rest = pol_str_starts(name, POL_STR("path:"));
			name.len -= (size_t)(colon + 1 - name.ptr);
			name.ptr = colon + 1;
		}
	} else if (text->ptr[0] != ':' && text->ptr[0] != '$') {
		return false;
	}
	for (size_t i = 0; i < name.len; i++) {
		if (!pol_parser_is(name.ptr[i], POL_CHAR_ID)) {
			return false;
		}
	}
	*text = name;
	return name.len > 0;
}

/* Warns of a literal that was meant as a parameter: it matches nothing but itself. In quotes it is
 * meant as it is. */
static void check_literal(const struct path_reader *reader, size_t from, size_t to)
{
	struct pol_str raw = { reader->raw.ptr + from, to - from };
	struct pol_str name = raw;
	bool rest;

	if (raw.len > 1 && routers_parameter(&name, &rest)) {
		pol_diag_warning(reader->parser->diags, part(reader, from, to),
			POL_WARNING_LITERAL_PARAMETER,
			"'%.*s' is not a parameter, it matches these characters alone: write "
			"'{%.*s%s}', or \"%.*s\" in quotes if it is meant as it is",
			POL_STR_ARGS(raw), POL_STR_ARGS(name), rest ? "..." : "",
			POL_STR_ARGS(raw));
	}
}

/* A segment for the rest of a tree's path, from `from` in the word, that could not be parsed. */
static struct pol_segment lost_segment(const struct path_reader *reader, size_t from)
{
	return (struct pol_segment){ POL_SEGMENT_LOST, part(reader, from, reader->raw.len),
		{ reader->raw.ptr + from, reader->raw.len - from } };
}

/* Reads the path that begins at `from` in the word. */
static void read_path(const struct path_reader *reader, size_t from, struct pol_ast_path *out)
{
	struct pol_parser *parser = reader->parser;
	size_t list = pol_parser_list(parser);
	bool of_tree = reader->use == POL_PATH_OF_TREE;
	bool ok = true;
	uint32_t good;

	*out = (struct pol_ast_path){ .at = part(reader, 0, reader->raw.len) };
	if (from + 1 == reader->raw.len) {
		return;
	}
	while (ok && from < reader->raw.len) {
		size_t begin = from + 1;
		struct pol_segment one = { 0 };

		ok = segment(reader, begin, &from, &one);
		if (!ok && of_tree) {
			one = lost_segment(reader, begin);
		}
		if (ok && of_tree && one.kind == POL_SEGMENT_LITERAL) {
			check_literal(reader, begin, from);
		}
		if (ok || of_tree) {
			pol_parser_push(parser, &one, sizeof one);
		}
		if (ok && from + 1 == reader->raw.len) {
			ok = special_segment(reader, from + 1, from + 1, &one);
		}
	}
	out->segments = pol_parse_block_end_list(parser, list, sizeof *out->segments, &out->count);
	good = ok ? pol_parse_path_check_path(parser, out) : out->count;
	if (of_tree && good < out->count) {
		out->segments[good] =
			lost_segment(reader, out->segments[good].at.offset - reader->at.offset);
		out->count = good + 1;
	}
}

size_t pol_parse_path_tree_len(struct pol_str raw)
{
	size_t i = 0;

	while (i < raw.len && pol_parser_is(raw.ptr[i],
				      i == 0 ? POL_CHAR_LOWER
					     : POL_CHAR_LOWER | POL_CHAR_DIGIT | POL_CHAR_JOINT)) {
		i++;
	}
	return i < raw.len && raw.ptr[i] == ':' ? i : 0;
}

/* The length of TREE if the token looks like TREE:/path, else 0. */
static size_t pattern_tree_len(const struct pol_parser *parser)
{
	struct pol_str raw = parser->token.raw;
	size_t len = pol_parser_at(parser, POL_TOKEN_WORD) ? pol_parse_path_tree_len(raw) : 0;

	return len > 0 && len + 1 < raw.len && raw.ptr[len + 1] == '/' ? len : 0;
}

bool pol_parse_path_at_pattern(const struct pol_parser *parser)
{
	return pattern_tree_len(parser) > 0;
}

bool pol_parse_path(struct pol_parser *parser, enum pol_path_use use, struct pol_word *out_tree,
	struct pol_ast_path *out)
{
	struct path_reader reader = { parser, use, parser->token.raw, parser->token.at };
	size_t from = 0;

	if (out_tree != NULL) {
		if (pol_parser_at(parser, POL_TOKEN_WORD) && reader.raw.ptr[0] == '/') {
			pol_diag_error(parser->diags, reader.at,
				"a path here begins with its tree: TREE:/path");
			return false;
		}
		from = pattern_tree_len(parser) + 1;
		if (from == 1) {
			return pol_parse_words_expected(parser, "a pattern, TREE:/path", NULL);
		}
		out_tree->text = (struct pol_str){ reader.raw.ptr, from - 1 };
		out_tree->at = part(&reader, 0, from - 1);
		if (from - 1 > POL_NAME_MAX) {
			pol_diag_error(parser->diags, out_tree->at,
				"a tree's name is longer than %d bytes", POL_NAME_MAX);
		}
	} else if (!pol_parser_at(parser, POL_TOKEN_WORD) || reader.raw.ptr[0] != '/') {
		return pol_parse_words_expected(parser, "a path, beginning with '/'", NULL);
	}
	pol_parse_block_next(parser);
	read_path(&reader, from, out);
	return true;
}
