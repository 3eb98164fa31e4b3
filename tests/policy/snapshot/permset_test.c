/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/permset.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define BITS 3000

struct world {
	struct pol_arena arena;
	struct pol_permset_pool *pool;
	unsigned seed;
};

static void begin(struct world *world)
{
	pol_arena_init(&world->arena, (size_t)64 * 1024 * 1024);
	world->pool = pol_permset_pool_create(&world->arena);
	world->seed = 1;
	cr_assert_not_null(world->pool);
}

static void end(struct world *world)
{
	pol_permset_pool_destroy(world->pool);
	pol_arena_finish(&world->arena);
}

static unsigned draw(struct world *world, unsigned below)
{
	world->seed = world->seed * 1103515245 + 12345;
	return (world->seed >> 8) % below;
}

/* A set made of random runs, and the same as plain flags. */
static struct pol_permset draw_set(struct world *world, bool flags[BITS])
{
	struct pol_permset set;
	struct pol_run runs[12];
	size_t count = draw(world, 12);

	memset(flags, 0, BITS);
	for (size_t i = 0; i < count; i++) {
		runs[i].first = draw(world, BITS);
		runs[i].count = draw(world, draw(world, 4) == 0 ? 1200 : 8);
		if (runs[i].first + runs[i].count > BITS) {
			runs[i].count = BITS - runs[i].first;
		}
		memset(flags + runs[i].first, 1, runs[i].count);
	}
	cr_assert_eq(pol_permset_pool_of_runs(world->pool, runs, count, &set), POL_OK);
	return set;
}

static void check_flags(const struct pol_permset *set, const bool flags[BITS])
{
	size_t size = 0;

	for (uint32_t i = 0; i < BITS; i++) {
		cr_assert_eq(pol_permset_has(set, i), flags[i], "bit %u", i);
		size += flags[i];
	}
	cr_assert_eq(pol_permset_size(set), size);
	cr_assert_eq(pol_permset_is_empty(set), size == 0);
	cr_assert_not(pol_permset_has(set, BITS + 600));
}

Test(permset, operations_agree_with_flags)
{
	struct world world;

	begin(&world);
	for (int turn = 0; turn < 300; turn++) {
		bool a[BITS], b[BITS], joined[BITS], less[BITS];
		struct pol_permset x = draw_set(&world, a);
		struct pol_permset y = draw_set(&world, b);
		struct pol_permset out;
		bool meets = false, covers = true;

		for (int i = 0; i < BITS; i++) {
			joined[i] = a[i] || b[i];
			less[i] = a[i] && !b[i];
			meets = meets || (a[i] && b[i]);
			covers = covers && (a[i] || !b[i]);
		}
		check_flags(&x, a);
		cr_assert_eq(pol_permset_pool_union(world.pool, &x, &y, &out), POL_OK);
		check_flags(&out, joined);
		cr_assert(pol_permset_covers(&out, &x));
		cr_assert_eq(pol_permset_pool_subtract(world.pool, &x, &y, &out), POL_OK);
		check_flags(&out, less);
		cr_assert_eq(pol_permset_meets(&x, &y), meets);
		cr_assert_eq(pol_permset_covers(&x, &y), covers);
	}
	end(&world);
}

Test(permset, runs_are_tested_whole_and_in_part)
{
	struct world world;

	begin(&world);
	for (int turn = 0; turn < 200; turn++) {
		bool flags[BITS];
		struct pol_permset set = draw_set(&world, flags);

		for (int i = 0; i < 50; i++) {
			struct pol_run run = { draw(&world, BITS), draw(&world, 700) };
			bool all = run.count > 0, any = false;

			for (uint32_t k = run.first; k < run.first + run.count; k++) {
				all = all && k < BITS && flags[k];
				any = any || (k < BITS && flags[k]);
			}
			cr_assert_eq(pol_permset_has_all(&set, run), all);
			cr_assert_eq(pol_permset_has_any(&set, run), any);
		}
	}
	end(&world);
}

Test(permset, an_empty_set_has_no_permission)
{
	struct pol_permset empty = { 0 };

	cr_expect(pol_permset_is_empty(&empty));
	cr_expect_not(pol_permset_has(&empty, 0));
	cr_expect_not(pol_permset_has_all(&empty, (struct pol_run){ 0, 0 }));
	cr_expect_not(pol_permset_has_all(&empty, (struct pol_run){ 0, 1 }));
	cr_expect(pol_permset_covers(&empty, &empty));
}

Test(permset, equal_sets_are_kept_once)
{
	struct world world;
	struct pol_run whole = { 0, 200000 };
	struct pol_run extra = { 300000, 1 };
	struct pol_permset base, own, first, next;
	size_t used;

	begin(&world);
	cr_assert_eq(pol_permset_pool_of_runs(world.pool, &whole, 1, &base), POL_OK);
	cr_assert_eq(pol_permset_pool_of_runs(world.pool, &extra, 1, &own), POL_OK);
	cr_assert_eq(pol_permset_pool_union(world.pool, &base, &own, &first), POL_OK);
	used = world.arena.used;
	for (int i = 0; i < 1000; i++) {
		cr_assert_eq(pol_permset_pool_union(world.pool, &own, &base, &next), POL_OK);
		cr_assert_eq(next.chunks, first.chunks);
		cr_assert_eq(next.numbers, first.numbers);
	}
	cr_assert_eq(world.arena.used, used);
	cr_assert_lt(used, 64 * 1024);
	end(&world);
}

Test(permset, a_full_arena_is_an_error)
{
	struct world world;
	struct pol_run run = { 0, 2000000 };
	struct pol_permset out = { 0 };

	begin(&world);
	world.arena.limit = 8192;
	cr_assert_eq(pol_permset_pool_of_runs(world.pool, &run, 1, &out), POL_ELIMIT);
	cr_assert_eq(out.count, 0);
	end(&world);
}

Test(permset, a_sketch_has_every_chunk_and_few_false_ones)
{
	struct world world;
	const struct pol_permset nothing = { 0 };
	struct pol_sketch empty = pol_permset_sketch(&nothing);
	uint32_t more = 0;

	begin(&world);
	for (int i = 0; i < 200; i++) {
		struct pol_run runs[20];
		struct pol_permset set;
		struct pol_sketch sketch;

		for (int k = 0; k < 20; k++) {
			runs[k] = (struct pol_run){ draw(&world, 1000 * POL_CHUNK_BITS), 3 };
		}
		cr_assert_eq(pol_permset_pool_of_runs(world.pool, runs, 20, &set), POL_OK);
		sketch = pol_permset_sketch(&set);
		for (uint32_t chunk = 0; chunk < 1001; chunk++) {
			bool may = pol_sketch_may_have(&sketch, chunk);

			cr_assert(may || pol_permset_chunk(&set, chunk) == NULL);
			cr_assert_not(pol_sketch_may_have(&empty, chunk));
			more += may && pol_permset_chunk(&set, chunk) == NULL;
		}
	}
	/* Twenty bits of 256, and what they stand for. */
	cr_expect_lt(more, 200 * 1001 / 10);
	end(&world);
}
