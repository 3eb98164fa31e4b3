/* SPDX-License-Identifier: Apache-2.0 */
/* The keys that a list is about: of one tenant, or of all. */
#include <string.h>

#include "daemon/decide/subject.h"
#include "daemon/manage/check.h"
#include "daemon/manage/keys/keys.h"

/* A cursor of all tenants is the tenant's number, big-endian, and the key's. */
enum { TENANT_BYTES = 4, ALL_BYTES = TENANT_BYTES + LIST_NUMBER };
_Static_assert(ALL_BYTES <= KEYS_CURSOR, "the header has the size");

int keys_range(struct call *call, const struct wire_value *tenant,
	const struct wire_value *principal, struct keys_range *out)
{
	int r = check_tenants(call, tenant, &out->tenant);

	out->principal = (struct pol_str){ NULL, 0 };
	if (r == 0 && principal->given) {
		out->principal = subject_str(principal->text);
		r = check_id(call, "principal", principal->text);
	}
	return r;
}

static struct pol_str cursor_of(uint32_t tenant, uint64_t number, char out[static KEYS_CURSOR])
{
	for (int i = 0; i < TENANT_BYTES; i++) {
		out[i] = (char)(tenant >> (24 - 8 * i));
	}
	list_number_cursor(number, out + TENANT_BYTES);
	return (struct pol_str){ out, ALL_BYTES };
}

struct pol_str keys_cursor(
	const struct keys_range *range, const struct store_key *key, char out[static KEYS_CURSOR])
{
	return range->tenant != 0 ? list_number_cursor(key->number, out)
				  : cursor_of(key->tenant, key->number, out);
}

/* A walk of all tenants: where it begins, and what it calls. */
struct all {
	struct list *list;
	const struct keys_range *range;
	uint32_t tenant; /* of the cursor */
	uint64_t after;
	store_key_seen seen;
	void *context;
};

/* A tenant without keys counts as a record that was seen: there may be very many. */
static int on_tenant(void *context, const struct store_tenant *tenant)
{
	struct all *all = (struct all *)context;
	char cursor[KEYS_CURSOR];
	int r;

	if (!list_has_room(all->list)) {
		return 1;
	}
	r = store_list_keys(all->list->call->read, tenant->number, all->range->principal,
		tenant->number == all->tenant ? all->after : 0, all->seen, all->context);
	if (r == 0) {
		list_visited(all->list, cursor_of(tenant->number, UINT64_MAX, cursor), false);
	}
	return r;
}

static uint64_t big_endian(const uint8_t *bytes, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++) {
		number = number << 8 | bytes[i];
	}
	return number;
}

int keys_walk(struct list *list, const struct keys_range *range, store_key_seen seen, void *context)
{
	struct call *call = list->call;
	struct all all = { .list = list, .range = range, .seen = seen, .context = context };

	if (range->tenant != 0) {
		return store_list_keys(call->read, range->tenant, range->principal,
			list_cursor_number(list), seen, context);
	}
	if (list->cursor_len == ALL_BYTES) {
		all.tenant = (uint32_t)big_endian(list->cursor, TENANT_BYTES);
		all.after = big_endian(list->cursor + TENANT_BYTES, LIST_NUMBER);
	}
	return store_list_tenants(call->read, all.tenant > 0 ? all.tenant - 1 : 0, on_tenant, &all);
}
