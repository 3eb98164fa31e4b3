/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/unicode.h"

struct range {
	uint32_t first;
	uint32_t last;
	const char *why;
};

#define CONTROL   "a control character"
#define BIDI      "a character that reorders text"
#define INVISIBLE "a character that cannot be seen"
#define SEPARATOR "a line separator that editors show as a new line"

/* Sorted by code point. */
static const struct range refused[] = {
	{ 0x0000, 0x001f, CONTROL },
	{ 0x007f, 0x009f, CONTROL },
	{ 0x00ad, 0x00ad, INVISIBLE },
	{ 0x034f, 0x034f, INVISIBLE },
	{ 0x061c, 0x061c, BIDI },
	{ 0x115f, 0x1160, INVISIBLE },
	{ 0x17b4, 0x17b5, INVISIBLE },
	{ 0x180b, 0x180f, INVISIBLE },
	{ 0x200b, 0x200d, INVISIBLE },
	{ 0x200e, 0x200f, BIDI },
	{ 0x2028, 0x2029, SEPARATOR },
	{ 0x202a, 0x202e, BIDI },
	{ 0x2060, 0x2065, INVISIBLE },
	{ 0x2066, 0x2069, BIDI },
	{ 0x206a, 0x206f, INVISIBLE },
	{ 0x3164, 0x3164, INVISIBLE },
	{ 0xfeff, 0xfeff, INVISIBLE },
	{ 0xffa0, 0xffa0, INVISIBLE },
	{ 0xfff9, 0xfffb, INVISIBLE },
	{ 0xe0000, 0xe007f, INVISIBLE },
};

struct invisible {
	uint32_t first;
	uint32_t last;
};

/* Sorted by code point. */
static const struct invisible invisible[] = {
	{ 0x0009, 0x000d },
	{ 0x0020, 0x0020 },
	{ 0x0085, 0x0085 },
	{ 0x00a0, 0x00a0 },
	{ 0x00ad, 0x00ad },
	{ 0x034f, 0x034f },
	{ 0x061c, 0x061c },
	{ 0x115f, 0x1160 },
	{ 0x1680, 0x1680 },
	{ 0x17b4, 0x17b5 },
	{ 0x180b, 0x180f },
	{ 0x2000, 0x200f },
	{ 0x2028, 0x202f },
	{ 0x205f, 0x206f },
	{ 0x2800, 0x2800 },
	{ 0x3000, 0x3000 },
	{ 0x3164, 0x3164 },
	{ 0xfe00, 0xfe0f },
	{ 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },
	{ 0xfff0, 0xfff8 },
	{ 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a },
	{ 0xe0000, 0xe0fff },
};

size_t pol_unicode_decode(struct pol_str text, uint32_t *out)
{
	unsigned char lead = text.len > 0 ? (unsigned char)text.ptr[0] : 0x80;
	size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	uint32_t character = len == 1 ? lead : lead & (0x7fu >> len);

	if (len > text.len || !pol_str_is_utf8((struct pol_str){ text.ptr, len })) {
		return 0;
	}
	for (size_t i = 1; i < len; i++) {
		character = character << 6 | ((unsigned char)text.ptr[i] & 0x3f);
	}
	*out = character;
	return len;
}

size_t pol_unicode_encode(uint32_t character, char *out)
{
	static const unsigned char leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t len = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;

	for (size_t i = len - 1; i > 0; i--) {
		out[i] = (char)(0x80 | (character & 0x3f));
		character >>= 6;
	}
	out[0] = (char)(leads[len] | character);
	return len;
}

const char *pol_unicode_refused(uint32_t character)
{
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		if (character < refused[i].first) {
			return NULL;
		}
		if (character <= refused[i].last) {
			return refused[i].why;
		}
	}
	return NULL;
}

bool pol_unicode_is_invisible(uint32_t character)
{
	for (size_t i = 0; i < sizeof invisible / sizeof *invisible; i++) {
		if (character <= invisible[i].last) {
			return character >= invisible[i].first;
		}
	}
	return false;
}
