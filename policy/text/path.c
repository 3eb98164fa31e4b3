/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/path.h"

#include <string.h>

/* Repetitions for the table: C17 has no range designators. */
#define FOUR    1, 1, 1, 1
#define SIXTEEN FOUR, FOUR, FOUR, FOUR

/* Bytes that a segment cannot contain raw or that need a closer look: control characters,
 * # % / ; \ and all bytes that are not ASCII. */
static const bool special[256] = {
	/* 0x00 */ SIXTEEN,
	SIXTEEN, ['#'] = 1, ['%'] = 1, ['/'] = 1, [';'] = 1, ['\\'] = 1, [0x7f] = 1,
	/* 0x80 */ SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN, SIXTEEN
};

_Static_assert(
	POL_PATH_SEGMENTS <= 64, "a path's `encoded` and `percent` have a bit for each segment");

static const char fault_dots[] = "dots and spaces alone are not a name";
static const char fault_control[] = "a control character";
static const char fault_percent[] = "broken percent-encoding: '%' wants two hex digits";
static const char fault_utf8[] = "not UTF-8";
static const char fault_twice[] = "a segment that would mean something else if decoded twice";

static int hex_value(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that the three characters at `at` encode, or -1. */
static int percent_value(const char *at)
{
	int high = at[0] == '%' ? hex_value(at[1]) : -1;
	int low = high >= 0 ? hex_value(at[2]) : -1;

	return low >= 0 ? high * 16 + low : -1;
}

static bool is_control(unsigned char byte)
{
	return byte < 0x20 || byte == 0x7f;
}

/* Is there nothing but dots and spaces? Some file systems and servers drop trailing spaces and
 * dots, which leaves a dot segment or none: in nginx's $uri a space ends the request's path. */
static bool is_dots(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '.' && text[i] != ' ') {
			return false;
		}
	}
	return true;
}

static bool has_c1_control(struct pol_str text)
{
	for (size_t i = 0; i + 1 < text.len; i++) {
		if ((unsigned char)text.ptr[i] == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0) {
			return true;
		}
	}
	return false;
}

bool pol_path_decode_again(char *text, size_t len, size_t *out_len)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		int byte = text[i] == '%' && i + 2 < len ? percent_value(text + i) : -1;

		if (byte < 0) {
			text[used++] = text[i];
			continue;
		}
		if (byte == '/' || byte == '\\' || byte == ';' || byte == '#' || byte == '?' ||
			is_control((unsigned char)byte)) {
			return false;
		}
		text[used++] = (char)byte;
		i += 2;
	}
	*out_len = used;
	return true;
}

/* Checks what repeated decoding makes of a segment: each result must be a valid segment. The number
 * of layers is bounded, so that a request cannot cost thousands of them. */
static const char *check_twice(struct pol_str text)
{
	char bytes[POL_PATH_BYTES];
	size_t len = text.len;

	memcpy(bytes, text.ptr, len);
	for (int layer = 0; layer < POL_PATH_LAYERS; layer++) {
		size_t before = len;

		if (!pol_path_decode_again(bytes, len, &len)) {
			return fault_twice;
		}
		if (len == before) {
			return NULL;
		}
		text = (struct pol_str){ bytes, len };
		if (is_dots(bytes, len) || !pol_str_is_utf8(text) || has_c1_control(text)) {
			return fault_twice;
		}
	}
	return "encoded more often than any path is";
}

static const char *check_decoded(struct pol_str text, bool escaped)
{
	if (is_dots(text.ptr, text.len)) {
		return fault_dots;
	}
	if (!pol_str_is_utf8(text)) {
		return fault_utf8;
	}
	if (has_c1_control(text)) {
		return fault_control;
	}
	return escaped && memchr(text.ptr, '%', text.len) != NULL ? check_twice(text) : NULL;
}

static const char *decode(struct pol_str raw, struct pol_path *path, struct pol_str *out)
{
	char *text = path->decoded + path->used;
	size_t len = 0;

	for (size_t i = 0; i < raw.len; i++) {
		int byte = (unsigned char)raw.ptr[i];

		if (byte == '%') {
			byte = i + 2 < raw.len ? percent_value(raw.ptr + i) : -1;
			if (byte < 0) {
				return fault_percent;
			}
			if (byte == '/' || byte == '\\') {
				return "an encoded slash or backslash";
			}
			if (byte == '?' || byte == '#') {
				return "an encoded '?' or '#'";
			}
			i += 2;
		}
		if (is_control((unsigned char)byte)) {
			return fault_control;
		}
		text[len++] = (char)byte;
	}
	path->used += (uint32_t)len;
	*out = (struct pol_str){ text, len };
	return NULL;
}

/* Takes one segment from the front of `rest`: up to a slash or the end. */
static const char *take_segment(struct pol_str *rest, struct pol_path *path, struct pol_str *out)
{
	const char *text = rest->ptr;
	const char *fault = NULL;
	size_t len = 0;
	bool escaped = false;
	bool high = false;

	for (; len < rest->len; len++) {
		unsigned char byte = (unsigned char)text[len];

		if (!special[byte]) {
			continue;
		}
		if (byte == '/') {
			break;
		}
		if (byte == '%') {
			escaped = true;
		} else if (byte >= 0x80) {
			high = true;
		} else if (is_control(byte)) {
			return fault_control;
		} else {
			return "a raw ';', '\\' or '#'";
		}
	}
	rest->ptr += len;
	rest->len -= len;
	*out = (struct pol_str){ text, len };
	if (len == 0) {
		return "an empty segment";
	}
	if (escaped) {
		path->encoded |= UINT64_C(1) << path->count;
		fault = decode(*out, path, out);
	}
	if (fault == NULL && (escaped || high || text[0] == '.' || text[0] == ' ')) {
		fault = check_decoded(*out, escaped);
	}
	if (escaped && fault == NULL && memchr(out->ptr, '%', out->len) != NULL) {
		path->percent |= UINT64_C(1) << path->count;
	}
	return fault;
}

static const char *read_path(struct pol_str raw, struct pol_path *out)
{
	size_t bound = raw.len <= POL_PATH_BYTES ? raw.len : POL_PATH_BYTES + 1;
	const char *query = bound > 0 ? memchr(raw.ptr, '?', bound) : NULL;
	struct pol_str rest = raw;

	pol_path_begin(out);
	if (query != NULL) {
		rest.len = (size_t)(query - raw.ptr);
	}
	if (rest.len > POL_PATH_BYTES) {
		return "longer than 4,096 bytes";
	}
	if (rest.len == 0 || rest.ptr[0] != '/') {
		return "no '/' at the beginning";
	}
	while (rest.len > 0) {
		const char *fault;

		rest.ptr++; /* skip the slash before the segment */
		rest.len--;
		if (rest.len == 0) {
			out->slash = out->count > 0;
			break;
		}
		if (out->count == POL_PATH_SEGMENTS) {
			return "more than 64 segments";
		}
		fault = take_segment(&rest, out, &out->segments[out->count]);
		if (fault != NULL) {
			return fault;
		}
		out->count++;
	}
	return NULL;
}

enum pol_status pol_path_read(struct pol_str raw, struct pol_path *out)
{
	if (read_path(raw, out) != NULL) {
		out->count = 0;
		return POL_EINVALID;
	}
	return POL_OK;
}

enum pol_status pol_path_recall(struct pol_str raw, struct pol_path_memo *memo)
{
	if (!memo->known) {
		memo->status = pol_path_read(raw, &memo->path);
		memo->known = true;
		memo->looked_up = false;
	}
	return memo->status;
}

const char *pol_path_fault(struct pol_str raw)
{
	struct pol_path path;

	return read_path(raw, &path);
}

bool pol_path_split(struct pol_str resource, struct pol_str *out_tree, struct pol_str *out_path)
{
	const char *colon = resource.len > 0 ? memchr(resource.ptr, ':', resource.len) : NULL;
	size_t before = colon != NULL ? (size_t)(colon - resource.ptr) : 0;

	if (before == 0 || before + 1 == resource.len || colon[1] != '/') {
		return false;
	}
	*out_tree = (struct pol_str){ resource.ptr, before };
	*out_path = (struct pol_str){ colon + 1, resource.len - before - 1 };
	return true;
}

/* Escapes only bytes that a raw path must escape too, so the result is never longer than it. */
static size_t put_segment(struct pol_str segment, char *buffer)
{
	static const char digits[] = "0123456789ABCDEF";
	size_t len = 0;

	for (size_t i = 0; i < segment.len; i++) {
		unsigned char byte = (unsigned char)segment.ptr[i];

		if (byte == '%' || byte == ';') {
			buffer[len++] = '%';
			buffer[len++] = digits[byte >> 4];
			buffer[len++] = digits[byte & 15];
		} else {
			buffer[len++] = (char)byte;
		}
	}
	return len;
}

enum pol_status pol_path_place_normalise(struct pol_str place, char *buffer, struct pol_str *out)
{
	struct pol_path path;
	struct pol_str tree;
	struct pol_str raw;
	size_t len;

	if (!pol_path_split(place, &tree, &raw) || pol_path_read(raw, &path) != POL_OK) {
		return POL_EINVALID;
	}
	memcpy(buffer, tree.ptr, tree.len);
	len = tree.len;
	buffer[len++] = ':';
	for (uint32_t i = 0; i < path.count; i++) {
		buffer[len++] = '/';
		len += put_segment(path.segments[i], buffer + len);
	}
	if (path.count == 0) {
		buffer[len++] = '/';
	}
	*out = (struct pol_str){ buffer, len };
	return POL_OK;
}

const char *pol_path_place_fault(const struct pol_path *path)
{
	for (uint32_t i = 0; i < path->count; i++) {
		struct pol_str one = path->segments[i];

		if (one.ptr[0] == '{' && one.ptr[one.len - 1] == '}') {
			return "a place is concrete: write a value in place of {name}";
		}
		if (pol_str_equal(one, POL_STR("*")) || pol_str_equal(one, POL_STR("**"))) {
			return "a place is concrete and holds what is below it: no '*' here";
		}
	}
	return NULL;
}

/* How put_segment spells a byte that it escapes; NULL: as it is. */
static const char *spelling(char byte)
{
	switch (byte) {
	case '%':
		return "%25";
	case '?':
		return "%3F";
	case '#':
		return "%23";
	case ';':
		return "%3B";
	default:
		return NULL;
	}
}

/* Compares a segment in canonical spelling with a decoded one. */
static bool is_spelled(struct pol_str spelled, struct pol_str segment)
{
	const char *at = spelled.ptr, *end = spelled.ptr + spelled.len;

	for (size_t i = 0; i < segment.len; i++) {
		const char *escape = spelling(segment.ptr[i]);

		if (escape == NULL) {
			if (at == end || *at != segment.ptr[i]) {
				return false;
			}
			at++;
		} else if (end - at < 3 || memcmp(at, escape, 3) != 0) {
			return false;
		} else {
			at += 3;
		}
	}
	return at == end;
}

/* Most segments are spelled as they are; a `%` is always spelled otherwise. */
static bool is_segment(struct pol_str spelled, struct pol_str segment)
{
	if (memchr(segment.ptr, '%', segment.len) == NULL && pol_str_equal(spelled, segment)) {
		return true;
	}
	return spelled.len > segment.len && memchr(spelled.ptr, '%', spelled.len) != NULL &&
	       is_spelled(spelled, segment);
}

enum pol_path_place_match pol_path_place_match(
	struct pol_str place, struct pol_str tree, const struct pol_path *path)
{
	struct pol_str at_tree;
	struct pol_str at;

	if (!pol_path_split(place, &at_tree, &at) || !pol_str_equal(at_tree, tree)) {
		return POL_PLACE_ELSEWHERE;
	}
	for (uint32_t i = 0; at.len > 1; i++) {
		const char *slash = memchr(at.ptr + 1, '/', at.len - 1);
		size_t end = slash != NULL ? (size_t)(slash - at.ptr) : at.len;

		if (i == path->count ||
			!is_segment((struct pol_str){ at.ptr + 1, end - 1 }, path->segments[i])) {
			return POL_PLACE_OUTSIDE;
		}
		at.ptr += end;
		at.len -= end;
	}
	return POL_PLACE_INSIDE;
}
