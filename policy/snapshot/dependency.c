/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/dependency.h"

#include "policy/snapshot/compiled.h"
#include "policy/snapshot/revision.h"

static struct pol_used *find(
	const struct pol_snapshot *snapshot, struct pol_str name, bool is_module)
{
	struct pol_used *used = snapshot->used;

	while (used != NULL &&
		(is_module != (used->module.table != NULL) || !pol_str_equal(used->name, name))) {
		used = used->next;
	}
	return used;
}

static struct pol_used *begin(struct pol_snapshot *snapshot, struct pol_str name)
{
	struct pol_used *used = pol_arena_alloc(&snapshot->arena, 1, sizeof *used);

	if (used != NULL) {
		used->name = pol_arena_copy(&snapshot->arena, name);
	}
	return used != NULL && used->name.ptr != NULL ? used : NULL;
}

static void add(struct pol_snapshot *snapshot, struct pol_used *used)
{
	used->next = snapshot->used;
	snapshot->used = used;
}

enum pol_status pol_used_module(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_module **out, char why[POL_HOST_WHY])
{
	struct pol_used *used = find(snapshot, name, true);
	enum pol_status status;

	if (used != NULL) {
		*out = used->module.table;
		return POL_OK;
	}
	if (host == NULL || host->module == NULL) {
		return POL_ENOTFOUND;
	}
	/* Before the host is asked: what it gives is never without an owner. */
	used = begin(snapshot, name);
	if (used == NULL) {
		return snapshot->arena.status;
	}
	status = host->module(host->context, name, &used->module, why);
	if (status != POL_OK) {
		return status;
	}
	add(snapshot, used);
	*out = used->module.table;
	return POL_OK;
}

enum pol_status pol_used_data(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY])
{
	struct pol_used *used = find(snapshot, name, false);
	enum pol_status status;

	if (used != NULL) {
		*out = used->bytes;
		return POL_OK;
	}
	if (host == NULL || host->data == NULL) {
		return POL_ENOTFOUND;
	}
	used = begin(snapshot, name);
	if (used == NULL) {
		return snapshot->arena.status;
	}
	status = host->data(host->context, name, &used->bytes, why);
	if (status != POL_OK) {
		return status;
	}
	used->module.hash = pol_revision_hash64(used->bytes, 1);
	add(snapshot, used);
	*out = used->bytes;
	return POL_OK;
}

uint64_t pol_used_hash(const struct pol_snapshot *snapshot)
{
	uint64_t sum = 0;

	/* A sum does not mind the order in which lines named them. */
	for (const struct pol_used *used = snapshot->used; used != NULL; used = used->next) {
		sum += pol_revision_hash64(used->name, used->module.hash);
	}
	return sum;
}

void pol_used_release(struct pol_snapshot *snapshot)
{
	for (struct pol_used *used = snapshot->used; used != NULL; used = used->next) {
		if (used->module.release != NULL) {
			used->module.release(used->module.handle);
		}
	}
	snapshot->used = NULL;
}
