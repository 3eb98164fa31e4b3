/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/subject.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/manage/keys/keys.h"

/* An error names at most this many keys; limits are small numbers. */
#define MAX_IDS 64
/* Expired and deleted keys of one principal that a count looks at. */
#define MAX_ENDED 4096

struct key_count {
	const struct store_key *excluded; /* NULL: none, and expired and deleted keys count too */
	int64_t now;
	uint64_t count;
	uint64_t ended;   /* expired or deleted */
	uint64_t secrets; /* that are valid */
	char ids[MAX_IDS][STORE_KID];
	uint32_t id_count;
};

bool keys_is_live(const struct store_key *key, int64_t now)
{
	return (key->flags & STORE_KEY_REVOKED) == 0 &&
	       (key->expires_at == 0 || now < key->expires_at);
}

static unsigned count_secrets(const struct store_key *key, int64_t now)
{
	unsigned live = secret_rules_live(key, now);

	return ((live & KEY_SECRET_CURRENT) != 0 ? 1u : 0u) +
	       ((live & KEY_SECRET_OTHER) != 0 ? 1u : 0u);
}

static int on_key(void *context, const struct store_key *key)
{
	struct key_count *counted = (struct key_count *)context;

	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return 0;
	}
	/* A deleted key counts once it is restored; a new principal must not get an old one's. */
	if (counted->excluded != NULL &&
		(!keys_is_live(key, counted->now) || key->deleted_at != 0)) {
		return ++counted->ended > MAX_ENDED;
	}
	if (counted->excluded != NULL && pol_str_equal(key->kid, counted->excluded->kid)) {
		return 0;
	}
	if (counted->id_count < MAX_IDS) {
		for (size_t i = 0; i < STORE_KID; i++) {
			counted->ids[counted->id_count][i] = key->kid.ptr[i];
		}
		counted->id_count++;
	}
	counted->count++;
	counted->secrets += count_secrets(key, counted->now);
	/* Without an excluded one the ids are all that is wanted. */
	return counted->excluded == NULL && counted->id_count == MAX_IDS;
}

/* The error has the ids of the keys that were counted. */
static int refuse(
	struct call *call, const struct key_count *counted, const struct wire_error *error)
{
	wire_begin_error(call->out, &call->id, error, 1);
	wire_put_str(call->out, WIRE_STR("ids"));
	wire_put_array(call->out, counted->id_count);
	for (uint32_t i = 0; i < counted->id_count; i++) {
		wire_put_str(call->out, (struct wire_str){ counted->ids[i], STORE_KID });
	}
	wire_put_nil(call->out);
	return 1;
}

/* Counts the principal's other keys and their secrets; nothing if the policy sets no limit. 1:
 * there are too many to count, the error is written. */
static int count_others(struct call *call, const struct store_key *key, struct key_count *out)
{
	const struct pol_limits *limits = pol_snapshot_limits(call->snapshot);
	int r;

	*out = (struct key_count){ .excluded = key, .now = call->now };
	if ((limits->keys_per_principal == 0 && limits->secrets_per_principal == 0) ||
		key->principal.len == 0) {
		return 0;
	}
	r = store_list_unrevoked(call->read, key->tenant, key->principal, on_key, out);
	return r > 0 ? call_error(call, "limit_reached",
			       "the principal has more than %d keys that are expired or deleted "
			       "and "
			       "not revoked: revoke or purge some of them first",
			       MAX_ENDED)
		     : r;
}

static int check_secrets(struct call *call, const struct key_count *counted, unsigned own)
{
	uint64_t limit = pol_snapshot_limits(call->snapshot)->secrets_per_principal;
	struct wire_error error;

	if (limit == 0 || counted->secrets + own <= limit) {
		return 0;
	}
	wire_error_set(&error, WIRE_LIMIT_REACHED, (struct wire_str){ NULL, 0 },
		"the policy allows %llu secret%s for one principal, and a key that is being "
		"rotated "
		"has two: revoke one of `ids`, or finish its rotation, first",
		(unsigned long long)limit, limit == 1 ? "" : "s");
	return refuse(call, counted, &error);
}

int keys_check_count(struct call *call, const struct store_key *key)
{
	uint64_t limit = pol_snapshot_limits(call->snapshot)->keys_per_principal;
	struct key_count counted;
	struct wire_error error;
	unsigned own = count_secrets(key, call->now);
	int r = count_others(call, key, &counted);

	if (r != 0 || key->principal.len == 0) {
		return r;
	}
	if (limit != 0 && counted.count >= limit) {
		wire_error_set(&error, WIRE_LIMIT_REACHED, (struct wire_str){ NULL, 0 },
			"the policy allows %llu key%s for one principal: revoke one of `ids` first",
			(unsigned long long)limit, limit == 1 ? "" : "s");
		return refuse(call, &counted, &error);
	}
	return check_secrets(call, &counted, own > 0 ? own : 1);
}

int keys_check_secrets(struct call *call, const struct store_key *key, unsigned own)
{
	struct key_count counted;
	int r = count_others(call, key, &counted);

	if (r != 0 || key->principal.len == 0) {
		return r;
	}
	return check_secrets(call, &counted, own);
}

int keys_check_no_keys(struct call *call, uint32_t tenant, struct pol_str principal)
{
	struct key_count counted = { .now = call->now };
	struct wire_error error;
	int r = store_list_unrevoked(call->read, tenant, principal, on_key, &counted);

	if (r < 0 || counted.count == 0) {
		return r;
	}
	wire_error_set(&error, WIRE_CONFLICT, (struct wire_str){ NULL, 0 },
		"the policy's files declared a principal of that id, and its keys would become "
		"this one's: revoke `ids` first, and purge those that are deleted");
	return refuse(call, &counted, &error);
}

int keys_check_schedule(struct call *call, const struct store_key *key)
{

	if (key->rotation.renew_by <= WIRE_MAX_TIME) {
		return 0;
	}
	return call_invalid(call, "rotate_every", "reaches beyond the year 9999");
}

int keys_check_lifetime(struct call *call, const struct store_key *key, const char *param)
{
	uint64_t max = pol_snapshot_limits(call->snapshot)->key_max_ttl;

	if (max != 0 && key->expires_at == 0) {
		return call_invalid(call, param,
			"the policy's key_max_ttl (%llu s) lets no key live for ever",
			(unsigned long long)max);
	}
	if (max != 0 && (uint64_t)(key->expires_at - key->created_at) > max) {
		return call_invalid(call, param,
			"is later than the policy's key_max_ttl (%llu s after its creation) allows",
			(unsigned long long)max);
	}
	if (key->expires_at != 0 && key->not_before >= key->expires_at) {
		return call_invalid(call, "not_before", "is not before the key expires");
	}
	return 0;
}
