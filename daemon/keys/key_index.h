/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * key_index: from a key's id to its number, most likely.
 *
 * A table of lines of 64 bytes, each for KEY_INDEX_WAYS keys whose ids fall upon it. It keeps 26
 * bits of the number and 14 bits that distinguish ids, no more, and no lock: what it gives is a
 * guess that the caller checks. A key's number never changes, so nothing is ever dropped. What does
 * not fit takes the place of another key, which is added again when it is looked up.
 *
 * The table is reserved for KEY_INDEX_LINES and used as far as keys fill it. Any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

struct key_index;

#define KEY_INDEX_WAYS 12
/* 16 MiB at most, for some two million keys in use. */
#define KEY_INDEX_LINES (UINT32_C(1) << 18)

int key_index_create(struct key_index **out);
void key_index_destroy(struct key_index *index); /* NULL is ignored */

/* id: STORE_KID bytes; another length has no number. number: from 1, below 2^26. */
void key_index_add(struct key_index *index, struct pol_str id, uint32_t number);

struct key_index_search {
	const struct key_index_line *line;
	uint32_t tag;
	uint32_t way;
};
void key_index_begin(
	const struct key_index *index, struct pol_str id, struct key_index_search *out);
/* The next number that the key may have; false: there is none left. */
bool key_index_next(struct key_index_search *search, uint32_t *out_number);

/* Fetches the line that a search for the id reads. */
void key_index_prefetch(const struct key_index *index, struct pol_str id);
