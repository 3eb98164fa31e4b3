/* SPDX-License-Identifier: Apache-2.0 */
/* Roles of the store, as each of both policies reads them. */
#include <stdlib.h>

#include "policy/snapshot/stored.h"
#include "tools/live_internal.h"

/* The number of a role of the store in its tenant's array, from 1; 0: there is none. */
static uint64_t stored_number(const struct live *live, const char *name)
{
	const json_t *number = json_object_get(live->numbers, name);

	return number != NULL ? (uint64_t)json_integer_value(number) : 0;
}

/* Lines of a role in the form of the store. */
struct kept {
	struct pol_arena *arena;
	struct pol_str *items;
	size_t count, capacity, next;
};

static bool keep_line(void *context, struct pol_str line)
{
	struct kept *kept = context;

	if (kept->count == kept->capacity) {
		struct pol_str *grown = pol_arena_grow(kept->arena, kept->items, kept->count,
			kept->count + 1, sizeof *grown, &kept->capacity);

		if (grown == NULL) {
			return false;
		}
		kept->items = grown;
	}
	kept->items[kept->count++] = pol_arena_copy(kept->arena, line);
	return true;
}

static bool next_line(void *context, struct pol_str *out)
{
	struct kept *kept = context;

	if (kept->next == kept->count) {
		return false;
	}
	*out = kept->items[kept->next++];
	return true;
}

/* Reads the grants by the policy before, and what they select there by the policy after. A grant
 * that the policy before does not take selects nothing. */
static enum pol_status read_grants(
	const struct live *live, const json_t *grants, struct pol_stored *own[2])
{
	const struct pol_snapshot *before = live->policies[0].snapshot;
	size_t count = json_array_size(grants), used = 0;
	struct pol_str *texts = pol_arena_alloc(&live->app->arena, count, sizeof *texts);
	struct kept kept = { .arena = &live->app->arena };
	const struct pol_stored_source source = { next_line, NULL, &kept };
	struct pol_stored_fault fault;
	enum pol_status status;

	for (size_t i = 0; texts != NULL && i < count; i++) {
		struct pol_stored *one = NULL;

		texts[used] = pol_str_of(json_string_value(json_array_get(grants, i)));
		status = pol_stored_text_parse(before, &texts[used], 1, &fault, &one);
		pol_stored_unref(one);
		used += status == POL_OK;
	}
	if (texts == NULL) {
		return POL_ENOMEM;
	}
	status = pol_stored_text_parse(before, texts, used, &fault, &own[0]);
	if (status == POL_OK) {
		status = pol_stored_lines_write(before, own[0], keep_line, &kept);
	}
	return status == POL_OK
		       ? pol_stored_lines_read(live->policies[1].snapshot, &source, &own[1])
		       : status;
}

/* Has a role of the files this name, in any case? */
static bool is_shadowed(const struct pol_snapshot *snapshot, struct pol_str name)
{
	for (uint32_t i = 0; i < pol_snapshot_role_count(snapshot); i++) {
		if (pol_str_equal_fold(pol_snapshot_role_name(snapshot, i), name)) {
			return true;
		}
	}
	return false;
}

static void add_parents(
	const struct live *live, const json_t *inherits, struct pol_stored_role *role)
{
	size_t count = json_array_size(inherits);
	struct pol_stored_parent *parents =
		pol_arena_alloc(&live->app->arena, count, sizeof *parents);

	role->parents = parents;
	role->parent_count = parents != NULL ? count : 0;
	for (size_t i = 0; parents != NULL && i < count; i++) {
		const char *name = json_string_value(json_array_get(inherits, i));

		parents[i] =
			(struct pol_stored_parent){ stored_number(live, name), pol_str_of(name) };
	}
}

enum pol_status live_roles_extend(struct live *live)
{
	size_t count = json_array_size(live->roles);
	struct pol_stored_role *roles[2];
	enum pol_status status = POL_OK;
	size_t fault;

	for (int side = 0; side < 2; side++) {
		roles[side] = pol_arena_alloc(&live->app->arena, count, sizeof *roles[side]);
	}
	if (roles[0] == NULL || roles[1] == NULL) {
		return POL_ENOMEM;
	}
	for (size_t i = 0; status == POL_OK && i < count; i++) {
		const json_t *item = json_array_get(live->roles, i);
		struct pol_stored *own[2] = { NULL, NULL };

		status = read_grants(live, json_object_get(item, "grants"), own);
		for (int side = 0; side < 2; side++) {
			struct pol_stored_role *role = &roles[side][i];

			*role = (struct pol_stored_role){
				.number = i + 1,
				.tenant = LIVE_TENANT,
				.name = pol_str_of(live_text(item, "name")),
				.own = own[side],
			};
			role->shadowed = is_shadowed(live->policies[side].snapshot, role->name);
			add_parents(live, json_object_get(item, "inherits"), role);
		}
	}
	for (int side = 0; side < 2 && status == POL_OK; side++) {
		status = pol_stored_extend(live->policies[side].snapshot, roles[side], count,
			&fault, &live->sides[side]);
	}
	for (size_t i = 0; i < 2 * count; i++) {
		pol_stored_unref(roles[i % 2][i / 2].own);
	}
	return status;
}
