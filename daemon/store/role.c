/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum {
	ROLE_TENANT = STORE_AT_BODY,
	ROLE_NUMBER = ROLE_TENANT + 4,
	ROLE_CREATED = ROLE_NUMBER + 8,
	ROLE_UPDATED = ROLE_CREATED + 8,
	ROLE_NAME_LEN = ROLE_UPDATED + 8, /* a byte each */
	ROLE_CREATED_BY_LEN,
	ROLE_DESCRIPTION_LEN,                     /* two */
	ROLE_INHERITS = ROLE_DESCRIPTION_LEN + 2, /* counts and sizes, four each */
	ROLE_INHERITS_SIZE = ROLE_INHERITS + 4,
	ROLE_GRANTS = ROLE_INHERITS_SIZE + 4,
	ROLE_GRANTS_SIZE = ROLE_GRANTS + 4,
	ROLE_LINES = ROLE_GRANTS_SIZE + 4,
	ROLE_LINES_SIZE = ROLE_LINES + 4,
	ROLE_TEXT = ROLE_LINES_SIZE + 4,
};

_Static_assert(
	STORE_MAX_ROLE + 4096 < STORE_COPY_PIECE, "a piece of a copy has room for any record");

static MDB_val value_of(struct store_place *place)
{
	return (MDB_val){ place->len, place->bytes };
}

static void make_place(struct store_place *place, uint32_t tenant, struct pol_str name)
{
	store_place_init(place);
	store_place_u32(place, tenant);
	store_place_text(place, name);
}

int store_decode_role(struct store *store, MDB_val value, uint32_t tenant, struct pol_str name,
	struct store_role *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_ROLES, ROLE_TEXT);
	struct store_text text;

	if (at == NULL || store_get32(at + ROLE_TENANT) != tenant) {
		return -EBADMSG;
	}
	text = (struct store_text){ .get = at + ROLE_TEXT, .left = value.mv_size - ROLE_TEXT };
	out->tenant = tenant;
	out->number = store_get64(at + ROLE_NUMBER);
	out->created_at = store_get_time(at + ROLE_CREATED);
	out->updated_at = store_get_time(at + ROLE_UPDATED);
	out->name = store_text_take_str(&text, at[ROLE_NAME_LEN]);
	out->created_by = store_text_take_str(&text, at[ROLE_CREATED_BY_LEN]);
	out->description = store_text_take_str(&text, store_get16(at + ROLE_DESCRIPTION_LEN));
	out->inherits = store_text_take_list(
		&text, store_get32(at + ROLE_INHERITS_SIZE), store_get32(at + ROLE_INHERITS));
	out->grants = store_text_take_list(
		&text, store_get32(at + ROLE_GRANTS_SIZE), store_get32(at + ROLE_GRANTS));
	out->lines = store_text_take_list(
		&text, store_get32(at + ROLE_LINES_SIZE), store_get32(at + ROLE_LINES));
	return text.bad || text.left != 0 || !pol_str_equal(out->name, name) ? -EBADMSG : 0;
}

int store_get_role(
	struct store_read *read, uint32_t tenant, struct pol_str name, struct store_role *out)
{
	struct store_place place;
	MDB_val key, value;
	int r;

	if (name.len == 0 || name.len > STORE_MAX_NAME) {
		return -ENOENT;
	}
	make_place(&place, tenant, name);
	key = value_of(&place);
	r = store_error(mdb_get(read->txn, read->store->tables[STORE_ROLES], &key, &value));
	return r < 0 ? r
		     : store_report(read->store,
			       store_decode_role(read->store, value, tenant, name, out), "roles",
			       name);
}

int store_list_roles(struct store_read *read, uint32_t tenant, struct pol_str after,
	store_role_seen seen, void *context)
{
	struct store_place from;
	struct store_role role;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(mdb_cursor_open(read->txn, read->store->tables[STORE_ROLES], &cursor));

	if (r < 0) {
		return r;
	}
	make_place(&from, tenant, after);
	key = value_of(&from);
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
	while (r == 0 && key.mv_size > 4 && memcmp(key.mv_data, from.bytes, 4) == 0) {
		struct pol_str name = { (const char *)key.mv_data + 4, key.mv_size - 4 };

		if (!pol_str_equal(name, after) &&
			store_report(read->store,
				store_decode_role(read->store, value, tenant, name, &role), "roles",
				name) == 0) {
			r = seen(context, &role);
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

static bool encode(struct store *store, const struct store_role *role, size_t *out_len)
{
	uint8_t *at = store->buffer;
	struct store_text text = { .at = at + ROLE_TEXT, .left = STORE_MAX_ROLE - ROLE_TEXT };

	if (role->name.len > STORE_MAX_NAME || role->created_by.len > UINT8_MAX ||
		role->description.len > UINT16_MAX) {
		return false;
	}
	memset(at, 0, ROLE_TEXT);
	store_put32(at + ROLE_TENANT, role->tenant);
	store_put64(at + ROLE_NUMBER, role->number);
	store_put64(at + ROLE_CREATED, (uint64_t)role->created_at);
	store_put64(at + ROLE_UPDATED, (uint64_t)role->updated_at);
	at[ROLE_NAME_LEN] = (uint8_t)role->name.len;
	at[ROLE_CREATED_BY_LEN] = (uint8_t)role->created_by.len;
	store_put16(at + ROLE_DESCRIPTION_LEN, role->description.len);
	store_put32(at + ROLE_INHERITS, role->inherits.count);
	store_put32(at + ROLE_INHERITS_SIZE, role->inherits.size);
	store_put32(at + ROLE_GRANTS, role->grants.count);
	store_put32(at + ROLE_GRANTS_SIZE, role->grants.size);
	store_put32(at + ROLE_LINES, role->lines.count);
	store_put32(at + ROLE_LINES_SIZE, role->lines.size);
	store_text_put(&text, role->name.ptr, role->name.len);
	store_text_put(&text, role->created_by.ptr, role->created_by.len);
	store_text_put(&text, role->description.ptr, role->description.len);
	store_text_put(&text, role->inherits.ptr, role->inherits.size);
	store_text_put(&text, role->grants.ptr, role->grants.size);
	store_text_put(&text, role->lines.ptr, role->lines.size);
	*out_len = (size_t)(text.at - at);
	return !text.bad;
}

int store_take_role_number(struct store_write *write, uint64_t *out)
{
	int r = store_write_ready(write);

	return r < 0 ? r : store_take_number(write, "roles", 1, out);
}

int store_put_role(struct store_write *write, const struct store_role *role)
{
	struct store *store = write->store;
	MDB_val key, value = { 0, store->buffer };
	struct store_place place;
	int r = store_write_ready(write);

	if (r < 0) {
		return r;
	}
	if (!encode(store, role, &value.mv_size)) {
		return -E2BIG;
	}
	store_seal(store, STORE_ROLES, value.mv_size);
	make_place(&place, role->tenant, role->name);
	key = value_of(&place);
	r = store_write_put(write, STORE_ROLES, key, value, 0);
	if (r == 0) {
		store_write_owe(write, store->buffer);
	}
	return r;
}

int store_delete_role(struct store_write *write, uint32_t tenant, struct pol_str name)
{
	struct store_place place;
	MDB_val key;
	int r = store_write_ready(write);

	if (r < 0) {
		return r;
	}
	make_place(&place, tenant, name);
	key = value_of(&place);
	r = store_write_delete(write, STORE_ROLES, key);
	if (r == 0) {
		store_write_owe(write, NULL);
	}
	return r;
}
