/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/position.h"

#include <stdint.h>
#include <string.h>

#include "policy/text/unicode.h"

/* The bytes of the character at an offset, and its code units. A byte that is no UTF-8 is one. */
static size_t character_at(struct pol_str text, size_t offset, json_int_t *out_units)
{
	uint32_t character;
	size_t len = pol_unicode_decode(
		(struct pol_str){ text.ptr + offset, text.len - offset }, &character);

	*out_units = len > 0 && character > 0xffff ? 2 : 1;
	return len > 0 ? len : 1;
}

/* The bytes of the line end at an offset: LF, CR LF or CR; 0: there is none. */
static size_t line_end_at(struct pol_str text, size_t offset)
{
	if (text.ptr[offset] == '\n') {
		return 1;
	}
	if (text.ptr[offset] != '\r') {
		return 0;
	}
	return offset + 1 < text.len && text.ptr[offset + 1] == '\n' ? 2 : 1;
}

size_t lsp_position_offset(struct pol_str text, json_int_t line, json_int_t character)
{
	size_t at = 0;
	json_int_t units = 0;

	while (at < text.len && line > 0) {
		size_t end = line_end_at(text, at);

		line -= end > 0;
		at += end > 0 ? end : 1;
	}
	while (at < text.len && character > 0 && line_end_at(text, at) == 0) {
		size_t len = character_at(text, at, &units);

		if (units > character) {
			break; /* in the middle of a surrogate pair */
		}
		character -= units;
		at += len;
	}
	return at;
}

/* {line, character} of an offset. */
static json_t *position(struct lsp_lines *lines, size_t offset)
{
	struct pol_str text = lines->text;
	json_int_t character = 0, units;

	if (offset > text.len) {
		offset = text.len;
	}
	if (offset < lines->at) {
		lines->at = 0;
		lines->line = 0;
	}
	for (size_t at = lines->at; at < offset;) {
		size_t end = line_end_at(text, at);

		at += end > 0 ? end : 1;
		if (end > 0 && at <= offset) {
			lines->line++;
			lines->at = at;
		}
	}
	for (size_t at = lines->at; at < offset && line_end_at(text, at) == 0; character += units) {
		at += character_at(text, at, &units);
	}
	return json_pack("{s:I, s:I}", "line", lines->line, "character", character);
}

json_t *lsp_position_range(struct lsp_lines *lines, size_t begin, size_t end)
{
	json_t *start = position(lines, begin);

	return json_pack("{s:o, s:o}", "start", start, "end", position(lines, end));
}

static int hex(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

const char *lsp_position_path(struct pol_arena *arena, const char *uri)
{
	static const char scheme[] = "file://";
	const char *from = uri + sizeof scheme - 1;
	char *path = pol_arena_alloc(arena, strlen(uri) + 1, 1);
	size_t len = 0;

	if (path == NULL) {
		return NULL;
	}
	if (strncmp(uri, scheme, sizeof scheme - 1) != 0) {
		memcpy(path, uri, strlen(uri));
		return path;
	}
	if (strncmp(from, "localhost/", 10) == 0) {
		from += 9;
	}
	for (; *from != '\0' && *from != '?' && *from != '#'; from++) {
		int high = *from == '%' ? hex(from[1]) : -1;
		int low = high >= 0 ? hex(from[2]) : -1;

		if (low >= 0 && high * 16 + low > 0) {
			path[len++] = (char)(high * 16 + low);
			from += 2;
		} else {
			path[len++] = *from;
		}
	}
	return path;
}

const char *lsp_position_uri(struct pol_arena *arena, struct pol_str path)
{
	static const char digits[] = "0123456789ABCDEF";
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-._~/";
	char *uri = pol_arena_alloc(arena, 3 * path.len + 8, 1);
	size_t len = 7;

	if (uri == NULL) {
		return NULL;
	}
	if (path.len == 0 || path.ptr[0] != '/') {
		if (path.len > 0) {
			memcpy(uri, path.ptr, path.len);
		}
		return uri;
	}
	memcpy(uri, "file://", len);
	for (size_t i = 0; i < path.len; i++) {
		unsigned char c = (unsigned char)path.ptr[i];

		if (strchr(plain, c) != NULL && c != '\0') {
			uri[len++] = (char)c;
		} else {
			uri[len++] = '%';
			uri[len++] = digits[c >> 4];
			uri[len++] = digits[c & 15];
		}
	}
	return uri;
}
