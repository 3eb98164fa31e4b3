/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/import/import.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/method.h"
#include "policy/text/unicode.h"

void import_init(struct import *import, const char *tree)
{
	memset(import, 0, sizeof *import);
	pol_arena_init(&import->arena, IMPORT_ARENA_MAX);
	import->tree = tree;
	import->scope_numbers = json_object();
	import->joint_numbers = json_object();
	import->scope_ids = json_object();
}

void import_finish(struct import *import)
{
	json_decref(import->document);
	json_decref(import->scope_numbers);
	json_decref(import->joint_numbers);
	json_decref(import->scope_ids);
	pol_arena_finish(&import->arena);
	memset(import, 0, sizeof *import);
}

__attribute__((format(printf, 2, 0))) static const char *print(
	struct import *import, const char *format, va_list arguments)
{
	va_list again;
	char *text;
	int len;

	va_copy(again, arguments);
	len = vsnprintf(NULL, 0, format, again);
	va_end(again);
	text = len >= 0 ? pol_arena_alloc(&import->arena, (size_t)len + 1, 1) : NULL;
	if (text == NULL) {
		return "";
	}
	vsnprintf(text, (size_t)len + 1, format, arguments);
	return text;
}

const char *import_text(struct import *import, const char *format, ...)
{
	va_list arguments;
	const char *text;

	va_start(arguments, format);
	text = print(import, format, arguments);
	va_end(arguments);
	return text;
}

bool import_fail(struct import *import, const char *format, ...)
{
	va_list arguments;

	if (import->error == NULL) {
		va_start(arguments, format);
		import->error = print(import, format, arguments);
		va_end(arguments);
		if (import->error[0] == '\0') {
			import->error = "no memory left";
		}
	}
	return false;
}

void import_note(struct import *import, const char *where, const char *format, ...)
{
	struct import_note *note = pol_arena_alloc(&import->arena, 1, sizeof *note);
	va_list arguments;

	if (note == NULL) {
		import_fail(import, "no memory left");
		return;
	}
	va_start(arguments, format);
	note->text = print(import, format, arguments);
	va_end(arguments);
	note->where = import_text(import, "%s", where);
	if (import->last_note != NULL) {
		import->last_note->next = note;
	} else {
		import->notes = note;
	}
	import->last_note = note;
	import->note_count++;
}

struct pol_str import_description(struct import *import, struct pol_str text)
{
	char *out = pol_arena_alloc(&import->arena, IMPORT_DESCRIPTION_MAX + 8, 1);
	size_t len = 0, word = 0;
	bool cut = false;

	if (out == NULL) {
		return (struct pol_str){ "", 0 };
	}
	while (text.len > 0 && !(cut = len >= IMPORT_DESCRIPTION_MAX)) {
		uint32_t character;
		size_t bytes = pol_unicode_decode(text, &character);
		bool space =
			bytes == 0 || pol_unicode_refused(character) != NULL || character == ' ';

		/* An empty line ends the first paragraph. */
		if (len > 0 && text.len > 1 && text.ptr[0] == '\n' && text.ptr[1] == '\n') {
			break;
		}
		if (!space) {
			memcpy(out + len, text.ptr, bytes);
			len += bytes;
		} else if (len > 0 && out[len - 1] != ' ') {
			word = len;
			out[len++] = ' ';
		}
		bytes = bytes == 0 ? 1 : bytes;
		text.ptr += bytes;
		text.len -= bytes;
	}
	if (cut && word > 0) {
		len = word;
		memcpy(out + len, "…", sizeof "…" - 1);
		len += sizeof "…" - 1;
	}
	while (len > 0 && out[len - 1] == ' ') {
		len--;
	}
	return (struct pol_str){ out, len };
}

/* Why no request can have the segment as a literal, or NULL and the decoded text. */
static const char *decode(struct import *import, struct pol_str raw, struct pol_str *out)
{
	char buf[POL_PATH_BYTES];
	struct pol_path path;
	struct pol_str one = { buf, raw.len + 1 };

	if (one.len > sizeof buf) {
		return "longer than a request's path may be";
	}
	if (memchr(raw.ptr, '?', raw.len) != NULL) {
		return "a '?', where a request's query begins";
	}
	buf[0] = '/';
	memcpy(buf + 1, raw.ptr, raw.len);
	if (pol_path_read(one, &path) != POL_OK || path.count != 1) {
		const char *why = pol_path_fault(one);

		return why != NULL ? why : "an empty segment";
	}
	*out = pol_arena_copy(&import->arena, path.segments[0]);
	return NULL;
}

/* Characters that hide or reorder text are in no policy, and so in no literal. */
static bool is_legible(struct pol_str text)
{
	while (text.len > 0) {
		uint32_t character;
		size_t len = pol_unicode_decode(text, &character);

		if (len == 0 || pol_unicode_refused(character) != NULL) {
			return false;
		}
		text.ptr += len;
		text.len -= len;
	}
	return true;
}

/* One segment. Returns why it cannot be one, or NULL. */
static const char *add_segment(
	struct import *import, const char *where, import_split split, struct import_segment *out)
{
	struct pol_str name;
	const char *why;

	if (!split(import, out->raw, out)) {
		if (!is_legible(out->raw)) {
			return "a character that a policy may not contain";
		}
		out->param = false;
		why = decode(import, out->raw, &out->text);
		return why != NULL ? why
				   : (is_legible(out->text)
						     ? NULL
						     : "a character that a policy may not contain");
	}
	out->param = true;
	name = import_param_name(import, out->text);
	if (!pol_str_equal(name, out->text) && !out->partial) {
		import_note(import, where, "parameter '%.*s' is '%.*s'", POL_STR_ARGS(out->text),
			POL_STR_ARGS(name));
	}
	out->text = name;
	if (out->partial) {
		import_note(import, where,
			"'%.*s' is a whole segment, {%.*s}: the language has no parts of segments",
			POL_STR_ARGS(out->raw), POL_STR_ARGS(name));
	}
	return NULL;
}

/* Splits the path after `base` into `out`. Returns why it cannot be one, or NULL. */
static const char *split_path(struct import *import, const char *where, struct pol_str path,
	import_split split, struct import_operation *out)
{
	struct import_segment segments[IMPORT_SEGMENTS_MAX];
	uint32_t count = out->segment_count;
	struct import_segment *copy;

	if (path.len == 0 || path.ptr[0] != '/') {
		return "a path begins with '/'";
	}
	for (uint32_t i = 0; i < count; i++) {
		segments[i] = out->segments[i];
	}
	while (path.len > 1) {
		const char *slash;
		const char *why;

		path.ptr++;
		path.len--;
		slash = memchr(path.ptr, '/', path.len);
		if (count == IMPORT_SEGMENTS_MAX) {
			return "more segments than blocks of a policy can nest";
		}
		segments[count] = (struct import_segment){
			.raw = { path.ptr, slash != NULL ? (size_t)(slash - path.ptr) : path.len }
		};
		path.ptr += segments[count].raw.len;
		path.len -= segments[count].raw.len;
		if (segments[count].raw.len == 0) {
			return "an empty segment";
		}
		why = add_segment(import, where, split, &segments[count]);
		if (why != NULL) {
			return why;
		}
		count++;
	}
	copy = pol_arena_alloc(&import->arena, count, sizeof *copy);
	if (copy != NULL && count > 0) {
		memcpy(copy, segments, count * sizeof *copy);
	}
	out->segments = copy;
	out->segment_count = copy != NULL ? count : 0;
	return NULL;
}

static bool is_param_of_nothing(
	struct import *import, struct pol_str raw, struct import_segment *out)
{
	(void)import;
	(void)raw;
	(void)out;
	return false;
}

bool import_add(struct import *import, const struct import_operation *operation, import_split split)
{
	const char *where = import_text(import, "%.*s %.*s", POL_STR_ARGS(operation->method),
		POL_STR_ARGS(operation->path));
	struct import_operation one = *operation;
	const char *why = NULL;

	if (import->count == IMPORT_OPERATIONS_MAX) {
		return import_fail(import,
			"more than %zu operations: a policy file holds %zu MiB of text, and an "
			"operation takes at least 40 bytes; import the API in parts",
			(size_t)IMPORT_OPERATIONS_MAX, POL_FILE_MAX >> 20);
	}
	if (!pol_method_is_registered(one.method)) {
		import_note(import, where, "left out: no registered HTTP method");
		return import->error == NULL;
	}
	if (import->base != NULL && strcmp(import->base, "/") != 0) {
		why = split_path(
			import, where, pol_str_of(import->base), is_param_of_nothing, &one);
	}
	if (why == NULL) {
		why = split_path(import, where, one.path, split, &one);
	}
	if (why != NULL) {
		import_note(import, where, "left out: %s", why);
		return import->error == NULL;
	}
	if (import->count == import->capacity) {
		struct import_operation *grown = pol_arena_grow(&import->arena, import->operations,
			import->count, import->count + 1, sizeof *grown, &import->capacity);

		if (grown == NULL) {
			return import_fail(import, "no memory left");
		}
		import->operations = grown;
	}
	import->operations[import->count++] = one;
	return import->error == NULL && import->arena.status == POL_OK
		       ? true
		       : import_fail(import, "no memory left");
}
