/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/arena.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <string.h>

Test(arena, memory_comes_zeroed_and_aligned)
{
	struct pol_arena arena;

	pol_arena_init(&arena, (size_t)4 * 1024 * 1024);
	for (size_t size = 0; size < 5000; size += 37) {
		unsigned char *got = pol_arena_alloc(&arena, size, 1);

		cr_assert_not_null(got);
		cr_assert_eq((uintptr_t)got % alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++) {
			cr_assert_eq(got[i], 0);
		}
		memset(got, 0xff, size);
	}
	pol_arena_finish(&arena);
	pol_arena_finish(&arena);
}

Test(arena, the_limit_holds_for_all_sizes)
{
	static const size_t sizes[] = { 1, 100, 4096, 5000, 70000, (size_t)3 * 1024 * 1024 };

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct pol_arena arena;

		pol_arena_init(&arena, (size_t)1024 * 1024);
		while (pol_arena_alloc(&arena, 1, sizes[i]) != NULL) {
			cr_assert_leq(arena.used, arena.limit);
		}
		cr_expect_eq(arena.status, POL_ELIMIT);
		cr_expect_leq(arena.used, arena.limit);
		pol_arena_finish(&arena);
	}
}

Test(arena, a_product_that_overflows_fails)
{
	struct pol_arena arena;

	pol_arena_init(&arena, SIZE_MAX);
	cr_expect_null(pol_arena_alloc(&arena, SIZE_MAX / 2, 3));
	cr_expect_null(pol_arena_alloc(&arena, SIZE_MAX, 1));
	cr_expect_eq(arena.status, POL_ELIMIT);
	pol_arena_finish(&arena);
}

Test(arena, a_list_grows_and_keeps_what_it_had)
{
	struct pol_arena arena;
	size_t capacity = 0;
	int *list = NULL;

	pol_arena_init(&arena, (size_t)1024 * 1024);
	for (int i = 0; i < 1000; i++) {
		if ((size_t)i == capacity) {
			list = pol_arena_grow(
				&arena, list, (size_t)i, (size_t)i + 1, sizeof *list, &capacity);
			cr_assert_not_null(list);
		}
		list[i] = i;
	}
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(list[i], i);
	}
	pol_arena_finish(&arena);
}

Test(arena, large_blocks_are_zeroed_apart_and_within_the_limit)
{
	static const size_t sizes[] = { 70000, (size_t)2 * 1024 * 1024,
		(size_t)5 * 1024 * 1024 + 3 };
	const size_t limit = (size_t)64 * 1024 * 1024;
	struct pol_arena arena;
	size_t taken = 0;

	pol_arena_init(&arena, limit);
	for (size_t i = 0;; i++) {
		size_t size = sizes[i % (sizeof sizes / sizeof *sizes)];
		unsigned char *got = pol_arena_alloc(&arena, size, 1);

		if (got == NULL) {
			break;
		}
		taken += size;
		for (size_t k = 0; k < size; k += 511) {
			cr_assert_eq(got[k], 0);
		}
		memset(got, 0xff, size);
	}
	cr_expect_eq(arena.status, POL_ELIMIT);
	cr_expect_leq(arena.used, limit);
	cr_expect_gt(taken, limit / 2);
	pol_arena_finish(&arena);
}

Test(arena, adopted_memory_stays_valid_and_counts)
{
	struct pol_arena arena, other;
	int *ours, *theirs, *more;

	pol_arena_init(&arena, 20000);
	pol_arena_init(&other, 20000);
	theirs = pol_arena_alloc(&other, 1000, sizeof *theirs);
	cr_assert_not_null(theirs);
	theirs[999] = 5;
	cr_expect_eq(pol_arena_adopt(&arena, &other), POL_OK);
	cr_expect_eq(arena.used, 4096);
	cr_expect_eq(other.used, 0);

	/* An arena that has blocks keeps allocating from its own. */
	ours = pol_arena_alloc(&arena, 500, sizeof *ours);
	theirs = pol_arena_alloc(&other, 1000, sizeof *theirs);
	cr_assert(ours != NULL && theirs != NULL);
	theirs[999] = 6;
	cr_expect_eq(pol_arena_adopt(&arena, &other), POL_OK);
	more = pol_arena_alloc(&arena, 1, sizeof *more);
	cr_assert_not_null(more);
	cr_expect_eq((char *)more - (char *)ours, 500 * (ptrdiff_t)sizeof *ours);
	cr_expect_eq(theirs[999], 6);
	pol_arena_finish(&other);
	pol_arena_finish(&arena);
}

Test(arena, blocks_beyond_the_limit_are_not_adopted)
{
	struct pol_arena arena, other;
	size_t used;

	pol_arena_init(&arena, 10000);
	pol_arena_init(&other, 10000);
	cr_assert_not_null(pol_arena_alloc(&arena, 5000, 1));
	cr_assert_not_null(pol_arena_alloc(&other, 6000, 1));
	used = arena.used;
	cr_expect_eq(pol_arena_adopt(&arena, &other), POL_ELIMIT);
	cr_expect_eq(arena.used, used);
	cr_expect_gt(other.used, 0);
	pol_arena_finish(&other);
	pol_arena_finish(&arena);
}

Test(arena, a_block_is_at_least_as_large_as_min_block)
{
	struct pol_arena arena;

	pol_arena_init(&arena, 100000);
	arena.min_block = 30000;
	cr_assert_not_null(pol_arena_alloc(&arena, 1, 1));
	cr_expect_eq(arena.used, 30000);
	cr_assert_not_null(pol_arena_alloc(&arena, 80, 1));
	cr_expect_eq(arena.used, 30000);
	/* Unless the limit leaves less than that. */
	cr_assert_not_null(pol_arena_alloc(&arena, 65000, 1));
	cr_assert_not_null(pol_arena_alloc(&arena, 4000, 1));
	cr_expect_eq(arena.status, POL_OK);
	pol_arena_finish(&arena);
}

Test(arena, arenas_of_one_budget_share_it)
{
	const size_t limit = (size_t)1024 * 1024;
	struct pol_budget budget;
	struct pol_arena a, b;

	pol_budget_init(&budget, limit);
	pol_arena_init_shared(&a, SIZE_MAX, &budget);
	pol_arena_init_shared(&b, SIZE_MAX, &budget);
	cr_assert_not_null(pol_arena_alloc(&a, 600000, 1));
	cr_expect_null(pol_arena_alloc(&b, 600000, 1));
	cr_expect_eq(b.status, POL_ELIMIT);
	cr_assert_not_null(pol_arena_alloc(&b, 300000, 1));
	cr_expect_leq(pol_budget_left(&budget), limit - 900000);
	pol_arena_finish(&a);
	cr_assert_not_null(pol_arena_alloc(&b, 600000, 1));
	pol_arena_finish(&b);
	cr_expect_eq(pol_budget_left(&budget), limit);
}

Test(arena, blocks_that_are_adopted_stay_in_the_budget)
{
	struct pol_budget budget;
	struct pol_arena a, b;
	size_t left;

	pol_budget_init(&budget, (size_t)16 * 1024 * 1024);
	pol_arena_init_shared(&a, SIZE_MAX, &budget);
	pol_arena_init_shared(&b, SIZE_MAX, &budget);
	/* Small, mapped, and mapped with huge pages. */
	cr_assert_not_null(pol_arena_alloc(&b, 1000, 1));
	cr_assert_not_null(pol_arena_alloc(&b, 200000, 1));
	cr_assert_not_null(pol_arena_alloc(&b, 5000000, 1));
	left = pol_budget_left(&budget);
	cr_assert_eq(pol_arena_adopt(&a, &b), POL_OK);
	cr_expect_eq(pol_budget_left(&budget), left);
	pol_arena_finish(&b);
	cr_expect_eq(pol_budget_left(&budget), left);
	pol_arena_finish(&a);
	cr_expect_eq(pol_budget_left(&budget), budget.limit);
}

Test(arena, a_budget_has_a_last_byte)
{
	struct pol_budget budget;

	pol_budget_init(&budget, 10);
	cr_expect(pol_budget_take(&budget, 10));
	cr_expect_not(pol_budget_take(&budget, 1));
	cr_expect_not(pol_budget_take(&budget, SIZE_MAX));
	pol_budget_give(&budget, 4);
	cr_expect(pol_budget_take(&budget, 4));
	cr_expect_eq(pol_budget_left(&budget), 0);
	cr_expect(pol_budget_take(NULL, SIZE_MAX));
}
