/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/who.h"

#include <stdlib.h>
#include <string.h>

#include "policy/decide/subject.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

bool pol_who_read(const struct pol_snapshot *snapshot, struct pol_str verb, struct pol_str resource,
	bool http, struct pol_who *out, struct pol_str *out_reason)
{
	struct pol_str path;
	uint32_t tree;

	out->snapshot = snapshot;
	*out_reason = POL_STR("malformed_path");
	if (!pol_path_split(resource, &out->tree, &path) ||
		pol_path_read(path, &out->path) != POL_OK) {
		return false;
	}
	tree = pol_tree_number(snapshot, out->tree);
	*out_reason = POL_STR("unknown_resource");
	switch (tree == POL_NONE
			? POL_ENOTFOUND
			: pol_tree_find_requested(snapshot, tree, &out->path, &out->node)) {
	case POL_OK:
		break;
	case POL_EINVALID:
		*out_reason = POL_STR("malformed_path");
		return false;
	case POL_ENOTFOUND:
	case POL_ENOMEM:
	case POL_ELIMIT:
		return false;
	}
	if (pol_tree_node_run(snapshot, out->node).count == 0) {
		return false;
	}
	*out_reason = POL_STR("unknown_action");
	return pol_tree_node_verb(snapshot, out->node, verb, http, &out->run) == POL_OK;
}

bool pol_who_may(const struct pol_who *who, const struct pol_facts *facts)
{
	struct pol_run run = who->run;
	struct pol_run_word at;
	bool any = false;

	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits bits =
			pol_subject_eval(who->snapshot, facts, who->tree, &who->path, &at);

		if ((pol_subject_allows(facts, bits) & at.mask) != at.mask) {
			return false;
		}
		any = true;
	}
	return any;
}

struct pol_facts pol_who_principal(const struct pol_held *held, uint32_t count)
{
	return (struct pol_facts){
		.key_state = POL_KEY_MISSING,
		.principal_state = POL_PRINCIPAL_ACTIVE,
		.held = held,
		.held_count = count,
	};
}

bool pol_who_role_may(const struct pol_who *who, uint32_t role)
{
	const struct pol_held held = { .role = role };
	const struct pol_facts facts = pol_who_principal(&held, 1);

	return pol_who_may(who, &facts);
}

bool pol_who_scope_may(const struct pol_who *who, uint32_t scope)
{
	const struct pol_facts facts = {
		.key_state = POL_KEY_ACTIVE,
		.binding = POL_BOUND_TO_SCOPES,
		.narrowed = true,
		.narrowed_by_scopes = true,
		.scopes = &scope,
		.scope_count = 1,
	};

	return pol_who_may(who, &facts);
}

bool pol_who_anyone_may(const struct pol_who *who)
{
	const struct pol_facts nobody = { .key_state = POL_KEY_MISSING };

	return pol_who_may(who, &nobody);
}

bool pol_who_held_helps(const struct pol_who *who, const struct pol_held *held)
{
	const struct pol_facts facts = pol_who_principal(held, 1);
	struct pol_run run = who->run;
	struct pol_run_word at;
	bool helps = false;

	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits bits =
			pol_subject_eval(who->snapshot, &facts, who->tree, &who->path, &at);

		if ((bits.denied.sure | bits.denied.maybe) != 0) {
			return false;
		}
		helps = helps || bits.roles.sure != 0;
	}
	return helps;
}

struct pol_str pol_who_node(const struct pol_who *who, char *buffer, size_t size)
{
	struct pol_resource resource = { .text = malloc(POL_RESOURCE_TEXT) };
	struct pol_str name = { buffer, 0 };

	if (resource.text != NULL) {
		struct pol_str whole = pol_resource_of_node(&resource, who->snapshot, who->node);

		name.len = whole.len < size ? whole.len : size;
		memcpy(buffer, whole.ptr, name.len);
	}
	free(resource.text);
	return name;
}

/* The roles that inherit each role directly: those of role r are children[begin[r]] up to, not
 * including, children[begin[r + 1]]. */
struct heirs {
	uint32_t *begin;
	uint32_t *children;
	uint32_t *queue;
};

static bool make_heirs(
	const struct pol_snapshot *snapshot, struct pol_arena *arena, struct heirs *out)
{
	uint32_t count = snapshot->role_count;
	size_t total = 0;

	for (uint32_t i = 0; i < count; i++) {
		total += snapshot->role_origins[i].parent_count;
	}
	out->begin = pol_arena_alloc(arena, (size_t)count + 2, sizeof *out->begin);
	out->children = pol_arena_alloc(arena, total, sizeof *out->children);
	out->queue = pol_arena_alloc(arena, count, sizeof *out->queue);
	if (out->begin == NULL || out->children == NULL || out->queue == NULL) {
		return false;
	}
	/* Two places further on, so that filling in moves each to its own. */
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < snapshot->role_origins[i].parent_count; k++) {
			out->begin[snapshot->role_origins[i].parents[k] + 2]++;
		}
	}
	for (uint32_t i = 0; i < count; i++) {
		out->begin[i + 2] += out->begin[i + 1];
	}
	for (uint32_t i = 0; i < count; i++) {
		for (uint32_t k = 0; k < snapshot->role_origins[i].parent_count; k++) {
			out->children[out->begin[snapshot->role_origins[i].parents[k] + 1]++] = i;
		}
	}
	return true;
}

enum pol_status pol_who_heirs(const struct pol_snapshot *snapshot, uint32_t role, bool *marks)
{
	struct pol_arena arena;
	struct heirs heirs;
	enum pol_status status;
	uint32_t count = 0;

	pol_arena_init(&arena, POL_SNAPSHOT_LIMIT);
	if (role < snapshot->role_count && make_heirs(snapshot, &arena, &heirs)) {
		marks[role] = true;
		heirs.queue[count++] = role;
		for (uint32_t i = 0; i < count; i++) {
			uint32_t parent = heirs.queue[i];

			for (uint32_t k = heirs.begin[parent]; k < heirs.begin[parent + 1]; k++) {
				if (!marks[heirs.children[k]]) {
					marks[heirs.children[k]] = true;
					heirs.queue[count++] = heirs.children[k];
				}
			}
		}
	}
	status = arena.status;
	pol_arena_finish(&arena);
	return status;
}
