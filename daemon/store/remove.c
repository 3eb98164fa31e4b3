/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/internal.h"

/* Deletes an entry; it is not an error if there is none, because an index may have been altered. */
static int drop(struct store_write *write, enum store_table table, struct store_place *place)
{
	MDB_val key = { place->len, place->bytes };
	int r = store_write_delete(write, table, key);

	return r == -ENOENT ? 0 : r;
}

int store_drop_use(struct store_write *write, uint64_t number)
{
	struct store_place place;
	int r;

	store_place_init(&place);
	store_place_u64(&place, number);
	r = drop(write, STORE_USES, &place);
	return r < 0 ? r : drop(write, STORE_USED, &place);
}

static void deleted_place(struct store_place *place, int64_t time, uint64_t number)
{
	store_place_init(place);
	store_place_u64(place, (uint64_t)time);
	store_place_u64(place, number);
}

int store_move_deleted(struct store_write *write, int64_t before, const struct store_key *key)
{
	struct store_place place;
	MDB_val at, kid = { STORE_KID, (void *)(uintptr_t)key->kid.ptr };
	int r = 0;

	if (before == key->deleted_at) {
		return 0;
	}
	if (before != 0) {
		deleted_place(&place, before, key->number);
		r = drop(write, STORE_KEYS_DELETED, &place);
	}
	if (r < 0 || key->deleted_at == 0) {
		return r;
	}
	deleted_place(&place, key->deleted_at, key->number);
	at = (MDB_val){ place.len, place.bytes };
	return store_write_put(write, STORE_KEYS_DELETED, at, kid, 0);
}

static void principal_place(struct store_place *place, const struct store_key *key)
{
	store_place_init(place);
	store_place_u32(place, key->tenant);
	store_place_sized(place, key->principal);
	store_place_u64(place, key->number);
}

int store_move_unrevoked(struct store_write *write, uint32_t before, const struct store_key *key)
{
	MDB_val at, kid = { STORE_KID, (void *)(uintptr_t)key->kid.ptr };
	struct store_place place;

	if (((before ^ key->flags) & STORE_KEY_REVOKED) == 0 || key->principal.len == 0) {
		return 0;
	}
	principal_place(&place, key);
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return drop(write, STORE_KEYS_UNREVOKED, &place);
	}
	at = (MDB_val){ place.len, place.bytes };
	return store_write_put(write, STORE_KEYS_UNREVOKED, at, kid, 0);
}

/* Puts the entry of keys_by_principal into keys_unrevoked, unless its key is revoked. */
static int fill_entry(struct store_write *write, MDB_val place, MDB_val kid)
{
	struct store_key key;
	int r = store_get_key(&write->reader, (struct pol_str){ kid.mv_data, kid.mv_size }, &key);

	if (r < 0) {
		return r == -ENOENT || r == -EBADMSG ? 0 : r;
	}
	return (key.flags & STORE_KEY_REVOKED) != 0
		       ? 0
		       : store_write_put(write, STORE_KEYS_UNREVOKED, place, kid, 0);
}

int store_fill_unrevoked(struct store *store, MDB_txn *txn)
{
	struct store_write write = {
		.store = store, .job = txn, .reader = { .store = store, .txn = txn, .live = true }
	};
	MDB_cursor *cursor;
	MDB_val place, kid;
	MDB_stat stat;
	int r = store_error(mdb_stat(txn, store->tables[STORE_KEYS_UNREVOKED], &stat));

	if (r < 0 || stat.ms_entries > 0) {
		return r;
	}
	r = store_error(mdb_cursor_open(txn, store->tables[STORE_KEYS_BY_PRINCIPAL], &cursor));
	if (r < 0) {
		return r;
	}
	while (r == 0 && (r = store_error(mdb_cursor_get(cursor, &place, &kid, MDB_NEXT))) == 0) {
		r = fill_entry(&write, place, kid);
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

void store_imports_of(const struct store_key *key, struct store_imports *out)
{
	out->count = 0;
	if ((key->flags & STORE_KEY_IMPORTED) != 0) {
		memcpy(out->hashes[out->count++], key->hash, STORE_HASH);
	}
	if ((key->flags & STORE_KEY_OTHER_IMPORTED) != 0 && key->rotation.other_hash != NULL) {
		memcpy(out->hashes[out->count++], key->rotation.other_hash, STORE_HASH);
	}
}

static bool has_import(const struct store_imports *imports, const uint8_t *hash)
{
	return (imports->count > 0 && memcmp(imports->hashes[0], hash, STORE_HASH) == 0) ||
	       (imports->count > 1 && memcmp(imports->hashes[1], hash, STORE_HASH) == 0);
}

int store_move_imports(struct store_write *write, struct pol_str kid,
	const struct store_imports *before, const struct store_imports *after)
{
	MDB_val value = { STORE_KID, (void *)(uintptr_t)kid.ptr };
	int r = 0;

	/* A replaced token's entry stays, so that the token is not taken for an unknown one. */
	for (unsigned i = 0; i < after->count && r == 0; i++) {
		MDB_val key = { STORE_HASH, (void *)(uintptr_t)after->hashes[i] };

		if (!has_import(before, after->hashes[i])) {
			r = store_write_put(write, STORE_KEYS_BY_HASH, key, value, 0);
		}
	}
	return r;
}

int store_drop_import(struct store_write *write, const uint8_t hash[static STORE_HASH])
{
	struct store_place place;
	int r = store_write_ready(write);

	store_place_init(&place);
	store_place_text(&place, (struct pol_str){ (const char *)hash, STORE_HASH });
	return r < 0 ? r : drop(write, STORE_KEYS_BY_HASH, &place);
}

/* Deletes the entries of a key's current tokens. The hashes of replaced ones are not known: their
 * entries stay and lead to no key. */
static int drop_imports(struct store_write *write, const struct store_key *key)
{
	struct store_imports imports;
	int r = 0;

	store_imports_of(key, &imports);
	for (unsigned i = 0; i < imports.count && r == 0; i++) {
		r = store_drop_import(write, imports.hashes[i]);
	}
	return r;
}

int store_find_deleted(struct store_read *read, int64_t until, char out_kid[static STORE_KID])
{
	struct store_place end;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(
		mdb_cursor_open(read->txn, read->store->tables[STORE_KEYS_DELETED], &cursor));

	if (r < 0) {
		return r;
	}
	deleted_place(&end, until, UINT64_MAX);
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_FIRST));
	if (r == 0 && (key.mv_size != end.len || value.mv_size != STORE_KID ||
			      memcmp(key.mv_data, end.bytes, end.len) > 0)) {
		r = -ENOENT;
	}
	if (r == 0) {
		memcpy(out_kid, value.mv_data, STORE_KID);
	}
	mdb_cursor_close(cursor);
	return r;
}

/* A key whose kid and principal are copied from its record, which is deleted. */
struct gone {
	char kid[STORE_KID];
	char principal[STORE_MAX_NAME];
	struct store_key key;
};

static int drop_indexes(struct store_write *write, const struct store_key *key)
{
	struct store_place place;
	int r;

	store_place_init(&place);
	store_place_u32(&place, key->tenant);
	store_place_u64(&place, key->number);
	r = drop(write, STORE_KEYS_BY_TENANT, &place);
	if (r == 0 && key->principal.len > 0) {
		principal_place(&place, key);
		r = drop(write, STORE_KEYS_BY_PRINCIPAL, &place);
		if (r == 0) {
			r = drop(write, STORE_KEYS_UNREVOKED, &place);
		}
	}
	if (r == 0 && key->deleted_at != 0) {
		deleted_place(&place, key->deleted_at, key->number);
		r = drop(write, STORE_KEYS_DELETED, &place);
	}
	return r < 0 ? r : store_drop_use(write, key->number);
}

int store_remove_key(struct store_write *write, struct pol_str kid)
{
	struct gone gone;
	struct store_place place = { .len = 0 };
	int r = store_get_key(&write->reader, kid, &gone.key);

	if (r < 0) {
		return r;
	}
	if (gone.key.principal.len > sizeof gone.principal) {
		return -EBADMSG;
	}
	memcpy(gone.kid, gone.key.kid.ptr, STORE_KID);
	if (gone.key.principal.len > 0) {
		memcpy(gone.principal, gone.key.principal.ptr, gone.key.principal.len);
	}
	gone.key.kid.ptr = gone.kid;
	gone.key.principal.ptr = gone.principal;
	store_touch_key(write, gone.key.number);
	r = store_write_ready(write);
	/* Before other deletes: the hashes are views into the record. */
	if (r == 0) {
		r = drop_imports(write, &gone.key);
	}
	if (r == 0) {
		r = drop_indexes(write, &gone.key);
	}
	if (r < 0) {
		return r;
	}
	store_place_text(&place, gone.key.kid);
	r = drop(write, STORE_KEYS, &place);
	if (r == 0) {
		store_write_owe(write, NULL);
	}
	return r;
}
