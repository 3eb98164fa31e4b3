/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * rotation: what a running daemon does about the secrets of keys (keys/secret_rules.h has the
 * rules).
 *
 * The first use of a pending secret confirms it: the decision is answered at once, and a job for
 * the writer makes the change; until that is durable each further use asks again, so that a daemon
 * that is killed in between loses nothing. A dead secret that is presented raises an alarm, at
 * most one an hour for each key, with a count. Main's thread looks through all keys, a slice at a
 * time, for what is due and what is about to end.
 */

#include <stdint.h>

#include "daemon/store/env.h"

struct current;
struct rotation;
struct usage;
struct writer;

/* All must outlive it, but the writer must end before, so that no job is left. */
struct rotation_parts {
	struct store *store;
	struct usage *usage;
	struct writer *writer;
	const struct current *current; /* looked at in the writer's thread */
};

int rotation_create(const struct rotation_parts *parts, struct rotation **out);
void rotation_destroy(struct rotation *rotation); /* NULL is ignored */

/* --- by any thread ---------------------------------------------------------------------------- */

/* A secret of the key that is dead was presented. */
void rotation_dead(struct rotation *rotation, const struct store_key *key);

/* A pending secret was used, and nothing but what it may do stood against it. `hash` is its
 * own. */
void rotation_first_use(struct rotation *rotation, uint64_t number, struct pol_str kid,
	const uint8_t hash[static STORE_HASH]);

struct rotation_counts {
	uint64_t dead; /* presentations of dead secrets, since the start */
	/* As of the last look at all keys. */
	uint64_t due;      /* to be renewed */
	uint64_t overdue;  /* whose secret died unrenewed */
	uint64_t expiring; /* within ROTATION_SOON */
};
void rotation_count(struct rotation *rotation, struct rotation_counts *out);

#define ROTATION_SOON ((int64_t)7 * 24 * 60 * 60) /* seconds before an end */

/* Looks at the next slice of keys. Main's thread, every second. */
void rotation_tick(struct rotation *rotation);
