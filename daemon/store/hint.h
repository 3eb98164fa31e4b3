/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store_hint: where in the map the records of keys lie, so that the tree need not be searched each
 * time: in a store of a million keys that search is most of what a token costs, a dozen lines of
 * memory that are in no cache.
 *
 * One table for all readers, of lines of 64 bytes, each for HINTS keys whose ids fall upon it. A
 * hint holds for exactly one generation of the store, and for readers who see no other: within one
 * generation the pages of the keys' tree do not change, and nobody writes over them (store_txn.c).
 * It says where to look, and never what is there: the record is unsealed as every other, and must
 * be of the key that was asked for.
 *
 * Memory that no hint touched is not there; the table grows with the keys that are used. Any
 * thread; each line is guarded by a sequence lock (odd: somebody writes), and a reader who meets a
 * writer finds nothing.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/env.h"

struct store_hints;

#define STORE_HINTS 5 /* of a line */
/* 32 MiB at most, for some two million keys in use; beyond, they take turns. */
#define STORE_HINT_LINES (UINT32_C(1) << 19)

struct store_place_of {
	const uint8_t *at;
	size_t size;
};

int store_hints_create(struct store_hints **out);
void store_hints_destroy(struct store_hints *hints); /* NULL is ignored */

/* generation 0 finds nothing and keeps nothing. What is found may be another key's record. */
bool store_hints_find(struct store_hints *hints, uint64_t generation,
	const char kid[static STORE_KID], struct store_place_of *out);
/* keys: how many the store has; the table grows towards room for all of them. */
void store_hints_put(struct store_hints *hints, uint64_t generation,
	const char kid[static STORE_KID], const struct store_place_of *place, uint64_t keys);
