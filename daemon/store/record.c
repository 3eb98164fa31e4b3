/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum { VERSION = 1 };

enum {
	PRINCIPAL_FLAGS = STORE_AT_BODY,
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
	META_VALUE = STORE_AT_BODY,
	META_NAME = META_VALUE + 8,
};

/* --- tags ------------------------------------------------------------------------------------- */

void store_seal(struct store *store, enum store_table table, size_t len)
{
	uint8_t *record = store->buffer;

	record[STORE_AT_TABLE] = (uint8_t)table;
	record[STORE_AT_VERSION] = VERSION;
	secret_tag(store->secrets, SECRET_RECORDS, record + SECRET_TAG, len - SECRET_TAG,
		record + STORE_AT_TAG);
}

const uint8_t *store_peek(MDB_val value, enum store_table table, size_t least)
{
	const uint8_t *record = value.mv_data;

	return value.mv_size < least || record[STORE_AT_TABLE] != table ||
			       record[STORE_AT_VERSION] != VERSION
		       ? NULL
		       : record;
}

/* memcmp is no risk here: a program that can write the file, and so try tags, can also read the
 * tags in it. */
const uint8_t *store_unseal(
	struct store *store, MDB_val value, enum store_table table, size_t least)
{
	const uint8_t *record = store_peek(value, table, least);
	uint8_t tag[SECRET_TAG];

	if (record == NULL) {
		return NULL;
	}
	secret_tag(store->secrets, SECRET_RECORDS, record + SECRET_TAG, value.mv_size - SECRET_TAG,
		tag);
	return memcmp(tag, record, SECRET_TAG) == 0 ? record : NULL;
}

/* --- texts after the fixed part --------------------------------------------------------------- */

void store_text_put(struct store_text *text, const void *bytes, size_t len)
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

const uint8_t *store_text_take(struct store_text *text, size_t len)
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

struct pol_str store_text_take_str(struct store_text *text, size_t len)
{
	return (struct pol_str){ (const char *)store_text_take(text, len), len };
}

struct store_list store_text_take_list(struct store_text *text, uint32_t size, uint32_t count)
{
	return (struct store_list){ store_text_take(text, size), size, count };
}

/* --- principals ------------------------------------------------------------------------------- */

int store_encode_principal(
	struct store *store, const struct store_principal *principal, size_t *out_len)
{
	uint8_t *at = store->buffer;
	struct store_text text = { .at = at + PRINCIPAL_TEXT,
		.left = STORE_MAX_RECORD - PRINCIPAL_TEXT };

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
	store_text_put(&text, principal->id.ptr, principal->id.len);
	store_text_put(&text, principal->assignments.ptr, principal->assignments.size);
	store_text_put(&text, principal->name.ptr, principal->name.len);
	store_text_put(&text, principal->created_by.ptr, principal->created_by.len);
	store_text_put(&text, principal->attributes.ptr, principal->attributes.size);
	if (text.bad) {
		return -E2BIG;
	}
	*out_len = (size_t)(text.at - at);
	store_seal(store, STORE_PRINCIPALS, *out_len);
	return 0;
}

int store_peek_principal_flags(MDB_val value, uint32_t tenant, uint32_t *out)
{
	const uint8_t *at = store_peek(value, STORE_PRINCIPALS, PRINCIPAL_TEXT);

	if (at == NULL || store_get32(at + PRINCIPAL_TENANT) != tenant) {
		return -EBADMSG;
	}
	*out = at[PRINCIPAL_FLAGS];
	return 0;
}

int store_decode_principal(struct store *store, MDB_val value, uint32_t tenant, struct pol_str id,
	struct store_principal *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_PRINCIPALS, PRINCIPAL_TEXT);
	struct store_text text;

	if (at == NULL || store_get32(at + PRINCIPAL_TENANT) != tenant) {
		return -EBADMSG;
	}
	text = (struct store_text){ .get = at + PRINCIPAL_TEXT,
		.left = value.mv_size - PRINCIPAL_TEXT };
	out->id = store_text_take_str(&text, at[PRINCIPAL_ID_LEN]);
	out->tenant = tenant;
	out->flags = at[PRINCIPAL_FLAGS];
	out->created_at = store_get_time(at + PRINCIPAL_CREATED);
	out->assignments = store_text_take_list(
		&text, store_get32(at + PRINCIPAL_ASSIGNMENTS_SIZE), at[PRINCIPAL_ASSIGNMENTS]);
	out->name = store_text_take_str(&text, store_get16(at + PRINCIPAL_NAME_LEN));
	out->created_by = store_text_take_str(&text, at[PRINCIPAL_CREATED_BY_LEN]);
	out->attributes = store_text_take_list(&text, store_get32(at + PRINCIPAL_ATTRIBUTES_SIZE),
		store_get16(at + PRINCIPAL_ATTRIBUTES));
	if (text.bad || text.left != 0 || !pol_str_equal(out->id, id)) {
		return -EBADMSG;
	}
	return 0;
}

/* --- meta ------------------------------------------------------------------------------------- */

size_t store_encode_meta(struct store *store, struct pol_str name, uint64_t value)
{
	uint8_t *at = store->buffer;

	memset(at, 0, META_NAME);
	store_put64(at + META_VALUE, value);
	memcpy(at + META_NAME, name.ptr, name.len);
	store_seal(store, STORE_META, META_NAME + name.len);
	return META_NAME + name.len;
}

int store_decode_meta(struct store *store, MDB_val value, struct pol_str name, uint64_t *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_META, META_NAME);

	if (at == NULL || value.mv_size != META_NAME + name.len ||
		memcmp(at + META_NAME, name.ptr, name.len) != 0) {
		return -EBADMSG;
	}
	*out = store_get64(at + META_VALUE);
	return 0;
}
