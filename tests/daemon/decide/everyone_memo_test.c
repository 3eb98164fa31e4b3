/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/everyone_memo.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct everyone_memo *memo;

static void begin(void)
{
	memo = calloc(1, sizeof *memo);
	cr_assert_not_null(memo);
}

static void end(void)
{
	free(memo);
}

TestSuite(everyone_memo, .init = begin, .fini = end);

static const struct everyone_memo_key key = {
	.tenant = 1, .kind = STORE_EVERY_PRINCIPAL, .serial = 7, .view = 20, .changed = 10
};

static void fill(struct everyone_memo_key as)
{
	cr_assert_not_null(everyone_memo_begin(memo, &as));
}

Test(everyone_memo, an_empty_memo_knows_nothing)
{
	cr_expect_null(everyone_memo_find(memo, &key));
}

Test(everyone_memo, a_line_is_found_with_its_roles_and_places)
{
	uint8_t bytes[64];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	struct everyone_memo_line *line = everyone_memo_begin(memo, &key);
	const struct everyone_memo_line *found;
	const struct store_list none = { NULL, 0, 0 };

	cr_assert(store_pack_add(&pack, POL_STR("api:/loans/7")));
	cr_assert_not_null(line);
	cr_expect(everyone_memo_add(line, 3, 99, store_pack_list(&pack)));
	cr_expect(everyone_memo_add(line, 4, 0, none));
	memset(bytes, 0, sizeof bytes);
	found = everyone_memo_find(memo, &key);
	cr_assert_not_null(found);
	cr_expect_eq(found->held_count, 2);
	cr_expect_eq(found->held[0].role, 3);
	cr_expect_eq(found->held[0].until, 99);
	cr_expect(pol_str_equal(found->held[0].places[0], POL_STR("api:/loans/7")));
	cr_expect_eq(found->held[1].place_count, 0);
}

Test(everyone_memo, a_line_is_of_one_tenant_kind_and_policy)
{
	struct everyone_memo_key other;

	fill(key);
	other = key;
	other.tenant = 5; /* the same line */
	cr_expect_null(everyone_memo_find(memo, &other));
	other = key;
	other.kind = STORE_EVERY_CALLER;
	cr_expect_null(everyone_memo_find(memo, &other));
	other = key;
	other.serial = 8;
	cr_expect_null(everyone_memo_find(memo, &other));
	cr_expect_not_null(everyone_memo_find(memo, &key));
}

/* The change is noted before it is committed: a reader that does not see it yet looks it up. */
Test(everyone_memo, a_change_ends_every_line_that_was_read_before_it)
{
	struct everyone_memo_key later = key;

	fill(key);
	later.changed = 21;
	cr_expect_null(everyone_memo_find(memo, &later));
	cr_expect_null(everyone_memo_begin(memo, &later));
	later.view = 21;
	cr_expect_null(everyone_memo_find(memo, &later));
	cr_expect_not_null(everyone_memo_begin(memo, &later));
	cr_expect_not_null(everyone_memo_find(memo, &later));
	/* Nor may a reader from before it use what was read after it. */
	later.view = 20;
	cr_expect_null(everyone_memo_find(memo, &later));
}

Test(everyone_memo, a_line_that_may_be_in_use_is_not_replaced)
{
	struct everyone_memo_key other = key;

	other.tenant = 5;
	fill(key);
	cr_expect_null(everyone_memo_begin(memo, &other));
	cr_expect_not_null(everyone_memo_find(memo, &key));
	other.view = 21;
	cr_expect_not_null(everyone_memo_begin(memo, &other));
	cr_expect_null(everyone_memo_find(memo, &key));
}

Test(everyone_memo, what_has_no_room_is_not_kept)
{
	static char long_place[EVERYONE_MEMO_TEXT];
	uint8_t bytes[EVERYONE_MEMO_TEXT + 64];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	const struct store_list none = { NULL, 0, 0 };
	struct everyone_memo_key next = key;
	struct everyone_memo_line *line = everyone_memo_begin(memo, &key);

	for (int i = 0; i < EVERYONE_MEMO_HELD; i++) {
		cr_assert(everyone_memo_add(line, 1, 0, none));
	}
	cr_expect_not(everyone_memo_add(line, 1, 0, none));
	cr_expect_null(everyone_memo_find(memo, &key));
	next.view = 21;
	line = everyone_memo_begin(memo, &next);
	memset(long_place, 'x', sizeof long_place);
	for (int i = 0; i < 3; i++) {
		cr_assert(store_pack_add(&pack, (struct pol_str){ long_place, 600 }));
	}
	cr_expect(everyone_memo_add(line, 1, 0, store_pack_list(&pack)));
	cr_expect_not(everyone_memo_add(line, 1, 0, store_pack_list(&pack)));
	cr_expect_null(everyone_memo_find(memo, &next));
}
