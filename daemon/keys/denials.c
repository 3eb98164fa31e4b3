/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/denials.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include "policy/text/reason.h"

/* Slots that a search looks at before it gives up. */
#define PROBES 32

struct slot {
	_Atomic uint64_t key; /* the key's number and the reason; 0: free */
	_Atomic uint64_t count;
};

struct denials {
	struct slot slots[DENIALS_SLOTS];
};

int denials_create(struct denials **out)
{
	*out = calloc(1, sizeof **out);
	return *out == NULL ? -ENOMEM : 0;
}

void denials_destroy(struct denials *denials)
{
	free(denials);
}

/* --- reasons ---------------------------------------------------------------------------------- */

/* The policy's come first, then the two of this table. */
uint8_t denials_reason(struct pol_str reason)
{
	const struct pol_str *known;
	size_t count = pol_reasons(&known);

	for (size_t i = 0; i < count; i++) {
		if (known[i].len == reason.len && pol_str_equal(known[i], reason)) {
			return (uint8_t)i;
		}
	}
	return (uint8_t)(pol_str_equal(reason, POL_STR(DENIALS_DEAD)) ? count + 1 : count);
}

uint8_t denials_dead(void)
{
	return (uint8_t)(denials_reasons() - 1);
}

unsigned denials_reasons(void)
{
	const struct pol_str *known;

	return (unsigned)pol_reasons(&known) + 2;
}

struct pol_str denials_name(uint8_t reason)
{
	const struct pol_str *known;
	size_t count = pol_reasons(&known);

	if (reason < count) {
		return known[reason];
	}
	return reason == count ? POL_STR(DENIALS_OTHER) : POL_STR(DENIALS_DEAD);
}

/* --- counting --------------------------------------------------------------------------------- */

static uint64_t pack_key(uint64_t number, uint8_t reason)
{
	return number << 8 | (uint8_t)(reason + 1);
}

/* The first of the slots to look at; by Fibonacci's multiplier (Knuth, TAOCP 3, 6.4). */
static size_t first_slot(uint64_t key)
{
	return (size_t)((key * UINT64_C(0x9e3779b97f4a7c15)) >> 48) % DENIALS_SLOTS;
}

void denials_add(struct denials *denials, uint64_t number, uint8_t reason)
{
	uint64_t key = pack_key(number, reason);
	size_t at = first_slot(key);

	for (unsigned i = 0; i < PROBES; i++, at = (at + 1) % DENIALS_SLOTS) {
		struct slot *slot = &denials->slots[at];
		uint64_t found = atomic_load_explicit(&slot->key, memory_order_relaxed);

		if (found == 0 && atomic_compare_exchange_strong_explicit(&slot->key, &found, key,
					  memory_order_relaxed, memory_order_relaxed)) {
			found = key;
		}
		if (found == key) {
			atomic_fetch_add_explicit(&slot->count, 1, memory_order_relaxed);
			return;
		}
	}
}

uint64_t denials_count(const struct denials *denials, uint64_t number, uint8_t reason)
{
	uint64_t key = pack_key(number, reason);
	size_t at = first_slot(key);

	for (unsigned i = 0; i < PROBES; i++, at = (at + 1) % DENIALS_SLOTS) {
		const struct slot *slot = &denials->slots[at];
		uint64_t found = atomic_load_explicit(&slot->key, memory_order_relaxed);

		if (found == key) {
			return atomic_load_explicit(&slot->count, memory_order_relaxed);
		}
		if (found == 0) {
			return 0;
		}
	}
	return 0;
}
