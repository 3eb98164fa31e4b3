/* SPDX-License-Identifier: Apache-2.0 */

/*
 * YAML as values of jansson. libfyaml reads the text and resolves nothing: an alias becomes another
 * reference to its anchor's value and never a copy, so that aliases of aliases take no memory.
 * Plain true, false and null are what they say, and every other scalar is a string.
 */

#include <libfyaml.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tools/import/import.h"

/* Nodes inside nodes: libfyaml promises this many and no more. */
#define YAML_DEPTH 64

/* Values, those that `<<` takes over counted too; 64 MiB of text have fewer. */
#define YAML_VALUES ((size_t)16 * 1024 * 1024)

/* Anchors, which libfyaml looks for one after the other, and lines of directives: with more of them
 * a file of a megabyte takes minutes. No description of an API has that many. */
#define YAML_ANCHORS    10000
#define YAML_DIRECTIVES 64

struct reader {
	struct import *import;
	json_t *anchors; /* by name; null: it is being read */
	json_t *heights; /* of the anchors' values */
	size_t values;
	unsigned height; /* of the value that was read last: its values inside values */
};

static json_t *read_node(struct reader *reader, struct fy_node *node, unsigned depth);

/* The position of a node's text, from 1; 0 if it has none. */
static void position(struct fy_node *node, int out[2])
{
	struct fy_token *token = fy_node_is_scalar(node) ? fy_node_get_scalar_token(node) : NULL;
	const struct fy_mark *mark = token != NULL ? fy_token_start_mark(token) : NULL;

	out[0] = mark != NULL ? mark->line + 1 : 0;
	out[1] = mark != NULL ? mark->column + 1 : 0;
}

static json_t *fail(struct reader *reader, struct fy_node *node, const char *what)
{
	int at[2];

	position(node, at);
	if (at[0] > 0) {
		import_fail(reader->import, "line %d, column %d: %s", at[0], at[1], what);
	} else {
		import_fail(reader->import, "%s", what);
	}
	return NULL;
}

static const char *copy_text(struct reader *reader, const char *text, size_t len)
{
	char *copy = pol_arena_alloc(&reader->import->arena, len + 1, 1);

	if (copy == NULL) {
		return "";
	}
	if (len > 0) {
		memcpy(copy, text, len);
	}
	return copy;
}

/* The node's text as a key with a NUL; NULL: it cannot be one. */
static const char *key_of(struct reader *reader, struct fy_node *node, size_t *out_len)
{
	size_t len = 0;
	const char *text = fy_node_is_scalar(node) && !fy_node_is_alias(node)
				   ? fy_node_get_scalar(node, &len)
				   : NULL;

	if (text == NULL && fy_node_is_scalar(node) && !fy_node_is_alias(node)) {
		text = ""; /* `? :`, the empty key */
	}
	if (text == NULL) {
		fail(reader, node, "a key that is not text");
		return NULL;
	}
	if (memchr(text, '\0', len) != NULL) {
		fail(reader, node, "a NUL in a key");
		return NULL;
	}
	*out_len = len;
	return copy_text(reader, text, len);
}

static json_t *read_alias(struct reader *reader, struct fy_node *node)
{
	size_t len = 0;
	const char *text = fy_node_get_scalar(node, &len);
	const char *name = copy_text(reader, text, text != NULL ? len : 0);
	json_t *value = json_object_get(reader->anchors, name);

	if (value == NULL) {
		return fail(reader, node,
			import_text(
				reader->import, "alias '*%.200s' has no anchor before it", name));
	}
	if (json_is_null(value)) {
		return fail(reader, node,
			import_text(reader->import,
				"alias '*%.200s' lies inside its own anchor: a circle", name));
	}
	reader->height = (unsigned)json_integer_value(json_object_get(reader->heights, name));
	return json_incref(value);
}

static json_t *read_scalar(struct reader *reader, struct fy_node *node)
{
	size_t len = 0;
	const char *text = fy_node_get_scalar(node, &len);
	json_t *value;

	reader->height = 0;
	if (fy_node_is_alias(node)) {
		return read_alias(reader, node);
	}
	if (text == NULL) {
		return json_null();
	}
	if (fy_node_get_style(node) == FYNS_PLAIN) {
		if ((len == 4 && strncasecmp(text, "true", 4) == 0)) {
			return json_true();
		}
		if (len == 5 && strncasecmp(text, "false", 5) == 0) {
			return json_false();
		}
		if (len == 0 || (len == 1 && text[0] == '~') ||
			(len == 4 && strncasecmp(text, "null", 4) == 0)) {
			return json_null();
		}
	}
	value = json_stringn(text, len);
	return value != NULL ? value : fail(reader, node, "text that is not UTF-8, or no memory");
}

static json_t *read_sequence(struct reader *reader, struct fy_node *node, unsigned depth)
{
	json_t *array = json_array();
	struct fy_node *item;
	unsigned height = 0;
	void *at = NULL;

	while ((item = fy_node_sequence_iterate(node, &at)) != NULL) {
		json_t *value = read_node(reader, item, depth + 1);

		if (value == NULL || json_array_append_new(array, value) != 0) {
			json_decref(array);
			return NULL;
		}
		height = reader->height > height ? reader->height : height;
	}
	reader->height = height + 1;
	return array;
}

/* `<<`: the members of a mapping, or of each of several, that are not there yet. */
static bool merge(struct reader *reader, json_t *object, const json_t *from)
{
	const json_t *part;
	size_t i;
	const char *key;
	json_t *value;

	if (json_is_array(from)) {
		json_array_foreach(from, i, part)
		{
			if (!json_is_object(part) || !merge(reader, object, part)) {
				return false;
			}
		}
		return true;
	}
	json_object_foreach((json_t *)(uintptr_t)from, key, value)
	{
		if (++reader->values > YAML_VALUES) {
			return false;
		}
		if (json_object_get(object, key) == NULL) {
			json_object_set(object, key, value);
		}
	}
	return json_is_object(from);
}

static bool read_pair(struct reader *reader, struct fy_node_pair *pair, json_t *object,
	json_t **merged, unsigned depth)
{
	struct fy_node *key_node = fy_node_pair_key(pair);
	size_t len = 0;
	const char *key = key_of(reader, key_node, &len);
	json_t *value = key != NULL ? read_node(reader, fy_node_pair_value(pair), depth + 1) : NULL;

	if (value == NULL) {
		return false;
	}
	if (len == 2 && strcmp(key, "<<") == 0 && fy_node_get_style(key_node) == FYNS_PLAIN &&
		*merged == NULL) {
		*merged = value;
		return true;
	}
	if (json_object_get(object, key) != NULL) {
		json_decref(value);
		fail(reader, key_node, import_text(reader->import, "key '%.100s' twice", key));
		return false;
	}
	return json_object_set_new(object, key, value) == 0;
}

static json_t *read_mapping(struct reader *reader, struct fy_node *node, unsigned depth)
{
	json_t *object = json_object();
	json_t *merged = NULL;
	struct fy_node_pair *pair;
	unsigned height = 0;
	void *at = NULL;
	bool ok = object != NULL;

	while (ok && (pair = fy_node_mapping_iterate(node, &at)) != NULL) {
		ok = read_pair(reader, pair, object, &merged, depth);
		height = reader->height > height ? reader->height : height;
	}
	reader->height = height + 1;
	if (ok && merged != NULL && !merge(reader, object, merged)) {
		fail(reader, node, "'<<' takes a mapping, or a list of them, of bounded size");
		ok = false;
	}
	json_decref(merged);
	if (!ok) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *read_bare(struct reader *reader, struct fy_node *node, unsigned depth)
{
	switch (fy_node_get_type(node)) {
	case FYNT_SCALAR:
		return read_scalar(reader, node);
	case FYNT_SEQUENCE:
		return read_sequence(reader, node, depth);
	case FYNT_MAPPING:
		return read_mapping(reader, node, depth);
	}
	return NULL;
}

static json_t *read_node(struct reader *reader, struct fy_node *node, unsigned depth)
{
	struct fy_anchor *anchor =
		node != NULL && !fy_node_is_alias(node) ? fy_node_get_anchor(node) : NULL;
	const char *name = NULL;
	size_t len = 0;
	json_t *value;

	if (depth > YAML_DEPTH) {
		return fail(reader, node, "nested too deeply");
	}
	if (++reader->values > YAML_VALUES) {
		return fail(reader, node, "too many values");
	}
	if (anchor != NULL) {
		name = fy_anchor_get_text(anchor, &len);
		name = copy_text(reader, name, name != NULL ? len : 0);
		json_object_set_new(reader->anchors, name, json_null());
	}
	value = read_bare(reader, node, depth);
	/* An alias is as deep as what it stands for: values are freed by recursion. */
	if (value != NULL && depth + reader->height > YAML_DEPTH) {
		json_decref(value);
		return fail(reader, node, "nested too deeply");
	}
	if (value != NULL && name != NULL) {
		json_object_set(reader->anchors, name, value);
		json_object_set_new(reader->heights, name, json_integer(reader->height));
	}
	return value;
}

/* The first message that libfyaml collected. */
static void fail_syntax(struct import *import, struct fy_diag *diag)
{
	void *at = NULL;
	struct fy_diag_error *error = fy_diag_errors_iterate(diag, &at);

	if (error == NULL) {
		import_fail(import, "no YAML: it has no values");
		return;
	}
	import_fail(
		import, "line %d, column %d: no YAML: %s", error->line, error->column, error->msg);
}

static json_t *read_stream(struct import *import, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_document *document = fy_parse_load_document(parser);
	struct reader reader = {
		.import = import, .anchors = json_object(), .heights = json_object()
	};
	struct fy_document *second = NULL;
	json_t *value = NULL;

	if (document == NULL || fy_document_root(document) == NULL) {
		fail_syntax(import, diag);
	} else {
		value = read_node(&reader, fy_document_root(document), 1);
		second = value != NULL ? fy_parse_load_document(parser) : NULL;
		if (second != NULL || (value != NULL && fy_parser_get_stream_error(parser))) {
			json_decref(value);
			value = NULL;
			if (second != NULL) {
				import_fail(import, "a second document in one file");
			} else {
				fail_syntax(import, diag);
			}
		}
	}
	if (value == NULL) {
		import_fail(import, "no memory left");
	}
	fy_parse_document_destroy(parser, second);
	fy_parse_document_destroy(parser, document);
	json_decref(reader.anchors);
	json_decref(reader.heights);
	return value;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Refuses what libfyaml takes long for, or much memory. Looks at bytes alone: an & in a text may
 * count as an anchor, and brackets beside each other are levels even there. */
static bool is_bearable(struct import *import, struct pol_str text)
{
	size_t anchors = 0, directives = 0, open = 0;
	const char *why = NULL;
	char before = '\n';
	int line = 1;

	for (size_t i = 0; i < text.len && why == NULL; i++) {
		char c = text.ptr[i];
		bool begins = is_blank(before) || strchr("[{,:", before) != NULL;

		if (c == '[' || c == '{') {
			open++;
		} else if (!is_blank(c)) {
			open = 0;
		}
		anchors += c == '&' && begins && i + 1 < text.len && !is_blank(text.ptr[i + 1]);
		directives += c == '%' && before == '\n';
		why = open > YAML_DEPTH              ? "nested too deeply"
		      : anchors > YAML_ANCHORS       ? "the 10,001st anchor"
		      : directives > YAML_DIRECTIVES ? "the 65th line that begins with %"
						     : NULL;
		line += c == '\n';
		before = c;
	}
	if (why != NULL) {
		import_fail(import, "line %d: %s", line, why);
	}
	return why == NULL;
}

json_t *import_yaml(struct import *import, struct pol_str text)
{
	struct fy_diag_cfg settings;
	struct fy_parse_cfg parsing = { .flags = FYPCF_ALLOW_DUPLICATE_KEYS };
	struct fy_parser *parser = NULL;
	struct fy_diag *diag;
	json_t *value = NULL;

	if (!pol_str_is_utf8(text)) {
		import_fail(import, "not UTF-8");
		return NULL;
	}
	if (!is_bearable(import, text)) {
		return NULL;
	}
	fy_diag_cfg_default(&settings);
	settings.fp = NULL;
	settings.colorize = false;
	settings.level = FYET_WARNING;
	diag = fy_diag_create(&settings);
	if (diag != NULL) {
		/* Messages are kept, and none is printed. */
		fy_diag_set_collect_errors(diag, true);
		parsing.diag = diag;
		parser = fy_parser_create(&parsing);
	}
	if (parser != NULL && fy_parser_set_string(parser, text.ptr, text.len) == 0) {
		value = read_stream(import, parser, diag);
	} else {
		import_fail(import, "no memory left");
	}
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	return value;
}
