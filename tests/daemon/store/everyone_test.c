/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The roles that all hold: a record of the tenant, which no list of principals has.
 */

#include <criterion/criterion.h>
#include <errno.h>

#include "tests/daemon/folder.h"

TestSuite(everyone, .init = folder_make, .fini = folder_remove);

static void put(struct store *store, struct pol_str id, uint32_t tenant, bool keep)
{
	uint8_t bytes[512];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_assignment held = { .role = POL_STR("viewer") };
	struct store_principal record = { .id = id, .tenant = tenant };
	struct store_write *write;

	cr_assert(store_assignment_add(&pack, &held));
	record.assignments = store_pack_list(&pack);
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_principal(write, &record), 0);
	if (!keep) {
		store_write_abort(write);
		return;
	}
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

static void drop(struct store *store, struct pol_str id, uint32_t tenant)
{
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_delete_principal(write, tenant, id), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

static int count(void *context, const struct store_principal *principal)
{
	(void)principal;
	(*(unsigned *)context)++;
	return 0;
}

Test(everyone, a_record_is_found_by_its_kind_and_by_nothing_else)
{
	const struct pol_str all = store_everyone_id(STORE_EVERY_PRINCIPAL);
	struct store *store = folder_store();
	struct store_principal found;
	struct store_counts counts;
	struct store_read *read;
	unsigned listed = 0, holders = 0;
	uint32_t flags;

	cr_expect_not(store_has_everyone(store));
	put(store, POL_STR("alice"), 1, true);
	cr_expect_not(store_has_everyone(store));
	put(store, all, 1, true);
	cr_expect(store_has_everyone(store));
	read = folder_reader(store);
	cr_expect_eq(store_get_everyone(read, 1, STORE_EVERY_PRINCIPAL, &found), 0);
	cr_expect_eq(found.assignments.count, 1);
	cr_expect_eq(store_get_everyone(read, 1, STORE_EVERY_CALLER, &found), -ENOENT);
	cr_expect_eq(store_get_everyone(read, 2, STORE_EVERY_PRINCIPAL, &found), -ENOENT);
	cr_expect_eq(store_get_principal(read, 1, all, &found), -ENOENT);
	cr_expect_eq(store_peek_principal(read, 1, all, &flags), -ENOENT);
	cr_expect_eq(store_list_principals(read, 1, (struct pol_str){ 0 }, count, &listed), 0);
	cr_expect_eq(listed, 1);
	cr_expect_eq(store_list_holders(
			     read, 1, POL_STR("viewer"), (struct pol_str){ 0 }, count, &holders),
		0);
	cr_expect_eq(holders, 1);
	cr_expect_eq(store_count(read, &counts), 0);
	cr_expect_eq(counts.principals, 1);
	store_read_close(read);
	store_close(store);
}

Test(everyone, whether_there_is_one_is_known_before_the_commit_and_after_a_start)
{
	const struct pol_str all = store_everyone_id(STORE_EVERY_CALLER);
	struct store_tenant tenant = { .name = POL_STR("acme") };
	struct store *store = folder_store();
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_create_tenant(write, &tenant), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
	/* A reader that asks and finds nothing loses a look-up; one that does not ask would miss
	 * it. */
	put(store, all, tenant.number, false);
	cr_expect(store_has_everyone(store));
	store_close(store);
	store = folder_store();
	cr_expect_not(store_has_everyone(store));
	put(store, all, tenant.number, true);
	store_close(store);
	store = folder_store();
	cr_expect(store_has_everyone(store));
	drop(store, all, tenant.number);
	store_close(store);
	store = folder_store();
	cr_expect_not(store_has_everyone(store));
	store_close(store);
}
