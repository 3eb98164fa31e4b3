/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * usage: which tokens were verified (key_cache.h), and when keys were last used.
 *
 * One slot of 16 bytes a key in a key_table, by the key's number; what few keys have (a last
 * address, denials) lies apart. It holds the use: time, address, counts, complete from the first
 * touch on (the stored counts are read then).
 *
 * All functions but those of flushing may be called by any thread. A slot is guarded by a sequence
 * lock: an odd number means that a thread writes; its words are atomics.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/keys/key_cache.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/secret/token.h"
#include "daemon/store/env.h"
#include "policy/snapshot/module.h"

struct denials;
struct usage;

int usage_create(struct store *store, struct usage **out);
void usage_destroy(struct usage *usage); /* NULL is ignored */

/* Keys written by one call of usage_flush. */
#define USAGE_SLICE 1024

/* A token that is presented, sound or merely split. */
struct usage_token {
	const struct secret_token *token;
	uint64_t mark[2]; /* SipHash-128 of the whole token under a key of this process */
	uint64_t view;    /* store_read_view of the reader that its record is read with; 0: none */
};
void usage_token_make(struct usage *usage, const struct secret_token *token, uint64_t view,
	struct usage_token *out);

/* All that a decision needs of the token's key, if that is known: the token is its current secret,
 * and the record need not be read. */
bool usage_recall(struct usage *usage, const struct usage_token *token, struct key_known *out);
/* The token was verified as the current secret of this key. */
void usage_remember(
	struct usage *usage, const struct usage_token *token, const struct key_known *known);

/* Which of the record's secrets is the token? What was verified before is known again if that is
 * one of `recognise` (bits of enum key_secret), else it is hashed, always. Leave out what will be
 * refused anyway: a refusal must not show by its time that the secret was right. Whether the secret
 * it found is still good is secret_rules_live's to say. key NULL: the same cost, and
 * KEY_SECRET_WRONG. */
enum key_secret usage_verify(struct usage *usage, const struct usage_token *token,
	const struct store_key *key, unsigned recognise);

/* Forgets what is known of the key, or of all; the writer of the store alone, before it commits the
 * transaction `version`. */
void usage_drop(struct usage *usage, uint64_t version, uint64_t number);
void usage_drop_all(struct usage *usage, uint64_t version);

struct usage_event {
	int64_t now;
	const struct pol_ip *ip; /* not known: the last known one stays */
	bool denied;
	uint32_t permission; /* the mark of the one that was used; 0: none was */
	uint32_t more;       /* further decisions that are counted with this one */
};

/* Counts decisions about a verified key. true: that its permission was used is not remembered
 * yet, so call usage_learn. */
bool usage_count(struct usage *usage, struct store_read *read, uint64_t number,
	const struct usage_event *event);

/* Takes the time of usage_count and denials_add for a key that was used before, and counts nothing:
 * a refusal must not show by its time that there is a key. */
void usage_spend(struct usage *usage, const struct usage_event *event);

/* The mark of a permission of the policy with that serial. */
static inline uint32_t usage_permission(uint64_t serial, uint32_t permission)
{
	uint32_t mark =
		(permission + 1) * UINT32_C(0x9e3779b1) ^ (uint32_t)serial * UINT32_C(0x85ebca6b);

	return mark != 0 ? mark : 1;
}

/* By what hash the use of a permission of that name is remembered; never 0. */
uint64_t usage_name_hash(struct usage *usage, struct pol_str name);

/* Remembers that the key used a permission of that name, whose mark it is. */
void usage_learn(struct usage *usage, uint64_t number, uint32_t permission, struct pol_str name);

/* Why keys were denied; lives as long as the usage. */
struct denials *usage_denials(struct usage *usage);

/* Remembers that a key used a permission on another host, by the hash of its name, which the next
 * flush writes. False: there is no room now. */
bool usage_learn_hash(struct usage *usage, uint64_t number, uint64_t hash);

/* Forgets all use: the store was replaced. The writer's thread, after the commit. */
void usage_begin_again(struct usage *usage);

/* The use of a key as of now, flushed or not; and by day. */
int usage_get(struct usage *usage, struct store_read *read, uint64_t number, struct store_use *out);
int usage_get_days(
	struct usage *usage, struct store_read *read, uint64_t number, struct store_days *out);

/* Writes a slice of what was used since the last flush, in order of numbers, and the latest time
 * (store/clock.h); the writer's thread alone. *out_more: call again. Call usage_flushed when the
 * transaction has ended: a failed one leaves all for the next. */
int usage_flush(struct usage *usage, struct store_write *write, bool *out_more);
void usage_flushed(struct usage *usage, bool committed);
