/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/hint.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/memory.h"

enum {
	FIRST_LINES = 64,
	KEYS_A_LINE = 4,   /* on average, when the table has room for all */
	ADDRESS_BITS = 48, /* of a process's half of the address space; above them is the tag */
	SIZE_MAX_HINT = UINT16_MAX,
};

#define TABLE_BYTES ((size_t)STORE_HINT_LINES * sizeof(struct line))

struct line {
	alignas(64) _Atomic uint32_t lock;
	_Atomic uint16_t sizes[STORE_HINTS];
	_Atomic uint64_t generation;             /* of all that the line has */
	_Atomic uint64_t addresses[STORE_HINTS]; /* with the key's tag; 0: none */
};

_Static_assert(sizeof(struct line) == 64, "one cache line");

struct store_hints {
	_Atomic uint32_t mask; /* of the lines in use; grows */
	struct line *lines;    /* STORE_HINT_LINES, as far as the mask says */
};

int store_hints_create(struct store_hints **out)
{
	struct store_hints *hints = calloc(1, sizeof *hints);

	if (hints == NULL) {
		return -ENOMEM;
	}
	hints->lines = memory_reserve(TABLE_BYTES);
	if (hints->lines == NULL) {
		free(hints);
		return -ENOMEM;
	}
	atomic_init(&hints->mask, FIRST_LINES - 1);
	*out = hints;
	return 0;
}

void store_hints_destroy(struct store_hints *hints)
{
	if (hints == NULL) {
		return;
	}
	memory_release(hints->lines, TABLE_BYTES);
	free(hints);
}

/* Ids are drawn at random, so any mix spreads them. (The constants are those of Steele's
 * SplitMix64.) */
static uint64_t mix(const char kid[static STORE_KID])
{
	uint64_t head;
	uint32_t tail;
	uint64_t x;

	_Static_assert(STORE_KID == sizeof head + sizeof tail, "all of the id");
	memcpy(&head, kid, sizeof head);
	memcpy(&tail, kid + sizeof head, sizeof tail);
	x = head ^ tail * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 31;
}

/* The place in the table is told by the lower half, so that half of the hints stay where they are
 * when it doubles. */
static struct line *line_of(struct store_hints *hints, uint64_t mixed)
{
	return &hints->lines[(uint32_t)mixed &
			     atomic_load_explicit(&hints->mask, memory_order_relaxed)];
}

static uint64_t tag_of(uint64_t mixed)
{
	return mixed >> ADDRESS_BITS << ADDRESS_BITS;
}

bool store_hints_find(struct store_hints *hints, uint64_t generation,
	const char kid[static STORE_KID], struct store_place_of *out)
{
	uint64_t mixed = mix(kid);
	struct line *line = line_of(hints, mixed);
	uint32_t before = atomic_load_explicit(&line->lock, memory_order_acquire);

	if (generation == 0 || (before & 1) != 0 ||
		atomic_load_explicit(&line->generation, memory_order_acquire) != generation) {
		return false;
	}
	for (unsigned i = 0; i < STORE_HINTS; i++) {
		uint64_t address = atomic_load_explicit(&line->addresses[i], memory_order_acquire);

		if (address != 0 && ((address ^ mixed) >> ADDRESS_BITS) == 0) {
			out->at = (const uint8_t *)(uintptr_t)(address ^ tag_of(mixed));
			out->size = atomic_load_explicit(&line->sizes[i], memory_order_acquire);
			return atomic_load_explicit(&line->lock, memory_order_relaxed) == before;
		}
	}
	return false;
}

/* A full line: there are more keys in use than the table has room for. */
static void grow(struct store_hints *hints, uint64_t keys)
{
	uint32_t mask = atomic_load_explicit(&hints->mask, memory_order_relaxed);
	uint32_t lines = mask + 1;

	while (lines < STORE_HINT_LINES && (uint64_t)lines * KEYS_A_LINE < keys) {
		lines *= 2;
	}
	if (lines - 1 == mask || !atomic_compare_exchange_strong_explicit(&hints->mask, &mask,
					 lines - 1, memory_order_relaxed, memory_order_relaxed)) {
		return;
	}
	if (lines * sizeof(struct line) >= MEMORY_HUGE) {
		memory_make_huge(hints->lines, lines * sizeof(struct line));
	}
}

/* Where the hint is to go: where the key has one, else where there is none, else where chance (of
 * the lock's count) has it. */
static unsigned choose(const struct line *line, uint64_t mixed, bool *out_full)
{
	unsigned free_place = STORE_HINTS;

	*out_full = false;
	for (unsigned i = 0; i < STORE_HINTS; i++) {
		uint64_t address = atomic_load_explicit(&line->addresses[i], memory_order_relaxed);

		if (address == 0) {
			free_place = i;
		} else if (((address ^ mixed) >> ADDRESS_BITS) == 0) {
			return i;
		}
	}
	*out_full = free_place == STORE_HINTS;
	return *out_full ? atomic_load_explicit(&line->lock, memory_order_relaxed) / 2 % STORE_HINTS
			 : free_place;
}

void store_hints_put(struct store_hints *hints, uint64_t generation,
	const char kid[static STORE_KID], const struct store_place_of *place, uint64_t keys)
{
	uint64_t mixed = mix(kid);
	struct line *line = line_of(hints, mixed);
	uint32_t old = atomic_load_explicit(&line->lock, memory_order_relaxed);
	uint64_t address = (uintptr_t)place->at;
	unsigned chosen;
	bool full;

	if (generation == 0 || place->size > SIZE_MAX_HINT || address >> ADDRESS_BITS != 0 ||
		(old & 1) != 0 ||
		!atomic_compare_exchange_strong_explicit(
			&line->lock, &old, old + 1, memory_order_acquire, memory_order_relaxed)) {
		return;
	}
	if (atomic_load_explicit(&line->generation, memory_order_relaxed) != generation) {
		for (unsigned i = 0; i < STORE_HINTS; i++) {
			atomic_store_explicit(&line->addresses[i], 0, memory_order_release);
		}
		atomic_store_explicit(&line->generation, generation, memory_order_release);
	}
	chosen = choose(line, mixed, &full);
	atomic_store_explicit(&line->sizes[chosen], (uint16_t)place->size, memory_order_release);
	atomic_store_explicit(
		&line->addresses[chosen], address | tag_of(mixed), memory_order_release);
	atomic_store_explicit(&line->lock, old + 2, memory_order_release);
	if (full) {
		grow(hints, keys);
	}
}
