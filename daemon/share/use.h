/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * use: what other hosts counted about keys: the sums of all stores but this one, in memory, as of
 * the last round (watcher_use.c).
 *
 * 48 bytes a key, in blocks of 1024 keys that are made when one of theirs was used elsewhere, or
 * here and put: about 50 MB for a million keys, and nothing in a single store. Keys of numbers from
 * SHARE_USE_NUMBERS on, about 67 million, have the counts of this host alone.
 *
 * Any thread may call share_use_add; the others are the watcher's. A lock guards all.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/record.h"

#define SHARE_USE_NUMBERS (UINT32_C(1) << 26)

struct share_use;
struct share_use_table;

int share_use_create(struct share_use_table **out);
void share_use_destroy(struct share_use_table *table); /* NULL is ignored */

/* Adds what other hosts counted. False: that is not known (yet). */
bool share_use_add(struct share_use_table *table, uint64_t number, struct store_use *use);

/* Forgets all: the store is another one. */
void share_use_begin_again(struct share_use_table *table);
/* A round has read all. */
void share_use_set_known(struct share_use_table *table);

/* What other hosts counted. */
int share_use_set(struct share_use_table *table, const struct share_use *sum);

/* Has this host counted more than was put last? */
bool share_use_is_news(struct share_use_table *table, uint64_t number, const struct store_use *own);
int share_use_note_put(struct share_use_table *table, uint64_t number, const struct store_use *own);
/* The same for the number of used permissions, which only grows. */
bool share_used_is_news(struct share_use_table *table, uint64_t number, uint32_t count);
int share_used_note_put(struct share_use_table *table, uint64_t number, uint32_t count);
