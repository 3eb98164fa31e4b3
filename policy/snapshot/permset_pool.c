/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/permset.h"

#include <stdlib.h>
#include <string.h>

struct chunk_slot {
	uint64_t hash;
	const struct pol_chunk *chunk; /* NULL: free */
};

struct list_slot {
	uint64_t hash;
	struct pol_permset set; /* empty: free */
};

struct pol_permset_pool {
	struct pol_arena *arena;
	struct chunk_slot *chunks;
	size_t chunk_count, chunk_capacity;
	struct list_slot *lists;
	size_t list_count, list_capacity;
	/* the set that is being built */
	uint32_t *numbers;
	const struct pol_chunk **built;
	size_t count, capacity;
	struct pol_run *runs; /* a buffer for sorting runs */
	size_t run_capacity;
};

#define FIRST_TABLE ((size_t)64)

/* Up to this many runs an insertion sort is faster than qsort. */
#define FEW_RUNS ((size_t)64)

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 29;
}

/* Counts a table that grows from `from` to `to` elements in the budget of the arena. False: it
 * exceeds the budget. While the elements are moved both tables are there, which the check includes.
 */
static bool count_growth(const struct pol_permset_pool *pool, size_t from, size_t to, size_t size)
{
	if (!pol_budget_take(pool->arena->budget, to * size)) {
		return false;
	}
	pol_budget_give(pool->arena->budget, from * size);
	return true;
}

struct pol_permset_pool *pol_permset_pool_create(struct pol_arena *arena)
{
	struct pol_permset_pool *pool = calloc(1, sizeof *pool);

	if (pool == NULL) {
		return NULL;
	}
	pool->arena = arena;
	pool->chunks = calloc(FIRST_TABLE, sizeof *pool->chunks);
	pool->lists = calloc(FIRST_TABLE, sizeof *pool->lists);
	if (pool->chunks == NULL || pool->lists == NULL) {
		pol_permset_pool_destroy(pool);
		return NULL;
	}
	pool->chunk_capacity = FIRST_TABLE;
	pool->list_capacity = FIRST_TABLE;
	return pool;
}

void pol_permset_pool_destroy(struct pol_permset_pool *pool)
{
	if (pool == NULL) {
		return;
	}
	free(pool->chunks);
	free(pool->lists);
	free(pool->numbers);
	free(pool->built);
	free(pool->runs);
	free(pool);
}

static enum pol_status grow_chunks(struct pol_permset_pool *pool)
{
	size_t capacity = pool->chunk_capacity * 2;
	struct chunk_slot *table;

	if (!count_growth(pool, pool->chunk_capacity, capacity, sizeof *table)) {
		return POL_ELIMIT;
	}
	table = calloc(capacity, sizeof *table);
	if (table == NULL) {
		return POL_ENOMEM;
	}
	for (size_t i = 0; i < pool->chunk_capacity; i++) {
		size_t at = pool->chunks[i].hash & (capacity - 1);

		if (pool->chunks[i].chunk == NULL) {
			continue;
		}
		while (table[at].chunk != NULL) {
			at = (at + 1) & (capacity - 1);
		}
		table[at] = pool->chunks[i];
	}
	free(pool->chunks);
	pool->chunks = table;
	pool->chunk_capacity = capacity;
	return POL_OK;
}

static enum pol_status intern_chunk(
	struct pol_permset_pool *pool, const struct pol_chunk *chunk, const struct pol_chunk **out)
{
	struct pol_chunk *copy;
	uint64_t hash = 0;
	size_t at;

	if (pool->chunk_count * 2 >= pool->chunk_capacity) {
		enum pol_status status = grow_chunks(pool);

		if (status != POL_OK) {
			return status;
		}
	}
	for (int w = 0; w < POL_CHUNK_WORDS; w++) {
		hash = mix(hash, chunk->words[w]);
	}
	at = hash & (pool->chunk_capacity - 1);
	while (pool->chunks[at].chunk != NULL) {
		if (pool->chunks[at].hash == hash &&
			memcmp(pool->chunks[at].chunk, chunk, sizeof *chunk) == 0) {
			*out = pool->chunks[at].chunk;
			return POL_OK;
		}
		at = (at + 1) & (pool->chunk_capacity - 1);
	}
	copy = pol_arena_alloc(pool->arena, 1, sizeof *copy);
	if (copy == NULL) {
		return pool->arena->status;
	}
	*copy = *chunk;
	pool->chunks[at] = (struct chunk_slot){ hash, copy };
	pool->chunk_count++;
	*out = copy;
	return POL_OK;
}

static enum pol_status append(
	struct pol_permset_pool *pool, uint32_t number, const struct pol_chunk *chunk)
{
	if (pool->count == pool->capacity) {
		size_t capacity = pool->capacity * 2 + 64;
		const struct pol_chunk **built;
		uint32_t *numbers;

		if (!count_growth(
			    pool, pool->capacity, capacity, sizeof *numbers + sizeof *built)) {
			return POL_ELIMIT;
		}
		numbers = realloc(pool->numbers, capacity * sizeof *numbers);
		if (numbers == NULL) {
			return POL_ENOMEM;
		}
		pool->numbers = numbers;
		built = realloc(pool->built, capacity * sizeof *built);
		if (built == NULL) {
			return POL_ENOMEM;
		}
		pool->built = built;
		pool->capacity = capacity;
	}
	pool->numbers[pool->count] = number;
	pool->built[pool->count] = chunk;
	pool->count++;
	return POL_OK;
}

static enum pol_status append_bits(
	struct pol_permset_pool *pool, uint32_t number, const struct pol_chunk *chunk)
{
	static const struct pol_chunk none;
	const struct pol_chunk *shared = NULL;
	enum pol_status status;

	if (memcmp(chunk, &none, sizeof none) == 0) {
		return POL_OK;
	}
	status = intern_chunk(pool, chunk, &shared);
	return status != POL_OK ? status : append(pool, number, shared);
}

static enum pol_status grow_lists(struct pol_permset_pool *pool)
{
	size_t capacity = pool->list_capacity * 2;
	struct list_slot *table;

	if (!count_growth(pool, pool->list_capacity, capacity, sizeof *table)) {
		return POL_ELIMIT;
	}
	table = calloc(capacity, sizeof *table);
	if (table == NULL) {
		return POL_ENOMEM;
	}
	for (size_t i = 0; i < pool->list_capacity; i++) {
		size_t at = pool->lists[i].hash & (capacity - 1);

		if (pool->lists[i].set.count == 0) {
			continue;
		}
		while (table[at].set.count != 0) {
			at = (at + 1) & (capacity - 1);
		}
		table[at] = pool->lists[i];
	}
	free(pool->lists);
	pool->lists = table;
	pool->list_capacity = capacity;
	return POL_OK;
}

static bool list_is_built(const struct pol_permset_pool *pool, const struct pol_permset *set)
{
	return set->count == pool->count &&
	       memcmp(set->chunks, pool->built, pool->count * sizeof *pool->built) == 0 &&
	       memcmp(set->numbers, pool->numbers, pool->count * sizeof *pool->numbers) == 0;
}

/* Ends the set that is being built: an equal one from before, or a new one. */
static enum pol_status finish(struct pol_permset_pool *pool, struct pol_permset *out)
{
	const struct pol_chunk **chunks;
	uint32_t *numbers;
	uint64_t hash = pool->count;
	size_t at;

	if (pool->count == 0) {
		*out = (struct pol_permset){ 0 };
		return POL_OK;
	}
	if (pool->list_count * 2 >= pool->list_capacity) {
		enum pol_status status = grow_lists(pool);

		if (status != POL_OK) {
			return status;
		}
	}
	for (size_t i = 0; i < pool->count; i++) {
		hash = mix(mix(hash, pool->numbers[i]), (uintptr_t)pool->built[i]);
	}
	at = hash & (pool->list_capacity - 1);
	while (pool->lists[at].set.count != 0) {
		if (pool->lists[at].hash == hash && list_is_built(pool, &pool->lists[at].set)) {
			*out = pool->lists[at].set;
			return POL_OK;
		}
		at = (at + 1) & (pool->list_capacity - 1);
	}
	numbers = pol_arena_alloc(pool->arena, pool->count, sizeof *numbers);
	chunks = pol_arena_alloc(pool->arena, pool->count, sizeof *chunks);
	if (numbers == NULL || chunks == NULL) {
		return pool->arena->status;
	}
	memcpy(numbers, pool->numbers, pool->count * sizeof *numbers);
	memcpy(chunks, pool->built, pool->count * sizeof *chunks);
	*out = (struct pol_permset){ (uint32_t)pool->count, numbers, chunks };
	pool->lists[at] = (struct list_slot){ hash, *out };
	pool->list_count++;
	return POL_OK;
}

static int compare_runs(const void *a, const void *b)
{
	const struct pol_run *x = a;
	const struct pol_run *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static bool runs_are_sorted(const struct pol_run *runs, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		if (runs[i].first < runs[i - 1].first) {
			return false;
		}
	}
	return true;
}

static enum pol_status sort_runs(
	struct pol_permset_pool *pool, const struct pol_run *runs, size_t count)
{
	if (count > pool->run_capacity) {
		struct pol_run *grown;

		if (!count_growth(pool, pool->run_capacity, count, sizeof *grown)) {
			return POL_ELIMIT;
		}
		grown = realloc(pool->runs, count * sizeof *grown);
		if (grown == NULL) {
			return POL_ENOMEM;
		}
		pool->runs = grown;
		pool->run_capacity = count;
	}
	memcpy(pool->runs, runs, count * sizeof *runs);
	if (count > FEW_RUNS) {
		qsort(pool->runs, count, sizeof *runs, compare_runs);
		return POL_OK;
	}
	for (size_t i = 1; i < count; i++) {
		struct pol_run run = pool->runs[i];
		size_t k = i;

		for (; k > 0 && pool->runs[k - 1].first > run.first; k--) {
			pool->runs[k] = pool->runs[k - 1];
		}
		pool->runs[k] = run;
	}
	return POL_OK;
}

enum pol_status pol_permset_pool_of_runs(struct pol_permset_pool *pool, const struct pol_run *runs,
	size_t count, struct pol_permset *out)
{
	struct pol_chunk chunk = { 0 };
	uint32_t number = 0;
	enum pol_status status = POL_OK;

	pool->count = 0;
	if (!runs_are_sorted(runs, count)) {
		status = sort_runs(pool, runs, count);
		runs = pool->runs;
	}
	/* Overlaps with earlier runs are cut off, so that chunks come in ascending order. */
	for (size_t i = 0, end = 0; i < count && status == POL_OK; i++) {
		struct pol_run run = runs[i];
		struct pol_run_word at;

		if (run.first < end) {
			uint32_t skip = (uint32_t)(end - run.first);

			skip = skip < run.count ? skip : run.count;
			run.first += skip;
			run.count -= skip;
		}
		end = run.count > 0 ? run.first + run.count : end;
		while (status == POL_OK && pol_run_next(&run, &at)) {
			if (at.chunk != number) {
				status = append_bits(pool, number, &chunk);
				memset(&chunk, 0, sizeof chunk);
				number = at.chunk;
			}
			chunk.words[at.word] |= at.mask;
		}
	}
	if (status == POL_OK) {
		status = append_bits(pool, number, &chunk);
	}
	return status == POL_OK ? finish(pool, out) : status;
}

enum operation { UNION, SUBTRACT };

static enum pol_status join(struct pol_permset_pool *pool, enum operation operation,
	uint32_t number, const struct pol_chunk *a, const struct pol_chunk *b)
{
	struct pol_chunk joined;

	if (a == b) {
		return operation == SUBTRACT ? POL_OK : append(pool, number, a);
	}
	for (int w = 0; w < POL_CHUNK_WORDS; w++) {
		uint64_t left = a->words[w];
		uint64_t right = b->words[w];

		joined.words[w] = operation == UNION ? left | right : left & ~right;
	}
	return append_bits(pool, number, &joined);
}

static enum pol_status combine(struct pol_permset_pool *pool, enum operation operation,
	const struct pol_permset *a, const struct pol_permset *b, struct pol_permset *out)
{
	enum pol_status status = POL_OK;
	uint32_t i = 0;
	uint32_t j = 0;

	pool->count = 0;
	while (status == POL_OK && (i < a->count || j < b->count)) {
		if (j == b->count || (i < a->count && a->numbers[i] < b->numbers[j])) {
			status = append(pool, a->numbers[i], a->chunks[i]);
			i++;
		} else if (i == a->count || b->numbers[j] < a->numbers[i]) {
			if (operation == UNION) {
				status = append(pool, b->numbers[j], b->chunks[j]);
			}
			j++;
		} else {
			status = join(pool, operation, a->numbers[i], a->chunks[i], b->chunks[j]);
			i++;
			j++;
		}
	}
	return status == POL_OK ? finish(pool, out) : status;
}

enum pol_status pol_permset_pool_union(struct pol_permset_pool *pool, const struct pol_permset *a,
	const struct pol_permset *b, struct pol_permset *out)
{
	if (a->count == 0 || b->count == 0) {
		*out = a->count == 0 ? *b : *a;
		return POL_OK;
	}
	return combine(pool, UNION, a, b, out);
}

enum pol_status pol_permset_pool_subtract(struct pol_permset_pool *pool,
	const struct pol_permset *a, const struct pol_permset *b, struct pol_permset *out)
{
	if (a->count == 0 || b->count == 0) {
		*out = *a;
		return POL_OK;
	}
	return combine(pool, SUBTRACT, a, b, out);
}
