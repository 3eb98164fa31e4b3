/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/hash_text.h"

#include <string.h>

/* Base64 of 32 bytes, without padding. */
#define HASH_TEXT (HASH_TEXT_SIZE - 1)

static int hex_value(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

	return at != NULL && c != '\0' ? (int)(at - digits) : -1;
}

/* Three hex digits, 12 bits, are two digits of base64. */
static void hex_to_base64(const char *hex, char out[static HASH_TEXT_SIZE])
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, held = 0;
	size_t len = 0;

	for (; *hex != '\0' && len < HASH_TEXT; hex++) {
		bits = bits << 4 | (unsigned)hex_value(*hex);
		held += 4;
		if (held >= 6) {
			held -= 6;
			out[len++] = digits[bits >> held & 63];
		}
	}
	if (held > 0 && len < HASH_TEXT) {
		out[len++] = digits[bits << (6 - held) & 63];
	}
	out[len] = '\0';
}

void hash_text(const char *text, char out[static HASH_TEXT_SIZE])
{
	size_t len = text != NULL ? strlen(text) : 0;
	size_t digits = 0;

	out[0] = '\0';
	while (digits < len && hex_value(text[digits]) >= 0) {
		digits++;
	}
	if (len == 64 && digits == len) {
		hex_to_base64(text, out);
	} else if (len == HASH_TEXT || (len == HASH_TEXT + 1 && text[HASH_TEXT] == '=')) {
		memcpy(out, text, HASH_TEXT);
		out[HASH_TEXT] = '\0';
		for (size_t i = 0; i < HASH_TEXT; i++) {
			out[i] = (char)(out[i] == '-' ? '+' : out[i] == '_' ? '/' : out[i]);
		}
	}
}
