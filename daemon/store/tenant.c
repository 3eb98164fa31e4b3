/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum {
	TENANT_NUMBER = STORE_AT_BODY,
	TENANT_CREATED = TENANT_NUMBER + 4,
	TENANT_FLAGS = TENANT_CREATED + 8,
	TENANT_NAME_LEN,
	TENANT_CREATED_BY_LEN,
	TENANT_TEXT,
};

static const struct store_tenant only = { .number = STORE_TENANT_DEFAULT,
	.name = { "default", sizeof "default" - 1 } };

static MDB_val value_of(struct store_place *place)
{
	return (MDB_val){ place->len, place->bytes };
}

int store_decode_tenant(
	struct store *store, MDB_val value, uint32_t number, struct store_tenant *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_TENANTS, TENANT_TEXT);
	struct store_text text;

	if (at == NULL || store_get32(at + TENANT_NUMBER) != number) {
		return -EBADMSG;
	}
	text = (struct store_text){ .get = at + TENANT_TEXT, .left = value.mv_size - TENANT_TEXT };
	*out = (struct store_tenant){
		.number = number,
		.flags = at[TENANT_FLAGS],
		.created_at = store_get_time(at + TENANT_CREATED),
		.name = store_text_take_str(&text, at[TENANT_NAME_LEN]),
		.created_by = store_text_take_str(&text, at[TENANT_CREATED_BY_LEN]),
	};
	return text.bad || text.left != 0 ? -EBADMSG : 0;
}

int store_get_tenant(struct store_read *read, uint32_t number, struct store_tenant *out)
{
	struct store_place place;
	MDB_val key, value;
	int r;

	if (number == STORE_TENANT_DEFAULT) {
		*out = only;
		return 0;
	}
	store_place_init(&place);
	store_place_u32(&place, number);
	key = value_of(&place);
	r = store_error(mdb_get(read->txn, read->store->tables[STORE_TENANTS], &key, &value));
	return r < 0 ? r : store_decode_tenant(read->store, value, number, out);
}

int store_find_tenant(struct store_read *read, struct pol_str name, struct store_tenant *out)
{
	MDB_val key = { name.len, (void *)(uintptr_t)name.ptr }, value;
	int r;

	if (pol_str_equal(name, only.name)) {
		*out = only;
		return 0;
	}
	if (name.len == 0 || name.len > STORE_MAX_NAME) {
		return -ENOENT;
	}
	r = store_error(mdb_get(read->txn, read->store->tables[STORE_TENANT_NAMES], &key, &value));
	if (r == 0 && value.mv_size != 4) {
		r = -EBADMSG;
	}
	if (r == 0) {
		r = store_get_tenant(read, store_get32(value.mv_data), out);
	}
	/* The index has no tag: the record proves the name. */
	return r == 0 && !pol_str_equal(out->name, name) ? -EBADMSG : r;
}

int store_list_tenants(
	struct store_read *read, uint32_t after, store_tenant_seen seen, void *context)
{
	struct store_place from = { .len = 0 };
	struct store_tenant tenant;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = 0;

	if (after < STORE_TENANT_DEFAULT) {
		r = seen(context, &only);
		after = STORE_TENANT_DEFAULT;
	}
	if (r != 0 || after == UINT32_MAX) {
		return r;
	}
	store_place_u32(&from, after + 1);
	key = value_of(&from);
	r = store_error(mdb_cursor_open(read->txn, read->store->tables[STORE_TENANTS], &cursor));
	if (r < 0) {
		return r;
	}
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
	while (r == 0) {
		const uint8_t *big = key.mv_data;

		if (key.mv_size == 4 && store_decode_tenant(read->store, value,
						(uint32_t)big[0] << 24 | (uint32_t)big[1] << 16 |
							(uint32_t)big[2] << 8 | big[3],
						&tenant) == 0) {
			r = seen(context, &tenant);
			if (r != 0) {
				break;
			}
		}
		r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

/* --- writing ---------------------------------------------------------------------------------- */

static int put_tenant(struct store_write *write, const struct store_tenant *tenant)
{
	struct store *store = write->store;
	uint8_t *at = store->buffer;
	struct store_text text = { .at = at + TENANT_TEXT, .left = STORE_MAX_RECORD - TENANT_TEXT };
	struct store_place place = { .len = 0 };
	MDB_val key, value;
	int r;

	if (tenant->name.len > STORE_MAX_NAME || tenant->created_by.len > UINT8_MAX) {
		return -E2BIG;
	}
	memset(at, 0, TENANT_TEXT);
	store_put32(at + TENANT_NUMBER, tenant->number);
	store_put64(at + TENANT_CREATED, (uint64_t)tenant->created_at);
	at[TENANT_FLAGS] = (uint8_t)tenant->flags;
	at[TENANT_NAME_LEN] = (uint8_t)tenant->name.len;
	at[TENANT_CREATED_BY_LEN] = (uint8_t)tenant->created_by.len;
	store_text_put(&text, tenant->name.ptr, tenant->name.len);
	store_text_put(&text, tenant->created_by.ptr, tenant->created_by.len);
	value = (MDB_val){ (size_t)(text.at - at), at };
	store_seal(store, STORE_TENANTS, value.mv_size);
	store_place_u32(&place, tenant->number);
	key = value_of(&place);
	r = store_write_put(write, STORE_TENANTS, key, value, 0);
	if (r == 0) {
		store_write_owe(write, at);
	}
	return r;
}

int store_create_tenant(struct store_write *write, struct store_tenant *tenant)
{
	MDB_val key = { tenant->name.len, (void *)(uintptr_t)tenant->name.ptr };
	uint8_t bytes[4];
	MDB_val value = { sizeof bytes, bytes };
	uint64_t number = 0;
	int r = store_write_ready(write);

	if (r == 0) {
		r = store_take_number(write, "tenants", STORE_TENANT_DEFAULT + 1, &number);
	}
	if (r == 0 && number > UINT32_MAX) {
		r = -E2BIG;
	}
	if (r < 0) {
		return r;
	}
	tenant->number = (uint32_t)number;
	store_put32(bytes, tenant->number);
	r = store_write_put(write, STORE_TENANT_NAMES, key, value, MDB_NOOVERWRITE);
	return r < 0 ? r : put_tenant(write, tenant);
}

int store_update_tenant(struct store_write *write, const struct store_tenant *tenant)
{
	int r = store_write_ready(write);

	return r < 0 ? r : put_tenant(write, tenant);
}
