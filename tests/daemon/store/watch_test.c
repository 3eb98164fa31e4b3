/* SPDX-License-Identifier: Apache-2.0 */
/* The watch, which is called before a change is committed, and the views of readers. */
#include <criterion/criterion.h>
#include <lmdb.h>
#include <sys/wait.h>

#include "tests/daemon/folder.h"

static struct store *store;
static struct store_read *reader;

/* What the watch was called with. */
static struct seen {
	unsigned keys, principals, alls;
	uint64_t version;
	uint64_t number;
	uint32_t tenant;
	char id[STORE_MAX_NAME];
	bool committed; /* a reader saw the change before the watch was called */
} seen;

static void note(uint64_t version)
{
	seen.version = version;
	cr_assert_eq(store_read_renew(reader), 0);
	seen.committed = store_read_view(reader) == 0 || store_read_view(reader) >= version;
}

static void on_key(void *context, uint64_t version, uint64_t number)
{
	cr_assert_eq(context, &seen);
	seen.keys++;
	seen.number = number;
	note(version);
}

static void on_principal(void *context, uint64_t version, uint32_t tenant, struct pol_str id)
{
	cr_assert_eq(context, &seen);
	seen.principals++;
	seen.tenant = tenant;
	memcpy(seen.id, id.ptr, id.len);
	seen.id[id.len] = '\0';
	note(version);
}

static void on_all(void *context, uint64_t version)
{
	cr_assert_eq(context, &seen);
	seen.alls++;
	seen.version = version;
}

static const struct store_watch watch = {
	.context = &seen, .key = on_key, .principal = on_principal, .all = on_all
};

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(store_read_open(store, &reader), 0);
	cr_assert_eq(store_read_renew(reader), 0);
	store_set_watch(store, &watch);
}

static void teardown(void)
{
	store_read_close(reader);
	store_close(store);
	folder_remove();
}

TestSuite(store_watch, .init = setup, .fini = teardown);

static struct store_write *begin(void)
{
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	return write;
}

static void commit(struct store_write *write)
{
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

static void update_key(struct store_write *write, unsigned number)
{
	char kid[STORE_KID + 1];
	struct store_key key;

	cr_assert_eq(
		store_get_key(store_write_reader(write), folder_key(kid, number).kid, &key), 0);
	key.flags ^= STORE_KEY_DISABLED;
	cr_assert_eq(store_update_key(write, &key), 0);
	cr_assert_eq(folder_enter(write, pol_str_of(kid)), 0);
}

static void put_principal(struct store_write *write, uint32_t tenant, const char *id)
{
	const struct store_principal principal = { .id = pol_str_of(id), .tenant = tenant };

	cr_assert_eq(store_put_principal(write, &principal), 0);
	cr_assert_eq(folder_enter(write, principal.id), 0);
}

static uint64_t view(void)
{
	cr_assert_eq(store_read_renew(reader), 0);
	return store_read_view(reader);
}

Test(store_watch, a_changed_key_is_named_before_the_commit)
{
	uint64_t number, before;
	struct store_write *write;

	folder_put_key(store, 1);
	number = folder_put_key(store, 2);
	cr_expect_eq(seen.keys, 0, "a new key was read by nobody");
	before = view();
	write = begin();
	update_key(write, 2);
	cr_expect_eq(seen.keys, 0);
	commit(write);
	cr_expect_eq(seen.keys, 1);
	cr_expect_eq(seen.number, number);
	cr_expect_not(seen.committed);
	cr_expect_gt(seen.version, before);
	cr_expect_eq(seen.version, view(), "from then on readers see it");
	cr_expect_eq(seen.principals + seen.alls, 0);
}

Test(store_watch, a_removed_key_is_named)
{
	uint64_t number = folder_put_key(store, 1);
	struct store_write *write = begin();
	char kid[STORE_KID + 1];

	cr_assert_eq(store_remove_key(write, folder_key(kid, 1).kid), 0);
	cr_assert_eq(folder_enter(write, pol_str_of(kid)), 0);
	commit(write);
	cr_expect_eq(seen.keys, 1);
	cr_expect_eq(seen.number, number);
	cr_expect_not(seen.committed);
}

Test(store_watch, a_principal_that_is_put_or_deleted_is_named_with_its_tenant)
{
	struct store_write *write = begin();

	put_principal(write, 7, "alice");
	commit(write);
	cr_expect_eq(seen.principals, 1);
	cr_expect_eq(seen.tenant, 7);
	cr_expect_str_eq(seen.id, "alice");
	cr_expect_not(seen.committed);
	cr_expect_eq(seen.version, view());
	write = begin();
	cr_assert_eq(store_delete_principal(write, 7, POL_STR("alice")), 0);
	cr_assert_eq(folder_enter(write, POL_STR("alice")), 0);
	commit(write);
	cr_expect_eq(seen.principals, 2);
	cr_expect_eq(seen.version, view());
	cr_expect_not(seen.committed);
	cr_expect_eq(seen.keys + seen.alls, 0);
}

Test(store_watch, use_and_what_is_not_committed_is_no_change)
{
	uint64_t number = folder_put_key(store, 1);
	struct store_write *write = begin();

	update_key(write, 1);
	cr_assert_eq(store_write_keep(write), 0);
	store_write_abort(write);
	write = begin();
	cr_assert_eq(store_put_use(write, number, &(struct store_use){ .uses = 7 }, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
	cr_expect_eq(seen.keys + seen.principals + seen.alls, 0);
}

Test(store_watch, more_changes_than_are_remembered_are_all)
{
	struct store_write *write;

	folder_put_key(store, 1);
	write = begin();
	for (unsigned i = 0; i < 5000; i++) {
		update_key(write, 1);
	}
	commit(write);
	cr_expect_eq(seen.alls, 1);
	cr_expect_eq(seen.version, view());
}

/* --- views ------------------------------------------------------------------------------------ */

Test(store_watch, a_view_is_of_what_the_reader_saw_last)
{
	uint64_t before = view();

	folder_put_key(store, 1);
	cr_expect_eq(store_read_view(reader), before);
	cr_expect_gt(view(), before);
	store_read_reset(reader);
	cr_expect_eq(store_read_view(reader), 0);
}

Test(store_watch, the_writer_has_no_view_for_it_sees_what_nobody_else_does)
{
	struct store_write *write = begin();

	cr_expect_eq(store_read_view(store_write_reader(write)), 0);
	store_write_abort(write);
}

/* Writes to the file as another program does that ignores the lock. */
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

Test(store_watch, another_programs_change_gives_no_view_and_is_all_once_it_is_noticed)
{
	uint64_t number = folder_put_key(store, 1), generation = store_generation(store), other;
	struct store_write *write;
	char path[256];
	int status;
	pid_t child;

	folder_path(path, sizeof path, "store");
	child = fork();
	if (child == 0) {
		_exit(write_as_a_stranger(path));
	}
	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert_eq(status, 0);
	cr_expect_eq(view(), 0, "a state that is not ours");
	write = begin();
	cr_expect_eq(seen.alls, 1);
	other = seen.version;
	cr_expect_neq(store_generation(store), generation, "workers look again");
	cr_assert_eq(store_put_use(write, number, &(struct store_use){ .uses = 7 }, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
	cr_expect_eq(view(), other);
}
