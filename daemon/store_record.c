/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store_bytes.h"
#include "daemon/store_internal.h"

enum { VERSION = 1 };

/* Fixed parts: byte offsets. Every record begins alike. */
enum {
	AT_TAG = 0,
	AT_TABLE = SECRET_TAG,
	AT_VERSION,
	AT_BODY,
};

enum {
	KEY_BINDING = AT_BODY,
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
	KEY_NAME_LEN = KEY_CREATED_BY_LEN + 2, /* two bytes each */
	KEY_LABEL_LEN = KEY_NAME_LEN + 2,
	KEY_ROLES_SIZE = KEY_LABEL_LEN + 2,
	KEY_SCOPES_SIZE = KEY_ROLES_SIZE + 2,
	KEY_PLACES_SIZE = KEY_SCOPES_SIZE + 2, /* four */
	KEY_TEXT = KEY_PLACES_SIZE + 4,
};

enum {
	PRINCIPAL_FLAGS = AT_BODY,
	PRINCIPAL_ID_LEN,
	PRINCIPAL_TENANT,
	PRINCIPAL_CREATED = PRINCIPAL_TENANT + 4,
	PRINCIPAL_NAME_LEN = PRINCIPAL_CREATED + 8,
	PRINCIPAL_CREATED_BY_LEN = PRINCIPAL_NAME_LEN + 2, /* a byte each */
	PRINCIPAL_ASSIGNMENTS,
	PRINCIPAL_ATTRIBUTES,                                 /* two: names and values */
	PRINCIPAL_ATTRIBUTES_SIZE = PRINCIPAL_ATTRIBUTES + 2, /* four each */
	PRINCIPAL_ASSIGNMENTS_SIZE = PRINCIPAL_ATTRIBUTES_SIZE + 4,
	PRINCIPAL_TEXT = PRINCIPAL_ASSIGNMENTS_SIZE + 4,
};

enum {
	USE_HAS_IP = AT_BODY,
	USE_NUMBER = AT_BODY + 2,
	USE_AT = USE_NUMBER + 8,
	USE_COUNT = USE_AT + 8,
	USE_DENIALS = USE_COUNT + 8,
	USE_IP = USE_DENIALS + 8,
	USE_END = USE_IP + 16,
};

enum {
	META_VALUE = AT_BODY,
	META_NAME = META_VALUE + 8,
};

/* --- tags ------------------------------------------------------------------------------------- */

static void seal(struct store *store, enum store_table table, size_t len)
{
	uint8_t *record = store->buffer;

	record[AT_TABLE] = (uint8_t)table;
	record[AT_VERSION] = VERSION;
	secret_tag(store->secrets, SECRET_RECORDS, record + SECRET_TAG, len - SECRET_TAG,
		record + AT_TAG);
}

/* The record, or NULL when it is none of ours. No constant time: a tag's bytes are no secret to
 * whoever can write the file. */
static const uint8_t *unseal(
	struct store *store, MDB_val value, enum store_table table, size_t least)
{
	const uint8_t *record = value.mv_data;
	uint8_t tag[SECRET_TAG];

	if (value.mv_size < least || record[AT_TABLE] != table || record[AT_VERSION] != VERSION) {
		return NULL;
	}
	secret_tag(store->secrets, SECRET_RECORDS, record + SECRET_TAG, value.mv_size - SECRET_TAG,
		tag);
	return memcmp(tag, record, SECRET_TAG) == 0 ? record : NULL;
}

/* --- text behind the fixed part ------------------------------------------------------------------
 */

/* One pass over it, in either direction. */
struct text {
	uint8_t *at;        /* encoding */
	const uint8_t *get; /* decoding */
	size_t left;
	bool bad;
};

static void put_text(struct text *text, const void *bytes, size_t len)
{
	if (text->bad || len > text->left) {
		text->bad = true;
		return;
	}
	if (len > 0) {
		memcpy(text->at, bytes, len);
	}
	text->at += len;
	text->left -= len;
}

static const uint8_t *take(struct text *text, size_t len)
{
	const uint8_t *at = text->get;

	if (text->bad || len > text->left) {
		text->bad = true;
		return NULL;
	}
	text->get += len;
	text->left -= len;
	return at;
}

static struct pol_str take_str(struct text *text, size_t len)
{
	return (struct pol_str){ (const char *)take(text, len), len };
}

static struct store_list take_list(struct text *text, uint32_t size, uint32_t count)
{
	return (struct store_list){ take(text, size), size, count };
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool key_fits(const struct store_key *key)
{
	return key->prefix.len <= UINT8_MAX && key->environment.len <= UINT8_MAX &&
	       key->principal.len <= UINT8_MAX && key->created_by.len <= UINT8_MAX &&
	       key->name.len <= UINT16_MAX && key->label.len <= UINT16_MAX &&
	       key->roles.size <= UINT16_MAX && key->scopes.size <= UINT16_MAX &&
	       key->roles.count <= UINT8_MAX && key->scopes.count <= UINT8_MAX &&
	       key->places.count <= UINT8_MAX && key->network_count <= UINT8_MAX;
}

int store_encode_key(struct store *store, const struct store_key *key, size_t *out_len)
{
	uint8_t *at = store->buffer;
	struct text text = { .at = at + KEY_TEXT, .left = STORE_MAX_RECORD - KEY_TEXT };

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
	put_text(&text, key->prefix.ptr, key->prefix.len);
	put_text(&text, key->environment.ptr, key->environment.len);
	put_text(&text, key->principal.ptr, key->principal.len);
	put_text(&text, key->roles.ptr, key->roles.size);
	put_text(&text, key->scopes.ptr, key->scopes.size);
	put_text(&text, key->places.ptr, key->places.size);
	put_text(&text, key->networks, (size_t)key->network_count * STORE_NETWORK);
	put_text(&text, key->name.ptr, key->name.len);
	put_text(&text, key->label.ptr, key->label.len);
	put_text(&text, key->created_by.ptr, key->created_by.len);
	if (text.bad) {
		return -E2BIG;
	}
	*out_len = (size_t)(text.at - at);
	seal(store, STORE_KEYS, *out_len);
	return 0;
}

int store_decode_key(struct store *store, MDB_val value, struct pol_str kid, struct store_key *out)
{
	const uint8_t *at = unseal(store, value, STORE_KEYS, KEY_TEXT);
	struct text text;

	if (at == NULL || kid.len != STORE_KID || memcmp(at + KEY_KID, kid.ptr, STORE_KID) != 0) {
		return -EBADMSG;
	}
	text = (struct text){ .get = at + KEY_TEXT, .left = value.mv_size - KEY_TEXT };
	out->kid = (struct pol_str){ (const char *)at + KEY_KID, STORE_KID };
	out->hash = at + KEY_HASH;
	out->number = store_get64(at + KEY_NUMBER);
	out->tenant = store_get32(at + KEY_TENANT);
	out->flags = store_get32(at + KEY_FLAGS);
	out->binding = at[KEY_BINDING];
	out->created_at = store_get_time(at + KEY_CREATED);
	out->not_before = store_get_time(at + KEY_NOT_BEFORE);
	out->expires_at = store_get_time(at + KEY_EXPIRES);
	out->revoked_at = store_get_time(at + KEY_REVOKED);
	out->prefix = take_str(&text, at[KEY_PREFIX_LEN]);
	out->environment = take_str(&text, at[KEY_ENVIRONMENT_LEN]);
	out->principal = take_str(&text, at[KEY_PRINCIPAL_LEN]);
	out->roles = take_list(&text, store_get16(at + KEY_ROLES_SIZE), at[KEY_ROLES]);
	out->scopes = take_list(&text, store_get16(at + KEY_SCOPES_SIZE), at[KEY_SCOPES]);
	out->places = take_list(&text, store_get32(at + KEY_PLACES_SIZE), at[KEY_PLACES]);
	out->network_count = at[KEY_NETWORKS];
	out->networks = take(&text, (size_t)out->network_count * STORE_NETWORK);
	out->name = take_str(&text, store_get16(at + KEY_NAME_LEN));
	out->label = take_str(&text, store_get16(at + KEY_LABEL_LEN));
	out->created_by = take_str(&text, at[KEY_CREATED_BY_LEN]);
	return text.bad || text.left != 0 ? -EBADMSG : 0;
}

/* --- principals --------------------------------------------------------------------------------
 */

int store_encode_principal(
	struct store *store, const struct store_principal *principal, size_t *out_len)
{
	uint8_t *at = store->buffer;
	struct text text = { .at = at + PRINCIPAL_TEXT, .left = STORE_MAX_RECORD - PRINCIPAL_TEXT };

	if (principal->id.len > UINT8_MAX || principal->name.len > UINT16_MAX ||
		principal->created_by.len > UINT8_MAX || principal->assignments.count > UINT8_MAX ||
		principal->attributes.count > UINT16_MAX || principal->flags > UINT8_MAX) {
		return -E2BIG;
	}
	memset(at, 0, PRINCIPAL_TEXT);
	at[PRINCIPAL_FLAGS] = (uint8_t)principal->flags;
	at[PRINCIPAL_ID_LEN] = (uint8_t)principal->id.len;
	store_put32(at + PRINCIPAL_TENANT, principal->tenant);
	store_put64(at + PRINCIPAL_CREATED, (uint64_t)principal->created_at);
	store_put16(at + PRINCIPAL_NAME_LEN, principal->name.len);
	at[PRINCIPAL_CREATED_BY_LEN] = (uint8_t)principal->created_by.len;
	at[PRINCIPAL_ASSIGNMENTS] = (uint8_t)principal->assignments.count;
	store_put16(at + PRINCIPAL_ATTRIBUTES, principal->attributes.count);
	store_put32(at + PRINCIPAL_ATTRIBUTES_SIZE, principal->attributes.size);
	store_put32(at + PRINCIPAL_ASSIGNMENTS_SIZE, principal->assignments.size);
	put_text(&text, principal->id.ptr, principal->id.len);
	put_text(&text, principal->assignments.ptr, principal->assignments.size);
	put_text(&text, principal->name.ptr, principal->name.len);
	put_text(&text, principal->created_by.ptr, principal->created_by.len);
	put_text(&text, principal->attributes.ptr, principal->attributes.size);
	if (text.bad) {
		return -E2BIG;
	}
	*out_len = (size_t)(text.at - at);
	seal(store, STORE_PRINCIPALS, *out_len);
	return 0;
}

int store_decode_principal(struct store *store, MDB_val value, uint32_t tenant, struct pol_str id,
	struct store_principal *out)
{
	const uint8_t *at = unseal(store, value, STORE_PRINCIPALS, PRINCIPAL_TEXT);
	struct text text;

	if (at == NULL || store_get32(at + PRINCIPAL_TENANT) != tenant) {
		return -EBADMSG;
	}
	text = (struct text){ .get = at + PRINCIPAL_TEXT, .left = value.mv_size - PRINCIPAL_TEXT };
	out->id = take_str(&text, at[PRINCIPAL_ID_LEN]);
	out->tenant = tenant;
	out->flags = at[PRINCIPAL_FLAGS];
	out->created_at = store_get_time(at + PRINCIPAL_CREATED);
	out->assignments = take_list(
		&text, store_get32(at + PRINCIPAL_ASSIGNMENTS_SIZE), at[PRINCIPAL_ASSIGNMENTS]);
	out->name = take_str(&text, store_get16(at + PRINCIPAL_NAME_LEN));
	out->created_by = take_str(&text, at[PRINCIPAL_CREATED_BY_LEN]);
	out->attributes = take_list(&text, store_get32(at + PRINCIPAL_ATTRIBUTES_SIZE),
		store_get16(at + PRINCIPAL_ATTRIBUTES));
	if (text.bad || text.left != 0 || !pol_str_equal(out->id, id)) {
		return -EBADMSG;
	}
	return 0;
}

/* --- uses and meta ------------------------------------------------------------------------------
 */

size_t store_encode_use(struct store *store, uint64_t number, const struct store_use *use)
{
	uint8_t *at = store->buffer;

	memset(at, 0, USE_END);
	at[USE_HAS_IP] = use->has_ip;
	store_put64(at + USE_NUMBER, number);
	store_put64(at + USE_AT, (uint64_t)use->at);
	store_put64(at + USE_COUNT, use->uses);
	store_put64(at + USE_DENIALS, use->denials);
	memcpy(at + USE_IP, use->ip, sizeof use->ip);
	seal(store, STORE_USES, USE_END);
	return USE_END;
}

int store_decode_use(struct store *store, MDB_val value, uint64_t number, struct store_use *out)
{
	const uint8_t *at = unseal(store, value, STORE_USES, USE_END);

	if (at == NULL || store_get64(at + USE_NUMBER) != number) {
		return -EBADMSG;
	}
	out->at = store_get_time(at + USE_AT);
	out->uses = store_get64(at + USE_COUNT);
	out->denials = store_get64(at + USE_DENIALS);
	out->has_ip = at[USE_HAS_IP] != 0;
	memcpy(out->ip, at + USE_IP, sizeof out->ip);
	return 0;
}

size_t store_encode_meta(struct store *store, struct pol_str name, uint64_t value)
{
	uint8_t *at = store->buffer;

	memset(at, 0, META_NAME);
	store_put64(at + META_VALUE, value);
	memcpy(at + META_NAME, name.ptr, name.len);
	seal(store, STORE_META, META_NAME + name.len);
	return META_NAME + name.len;
}

int store_decode_meta(struct store *store, MDB_val value, struct pol_str name, uint64_t *out)
{
	const uint8_t *at = unseal(store, value, STORE_META, META_NAME);

	if (at == NULL || value.mv_size != META_NAME + name.len ||
		memcmp(at + META_NAME, name.ptr, name.len) != 0) {
		return -EBADMSG;
	}
	*out = store_get64(at + META_VALUE);
	return 0;
}
