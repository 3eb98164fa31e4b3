/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * principal_cache: what principals of the store are and hold, so that a decision need not look up,
 * check and resolve the same one again.
 *
 * One table for all workers, of lines of 64 bytes (seqlock.h), found by tenant and id. An entry
 * holds for one serial of the policy, whose numbers its roles are. It says nothing that depends on
 * time or place: a principal that holds a role until some moment, or in some places, is looked up
 * each time. It is never a verdict.
 *
 * The writer of the store drops the principals that a transaction changes, before it commits
 * (store_watch). An entry is put by a reader whose view is not older than that.
 *
 * The table is reserved for PRINCIPAL_CACHE_LINES and used as far as principals fill it. Any
 * thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

struct principal_cache;

/* 16 MiB at most, for about 230,000 principals in use; beyond, they take turns. */
#define PRINCIPAL_CACHE_LINES (UINT32_C(1) << 18)
/* Roles that fit a line, in 16 bits each. A principal that holds more, or one of a higher number,
 * is not kept. */
#define PRINCIPAL_CACHE_ROLES    5
#define PRINCIPAL_CACHE_MAX_ROLE (UINT16_MAX - 1)
/* Bytes of an id that fit a line: a UUID does. */
#define PRINCIPAL_CACHE_ID 39

struct principal_state {
	uint32_t flags; /* of enum store_principal_flag, a byte */
	uint32_t role_count;
	uint32_t roles[PRINCIPAL_CACHE_ROLES]; /* numbers of the snapshot, POL_NONE included */
};

/* Who it is, as of which policy. */
struct principal_cache_key {
	uint64_t words[6];
	uint64_t hash;
};

/* An entry, as it was put or found: good while the line is not written again. */
struct principal_ref {
	uint32_t line;
	uint32_t count; /* odd: none */
};
#define PRINCIPAL_REF_NONE ((struct principal_ref){ .count = 1 })

struct principal_name {
	uint32_t tenant;
	size_t len;
	char id[PRINCIPAL_CACHE_ID + 1];
};

int principal_cache_create(struct principal_cache **out);
void principal_cache_destroy(struct principal_cache *cache); /* NULL is ignored */

/* false: the id is too long to be kept. */
bool principal_cache_key_make(
	uint64_t serial, uint32_t tenant, struct pol_str id, struct principal_cache_key *out);

/* false: it is not known as of that policy. */
bool principal_cache_find(struct principal_cache *cache, const struct principal_cache_key *key,
	struct principal_state *out, struct principal_ref *out_ref);
/* The same, of an entry that was found before. */
bool principal_cache_recall(struct principal_cache *cache, struct principal_ref ref,
	uint64_t serial, struct principal_state *out, struct principal_name *out_name);
/* view: store_read_view of the reader that found it; 0 puts nothing. Returns an empty reference if
 * nothing was put. */
struct principal_ref principal_cache_put(struct principal_cache *cache,
	const struct principal_cache_key *key, const struct principal_state *state, uint64_t view);

/* The writer of the store alone, before it commits the transaction `version`. */
void principal_cache_drop(
	struct principal_cache *cache, uint64_t version, uint32_t tenant, struct pol_str id);
void principal_cache_drop_all(struct principal_cache *cache, uint64_t version);
