/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/compare_internal.h"

/* Many roles gain or lose the same, by what they inherit: what was folded once is kept. */

/* What is looked for. */
struct key {
	const uint64_t *bits;
	enum pol_change_kind kind;
	size_t words; /* that are not zero */
	uint64_t hash;
};

static struct key make_key(
	const struct pol_compare *compare, const uint64_t *bits, enum pol_change_kind kind)
{
	struct key key = { .bits = bits, .kind = kind, .hash = POL_HASH_SEED + (uint64_t)kind };

	for (size_t w = 0; w < compare->joint.words; w++) {
		if (bits[w] != 0) {
			key.hash = (key.hash ^ bits[w] ^ w) * UINT64_C(0x9e3779b97f4a7c15);
			key.hash ^= key.hash >> 29;
			key.words++;
		}
	}
	return key;
}

static bool is_same(const struct pol_folded *folded, const struct key *key)
{
	if (folded->hash != key->hash || folded->kind != key->kind ||
		folded->word_count != key->words) {
		return false;
	}
	for (size_t i = 0; i < folded->word_count; i++) {
		if (key->bits[folded->at[i]] != folded->words[i]) {
			return false;
		}
	}
	return true;
}

static const struct pol_changes *find(const struct pol_compare *compare, const struct key *key)
{
	const struct pol_folded *folded = compare->folded[key->hash % POL_FOLDED_SLOTS];

	while (folded != NULL && !is_same(folded, key)) {
		folded = folded->next;
	}
	return folded != NULL ? &folded->changes : NULL;
}

/* Bytes of a copy of the changes. */
static size_t size_of(const struct pol_changes *changes)
{
	size_t bytes = changes->count * sizeof *changes->items;

	for (size_t i = 0; i < changes->count; i++) {
		const struct pol_change *change = &changes->items[i];

		bytes += change->pattern.len;
		bytes += (change->verb_count + change->except_count) * sizeof *change->verbs;
		for (size_t k = 0; k < change->except_count; k++) {
			bytes += change->except[k].len;
		}
	}
	return bytes;
}

static const struct pol_str *copy_texts(
	struct pol_arena *arena, const struct pol_str *from, size_t count)
{
	struct pol_str *out = pol_arena_alloc(arena, count, sizeof *out);

	for (size_t i = 0; out != NULL && i < count; i++) {
		out[i] = pol_arena_copy(arena, from[i]);
	}
	return out;
}

static struct pol_change *copy_changes(struct pol_arena *arena, const struct pol_changes *changes)
{
	struct pol_change *out = pol_arena_alloc(arena, changes->count, sizeof *out);

	for (size_t i = 0; out != NULL && i < changes->count; i++) {
		const struct pol_change *from = &changes->items[i];

		out[i] = *from;
		out[i].except = copy_texts(arena, from->except, from->except_count);
		out[i].pattern = pol_arena_copy(arena, from->pattern);
		out[i].verbs = copy_texts(arena, from->verbs, from->verb_count);
	}
	return out;
}

/* Keeps the changes of this bitmap, unless too much is kept already. */
static enum pol_status keep(
	struct pol_compare *compare, const struct key *key, const struct pol_changes *changes)
{
	struct pol_arena *arena = &compare->arena;
	size_t bytes = key->words * (sizeof(uint64_t) + sizeof(uint32_t)) +
		       sizeof(struct pol_folded) + size_of(changes);
	struct pol_folded *folded;
	uint32_t *at;
	uint64_t *words;
	size_t used = 0;

	if (compare->folded_bytes + bytes > POL_FOLDED_BYTES) {
		return POL_OK;
	}
	folded = pol_arena_alloc(arena, 1, sizeof *folded);
	at = pol_arena_alloc(arena, key->words, sizeof *at);
	words = pol_arena_alloc(arena, key->words, sizeof *words);
	if (folded == NULL || at == NULL || words == NULL) {
		return arena->status;
	}
	for (size_t w = 0; w < compare->joint.words; w++) {
		if (key->bits[w] != 0) {
			at[used] = (uint32_t)w;
			words[used++] = key->bits[w];
		}
	}
	*folded = (struct pol_folded){ .next = compare->folded[key->hash % POL_FOLDED_SLOTS],
		.hash = key->hash,
		.kind = key->kind,
		.word_count = key->words,
		.at = at,
		.words = words,
		.changes = { .items = copy_changes(arena, changes), .count = changes->count } };
	compare->folded[key->hash % POL_FOLDED_SLOTS] = folded;
	compare->folded_bytes += bytes;
	return arena->status;
}

static enum pol_status append(
	struct pol_compare *compare, const struct pol_changes *from, struct pol_changes *out)
{
	for (size_t i = 0; i < from->count; i++) {
		struct pol_change *change = pol_changes_add(compare, out, from->items[i].kind);

		if (change == NULL) {
			return compare->present.status;
		}
		*change = from->items[i];
	}
	return POL_OK;
}

enum pol_status pol_fold(struct pol_compare *compare, const uint64_t *bits,
	enum pol_change_kind kind, const struct pol_region *region, struct pol_changes *out)
{
	struct key key = make_key(compare, bits, kind);
	struct pol_changes fresh = { 0 };
	const struct pol_changes *known;
	enum pol_status status;

	if (key.words == 0) {
		return POL_OK;
	}
	/* The text of a region's patterns has its place's values. */
	if (region != NULL) {
		return pol_fold_fresh(compare, bits, kind, region, out);
	}
	known = find(compare, &key);
	if (known != NULL) {
		return append(compare, known, out);
	}
	status = pol_fold_fresh(compare, bits, kind, NULL, &fresh);
	if (status == POL_OK) {
		status = keep(compare, &key, &fresh);
	}
	return status == POL_OK ? append(compare, &fresh, out) : status;
}
