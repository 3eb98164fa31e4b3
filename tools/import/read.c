/* SPDX-License-Identifier: Apache-2.0 */

/* A document's bytes as values, and the references in it. */

#include <string.h>

#include "tools/import/import.h"

static json_t *read_json(struct import *import, struct pol_str text)
{
	json_error_t error;
	json_t *value = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error);

	if (value == NULL) {
		import_fail(import, "line %d, column %d: not JSON: %s", error.line, error.column,
			error.text);
	}
	return value;
}

json_t *import_document(struct import *import, struct pol_str text)
{
	size_t i = 0;

	if (text.len > IMPORT_FILE_MAX) {
		import_fail(import, "larger than %zu MiB", IMPORT_FILE_MAX >> 20);
		return NULL;
	}
	if (pol_str_starts(text, POL_STR("\xef\xbb\xbf"))) {
		text.ptr += 3;
		text.len -= 3;
	}
	while (i < text.len && strchr(" \t\r\n", text.ptr[i]) != NULL && text.ptr[i] != '\0') {
		i++;
	}
	if (i == text.len) {
		import_fail(import, "it is empty");
		return NULL;
	}
	return text.ptr[i] == '{' ? read_json(import, text) : import_yaml(import, text);
}

/* One step of a JSON pointer (RFC 6901), in a URI's fragment; NULL: there is none. */
static const json_t *step(const json_t *value, struct pol_str raw)
{
	char key[1024];
	size_t len = 0;

	for (size_t i = 0; i < raw.len; i++) {
		char c = raw.ptr[i];
		unsigned byte;

		if (len + 1 == sizeof key) {
			return NULL;
		}
		if (c == '%' && i + 2 < raw.len) {
			char hex[3] = { raw.ptr[i + 1], raw.ptr[i + 2], '\0' };

			if (strspn(hex, "0123456789abcdefABCDEF") == 2) {
				byte = (unsigned)strtoul(hex, NULL, 16);
				c = (char)byte;
				i += 2;
			}
		}
		if (c == '~' && i + 1 < raw.len &&
			(raw.ptr[i + 1] == '0' || raw.ptr[i + 1] == '1')) {
			c = raw.ptr[++i] == '0' ? '~' : '/';
		}
		key[len++] = c;
	}
	key[len] = '\0';
	if (json_is_array(value)) {
		return len > 0 && len < 7 && strspn(key, "0123456789") == len
			       ? json_array_get(value, strtoul(key, NULL, 10))
			       : NULL;
	}
	return json_object_get(value, key);
}

static const json_t *follow(const struct import *import, const char *pointer)
{
	const json_t *value = import->document;

	while (value != NULL && *pointer == '/') {
		size_t len = strcspn(pointer + 1, "/");

		value = step(value, (struct pol_str){ pointer + 1, len });
		pointer += 1 + len;
	}
	return *pointer == '\0' ? value : NULL;
}

const json_t *import_ref(struct import *import, const json_t *value, const char **out_why)
{
	const json_t *seen[IMPORT_REFS_MAX];
	size_t count = 0;

	for (;;) {
		const char *ref = json_string_value(json_object_get(value, "$ref"));

		if (ref == NULL) {
			return value;
		}
		if (ref[0] != '#') {
			*out_why = import_text(import,
				"$ref '%.200s' leads out of the document: bundle the files into "
				"one first",
				ref);
			return NULL;
		}
		for (size_t i = 0; i < count; i++) {
			if (seen[i] == value) {
				*out_why = import_text(
					import, "a circle of $ref comes back to '%.200s'", ref);
				return NULL;
			}
		}
		if (count == IMPORT_REFS_MAX) {
			*out_why = import_text(
				import, "more than %d $ref, one after another", IMPORT_REFS_MAX);
			return NULL;
		}
		seen[count++] = value;
		value = follow(import, ref + 1);
		if (value == NULL) {
			*out_why = import_text(import, "$ref '%.200s' leads nowhere", ref);
			return NULL;
		}
	}
}
