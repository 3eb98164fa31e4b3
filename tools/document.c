/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/document.h"

#include <stdlib.h>
#include <string.h>

#include "policy/text/timetext.h"
#include "tools/text.h"

#define INDENT 2
#define FORMAT (JSON_INDENT(INDENT) | JSON_ENCODE_ANY)

json_t *document_str(struct pol_str str)
{
	json_t *string = json_stringn(str.len > 0 ? str.ptr : "", str.len);
	char *mended = string == NULL ? malloc(3 * str.len + 1) : NULL;
	size_t len = 0;

	if (mended == NULL) {
		return string;
	}
	while (str.len > 0) {
		size_t size;
		bool bad = text_decode(str, &size) == 0xfffd;

		memcpy(mended + len, bad ? "\xef\xbf\xbd" : str.ptr, bad ? 3 : size);
		len += bad ? 3 : size;
		str = (struct pol_str){ str.ptr + size, str.len - size };
	}
	string = json_stringn(mended, len);
	free(mended);
	return string;
}

json_t *document_text(const char *text)
{
	return document_str(pol_str_of(text));
}

json_t *document_words(struct pol_str words)
{
	json_t *array = json_array();

	while (array != NULL && words.len > 0) {
		const char *space = memchr(words.ptr, ' ', words.len);
		size_t len = space != NULL ? (size_t)(space - words.ptr) : words.len;

		if (json_array_append_new(
			    array, document_str((struct pol_str){ words.ptr, len })) != 0) {
			json_decref(array);
			return NULL;
		}
		len += space != NULL;
		words = (struct pol_str){ words.ptr + len, words.len - len };
	}
	return array;
}

enum integer { INTEGER_NUMBER = 0, INTEGER_TIME, INTEGER_DAY };

/* The protocol's times are integers; only their names distinguish them. */
static enum integer kind_of(struct wire_str key)
{
	static const char *const names[] = { "not_before", "until", "retiring_until",
		"pending_until", "renew_by", "when", "time" };

	if (key.len > 3 && memcmp(key.ptr + key.len - 3, "_at", 3) == 0) {
		return INTEGER_TIME;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (key.len == strlen(names[i]) && memcmp(key.ptr, names[i], key.len) == 0) {
			return INTEGER_TIME;
		}
	}
	return key.len == 3 && memcmp(key.ptr, "day", 3) == 0 ? INTEGER_DAY : INTEGER_NUMBER;
}

/* A day is a date of RFC 3339: what a time begins with. */
#define DATE_LEN (sizeof "2006-01-02" - 1)

static json_t *integer(int64_t value, enum integer kind)
{
	char text[POL_TIME_TEXT];

	if (kind == INTEGER_NUMBER || pol_timetext_format(value, text) != POL_OK) {
		return json_integer(value);
	}
	return kind == INTEGER_DAY ? json_stringn(text, DATE_LEN) : json_string(text);
}

static json_t *take_value(struct wire_cursor *cursor, enum integer kind);

static json_t *take_array(struct wire_cursor *cursor)
{
	json_t *array = json_array();
	uint32_t count = 0;

	wire_read_array(cursor, &count);
	for (uint32_t i = 0; i < count && !wire_at_end(cursor); i++) {
		if (json_array_append_new(array, take_value(cursor, INTEGER_NUMBER)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *take_map(struct wire_cursor *cursor)
{
	json_t *object = json_object();
	struct wire_str key;
	uint32_t count = 0;

	wire_read_map(cursor, &count);
	for (uint32_t i = 0; i < count && wire_read_text(cursor, &key); i++) {
		if (json_object_setn_new(
			    object, key.ptr, key.len, take_value(cursor, kind_of(key))) != 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

/* The depth is bounded: the answer's walker goes down to WIRE_MAX_DEPTH. */
static json_t *take_value(struct wire_cursor *cursor, enum integer kind)
{
	struct wire_str text;
	int64_t number;
	bool boolean;

	if (wire_read_text(cursor, &text)) {
		return document_str((struct pol_str){ text.ptr, text.len });
	}
	if (wire_read_int(cursor, &number)) {
		return integer(number, kind);
	}
	if (wire_read_bool(cursor, &boolean)) {
		return json_boolean(boolean);
	}
	if (wire_peek(cursor) == WIRE_ARRAY) {
		return take_array(cursor);
	}
	if (wire_peek(cursor) == WIRE_MAP) {
		return take_map(cursor);
	}
	wire_skip(cursor);
	return json_null();
}

json_t *document_wire(struct wire_cursor value)
{
	return take_value(&value, false);
}

/* Writes text of jansson, which leaves DEL and the controls U+0080 to U+009F as they are. Its new
 * lines are outside of strings: `indent` spaces follow each. */
static void put_escaped(struct pol_str rest, int indent, FILE *file)
{
	while (rest.len > 0) {
		size_t size = 0;
		uint32_t code;

		while (size < rest.len && rest.ptr[size] >= ' ' && rest.ptr[size] < 0x7f) {
			size++;
		}
		fwrite(rest.ptr, 1, size, file);
		rest = (struct pol_str){ rest.ptr + size, rest.len - size };
		if (rest.len == 0) {
			break;
		}
		code = text_decode(rest, &size);
		if (code >= 0x7f && code <= 0x9f) {
			fprintf(file, "\\u%04x", (unsigned)code);
		} else {
			fwrite(rest.ptr, 1, size, file);
		}
		if (code == '\n') {
			fprintf(file, "%*s", indent, "");
		}
		rest = (struct pol_str){ rest.ptr + size, rest.len - size };
	}
}

static int write_escaped(const char *text, size_t len, void *context)
{
	put_escaped((struct pol_str){ text, len }, 0, context);
	return ferror((FILE *)context) != 0 ? -1 : 0;
}

bool document_print(const json_t *document, FILE *file)
{
	return json_dump_callback(document, write_escaped, file, FORMAT) == 0 &&
	       fputc('\n', file) != EOF;
}

/* --- a list ----------------------------------------------------------------------------------- */

/* "{\n  "a": 1\n}" without its brackets and the last new line. */
static struct pol_str members(const char *text)
{
	size_t len = strlen(text);

	return len > 2 ? (struct pol_str){ text + 1, len - 3 } : POL_STR("");
}

bool document_list_begin(
	struct document_list *list, FILE *file, const json_t *before, const char *array)
{
	char *text = json_dumps(before, FORMAT);
	struct pol_str first;

	if (text == NULL) {
		return false;
	}
	first = members(text);
	list->file = file;
	fputc('{', file);
	put_escaped(first, 0, file);
	fprintf(file, "%s\n%*s\"%s\": [", first.len > 0 ? "," : "", INDENT, "", array);
	free(text);
	return true;
}

bool document_list_item(struct document_list *list, const json_t *item)
{
	char *text = json_dumps(item, FORMAT);

	if (text == NULL) {
		return false;
	}
	fprintf(list->file, "%s\n%*s", list->filled ? "," : "", 2 * INDENT, "");
	list->filled = true;
	put_escaped(pol_str_of(text), 2 * INDENT, list->file);
	free(text);
	return true;
}

bool document_list_end(struct document_list *list, const json_t *after)
{
	char *text = after != NULL ? json_dumps(after, FORMAT) : NULL;
	struct pol_str last = text != NULL ? members(text) : POL_STR("");

	if (list->filled) {
		fprintf(list->file, "\n%*s", INDENT, "");
	}
	fputs(last.len > 0 ? "]," : "]", list->file);
	put_escaped(last, 0, list->file);
	fputs("\n}\n", list->file);
	free(text);
	return after == NULL || text != NULL;
}
