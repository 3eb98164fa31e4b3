/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/key_cache.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "daemon/keys/key_index.h"
#include "daemon/keys/key_table.h"
#include "daemon/keys/secret_rules.h"

#define KID POL_STR("1aaaaaaaaaaa")

static struct key_cache *cache;
static const uint64_t mark[2] = { 11, 12 }, other_mark[2] = { 11, 13 };

static void setup(void)
{
	cr_assert_eq(key_cache_create(&cache), 0);
}

static void teardown(void)
{
	key_cache_destroy(cache);
}

TestSuite(key_cache, .init = setup, .fini = teardown);

static struct key_known known_of(uint64_t number, int64_t expires_at)
{
	return (struct key_known){
		.number = number,
		.expires_at = expires_at,
		.environment = POL_STR("live"),
		.pepper = 200,
		.principal = { PRINCIPAL_CACHE_LINES - 1, UINT32_MAX - 1 },
	};
}

static void put(uint64_t number, int64_t expires_at, uint64_t view)
{
	struct key_known known = known_of(number, expires_at);

	key_cache_put(cache, KID, mark, &known, view);
}

static bool is_known(void)
{
	struct key_known known;

	return key_cache_find(cache, KID, mark, &known);
}

Test(key_cache, finds_all_that_was_put)
{
	struct key_known known;

	put(KEY_TABLE_NUMBERS - 1, UINT32_MAX, 1);
	cr_assert(key_cache_find(cache, KID, mark, &known));
	cr_expect_eq(known.number, KEY_TABLE_NUMBERS - 1);
	cr_expect_eq(known.expires_at, UINT32_MAX);
	cr_expect(pol_str_equal(known.environment, POL_STR("live")));
	cr_expect_eq(known.pepper, 200);
	cr_expect_eq(known.principal.line, PRINCIPAL_CACHE_LINES - 1);
	cr_expect_eq(known.principal.count, UINT32_MAX - 1);
}

Test(key_cache, a_line_counts_for_its_own_token_alone)
{
	static const uint64_t zero[2] = { 0, 0 };
	struct key_known known;

	put(7, 0, 1);
	cr_expect_not(key_cache_find(cache, KID, other_mark, &known));
	cr_expect_not(key_cache_find(cache, POL_STR("1bbbbbbbbbbb"), mark, &known));
	cr_expect_eq(key_cache_recognise(cache, 7, mark), KEY_SECRET_CURRENT);
	cr_expect_eq(key_cache_recognise(cache, 7, other_mark), 0);
	cr_expect_eq(key_cache_recognise(cache, 8, mark), 0);
	/* A line that was never written, and one that was cleared, are of no token. */
	cr_expect_eq(key_cache_recognise(cache, 8, zero), 0);
	key_cache_drop(cache, 2, 7);
	cr_expect_not(key_cache_find(cache, KID, zero, &known));
	cr_expect_eq(key_cache_recognise(cache, 7, zero), 0);
}

Test(key_cache, a_mark_alone_says_which_secret_and_nothing_else)
{
	put(7, 0, 1);
	key_cache_put_mark(cache, 7, mark, KEY_SECRET_OTHER, 1);
	cr_expect_eq(key_cache_recognise(cache, 7, mark), KEY_SECRET_OTHER);
	cr_expect_not(is_known());
}

Test(key_cache, what_does_not_fit_is_not_kept)
{
	struct key_known known = known_of(7, 0);

	put(7, (int64_t)UINT32_MAX + 1, 1);
	cr_expect_not(is_known(), "expires too late");
	put(7, -1, 1);
	cr_expect_not(is_known(), "expired before time began");
	put(KEY_TABLE_NUMBERS, 0, 1);
	cr_expect_not(is_known(), "the number is too high");
	put(7, 0, 0);
	cr_expect_not(is_known(), "no view");
	known.principal = PRINCIPAL_REF_NONE;
	key_cache_put(cache, KID, mark, &known, 1);
	cr_expect_not(is_known(), "the principal is not known");
	known = known_of(7, 0);
	known.environment = (struct pol_str){ "", 0 };
	key_cache_put(cache, KID, mark, &known, 1);
	cr_expect_not(is_known(), "no environment");
	key_cache_put_mark(cache, 7, mark, KEY_SECRET_CURRENT, 0);
	cr_expect_eq(key_cache_recognise(cache, 7, mark), 0);
}

Test(key_cache, keys_of_more_environments_than_fit_are_not_kept)
{
	struct key_known known;
	char name[8];

	for (unsigned i = 0; i < KEY_CACHE_ENVIRONMENTS + 2; i++) {
		known = known_of(7, 0);
		snprintf(name, sizeof name, "e%u", i);
		known.environment = pol_str_of(name);
		key_cache_drop(cache, 1, 7);
		key_cache_put(cache, KID, mark, &known, 1);
		if (i < KEY_CACHE_ENVIRONMENTS) {
			cr_assert(key_cache_find(cache, KID, mark, &known));
			cr_expect(pol_str_equal(known.environment, pol_str_of(name)), "%u", i);
		} else {
			cr_expect_not(key_cache_find(cache, KID, mark, &known), "%u", i);
		}
	}
}

/* --- dropping --------------------------------------------------------------------------------- */

Test(key_cache, a_drop_is_of_one_key)
{
	put(7, 0, 4);
	key_cache_drop(cache, 5, 8);
	cr_expect(is_known());
	key_cache_drop(cache, 5, 7);
	cr_expect_not(is_known());
	cr_expect_eq(key_cache_recognise(cache, 7, mark), 0);
}

Test(key_cache, a_reader_from_before_the_drop_puts_nothing_back)
{
	/* Before its segment is there, too. */
	key_cache_drop(cache, 5, 7);
	put(7, 0, 4);
	key_cache_put_mark(cache, 7, mark, KEY_SECRET_CURRENT, 4);
	cr_expect_not(is_known());
	cr_expect_eq(key_cache_recognise(cache, 7, mark), 0);
	put(8, 0, 4);
	cr_expect(is_known(), "it is of others");
	put(7, 0, 5);
	cr_expect_eq(key_cache_recognise(cache, 7, mark), KEY_SECRET_CURRENT);
}

Test(key_cache, all_are_dropped_and_readers_from_before_put_nothing)
{
	put(7, 0, 4);
	key_cache_put_mark(cache, 200000, mark, KEY_SECRET_OTHER, 4);
	key_cache_drop_all(cache, 5);
	cr_expect_not(is_known());
	cr_expect_eq(key_cache_recognise(cache, 200000, mark), 0);
	put(7, 0, 4);
	cr_expect_not(is_known());
	put(7, 0, 5);
	cr_expect(is_known());
}

/* --- the index -------------------------------------------------------------------------------- */

enum { KEYS = 20000 };

static struct pol_str kid_of(unsigned number, char text[static 13])
{
	snprintf(text, 13, "%012u", number);
	return (struct pol_str){ text, 12 };
}

Test(key_index, nearly_all_keys_are_found_however_many_there_are)
{
	struct key_index *index;
	unsigned found = 0, wrong = 0;
	char text[13];

	cr_assert_eq(key_index_create(&index), 0);
	/* Twice: a key that was lost while the table grew is added again. */
	for (unsigned i = 0; i < 2 * KEYS; i++) {
		key_index_add(index, kid_of(i % KEYS, text), 1 + i % KEYS);
	}
	for (unsigned i = 0; i < KEYS; i++) {
		struct key_index_search search;
		uint32_t number;

		key_index_begin(index, kid_of(i, text), &search);
		while (key_index_next(&search, &number)) {
			found += number == 1 + i;
			wrong += number != 1 + i;
		}
	}
	cr_expect_gt(found, KEYS * 9 / 10);
	cr_expect_leq(found, KEYS, "each once");
	cr_expect_lt(wrong, KEYS / 100);
	key_index_destroy(index);
}

Test(key_index, what_is_not_an_id_has_no_number)
{
	struct key_index_search search;
	struct key_index *index;
	uint32_t number;

	cr_assert_eq(key_index_create(&index), 0);
	key_index_add(index, POL_STR("short"), 5);
	key_index_begin(index, POL_STR("short"), &search);
	cr_expect_not(key_index_next(&search, &number));
	key_index_add(index, KID, 0);
	key_index_add(index, KID, KEY_TABLE_NUMBERS);
	key_index_begin(index, KID, &search);
	cr_expect_not(key_index_next(&search, &number));
	key_index_destroy(index);
}
