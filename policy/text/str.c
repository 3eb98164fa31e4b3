/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/str.h"

#include <string.h>

static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

bool pol_str_equal_fold(struct pol_str a, struct pol_str b)
{
	if (a.len != b.len) {
		return false;
	}
	for (size_t i = 0; i < a.len; i++) {
		if (fold(a.ptr[i]) != fold(b.ptr[i])) {
			return false;
		}
	}
	return true;
}

bool pol_str_starts(struct pol_str str, struct pol_str prefix)
{
	return str.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(str.ptr, prefix.ptr, prefix.len) == 0);
}

int pol_str_compare(struct pol_str a, struct pol_str b)
{
	size_t shared = a.len < b.len ? a.len : b.len;
	int order = shared > 0 ? memcmp(a.ptr, b.ptr, shared) : 0;

	if (order != 0) {
		return order;
	}
	return (a.len > b.len) - (a.len < b.len);
}

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

static uint64_t load32(const char *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof word);
	return word;
}

/* One to seven bytes as a number. Texts of different lengths may give the same number; the caller
 * has hashed the length already. */
static uint64_t load_rest(const char *at, size_t len)
{
	if (len >= 4) {
		return load32(at) | load32(at + len - 4) << 32;
	}
	return (uint64_t)(unsigned char)at[0] << 16 | (uint64_t)(unsigned char)at[len / 2] << 8 |
	       (unsigned char)at[len - 1];
}

uint64_t pol_str_hash(struct pol_str str, uint64_t seed)
{
	uint64_t hash = mix(seed, str.len);
	const char *at = str.ptr;
	size_t left = str.len;

	for (; left >= 8; left -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof word);
		hash = mix(hash, word);
	}
	return left > 0 ? mix(hash, load_rest(at, left)) : hash;
}

/* The number of bytes that follow a lead byte, or -1 for a byte that cannot be one. *low and *high
 * become the range of the second byte (RFC 3629, 4). */
static int tail_of(unsigned char lead, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (lead < 0x80) {
		return 0;
	}
	if (lead >= 0xc2 && lead <= 0xdf) {
		return 1;
	}
	if (lead >= 0xe0 && lead <= 0xef) {
		*low = lead == 0xe0 ? 0xa0 : 0x80;
		*high = lead == 0xed ? 0x9f : 0xbf;
		return 2;
	}
	if (lead >= 0xf0 && lead <= 0xf4) {
		*low = lead == 0xf0 ? 0x90 : 0x80;
		*high = lead == 0xf4 ? 0x8f : 0xbf;
		return 3;
	}
	return -1;
}

/* The number of ASCII bytes at the beginning, counted in steps of eight: str.len, or less, up to a
 * step that holds another byte; of shorter text str.len or 0. */
static size_t ascii_len(struct pol_str str)
{
	const uint64_t high = UINT64_C(0x8080808080808080);
	size_t i = 0;
	uint64_t bits;

	if (str.len < sizeof bits) {
		return str.len == 0 || (load_rest(str.ptr, str.len) & high) == 0 ? str.len : 0;
	}
	for (; str.len - i >= sizeof bits; i += sizeof bits) {
		memcpy(&bits, str.ptr + i, sizeof bits);
		if ((bits & high) != 0) {
			return i;
		}
	}
	if (i < str.len) {
		/* The rest, as part of the last eight bytes. */
		memcpy(&bits, str.ptr + str.len - sizeof bits, sizeof bits);
		return (bits & high) == 0 ? str.len : i;
	}
	return i;
}

bool pol_str_is_utf8(struct pol_str str)
{
	size_t i = ascii_len(str);

	while (i < str.len) {
		unsigned char low;
		unsigned char high;
		int tail;

		if ((unsigned char)str.ptr[i] < 0x80) {
			i++;
			continue;
		}
		tail = tail_of((unsigned char)str.ptr[i++], &low, &high);

		if (tail < 0 || (size_t)tail > str.len - i) {
			return false;
		}
		for (; tail > 0; tail--) {
			unsigned char byte = (unsigned char)str.ptr[i++];

			if (byte < low || byte > high) {
				return false;
			}
			low = 0x80;
			high = 0xbf;
		}
	}
	return true;
}

void pol_str_clean(char *text)
{
	bool utf8 = pol_str_is_utf8(pol_str_of(text));

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8)) {
			*text = '?';
		}
	}
}
