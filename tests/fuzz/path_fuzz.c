/* SPDX-License-Identifier: Apache-2.0 */

/*
 * path_fuzz: for any bytes as a request's path, the segments contain nothing that is refused,
 * reading them again gives the same segments, and decoding them again gives nothing refused.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/text/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* abort() in every build, for a fuzz target must not depend on how asserts are set. */
static void require(bool truth)
{
	if (!truth) {
		abort();
	}
}

static int hex(char c)
{
	const char *digits = "0123456789abcdefABCDEF";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	if (at == NULL) {
		return -1;
	}
	return (int)(at - digits) < 16 ? (int)(at - digits) : (int)(at - digits) - 6;
}

/* A naive decoder, as a server may have: one pass, broken encodings are kept. */
static size_t decode(const char *text, size_t len, char *out)
{
	size_t used = 0;

	for (size_t i = 0; i < len; i++) {
		int high = text[i] == '%' && i + 2 < len ? hex(text[i + 1]) : -1;
		int low = high >= 0 ? hex(text[i + 2]) : -1;

		if (low >= 0) {
			out[used++] = (char)(high * 16 + low);
			i += 2;
		} else {
			out[used++] = text[i];
		}
	}
	return used;
}

static bool is_dot_segment(const char *text, size_t len)
{
	return (len == 1 && text[0] == '.') || (len == 2 && text[0] == '.' && text[1] == '.');
}

/* No separator, no control character; a `;` only where the segment has one once it is decoded. */
static void require_clean(const char *text, size_t len, const char *first, size_t first_len)
{
	require(!is_dot_segment(text, len));
	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)text[i];

		require(byte >= 0x20 && byte != 0x7f && strchr("/\\?#", byte) == NULL);
		require(byte != ';' || memchr(first, byte, first_len) != NULL);
	}
}

static void check_segment(struct pol_str segment)
{
	static char once[POL_PATH_BYTES];
	static char twice[POL_PATH_BYTES];
	size_t len = segment.len;

	require(len > 0 && len <= POL_PATH_BYTES);
	require(pol_str_is_utf8(segment));
	require_clean(segment.ptr, len, segment.ptr, len);
	memcpy(once, segment.ptr, len);
	for (;;) {
		size_t next = decode(once, len, twice);

		require_clean(twice, next, segment.ptr, segment.len);
		require(pol_str_is_utf8((struct pol_str){ twice, next }));
		if (next == len) {
			return;
		}
		memcpy(once, twice, next);
		len = next;
	}
}

/* Encodes each byte of the segments: reading that must give the same path. */
static void check_again(const struct pol_path *path)
{
	static char raw[4 * POL_PATH_BYTES];
	static struct pol_path again;
	size_t used = 0;

	for (uint32_t i = 0; i < path->count; i++) {
		raw[used++] = '/';
		for (size_t k = 0; k < path->segments[i].len; k++) {
			static const char digits[] = "0123456789abcdef";
			unsigned char byte = (unsigned char)path->segments[i].ptr[k];

			if (used + 4 > POL_PATH_BYTES) {
				return;
			}
			if (strchr("%;", byte) != NULL || (byte == '.' && used % 2 == 0)) {
				raw[used++] = '%';
				raw[used++] = digits[byte >> 4];
				raw[used++] = digits[byte & 15];
			} else {
				raw[used++] = (char)byte;
			}
		}
	}
	if (used == 0) {
		raw[used++] = '/';
	}
	require(pol_path_read((struct pol_str){ raw, used }, &again) == POL_OK);
	require(again.count == path->count);
	for (uint32_t i = 0; i < path->count; i++) {
		require(pol_str_equal(again.segments[i], path->segments[i]));
	}
}

/* The canonical spelling means the same path, and is canonical itself. */
static void check_spelling(struct pol_str text, struct pol_str tree, struct pol_path *path)
{
	/* Exactly the size that is promised to suffice. */
	char *room = malloc(text.len), *again = malloc(text.len);
	struct pol_str normal, twice;

	require(room != NULL && again != NULL);
	require(pol_path_place_normalise(text, room, &normal) == POL_OK && normal.len <= text.len);
	require(pol_path_place_match(normal, tree, path) == POL_PLACE_INSIDE);
	require(pol_path_place_match(normal, POL_STR("another"), path) == POL_PLACE_ELSEWHERE ||
		pol_str_equal(tree, POL_STR("another")));
	if (path->count > 0) {
		path->count--;
		require(pol_path_place_match(normal, tree, path) == POL_PLACE_OUTSIDE);
		path->count++;
	}
	require(pol_path_place_normalise(normal, again, &twice) == POL_OK);
	require(pol_str_equal(normal, twice));
	free(room);
	free(again);
}

static void check_place(struct pol_str text)
{
	struct pol_str tree;
	struct pol_str raw;
	static struct pol_path path;

	if (pol_path_split(text, &tree, &raw) && pol_path_read(raw, &path) == POL_OK) {
		check_spelling(text, tree, &path);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pol_path path;
	/* A copy of exactly this size, so that a sanitizer reports reads past its end. */
	char *copy = malloc(size > 0 ? size : 1);
	struct pol_str raw = { copy, size };

	require(copy != NULL);
	if (size > 0) {
		memcpy(copy, data, size);
	}
	if (pol_path_read(raw, &path) == POL_OK) {
		require(path.count <= POL_PATH_SEGMENTS);
		for (uint32_t i = 0; i < path.count; i++) {
			check_segment(path.segments[i]);
		}
		check_again(&path);
		require(pol_path_fault(raw) == NULL);
		require(!path.slash || path.count > 0);
	} else {
		require(path.count == 0 && pol_path_fault(raw) != NULL);
	}
	check_place(raw);
	free(copy);
	return 0;
}
