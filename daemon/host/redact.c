/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/redact.h"

#include <stdbool.h>
#include <string.h>

static bool is_base62(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static int hex_of(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of two hexadecimal digits, or -1. */
static int byte_of(const char *text, size_t len)
{
	if (len < 2 || hex_of(text[0]) < 0 || hex_of(text[1]) < 0) {
		return -1;
	}
	return hex_of(text[0]) * 16 + hex_of(text[1]);
}

/* The character that text begins with, and in *out_size its bytes: 3 if it is percent-encoded, 2
 * more for each time that the % itself was encoded: %5f, %255f, %25255f are an underscore. */
static char decode(const char *text, size_t len, size_t *out_size)
{
	size_t at = 1;

	*out_size = 1;
	if (text[0] != '%') {
		return text[0];
	}
	while (byte_of(text + at, len - at) == '%' && byte_of(text + at + 2, len - at - 2) >= 0) {
		at += 2;
	}
	if (byte_of(text + at, len - at) < 0) {
		return text[0];
	}
	*out_size = at + 2;
	return (char)byte_of(text + at, len - at);
}

/* The bytes of the encoded character that ends before `at`, or 0. */
static size_t encoded_before(const char *text, size_t at)
{
	size_t begin = at;

	while (begin >= 3 && byte_of(text + begin - 2, 2) >= 0) {
		if (begin != at && byte_of(text + begin - 2, 2) != '%') {
			return 0;
		}
		begin -= 2;
		if (text[begin - 1] == '%') {
			return at - begin + 1;
		}
	}
	return 0;
}

/* The bytes of the base62 characters that text begins with; in *out_count how many these are. */
static size_t base62_run(const char *text, size_t len, size_t *out_count)
{
	size_t run = 0, size;

	*out_count = 0;
	while (run < len && is_base62(decode(text + run, len - run, &size))) {
		run += size;
		++*out_count;
	}
	return run;
}

/* Does the text before `at` end with a kid? */
static bool has_kid(const char *text, size_t at)
{
	for (size_t i = 1; i < REDACT_KID; i++) {
		size_t size = encoded_before(text, at);

		if (size > 0 && is_base62(decode(text + at - size, size, &size))) {
			at -= size;
		} else if (at >= 1 && is_base62(text[at - 1])) {
			at--;
		} else {
			return false;
		}
	}
	/* An encoded 1 is %31. */
	return at >= 1 && text[at - 1] == '1';
}

/* The secret part of a token. */
struct span {
	size_t start, end;
};

/* Where c is next, or len. */
static size_t next_of(const char *text, size_t len, size_t from, char c)
{
	const char *at = memchr(text + from, c, len - from);

	return at != NULL ? (size_t)(at - text) : len;
}

/* Finds the first one whose underscore is not before `from`. */
static bool find_secret(const char *text, size_t len, size_t from, struct span *out)
{
	size_t plain = next_of(text, len, from, '_');
	size_t coded = next_of(text, len, from, '%');

	while (plain < len || coded < len) {
		size_t at = plain < coded ? plain : coded;
		size_t size, count;

		if (decode(text + at, len - at, &size) == '_' && has_kid(text, at)) {
			out->start = at + size;
			out->end = out->start +
				   base62_run(text + out->start, len - out->start, &count);
			if (count >= REDACT_LEAST) {
				return true;
			}
		}
		if (at == plain) {
			plain = next_of(text, len, at + 1, '_');
		} else {
			coded = next_of(text, len, at + 1, '%');
		}
	}
	return false;
}

size_t redact_tokens(char *text, size_t len, const char mark[static 1])
{
	const size_t mark_len = strlen(mark);
	size_t read = 0, written = 0; /* what is before them was looked at, and kept */
	struct span secret, next;
	bool found = find_secret(text, len, 0, &secret);

	for (; found; secret = next) {
		/* The end of this secret may be the kid of the next one: look before it is gone. */
		found = find_secret(text, len, secret.end, &next);
		memmove(text + written, text + read, secret.start - read);
		written += secret.start - read;
		memcpy(text + written, mark, mark_len);
		written += mark_len;
		read = secret.end;
	}
	if (read == 0) {
		return len;
	}
	memmove(text + written, text + read, len - read);
	written += len - read;
	explicit_bzero(text + written, len - written);
	return written;
}
