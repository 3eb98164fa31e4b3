/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/internal.h"

static int put(struct store_write *write, enum store_table table, struct store_place *place,
	MDB_val value, unsigned flags)
{
	MDB_val key = { place->len, place->bytes };

	if (place->full) {
		return -E2BIG;
	}
	return store_write_put(write, table, key, value, flags);
}

/* -ENOENT: there is no such entry. */
static int del(struct store_write *write, enum store_table table, struct store_place *place)
{
	MDB_val key = { place->len, place->bytes };

	return store_write_delete(write, table, key);
}

int store_take_number(struct store_write *write, const char *counter, uint64_t first, uint64_t *out)
{
	struct store *store = write->store;
	struct pol_str name = pol_str_of(counter);
	struct store_place place = { .len = 0 };
	MDB_val key, value;
	uint64_t number = first;
	int r;

	store_place_text(&place, name);
	key = (MDB_val){ place.len, place.bytes };
	r = store_error(mdb_get(write->job, store->tables[STORE_META], &key, &value));
	if (r == 0) {
		r = store_decode_meta(store, value, name, &number);
	}
	if (r < 0 && r != -ENOENT) {
		return r;
	}
	value.mv_size = store_encode_meta(store, name, number + 1);
	value.mv_data = store->buffer;
	r = put(write, STORE_META, &place, value, 0);
	if (r == 0) {
		*out = number;
	}
	return r;
}

static int put_key(struct store_write *write, const struct store_key *key, unsigned flags)
{
	struct store_place place = { .len = 0 };
	MDB_val value = { 0, write->store->buffer };
	int r = store_encode_key(write->store, key, &value.mv_size);

	if (r < 0) {
		return r;
	}
	store_place_text(&place, key->kid);
	r = put(write, STORE_KEYS, &place, value, flags);
	if (r == 0) {
		store_write_owe(write, write->store->buffer);
	}
	return r;
}

static int index_key(struct store_write *write, const struct store_key *key)
{
	struct store_place by_tenant = { .len = 0 }, by_principal = { .len = 0 };
	MDB_val kid = { key->kid.len, (void *)(uintptr_t)key->kid.ptr };
	int r;

	store_place_u32(&by_tenant, key->tenant);
	store_place_u64(&by_tenant, key->number);
	r = put(write, STORE_KEYS_BY_TENANT, &by_tenant, kid, 0);
	if (r < 0 || key->principal.len == 0) {
		return r;
	}
	store_place_u32(&by_principal, key->tenant);
	store_place_sized(&by_principal, key->principal);
	store_place_u64(&by_principal, key->number);
	r = put(write, STORE_KEYS_BY_PRINCIPAL, &by_principal, kid, 0);
	return r < 0 ? r : store_move_unrevoked(write, STORE_KEY_REVOKED, key);
}

int store_create_key(struct store_write *write, struct store_key *key)
{
	static const struct store_imports none = { .count = 0 };
	struct store_imports imports;
	int r = store_write_ready(write);

	store_imports_of(key, &imports);
	if (r == 0) {
		r = store_take_number(write, "next", 1, &key->number);
	}
	if (r == 0) {
		r = put_key(write, key, MDB_NOOVERWRITE);
	}
	if (r == 0) {
		r = index_key(write, key);
	}
	return r < 0 ? r : store_move_imports(write, key->kid, &none, &imports);
}

int store_update_key(struct store_write *write, const struct store_key *key)
{
	/* The caller's key may be a view, which the put makes invalid. So may the old one. */
	char kid[STORE_KID], principal[STORE_MAX_NAME];
	struct store_key after = {
		.kid = { kid, STORE_KID },
		.number = key->number,
		.tenant = key->tenant,
		.flags = key->flags,
		.deleted_at = key->deleted_at,
	};
	struct store_key changed = *key;
	struct store_imports imports, imported;
	struct store_key before;
	uint32_t flags = 0;
	int r = store_get_key(&write->reader, key->kid, &before);

	if (r == 0 && before.principal.len > sizeof principal) {
		r = -EBADMSG;
	}
	if (r == 0) {
		store_touch_key(write, before.number);
		flags = before.flags;
		memcpy(kid, key->kid.ptr, STORE_KID);
		changed.changes = before.changes + 1;
		after.principal = (struct pol_str){ principal, before.principal.len };
		if (before.principal.len > 0) {
			memcpy(principal, before.principal.ptr, before.principal.len);
		}
		store_imports_of(&before, &imported);
		store_imports_of(key, &imports);
		r = store_write_ready(write);
	}
	if (r == 0) {
		r = put_key(write, &changed, 0);
	}
	if (r == 0) {
		r = store_move_deleted(write, before.deleted_at, &after);
	}
	if (r == 0) {
		r = store_move_unrevoked(write, flags, &after);
	}
	return r < 0 ? r : store_move_imports(write, after.kid, &imported, &imports);
}

static void principal_place(struct store_place *place, uint32_t tenant, struct pol_str id)
{
	store_place_u32(place, tenant);
	store_place_text(place, id);
}

static void role_place(
	struct store_place *place, uint32_t tenant, struct pol_str role, struct pol_str id)
{
	store_place_u32(place, tenant);
	store_place_sized(place, role);
	store_place_text(place, id);
}

/* Deletes the stored record's roles from the index. Its text is copied, as a delete may move it. */
static int drop_roles(struct store_write *write, uint32_t tenant, struct pol_str id)
{
	struct store_assignment held;
	struct store_principal old;
	struct store_list left;
	int r = store_get_holder(&write->reader, tenant, id, &old);

	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	if (old.assignments.size > STORE_MAX_RECORD) {
		return -EBADMSG;
	}
	memcpy(write->store->buffer, old.assignments.ptr, old.assignments.size);
	left = (struct store_list){ write->store->buffer, old.assignments.size,
		old.assignments.count };
	while (store_assignment_next(&left, &held)) {
		struct store_place place = { .len = 0 };

		role_place(&place, tenant, held.role, id);
		r = del(write, STORE_PRINCIPALS_BY_ROLE, &place);
		/* A role that is held twice, at different places, has one entry. */
		if (r < 0 && r != -ENOENT) {
			return r;
		}
	}
	return 0;
}

int store_put_principal(struct store_write *write, const struct store_principal *principal)
{
	struct store_list left = principal->assignments;
	struct store_assignment held;
	struct store_place place = { .len = 0 };
	MDB_val value = { 0, write->store->buffer };
	int r = store_write_ready(write);

	store_touch_principal(write, principal->tenant, principal->id);
	if (store_is_everyone(principal->id)) {
		store_note_everyone(write->store);
	}
	if (r == 0) {
		r = drop_roles(write, principal->tenant, principal->id);
	}
	while (r == 0 && store_assignment_next(&left, &held)) {
		struct store_place by_role = { .len = 0 };

		role_place(&by_role, principal->tenant, held.role, principal->id);
		r = put(write, STORE_PRINCIPALS_BY_ROLE, &by_role, (MDB_val){ 0, NULL }, 0);
	}
	if (r == 0) {
		r = store_encode_principal(write->store, principal, &value.mv_size);
	}
	if (r < 0) {
		return r;
	}
	principal_place(&place, principal->tenant, principal->id);
	r = put(write, STORE_PRINCIPALS, &place, value, 0);
	if (r == 0) {
		store_write_owe(write, write->store->buffer);
	}
	return r;
}

int store_delete_principal(struct store_write *write, uint32_t tenant, struct pol_str id)
{
	struct store_place place = { .len = 0 };
	int r = store_write_ready(write);

	store_touch_principal(write, tenant, id);
	if (r == 0) {
		r = drop_roles(write, tenant, id);
		/* An altered one does not say them; entries that stay lead to nobody. */
		r = r == -EBADMSG ? 0 : r;
	}
	if (r < 0) {
		return r;
	}
	principal_place(&place, tenant, id);
	r = del(write, STORE_PRINCIPALS, &place);
	if (r == 0) {
		store_write_owe(write, NULL);
	}
	return r;
}

int store_put_use(struct store_write *write, uint64_t number, const struct store_use *use,
	const struct store_days *days)
{
	struct store_place place = { .len = 0 };
	MDB_val value;
	int r = store_write_ready(write);

	if (r < 0) {
		return r;
	}
	value = (MDB_val){ store_encode_use(write->store, number, use, days),
		write->store->buffer };
	store_place_u64(&place, number);
	return put(write, STORE_USES, &place, value, 0);
}
