/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/permset.h"

bool pol_permset_has_all(const struct pol_permset *set, struct pol_run run)
{
	struct pol_run_word at;

	if (run.count == 0) {
		return false;
	}
	while (pol_run_next(&run, &at)) {
		const struct pol_chunk *chunk = pol_permset_chunk(set, at.chunk);

		if (chunk == NULL || (chunk->words[at.word] & at.mask) != at.mask) {
			return false;
		}
	}
	return true;
}

bool pol_permset_has_any(const struct pol_permset *set, struct pol_run run)
{
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		const struct pol_chunk *chunk = pol_permset_chunk(set, at.chunk);

		if (chunk != NULL && (chunk->words[at.word] & at.mask) != 0) {
			return true;
		}
	}
	return false;
}

bool pol_permset_covers(const struct pol_permset *whole, const struct pol_permset *part)
{
	for (uint32_t i = 0; i < part->count; i++) {
		const struct pol_chunk *other = pol_permset_chunk(whole, part->numbers[i]);

		if (other == part->chunks[i]) {
			continue;
		}
		for (int w = 0; w < POL_CHUNK_WORDS; w++) {
			if (other == NULL || (part->chunks[i]->words[w] & ~other->words[w]) != 0) {
				return false;
			}
		}
	}
	return true;
}

bool pol_permset_meets(const struct pol_permset *a, const struct pol_permset *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct pol_chunk *other = pol_permset_chunk(b, a->numbers[i]);

		for (int w = 0; other != NULL && w < POL_CHUNK_WORDS; w++) {
			if ((a->chunks[i]->words[w] & other->words[w]) != 0) {
				return true;
			}
		}
	}
	return false;
}

size_t pol_permset_size(const struct pol_permset *set)
{
	size_t size = 0;

	for (uint32_t i = 0; i < set->count; i++) {
		for (int w = 0; w < POL_CHUNK_WORDS; w++) {
			uint64_t word = set->chunks[i]->words[w];

			/* Most words are zero; popcount may be a function call. */
			size += word != 0 ? (size_t)__builtin_popcountll(word) : 0;
		}
	}
	return size;
}

void pol_permset_sketch_add(struct pol_sketch *sketch, const struct pol_permset *set)
{
	for (uint32_t i = 0; i < set->count; i++) {
		sketch->words[set->numbers[i] / 64 % POL_SKETCH_WORDS] |= UINT64_C(1)
									  << set->numbers[i] % 64;
	}
}

struct pol_sketch pol_permset_sketch(const struct pol_permset *set)
{
	struct pol_sketch sketch = { { 0 } };

	pol_permset_sketch_add(&sketch, set);
	return sketch;
}
