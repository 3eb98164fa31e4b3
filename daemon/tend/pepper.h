/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pepper: from the old pepper to the new one, while the daemon runs.
 *
 * A hash cannot be made again without its token, so each secret moves when it is used next: the
 * thread that verified it under the old pepper queues its new hash, and a job of the writer puts it
 * into the record. When no key is left that might need the old pepper, it is dropped. Until that is
 * known, jobs look through all keys, a slice each, after the jobs that wait: again when secrets
 * moved, and every PEPPER_IDLE ticks.
 *
 * Revoked keys do not count: they never come back. Keys that are disabled, expired or deleted count
 * until they are removed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/env.h"

struct pepper;
struct writer;

#define PEPPER_QUEUE 1024 /* secrets that wait for the writer; more move when they come again */
#define PEPPER_MOVES 64   /* in one job */
#define PEPPER_SLICE 2048 /* keys looked at in one job */
#define PEPPER_IDLE  60

/* Both must outlive it, but the writer must end before the pepper is destroyed. */
int pepper_create(struct store *store, struct writer *writer, struct pepper **out);
void pepper_destroy(struct pepper *pepper); /* NULL is ignored */

/* Any thread: is this secret of the key, the current or the other one, under another pepper than
 * the one in use? */
bool pepper_is_old(const struct pepper *pepper, const struct store_key *key, bool other);
/* Any thread: a secret of the key was verified under the old pepper; this is its hash under the one
 * in use. */
void pepper_move(struct pepper *pepper, const struct store_key *key, bool other,
	const uint8_t hash[static STORE_HASH]);

/* Main's thread, every SWEEP_SECONDS. */
void pepper_tick(struct pepper *pepper);
/* Nothing is submitted from then on but what is under way. */
void pepper_stop(struct pepper *pepper);

/* Any thread: keys that had a secret under the old pepper when all were last looked at, and whether
 * they were since the last rotation. */
bool pepper_left(struct pepper *pepper, uint64_t *out);
/* The writer's: the pepper was rotated. */
void pepper_rotated(struct pepper *pepper);
