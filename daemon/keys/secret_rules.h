/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * secret_rules: the rules of a key's secrets: which of them are valid at a given time, and how a
 * rotation, a confirmation, a finish and a rollback change them. The functions work on a record in
 * memory; they read and write no store, and do not wait.
 *
 * A key has its current secret and at most one other: a retiring one, which was current and is
 * valid until a given time, or a pending one, which becomes current when it is first used. On a
 * schedule the current secret ends at renew_by, renewed or not. When a secret has ended, the record
 * keeps a tag of its hash, by which an alarm distinguishes it from a wrong secret.
 *
 * Times are Unix seconds by the wall clock. No function here fails.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "daemon/store/env.h"
#include "policy/snapshot/module.h"

/* A pending secret that nobody uses is dropped after seven days. */
#define SECRET_RULES_PENDING ((int64_t)7 * 24 * 60 * 60)

enum rotation_mode {
	ROTATION_OVERLAP = 0, /* the new one is current, the old one retires */
	ROTATION_CONFIRM,     /* the new one is pending, the old one stays current until then */
	ROTATION_IMMEDIATE,   /* the new one is current, all others are dead */
};

/* Which secret was presented; the first two are bits of secret_rules_live. */
enum key_secret {
	KEY_SECRET_WRONG = 0,
	KEY_SECRET_CURRENT = 1,
	KEY_SECRET_OTHER = 2,
	KEY_SECRET_DEAD = 4, /* was one once */
};

/* Which of the key's secrets are good; the state of the key is another matter. */
unsigned secret_rules_live(const struct store_key *key, int64_t now);
/* The state of the key: revoked, inactive, expired or active; what `status` of its record says. */
enum pol_key_state secret_rules_state(const struct store_key *key, int64_t now);
/* What the other one is now: nothing, when its time is over. */
enum store_other secret_rules_other(const struct store_key *key, int64_t now);
/* Is it time to renew? */
bool secret_rules_is_due(const struct store_key *key, int64_t now);
/* Is that the hash of a secret of this key that died? In constant time, however many
 * there are. */
bool secret_rules_is_dead(
	const struct secrets *secrets, const struct store_key *key, const uint8_t *hash);

/* What a changed record points to: it lives as long as the record is used. */
struct secret_rules_buffer {
	uint8_t dead[STORE_DEAD_TAGS * STORE_TAG];
};

struct secret_rules_change {
	const struct secrets *secrets;
	int64_t now;
	int64_t max_overlap; /* the policy's rotation_max_overlap, seconds */
};

/* A new secret. */
struct secret_rules_next {
	enum rotation_mode mode;
	int64_t overlap;            /* seconds, for the first two modes */
	const uint8_t *hash;        /* STORE_HASH bytes, to which the record then points */
	struct pol_str received_by; /* the caller that gets it, as in store_rotation */
};

/* The other secret, if there is one, dies first; the caller has checked that it may. */
void secret_rules_rotate(struct store_key *key, const struct secret_rules_change *change,
	const struct secret_rules_next *next, struct secret_rules_buffer *buffer);
/* The pending one becomes current, and the current one retires. */
void secret_rules_confirm(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer);
/* The other secret dies. */
void secret_rules_finish(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer);
/* Undoes a rotation: a pending secret dies; else the current one dies, and the retiring one is
 * current again, on the schedule that it had. */
void secret_rules_rollback(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer);
/* The latest time until which a retiring one may be prolonged. */
int64_t secret_rules_latest_end(
	const struct store_key *key, const struct secret_rules_change *change);
/* A schedule, from the present secret's beginning but not before now; 0 takes it away. */
void secret_rules_schedule(
	struct store_key *key, const struct secret_rules_change *change, int64_t every);
