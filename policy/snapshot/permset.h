/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * permset: sets of permissions.
 *
 * Permissions are numbered through the trees in preorder. A set is a sorted list of the chunks of
 * 512 numbers in which it has any, each chunk one cache line and shared by all sets and places
 * where it is equal. So the same grant in 5,000 roles costs 5,000 lists and one set of chunks, and
 * a test is a search in the list and one bit. Sets are immutable values: copying the structure is
 * free, what it points to lives as long as the arena of the pool that made it.
 *
 * The idea of two levels with shared leaves is that of Roaring bitmaps (Lemire et al., 2016)
 * joined with hash consing. Testing is for any thread, a pool for one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/status.h"

#define POL_CHUNK_WORDS 8
#define POL_CHUNK_BITS  (POL_CHUNK_WORDS * 64)

struct pol_chunk {
	uint64_t words[POL_CHUNK_WORDS];
};

/* Zeroed, it is empty. */
struct pol_permset {
	uint32_t count;          /* of chunks; none of them is empty */
	const uint32_t *numbers; /* ascending: permission / POL_CHUNK_BITS */
	const struct pol_chunk *const *chunks;
};

/* A run of permissions: those of a node, or of an action. */
struct pol_run {
	uint32_t first;
	uint32_t count;
};

/* One word of a run, for walking it. */
struct pol_run_word {
	uint32_t chunk, word;
	uint64_t mask;
};

/* Takes the first word off the run; false when the run is empty. */
static inline bool pol_run_next(struct pol_run *run, struct pol_run_word *out)
{
	uint32_t bit = run->first % 64;
	uint32_t take = run->count < 64 - bit ? run->count : 64 - bit;

	if (run->count == 0) {
		return false;
	}
	out->chunk = run->first / POL_CHUNK_BITS;
	out->word = run->first % POL_CHUNK_BITS / 64;
	out->mask = UINT64_MAX >> (64 - take) << bit;
	run->first += take;
	run->count -= take;
	return true;
}

static inline bool pol_permset_is_empty(const struct pol_permset *set)
{
	return set->count == 0;
}

/* The chunk of that number, or NULL. */
static inline const struct pol_chunk *pol_permset_chunk(
	const struct pol_permset *set, uint32_t number)
{
	uint32_t low = 0;
	uint32_t high = set->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (set->numbers[middle] < number) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low < set->count && set->numbers[low] == number ? set->chunks[low] : NULL;
}

static inline bool pol_permset_has(const struct pol_permset *set, uint32_t permission)
{
	const struct pol_chunk *chunk = pol_permset_chunk(set, permission / POL_CHUNK_BITS);

	return chunk != NULL &&
	       (chunk->words[permission % POL_CHUNK_BITS / 64] >> (permission % 64) & 1) != 0;
}

/* Those of the word that are in the set. */
static inline uint64_t pol_permset_word(
	const struct pol_permset *set, const struct pol_run_word *at)
{
	const struct pol_chunk *chunk = pol_permset_chunk(set, at->chunk);

	return chunk != NULL ? chunk->words[at->word] & at->mask : 0;
}

/* Every one of the run; false for an empty run, which is nothing to be allowed. */
bool pol_permset_has_all(const struct pol_permset *set, struct pol_run run);
/* At least one of the run. */
bool pol_permset_has_any(const struct pol_permset *set, struct pol_run run);

/* Is all of `part` in `whole`? */
bool pol_permset_covers(const struct pol_permset *whole, const struct pol_permset *part);
bool pol_permset_meets(const struct pol_permset *a, const struct pol_permset *b);
size_t pol_permset_size(const struct pol_permset *set);

/* A set's chunks in a few words that lie beside it: a bit that is not there says that the chunk is
 * not, so that whoever looks through thousands of sets leaves most of them untouched. */
#define POL_SKETCH_WORDS 4
struct pol_sketch {
	uint64_t words[POL_SKETCH_WORDS]; /* the bit of a chunk's number, modulo their bits */
};
struct pol_sketch pol_permset_sketch(const struct pol_permset *set);

static inline bool pol_sketch_may_have(const struct pol_sketch *sketch, uint32_t chunk)
{
	return (sketch->words[chunk / 64 % POL_SKETCH_WORDS] >> chunk % 64 & 1) != 0;
}

/* Makes sets: finds equal chunks and equal lists again. Its table is on the heap and only needed
 * while sets are made. */
struct pol_permset_pool;
struct pol_permset_pool *pol_permset_pool_create(struct pol_arena *arena); /* NULL: no memory */
void pol_permset_pool_destroy(struct pol_permset_pool *pool);              /* NULL is ignored */

/* Each returns POL_OK or the arena's status; `*out` may be one of the inputs. */
enum pol_status pol_permset_of_runs(struct pol_permset_pool *pool, const struct pol_run *runs,
	size_t count, struct pol_permset *out); /* in any order, may overlap */
enum pol_status pol_permset_union(struct pol_permset_pool *pool, const struct pol_permset *a,
	const struct pol_permset *b, struct pol_permset *out);
enum pol_status pol_permset_subtract(struct pol_permset_pool *pool, const struct pol_permset *a,
	const struct pol_permset *b, struct pol_permset *out);
