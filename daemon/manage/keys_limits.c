/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/keys.h"
#include "daemon/subject.h"

/* An error names so many of the keys that are in the way; limits are small numbers. */
#define MAX_IDS 64

struct counting {
	const struct store_key *apart;
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

	if (!keys_is_live(key, counting->now) || pol_str_equal(key->kid, counting->apart->kid)) {
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

static int refuse(struct call *call, const struct counting *counting, uint64_t limit)
{
	struct wire_error error;

	wire_error_set(&error, WIRE_LIMIT_REACHED, (struct wire_str){ NULL, 0 },
		"the policy allows %llu keys for one principal: revoke one of `ids` first",
		(unsigned long long)limit);
	wire_begin_error(call->out, &call->id, &error, 1);
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
	return counting.count < limit ? 0 : refuse(call, &counting, limit);
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
