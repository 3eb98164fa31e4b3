/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * usage: which tokens were verified, and when keys were last used.
 *
 * One slot of 32 bytes a key, found by the key's number, in segments that are made when first
 * touched; what few keys have (a last address, denials) lies apart. A slot says "this token is the
 * one whose hash this is", never a verdict: SipHash-128 of the whole token under a key of this
 * process, exclusive-or the stored hash's first half, so that it is worth nothing for another
 * secret of the same key. And it holds the use: time, address, counts, complete from the first
 * touch on (the stored counts are read then).
 *
 * All functions but those of flushing may be called by any thread. A slot is guarded by a sequence
 * lock: an odd number means that somebody writes; its words are atomics.
 */

#include <stdbool.h>
#include <stdint.h>

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

/* Which of the record's secrets is the token, sound or merely split? What it verified a moment ago
 * it knows again if that is one of `recognise` (bits of enum key_secret), else it hashes,
 * always. Leave out what will be refused anyway: a refusal must not show by its time that the
 * secret was right. Whether the secret it found is still good is secret_rules_live's to say. key
 * NULL: the same cost, and GENERATION_WRONG. */
enum key_secret usage_verify(struct usage *usage, const struct secret_token *token,
	const struct store_key *key, unsigned recognise);

/* Has the slot at hand that the key of that number has, if there is one. */
void usage_warm(struct usage *usage, uint64_t number);

struct usage_event {
	int64_t now;
	const struct pol_ip *ip; /* not known: the last known one stays */
	bool denied;
	uint32_t permission; /* the mark of the one that was used; 0: none was */
};

/* Counts one decision about a verified key. true: that its permission was used is not remembered
 * yet, so call usage_learn. */
bool usage_count(struct usage *usage, struct store_read *read, uint64_t number,
	const struct usage_event *event);

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
struct denials *usage_denied(struct usage *usage);

/* The use of a key as of now, flushed or not. */
int usage_get(struct usage *usage, struct store_read *read, uint64_t number, struct store_use *out);

/* Writes a slice of what was used since the last flush, in order of numbers; the writer's thread
 * alone. *out_more: call again. Call usage_flushed when the transaction has ended: a failed one
 * leaves all for the next. */
int usage_flush(struct usage *usage, struct store_write *write, bool *out_more);
void usage_flushed(struct usage *usage, bool committed);
