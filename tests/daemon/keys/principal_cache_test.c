/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/principal_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/daemon/folder.h"

static struct store *store;
static struct principal_cache *standings;

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(principal_cache_create(&standings), 0);
}

static void teardown(void)
{
	principal_cache_destroy(standings);
	store_close(store);
	folder_remove();
}

TestSuite(standing, .init = setup, .fini = teardown);

static struct principal_cache_key key_of(
	uint32_t tenant, const char *id, uint64_t generation, uint64_t serial)
{
	struct principal_cache_key key = { .generation = generation, .serial = serial };

	cr_assert(principal_cache_key_make(store_secrets(store), tenant, pol_str_of(id), &key));
	return key;
}

Test(standing, is_found_as_of_exactly_the_same_moment_and_for_nobody_else)
{
	static const struct {
		uint32_t tenant;
		const char *id;
		uint64_t generation, serial;
		bool found;
	} rows[] = {
		{ 1, "alice", 7, 3, true },
		{ 1, "alice", 8, 3, false },
		{ 1, "alice", 6, 3, false },
		{ 1, "alice", 7, 4, false },
		{ 1, "alice", 7, 2, false },
		{ 2, "alice", 7, 3, false },
		{ 1, "alicf", 7, 3, false },
		{ 1, "alice2", 7, 3, false },
		{ 1, "", 7, 3, false },
		{ 1, "alice", 0, 3, false },
		{ 1, "alice", 7, 0, false },
	};
	struct principal_cache_key at = key_of(1, "alice", 7, 3);

	principal_cache_put(standings, &at,
		&(struct principal_state){ .flags = 5,
			.role_count = 5,
			.roles = { 9, UINT32_MAX, 4, PRINCIPAL_CACHE_MAX_ROLE, 3 } });
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct principal_cache_key key =
			key_of(rows[i].tenant, rows[i].id, rows[i].generation, rows[i].serial);
		struct principal_state out = { 0 };

		cr_expect_eq(
			principal_cache_find(standings, &key, &out), rows[i].found, "row %zu", i);
		if (rows[i].found) {
			cr_expect_eq(out.flags, 5);
			cr_expect_eq(out.role_count, 5);
			cr_expect_eq(out.roles[0], 9);
			cr_expect_eq(out.roles[1], UINT32_MAX);
			cr_expect_eq(out.roles[2], 4);
			cr_expect_eq(out.roles[3], PRINCIPAL_CACHE_MAX_ROLE);
			cr_expect_eq(out.roles[4], 3);
		}
	}
}

Test(standing, without_a_generation_nothing_is_kept)
{
	struct principal_cache_key key = key_of(1, "alice", 0, 3);
	struct principal_state out;

	principal_cache_put(standings, &key, &(struct principal_state){ .flags = 1 });
	cr_expect_not(principal_cache_find(standings, &key, &out));
}

Test(standing, what_does_not_fit_is_not_kept)
{
	static const struct principal_state rows[] = {
		{ .role_count = PRINCIPAL_CACHE_ROLES + 1 },
		{ .flags = UINT32_C(1) << 8 },
		{ .role_count = 1, .roles = { PRINCIPAL_CACHE_MAX_ROLE + 1 } },
	};
	struct principal_state out;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct principal_cache_key key = key_of(1, "alice", 7, i);

		principal_cache_put(standings, &key, &rows[i]);
		cr_expect_not(principal_cache_find(standings, &key, &out), "row %zu", i);
	}
}

Test(standing, an_id_that_no_record_can_have_has_no_key)
{
	char id[STORE_MAX_NAME + 1];
	struct principal_cache_key key;

	memset(id, 'a', sizeof id);
	cr_expect(principal_cache_key_make(
		store_secrets(store), 1, (struct pol_str){ id, STORE_MAX_NAME }, &key));
	cr_expect_not(principal_cache_key_make(
		store_secrets(store), 1, (struct pol_str){ id, STORE_MAX_NAME + 1 }, &key));
}

Test(standing, the_table_grows_with_the_principals_in_use)
{
	enum { MANY = 20000 };
	unsigned found = 0;

	/* Twice: who moved while it grew is put again. */
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < MANY; i++) {
			char id[16];
			struct principal_cache_key key;

			snprintf(id, sizeof id, "p%u", i);
			key = key_of(1, id, 7, 3);
			principal_cache_put(standings, &key,
				&(struct principal_state){ .role_count = 1, .roles = { i } });
		}
	}
	for (unsigned i = 0; i < MANY; i++) {
		char id[16];
		struct principal_cache_key key;
		struct principal_state out;

		snprintf(id, sizeof id, "p%u", i);
		key = key_of(1, id, 7, 3);
		if (principal_cache_find(standings, &key, &out)) {
			cr_expect_eq(out.roles[0], i);
			found++;
		}
	}
	/* Those that share a slot drop one another; most do not. */
	cr_expect_gt(found, MANY / 2);
}
