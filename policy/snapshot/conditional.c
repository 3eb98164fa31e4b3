/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/conditional.h"

#include <stdlib.h>
#include <string.h>

/* Where a conditional stands in the joined list: a table by condition and effect, whose slots are
 * indexes + 1. Open addressing. */
struct places {
	uint32_t *slots;
	size_t mask;
};

static size_t slot_of(const struct places *places, const struct pol_conditional *list,
	const struct pol_conditional *one)
{
	uint64_t hash =
		((uintptr_t)one->condition ^ (uintptr_t)one->deny) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (hash ^ hash >> 32) & places->mask;

	while (places->slots[at] != 0 && (list[places->slots[at] - 1].condition != one->condition ||
						 list[places->slots[at] - 1].deny != one->deny)) {
		at = (at + 1) & places->mask;
	}
	return at;
}

/* Adds one to the list, to the set of an equal one if there is any. */
static enum pol_status add(struct pol_permset_pool *pool, struct places *places,
	struct pol_conditional *list, uint32_t *count, const struct pol_conditional *one)
{
	size_t slot = slot_of(places, list, one);
	struct pol_conditional *known;

	if (places->slots[slot] != 0) {
		known = &list[places->slots[slot] - 1];
		return pol_permset_pool_union(pool, &known->set, &one->set, &known->set);
	}
	list[(*count)++] = *one;
	places->slots[slot] = *count;
	return POL_OK;
}

/* Makes room for `most` items in a list that is the grantee's alone. It grows by doubling, so that
 * a role with many parents takes memory for twice what it has, and not for each join. NULL: the
 * arena has no memory. */
static struct pol_conditional *make_room(
	struct pol_arena *arena, struct pol_grantee *into, uint32_t most)
{
	uint32_t room = 2 * into->conditional_count > most ? 2 * into->conditional_count : most;
	struct pol_conditional *list;

	if (into->conditional_room >= most) {
		return (struct pol_conditional *)(uintptr_t)into->conditionals;
	}
	list = pol_arena_alloc(arena, room, sizeof *list);
	if (list != NULL) {
		memcpy(list, into->conditionals, into->conditional_count * sizeof *list);
		into->conditionals = list;
		into->conditional_room = room;
	}
	return list;
}

static enum pol_status join_lists(struct pol_permset_pool *pool, struct pol_arena *arena,
	struct pol_grantee *into, const struct pol_conditionals *from)
{
	uint32_t most = into->conditional_count + from->count;
	struct pol_conditional *list = make_room(arena, into, most);
	struct places places = { .mask = 1 };
	enum pol_status status = POL_OK;

	while (places.mask < 2 * (size_t)most) {
		places.mask = places.mask * 2 + 1;
	}
	places.slots = calloc(places.mask + 1, sizeof *places.slots);
	if (list == NULL || places.slots == NULL) {
		free(places.slots);
		return list == NULL ? arena->status : POL_ENOMEM;
	}
	for (uint32_t i = 0; i < into->conditional_count; i++) {
		places.slots[slot_of(&places, list, &list[i])] = i + 1;
	}
	for (uint32_t i = 0; status == POL_OK && i < from->count; i++) {
		status = add(pool, &places, list, &into->conditional_count, &from->items[i]);
	}
	free(places.slots);
	return status;
}

enum pol_status pol_conditional_join(struct pol_permset_pool *pool, struct pol_arena *arena,
	struct pol_grantee *into, const struct pol_conditionals *from)
{
	enum pol_status status = POL_OK;

	if (from->count == 0) {
		return POL_OK;
	}
	if (into->conditional_count == 0) {
		into->conditionals = from->items;
		into->conditional_count = from->count;
		into->conditional_room = 0;
	} else {
		status = join_lists(pool, arena, into, from);
	}
	for (uint32_t i = 0; status == POL_OK && from->sometimes == NULL && i < from->count; i++) {
		status = pol_permset_pool_union(
			pool, &into->sometimes, &from->items[i].set, &into->sometimes);
	}
	if (status == POL_OK && from->sometimes != NULL) {
		status = pol_permset_pool_union(
			pool, &into->sometimes, from->sometimes, &into->sometimes);
	}
	return status;
}

/* --- a copy ----------------------------------------------------------------------------------- */

static void copy_operand(struct pol_arena *arena, struct pol_operand *operand)
{
	enum pol_type type = operand->value.type;

	if (operand->name.ptr != NULL) {
		operand->name = pol_arena_copy(arena, operand->name);
	}
	if (type == POL_TYPE_STRING || type == POL_TYPE_WORD) {
		operand->value.text = pol_arena_copy(arena, operand->value.text);
	}
}

const struct pol_condition *pol_conditional_copy(
	struct pol_arena *arena, const struct pol_condition *condition)
{
	struct pol_condition *made = pol_arena_alloc(arena, 1, sizeof *made);
	const struct pol_condition **parts =
		pol_arena_alloc(arena, condition->part_count, sizeof *parts);
	struct pol_predicate *predicate = pol_arena_alloc(arena, 1, sizeof *predicate);

	if (arena->status != POL_OK) {
		return NULL;
	}
	*made = *condition;
	if (condition->kind == POL_CONDITION_PREDICATE) {
		*predicate = *condition->predicate;
		copy_operand(arena, &predicate->left);
		copy_operand(arena, &predicate->right);
		made->predicate = predicate;
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		parts[i] = pol_conditional_copy(arena, condition->parts[i]);
	}
	made->parts = condition->part_count > 0 ? parts : NULL;
	return arena->status == POL_OK ? made : NULL;
}
