/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rotation: confirms new secrets, raises alarms for dead ones, and logs keys that are due or about
 * to expire. The rules are in keys/secret_rules.h.
 *
 * The first use of a pending secret confirms it: the decision is answered at once, and a job of the
 * writer changes the record. If that fails, the next use tries again. A dead secret that is
 * presented raises an alarm, at most one an hour for each key, with a count. The main thread scans
 * all keys, a slice at a time, for those that are due or about to expire.
 */

#include <stdint.h>

#include "daemon/store/env.h"

struct current;
struct rotation;
struct usage;
struct writer;

/* All must outlive the rotation, but the writer's thread must have ended before it is destroyed. */
struct rotation_parts {
	struct store *store;
	struct usage *usage;
	struct writer *writer;
	const struct current *current; /* read in the writer's thread */
};

/* 0 or a negative errno. */
int rotation_create(const struct rotation_parts *parts, struct rotation **out);
void rotation_destroy(struct rotation *rotation); /* NULL is ignored */

/* --- any thread ------------------------------------------------------------------------------- */

/* Counts a presentation of the key's dead secret, and raises an alarm. */
void rotation_dead(struct rotation *rotation, const struct store_key *key);

/* Confirms a pending secret at its first use. The caller has checked all but the permission: state,
 * networks and principal. `hash` is the secret's. */
void rotation_first_use(struct rotation *rotation, uint64_t number, struct pol_str kid,
	const uint8_t hash[static STORE_HASH]);

struct rotation_counts {
	uint64_t dead; /* presentations of dead secrets, since the start */
	/* Keys, as of the last scan. */
	uint64_t due;      /* to be rotated by their schedule */
	uint64_t overdue;  /* whose secret ended by its schedule */
	uint64_t expiring; /* that expire within ROTATION_SOON */
	/* All keys by status. */
	uint64_t active, inactive, expired, revoked, deleted;
};
void rotation_count(struct rotation *rotation, struct rotation_counts *out);

#define ROTATION_SOON ((int64_t)7 * 24 * 60 * 60) /* seconds before a key expires */

/* Scans the next slice of keys. The main thread, every second. */
void rotation_tick(struct rotation *rotation);
