/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * learned: which permissions each key has used, as hashes of their names. usage.c calls it.
 *
 * `mark` is 32 bits that identify a permission in one policy. Each decision asks whether its mark
 * is known: the key's slot in usage.c has the last one, and a table of fixed size here has most of
 * the others. Only for a mark that neither has is the name looked up and hashed, and the hash
 * queued; the writer adds it to the stored set unless it is in it. Therefore both may forget, and a
 * daemon that is killed learns again what it had not written.
 *
 * An entry of the table is one word, which is loaded and stored whole, so it needs no sequence
 * lock; and it is never dropped, since what a key has used remains true.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"

struct learned;

/* Hashes that wait for the writer. A further one is learned at the key's next use of it. */
#define LEARNED_QUEUE 65536
/* Keys of one slice of a flush. */
#define LEARNED_SLICE 256

int learned_create(struct learned **out);
void learned_destroy(struct learned *learned); /* NULL is ignored */

/* --- any thread ------------------------------------------------------------------------------- */

bool learned_knows(struct learned *learned, uint64_t number, uint32_t mark);
/* false: there is no room, it is not remembered. */
bool learned_learn(struct learned *learned, uint64_t number, uint32_t mark, uint64_t hash);

/* The same for a hash whose mark nobody asks about: from another host. */
bool learned_add(struct learned *learned, uint64_t number, uint64_t hash);

/* --- the writer's ----------------------------------------------------------------------------- */

/* Writes a slice, as usage_flush. */
int learned_flush(struct learned *learned, struct store_write *write, bool *out_more);
void learned_flushed(struct learned *learned, bool committed);
/* Forgets all. */
void learned_begin_again(struct learned *learned);
