/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * key_cache: what is known of a key: which token was verified as its own, and, of most keys, all
 * that a decision needs.
 *
 * One line of 32 bytes (seqlock.h) a key in a key_table, by the key's number. It is found by the
 * token's id through an index of numbers. The index may be wrong: a line counts for a token only by
 * its mark, SipHash-128 of the whole token under a key of this process. It says "this token is this
 * secret of this key", and until when the key counts and which principal it is bound to; never a
 * verdict. Whether the key has expired, whether it is presented in its environment, and what its
 * tenant is now, is judged at each decision.
 *
 * The writer of the store drops the keys that a transaction changes, before it commits
 * (store_watch). A line is put by a reader whose view is not older than that. What is known of the
 * principal lies in principal_cache: the line refers to it, and to no later one.
 *
 * Any thread, except the drops.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/keys/principal_cache.h"
#include "policy/text/str.h"

struct key_cache;

/* Names of environments that are kept; keys of further ones are looked up each time. */
#define KEY_CACHE_ENVIRONMENTS 62

int key_cache_create(struct key_cache **out);
void key_cache_destroy(struct key_cache *cache); /* NULL is ignored */

/* What a decision needs of a key that is bound to a principal, not narrowed, neither disabled nor
 * revoked nor deleted, neither rotating nor on a schedule, in use from the beginning. */
struct key_known {
	uint64_t number;
	int64_t expires_at; /* 0: never */
	struct pol_str environment;
	uint8_t pepper; /* number of the one that its hash is under */
	struct principal_ref principal;
};

/* Is the token with this mark the secret of a key of which all is known? */
bool key_cache_find(struct key_cache *cache, struct pol_str kid, const uint64_t mark[static 2],
	struct key_known *out);

/* Which secret of the key of that number is the token with this mark? A bit of enum key_secret, or
 * 0: not known. */
unsigned key_cache_recognise(
	struct key_cache *cache, uint64_t number, const uint64_t mark[static 2]);

/* The token with this mark was verified as that secret. view: store_read_view of the
 * reader that found the key's record; 0 puts nothing. */
void key_cache_put_mark(struct key_cache *cache, uint64_t number, const uint64_t mark[static 2],
	unsigned which, uint64_t view);
/* The token with this mark, and that id, was verified as the key's current secret. */
void key_cache_put(struct key_cache *cache, struct pol_str kid, const uint64_t mark[static 2],
	const struct key_known *known, uint64_t view);

/* Fetches the line of memory that key_cache_find reads first for the id. */
void key_cache_prefetch(const struct key_cache *cache, struct pol_str kid);

/* The writer of the store alone, before it commits the transaction `version`. */
void key_cache_drop(struct key_cache *cache, uint64_t version, uint64_t number);
void key_cache_drop_all(struct key_cache *cache, uint64_t version);
