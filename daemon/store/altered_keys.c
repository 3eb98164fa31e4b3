/* SPDX-License-Identifier: Apache-2.0 */
/* Keys whose records do not match their tags: finding them, and their end. */
#include <errno.h>
#include <string.h>

#include "daemon/store/internal.h"

static MDB_val place_value(struct store_place *place)
{
	return (MDB_val){ place->len, place->bytes };
}

int store_walk_altered(
	struct store_read *read, struct pol_str after, store_altered_seen seen, void *context)
{
	struct store_place from = { .len = 0 };
	MDB_cursor *cursor;
	MDB_val key, value;
	int r;

	/* LMDB does not accept an empty key. */
	store_place_text(&from, after.len > 0 ? after : (struct pol_str){ "", 1 });
	key = place_value(&from);
	r = from.full ? -ENOENT
		      : store_error(mdb_cursor_open(
				read->txn, read->store->tables[STORE_KEYS], &cursor));
	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
	while (r == 0) {
		struct pol_str kid = { key.mv_data, key.mv_size };
		struct store_key record;

		if (!pol_str_equal(kid, after)) {
			bool altered = store_decode_key(read->store, value, kid, &record) != 0;

			r = seen(context, kid, altered);
			if (r != 0) {
				break;
			}
		}
		r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

/* Deletes an index's entry if it leads to this key. What an altered record says may name the
 * entry of another key. *out_own: it did. */
static int drop_own(struct store_write *write, enum store_table table, struct store_place *place,
	const char kid[static STORE_KID], bool *out_own)
{
	MDB_val key = place_value(place), value;
	int r = store_error(mdb_get(write->job, write->store->tables[table], &key, &value));

	*out_own =
		r == 0 && value.mv_size == STORE_KID && memcmp(value.mv_data, kid, STORE_KID) == 0;
	if (!*out_own) {
		return r == -ENOENT ? 0 : r;
	}
	return store_write_delete(write, table, key);
}

static int drop_by_principal(
	struct store_write *write, const struct store_key *key, const char kid[static STORE_KID])
{
	static const enum store_table tables[] = { STORE_KEYS_BY_PRINCIPAL, STORE_KEYS_UNREVOKED };
	struct store_place place;
	bool own;
	int r = 0;

	store_place_init(&place);
	store_place_u32(&place, key->tenant);
	store_place_sized(&place, key->principal);
	store_place_u64(&place, key->number);
	for (size_t i = 0; i < sizeof tables / sizeof tables[0] && r == 0; i++) {
		r = place.full ? 0 : drop_own(write, tables[i], &place, kid, &own);
	}
	return r;
}

static int drop_by_hash(struct store_write *write, const struct store_imports *imports,
	const char kid[static STORE_KID])
{
	int r = 0;

	for (unsigned i = 0; i < imports->count && r == 0; i++) {
		struct store_place place;
		bool own;

		store_place_init(&place);
		store_place_text(
			&place, (struct pol_str){ (const char *)imports->hashes[i], STORE_HASH });
		r = drop_own(write, STORE_KEYS_BY_HASH, &place, kid, &own);
	}
	return r;
}

/* The entries in indexes that the record names. A text that is larger than it may be names none. */
static int drop_entries(
	struct store_write *write, const struct store_key *record, const char kid[static STORE_KID])
{
	char principal[STORE_MAX_NAME];
	struct store_key key = *record;
	struct store_imports imports;
	struct store_place place;
	bool own;
	int r;

	store_imports_of(record, &imports);
	if (key.principal.len > sizeof principal) {
		key.principal.len = 0;
	}
	if (key.principal.len > 0) {
		memcpy(principal, key.principal.ptr, key.principal.len);
	}
	key.principal.ptr = principal;
	store_place_init(&place);
	store_place_u32(&place, key.tenant);
	store_place_u64(&place, key.number);
	r = drop_own(write, STORE_KEYS_BY_TENANT, &place, kid, &own);
	if (r == 0 && own) {
		store_touch_key(write, key.number);
		/* Only a number that the index of tenants confirms is the key's own. */
		r = store_drop_use(write, key.number);
	}
	if (r == 0 && key.principal.len > 0) {
		r = drop_by_principal(write, &key, kid);
	}
	if (r == 0 && key.deleted_at != 0) {
		store_place_init(&place);
		store_place_u64(&place, (uint64_t)key.deleted_at);
		store_place_u64(&place, key.number);
		r = drop_own(write, STORE_KEYS_DELETED, &place, kid, &own);
	}
	return r == 0 ? drop_by_hash(write, &imports, kid) : r;
}

int store_remove_altered_key(struct store_write *write, const char kid[static STORE_KID])
{
	struct pol_str id = { kid, STORE_KID };
	struct store_unchecked unchecked;
	struct store_place place;
	struct store_key record;
	MDB_val key;
	int r = store_write_ready(write);

	if (r == 0 && store_peek_key(&write->reader, id, &record, &unchecked) == 0) {
		r = drop_entries(write, &record, kid);
	}
	if (r < 0) {
		return r;
	}
	store_place_init(&place);
	store_place_text(&place, id);
	key = place_value(&place);
	r = store_write_delete(write, STORE_KEYS, key);
	if (r == 0) {
		store_write_owe(write, NULL);
	}
	return r;
}
