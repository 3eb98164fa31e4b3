/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * standing: how principals of the store stood a moment ago, so that the same one need not be looked
 * up, checked and resolved again at each decision.
 *
 * One table for all workers, of lines of 64 bytes for two principals each, found by SipHash-128 of
 * tenant, id, the store's generation and the policy's serial under a key of this process. So what
 * is kept holds for exactly that state: any change of either, and nothing old is found. Kept are
 * facts that do not change with time: whoever holds a role until some moment, or in some places,
 * is looked up each time. It is never a verdict.
 *
 * The table is reserved for STANDING_LINES and used as far as principals fill it. Any thread; a
 * slot is guarded by a sequence lock (odd: somebody writes), and a reader who meets a writer finds
 * nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "policy/text/str.h"

struct standings;

/* 8 MiB at most, reached with some 65,000 principals in use; beyond, they take turns. */
#define STANDING_LINES (UINT32_C(1) << 17)
/* Roles that fit a slot, in 16 bits each; who holds more, or one of a higher number, is not kept.
 */
#define STANDING_ROLES    5
#define STANDING_MAX_ROLE (UINT16_MAX - 1)

struct standing {
	uint32_t flags; /* of enum store_principal_flag, a byte */
	uint32_t role_count;
	uint32_t roles[STANDING_ROLES]; /* numbers of the snapshot, POL_NONE included */
};

/* Where one is kept, and as of when. */
struct standing_key {
	uint64_t generation; /* of the store, loaded before the transaction was renewed; 0: none */
	uint64_t serial;     /* of the policy */
	uint64_t mark[2];
};

int standings_create(struct standings **out);
void standings_destroy(struct standings *standings); /* NULL is ignored */

/* As of the generation and serial that *out has. The id is at most STORE_MAX_NAME bytes; a longer
 * one has no key: false. */
bool standing_key_make(const struct secrets *secrets, uint32_t tenant, struct pol_str id,
	struct standing_key *out);

/* false: not known as of exactly then. */
bool standing_find(
	struct standings *standings, const struct standing_key *key, struct standing *out);
/* Drops whoever was there. */
void standing_put(struct standings *standings, const struct standing_key *key,
	const struct standing *standing);
