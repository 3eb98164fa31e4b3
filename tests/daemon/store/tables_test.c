/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The tables of the store: a record comes back as it was put, and the lists follow the records.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <lmdb.h>

#include "tests/daemon/folder.h"

TestSuite(tables, .init = folder_make, .fini = folder_remove);

static bool same(struct pol_str a, const char *b)
{
	return pol_str_equal(a, pol_str_of(b));
}

Test(tables, a_key_comes_back_as_it_was_put)
{
	struct store *store = folder_store();
	struct store_read *read;
	struct store_write *write;
	uint8_t bytes[256], network[STORE_NETWORK] = { [10] = 0xff, [11] = 0xff, 10, [16] = 104 };
	struct store_pack scopes = { .bytes = bytes, .cap = sizeof bytes };
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 7), found;
	struct pol_str text;

	cr_assert(store_pack_add(&scopes, POL_STR("loans:read")));
	cr_assert(store_pack_add(&scopes, POL_STR("loans:write")));
	key.scopes = store_pack_list(&scopes);
	key.flags = STORE_KEY_HAS_SCOPES;
	key.networks = network;
	key.network_count = 1;
	key.name = POL_STR("a name");
	key.expires_at = 5000;
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(key.number, 1);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);

	read = folder_reader(store);
	cr_assert_eq(store_get_key(read, key.kid, &found), 0);
	cr_assert_eq(found.number, 1);
	cr_assert_eq(found.expires_at, 5000);
	cr_assert_eq(found.flags, STORE_KEY_HAS_SCOPES);
	cr_assert(same(found.principal, "alice"));
	cr_assert(same(found.name, "a name"));
	cr_assert(same(found.prefix, "ak_live_"));
	cr_assert(same(found.environment, "live"));
	cr_assert(same(found.created_by, "uid:0"));
	cr_assert_eq(found.label.len, 0);
	cr_assert_arr_eq(found.hash, key.hash, STORE_HASH);
	cr_assert_eq(found.network_count, 1);
	cr_assert_arr_eq(found.networks, network, STORE_NETWORK);
	cr_assert(store_list_next(&found.scopes, &text) && same(text, "loans:read"));
	cr_assert(store_list_next(&found.scopes, &text) && same(text, "loans:write"));
	cr_assert_not(store_list_next(&found.scopes, &text));
	cr_assert_eq(store_get_key(read, POL_STR("1zzzzzzzzzzz"), &found), -ENOENT);
	store_read_close(read);
	store_close(store);
}

Test(tables, a_keys_secrets_and_schedule_come_back_and_other_keys_have_none)
{
	struct store *store = folder_store();
	struct store_read *read;
	struct store_write *write;
	uint8_t other[STORE_HASH] = { 1, 2, 3 }, dead[2 * STORE_TAG] = { 4, 5, [STORE_TAG] = 6 };
	char plain_kid[STORE_KID + 1], kid[STORE_KID + 1];
	struct store_key plain = folder_key(plain_kid, 7), key = folder_key(kid, 8), found;
	const struct store_rotation *got = &found.rotation;

	key.deleted_at = 77;
	key.rotation = (struct store_rotation){ .other = STORE_OTHER_PENDING,
		.dead_count = 2,
		.generation = 5,
		.other_generation = 7,
		.issued = 7,
		.other_hash = other,
		.dead = dead,
		.other_until = 10,
		.other_overlap = 11,
		.other_since = 12,
		.other_renew_by = 17,
		.secret_since = 13,
		.rotate_every = 14,
		.next_rotation_at = 15,
		.renew_by = 16,
		.received_by = POL_STR("key:1aaaaaaaaaaa"),
		.other_received_by = POL_STR("uid:7") };
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_create_key(write, &plain), 0);
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);

	read = folder_reader(store);
	cr_assert_eq(store_get_key(read, key.kid, &found), 0);
	cr_expect_eq(found.deleted_at, 77);
	cr_expect_eq(got->other, STORE_OTHER_PENDING);
	cr_expect_eq(got->generation, 5);
	cr_expect_eq(got->other_generation, 7);
	cr_expect_eq(got->issued, 7);
	cr_expect_eq(got->other_until, 10);
	cr_expect_eq(got->other_overlap, 11);
	cr_expect_eq(got->other_since, 12);
	cr_expect_eq(got->other_renew_by, 17);
	cr_expect_eq(got->secret_since, 13);
	cr_expect_eq(got->rotate_every, 14);
	cr_expect_eq(got->next_rotation_at, 15);
	cr_expect_eq(got->renew_by, 16);
	cr_expect_arr_eq(got->other_hash, other, STORE_HASH);
	cr_assert_eq(got->dead_count, 2);
	cr_expect_arr_eq(got->dead, dead, sizeof dead);
	cr_expect(pol_str_equal(got->received_by, POL_STR("key:1aaaaaaaaaaa")));
	cr_expect(pol_str_equal(got->other_received_by, POL_STR("uid:7")));
	cr_assert_eq(store_get_key(read, plain.kid, &found), 0);
	cr_expect_eq(got->received_by.len, 0);
	cr_expect_eq(got->generation, 1);
	cr_expect_eq(got->issued, 1);
	cr_expect_eq(got->other, STORE_OTHER_NONE);
	cr_expect_eq(got->dead_count, 0);
	cr_expect_eq(got->rotate_every, 0);
	cr_expect_eq(found.deleted_at, 0);
	cr_expect_not_null(found.tag);
	store_read_close(read);
	store_close(store);
}

static int count_key(void *context, const struct store_key *key)
{
	uint64_t *last = (uint64_t *)context;

	cr_assert_gt(key->number, last[0]);
	last[0] = key->number;
	last[1]++;
	return 0;
}

Test(tables, keys_are_listed_in_order_of_creation_and_for_their_principal_only)
{
	struct store *store = folder_store();
	struct store_read *read;
	uint64_t all[2] = { 0 }, alices[2] = { 0 }, later[2] = { 0 }, others[2] = { 0 };

	for (unsigned i = 0; i < 20; i++) {
		folder_put_key(store, 100 - i);
	}
	read = folder_reader(store);
	cr_assert_eq(store_list_keys(read, 1, (struct pol_str){ NULL, 0 }, 0, count_key, all), 0);
	cr_assert_eq(store_list_keys(read, 1, POL_STR("alice"), 0, count_key, alices), 0);
	cr_assert_eq(store_list_keys(read, 1, POL_STR("alice"), 15, count_key, later), 0);
	cr_assert_eq(store_list_keys(read, 1, POL_STR("alic"), 0, count_key, others), 0);
	cr_assert_eq(
		store_list_keys(read, 2, (struct pol_str){ NULL, 0 }, 0, count_key, others), 0);
	cr_assert_eq(all[1], 20);
	cr_assert_eq(alices[1], 20);
	cr_assert_eq(later[1], 5);
	cr_assert_eq(others[1], 0);
	store_read_close(read);
	store_close(store);
}

static void revoke_key(struct store *store, unsigned number, bool revoked)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number), stored;
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_get_key(store_write_reader(write), key.kid, &stored), 0);
	stored.flags = revoked ? STORE_KEY_REVOKED : 0;
	cr_assert_eq(store_update_key(write, &stored), 0);
	cr_assert_eq(folder_enter(write, key.kid), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

static uint64_t count_unrevoked(struct store *store, const char *principal)
{
	uint64_t listed[2] = { 0 };
	struct store_read *read = folder_reader(store);

	cr_assert_eq(store_list_unrevoked(read, 1, pol_str_of(principal), count_key, listed), 0);
	store_read_close(read);
	return listed[1];
}

/* A creation counts the principal's keys by this list: so those that are revoked cost it nothing.
 */
Test(tables, revoked_keys_are_not_in_the_list_of_those_that_are_not)
{
	struct store *store = folder_store();
	struct store_write *write;

	for (unsigned i = 1; i <= 20; i++) {
		folder_put_key(store, i);
	}
	cr_assert_eq(count_unrevoked(store, "alice"), 20);
	cr_assert_eq(count_unrevoked(store, "alic"), 0);
	cr_assert_eq(count_unrevoked(store, ""), 0);
	for (unsigned i = 1; i <= 15; i++) {
		revoke_key(store, i, true);
	}
	cr_assert_eq(count_unrevoked(store, "alice"), 5);
	revoke_key(store, 3, false);
	cr_assert_eq(count_unrevoked(store, "alice"), 6);
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_remove_key(write, POL_STR("100000000020")), 0);
	cr_assert_eq(folder_enter(write, POL_STR("100000000020")), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	cr_assert_eq(count_unrevoked(store, "alice"), 5);
	store_close(store);
}

static void empty_table(const char *name)
{
	char path[256];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi table;

	folder_path(path, sizeof path, "store");
	cr_assert_eq(mdb_env_create(&env), 0);
	cr_assert_eq(mdb_env_set_maxdbs(env, 32), 0);
	cr_assert_eq(mdb_env_set_mapsize(env, STORE_MAP_SIZE_SMALL), 0);
	cr_assert_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, name, 0, &table), 0);
	cr_assert_eq(mdb_drop(txn, table, 0), 0);
	cr_assert_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

/* As if the store were of a version that had no such list. */
Test(tables, the_list_of_keys_that_are_not_revoked_is_made_if_it_is_missing)
{
	struct store *store = folder_store();

	for (unsigned i = 1; i <= 20; i++) {
		folder_put_key(store, i);
	}
	revoke_key(store, 7, true);
	store_close(store);
	empty_table("keys_unrevoked");
	store = folder_store();
	cr_assert_eq(count_unrevoked(store, "alice"), 19);
	store_close(store);
}

Test(tables, a_principal_holds_its_assignments_and_is_found_by_role)
{
	struct store *store = folder_store();
	struct store_read *read;
	struct store_write *write;
	uint8_t bytes[512], place_bytes[128];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	struct store_pack places = { .bytes = place_bytes, .cap = sizeof place_bytes };
	struct store_assignment held = { .role = POL_STR("viewer"), .until = 99 }, got;
	struct store_principal put = { .id = POL_STR("alice"), .tenant = 1 }, found;

	cr_assert(store_pack_add(&places, POL_STR("api:/loans/7")));
	held.places = store_pack_list(&places);
	cr_assert(store_assignment_add(&pack, &held));
	put.assignments = store_pack_list(&pack);
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_principal(write, &put), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);

	read = folder_reader(store);
	cr_assert_eq(store_get_principal(read, 1, put.id, &found), 0);
	cr_assert(store_assignment_next(&found.assignments, &got));
	cr_assert(same(got.role, "viewer"));
	cr_assert_eq(got.until, 99);
	cr_assert_eq(got.places.count, 1);
	cr_assert_not(store_assignment_next(&found.assignments, &got));
	cr_assert_eq(store_get_principal(read, 2, put.id, &found), -ENOENT);
	store_read_close(read);
	store_close(store);
}

static int count_principal(void *context, const struct store_principal *principal)
{
	(void)principal;
	(*(unsigned *)context)++;
	return 0;
}

static unsigned holders(struct store *store, struct pol_str role)
{
	struct store_read *read = folder_reader(store);
	unsigned count = 0;

	cr_assert_eq(store_list_holders(
			     read, 1, role, (struct pol_str){ NULL, 0 }, count_principal, &count),
		0);
	store_read_close(read);
	return count;
}

static void put_holder(struct store *store, const char *role)
{
	struct store_write *write;
	uint8_t bytes[512];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	struct store_assignment held = { .role = pol_str_of(role) };
	struct store_principal put = { .id = POL_STR("alice"), .tenant = 1 };

	if (role != NULL) {
		cr_assert(store_assignment_add(&pack, &held));
	}
	put.assignments = store_pack_list(&pack);
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_principal(write, &put), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

Test(tables, the_index_of_roles_follows_the_record)
{
	struct store *store = folder_store();

	put_holder(store, "viewer");
	cr_assert_eq(holders(store, POL_STR("viewer")), 1);
	cr_assert_eq(holders(store, POL_STR("view")), 0);
	put_holder(store, "clerk");
	cr_assert_eq(holders(store, POL_STR("viewer")), 0);
	cr_assert_eq(holders(store, POL_STR("clerk")), 1);
	put_holder(store, NULL);
	cr_assert_eq(holders(store, POL_STR("clerk")), 0);
	store_close(store);
}
