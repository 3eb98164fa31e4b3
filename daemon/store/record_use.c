/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the use of keys. */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum {
	USE_HAS_IP = STORE_AT_BODY,
	USE_NUMBER = STORE_AT_BODY + 2,
	USE_AT = USE_NUMBER + 8,
	USE_COUNT = USE_AT + 8,
	USE_DENIALS = USE_COUNT + 8,
	USE_IP = USE_DENIALS + 8,
	USE_END = USE_IP + 16,
};

/* What follows if anything was counted by day: the newest day that has uses, a bit for each day up
 * to it that has some (the lowest is the newest), and uses and denials of each, newest first. */
enum {
	DAYS_NEWEST = USE_END, /* since 1970-01-01, four bytes */
	DAYS_WHICH = DAYS_NEWEST + 4,
	DAYS_NUMBERS = DAYS_WHICH + 4,
};

/* --- numbers: seven bits a byte, the lowest first; the highest bit: more follow --------------- */

static uint8_t *put_number(uint8_t *at, uint64_t number)
{
	for (; number > 0x7f; number >>= 7) {
		*at++ = (uint8_t)(number | 0x80);
	}
	*at++ = (uint8_t)number;
	return at;
}

/* A number has one form alone: the shortest. */
static bool take_number(struct store_text *text, uint64_t *out)
{
	uint64_t number = 0;

	for (unsigned shift = 0; shift < 64; shift += 7) {
		const uint8_t *at = store_text_take(text, 1);

		if (at == NULL || (shift > 0 && *at == 0) || (shift == 63 && *at > 1)) {
			return false;
		}
		number |= (uint64_t)(*at & 0x7f) << shift;
		if ((*at & 0x80) == 0) {
			*out = number;
			return true;
		}
	}
	return false;
}

/* --- days ------------------------------------------------------------------------------------- */

/* Returns the end of the record. */
static uint8_t *put_days(uint8_t *record, const struct store_days *days)
{
	uint8_t *at = record + DAYS_NUMBERS;
	uint32_t which = 0;
	unsigned first = 0;

	while (first < STORE_DAYS && days->uses[first] == 0) {
		first++;
	}
	if (first == STORE_DAYS) {
		return record + USE_END;
	}
	for (unsigned i = first; i < STORE_DAYS; i++) {
		if (days->uses[i] != 0) {
			which |= UINT32_C(1) << (i - first);
			at = put_number(at, days->uses[i]);
			at = put_number(at, days->denials[i]);
		}
	}
	store_put32(record + DAYS_NEWEST, days->newest - first);
	store_put32(record + DAYS_WHICH, which);
	return at;
}

static bool take_days(const uint8_t *record, size_t len, struct store_days *out)
{
	struct store_text text = { .get = record + DAYS_NUMBERS, .left = len - DAYS_NUMBERS };
	uint32_t which;

	memset(out, 0, sizeof *out);
	if (len == USE_END) {
		return true;
	}
	if (len < DAYS_NUMBERS) {
		return false;
	}
	out->newest = store_get32(record + DAYS_NEWEST);
	which = store_get32(record + DAYS_WHICH);
	if ((which & 1) == 0 || (out->newest < STORE_DAYS - 1 && which >> out->newest > 1)) {
		return false;
	}
	for (unsigned i = 0; i < STORE_DAYS; i++) {
		if ((which >> i & 1) != 0 &&
			(!take_number(&text, &out->uses[i]) || out->uses[i] == 0 ||
				!take_number(&text, &out->denials[i]))) {
			return false;
		}
	}
	return text.left == 0;
}

/* --- the record ------------------------------------------------------------------------------- */

size_t store_encode_use(struct store *store, uint64_t number, const struct store_use *use,
	const struct store_days *days)
{
	uint8_t *at = store->buffer;
	size_t len = USE_END;

	memset(at, 0, USE_END);
	at[USE_HAS_IP] = use->has_ip;
	store_put64(at + USE_NUMBER, number);
	store_put64(at + USE_AT, (uint64_t)use->at);
	store_put64(at + USE_COUNT, use->uses);
	store_put64(at + USE_DENIALS, use->denials);
	memcpy(at + USE_IP, use->ip, sizeof use->ip);
	if (days != NULL) {
		len = (size_t)(put_days(at, days) - at);
	}
	store_seal(store, STORE_USES, len);
	return len;
}

int store_decode_use(struct store *store, MDB_val value, uint64_t number, struct store_use *out,
	struct store_days *out_days)
{
	const uint8_t *at = store_unseal(store, value, STORE_USES, USE_END);

	if (at == NULL || store_get64(at + USE_NUMBER) != number ||
		!take_days(at, value.mv_size, out_days)) {
		return -EBADMSG;
	}
	out->at = store_get_time(at + USE_AT);
	out->uses = store_get64(at + USE_COUNT);
	out->denials = store_get64(at + USE_DENIALS);
	out->has_ip = at[USE_HAS_IP] != 0;
	memcpy(out->ip, at + USE_IP, sizeof out->ip);
	return 0;
}
