/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/stored_roles.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/snapshot/stored.h"
#include "policy/text/arena.h"

/* Lists of roles and their parents, while they are gathered. */
#define GATHER_LIMIT ((size_t)64 * 1024 * 1024)

uint32_t stored_roles_find(
	const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name, uint64_t stored)
{
	return stored != 0 ? pol_stored_find(snapshot, stored, tenant)
			   : pol_snapshot_role(snapshot, name);
}

struct gathering {
	struct store_read *read;
	const struct pol_snapshot *snapshot;
	const struct stored_roles_change *change;
	struct pol_arena arena;
	struct pol_stored_role *roles; /* each holds a reference of its `own` */
	size_t count, capacity;
	bool changed; /* change->put is among them */
	int r;
};

static bool next_line(void *context, struct pol_str *out)
{
	return store_list_next((struct store_list *)context, out);
}

/* Its sets: those of the snapshot, unless it is this very role that changes. */
static struct pol_stored *find_own(struct gathering *gathering, const struct store_role *role)
{
	uint32_t number = pol_stored_find(gathering->snapshot, role->number, role->tenant);
	struct pol_stored *own = pol_stored_own(gathering->snapshot, number);
	struct store_list lines = role->lines;
	const struct pol_stored_source source = { .lines = next_line, .context = &lines };

	if (own != NULL && role != gathering->change->put) {
		return pol_stored_ref(own);
	}
	own = NULL;
	(void)pol_stored_lines_read(gathering->snapshot, &source, &own);
	return own;
}

static bool take_parents(
	struct gathering *gathering, struct store_list list, struct pol_stored_role *out)
{
	struct pol_stored_parent *parents =
		pol_arena_alloc(&gathering->arena, list.count, sizeof *parents);
	struct pol_str item;

	out->parents = parents;
	while (parents != NULL && store_list_next(&list, &item)) {
		struct pol_stored_parent *parent = &parents[out->parent_count++];

		parent->name = store_role_split(item, &parent->number);
	}
	return parents != NULL;
}

static int add_role(struct gathering *gathering, const struct store_role *role)
{
	struct pol_stored_role *grown = gathering->roles;
	struct pol_stored_role *made;

	if (gathering->count == STORED_ROLES_MAX) {
		return -E2BIG;
	}
	if (gathering->count == gathering->capacity) {
		grown = pol_arena_grow(&gathering->arena, gathering->roles, gathering->count,
			gathering->count + 1, sizeof *grown, &gathering->capacity);
	}
	if (grown == NULL) {
		return -ENOMEM;
	}
	gathering->roles = grown;
	made = &grown[gathering->count];
	*made = (struct pol_stored_role){
		.number = role->number,
		.tenant = role->tenant,
		.name = role->name,
		.description = role->description,
		.own = find_own(gathering, role),
	};
	if (made->own == NULL) {
		return -ENOMEM;
	}
	gathering->count++;
	return take_parents(gathering, role->inherits, made) ? 0 : -ENOMEM;
}

static int on_role(void *context, const struct store_role *role)
{
	struct gathering *gathering = (struct gathering *)context;
	const struct stored_roles_change *change = gathering->change;

	if (role->number == change->drop) {
		return 0;
	}
	if (change->put != NULL && role->number == change->put->number) {
		gathering->changed = true;
		role = change->put;
	}
	gathering->r = add_role(gathering, role);
	return gathering->r;
}

static int on_tenant(void *context, const struct store_tenant *tenant)
{
	struct gathering *gathering = (struct gathering *)context;

	return store_list_roles(
		gathering->read, tenant->number, (struct pol_str){ 0 }, on_role, gathering);
}

static int compare(const void *a, const void *b)
{
	const struct pol_stored_role *one = (const struct pol_stored_role *)a;
	const struct pol_stored_role *other = (const struct pol_stored_role *)b;

	return (one->number > other->number) - (one->number < other->number);
}

static int extend(
	struct gathering *gathering, struct stored_roles_change *change, struct pol_snapshot **out)
{
	enum pol_status status;
	size_t fault = 0;

	if (gathering->count > 1) {
		qsort(gathering->roles, gathering->count, sizeof gathering->roles[0], compare);
	}
	status = pol_stored_extend(
		gathering->snapshot, gathering->roles, gathering->count, &fault, out);
	if (status == POL_EINVALID) {
		change->fault = gathering->roles[fault].number;
		return -ELOOP;
	}
	return status == POL_OK ? 0 : -ENOMEM;
}

int stored_roles_extend(struct store_read *read, const struct pol_snapshot *snapshot,
	struct stored_roles_change *change, struct pol_snapshot **out)
{
	struct stored_roles_change none = { .put = NULL };
	struct gathering gathering = { .read = read, .snapshot = snapshot };
	int r;

	change = change != NULL ? change : &none;
	gathering.change = change;
	pol_arena_init(&gathering.arena, GATHER_LIMIT);
	r = store_list_tenants(read, 0, on_tenant, &gathering);
	if (r == 0 && change->put != NULL && !gathering.changed) {
		r = add_role(&gathering, change->put);
	}
	if (r == 0) {
		r = extend(&gathering, change, out);
	}
	for (size_t i = 0; i < gathering.count; i++) {
		pol_stored_unref(gathering.roles[i].own);
	}
	pol_arena_finish(&gathering.arena);
	return r;
}
