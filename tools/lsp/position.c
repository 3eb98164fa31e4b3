/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/position.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "policy/text/unicode.h"

/* The bytes of the character at an offset, and its code units. A byte that is not UTF-8 is one. */
static size_t character_at(struct pol_str text, size_t offset, json_int_t *out_units)
{
	uint32_t character;
	size_t len = pol_unicode_decode(
		(struct pol_str){ text.ptr + offset, text.len - offset }, &character);

	*out_units = len > 0 && character > 0xffff ? 2 : 1;
	return len > 0 ? len : 1;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* The beginning of the next line, after LF, CR LF or CR; the length of the text: there is none. */
static size_t next_line(struct pol_str text, size_t at, bool *out_any)
{
	const char *begin = text.ptr + at;
	const char *feed = memchr(begin, '\n', text.len - at);
	const char *end = feed != NULL ? feed : text.ptr + text.len;
	const char *cr = memchr(begin, '\r', (size_t)(end - begin));

	*out_any = feed != NULL || cr != NULL;
	if (cr != NULL && cr + 1 != feed) {
		end = cr;
	}
	return (size_t)(end - text.ptr) + *out_any;
}

size_t lsp_position_offset(struct pol_str text, json_int_t line, json_int_t character)
{
	size_t at = 0;
	json_int_t units = 0;

	for (bool any = text.len > 0; any && line > 0; line--) {
		at = next_line(text, at, &any);
	}
	while (at < text.len && character > 0 && !is_line_end(text.ptr[at])) {
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
	for (bool any = lines->at < offset; any;) {
		size_t next = next_line(text, lines->at, &any);

		any = any && next <= offset;
		if (any) {
			lines->at = next;
			lines->line++;
		}
	}
	for (size_t at = lines->at; at < offset && !is_line_end(text.ptr[at]); character += units) {
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
