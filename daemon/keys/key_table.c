/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/key_table.h"

void key_table_finish(struct key_table *table)
{
	for (size_t i = 0; i < KEY_TABLE_SEGMENTS; i++) {
		memory_release(atomic_load_explicit(&table->segments[i], memory_order_relaxed),
			MEMORY_HUGE);
	}
}

/* The segment before a new one has all of its keys, and they are used in no order. The segment of
 * the latest keys takes only what they need. */
static void make_huge(struct key_table *table, uint64_t index)
{
	uint8_t *segment = atomic_load_explicit(&table->segments[index], memory_order_seq_cst);

	if (segment != NULL) {
		memory_make_huge(segment, MEMORY_HUGE);
	}
}

void *key_table_add(struct key_table *table, size_t size, uint64_t number)
{
	uint64_t index = number / key_table_lines(size);
	uint8_t *made = memory_reserve(MEMORY_HUGE), *other = NULL;

	if (made == NULL) {
		return NULL;
	}
	if (!atomic_compare_exchange_strong_explicit(&table->segments[index], &other, made,
		    memory_order_seq_cst, memory_order_seq_cst)) {
		memory_release(made, MEMORY_HUGE);
	} else if (index > 0) {
		make_huge(table, index - 1);
	}
	return key_table_find(table, size, number);
}
