/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/str.h"

#include <string.h>

struct pol_str pol_str_of(const char *text)
{
	return (struct pol_str){ text, text != NULL ? strlen(text) : 0 };
}

bool pol_str_equal(struct pol_str a, struct pol_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

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

uint64_t pol_str_hash(struct pol_str str, uint64_t seed)
{
	uint64_t hash = seed;

	for (size_t i = 0; i < str.len; i++) {
		hash = (hash ^ (unsigned char)str.ptr[i]) * UINT64_C(0x100000001b3);
	}
	return hash;
}

/* How many bytes follow a lead byte, and the least second byte and greatest that keep it exact. */
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

bool pol_str_is_utf8(struct pol_str str)
{
	size_t i = 0;

	while (i < str.len) {
		unsigned char low;
		unsigned char high;
		int tail = tail_of((unsigned char)str.ptr[i++], &low, &high);

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
