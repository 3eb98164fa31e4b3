/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pepper: moves the hashes of secrets from the old pepper to the new one while the daemon runs.
 *
 * A hash needs its token, so each secret moves when it is used next: the thread that verified it
 * under the old pepper queues its new hash, and a job of the writer stores it in the record. When
 * no key needs the old pepper any more, it is dropped. To find that out, jobs scan all keys, a
 * slice in each job, so that other changes are not delayed: at the start, after secrets moved, and
 * every PEPPER_IDLE ticks. The scan also finds the keys whose pepper the file does not hold.
 *
 * A rotation changes the store first: its transaction enters it in the trail and names the number
 * of the new pepper. The file is replaced after the commit; then a job removes the number from the
 * store. If the daemon ends in between, the first job of the next start does what is left.
 *
 * In a shared store each step of a rotation is a row of the log, which every host's file follows
 * (share/pepper.h): pepper.rotate stages a new pepper; when all hosts that are not gone have
 * reported that they have it, the first job on any host that finds this takes it into use; when the
 * first scan on any host finds no key that needs the old one, its job drops that. A row that a host
 * makes after the switch is made by the new pepper, since a host applies all rows before it makes
 * one.
 *
 * Revoked keys do not count, since they stay revoked. Disabled, expired and deleted keys count
 * until they are removed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "daemon/store/env.h"

struct audit_change;
struct pepper;
struct share;
struct writer;

#define PEPPER_QUEUE 1024 /* secrets that wait for the writer; others move at a later use */
#define PEPPER_MOVES 64   /* secrets in one job */
#define PEPPER_SLICE 2048 /* keys scanned in one job */
#define PEPPER_IDLE  60   /* ticks between scans */

/* 0 or a negative errno. Store, writer and share (NULL: the store is never shared) must outlive it,
 * but the writer's thread must have ended before it is destroyed. */
int pepper_create(
	struct store *store, struct writer *writer, struct share *share, struct pepper **out);
void pepper_destroy(struct pepper *pepper); /* NULL is ignored */

/* Is this secret of the key, the current or the other one, hashed with another pepper than the
 * current one? Any thread. */
bool pepper_is_old(const struct pepper *pepper, const struct store_key *key, bool other);
/* Queues a secret of the key that was verified under the old pepper; `hash` is its hash under the
 * current one, `number` of which was read before. Any thread. */
void pepper_move(struct pepper *pepper, const struct store_key *key, bool other, uint8_t number,
	const uint8_t hash[static STORE_HASH]);

/* The main thread, every SWEEP_SECONDS (sweep.h). */
void pepper_tick(struct pepper *pepper);
/* No job is submitted from then on. NULL is ignored. Any thread. */
void pepper_stop(struct pepper *pepper);

/* The number of keys that had a secret under the old pepper in the last scan. False: no scan has
 * ended since the daemon started or the pepper was rotated. Any thread. */
bool pepper_left(struct pepper *pepper, uint64_t *out);

/* The keys that the last scan found to need a pepper which the file does not hold, of how many.
 * False: none was found. The log reports them after the first scan, which begins with the daemon.
 * Any thread. */
bool pepper_lost(struct pepper *pepper, struct store_lost *out);

/* Puts a step of the rotation of a shared store, with its entry. The writer's thread. -EBUSY: the
 * step cannot follow. */
int pepper_put_step(
	struct pepper *pepper, const struct audit_change *change, enum secret_step step);

/* Makes the new pepper of a rotation that was committed, in a single store. On failure, or if the
 * daemon ends before, a later job makes it. The writer's thread, outside of transactions. 0 or a
 * negative errno. */
int pepper_rotate(struct pepper *pepper, char why[static SECRET_WHY]);
