/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/stored.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/conditional.h"
#include "policy/snapshot/stored_internal.h"

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

	for (uint32_t c = 0; c < one->set.count; c++) {
		struct pol_run run = { one->set.numbers[c] * POL_CHUNK_BITS, POL_CHUNK_BITS };
		struct pol_run_word at;

		while (pol_run_next(&run, &at)) {
			uint64_t known = pol_permset_word(always, &at);

			for (uint32_t k = 0; k < i; k++) {
				if (stored->conditionals[k].deny == one->deny) {
					known |=
						pol_permset_word(&stored->conditionals[k].set, &at);
				}
			}
			for (uint64_t bits = pol_permset_word(&one->set, &at) & ~known; bits != 0;
				bits &= bits - 1) {
				count++;
			}
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

/* --- extensions ------------------------------------------------------------------------------- */

struct extension {
	struct pol_snapshot *out;
	const struct pol_stored_role *roles;
	size_t count;
	struct pol_permset_pool *pool;
	/* For join_all, by the index of a role. */
	uint8_t *states;   /* enum state */
	uint32_t *visited; /* how many of its parents were looked at */
	uint32_t *path;    /* open roles, each a parent of the one before */
};

enum state { NEW, OPEN, DONE };

static uint32_t find_parent(
	const struct extension *extension, uint32_t tenant, const struct pol_stored_parent *parent)
{
	if (parent->number != 0) {
		return pol_stored_find(extension->out, parent->number, tenant);
	}
	return pol_names_find(&extension->out->role_names, parent->name);
}

static uint32_t slot_of(const struct extension *extension, uint32_t role)
{
	return role - extension->out->base->role_count;
}

/* The index of the next stored role that the role inherits, in *out; false: there is no other. */
static bool next_parent(struct extension *extension, size_t i, uint32_t *out)
{
	const struct pol_stored_role *role = &extension->roles[i];

	while (extension->visited[i] < role->parent_count) {
		uint32_t parent = find_parent(
			extension, role->tenant, &role->parents[extension->visited[i]++]);

		if (parent != POL_NONE && parent >= extension->out->base->role_count) {
			*out = slot_of(extension, parent);
			return true;
		}
	}
	return false;
}

static enum pol_status join_exclusions(
	struct extension *extension, uint32_t number, const struct pol_grantee *parent)
{
	struct pol_snapshot *out = extension->out;
	struct pol_grantee *role = &out->roles[number];
	size_t most = (size_t)role->exclusion_count + parent->exclusion_count;
	struct pol_exclusion *joined;

	if (parent->exclusion_count == 0) {
		return POL_OK;
	}
	joined = pol_arena_alloc(&out->arena, most, sizeof *joined);
	if (joined == NULL) {
		return out->arena.status;
	}
	if (role->exclusion_count > 0) {
		memcpy(joined, role->exclusions, role->exclusion_count * sizeof *joined);
	}
	role->exclusions = joined;
	for (uint32_t i = 0; i < parent->exclusion_count; i++) {
		struct pol_exclusion from = parent->exclusions[i];
		bool known = false;

		for (uint32_t k = 0; k < role->exclusion_count; k++) {
			known = known ||
				(joined[k].set == from.set && joined[k].member == from.member);
			if (joined[k].set == from.set && joined[k].member != from.member) {
				out->stored[slot_of(extension, number)].breaches = true;
			}
		}
		if (!known) {
			joined[role->exclusion_count++] = from;
		}
	}
	return POL_OK;
}

/* Adds the conditionals of a role or of what it inherits; of one that is shadowed only what is
 * denied. */
static enum pol_status join_conditionals(
	struct extension *extension, uint32_t number, const struct pol_conditionals *from)
{
	struct pol_arena *arena = &extension->out->arena;
	struct pol_grantee *role = &extension->out->roles[number];
	struct pol_conditionals denied = { 0 };
	struct pol_conditional *items;

	if (!extension->roles[slot_of(extension, number)].shadowed) {
		return pol_conditional_join(extension->pool, arena, role, from);
	}
	items = pol_arena_alloc(arena, from->count, sizeof *items);
	if (items == NULL) {
		return arena->status;
	}
	for (uint32_t i = 0; i < from->count; i++) {
		if (from->items[i].deny) {
			items[denied.count++] = from->items[i];
		}
	}
	denied.items = items;
	return pol_conditional_join(extension->pool, arena, role, &denied);
}

static enum pol_status join_parents(struct extension *extension, size_t i)
{
	const struct pol_stored_role *from = &extension->roles[i];
	uint32_t number = extension->out->base->role_count + (uint32_t)i;
	struct pol_grantee *role = &extension->out->roles[number];
	struct pol_origin *origin = &extension->out->role_origins[number];
	const struct pol_conditionals own = { from->own->conditionals, from->own->conditional_count,
		NULL };
	enum pol_status status = join_conditionals(extension, number, &own);

	for (size_t p = 0; status == POL_OK && p < from->parent_count; p++) {
		uint32_t parent = find_parent(extension, from->tenant, &from->parents[p]);
		const struct pol_grantee *inherited;

		if (parent == POL_NONE) {
			continue;
		}
		inherited = &extension->out->roles[parent];
		origin->parents[origin->parent_count++] = parent;
		if (!from->shadowed) {
			status = pol_permset_pool_union(
				extension->pool, &role->allow, &inherited->allow, &role->allow);
		}
		if (status == POL_OK) {
			status = pol_permset_pool_union(
				extension->pool, &role->deny, &inherited->deny, &role->deny);
		}
		if (status == POL_OK) {
			const struct pol_conditionals conditionals = { inherited->conditionals,
				inherited->conditional_count, &inherited->sometimes };

			status = join_conditionals(extension, number, &conditionals);
		}
		if (status == POL_OK) {
			status = join_exclusions(extension, number, inherited);
		}
	}
	return status;
}

/* Joins a role's parents after those of all that it inherits: depth first, each role once. */
static enum pol_status join_from(struct extension *extension, uint32_t first, size_t *out_fault)
{
	size_t depth = 0;

	extension->path[depth++] = first;
	extension->states[first] = OPEN;
	while (depth > 0) {
		uint32_t role = extension->path[depth - 1], parent;
		enum pol_status status;

		if (next_parent(extension, role, &parent)) {
			if (extension->states[parent] == OPEN) {
				*out_fault = parent;
				return POL_EINVALID;
			}
			if (extension->states[parent] == NEW) {
				extension->states[parent] = OPEN;
				extension->path[depth++] = parent;
			}
			continue;
		}
		status = join_parents(extension, role);
		if (status != POL_OK) {
			return status;
		}
		extension->states[role] = DONE;
		depth--;
	}
	return POL_OK;
}

static enum pol_status join_all(struct extension *extension, size_t *out_fault)
{
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < extension->count; i++) {
		if (extension->states[i] == NEW) {
			status = join_from(extension, i, out_fault);
		}
	}
	return status;
}

/* A reference to a const snapshot: the reference count may change. */
static struct pol_snapshot *hold(const struct pol_snapshot *snapshot)
{
	return pol_snapshot_ref((struct pol_snapshot *)(uintptr_t)snapshot);
}

static enum pol_status add_roles(struct extension *extension)
{
	struct pol_snapshot *out = extension->out;
	uint32_t first = out->base->role_count;
	struct pol_grantee *roles =
		pol_arena_alloc(&out->arena, first + extension->count, sizeof *roles);
	struct pol_origin *origins =
		pol_arena_alloc(&out->arena, first + extension->count, sizeof *origins);

	out->stored = pol_arena_alloc(&out->arena, extension->count, sizeof *out->stored);
	extension->states =
		pol_arena_alloc(&out->arena, extension->count, sizeof *extension->states);
	extension->visited =
		pol_arena_alloc(&out->arena, extension->count, sizeof *extension->visited);
	extension->path = pol_arena_alloc(&out->arena, extension->count, sizeof *extension->path);
	if (out->arena.status != POL_OK) {
		return out->arena.status;
	}
	if (first > 0) {
		memcpy(roles, out->base->roles, first * sizeof *roles);
		memcpy(origins, out->base->role_origins, first * sizeof *origins);
	}
	for (size_t i = 0; i < extension->count; i++) {
		const struct pol_stored_role *from = &extension->roles[i];

		roles[first + i] = (struct pol_grantee){
			.allow = from->shadowed ? (struct pol_permset){ 0 } : from->own->allow,
			.deny = from->own->deny,
			.name = pol_arena_copy(&out->arena, from->name),
			.description = pol_arena_copy(&out->arena, from->description),
		};
		origins[first + i] = (struct pol_origin){
			.at = POL_NO_POSITION,
			.parents =
				pol_arena_alloc(&out->arena, from->parent_count, sizeof(uint32_t)),
		};
		out->stored[i] = (struct pol_stored_slot){
			.number = from->number,
			.tenant = from->tenant,
			.shadowed = from->shadowed,
			.own = from->own,
		};
		pol_stored_ref(from->own);
		out->stored_count++;
	}
	out->roles = roles;
	out->role_origins = origins;
	out->role_count = first + (uint32_t)extension->count;
	return out->arena.status;
}

enum pol_status pol_stored_extend(const struct pol_snapshot *base,
	const struct pol_stored_role *roles, size_t count, size_t *out_fault,
	struct pol_snapshot **out)
{
	const size_t shared = offsetof(struct pol_snapshot, revision);
	struct extension extension = { .roles = roles, .count = count };
	struct pol_snapshot *made;
	enum pol_status status;

	base = base->base != NULL ? base->base : base;
	if (count == 0) {
		*out = hold(base);
		return POL_OK;
	}
	made = calloc(1, sizeof *made);
	if (made == NULL) {
		return POL_ENOMEM;
	}
	/* All fields but the reference count and the arena. */
	memcpy((char *)made + shared, (const char *)base + shared, sizeof *made - shared);
	atomic_init(&made->references, 1);
	pol_arena_init(&made->arena, POL_SNAPSHOT_LIMIT);
	made->base = hold(base);
	extension.out = made;
	extension.pool = pol_permset_pool_create(&made->arena);
	status = extension.pool != NULL ? add_roles(&extension) : POL_ENOMEM;
	if (status == POL_OK) {
		status = join_all(&extension, out_fault);
	}
	for (uint32_t i = base->role_count; status == POL_OK && i < made->role_count; i++) {
		made->roles[i].sketch = pol_permset_sketch(&made->roles[i].allow);
		pol_permset_sketch_add(&made->roles[i].sketch, &made->roles[i].sometimes);
	}
	pol_permset_pool_destroy(extension.pool);
	if (status != POL_OK) {
		pol_snapshot_unref(made);
		return status;
	}
	*out = made;
	return POL_OK;
}

void pol_stored_release(struct pol_snapshot *snapshot)
{
	for (uint32_t i = 0; i < snapshot->stored_count; i++) {
		pol_stored_unref(snapshot->stored[i].own);
	}
	pol_snapshot_unref(snapshot->base);
}

/* --- look-ups --------------------------------------------------------------------------------- */

uint32_t pol_stored_find(const struct pol_snapshot *snapshot, uint64_t number, uint32_t tenant)
{
	uint32_t low = 0, high = snapshot->stored_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (snapshot->stored[middle].number < number) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	if (low == snapshot->stored_count || snapshot->stored[low].number != number ||
		snapshot->stored[low].tenant != tenant) {
		return POL_NONE;
	}
	return snapshot->base->role_count + low;
}

uint32_t pol_stored_named(const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name,
	uint64_t *out_number)
{
	for (uint32_t i = 0; i < snapshot->stored_count; i++) {
		uint32_t role = snapshot->base->role_count + i;

		if (snapshot->stored[i].tenant == tenant &&
			pol_str_equal(snapshot->roles[role].name, name)) {
			*out_number = snapshot->stored[i].number;
			return role;
		}
	}
	return POL_NONE;
}

static const struct pol_stored_slot *find_slot(const struct pol_snapshot *snapshot, uint32_t role)
{
	uint32_t first = snapshot->role_count - snapshot->stored_count;

	return role >= first && role < snapshot->role_count ? &snapshot->stored[role - first]
							    : NULL;
}

uint64_t pol_stored_number(const struct pol_snapshot *snapshot, uint32_t role)
{
	const struct pol_stored_slot *slot = find_slot(snapshot, role);

	return slot != NULL ? slot->number : 0;
}

struct pol_stored *pol_stored_own(const struct pol_snapshot *snapshot, uint32_t role)
{
	const struct pol_stored_slot *slot = find_slot(snapshot, role);

	return slot != NULL ? slot->own : NULL;
}

static const struct pol_snapshot *root(const struct pol_snapshot *snapshot)
{
	snapshot = snapshot->base != NULL ? snapshot->base : snapshot;
	return snapshot->compiled != NULL ? snapshot->compiled : snapshot;
}

bool pol_stored_fits(const struct pol_snapshot *one, const struct pol_snapshot *other)
{
	return root(one) == root(other);
}

size_t pol_stored_role_count(const struct pol_snapshot *snapshot)
{
	return snapshot->stored_count;
}

bool pol_stored_breaches(
	const struct pol_snapshot *snapshot, uint32_t role, uint32_t out_members[static 2])
{
	const struct pol_stored_slot *slot = find_slot(snapshot, role);
	const struct pol_exclusion *exclusions;

	if (slot == NULL || !slot->breaches) {
		return false;
	}
	exclusions = snapshot->roles[role].exclusions;
	for (uint32_t i = 1; i < snapshot->roles[role].exclusion_count; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (exclusions[i].set == exclusions[k].set &&
				exclusions[i].member != exclusions[k].member) {
				out_members[0] = exclusions[k].member;
				out_members[1] = exclusions[i].member;
				return true;
			}
		}
	}
	return false;
}

bool pol_stored_is_shadowed(const struct pol_snapshot *snapshot, uint32_t role)
{
	const struct pol_stored_slot *slot = find_slot(snapshot, role);

	return slot != NULL && slot->shadowed;
}

static bool has_exclusion(const struct pol_grantee *role, struct pol_exclusion exclusion)
{
	for (uint32_t i = 0; role != NULL && i < role->exclusion_count; i++) {
		if (role->exclusions[i].set == exclusion.set &&
			role->exclusions[i].member == exclusion.member) {
			return true;
		}
	}
	return false;
}

bool pol_stored_gains_exclusions(
	const struct pol_snapshot *before, const struct pol_snapshot *next, uint32_t tenant)
{
	uint32_t first = next->role_count - next->stored_count;

	for (uint32_t i = 0; i < next->stored_count; i++) {
		const struct pol_grantee *role = &next->roles[first + i];
		uint32_t old = pol_stored_find(before, next->stored[i].number, tenant);

		if (next->stored[i].tenant != tenant) {
			continue;
		}
		for (uint32_t k = 0; k < role->exclusion_count; k++) {
			if (!has_exclusion(old != POL_NONE ? &before->roles[old] : NULL,
				    role->exclusions[k])) {
				return true;
			}
		}
	}
	return false;
}
