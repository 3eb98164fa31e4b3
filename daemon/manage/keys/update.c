/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/record.h"
#include "daemon/write/audit.h"
#include "policy/text/cidr.h"

enum field { ID, NAME, LABEL, SCOPES, NETWORKS, EXPIRES_AT, ROTATE_EVERY, FIELDS };

_Static_assert((int)FIELDS == (int)KEYS_UPDATE_FIELDS, "the header has the table's size");

/* Nil removes the name, the label, the networks (then any address is allowed), the expiry or the
 * schedule. Scopes can be changed but not removed: a narrowed key stays narrowed. */
const struct wire_field keys_update_fields[KEYS_UPDATE_FIELDS] = {
	[ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, WIRE_OR_NIL),
	[LABEL] = WIRE_FIELD("label", WIRE_KIND_TEXT, WIRE_OR_NIL),
	[SCOPES] = WIRE_FIELD("scopes", WIRE_KIND_TEXTS, 0),
	[NETWORKS] = WIRE_FIELD("networks", WIRE_KIND_TEXTS, WIRE_OR_NIL),
	[EXPIRES_AT] = WIRE_FIELD("expires_at", WIRE_KIND_TIME, WIRE_OR_NIL),
	[ROTATE_EVERY] = WIRE_FIELD("rotate_every", WIRE_KIND_DURATION, WIRE_OR_NIL),
};

struct updating {
	struct store_key key;
	struct store_key before;
	bool widened; /* it is valid for more networks, or for longer */
	uint8_t scopes[CHECK_NAMES_SIZE];
	uint8_t networks[STORE_MAX_LIST * STORE_NETWORK];
};

static int update_text(struct call *call, enum field field, const char *param, struct pol_str *text)
{
	const struct wire_value *value = &call->params[field];

	if (!value->given) {
		return 0;
	}
	*text = value->nil ? (struct pol_str){ NULL, 0 } : subject_str(value->text);
	return value->nil ? 0 : check_text(call, param, value->text);
}

static int update_scopes(struct call *call, struct updating *updating)
{
	struct store_pack pack = { .bytes = updating->scopes, .cap = sizeof updating->scopes };
	struct store_key *key = &updating->key;
	int r;

	if (!call->params[SCOPES].given) {
		return 0;
	}
	r = check_scopes(call, &call->params[SCOPES], &pack);
	key->scopes = store_pack_list(&pack);
	key->flags |= STORE_KEY_HAS_SCOPES;
	return r;
}

static void network_of(const uint8_t *networks, uint32_t number, struct pol_network *out)
{
	const uint8_t *network = networks + (size_t)number * STORE_NETWORK;

	memcpy(out->bytes, network, STORE_NETWORK - 1);
	out->bits = network[STORE_NETWORK - 1];
}

/* Is each new network inside an old one? No networks means any address. */
static bool stays_inside(
	const struct store_key *old, const uint8_t *networks, uint32_t network_count)
{
	if (old->network_count == 0) {
		return true;
	}
	for (uint32_t i = 0; i < network_count; i++) {
		struct pol_network inner, outer;
		struct pol_ip ip = { .known = true };
		bool inside = false;

		network_of(networks, i, &inner);
		memcpy(ip.bytes, inner.bytes, sizeof ip.bytes);
		for (uint32_t k = 0; k < old->network_count && !inside; k++) {
			network_of(old->networks, k, &outer);
			inside = outer.bits <= inner.bits && pol_cidr_contains(&outer, &ip);
		}
		if (!inside) {
			return false;
		}
	}
	return network_count > 0;
}

static int update_networks(struct call *call, struct updating *updating)
{
	const struct wire_value *value = &call->params[NETWORKS];
	struct store_key *key = &updating->key;
	uint32_t count = 0;
	int r = 0;

	if (!value->given) {
		return 0;
	}
	if (!value->nil) {
		r = check_networks(call, value, updating->networks, &count);
	}
	updating->widened = updating->widened || !stays_inside(key, updating->networks, count);
	key->networks = updating->networks;
	key->network_count = count;
	return r;
}

static int update_end(struct call *call, struct updating *updating)
{
	const struct wire_value *value = &call->params[EXPIRES_AT];
	struct store_key *key = &updating->key;
	int64_t before = key->expires_at;
	bool was_live = keys_is_live(key, call->now);
	int r;

	if (!value->given) {
		return 0;
	}
	if (!value->nil && value->integer <= call->now) {
		return call_invalid(
			call, "expires_at", "is past: disable or revoke the key instead");
	}
	key->expires_at = value->nil ? 0 : value->integer;
	updating->widened = updating->widened ||
			    (before != 0 && (key->expires_at == 0 || key->expires_at > before));
	r = keys_check_lifetime(call, key, "expires_at");
	if (r == 0 && !was_live) {
		r = keys_check_count(call, key);
	}
	return r;
}

/* A schedule under which the current secret is valid for longer counts as a revived secret. A
 * secret that has ended cannot be revived this way. */
static int update_schedule(struct call *call, struct updating *updating)
{
	const struct wire_value *value = &call->params[ROTATE_EVERY];
	struct store_key *key = &updating->key;
	struct secret_rules_change change = {
		.secrets = store_secrets(call->context->store),
		.now = call->now,
		.max_overlap = (int64_t)pol_snapshot_limits(call->snapshot)->rotation_max_overlap,
	};
	int64_t every = value->nil ? 0 : value->integer, before = key->rotation.renew_by;

	if (!value->given || every == key->rotation.rotate_every) {
		return 0;
	}
	if ((secret_rules_live(key, call->now) & KEY_SECRET_CURRENT) == 0) {
		return call_error(call, "conflict",
			"the key's secret has ended by its schedule: rotate the key first");
	}
	secret_rules_schedule(key, &change, every);
	updating->widened =
		updating->widened ||
		(before != 0 && (key->rotation.renew_by == 0 || key->rotation.renew_by > before));
	return keys_check_schedule(call, key);
}

static int check_all(struct call *call, struct updating *updating)
{
	struct store_key *key = &updating->key;
	int r = actor_may(call, "keys", subject_str(call->params[ID].text), "update");

	if (r == 0) {
		r = keys_find(call, &call->params[ID], key);
	}
	if (r == 0) {
		updating->before = *key;
	}
	if (r == 0 && (key->flags & STORE_KEY_REVOKED) != 0) {
		r = call_error(call, "conflict", "the key is revoked, for ever: create another");
	}
	if (r == 0) {
		r = update_text(call, NAME, "name", &key->name);
	}
	if (r == 0) {
		r = update_text(call, LABEL, "label", &key->label);
	}
	if (r == 0) {
		r = update_scopes(call, updating);
	}
	if (r == 0) {
		r = update_networks(call, updating);
	}
	if (r == 0) {
		r = update_end(call, updating);
	}
	if (r == 0) {
		r = update_schedule(call, updating);
	}
	/* For more networks or for longer, everything that the key allows counts as gained. */
	if (r == 0) {
		r = escalation_check_key(call, updating->widened ? NULL : &updating->before, key);
	}
	return r;
}

int keys_update(struct call *call)
{
	struct updating updating;
	int r;

	updating.widened = false;
	r = check_all(call, &updating);
	if (r != 0) {
		return r;
	}
	r = audit_update_key(call->change, &updating.key);
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	return record_encode_key(call, &updating.key, (struct pol_str){ NULL, 0 });
}
