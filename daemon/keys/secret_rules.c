/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/secret_rules.h"

#include <string.h>

static int64_t min_time(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t since(const struct store_key *key)
{
	return key->rotation.secret_since != 0 ? key->rotation.secret_since : key->created_at;
}

unsigned secret_rules_live(const struct store_key *key, int64_t now)
{
	const struct store_rotation *rotation = &key->rotation;
	unsigned live = 0;

	if (rotation->renew_by == 0 || now < rotation->renew_by) {
		live |= KEY_SECRET_CURRENT;
	}
	if (rotation->other != STORE_OTHER_NONE && now < rotation->other_until) {
		live |= KEY_SECRET_OTHER;
	}
	return live;
}

enum pol_key_state secret_rules_state(const struct store_key *key, int64_t now)
{
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return POL_KEY_REVOKED;
	}
	if ((key->flags & STORE_KEY_DISABLED) != 0 || now < key->not_before) {
		return POL_KEY_INACTIVE;
	}
	if ((key->expires_at != 0 && now >= key->expires_at) || secret_rules_live(key, now) == 0) {
		return POL_KEY_EXPIRED;
	}
	return POL_KEY_ACTIVE;
}

enum store_other secret_rules_other(const struct store_key *key, int64_t now)
{
	return (secret_rules_live(key, now) & KEY_SECRET_OTHER) != 0
		       ? (enum store_other)key->rotation.other
		       : STORE_OTHER_NONE;
}

bool secret_rules_is_due(const struct store_key *key, int64_t now)
{
	return key->rotation.rotate_every != 0 && now >= key->rotation.next_rotation_at;
}

bool secret_rules_is_dead(
	const struct secrets *secrets, const struct store_key *key, const uint8_t *hash)
{
	static const uint8_t nothing[STORE_TAG] = { 0 };
	uint8_t tag[SECRET_TAG];
	bool dead = false;

	secret_tag(secrets, SECRET_DEAD, hash, STORE_HASH, tag);
	for (size_t i = 0; i < STORE_DEAD_TAGS; i++) {
		bool is_one = i < key->rotation.dead_count;
		const uint8_t *with = is_one ? key->rotation.dead + i * STORE_TAG : nothing;

		dead |= secret_equal(tag, with, STORE_TAG) & is_one;
	}
	return dead;
}

/* --- changes ---------------------------------------------------------------------------------- */

/* Puts the tag of a secret that dies before the others; the oldest is forgotten. */
static void add_dead(struct store_key *key, const struct secret_rules_change *change,
	const uint8_t *hash, struct secret_rules_buffer *buffer)
{
	struct store_rotation *rotation = &key->rotation;
	size_t kept =
		rotation->dead_count < STORE_DEAD_TAGS ? rotation->dead_count : STORE_DEAD_TAGS - 1;

	if (kept > 0) {
		memmove(buffer->dead + STORE_TAG, rotation->dead, kept * STORE_TAG);
	}
	secret_tag(change->secrets, SECRET_DEAD, hash, STORE_HASH, buffer->dead);
	rotation->dead = buffer->dead;
	rotation->dead_count = (uint8_t)(kept + 1);
}

static void drop_other(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer)
{
	struct store_rotation *rotation = &key->rotation;

	if (rotation->other == STORE_OTHER_NONE) {
		return;
	}
	add_dead(key, change, rotation->other_hash, buffer);
	rotation->other = STORE_OTHER_NONE;
	rotation->other_hash = NULL;
	rotation->other_generation = 0;
	rotation->other_until = 0;
	rotation->other_overlap = 0;
	rotation->other_since = 0;
	rotation->other_renew_by = 0;
	rotation->other_received_by = (struct pol_str){ 0 };
	key->flags &= ~(uint32_t)STORE_KEY_OTHER_IMPORTED;
}

static void plan_rotation(struct store_key *key, const struct secret_rules_change *change)
{
	struct store_rotation *rotation = &key->rotation;

	if (rotation->rotate_every == 0) {
		rotation->next_rotation_at = 0;
		rotation->renew_by = 0;
		return;
	}
	rotation->next_rotation_at = since(key) + rotation->rotate_every;
	if (rotation->next_rotation_at < change->now) {
		rotation->next_rotation_at = change->now;
	}
	rotation->renew_by = rotation->next_rotation_at + change->max_overlap;
}

/* The current one becomes the other one, and is good for the overlap, but no longer than it would
 * have been: a schedule ends it in any case. */
static void retire(struct store_key *key, const struct secret_rules_change *change, int64_t overlap)
{
	struct store_rotation *rotation = &key->rotation;
	int64_t until = change->now + min_time(overlap, change->max_overlap);

	rotation->other = STORE_OTHER_RETIRING;
	rotation->other_hash = key->hash;
	rotation->other_generation = rotation->generation;
	rotation->other_overlap = 0;
	rotation->other_since = since(key);
	rotation->other_renew_by = rotation->renew_by;
	rotation->other_received_by = rotation->received_by;
	rotation->other_until =
		rotation->renew_by != 0 ? min_time(until, rotation->renew_by) : until;
	if ((key->flags & STORE_KEY_IMPORTED) != 0) {
		key->flags |= STORE_KEY_OTHER_IMPORTED;
	}
	store_key_set_pepper(key, STORE_KEY_OTHER_PEPPER, store_key_pepper(key, STORE_KEY_PEPPER));
}

/* Makes the caller's hash, of a secret that the daemon made, the current one. */
static void install(struct store_key *key, const struct secret_rules_change *change,
	const uint8_t *hash, uint32_t generation)
{
	key->flags &= ~(uint32_t)STORE_KEY_IMPORTED;
	key->hash = hash;
	key->rotation.generation = generation;
	key->rotation.secret_since = change->now;
	plan_rotation(key, change);
}

void secret_rules_rotate(struct store_key *key, const struct secret_rules_change *change,
	const struct secret_rules_next *next, struct secret_rules_buffer *buffer)
{
	struct store_rotation *rotation = &key->rotation;
	uint32_t number = ++rotation->issued;
	uint8_t pepper = secrets_pepper(change->secrets);

	drop_other(key, change, buffer);
	if (next->mode == ROTATION_CONFIRM) {
		rotation->other = STORE_OTHER_PENDING;
		rotation->other_hash = next->hash;
		rotation->other_generation = number;
		rotation->other_until = change->now + SECRET_RULES_PENDING;
		rotation->other_overlap = next->overlap;
		rotation->other_since = change->now;
		rotation->other_received_by = next->received_by;
		store_key_set_pepper(key, STORE_KEY_OTHER_PEPPER, pepper);
		return;
	}
	if (next->mode == ROTATION_OVERLAP &&
		(secret_rules_live(key, change->now) & KEY_SECRET_CURRENT) != 0) {
		retire(key, change, next->overlap);
	} else {
		add_dead(key, change, key->hash, buffer);
	}
	install(key, change, next->hash, number);
	rotation->received_by = next->received_by;
	store_key_set_pepper(key, STORE_KEY_PEPPER, pepper);
}

void secret_rules_confirm(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer)
{
	struct store_rotation *rotation = &key->rotation;
	const uint8_t *hash = rotation->other_hash;
	uint32_t number = rotation->other_generation;
	int64_t overlap = rotation->other_overlap;
	struct pol_str received_by = rotation->other_received_by;
	uint8_t pepper = store_key_pepper(key, STORE_KEY_OTHER_PEPPER);

	retire(key, change, overlap);
	if (rotation->other_until <= change->now) {
		drop_other(key, change, buffer);
	}
	install(key, change, hash, number);
	rotation->received_by = received_by;
	store_key_set_pepper(key, STORE_KEY_PEPPER, pepper);
}

void secret_rules_finish(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer)
{
	drop_other(key, change, buffer);
}

void secret_rules_rollback(struct store_key *key, const struct secret_rules_change *change,
	struct secret_rules_buffer *buffer)
{
	struct store_rotation *rotation = &key->rotation;
	const uint8_t *hash = rotation->other_hash, *dead = key->hash;
	bool imported = (key->flags & STORE_KEY_OTHER_IMPORTED) != 0;
	uint32_t number = rotation->other_generation;
	int64_t began = rotation->other_since, renew_by = rotation->other_renew_by;

	if (rotation->other == STORE_OTHER_PENDING) {
		drop_other(key, change, buffer);
		return;
	}
	/* Without add_dead: it becomes current. */
	rotation->other = STORE_OTHER_NONE;
	rotation->other_hash = NULL;
	rotation->other_generation = 0;
	rotation->other_until = 0;
	rotation->other_since = 0;
	rotation->other_renew_by = 0;
	rotation->received_by = rotation->other_received_by;
	rotation->other_received_by = (struct pol_str){ 0 };
	add_dead(key, change, dead, buffer);
	install(key, change, hash, number);
	rotation->secret_since = began;
	plan_rotation(key, change);
	if (rotation->rotate_every != 0 && renew_by != 0) {
		rotation->next_rotation_at = began + rotation->rotate_every;
		rotation->renew_by = renew_by;
	}
	key->flags &= ~(uint32_t)STORE_KEY_OTHER_IMPORTED;
	key->flags |= imported ? STORE_KEY_IMPORTED : 0;
	store_key_set_pepper(key, STORE_KEY_PEPPER, store_key_pepper(key, STORE_KEY_OTHER_PEPPER));
}

int64_t secret_rules_latest_end(
	const struct store_key *key, const struct secret_rules_change *change)
{
	const struct store_rotation *rotation = &key->rotation;
	int64_t longest = since(key) + change->max_overlap;

	return rotation->other_renew_by != 0 ? min_time(longest, rotation->other_renew_by)
					     : longest;
}

void secret_rules_schedule(
	struct store_key *key, const struct secret_rules_change *change, int64_t every)
{
	key->rotation.rotate_every = every;
	plan_rotation(key, change);
}
