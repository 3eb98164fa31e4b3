/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * permset: sets of permissions.
 *
 * Permissions are numbered through all trees in preorder. A set is a sorted list of chunks, each a
 * bitmap of 512 numbers and one cache line; empty chunks are left out. Equal chunks and equal lists
 * are shared by all sets of a pool. A membership test is a binary search and one bit. Sets are
 * immutable values: the structure may be copied, and what it points to lives as long as the arena
 * of its pool.
 *
 * The two levels are those of Roaring bitmaps (Lemire et al., 2016), the sharing is hash consing.
 * Sets are for any thread, a pool for one.
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
	uint32_t count;          /* of chunks */
	const uint32_t *numbers; /* ascending: permission / POL_CHUNK_BITS */
	const struct pol_chunk *const *chunks;
};

/* A run of consecutive permissions: those of a node, or of an action. */
struct pol_run {
	uint32_t first;
	uint32_t count;
};

/* The part of a run that is in one word of a chunk. */
struct pol_run_word {
	uint32_t chunk, word;
	uint64_t mask; /* of the permissions in the word */
};

/* Takes the first word off the run; false if the run is empty. */
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

	/* That of a small policy. */
	if (high == 1) {
		return set->numbers[0] == number ? set->chunks[0] : NULL;
	}
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

/* The permissions of the word that are in the set, as bits. */
static inline uint64_t pol_permset_word(
	const struct pol_permset *set, const struct pol_run_word *at)
{
	const struct pol_chunk *chunk = pol_permset_chunk(set, at->chunk);

	return chunk != NULL ? chunk->words[at->word] & at->mask : 0;
}

/* Is every permission of the run in the set? False for an empty run. */
bool pol_permset_has_all(const struct pol_permset *set, struct pol_run run);
/* Is at least one permission of the run in the set? */
bool pol_permset_has_any(const struct pol_permset *set, struct pol_run run);

/* Is `part` a subset of `whole`? */
bool pol_permset_covers(const struct pol_permset *whole, const struct pol_permset *part);
/* Do the sets intersect? */
bool pol_permset_meets(const struct pol_permset *a, const struct pol_permset *b);
/* The number of permissions. */
size_t pol_permset_size(const struct pol_permset *set);

/* A filter for a set's chunks: if the bit is not set, the set does not have the chunk. A search
 * through thousands of sets need not read the chunk lists of most of them. */
#define POL_SKETCH_WORDS 4
struct pol_sketch {
	uint64_t words[POL_SKETCH_WORDS]; /* bit: the chunk's number modulo the count of bits */
};
struct pol_sketch pol_permset_sketch(const struct pol_permset *set);
/* Makes it one of both sets. */
void pol_permset_sketch_add(struct pol_sketch *sketch, const struct pol_permset *set);

static inline bool pol_sketch_may_have(const struct pol_sketch *sketch, uint32_t chunk)
{
	return (sketch->words[chunk / 64 % POL_SKETCH_WORDS] >> chunk % 64 & 1) != 0;
}

/* Makes sets that share equal chunks and lists. Its tables are on the heap; destroy it when no more
 * sets are made. The sets stay valid. */
struct pol_permset_pool;
struct pol_permset_pool *pol_permset_pool_create(struct pol_arena *arena); /* NULL: no memory */
void pol_permset_pool_destroy(struct pol_permset_pool *pool);              /* NULL is ignored */

/* The set of some runs, the union and the difference of two sets. *out may be one of the inputs.
 * POL_ENOMEM, or the status of the arena. */
enum pol_status pol_permset_pool_of_runs(struct pol_permset_pool *pool, const struct pol_run *runs,
	size_t count, struct pol_permset *out); /* in any order, may overlap */
enum pol_status pol_permset_pool_union(struct pol_permset_pool *pool, const struct pol_permset *a,
	const struct pol_permset *b, struct pol_permset *out);
enum pol_status pol_permset_pool_subtract(struct pol_permset_pool *pool,
	const struct pol_permset *a, const struct pol_permset *b, struct pol_permset *out);
