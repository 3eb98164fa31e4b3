/* SPDX-License-Identifier: Apache-2.0 */

/*
 * verify_lists: whether the indexes have a record. An index needs no tags against added entries,
 * because each record is checked; but a record whose entry was removed is no longer found by the
 * index: a key that the index of its principal lacks would still work after the principal is gone.
 */

#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

/* 1: the index has this entry with this value; 0: it has not; or a negative errno. */
static int holds(struct store_read *read, enum store_table table, const struct store_place *place,
	struct pol_str what)
{
	MDB_val key = { place->len, (void *)(uintptr_t)place->bytes }, value;
	int r = store_error(mdb_get(read->txn, read->store->tables[table], &key, &value));

	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	return value.mv_size == what.len &&
	       (what.len == 0 || memcmp(value.mv_data, what.ptr, what.len) == 0);
}

static int holds_imports(struct store_read *read, const struct store_key *key)
{
	struct store_imports imports;
	int r = 1;

	store_imports_of(key, &imports);
	for (unsigned i = 0; i < imports.count && r == 1; i++) {
		struct store_place place = { .len = 0 };

		store_place_text(
			&place, (struct pol_str){ (const char *)imports.hashes[i], STORE_HASH });
		r = holds(read, STORE_KEYS_BY_HASH, &place, key->kid);
	}
	return r;
}

static int key_is_listed(struct store_read *read, const struct store_key *key)
{
	struct store_place place = { .len = 0 };
	int r;

	store_place_u32(&place, key->tenant);
	store_place_u64(&place, key->number);
	r = holds(read, STORE_KEYS_BY_TENANT, &place, key->kid);
	if (r == 1 && key->principal.len > 0) {
		store_place_init(&place);
		store_place_u32(&place, key->tenant);
		store_place_sized(&place, key->principal);
		store_place_u64(&place, key->number);
		r = holds(read, STORE_KEYS_BY_PRINCIPAL, &place, key->kid);
		if (r == 1 && (key->flags & STORE_KEY_REVOKED) == 0) {
			r = holds(read, STORE_KEYS_UNREVOKED, &place, key->kid);
		}
	}
	if (r == 1 && key->deleted_at != 0) {
		store_place_init(&place);
		store_place_u64(&place, (uint64_t)key->deleted_at);
		store_place_u64(&place, key->number);
		r = holds(read, STORE_KEYS_DELETED, &place, key->kid);
	}
	return r == 1 ? holds_imports(read, key) : r;
}

static int principal_is_listed(struct store_read *read, const struct store_principal *principal)
{
	struct store_list left = principal->assignments;
	struct store_assignment held;
	int r = 1;

	while (r == 1 && store_assignment_next(&left, &held)) {
		struct store_place place = { .len = 0 };

		store_place_u32(&place, principal->tenant);
		store_place_sized(&place, held.role);
		store_place_text(&place, principal->id);
		r = holds(read, STORE_PRINCIPALS_BY_ROLE, &place, (struct pol_str){ NULL, 0 });
	}
	return r;
}

static int tenant_is_listed(struct store_read *read, uint32_t number, struct pol_str name)
{
	struct store_place place = { .len = 0 };
	uint8_t value[4];

	store_put32(value, number);
	store_place_text(&place, name);
	return holds(read, STORE_TENANT_NAMES, &place,
		(struct pol_str){ (const char *)value, sizeof value });
}

int store_is_listed(struct store_read *read, const struct store_problem *about)
{
	struct store_principal principal;
	struct store_key key;
	int r;

	switch ((enum store_audit_kind)about->kind) {
	case STORE_AUDIT_KEY:
		r = store_get_key(read, about->target, &key);
		return r < 0 ? r : key_is_listed(read, &key);
	case STORE_AUDIT_PRINCIPAL:
		r = store_get_holder(read, about->tenant, about->target, &principal);
		return r < 0 ? r : principal_is_listed(read, &principal);
	case STORE_AUDIT_TENANT:
		return tenant_is_listed(read, about->tenant, about->target);
	case STORE_AUDIT_ROLE:
	case STORE_AUDIT_POLICY:
	case STORE_AUDIT_STORE:
	case STORE_AUDIT_ALARM:
	case STORE_AUDIT_NONE:
		break;
	}
	return 1;
}
