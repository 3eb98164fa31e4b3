/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * key_table: a line of memory for each key, found by the key's number.
 *
 * The lines lie in segments of one huge page. A segment is made when the first of its keys is
 * touched, and stays where it is until the table is finished, so a pointer to a line remains valid.
 * A line that was never written is zeroes. What guards a line against other threads is its user's
 * choice: seqlock.h in key_cache, usage_slot.h in usage.
 *
 * The size of a line is a power of two, the same in all calls for one table, and a constant there.
 * Any thread may call find and make.
 */

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/host/memory.h"

/* Keys of higher numbers, from about 67 million on, have no line. */
#define KEY_TABLE_NUMBERS (UINT32_C(1) << 26)

/* Bytes of a line, at most. */
#define KEY_TABLE_LINE ((size_t)32)

#define KEY_TABLE_SEGMENTS (KEY_TABLE_NUMBERS / (MEMORY_HUGE / KEY_TABLE_LINE))

/* Zeroes are a table without segments. */
struct key_table {
	_Atomic(uint8_t *) segments[KEY_TABLE_SEGMENTS];
};

void key_table_finish(struct key_table *table);

/* Lines in one segment. */
static inline uint64_t key_table_lines(size_t size)
{
	return MEMORY_HUGE / size;
}

/* NULL: no key of its segment was touched, or the number is too high. */
static inline void *key_table_find(const struct key_table *table, size_t size, uint64_t number)
{
	uint64_t lines = key_table_lines(size);
	uint8_t *segment = number < KEY_TABLE_NUMBERS
				   ? atomic_load_explicit(
					     &table->segments[number / lines], memory_order_seq_cst)
				   : NULL;

	return segment != NULL ? segment + number % lines * size : NULL;
}

/* As key_table_find for a number below KEY_TABLE_NUMBERS, after its segment was made. NULL: there
 * is no memory. */
void *key_table_add(struct key_table *table, size_t size, uint64_t number);

/* The same line, whether its segment is there or not. NULL: there is no memory, or the number is
 * too high. */
static inline void *key_table_make(struct key_table *table, size_t size, uint64_t number)
{
	void *found = key_table_find(table, size, number);

	return found != NULL || number >= KEY_TABLE_NUMBERS ? found
							    : key_table_add(table, size, number);
}
