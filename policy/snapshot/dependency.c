/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/dependency.h"

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/revision.h"

static struct pol_dependency *find(struct pol_dependency *list, struct pol_str name)
{
	while (list != NULL && !pol_str_equal(list->name, name)) {
		list = list->next;
	}
	return list;
}

static struct pol_dependency *begin(struct pol_snapshot *snapshot, struct pol_str name)
{
	struct pol_dependency *dependency =
		pol_arena_alloc(&snapshot->arena, 1, sizeof *dependency);

	if (dependency != NULL) {
		dependency->name = pol_arena_copy(&snapshot->arena, name);
	}
	return dependency != NULL && dependency->name.ptr != NULL ? dependency : NULL;
}

static void add(struct pol_dependency **list, struct pol_dependency *dependency)
{
	dependency->next = *list;
	*list = dependency;
}

enum pol_status pol_dependency_module(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_module **out, char why[POL_HOST_WHY])
{
	struct pol_dependency *dependency = find(snapshot->modules, name);
	enum pol_status status;

	if (dependency != NULL) {
		*out = dependency->module.table;
		return POL_OK;
	}
	if (host == NULL || host->module == NULL) {
		return POL_ENOTFOUND;
	}
	/* Allocated first, so that a module that the host returns can always be released. */
	dependency = begin(snapshot, name);
	if (dependency == NULL) {
		return snapshot->arena.status;
	}
	status = host->module(host->context, name, &dependency->module, why);
	if (status != POL_OK) {
		return status;
	}
	add(&snapshot->modules, dependency);
	*out = dependency->module.table;
	return POL_OK;
}

enum pol_status pol_dependency_data(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_dependency **out, char why[POL_HOST_WHY])
{
	struct pol_dependency *dependency = find(snapshot->data, name);
	enum pol_status status;

	if (dependency != NULL) {
		*out = dependency;
		return POL_OK;
	}
	if (host == NULL || host->data == NULL) {
		return POL_ENOTFOUND;
	}
	dependency = begin(snapshot, name);
	if (dependency == NULL) {
		return snapshot->arena.status;
	}
	status = host->data(host->context, name, &dependency->bytes, why);
	if (status != POL_OK) {
		return status;
	}
	dependency->module.hash = pol_revision_hash64(dependency->bytes, 1);
	add(&snapshot->data, dependency);
	*out = dependency;
	return POL_OK;
}

enum pol_status pol_dependency_last(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_dependency **out)
{
	struct pol_dependency *dependency = find(snapshot->data, name);
	struct pol_str bytes;
	enum pol_status status = host->last_data(host->context, name, &bytes);

	if (status != POL_OK) {
		return status;
	}
	if (dependency == NULL) {
		dependency = begin(snapshot, name);
		if (dependency == NULL) {
			return snapshot->arena.status;
		}
		add(&snapshot->data, dependency);
	}
	dependency->bytes = bytes;
	dependency->module.hash = pol_revision_hash64(bytes, 1);
	*out = dependency;
	return POL_OK;
}

/* A sum, so that the order of the lines that name them does not matter. */
static uint64_t hash(const struct pol_dependency *list)
{
	uint64_t sum = 0;

	for (; list != NULL; list = list->next) {
		sum += pol_revision_hash64(list->name, list->module.hash);
	}
	return sum;
}

uint64_t pol_dependency_hash(const struct pol_snapshot *snapshot)
{
	return hash(snapshot->modules) + hash(snapshot->data);
}

void pol_dependency_release(struct pol_snapshot *snapshot)
{
	for (struct pol_dependency *dependency = snapshot->modules; dependency != NULL;
		dependency = dependency->next) {
		if (dependency->module.release != NULL) {
			dependency->module.release(dependency->module.handle);
		}
	}
	snapshot->modules = NULL;
}
