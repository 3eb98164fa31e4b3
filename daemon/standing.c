/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/standing.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/pages.h"
#include "daemon/store.h"

enum { FIRST_SLOTS = 1024, ROLE_WORDS = STANDING_ROLES / 2, FLAG_BITS = 16 };

struct slot {
	alignas(64) _Atomic uint32_t lock;
	_Atomic uint32_t head; /* flags, and above them how many roles */
	_Atomic uint64_t generation;
	_Atomic uint64_t serial;
	_Atomic uint64_t mark[2];
	_Atomic uint64_t roles[ROLE_WORDS]; /* two in each */
};

_Static_assert(sizeof(struct slot) == 64, "one cache line");
#define TABLE_BYTES (STANDING_SLOTS * sizeof(struct slot))

_Static_assert(STANDING_ROLES % 2 == 0, "two in each word");

struct standings {
	_Atomic uint32_t mask;   /* of the slots in use; grows */
	_Atomic uint32_t filled; /* slots below it that were ever written */
	struct slot *slots;      /* STANDING_SLOTS; a page costs nothing until it is touched */
};

static uint64_t get(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_acquire);
}

static void set(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

int standings_create(struct standings **out)
{
	struct standings *standings = calloc(1, sizeof *standings);

	if (standings == NULL) {
		return -ENOMEM;
	}
	standings->slots = pages_reserve(TABLE_BYTES);
	if (standings->slots == NULL) {
		free(standings);
		return -ENOMEM;
	}
	atomic_init(&standings->mask, FIRST_SLOTS - 1);
	*out = standings;
	return 0;
}

void standings_destroy(struct standings *standings)
{
	if (standings == NULL) {
		return;
	}
	pages_release(standings->slots, TABLE_BYTES);
	free(standings);
}

bool standing_key_make(
	const struct secrets *secrets, uint32_t tenant, struct pol_str id, struct standing_key *out)
{
	uint8_t bytes[sizeof tenant + STORE_MAX_NAME];
	uint8_t tag[SECRET_TAG];

	if (id.len > STORE_MAX_NAME) {
		return false;
	}
	memcpy(bytes, &tenant, sizeof tenant);
	memcpy(bytes + sizeof tenant, id.ptr, id.len);
	secret_tag(secrets, SECRET_VERIFIED, bytes, sizeof tenant + id.len, tag);
	memcpy(out->mark, tag, sizeof out->mark);
	return true;
}

static struct slot *slot_of(struct standings *standings, const struct standing_key *key)
{
	uint32_t mask = atomic_load_explicit(&standings->mask, memory_order_relaxed);

	return &standings->slots[key->mark[0] & mask];
}

bool standing_find(
	struct standings *standings, const struct standing_key *key, struct standing *out)
{
	struct slot *slot = slot_of(standings, key);
	uint32_t before = atomic_load_explicit(&slot->lock, memory_order_acquire);
	uint32_t head = atomic_load_explicit(&slot->head, memory_order_acquire);
	uint64_t differs =
		(get(&slot->generation) ^ key->generation) | (get(&slot->serial) ^ key->serial) |
		(get(&slot->mark[0]) ^ key->mark[0]) | (get(&slot->mark[1]) ^ key->mark[1]);

	if (differs != 0 || key->generation == 0 || (before & 1) != 0) {
		return false;
	}
	out->flags = head & ((UINT32_C(1) << FLAG_BITS) - 1);
	out->role_count = head >> FLAG_BITS;
	for (size_t i = 0; i < ROLE_WORDS; i++) {
		uint64_t word = get(&slot->roles[i]);

		out->roles[2 * i] = (uint32_t)word;
		out->roles[2 * i + 1] = (uint32_t)(word >> 32);
	}
	return atomic_load_explicit(&slot->lock, memory_order_relaxed) == before;
}

/* Three quarters full: more slots are taken into use, and who has moved thereby is looked up once
 * more. */
static void grow(struct standings *standings)
{
	uint32_t filled =
		atomic_fetch_add_explicit(&standings->filled, 1, memory_order_relaxed) + 1;
	uint32_t mask = atomic_load_explicit(&standings->mask, memory_order_relaxed);

	if (filled > mask / 4 * 3 && mask < STANDING_SLOTS - 1) {
		size_t bytes = 2 * (mask + (size_t)1) * sizeof(struct slot);

		if (bytes >= PAGES_HUGE) {
			pages_make_huge(standings->slots, bytes);
		}
		atomic_compare_exchange_strong_explicit(&standings->mask, &mask, 2 * mask + 1,
			memory_order_relaxed, memory_order_relaxed);
	}
}

void standing_put(struct standings *standings, const struct standing_key *key,
	const struct standing *standing)
{
	struct slot *slot = slot_of(standings, key);
	uint32_t old = atomic_load_explicit(&slot->lock, memory_order_relaxed);

	if (key->generation == 0 || standing->role_count > STANDING_ROLES ||
		standing->flags >> FLAG_BITS != 0 || (old & 1) != 0 ||
		!atomic_compare_exchange_strong_explicit(
			&slot->lock, &old, old + 1, memory_order_acquire, memory_order_relaxed)) {
		return;
	}
	atomic_store_explicit(&slot->head, standing->flags | standing->role_count << FLAG_BITS,
		memory_order_release);
	set(&slot->generation, key->generation);
	set(&slot->serial, key->serial);
	set(&slot->mark[0], key->mark[0]);
	set(&slot->mark[1], key->mark[1]);
	for (size_t i = 0; i < ROLE_WORDS; i++) {
		set(&slot->roles[i],
			standing->roles[2 * i] | (uint64_t)standing->roles[2 * i + 1] << 32);
	}
	atomic_store_explicit(&slot->lock, old + 2, memory_order_release);
	if (old == 0) {
		grow(standings);
	}
}
