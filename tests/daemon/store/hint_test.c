/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/hint.h"

#include <criterion/criterion.h>
#include <lmdb.h>
#include <sys/wait.h>

#include "tests/daemon/folder.h"

enum { KEYS = 20000 };

static struct store_hints *hints;

static void setup(void)
{
	cr_assert_eq(store_hints_create(&hints), 0);
}

static void teardown(void)
{
	store_hints_destroy(hints);
}

TestSuite(store_hint, .init = setup, .fini = teardown);

/* Somewhere that is never looked at. */
static struct store_place_of place_of(unsigned number)
{
	return (struct store_place_of){ (const uint8_t *)(uintptr_t)(0x7f0000000000 + number * 2),
		number };
}

static void make_kid(unsigned number, char out[static STORE_KID + 1])
{
	snprintf(out, STORE_KID + 1, "%012u", number);
}

Test(store_hint, holds_for_exactly_one_generation_and_one_key)
{
	static const struct {
		const char *kid;
		uint64_t generation;
		bool found;
	} rows[] = {
		{ "AAAAAAAAAAAA", 4, true },
		{ "AAAAAAAAAAAA", 6, false },
		{ "AAAAAAAAAAAA", 2, false },
		{ "AAAAAAAAAAAA", 0, false },
		{ "AAAAAAAAAAAB", 4, false },
		{ "BAAAAAAAAAAA", 4, false },
	};
	struct store_place_of place = place_of(7), out;

	store_hints_put(hints, 4, "AAAAAAAAAAAA", &place, 1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		bool found = store_hints_find(hints, rows[i].generation, rows[i].kid, &out);

		cr_expect_eq(found, rows[i].found, "row %zu", i);
		if (found) {
			cr_expect_eq(out.at, place.at);
			cr_expect_eq(out.size, place.size);
		}
	}
}

Test(store_hint, without_a_generation_nothing_is_kept)
{
	struct store_place_of place = place_of(7), out;

	store_hints_put(hints, 0, "AAAAAAAAAAAA", &place, 1);
	cr_expect_not(store_hints_find(hints, 0, "AAAAAAAAAAAA", &out));
}

Test(store_hint, of_a_new_generation_drops_the_old_ones_of_its_line)
{
	struct store_place_of old = place_of(7), new = place_of(9), out;

	store_hints_put(hints, 4, "AAAAAAAAAAAA", &old, 1);
	store_hints_put(hints, 6, "AAAAAAAAAAAA", &new, 1);
	cr_expect_not(store_hints_find(hints, 4, "AAAAAAAAAAAA", &out));
	cr_assert(store_hints_find(hints, 6, "AAAAAAAAAAAA", &out));
	cr_expect_eq(out.at, new.at);
}

Test(store_hint, is_not_made_of_a_record_too_large_for_it)
{
	struct store_place_of place = { (const uint8_t *)(uintptr_t)0x7f0000000000, 65536 }, out;

	store_hints_put(hints, 4, "AAAAAAAAAAAA", &place, 1);
	cr_expect_not(store_hints_find(hints, 4, "AAAAAAAAAAAA", &out));
}

Test(store_hint, the_table_grows_until_nearly_all_keys_have_one)
{
	char kid[STORE_KID + 1];
	unsigned found = 0;

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < KEYS; i++) {
			struct store_place_of place = place_of(i);

			make_kid(i, kid);
			store_hints_put(hints, 4, kid, &place, KEYS);
		}
	}
	for (unsigned i = 0; i < KEYS; i++) {
		struct store_place_of out;

		make_kid(i, kid);
		if (store_hints_find(hints, 4, kid, &out)) {
			found++;
			cr_expect_lt(out.size, KEYS);
		}
	}
	cr_expect_gt(found, KEYS * 9 / 10, "%u of %d", found, KEYS);
}

/* --- in the store ----------------------------------------------------------------------------- */

TestSuite(recalled, .init = folder_make, .fini = folder_remove);

static struct store_read *reader(struct store *store)
{
	struct store_read *read = NULL;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	return read;
}

static bool is_recalled(struct store_read *read, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number), found;

	cr_assert_eq(store_get_key(read, key.kid, &found), 0);
	cr_assert(pol_str_equal(found.kid, key.kid));
	return found.recalled;
}

static void use(struct store *store, uint64_t number)
{
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_use(write, number, &(struct store_use){ .uses = 7 }), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
}

Test(recalled, is_what_was_read_before_by_any_reader)
{
	struct store *store = folder_store();
	struct store_read *one, *other;

	folder_put_key(store, 1);
	folder_put_key(store, 2);
	one = reader(store);
	other = reader(store);
	cr_expect_not(is_recalled(one, 1));
	cr_expect(is_recalled(one, 1));
	cr_expect(is_recalled(other, 1));
	cr_expect_not(is_recalled(other, 2));
	store_read_close(one);
	store_read_close(other);
	store_close(store);
}

Test(recalled, is_nothing_from_before_a_change_though_use_leaves_it)
{
	struct store *store = folder_store();
	uint64_t number = folder_put_key(store, 1);
	struct store_read *read = reader(store);

	cr_expect_not(is_recalled(read, 1));
	use(store, number);
	cr_assert_eq(store_read_renew(read), 0);
	cr_expect(is_recalled(read, 1));
	folder_put_key(store, 2);
	cr_expect(is_recalled(read, 1), "what this reader sees has not changed");
	cr_assert_eq(store_read_renew(read), 0);
	cr_expect_not(is_recalled(read, 1));
	store_read_close(read);
	store_close(store);
}

Test(recalled, is_nothing_in_the_writer_who_sees_what_nobody_else_does)
{
	struct store *store = folder_store();
	struct store_write *write;

	folder_put_key(store, 1);
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_expect_not(is_recalled(store_write_reader(write), 1));
	cr_expect_not(is_recalled(store_write_reader(write), 1));
	store_write_abort(write);
	store_close(store);
}

/* What somebody does who has the file and no respect for its lock. */
static int write_as_a_stranger(const char *path)
{
	char bytes[] = "x";
	MDB_val key = { 1, bytes }, value = { 1, bytes };
	MDB_env *env = NULL;
	MDB_txn *txn = NULL;
	MDB_dbi table;

	return mdb_env_create(&env) != 0 || mdb_env_set_maxdbs(env, 32) != 0 ||
	       mdb_env_set_mapsize(env, STORE_MAP_SIZE_SMALL) != 0 ||
	       mdb_env_open(env, path, MDB_NOSUBDIR, 0600) != 0 ||
	       mdb_txn_begin(env, NULL, 0, &txn) != 0 ||
	       mdb_dbi_open(txn, "uses", 0, &table) != 0 ||
	       mdb_put(txn, table, &key, &value, 0) != 0 || mdb_txn_commit(txn) != 0;
}

Test(recalled, is_nothing_once_a_stranger_has_written_to_the_file)
{
	struct store *store = folder_store();
	uint64_t number = folder_put_key(store, 1), before = store_generation(store);
	struct store_read *read = reader(store);
	char path[256];
	int status;
	pid_t child;

	cr_expect_not(is_recalled(read, 1));
	folder_path(path, sizeof path, "store");
	child = fork();
	if (child == 0) {
		_exit(write_as_a_stranger(path));
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_assert_eq(store_read_renew(read), 0);
	cr_expect_not(is_recalled(read, 1), "a state that is not ours");
	use(store, number);
	cr_expect_neq(store_generation(store), before, "it was noticed");
	cr_assert_eq(store_read_renew(read), 0);
	cr_expect_not(is_recalled(read, 1), "nothing is left from before");
	cr_expect(is_recalled(read, 1));
	store_read_close(read);
	store_close(store);
}
