/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

/*
 * This code has the bytes of keys by hand, and does not share more with other records, because each
 * decision decodes a key.
 *
 * The fixed part: byte offsets.
 */
enum {
	KEY_BINDING = STORE_AT_BODY,
	KEY_PREFIX_LEN,
	KEY_KID,
	KEY_HASH = KEY_KID + STORE_KID,
	KEY_NUMBER = KEY_HASH + STORE_HASH,
	KEY_CREATED = KEY_NUMBER + 8,
	KEY_NOT_BEFORE = KEY_CREATED + 8,
	KEY_EXPIRES = KEY_NOT_BEFORE + 8,
	KEY_REVOKED = KEY_EXPIRES + 8,
	KEY_TENANT = KEY_REVOKED + 8,
	KEY_FLAGS = KEY_TENANT + 4,
	KEY_NETWORKS = KEY_FLAGS + 4, /* counts, a byte each */
	KEY_ROLES,
	KEY_SCOPES,
	KEY_PLACES,
	KEY_ENVIRONMENT_LEN, /* lengths, a byte each */
	KEY_PRINCIPAL_LEN,
	KEY_CREATED_BY_LEN,
	KEY_PARTS,    /* enum key_part: what follows the texts */
	KEY_NAME_LEN, /* two bytes each */
	KEY_LABEL_LEN = KEY_NAME_LEN + 2,
	KEY_ROLES_SIZE = KEY_LABEL_LEN + 2,
	KEY_SCOPES_SIZE = KEY_ROLES_SIZE + 2,
	KEY_PLACES_SIZE = KEY_SCOPES_SIZE + 2, /* four */
	KEY_TEXT = KEY_PLACES_SIZE + 4,
};

/* Parts after the texts, in this order. A record of a key that was never changed has none. */
enum key_part {
	KEY_HAS_TAIL = 1 << 0,
	KEY_HAS_CHANGES = 1 << 1,
};

/* The tail, after the texts, which only keys have that were rotated, have a schedule or were
 * deleted: most keys have none, so their records are shorter and their tags cost less. The other
 * secret's hash, the tags of replaced secrets and who received the secrets follow it. */
enum {
	TAIL_OTHER = 0,
	TAIL_DEAD_COUNT,
	TAIL_RECEIVED_BY_LEN,
	TAIL_OTHER_RECEIVED_BY_LEN,
	TAIL_GENERATION, /* four bytes each */
	TAIL_OTHER_GENERATION = TAIL_GENERATION + 4,
	TAIL_ISSUED = TAIL_OTHER_GENERATION + 4,
	TAIL_OTHER_UNTIL = TAIL_ISSUED + 4, /* eight */
	TAIL_OTHER_OVERLAP = TAIL_OTHER_UNTIL + 8,
	TAIL_OTHER_SINCE = TAIL_OTHER_OVERLAP + 8,
	TAIL_OTHER_RENEW_BY = TAIL_OTHER_SINCE + 8,
	TAIL_SECRET_SINCE = TAIL_OTHER_RENEW_BY + 8,
	TAIL_ROTATE_EVERY = TAIL_SECRET_SINCE + 8,
	TAIL_NEXT_ROTATION = TAIL_ROTATE_EVERY + 8,
	TAIL_RENEW_BY = TAIL_NEXT_ROTATION + 8,
	TAIL_DELETED = TAIL_RENEW_BY + 8,
	TAIL_END = TAIL_DELETED + 8,
};

_Static_assert(STORE_TAG == SECRET_TAG, "record.h repeats the size of a tag");

/* --- keys ------------------------------------------------------------------------------------- */

static bool key_fits(const struct store_key *key)
{
	return key->prefix.len <= UINT8_MAX && key->environment.len <= UINT8_MAX &&
	       key->principal.len <= UINT8_MAX && key->created_by.len <= UINT8_MAX &&
	       key->name.len <= UINT16_MAX && key->label.len <= UINT16_MAX &&
	       key->roles.size <= UINT16_MAX && key->scopes.size <= UINT16_MAX &&
	       key->roles.count <= UINT8_MAX && key->scopes.count <= UINT8_MAX &&
	       key->places.count <= UINT8_MAX && key->network_count <= UINT8_MAX &&
	       key->rotation.dead_count <= STORE_DEAD_TAGS &&
	       key->rotation.received_by.len <= UINT8_MAX &&
	       key->rotation.other_received_by.len <= UINT8_MAX;
}

static bool needs_tail(const struct store_key *key)
{
	const struct store_rotation *rotation = &key->rotation;

	return rotation->other != STORE_OTHER_NONE || rotation->dead_count > 0 ||
	       rotation->issued > 1 || rotation->rotate_every != 0 || rotation->secret_since != 0 ||
	       rotation->received_by.len > 0 || key->deleted_at != 0;
}

static void put_tail(struct store_text *text, const struct store_key *key)
{
	const struct store_rotation *rotation = &key->rotation;
	uint8_t at[TAIL_END] = { 0 };

	at[TAIL_OTHER] = rotation->other;
	at[TAIL_DEAD_COUNT] = rotation->dead_count;
	at[TAIL_RECEIVED_BY_LEN] = (uint8_t)rotation->received_by.len;
	at[TAIL_OTHER_RECEIVED_BY_LEN] = (uint8_t)rotation->other_received_by.len;
	store_put32(at + TAIL_GENERATION, rotation->generation != 0 ? rotation->generation : 1);
	store_put32(at + TAIL_OTHER_GENERATION, rotation->other_generation);
	store_put32(at + TAIL_ISSUED, rotation->issued != 0 ? rotation->issued : 1);
	store_put64(at + TAIL_OTHER_UNTIL, (uint64_t)rotation->other_until);
	store_put64(at + TAIL_OTHER_OVERLAP, (uint64_t)rotation->other_overlap);
	store_put64(at + TAIL_OTHER_SINCE, (uint64_t)rotation->other_since);
	store_put64(at + TAIL_OTHER_RENEW_BY, (uint64_t)rotation->other_renew_by);
	store_put64(at + TAIL_SECRET_SINCE, (uint64_t)rotation->secret_since);
	store_put64(at + TAIL_ROTATE_EVERY, (uint64_t)rotation->rotate_every);
	store_put64(at + TAIL_NEXT_ROTATION, (uint64_t)rotation->next_rotation_at);
	store_put64(at + TAIL_RENEW_BY, (uint64_t)rotation->renew_by);
	store_put64(at + TAIL_DELETED, (uint64_t)key->deleted_at);
	store_text_put(text, at, sizeof at);
	if (rotation->other != STORE_OTHER_NONE) {
		store_text_put(text, rotation->other_hash, STORE_HASH);
	}
	store_text_put(text, rotation->dead, (size_t)rotation->dead_count * STORE_TAG);
	store_text_put(text, rotation->received_by.ptr, rotation->received_by.len);
	store_text_put(text, rotation->other_received_by.ptr, rotation->other_received_by.len);
}

static void take_tail(struct store_text *text, struct store_key *key)
{
	struct store_rotation *rotation = &key->rotation;
	const uint8_t *at = store_text_take(text, TAIL_END);

	if (at == NULL) {
		return;
	}
	rotation->other = at[TAIL_OTHER];
	rotation->dead_count = at[TAIL_DEAD_COUNT];
	rotation->generation = store_get32(at + TAIL_GENERATION);
	rotation->other_generation = store_get32(at + TAIL_OTHER_GENERATION);
	rotation->issued = store_get32(at + TAIL_ISSUED);
	rotation->other_until = store_get_time(at + TAIL_OTHER_UNTIL);
	rotation->other_overlap = store_get_time(at + TAIL_OTHER_OVERLAP);
	rotation->other_since = store_get_time(at + TAIL_OTHER_SINCE);
	rotation->other_renew_by = store_get_time(at + TAIL_OTHER_RENEW_BY);
	rotation->secret_since = store_get_time(at + TAIL_SECRET_SINCE);
	rotation->rotate_every = store_get_time(at + TAIL_ROTATE_EVERY);
	rotation->next_rotation_at = store_get_time(at + TAIL_NEXT_ROTATION);
	rotation->renew_by = store_get_time(at + TAIL_RENEW_BY);
	key->deleted_at = store_get_time(at + TAIL_DELETED);
	if (rotation->other != STORE_OTHER_NONE) {
		rotation->other_hash = store_text_take(text, STORE_HASH);
	}
	rotation->dead = store_text_take(text, (size_t)rotation->dead_count * STORE_TAG);
	rotation->received_by = store_text_take_str(text, at[TAIL_RECEIVED_BY_LEN]);
	rotation->other_received_by = store_text_take_str(text, at[TAIL_OTHER_RECEIVED_BY_LEN]);
}

#define CHANGES_SIZE 4

static void put_changes(struct store_text *text, uint32_t changes)
{
	uint8_t at[CHANGES_SIZE];

	store_put32(at, changes);
	store_text_put(text, at, sizeof at);
}

static uint32_t take_changes(struct store_text *text)
{
	const uint8_t *at = store_text_take(text, CHANGES_SIZE);

	return at != NULL ? store_get32(at) : 0;
}

int store_encode_key(struct store *store, const struct store_key *key, size_t *out_len)
{
	uint8_t *at = store->buffer;
	struct store_text text = { .at = at + KEY_TEXT, .left = STORE_MAX_RECORD - KEY_TEXT };

	if (!key_fits(key)) {
		return -E2BIG;
	}
	memset(at, 0, KEY_TEXT);
	at[KEY_BINDING] = key->binding;
	at[KEY_PREFIX_LEN] = (uint8_t)key->prefix.len;
	memcpy(at + KEY_KID, key->kid.ptr, STORE_KID);
	memcpy(at + KEY_HASH, key->hash, STORE_HASH);
	store_put64(at + KEY_NUMBER, key->number);
	store_put64(at + KEY_CREATED, (uint64_t)key->created_at);
	store_put64(at + KEY_NOT_BEFORE, (uint64_t)key->not_before);
	store_put64(at + KEY_EXPIRES, (uint64_t)key->expires_at);
	store_put64(at + KEY_REVOKED, (uint64_t)key->revoked_at);
	store_put32(at + KEY_TENANT, key->tenant);
	store_put32(at + KEY_FLAGS, key->flags);
	at[KEY_NETWORKS] = (uint8_t)key->network_count;
	at[KEY_ROLES] = (uint8_t)key->roles.count;
	at[KEY_SCOPES] = (uint8_t)key->scopes.count;
	at[KEY_PLACES] = (uint8_t)key->places.count;
	at[KEY_ENVIRONMENT_LEN] = (uint8_t)key->environment.len;
	at[KEY_PRINCIPAL_LEN] = (uint8_t)key->principal.len;
	at[KEY_CREATED_BY_LEN] = (uint8_t)key->created_by.len;
	store_put16(at + KEY_NAME_LEN, key->name.len);
	store_put16(at + KEY_LABEL_LEN, key->label.len);
	store_put16(at + KEY_ROLES_SIZE, key->roles.size);
	store_put16(at + KEY_SCOPES_SIZE, key->scopes.size);
	store_put32(at + KEY_PLACES_SIZE, key->places.size);
	store_text_put(&text, key->prefix.ptr, key->prefix.len);
	store_text_put(&text, key->environment.ptr, key->environment.len);
	store_text_put(&text, key->principal.ptr, key->principal.len);
	store_text_put(&text, key->roles.ptr, key->roles.size);
	store_text_put(&text, key->scopes.ptr, key->scopes.size);
	store_text_put(&text, key->places.ptr, key->places.size);
	store_text_put(&text, key->networks, (size_t)key->network_count * STORE_NETWORK);
	store_text_put(&text, key->name.ptr, key->name.len);
	store_text_put(&text, key->label.ptr, key->label.len);
	store_text_put(&text, key->created_by.ptr, key->created_by.len);
	if (needs_tail(key)) {
		at[KEY_PARTS] |= KEY_HAS_TAIL;
		put_tail(&text, key);
	}
	if (key->changes != 0) {
		at[KEY_PARTS] |= KEY_HAS_CHANGES;
		put_changes(&text, key->changes);
	}
	/* A new key leaves room for the count, so that it can always be revoked. */
	if (text.bad || (key->changes == 0 && text.left < CHANGES_SIZE)) {
		return -E2BIG;
	}
	*out_len = (size_t)(text.at - at);
	store_seal(store, STORE_KEYS, *out_len);
	return 0;
}

int store_decode_key(struct store *store, MDB_val value, struct pol_str kid, struct store_key *out)
{
	return store_unseal(store, value, STORE_KEYS, KEY_TEXT) != NULL
		       ? store_peek_key_record(value, kid, out)
		       : -EBADMSG;
}

int store_peek_key_record(MDB_val value, struct pol_str kid, struct store_key *out)
{
	const uint8_t *at = store_peek(value, STORE_KEYS, KEY_TEXT);
	struct store_text text;

	if (at == NULL || kid.len != STORE_KID || memcmp(at + KEY_KID, kid.ptr, STORE_KID) != 0) {
		return -EBADMSG;
	}
	text = (struct store_text){ .get = at + KEY_TEXT, .left = value.mv_size - KEY_TEXT };
	out->kid = (struct pol_str){ (const char *)at + KEY_KID, STORE_KID };
	out->tag = at + STORE_AT_TAG;
	out->hash = at + KEY_HASH;
	out->number = store_get64(at + KEY_NUMBER);
	out->tenant = store_get32(at + KEY_TENANT);
	out->flags = store_get32(at + KEY_FLAGS);
	out->binding = at[KEY_BINDING];
	out->created_at = store_get_time(at + KEY_CREATED);
	out->not_before = store_get_time(at + KEY_NOT_BEFORE);
	out->expires_at = store_get_time(at + KEY_EXPIRES);
	out->revoked_at = store_get_time(at + KEY_REVOKED);
	out->prefix = store_text_take_str(&text, at[KEY_PREFIX_LEN]);
	out->environment = store_text_take_str(&text, at[KEY_ENVIRONMENT_LEN]);
	out->principal = store_text_take_str(&text, at[KEY_PRINCIPAL_LEN]);
	out->roles = store_text_take_list(&text, store_get16(at + KEY_ROLES_SIZE), at[KEY_ROLES]);
	out->scopes =
		store_text_take_list(&text, store_get16(at + KEY_SCOPES_SIZE), at[KEY_SCOPES]);
	out->places =
		store_text_take_list(&text, store_get32(at + KEY_PLACES_SIZE), at[KEY_PLACES]);
	out->network_count = at[KEY_NETWORKS];
	out->networks = store_text_take(&text, (size_t)out->network_count * STORE_NETWORK);
	out->name = store_text_take_str(&text, store_get16(at + KEY_NAME_LEN));
	out->label = store_text_take_str(&text, store_get16(at + KEY_LABEL_LEN));
	out->created_by = store_text_take_str(&text, at[KEY_CREATED_BY_LEN]);
	out->deleted_at = 0;
	out->rotation = (struct store_rotation){ .generation = 1, .issued = 1 };
	if ((at[KEY_PARTS] & KEY_HAS_TAIL) != 0) {
		take_tail(&text, out);
	}
	out->changes = (at[KEY_PARTS] & KEY_HAS_CHANGES) != 0 ? take_changes(&text) : 0;
	return text.bad || text.left != 0 ? -EBADMSG : 0;
}
