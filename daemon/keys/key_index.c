/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/key_index.h"

#include <errno.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/memory.h"
#include "daemon/store/env.h"

enum {
	FIRST_LINES = 64,
	KEYS_A_LINE = 9, /* on average, when all are in use */
	NUMBER_BITS = 26,
	TAG_BITS = 32 - NUMBER_BITS, /* in the word with the number; 8 more in a byte */
};

struct key_index_line {
	alignas(64) _Atomic uint32_t words[KEY_INDEX_WAYS]; /* number and tag; 0: none */
	_Atomic uint8_t tags[KEY_INDEX_WAYS];
	_Atomic uint32_t next; /* the way that is replaced when all are taken */
};

_Static_assert(sizeof(struct key_index_line) == 64, "one cache line");
#define TABLE_BYTES (KEY_INDEX_LINES * sizeof(struct key_index_line))

struct key_index {
	_Atomic uint32_t used; /* lines in use; grows */
	struct key_index_line *lines;
};

int key_index_create(struct key_index **out)
{
	struct key_index *index = calloc(1, sizeof *index);

	if (index == NULL) {
		return -ENOMEM;
	}
	index->lines = memory_reserve(TABLE_BYTES);
	if (index->lines == NULL) {
		free(index);
		return -ENOMEM;
	}
	atomic_init(&index->used, FIRST_LINES);
	*out = index;
	return 0;
}

void key_index_destroy(struct key_index *index)
{
	if (index == NULL) {
		return;
	}
	memory_release(index->lines, TABLE_BYTES);
	free(index);
}

/* Ids are drawn at random, so any mix spreads them. (The constants are those of Steele's
 * SplitMix64.) */
static uint64_t mix(struct pol_str id)
{
	uint64_t head;
	uint32_t tail;
	uint64_t x;

	_Static_assert(STORE_KID == sizeof head + sizeof tail, "all of the id");
	memcpy(&head, id.ptr, sizeof head);
	memcpy(&tail, id.ptr + sizeof head, sizeof tail);
	x = head ^ tail * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	return x ^ x >> 31;
}

/* The lower half of the hash, as a fraction of the lines in use. */
static struct key_index_line *line_of(const struct key_index *index, uint64_t mixed)
{
	uint32_t used = atomic_load_explicit(&index->used, memory_order_relaxed);

	return &index->lines[(uint64_t)(uint32_t)mixed * used >> 32];
}

static uint32_t tag_of(uint64_t mixed)
{
	return (uint32_t)(mixed >> 32);
}

/* The upper bits of the tag go with the number. */
static uint32_t word_of(uint32_t tag, uint32_t number)
{
	return tag >> NUMBER_BITS << NUMBER_BITS | number;
}

void key_index_begin(const struct key_index *index, struct pol_str id, struct key_index_search *out)
{
	uint64_t mixed;

	if (id.len != STORE_KID) {
		out->way = KEY_INDEX_WAYS;
		return;
	}
	mixed = mix(id);
	*out = (struct key_index_search){ .line = line_of(index, mixed), .tag = tag_of(mixed) };
}

bool key_index_next(struct key_index_search *search, uint32_t *out_number)
{
	const struct key_index_line *line = search->line;

	while (search->way < KEY_INDEX_WAYS) {
		uint32_t way = search->way++;
		uint32_t word = atomic_load_explicit(&line->words[way], memory_order_relaxed);

		if ((word ^ search->tag) >> NUMBER_BITS == 0 && word != 0 &&
			atomic_load_explicit(&line->tags[way], memory_order_relaxed) ==
				(uint8_t)search->tag) {
			*out_number = word & ((UINT32_C(1) << NUMBER_BITS) - 1);
			return true;
		}
	}
	return false;
}

/* A line is full. Numbers are given in order, so the highest is the number of keys: the
 * table is emptied and has room for them, and keys are added again when they are looked up next.
 * One that is added meanwhile may be lost. */
static void grow(struct key_index *index, uint32_t number)
{
	uint32_t used = atomic_load_explicit(&index->used, memory_order_relaxed);
	uint32_t lines = number / KEYS_A_LINE + number / KEYS_A_LINE / 8;

	lines = lines < KEY_INDEX_LINES ? lines : KEY_INDEX_LINES;
	/* Not for each key that is made. */
	if (number / KEYS_A_LINE <= used || lines <= used ||
		!atomic_compare_exchange_strong_explicit(
			&index->used, &used, lines, memory_order_relaxed, memory_order_relaxed)) {
		return;
	}
	if (lines * sizeof(struct key_index_line) >= MEMORY_HUGE) {
		memory_make_huge(index->lines, lines * sizeof(struct key_index_line));
	}
	for (uint32_t i = 0; i < used; i++) {
		for (uint32_t way = 0; way < KEY_INDEX_WAYS; way++) {
			atomic_store_explicit(&index->lines[i].words[way], 0, memory_order_relaxed);
		}
	}
}

void key_index_add(struct key_index *index, struct pol_str id, uint32_t number)
{
	struct key_index_search search;
	struct key_index_line *line;
	uint32_t way = 0, found;

	key_index_begin(index, id, &search);
	if (search.way != 0 || number == 0 || number >> NUMBER_BITS != 0) {
		return;
	}
	line = line_of(index, mix(id));
	while (key_index_next(&search, &found)) {
		if (found == number) {
			return;
		}
	}
	while (way < KEY_INDEX_WAYS &&
		atomic_load_explicit(&line->words[way], memory_order_relaxed) != 0) {
		way++;
	}
	if (way == KEY_INDEX_WAYS) {
		grow(index, number);
		way = atomic_fetch_add_explicit(&line->next, 1, memory_order_relaxed) %
		      KEY_INDEX_WAYS;
	}
	atomic_store_explicit(&line->tags[way], (uint8_t)search.tag, memory_order_relaxed);
	atomic_store_explicit(&line->words[way], word_of(search.tag, number), memory_order_relaxed);
}

void key_index_prefetch(const struct key_index *index, struct pol_str id)
{
	if (id.len == STORE_KID) {
		__builtin_prefetch(line_of(index, mix(id)));
	}
}
