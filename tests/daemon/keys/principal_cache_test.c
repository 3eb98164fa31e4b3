/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/principal_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static struct principal_cache *cache;

static void setup(void)
{
	cr_assert_eq(principal_cache_create(&cache), 0);
}

static void teardown(void)
{
	principal_cache_destroy(cache);
}

TestSuite(principal_cache, .init = setup, .fini = teardown);

static struct principal_cache_key key_of(uint32_t tenant, const char *id, uint64_t serial)
{
	struct principal_cache_key key;

	cr_assert(principal_cache_key_make(serial, tenant, pol_str_of(id), &key));
	return key;
}

static struct principal_ref put(uint32_t tenant, const char *id, uint32_t role, uint64_t view)
{
	struct principal_cache_key key = key_of(tenant, id, 3);

	return principal_cache_put(
		cache, &key, &(struct principal_state){ .role_count = 1, .roles = { role } }, view);
}

/* The role that is known of it, or UINT32_MAX. */
static uint32_t found(uint32_t tenant, const char *id)
{
	struct principal_cache_key key = key_of(tenant, id, 3);
	struct principal_state state;
	struct principal_ref ref;

	return principal_cache_find(cache, &key, &state, &ref) ? state.roles[0] : UINT32_MAX;
}

static bool is_recalled(struct principal_ref ref, uint64_t serial)
{
	struct principal_state state;
	struct principal_name name;

	return principal_cache_recall(cache, ref, serial, &state, &name);
}

Test(principal_cache, finds_what_was_put_of_that_policy_and_nobody_else)
{
	static const struct {
		uint32_t tenant;
		const char *id;
		uint64_t serial;
		bool found;
	} rows[] = {
		{ 1, "alice", 3, true },
		{ 1, "alice", 4, false },
		{ 1, "alice", 2, false },
		{ 1, "alice", 0, false },
		{ 2, "alice", 3, false },
		{ 1, "alicf", 3, false },
		{ 1, "alice2", 3, false },
		{ 1, "", 3, false },
	};
	struct principal_cache_key at = key_of(1, "alice", 3);

	principal_cache_put(cache, &at,
		&(struct principal_state){ .flags = 5,
			.role_count = 5,
			.roles = { 9, UINT32_MAX, 4, PRINCIPAL_CACHE_MAX_ROLE, 3 } },
		1);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct principal_cache_key key = key_of(rows[i].tenant, rows[i].id, rows[i].serial);
		struct principal_state out = { 0 };
		struct principal_ref ref;

		cr_expect_eq(
			principal_cache_find(cache, &key, &out, &ref), rows[i].found, "row %zu", i);
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

Test(principal_cache, without_a_view_nothing_is_kept)
{
	cr_expect(put(1, "alice", 7, 0).count & 1);
	cr_expect_eq(found(1, "alice"), UINT32_MAX);
}

Test(principal_cache, what_does_not_fit_is_not_kept)
{
	static const struct principal_state rows[] = {
		{ .role_count = PRINCIPAL_CACHE_ROLES + 1 },
		{ .flags = UINT32_C(1) << 8 },
		{ .role_count = 1, .roles = { PRINCIPAL_CACHE_MAX_ROLE + 1 } },
	};
	char id[PRINCIPAL_CACHE_ID + 2];
	struct principal_cache_key key;
	struct principal_state out;
	struct principal_ref ref;

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		key = key_of(1, "alice", i);
		principal_cache_put(cache, &key, &rows[i], 1);
		cr_expect_not(principal_cache_find(cache, &key, &out, &ref), "row %zu", i);
	}
	memset(id, 'a', sizeof id);
	cr_expect(principal_cache_key_make(3, 1, (struct pol_str){ id, PRINCIPAL_CACHE_ID }, &key));
	cr_expect_not(principal_cache_key_make(
		3, 1, (struct pol_str){ id, PRINCIPAL_CACHE_ID + 1 }, &key));
	cr_expect_not(
		principal_cache_key_make(UINT64_C(1) << 32, 1, (struct pol_str){ id, 1 }, &key));
}

/* --- dropping --------------------------------------------------------------------------------- */

Test(principal_cache, a_drop_is_of_one_principal_of_one_tenant)
{
	put(1, "alice", 7, 4);
	put(2, "alice", 8, 4);
	put(1, "bob", 9, 4);
	principal_cache_drop(cache, 5, 1, POL_STR("alice"));
	cr_expect_eq(found(1, "alice"), UINT32_MAX);
	cr_expect_eq(found(2, "alice"), 8);
	cr_expect_eq(found(1, "bob"), 9);
}

Test(principal_cache, a_drop_is_of_every_policy)
{
	struct principal_cache_key key = key_of(1, "alice", 4);
	struct principal_state out;
	struct principal_ref ref;

	principal_cache_put(cache, &key, &(struct principal_state){ .flags = 1 }, 4);
	principal_cache_drop(cache, 5, 1, POL_STR("alice"));
	cr_expect_not(principal_cache_find(cache, &key, &out, &ref));
}

Test(principal_cache, a_reader_from_before_the_drop_puts_nothing_back)
{
	principal_cache_drop(cache, 5, 1, POL_STR("alice"));
	cr_expect(put(1, "alice", 7, 4).count & 1);
	cr_expect_eq(found(1, "alice"), UINT32_MAX);
	put(1, "bob", 9, 4);
	cr_expect_eq(found(1, "bob"), 9, "it is of others");
	put(1, "alice", 8, 5);
	cr_expect_eq(found(1, "alice"), 8);
}

Test(principal_cache, all_are_dropped_and_readers_from_before_put_nothing)
{
	char id[16];

	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof id, "p%u", i);
		put(1, id, i, 4);
	}
	principal_cache_drop_all(cache, 5);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(id, sizeof id, "p%u", i);
		cr_expect_eq(found(1, id), UINT32_MAX);
		put(1, id, i, 4);
		cr_expect_eq(found(1, id), UINT32_MAX);
		put(1, id, i, 5);
		cr_expect_eq(found(1, id), i);
	}
}

/* --- references ------------------------------------------------------------------------------- */

Test(principal_cache, a_reference_recalls_the_entry_with_its_name)
{
	struct principal_ref ref = put(4, "alice", 7, 1);
	struct principal_state state;
	struct principal_name name;

	cr_assert(principal_cache_recall(cache, ref, 3, &state, &name));
	cr_expect_eq(state.roles[0], 7);
	cr_expect_eq(name.tenant, 4);
	cr_expect(pol_str_equal((struct pol_str){ name.id, name.len }, POL_STR("alice")));
	cr_expect_not(is_recalled(ref, 2), "another policy");
	cr_expect_not(is_recalled(PRINCIPAL_REF_NONE, 3));
}

Test(principal_cache, a_reference_ends_with_the_entry)
{
	struct principal_ref dropped = put(1, "alice", 7, 1), again;

	principal_cache_drop(cache, 5, 1, POL_STR("alice"));
	cr_expect_not(is_recalled(dropped, 3));
	again = put(1, "alice", 8, 5);
	cr_expect_not(is_recalled(dropped, 3), "though it is there again");
	cr_expect(is_recalled(again, 3));
	put(1, "alice", 9, 5);
	cr_expect_not(is_recalled(again, 3), "another one was put");
}

Test(principal_cache, a_drop_of_others_leaves_a_reference)
{
	struct principal_ref ref = put(1, "alice", 7, 1);

	principal_cache_drop(cache, 5, 2, POL_STR("alice"));
	cr_expect(is_recalled(ref, 3));
}

/* --- growth ----------------------------------------------------------------------------------- */

enum { MANY = 20000 };

static unsigned count_found(void)
{
	unsigned count = 0;

	for (unsigned i = 0; i < MANY; i++) {
		char id[16];
		uint32_t role;

		snprintf(id, sizeof id, "p%u", i);
		role = found(1, id);
		cr_expect(role == i || role == UINT32_MAX);
		count += role == i;
	}
	return count;
}

static void put_many(uint64_t view)
{
	for (unsigned i = 0; i < MANY; i++) {
		char id[16];

		snprintf(id, sizeof id, "p%u", i);
		put(1, id, i, view);
	}
}

Test(principal_cache, the_table_grows_with_the_principals_in_use)
{
	/* Again and again: it is emptied each time it grows. */
	for (unsigned i = 0; i < 4; i++) {
		put_many(1);
	}
	cr_expect_gt(count_found(), MANY * 99 / 100);
}

Test(principal_cache, a_drop_reaches_entries_from_before_the_table_grew)
{
	struct principal_ref refs[64];
	char id[16];

	for (unsigned i = 0; i < 64; i++) {
		snprintf(id, sizeof id, "old%u", i);
		refs[i] = put(1, id, i, 1);
	}
	put_many(1);
	for (unsigned i = 0; i < 64; i++) {
		snprintf(id, sizeof id, "old%u", i);
		principal_cache_drop(cache, 2, 1, pol_str_of(id));
		cr_expect_not(is_recalled(refs[i], 3), "%u", i);
		cr_expect_eq(found(1, id), UINT32_MAX);
	}
}
