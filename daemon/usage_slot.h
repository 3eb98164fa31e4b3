/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * usage_slot: one cache line for each key: which token was verified, and the key's use.
 *
 * A sequence lock guards it: odd while somebody writes. Every word is an atomic; words are written
 * with release and read with acquire, which orders them against the lock without fences. Any
 * thread.
 */

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "daemon/usage.h"

enum usage_slot_state {
	USAGE_LOADED = 1 << 0, /* the counts hold what was stored before */
	USAGE_DIRTY = 1 << 1,  /* its bit is set, or about to be */
	USAGE_HAS_IP = 1 << 2,
	USAGE_HIGH = 8, /* from this bit on: what of the denials does not fit into their word */
};

struct usage_slot {
	alignas(64) _Atomic uint32_t lock;
	_Atomic uint32_t state;
	_Atomic uint64_t at;
	_Atomic uint64_t mark[2];
	_Atomic uint64_t ip[2];
	_Atomic uint64_t uses;
	_Atomic uint32_t denials;
	_Atomic uint32_t permission; /* one whose use is remembered; 0: none */
};

/* Compares in constant time; false while somebody writes: the caller then verifies in full. */
bool usage_slot_has_mark(struct usage_slot *slot, const uint64_t mark[static 2]);
void usage_slot_set_mark(struct usage_slot *slot, const uint64_t mark[static 2]);

bool usage_slot_is_loaded(struct usage_slot *slot);
/* Does nothing when somebody else was first. */
void usage_slot_load(struct usage_slot *slot, const struct store_use *before);

enum usage_slot_counted {
	USAGE_WAS_CLEAN = 1 << 0,      /* its bit must be set */
	USAGE_NEW_PERMISSION = 1 << 1, /* another than the one that the slot has */
};
unsigned usage_slot_count(struct usage_slot *slot, const struct usage_event *event);
/* The event's permission is remembered from now on. */
void usage_slot_set_permission(struct usage_slot *slot, uint32_t permission);

void usage_slot_read(struct usage_slot *slot, struct store_use *out);
/* Reads and makes it clean. */
void usage_slot_take(struct usage_slot *slot, struct store_use *out);
