/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/compare.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "policy/ask/compare_internal.h"

const char *pol_compare_kind_name(enum pol_compared kind)
{
	static const char *const names[] = {
		[POL_COMPARED_ENVIRONMENT] = "environment",
		[POL_COMPARED_LIMITS] = "limits",
		[POL_COMPARED_FACT] = "fact",
		[POL_COMPARED_TREE] = "tree",
		[POL_COMPARED_ROLE] = "role",
		[POL_COMPARED_SCOPE] = "scope",
		[POL_COMPARED_PRINCIPAL] = "principal",
		[POL_COMPARED_EXCLUSIVE] = "exclusive",
		[POL_COMPARED_STACK] = "stack",
		[POL_COMPARED_KEY] = "key",
	};

	return names[kind];
}

static const struct {
	const char *name;
	unsigned effect;
} kinds[] = {
	[POL_CHANGE_GAINED] = { "gained", POL_CHANGE_GAIN },
	[POL_CHANGE_LOST] = { "lost", POL_CHANGE_LOSS },
	[POL_CHANGE_DENIED] = { "denied", POL_CHANGE_LOSS },
	[POL_CHANGE_UNDENIED] = { "undenied", POL_CHANGE_GAIN },
	[POL_CHANGE_WIDER] = { "wider", POL_CHANGE_GAIN },
	[POL_CHANGE_NARROWER] = { "narrower", POL_CHANGE_LOSS },
	[POL_CHANGE_OTHERWISE] = { "both", POL_CHANGE_GAIN | POL_CHANGE_LOSS },
	[POL_CHANGE_MAYBE] = { "may_be_wider", POL_CHANGE_GAIN | POL_CHANGE_LOSS },
	[POL_CHANGE_READS] = { "reads", 0 },
	[POL_CHANGE_NONE] = { "none", 0 },
	[POL_CHANGE_DECLARED] = { "declared", 0 },
	[POL_CHANGE_DROPPED] = { "dropped", 0 },
	[POL_CHANGE_ADDED] = { "added", 0 },
	[POL_CHANGE_REMOVED] = { "removed", 0 },
	[POL_CHANGE_ALTERED] = { "altered", 0 },
};

const char *pol_compare_change_name(enum pol_change_kind kind)
{
	return kinds[kind].name;
}

unsigned pol_compare_effect(const struct pol_difference *difference)
{
	unsigned effect = 0;

	for (size_t i = 0; i < difference->count; i++) {
		effect |= difference->changes[i].effect;
	}
	return effect;
}

struct pol_change *pol_changes_add(
	struct pol_compare *compare, struct pol_changes *changes, enum pol_change_kind kind)
{
	struct pol_change *change;

	if (changes->count == changes->capacity) {
		struct pol_change *grown = pol_arena_grow(&compare->present, changes->items,
			changes->count, changes->count + 1, sizeof *grown, &changes->capacity);

		if (grown == NULL) {
			return NULL;
		}
		changes->items = grown;
	}
	change = &changes->items[changes->count++];
	*change = (struct pol_change){ .kind = kind, .effect = kinds[kind].effect };
	return change;
}

struct pol_str pol_compare_text(struct pol_compare *compare, const char *format, ...)
{
	va_list args, again;
	char *text = NULL;
	int len;

	va_start(args, format);
	va_copy(again, args);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len >= 0) {
		text = pol_arena_alloc(&compare->present, (size_t)len + 1, 1);
	}
	if (text != NULL) {
		vsnprintf(text, (size_t)len + 1, format, again);
	}
	va_end(again);
	return (struct pol_str){ text, text != NULL ? (size_t)len : 0 };
}

void pol_compare_next(struct pol_compare *compare)
{
	/* The reason of a failure stays. */
	if (compare->present.status == POL_OK) {
		pol_arena_finish(&compare->present);
		pol_arena_init(&compare->present, POL_SNAPSHOT_LIMIT);
	}
}

static enum pol_status make_room(struct pol_compare *compare)
{
	struct pol_arena *arena = &compare->arena;
	const struct pol_joint *joint = &compare->joint;
	size_t grantees = 0;

	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_snapshot *snapshot = compare->sides[side];
		size_t chunks = (size_t)snapshot->permission_count / POL_CHUNK_BITS + 1;

		grantees += (size_t)snapshot->role_count + snapshot->scope_count;
		compare->scratch[side] = pol_arena_alloc(
			arena, chunks * POL_CHUNK_WORDS, sizeof *compare->scratch[side]);
		compare->allow[side] =
			pol_arena_alloc(arena, joint->words + 1, sizeof *compare->allow[side]);
		compare->deny[side] =
			pol_arena_alloc(arena, joint->words + 1, sizeof *compare->deny[side]);
	}
	compare->result = pol_arena_alloc(arena, joint->words + 1, sizeof *compare->result);
	compare->sometimes = pol_arena_alloc(arena, joint->words + 1, sizeof *compare->sometimes);
	compare->sorted = pol_arena_alloc(arena, joint->permission_count, sizeof *compare->sorted);
	compare->counts =
		pol_arena_alloc(arena, (size_t)joint->verb_count + 1, sizeof *compare->counts);
	compare->slot_mask = 63;
	while (compare->slot_mask < 2 * grantees) {
		compare->slot_mask = 2 * compare->slot_mask + 1;
	}
	compare->slots = pol_arena_alloc(arena, compare->slot_mask + 1, sizeof *compare->slots);
	return arena->status;
}

enum pol_status pol_compare_open(const struct pol_snapshot *before,
	const struct pol_snapshot *after, struct pol_compare **out)
{
	struct pol_compare *compare = calloc(1, sizeof *compare);
	enum pol_status status;

	if (compare == NULL) {
		return POL_ENOMEM;
	}
	compare->sides[POL_SIDE_BEFORE] = before;
	compare->sides[POL_SIDE_AFTER] = after;
	pol_arena_init(&compare->arena, POL_SNAPSHOT_LIMIT);
	pol_arena_init(&compare->present, POL_SNAPSHOT_LIMIT);
	compare->resource.text = pol_arena_alloc(&compare->arena, POL_RESOURCE_TEXT, 1);
	status = compare->arena.status;
	if (status == POL_OK) {
		status = pol_joint_make(compare);
	}
	if (status == POL_OK) {
		status = make_room(compare);
	}
	if (status != POL_OK) {
		pol_compare_close(compare);
		return status;
	}
	*out = compare;
	return POL_OK;
}

void pol_compare_close(struct pol_compare *compare)
{
	if (compare != NULL) {
		pol_arena_finish(&compare->present);
		pol_arena_finish(&compare->arena);
		free(compare);
	}
}

enum pol_status pol_compare_policies(
	struct pol_compare *compare, int64_t now, pol_compare_visit visit, void *context)
{
	enum pol_status status = pol_compare_environments(compare, visit, context);

	if (status == POL_OK) {
		status = pol_compare_limits(compare, visit, context);
	}
	if (status == POL_OK) {
		status = pol_compare_facts(compare, visit, context);
	}
	if (status == POL_OK) {
		status = pol_compare_trees(compare, visit, context);
	}
	if (status == POL_OK) {
		status = pol_compare_all_grantees(compare, false, visit, context);
	}
	if (status == POL_OK) {
		status = pol_compare_all_grantees(compare, true, visit, context);
	}
	if (status == POL_OK) {
		status = pol_compare_principals(compare, now, visit, context);
	}
	if (status == POL_OK) {
		status = pol_compare_exclusives(compare, visit, context);
	}
	return status == POL_OK ? pol_compare_stacks(compare, visit, context) : status;
}

enum pol_status pol_compare_subject(struct pol_compare *compare, const struct pol_facts *before,
	const struct pol_facts *after, int64_t now, struct pol_difference *out)
{
	const struct pol_facts *const facts[POL_SIDES] = { before, after };
	struct pol_changes changes = { 0 };
	enum pol_status status;

	pol_compare_next(compare);
	status = pol_compare_add_subject(compare, facts, now, &changes);
	if (status == POL_OK) {
		*out = (struct pol_difference){
			.presence = before == NULL  ? POL_IN_AFTER
				    : after == NULL ? POL_IN_BEFORE
						    : POL_IN_BOTH,
			.changes = changes.items,
			.count = changes.count,
		};
	}
	return status;
}
