/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/keys.h"
#include "daemon/subject.h"

/* An error names so many of the keys that are in the way; limits are small numbers. */
#define MAX_IDS 64

struct counting {
	const struct store_key *apart; /* NULL: none; those that are expired count as well then */
	int64_t now;
	uint64_t count;
	char ids[MAX_IDS][STORE_KID];
	uint32_t id_count;
};

bool keys_is_live(const struct store_key *key, int64_t now)
{
	return (key->flags & STORE_KEY_REVOKED) == 0 &&
	       (key->expires_at == 0 || now < key->expires_at);
}

static int on_key(void *context, const struct store_key *key)
{
	struct counting *counting = (struct counting *)context;

	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return 0;
	}
	/* A deleted one is counted when it comes back; as somebody else's it must not. */
	if (counting->apart != NULL && (!keys_is_live(key, counting->now) || key->deleted_at != 0 ||
					       pol_str_equal(key->kid, counting->apart->kid))) {
		return 0;
	}
	if (counting->id_count < MAX_IDS) {
		for (size_t i = 0; i < STORE_KID; i++) {
			counting->ids[counting->id_count][i] = key->kid.ptr[i];
		}
		counting->id_count++;
	}
	counting->count++;
	return 0;
}

/* With the ids of those that are in the way. */
static int refuse(
	struct call *call, const struct counting *counting, const struct wire_error *error)
{
	wire_begin_error(call->out, &call->id, error, 1);
	wire_put_str(call->out, WIRE_STR("ids"));
	wire_put_array(call->out, counting->id_count);
	for (uint32_t i = 0; i < counting->id_count; i++) {
		wire_put_str(call->out, (struct wire_str){ counting->ids[i], STORE_KID });
	}
	wire_put_nil(call->out);
	return 1;
}

int keys_check_count(struct call *call, const struct store_key *key)
{
	const struct pol_limits *limits = pol_snapshot_limits(call->snapshot);
	struct counting counting = { .apart = key, .now = call->now };
	uint64_t limit = limits->keys_per_principal;
	struct wire_error error;
	int r;

	/* Each key has one secret. */
	if (limits->secrets_per_principal != 0 &&
		(limit == 0 || limits->secrets_per_principal < limit)) {
		limit = limits->secrets_per_principal;
	}
	if (limit == 0 || key->principal.len == 0) {
		return 0;
	}
	r = store_list_keys(call->read, key->tenant, key->principal, 0, on_key, &counting);
	if (r < 0) {
		return r;
	}
	if (counting.count < limit) {
		return 0;
	}
	wire_error_set(&error, WIRE_LIMIT_REACHED, (struct wire_str){ NULL, 0 },
		"the policy allows %llu keys for one principal: revoke one of `ids` first",
		(unsigned long long)limit);
	return refuse(call, &counting, &error);
}

int keys_check_none(struct call *call, uint32_t tenant, struct pol_str principal)
{
	struct counting counting = { .now = call->now };
	struct wire_error error;
	int r = store_list_keys(call->read, tenant, principal, 0, on_key, &counting);

	if (r < 0 || counting.count == 0) {
		return r;
	}
	wire_error_set(&error, WIRE_CONFLICT, (struct wire_str){ NULL, 0 },
		"the policy's files declared a principal of that id, and its keys would become "
		"this one's: revoke `ids` first, and purge those that are deleted");
	return refuse(call, &counting, &error);
}

int keys_check_life(struct call *call, const struct store_key *key, const char *param)
{
	uint64_t max = pol_snapshot_limits(call->snapshot)->key_max_ttl;
	int r;

	if (max != 0 && key->expires_at == 0) {
		r = call_invalid(call, param,
			"the policy's key_max_ttl (%llu s) lets no key live for ever",
			(unsigned long long)max);
		return r < 0 ? r : 1;
	}
	if (max != 0 && (uint64_t)(key->expires_at - key->created_at) > max) {
		r = call_invalid(call, param,
			"is later than the policy's key_max_ttl (%llu s after its creation) allows",
			(unsigned long long)max);
		return r < 0 ? r : 1;
	}
	if (key->expires_at != 0 && key->not_before >= key->expires_at) {
		r = call_invalid(call, "not_before", "is not before the key expires");
		return r < 0 ? r : 1;
	}
	return 0;
}
