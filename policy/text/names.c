/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/names.h"

#include "policy/text/word.h"

static uint32_t hash_name(struct pol_str text)
{
	return (uint32_t)pol_str_hash(text, POL_HASH_SEED);
}

enum pol_status pol_names_init(struct pol_names *names, struct pol_arena *arena, size_t count)
{
	size_t slots = 4;
	struct pol_name_slot *table;

	if (count > UINT32_MAX / 4) {
		return POL_ELIMIT;
	}
	while (slots < count * 2) {
		slots *= 2;
	}
	table = pol_arena_alloc(arena, slots, sizeof *table);
	if (table == NULL) {
		return arena->status;
	}
	*names = (struct pol_names){ table, (uint32_t)(slots - 1) };
	return POL_OK;
}

/* The slot of the name, or the free slot for it. */
static struct pol_name_slot *find_slot(
	const struct pol_names *names, struct pol_str text, uint32_t hash)
{
	uint32_t i = hash & names->mask;

	while (names->slots[i].text.ptr != NULL &&
		(names->slots[i].hash != hash || !pol_str_equal(names->slots[i].text, text))) {
		i = (i + 1) & names->mask;
	}
	return &names->slots[i];
}

uint32_t pol_names_add(struct pol_names *names, struct pol_str text, uint32_t number)
{
	uint32_t hash = hash_name(text);
	struct pol_name_slot *slot = find_slot(names, text, hash);

	if (slot->text.ptr == NULL) {
		*slot = (struct pol_name_slot){ text, hash, number };
	}
	return slot->number;
}

uint32_t pol_names_find(const struct pol_names *names, struct pol_str text)
{
	const struct pol_name_slot *slot;

	if (names->slots == NULL) {
		return POL_NONE;
	}
	slot = find_slot(names, text, hash_name(text));
	return slot->text.ptr != NULL ? slot->number : POL_NONE;
}
