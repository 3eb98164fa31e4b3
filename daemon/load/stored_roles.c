/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/stored_roles.h"

#include <errno.h>
#include <stdlib.h>

#include "policy/snapshot/stored.h"
#include "policy/text/arena.h"
#include "policy/text/names.h"

/* Bytes for the lists of roles and their parents while they are collected. */
#define COLLECTION_LIMIT ((size_t)64 * 1024 * 1024)

uint32_t stored_roles_find(
	const struct pol_snapshot *snapshot, uint32_t tenant, struct pol_str name, uint64_t stored)
{
	return stored != 0 ? pol_stored_find(snapshot, stored, tenant)
			   : pol_snapshot_role(snapshot, name);
}

struct tenant_roles {
	uint32_t tenant;
	size_t count;
};

struct collection {
	struct store_read *read;
	const struct pol_snapshot *snapshot;
	const struct pol_snapshot *compiled; /* has roles that are compiled */
	const struct stored_roles_change *change;
	struct pol_arena arena;
	struct pol_names declared;     /* names of the files' roles, in small letters */
	struct pol_stored_role *roles; /* each holds a reference to its `own` */
	size_t count, capacity;
	struct tenant_roles *tenants;
	size_t tenant_count, tenant_capacity;
	bool changed; /* change->put is among them */
	int r;
};

/* --- the names of the files ------------------------------------------------------------------- */

/* Names of roles are ASCII. */
static struct pol_str put_small(struct pol_str name, char *out)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		out[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return (struct pol_str){ out, name.len };
}

static int take_declared(struct collection *collection)
{
	const struct pol_snapshot *snapshot = collection->snapshot;
	uint32_t count =
		(uint32_t)(pol_snapshot_role_count(snapshot) - pol_stored_role_count(snapshot));

	if (pol_names_init(&collection->declared, &collection->arena, count) != POL_OK) {
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct pol_str name = pol_snapshot_role_name(snapshot, i);
		char *text = pol_arena_alloc(&collection->arena, name.len + 1, 1);

		if (text == NULL) {
			return -ENOMEM;
		}
		pol_names_add(&collection->declared, put_small(name, text), i);
	}
	return 0;
}

static bool is_shadowed(const struct collection *collection, struct pol_str name)
{
	char text[UINT8_MAX];

	return name.len > sizeof text ||
	       pol_names_find(&collection->declared, put_small(name, text)) != POL_NONE;
}

/* --- the roles -------------------------------------------------------------------------------- */

static bool next_line(void *context, struct pol_str *out)
{
	return store_list_next((struct store_list *)context, out);
}

/* The compiled sets of one role: those that there are, or new ones if the role is the one that
 * changes. */
static struct pol_stored *find_own(struct collection *collection, const struct store_role *role)
{
	uint32_t number = pol_stored_find(collection->compiled, role->number, role->tenant);
	struct pol_stored *own = pol_stored_own(collection->compiled, number);
	struct store_list lines = role->lines;
	const struct pol_stored_source source = { .lines = next_line, .context = &lines };

	if (own != NULL && role != collection->change->put && !collection->change->any) {
		return pol_stored_ref(own);
	}
	own = NULL;
	(void)pol_stored_lines_read(collection->snapshot, &source, &own);
	return own;
}

static bool take_parents(
	struct collection *collection, struct store_list list, struct pol_stored_role *out)
{
	struct pol_stored_parent *parents =
		pol_arena_alloc(&collection->arena, list.count, sizeof *parents);
	struct pol_str item;

	out->parents = parents;
	while (parents != NULL && store_list_next(&list, &item)) {
		struct pol_stored_parent *parent = &parents[out->parent_count++];

		parent->name = store_role_split(item, &parent->number);
	}
	return parents != NULL;
}

static int add_role(struct collection *collection, const struct store_role *role)
{
	struct pol_stored_role *grown = collection->roles;
	struct pol_stored_role *added;

	if (collection->count == STORED_ROLES_MAX) {
		return -E2BIG;
	}
	if (collection->count == collection->capacity) {
		grown = pol_arena_grow(&collection->arena, collection->roles, collection->count,
			collection->count + 1, sizeof *grown, &collection->capacity);
	}
	if (grown == NULL) {
		return -ENOMEM;
	}
	collection->roles = grown;
	added = &grown[collection->count];
	*added = (struct pol_stored_role){
		.number = role->number,
		.tenant = role->tenant,
		.name = role->name,
		.description = role->description,
		.own = find_own(collection, role),
		.shadowed = is_shadowed(collection, role->name),
	};
	if (added->own == NULL) {
		return -ENOMEM;
	}
	collection->count++;
	return take_parents(collection, role->inherits, added) ? 0 : -ENOMEM;
}

static int on_role(void *context, const struct store_role *role)
{
	struct collection *collection = (struct collection *)context;
	const struct stored_roles_change *change = collection->change;

	if (role->number == change->remove) {
		return 0;
	}
	if (change->put != NULL && role->number == change->put->number) {
		collection->changed = true;
		role = change->put;
	}
	collection->r = add_role(collection, role);
	return collection->r;
}

static int on_tenant(void *context, const struct store_tenant *tenant)
{
	struct collection *collection = (struct collection *)context;
	struct tenant_roles *tenants = collection->tenants;
	size_t before = collection->count;
	int r;

	if (collection->tenant_count == collection->tenant_capacity) {
		tenants = pol_arena_grow(&collection->arena, tenants, collection->tenant_count,
			collection->tenant_count + 1, sizeof *tenants,
			&collection->tenant_capacity);
	}
	if (tenants == NULL) {
		return -ENOMEM;
	}
	collection->tenants = tenants;
	r = store_list_roles(
		collection->read, tenant->number, (struct pol_str){ 0 }, on_role, collection);
	tenants[collection->tenant_count++] =
		(struct tenant_roles){ tenant->number, collection->count - before };
	return r;
}

/* May the tenant have one more? */
static bool has_room(const struct collection *collection, uint32_t tenant)
{
	size_t half = STORED_ROLES_MAX / 2;
	size_t share = half > collection->tenant_count ? half / collection->tenant_count : 1;
	size_t kept = 0; /* for others, of their shares */

	for (size_t i = 0; i < collection->tenant_count; i++) {
		const struct tenant_roles *one = &collection->tenants[i];

		if (one->tenant == tenant && one->count < share) {
			return true;
		}
		if (one->tenant != tenant && one->count < share) {
			kept += share - one->count;
		}
	}
	return collection->count + kept < STORED_ROLES_MAX;
}

static int compare(const void *a, const void *b)
{
	const struct pol_stored_role *one = (const struct pol_stored_role *)a;
	const struct pol_stored_role *other = (const struct pol_stored_role *)b;

	return (one->number > other->number) - (one->number < other->number);
}

static int extend(struct collection *collection, struct stored_roles_change *change,
	struct pol_snapshot **out)
{
	enum pol_status status;
	size_t fault = 0;

	if (collection->count > 1) {
		qsort(collection->roles, collection->count, sizeof collection->roles[0], compare);
	}
	status = pol_stored_extend(
		collection->snapshot, collection->roles, collection->count, &fault, out);
	if (status == POL_EINVALID) {
		change->fault = collection->roles[fault].number;
		return -ELOOP;
	}
	if (status == POL_ELIMIT) {
		return -EOVERFLOW;
	}
	return status == POL_OK ? 0 : -ENOMEM;
}

static int collect(struct collection *collection, struct stored_roles_change *change,
	struct pol_snapshot **out)
{
	int r;

	collection->change = change;
	pol_arena_init(&collection->arena, COLLECTION_LIMIT);
	r = take_declared(collection);
	if (r == 0) {
		r = store_list_tenants(collection->read, 0, on_tenant, collection);
	}
	if (r == 0 && change->put != NULL && !collection->changed) {
		r = has_room(collection, change->put->tenant) ? add_role(collection, change->put)
							      : -EDQUOT;
	}
	if (r == 0) {
		r = extend(collection, change, out);
	}
	for (size_t i = 0; i < collection->count; i++) {
		pol_stored_unref(collection->roles[i].own);
	}
	pol_arena_finish(&collection->arena);
	return r;
}

int stored_roles_extend(struct store_read *read, const struct pol_snapshot *snapshot,
	struct stored_roles_change *change, struct pol_snapshot **out)
{
	struct collection collection = { .read = read, .snapshot = snapshot, .compiled = snapshot };
	struct stored_roles_change none = { .put = NULL };

	return collect(&collection, change != NULL ? change : &none, out);
}

static size_t bytes_of(const struct pol_snapshot *snapshot)
{
	return pol_stored_role_count(snapshot) > 0 ? pol_snapshot_own_bytes(snapshot) : 0;
}

bool stored_roles_are_too_large(const struct pol_snapshot *before, const struct pol_snapshot *next)
{
	return bytes_of(next) > STORED_ROLES_BYTES && bytes_of(next) > bytes_of(before);
}

const char *stored_roles_explain(int error)
{
	_Static_assert(POL_SNAPSHOT_LIMIT == (size_t)1 << 30, "the text says 1 GiB");

	return error == -EOVERFLOW ? "with this policy they would take more than 1 GiB of memory: "
				     "let roles of the store inherit fewer, or declare them in the "
				     "files"
				   : store_explain(error);
}

int stored_roles_extend_next(struct store_read *read, const struct pol_snapshot *snapshot,
	const struct pol_snapshot *before, struct pol_snapshot **out)
{
	struct collection collection = { .read = read,
		.snapshot = snapshot,
		.compiled = pol_stored_fits(snapshot, before) ? before : snapshot };
	struct stored_roles_change none = { .put = NULL };

	return collect(&collection, &none, out);
}
