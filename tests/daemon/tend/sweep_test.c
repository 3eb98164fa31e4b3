/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/tend/sweep.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "daemon/write/audit.h"
#include "daemon/write/writer.h"
#include "tests/daemon/folder.h"

#define DAY INT64_C(86400)

TestSuite(sweep, .init = folder_make, .fini = folder_remove);

/* Stores a key of that number; deleted_at 0: not deleted. */
static void put(struct store *store, unsigned number, int64_t deleted_at)
{
	const struct store_audit audit = { .kind = STORE_AUDIT_KEY,
		.flags = STORE_AUDIT_MADE,
		.actor = POL_STR("daemon"),
		.action = POL_STR("test") };
	struct store_write *write;
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, number);

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(store_append_audit(write, &audit), 0);
	key.deleted_at = deleted_at;
	cr_assert_eq(store_update_key(write, &key), 0);
	cr_assert_eq(store_append_audit(write, &audit), 0);
	cr_assert_eq(store_put_use(write, key.number, &(struct store_use){ .uses = 7 }, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

static bool purge(struct store *store, int64_t now, unsigned most)
{
	struct writer_turn turn = { .now = now };
	struct audit_change change;
	bool more = false;

	cr_assert_eq(store_write_begin(store, &turn.write), 0);
	turn.read = store_write_reader(turn.write);
	change = audit_change_of(&turn, NULL, "daemon.sweep");
	cr_assert_eq(sweep_purge(&change, most, &more), 0);
	cr_assert_not(store_write_owes(turn.write));
	cr_assert_eq(store_write_keep(turn.write), 0);
	cr_assert_eq(store_write_commit(turn.write, true), 0);
	return more;
}

static int on_key(void *context, const struct store_key *key)
{
	unsigned *sum = (unsigned *)context;

	*sum += 1u << key->number;
	return 0;
}

/* A bit for each number that the lists show. */
static unsigned listed(struct store *store, const char *principal)
{
	struct store_read *read;
	unsigned sum = 0;

	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	cr_assert_eq(
		store_list_keys(read, STORE_TENANT_DEFAULT, pol_str_of(principal), 0, on_key, &sum),
		0);
	store_read_close(read);
	return sum;
}

Test(sweep, a_deleted_key_is_removed_after_thirty_days_with_its_index_entries)
{
	struct store *store = folder_store();
	struct store_read *read;
	struct store_key key;
	struct store_use use;
	char kid[STORE_KID + 1];

	put(store, 1, 100 * DAY);
	put(store, 2, 0);
	put(store, 3, 101 * DAY);
	cr_expect_not(purge(store, 130 * DAY - 1, 8));
	cr_expect_eq(listed(store, "alice"), 1 << 1 | 1 << 2 | 1 << 3);
	cr_expect_not(purge(store, 130 * DAY, 8));
	cr_expect_eq(listed(store, "alice"), 1 << 2 | 1 << 3);
	cr_expect_eq(listed(store, ""), 1 << 2 | 1 << 3);
	cr_assert_eq(store_read_open(store, &read), 0);
	cr_assert_eq(store_read_renew(read), 0);
	key = folder_key(kid, 1);
	cr_expect_eq(store_get_key(read, key.kid, &key), -ENOENT);
	cr_assert_eq(store_get_use(read, 1, &use), 0);
	cr_expect_eq(use.uses, 0);
	cr_assert_eq(store_get_use(read, 2, &use), 0);
	cr_expect_eq(use.uses, 7);
	store_read_close(read);
	store_close(store);
}

Test(sweep, a_slice_is_bounded_and_reports_that_there_is_more)
{
	struct store *store = folder_store();

	for (unsigned i = 1; i <= 5; i++) {
		put(store, i, i * DAY);
	}
	cr_expect(purge(store, 90 * DAY, 2));
	cr_expect_eq(listed(store, ""), 1 << 3 | 1 << 4 | 1 << 5);
	cr_expect(purge(store, 90 * DAY, 2));
	cr_expect_not(purge(store, 90 * DAY, 2));
	cr_expect_eq(listed(store, ""), 0);
	store_close(store);
}

Test(sweep, a_restored_key_is_not_purged)
{
	struct store *store = folder_store();
	struct store_write *write;
	struct store_key key;
	char kid[STORE_KID + 1];

	put(store, 1, 1 * DAY);
	cr_assert_eq(store_write_begin(store, &write), 0);
	key = folder_key(kid, 1);
	cr_assert_eq(store_get_key(store_write_reader(write), key.kid, &key), 0);
	key.deleted_at = 0;
	cr_assert_eq(store_update_key(write, &key), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	cr_expect_not(purge(store, 90 * DAY, 8));
	cr_expect_eq(listed(store, ""), 1 << 1);
	store_close(store);
}
