/* SPDX-License-Identifier: Apache-2.0 */
/* What one stored role allows and denies itself: made, counted, shared. */
#include <assert.h>
#include <stdlib.h>

#include "policy/snapshot/conditional.h"
#include "policy/snapshot/stored_internal.h"

#define SET_BYTES (sizeof(struct pol_chunk) + sizeof(struct pol_chunk *) + sizeof(uint32_t))

/* Copies a set; advances *chunks, *pointers and *numbers past what it uses. */
static void copy_set(const struct pol_permset *set, struct pol_chunk **chunks,
	const struct pol_chunk ***pointers, uint32_t **numbers, struct pol_permset *out)
{
	*out = (struct pol_permset){ set->count, *numbers, *pointers };
	for (uint32_t i = 0; i < set->count; i++) {
		**chunks = *set->chunks[i];
		*(*pointers)++ = (*chunks)++;
		*(*numbers)++ = set->numbers[i];
	}
}

/* The most bytes for the conditionals of one role. */
#define CONDITIONAL_LIMIT ((size_t)64 * 1024 * 1024)

/* A copy of a set in an arena. False: no memory. */
static bool copy_to_arena(
	struct pol_arena *arena, const struct pol_permset *set, struct pol_permset *out)
{
	struct pol_chunk *chunks = pol_arena_alloc(arena, set->count, sizeof *chunks);
	const struct pol_chunk **pointers = pol_arena_alloc(arena, set->count, sizeof *pointers);
	uint32_t *numbers = pol_arena_alloc(arena, set->count, sizeof *numbers);

	if (arena->status != POL_OK) {
		return false;
	}
	copy_set(set, &chunks, &pointers, &numbers, out);
	return true;
}

static bool copy_conditionals(struct pol_stored *stored, const struct pol_grantee *from)
{
	struct pol_arena *arena = &stored->arena;
	struct pol_conditional *made;

	if (from->conditional_count == 0) {
		return true;
	}
	pol_arena_init(arena, CONDITIONAL_LIMIT);
	made = pol_arena_alloc(arena, from->conditional_count, sizeof *made);
	if (made == NULL) {
		return false;
	}
	for (uint32_t i = 0; i < from->conditional_count; i++) {
		const struct pol_conditional *one = &from->conditionals[i];

		made[i].deny = one->deny;
		made[i].condition = pol_conditional_copy(arena, one->condition);
		if (made[i].condition == NULL || !copy_to_arena(arena, &one->set, &made[i].set)) {
			return false;
		}
	}
	stored->conditionals = made;
	stored->conditional_count = from->conditional_count;
	return true;
}

struct pol_stored *pol_stored_own_create(const struct pol_grantee *from)
{
	const struct pol_permset *allow = &from->allow;
	const struct pol_permset *deny = &from->deny;
	size_t count = (size_t)allow->count + deny->count;
	struct pol_stored *stored = malloc(sizeof *stored + count * SET_BYTES);
	struct pol_chunk *chunks;
	const struct pol_chunk **pointers;
	uint32_t *numbers;

	if (stored == NULL) {
		return NULL;
	}
	chunks = (struct pol_chunk *)(stored + 1);
	pointers = (const struct pol_chunk **)(chunks + count);
	numbers = (uint32_t *)(pointers + count);
	atomic_init(&stored->references, 1);
	copy_set(allow, &chunks, &pointers, &numbers, &stored->allow);
	copy_set(deny, &chunks, &pointers, &numbers, &stored->deny);
	stored->arena = (struct pol_arena){ 0 };
	stored->conditionals = NULL;
	stored->conditional_count = 0;
	if (!copy_conditionals(stored, from)) {
		pol_stored_unref(stored);
		return NULL;
	}
	return stored;
}

uint32_t pol_stored_overgrown(const struct pol_snapshot *before, const struct pol_snapshot *next)
{
	uint32_t first = next->role_count - (uint32_t)next->stored_count;

	for (uint32_t i = 0; i < next->stored_count; i++) {
		uint32_t count = next->roles[first + i].conditional_count;
		uint32_t old;

		if (count <= POL_STORED_CONDITIONALS) {
			continue;
		}
		old = pol_stored_find(before, next->stored[i].number, next->stored[i].tenant);
		if (old == POL_NONE || before->roles[old].conditional_count < count) {
			return first + i;
		}
	}
	return POL_NONE;
}

struct pol_stored *pol_stored_ref(struct pol_stored *stored)
{
	size_t before = atomic_fetch_add_explicit(&stored->references, 1, memory_order_relaxed);

	assert(before > 0);
	(void)before;
	return stored;
}

void pol_stored_unref(struct pol_stored *stored)
{
	if (stored != NULL &&
		atomic_fetch_sub_explicit(&stored->references, 1, memory_order_acq_rel) == 1) {
		pol_arena_finish(&stored->arena);
		free(stored);
	}
}

/* How many permissions conditional i has that neither `always` nor one with its effect before it
 * has. */
static size_t count_new(
	const struct pol_stored *stored, uint32_t i, const struct pol_permset *always)
{
	const struct pol_conditional *one = &stored->conditionals[i];
	size_t count = 0;

	for (uint32_t n = 0; n < one->set.count * POL_CHUNK_WORDS; n++) {
		const struct pol_run_word at = { one->set.numbers[n / POL_CHUNK_WORDS],
			n % POL_CHUNK_WORDS, UINT64_MAX };
		uint64_t known = pol_permset_word(always, &at);

		for (uint32_t k = 0; k < i; k++) {
			if (stored->conditionals[k].deny == one->deny) {
				known |= pol_permset_word(&stored->conditionals[k].set, &at);
			}
		}
		for (uint64_t bits = pol_permset_word(&one->set, &at) & ~known; bits != 0;
			bits &= bits - 1) {
			count++;
		}
	}
	return count;
}

void pol_stored_count(const struct pol_stored *stored, size_t *out_allowed, size_t *out_denied)
{
	*out_allowed = pol_permset_size(&stored->allow);
	*out_denied = pol_permset_size(&stored->deny);
	for (uint32_t i = 0; i < stored->conditional_count; i++) {
		bool deny = stored->conditionals[i].deny;

		*(deny ? out_denied : out_allowed) +=
			count_new(stored, i, deny ? &stored->deny : &stored->allow);
	}
}
