/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * usage_slot: 16 bytes for each key, its use; and what few keys have, apart: a last address,
 * denials, and a time that 32 bits cannot hold.
 *
 * A sequence lock guards both: odd while a thread writes. Every word is an atomic; words are
 * written with release and read with acquire, which orders them against the lock without fences.
 * Any thread.
 *
 * It is not the line of seqlock.h, for two reasons. A use is added to the one before and must not
 * be lost, so a thread waits for the lock; seqlock_put gives up. And its count and head of 32 bits
 * each leave 64 of the 128 bits for a time, 44 bits of uses and a permission: a slot would have 32
 * bytes, and the table of all keys twice its size. Here lock, state and the uses' upper part share
 * a word.
 */

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/keys/usage.h"

struct usage_slot {
	alignas(16) _Atomic uint32_t head; /* lock, state, and what of the uses has no room below */
	_Atomic uint32_t at;               /* Unix seconds; others are in usage_rare */
	_Atomic uint32_t uses;
	_Atomic uint32_t permission; /* one whose use is remembered; 0: none */
};

struct usage_rare {
	_Atomic uint64_t ip[2];
	_Atomic uint64_t denials;
	_Atomic uint64_t at; /* the time, if it has no room in the slot: before 1970, after 2106 */
};

/* Does a time have room in a slot? */
static inline bool usage_slot_fits(int64_t at)
{
	return at >= 0 && at <= UINT32_MAX;
}

/* The most uses of one key that are counted; the count stays at that (a million a second for half a
 * year). */
#define USAGE_MAX_USES ((UINT64_C(1) << 44) - 1)

/* A key's place in a segment. */
struct usage_at {
	struct usage_slot *slot;
	_Atomic(struct usage_rare *)
		*rares; /* the segment's; NULL until one of its keys needs it */
	uint32_t index;
};

bool usage_slot_is_loaded(struct usage_slot *slot);
/* Does nothing when another thread was first. Where `before` has an address or denials or a time
 * that does not fit, or the event below, *at->rares must be there. */
void usage_slot_load(const struct usage_at *at, const struct store_use *before);

enum usage_slot_counted {
	USAGE_WAS_CLEAN = 1 << 0,      /* its bit must be set */
	USAGE_NEW_PERMISSION = 1 << 1, /* another than the one that the slot has */
};
unsigned usage_slot_count(const struct usage_at *at, const struct usage_event *event);
/* The event's permission is remembered from now on. */
void usage_slot_set_permission(struct usage_slot *slot, uint32_t permission);

/* A loaded one counts from zero. */
void usage_slot_drop(const struct usage_at *at);

void usage_slot_read(const struct usage_at *at, struct store_use *out);
/* Reads and makes it clean. */
void usage_slot_take(const struct usage_at *at, struct store_use *out);
