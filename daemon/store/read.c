/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/internal.h"

static MDB_val place_value(struct store_place *place)
{
	return (MDB_val){ place->len, place->bytes };
}

static MDB_val str_value(struct pol_str str)
{
	/* MDB_val has no const, but LMDB does not write to keys. */
	return (MDB_val){ str.len, (void *)(uintptr_t)str.ptr };
}

int store_get_key(struct store_read *read, struct pol_str kid, struct store_key *out)
{
	struct store *store = read->store;
	MDB_val key = str_value(kid), value;
	int r;

	if (kid.len != STORE_KID) {
		return -ENOENT;
	}
	r = store_error(mdb_get(read->txn, store->tables[STORE_KEYS], &key, &value));
	return r < 0 ? r
		     : store_report(store, store_decode_key(store, value, kid, out), "keys", kid);
}

int store_peek_key(struct store_read *read, struct pol_str kid, struct store_key *out,
	struct store_unchecked *out_record)
{
	MDB_val key = str_value(kid), value;
	int r;

	if (kid.len != STORE_KID) {
		return -ENOENT;
	}
	r = store_error(mdb_get(read->txn, read->store->tables[STORE_KEYS], &key, &value));
	if (r < 0) {
		return r;
	}
	*out_record = (struct store_unchecked){ value.mv_data, value.mv_size };
	return store_report(read->store, store_peek_key_record(value, kid, out), "keys", kid);
}

int store_check_key(
	struct store_read *read, const struct store_key *key, const struct store_unchecked *record)
{
	MDB_val value = { record->size, (void *)(uintptr_t)record->bytes };
	struct store_key again;

	return store_report(read->store, store_decode_key(read->store, value, key->kid, &again),
		"keys", key->kid);
}

int store_peek_key_by_hash(struct store_read *read, const uint8_t hash[static STORE_HASH],
	struct store_key *out, struct store_unchecked *out_record)
{
	MDB_val key = { STORE_HASH, (void *)(uintptr_t)hash }, value;
	int r = store_error(
		mdb_get(read->txn, read->store->tables[STORE_KEYS_BY_HASH], &key, &value));

	return r < 0 ? r
		     : store_peek_key(read, (struct pol_str){ value.mv_data, value.mv_size }, out,
			       out_record);
}

int store_get_key_by_hash(
	struct store_read *read, const uint8_t hash[static STORE_HASH], struct store_key *out)
{
	MDB_val key = { STORE_HASH, (void *)(uintptr_t)hash }, value;
	int r = store_error(
		mdb_get(read->txn, read->store->tables[STORE_KEYS_BY_HASH], &key, &value));

	return r < 0 ? r
		     : store_get_key(read, (struct pol_str){ value.mv_data, value.mv_size }, out);
}

/* The principal's record as it is in the map. */
static int find_principal(struct store_read *read, uint32_t tenant, struct pol_str id, MDB_val *out)
{
	struct store_place place;
	MDB_val key;

	store_place_init(&place);
	if (id.len == 0 || id.len > STORE_MAX_NAME) {
		return -ENOENT;
	}
	store_place_u32(&place, tenant);
	store_place_text(&place, id);
	key = place_value(&place);
	return store_error(mdb_get(read->txn, read->store->tables[STORE_PRINCIPALS], &key, out));
}

int store_peek_principal(
	struct store_read *read, uint32_t tenant, struct pol_str id, uint32_t *out_flags)
{
	MDB_val value;
	int r = store_is_everyone(id) ? -ENOENT : find_principal(read, tenant, id, &value);

	return r < 0 ? r : store_peek_principal_flags(value, tenant, out_flags);
}

int store_get_principal(
	struct store_read *read, uint32_t tenant, struct pol_str id, struct store_principal *out)
{
	return store_is_everyone(id) ? -ENOENT : store_get_holder(read, tenant, id, out);
}

int store_get_holder(
	struct store_read *read, uint32_t tenant, struct pol_str id, struct store_principal *out)
{
	struct store *store = read->store;
	MDB_val value;
	int r = find_principal(read, tenant, id, &value);

	if (r < 0) {
		return r;
	}
	return store_report(
		store, store_decode_principal(store, value, tenant, id, out), "principals", id);
}

int store_get_days(struct store_read *read, uint64_t number, struct store_use *out,
	struct store_days *out_days)
{
	struct store *store = read->store;
	struct store_place place;
	MDB_val key, value;
	int r;

	store_place_init(&place);
	store_place_u64(&place, number);
	key = place_value(&place);
	r = store_error(mdb_get(read->txn, store->tables[STORE_USES], &key, &value));
	if (r == -ENOENT) {
		*out = (struct store_use){ 0 };
		*out_days = (struct store_days){ 0 };
		return 0;
	}
	if (r == 0) {
		r = store_report(store, store_decode_use(store, value, number, out, out_days),
			"uses", POL_STR("(by number)"));
	}
	return r;
}

int store_get_use(struct store_read *read, uint64_t number, struct store_use *out)
{
	struct store_days days;
	struct store_use use;
	int r = store_get_days(read, number, &use, &days);

	if (r == -EBADMSG) {
		use = (struct store_use){ 0 };
		r = 0;
	}
	if (r == 0) {
		*out = use;
	}
	return r;
}

/* --- lists ------------------------------------------------------------------------------------ */

/* A walk over a table from `from` on, as far as keys begin with its first `common` bytes. */
struct walk {
	MDB_cursor *cursor;
	const struct store_place *from;
	size_t common;
	MDB_val key;
	MDB_val value;
};

/* Moves to the first entry at or after `from`. -ENOENT: there is none. On failure the cursor is
 * closed. */
static int walk_begin(struct walk *walk, struct store_read *read, enum store_table table,
	struct store_place *from)
{
	int r = store_error(mdb_cursor_open(read->txn, read->store->tables[table], &walk->cursor));

	if (r < 0) {
		return r;
	}
	walk->from = from;
	walk->key = place_value(from);
	r = store_error(mdb_cursor_get(walk->cursor, &walk->key, &walk->value, MDB_SET_RANGE));
	if (r < 0) {
		mdb_cursor_close(walk->cursor);
	}
	return r;
}

static bool walk_inside(const struct walk *walk)
{
	return walk->key.mv_size >= walk->common &&
	       memcmp(walk->key.mv_data, walk->from->bytes, walk->common) == 0;
}

static int walk_next(struct walk *walk)
{
	return store_error(mdb_cursor_get(walk->cursor, &walk->key, &walk->value, MDB_NEXT));
}

/* The keys that an index has from the place on: those of a tenant or of one of its principals. */
struct key_list {
	enum store_table table;
	uint32_t tenant;
	struct pol_str principal; /* empty: any */
	uint64_t after;
};

static int list_keys(
	struct store_read *read, const struct key_list *list, store_key_seen seen, void *context)
{
	struct pol_str principal = list->principal;
	uint32_t tenant = list->tenant;
	struct store_place from = { .len = 0 };
	struct walk walk;
	int r;

	store_place_u32(&from, tenant);
	if (principal.len > 0) {
		store_place_sized(&from, principal);
	}
	walk.common = from.len;
	if (from.full || list->after == UINT64_MAX) {
		return 0;
	}
	store_place_u64(&from, list->after + 1);
	r = walk_begin(&walk, read, list->table, &from);
	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0 && walk_inside(&walk)) {
		struct pol_str kid = { walk.value.mv_data, walk.value.mv_size };
		struct store_key key;

		r = store_get_key(read, kid, &key);
		/* An index that was altered cannot show another tenant's or principal's key. */
		if (r == 0 && key.tenant == tenant &&
			(principal.len == 0 || pol_str_equal(key.principal, principal))) {
			r = seen(context, &key);
			if (r != 0) {
				break;
			}
		} else if (r == -EBADMSG || r == -ENOENT) {
			r = 0;
		}
		if (r == 0) {
			r = walk_next(&walk);
		}
	}
	mdb_cursor_close(walk.cursor);
	return r == -ENOENT ? 0 : r;
}

int store_list_keys(struct store_read *read, uint32_t tenant, struct pol_str principal,
	uint64_t after, store_key_seen seen, void *context)
{
	const struct key_list list = {
		.table = principal.len > 0 ? STORE_KEYS_BY_PRINCIPAL : STORE_KEYS_BY_TENANT,
		.tenant = tenant,
		.principal = principal,
		.after = after,
	};

	return list_keys(read, &list, seen, context);
}

int store_list_unrevoked(struct store_read *read, uint32_t tenant, struct pol_str principal,
	store_key_seen seen, void *context)
{
	const struct key_list list = {
		.table = STORE_KEYS_UNREVOKED, .tenant = tenant, .principal = principal
	};

	return principal.len > 0 ? list_keys(read, &list, seen, context) : 0;
}

int store_walk_keys(
	struct store_read *read, struct pol_str after, store_key_seen seen, void *context)
{
	struct store_place from = { .len = 0 };
	struct walk walk = { .common = 0 };
	int r;

	/* LMDB does not accept an empty key. */
	store_place_text(&from, after.len > 0 ? after : (struct pol_str){ "", 1 });
	r = from.full ? -ENOENT : walk_begin(&walk, read, STORE_KEYS, &from);
	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0) {
		struct pol_str kid = { walk.key.mv_data, walk.key.mv_size };
		struct store_key key;

		if (!pol_str_equal(kid, after)) {
			r = store_report(read->store,
				store_decode_key(read->store, walk.value, kid, &key), "keys", kid);
			if (r == 0) {
				r = seen(context, &key);
				if (r != 0) {
					break;
				}
			}
		}
		r = walk_next(&walk);
	}
	mdb_cursor_close(walk.cursor);
	return r == -ENOENT ? 0 : r;
}

int store_list_principals(struct store_read *read, uint32_t tenant, struct pol_str after,
	store_principal_seen seen, void *context)
{
	struct store *store = read->store;
	struct store_place from = { .len = 0 };
	struct walk walk = { .common = sizeof tenant };
	int r;

	store_place_u32(&from, tenant);
	store_place_text(&from, after);
	r = from.full ? -ENOENT : walk_begin(&walk, read, STORE_PRINCIPALS, &from);
	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0 && walk_inside(&walk)) {
		struct pol_str id = { (const char *)walk.key.mv_data + walk.common,
			walk.key.mv_size - walk.common };
		struct store_principal principal;

		if (!pol_str_equal(id, after) && !store_is_everyone(id)) {
			r = store_report(store,
				store_decode_principal(store, walk.value, tenant, id, &principal),
				"principals", id);
			if (r == 0) {
				r = seen(context, &principal);
				if (r != 0) {
					break;
				}
			}
		}
		r = walk_next(&walk);
	}
	mdb_cursor_close(walk.cursor);
	return r == -ENOENT ? 0 : r;
}

int store_list_holders(struct store_read *read, uint32_t tenant, struct pol_str role,
	struct pol_str after, store_principal_seen seen, void *context)
{
	struct store_place from = { .len = 0 };
	struct walk walk;
	int r;

	store_place_u32(&from, tenant);
	store_place_sized(&from, role);
	walk.common = from.len;
	store_place_text(&from, after);
	r = from.full ? -ENOENT : walk_begin(&walk, read, STORE_PRINCIPALS_BY_ROLE, &from);
	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	while (r == 0 && walk_inside(&walk)) {
		struct pol_str id = { (const char *)walk.key.mv_data + walk.common,
			walk.key.mv_size - walk.common };
		struct store_principal principal;

		if (!pol_str_equal(id, after) && !store_is_everyone(id)) {
			r = store_get_principal(read, tenant, id, &principal);
			if (r == 0) {
				r = seen(context, &principal);
				if (r != 0) {
					break;
				}
			} else if (r != -EBADMSG && r != -ENOENT) {
				break;
			}
		}
		r = walk_next(&walk);
	}
	mdb_cursor_close(walk.cursor);
	return r == -ENOENT ? 0 : r;
}
