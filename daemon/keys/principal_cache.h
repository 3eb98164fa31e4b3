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
 * The table is reserved for PRINCIPAL_CACHE_LINES and used as far as principals fill it. Any
 * thread; a slot is guarded by a sequence lock (odd: somebody writes), and a reader who meets a
 * writer finds nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "policy/text/str.h"

struct principal_cache;

/* 8 MiB at most, reached with some 65,000 principals in use; beyond, they take turns. */
#define PRINCIPAL_CACHE_LINES (UINT32_C(1) << 17)
/* Roles that fit a slot, in 16 bits each; who holds more, or one of a higher number, is not kept.
 */
#define PRINCIPAL_CACHE_ROLES    5
#define PRINCIPAL_CACHE_MAX_ROLE (UINT16_MAX - 1)

struct principal_state {
	uint32_t flags; /* of enum store_principal_flag, a byte */
	uint32_t role_count;
	uint32_t roles[PRINCIPAL_CACHE_ROLES]; /* numbers of the snapshot, POL_NONE included */
};

/* Where one is kept, and as of when. */
struct principal_cache_key {
	uint64_t generation; /* of the store, loaded before the transaction was renewed; 0: none */
	uint64_t serial;     /* of the policy */
	uint64_t mark[2];
};

int principal_cache_create(struct principal_cache **out);
void principal_cache_destroy(struct principal_cache *standings); /* NULL is ignored */

/* As of the generation and serial that *out has. The id is at most STORE_MAX_NAME bytes; a longer
 * one has no key: false. */
bool principal_cache_key_make(const struct secrets *secrets, uint32_t tenant, struct pol_str id,
	struct principal_cache_key *out);

/* false: not known as of exactly then. */
bool principal_cache_find(struct principal_cache *standings, const struct principal_cache_key *key,
	struct principal_state *out);
/* Drops whoever was there. */
void principal_cache_put(struct principal_cache *standings, const struct principal_cache_key *key,
	const struct principal_state *standing);
