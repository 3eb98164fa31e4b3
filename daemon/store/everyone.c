/* SPDX-License-Identifier: Apache-2.0 */
/* The roles that every principal, or every caller, of a tenant holds. */
#include <errno.h>

#include "daemon/store/internal.h"

/* No principal has an id with a space: check_id in daemon/manage/check.c. */
static const struct pol_str ids[STORE_EVERYONE_KINDS] = {
	[STORE_EVERY_PRINCIPAL] = POL_STR_INIT("every principal"),
	[STORE_EVERY_CALLER] = POL_STR_INIT("every caller"),
};

struct pol_str store_everyone_id(enum store_everyone kind)
{
	return ids[kind];
}

bool store_is_everyone(struct pol_str id)
{
	return pol_str_equal(id, ids[STORE_EVERY_PRINCIPAL]) ||
	       pol_str_equal(id, ids[STORE_EVERY_CALLER]);
}

int store_get_everyone(struct store_read *read, uint32_t tenant, enum store_everyone kind,
	struct store_principal *out)
{
	return store_get_holder(read, tenant, ids[kind], out);
}

bool store_has_everyone(const struct store *store)
{
	return atomic_load_explicit(&store->has_everyone, memory_order_acquire);
}

uint64_t store_everyone_changed(const struct store *store)
{
	return atomic_load_explicit(&store->everyone_changed, memory_order_seq_cst);
}

void store_change_everyone(struct store *store, uint64_t number)
{
	atomic_store_explicit(&store->everyone_changed, number, memory_order_seq_cst);
}

void store_note_everyone(struct store *store)
{
	atomic_store_explicit(&store->has_everyone, true, memory_order_release);
}

/* Ends a list of tenants at one that has such a record, altered ones included. */
static int on_tenant(void *context, const struct store_tenant *tenant)
{
	struct store_read *read = (struct store_read *)context;

	for (int kind = 0; kind < STORE_EVERYONE_KINDS; kind++) {
		struct store_principal record;
		int r = store_get_everyone(
			read, tenant->number, (enum store_everyone)kind, &record);

		if (r != -ENOENT) {
			return 1;
		}
	}
	return 0;
}

int store_load_everyone(struct store *store, struct store_read *read)
{
	int r = store_list_tenants(read, 0, on_tenant, read);

	atomic_store_explicit(&store->has_everyone, r != 0, memory_order_release);
	return r < 0 ? r : 0;
}

struct counting {
	struct store_read *read;
	uint64_t records;
};

static int on_counted(void *context, const struct store_tenant *tenant)
{
	struct counting *counting = (struct counting *)context;

	for (int kind = 0; kind < STORE_EVERYONE_KINDS; kind++) {
		struct store_principal record;

		counting->records += store_get_everyone(counting->read, tenant->number,
					     (enum store_everyone)kind, &record) != -ENOENT;
	}
	return 0;
}

int store_count_everyone(struct store_read *read, uint64_t *out)
{
	struct counting counting = { .read = read };
	int r = store_has_everyone(read->store) ? store_list_tenants(read, 0, on_counted, &counting)
						: 0;

	*out = counting.records;
	return r;
}
