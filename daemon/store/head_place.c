/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/internal.h"

/*
 * The trail's head, in a file beside the store: the trail's count and the tag of its last entry.
 * The file has two places of one page. Each write uses the one that does not have the head, so that
 * a write that a crash interrupts leaves the other. The head is the place with a valid seal and the
 * higher count. The file is text, so that an operator can see what it is:
 *
 *     authzd head 1
 *     count 00000000000000000042
 *     tag HEX
 *     seal HEX
 */
#define DIGITS    20
#define HEX       (2 * STORE_CHAIN)
#define BEGINNING "authzd head 1\ncount "
#define FORM      BEGINNING "%0*" PRIu64 "\ntag %s\nseal %s\n"
#define AT_COUNT  (sizeof BEGINNING - 1)
#define AT_TAG    (AT_COUNT + DIGITS + sizeof "\ntag " - 1)
#define AT_SEAL   (AT_TAG + HEX + sizeof "\nseal " - 1)
#define LENGTH    (AT_SEAL + HEX + 1)

static void put_hex(const uint8_t bytes[STORE_CHAIN], char out[HEX + 1])
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < STORE_CHAIN; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[HEX] = '\0';
}

static bool get_hex(const char *text, uint8_t out[STORE_CHAIN])
{
	for (size_t i = 0; i < STORE_CHAIN; i++) {
		unsigned byte = 0;

		for (size_t k = 0; k < 2; k++) {
			char c = text[2 * i + k];

			if (c >= '0' && c <= '9') {
				byte = byte * 16 + (unsigned)(c - '0');
			} else if (c >= 'a' && c <= 'f') {
				byte = byte * 16 + (unsigned)(c - 'a' + 10);
			} else {
				return false;
			}
		}
		out[i] = (uint8_t)byte;
	}
	return true;
}

static void seal(struct store *store, const struct store_head *head, uint8_t out[STORE_CHAIN])
{
	char count[DIGITS + 1];
	int len = snprintf(count, sizeof count, "%0*" PRIu64, DIGITS, head->count);

	secret_chain(store->secrets, SECRET_HEAD, head->tag, (struct pol_str){ count, (size_t)len },
		out);
}

void store_head_encode(
	struct store *store, const struct store_head *head, char place[STORE_HEAD_PLACE])
{
	uint8_t sealed[STORE_CHAIN];
	char tag[HEX + 1], text[HEX + 1];

	memset(place, 0, STORE_HEAD_PLACE);
	seal(store, head, sealed);
	put_hex(head->tag, tag);
	put_hex(sealed, text);
	snprintf(place, STORE_HEAD_PLACE, FORM, DIGITS, head->count, tag, text);
}

bool store_head_decode(
	struct store *store, const char place[STORE_HEAD_PLACE], struct store_head *out)
{
	uint8_t wanted[STORE_CHAIN], found[STORE_CHAIN];
	char again[STORE_HEAD_PLACE];
	struct store_head head;

	if (memcmp(place, BEGINNING, AT_COUNT) != 0 || !get_hex(place + AT_TAG, head.tag) ||
		!get_hex(place + AT_SEAL, found)) {
		return false;
	}
	head.count = 0;
	for (size_t i = 0; i < DIGITS; i++) {
		head.count = head.count * 10 + (uint64_t)(place[AT_COUNT + i] - '0');
	}
	seal(store, &head, wanted);
	store_head_encode(store, &head, again);
	if (!secret_equal(wanted, found, sizeof wanted) || memcmp(again, place, LENGTH) != 0) {
		return false;
	}
	*out = head;
	return true;
}
