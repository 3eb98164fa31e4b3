/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * learned: which permissions each key has used, as hashes of their names. Part of usage.
 *
 * A mark of 32 bits stands for the permission; each policy has marks of its own. Whether it is
 * remembered already is asked at every decision: the key's slot knows the last one, and a table of
 * fixed size here most of the others. Only what neither knows gets its name, its hash and a place
 * in the queue; the writer adds it to the stored set, or sees that it is there. So both may forget,
 * and a daemon that is killed learns again what it had not written.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"

struct learned;

/* What waits for the writer; beyond it a use is learnt when it comes again. */
#define LEARNED_QUEUE 65536
/* Keys of one slice of a flush. */
#define LEARNED_SLICE 256

int learned_create(struct learned **out);
void learned_destroy(struct learned *learned); /* NULL is ignored */

/* --- any thread ------------------------------------------------------------------------------- */

bool learned_knows(struct learned *learned, uint64_t number, uint32_t mark);
/* false: there is no room, it is not remembered. */
bool learned_learn(struct learned *learned, uint64_t number, uint32_t mark, uint64_t hash);

/* --- the writer's ----------------------------------------------------------------------------- */

/* Writes a slice, as usage_flush. */
int learned_flush(struct learned *learned, struct store_write *write, bool *out_more);
void learned_flushed(struct learned *learned, bool committed);
