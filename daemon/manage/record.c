/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/record.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "daemon/decide/subject.h"
#include "daemon/keys/denials.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/manage/record_dangling.h"
#include "daemon/manage/record_days.h"
#include "daemon/manage/record_map.h"
#include "daemon/share/share.h"
#include "daemon/store/shared.h"
#include "policy/snapshot/stored.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* An address, and its prefix length unless bits > 128. */
static void encode_ip(struct wire_buf *out, const uint8_t bytes[static 16], unsigned bits)
{
	char text[INET6_ADDRSTRLEN + 4];
	bool v4 = memcmp(bytes, v4_mapped, sizeof v4_mapped) == 0 && bits >= 96;
	size_t len;

	if (inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? bytes + 12 : bytes, text, INET6_ADDRSTRLEN) ==
		NULL) {
		wire_put_nil(out);
		return;
	}
	len = strlen(text);
	if (bits <= 128) {
		len += (size_t)snprintf(
			text + len, sizeof text - len, "/%u", v4 ? bits - 96 : bits);
	}
	wire_put_str(out, (struct wire_str){ text, len });
}

struct wire_str record_status(const struct store_key *key, int64_t now)
{
	switch (secret_rules_state(key, now)) {
	case POL_KEY_REVOKED:
		return WIRE_STR("revoked");
	case POL_KEY_EXPIRED:
		return WIRE_STR("expired");
	case POL_KEY_ACTIVE:
		return WIRE_STR("active");
	case POL_KEY_INACTIVE:
	case POL_KEY_MISSING:
	case POL_KEY_MALFORMED:
	case POL_KEY_UNKNOWN:
		break;
	}
	return WIRE_STR("inactive");
}

/* A map of the reasons that have a count; none if all are 0. */
static void encode_denied(struct record_map *map, const struct denials *denied, uint64_t number)
{
	struct record_map reasons = { map->out, 0, 0 };

	for (unsigned i = 0; i < denials_reasons(); i++) {
		uint64_t count = denials_count(denied, number, (uint8_t)i);
		struct pol_str name = denials_name((uint8_t)i);

		if (count == 0) {
			continue;
		}
		if (reasons.pairs == 0) {
			record_map_name(map, "denied_for");
			reasons.at = wire_open_map(map->out);
		}
		wire_put_str(map->out, subject_wire(name));
		wire_put_int(map->out, (int64_t)count);
		reasons.pairs++;
	}
	if (reasons.pairs > 0) {
		record_map_close(&reasons);
	}
}

static void encode_use(struct record_map *map, const struct store_use *use)
{
	record_map_time(map, "last_used_at", use->at);
	if (use->has_ip) {
		record_map_name(map, "last_used_ip");
		encode_ip(map->out, use->ip, 129);
	}
	record_map_name(map, "uses");
	wire_put_int(map->out, (int64_t)use->uses);
	record_map_name(map, "denials");
	wire_put_int(map->out, (int64_t)use->denials);
}

/* The generation, the schedule, and the end of another secret, if there is one. */
static void encode_rotation(struct record_map *map, const struct store_key *key, int64_t now)
{
	const struct store_rotation *rotation = &key->rotation;
	enum store_other other = secret_rules_other(key, now);

	record_map_name(map, "generation");
	wire_put_int(map->out, rotation->generation != 0 ? rotation->generation : 1);
	record_map_time(map, "rotated_at", rotation->secret_since);
	if (other == STORE_OTHER_RETIRING) {
		record_map_time(map, "retiring_until", rotation->other_until);
	} else if (other == STORE_OTHER_PENDING) {
		record_map_time(map, "pending_until", rotation->other_until);
	}
	record_map_time(map, "rotate_every", rotation->rotate_every);
	record_map_time(map, "next_rotation_at", rotation->next_rotation_at);
	record_map_time(map, "renew_by", rotation->renew_by);
}

/* What this host refuses the key as, whatever its record says (store/shared.h). */
static void encode_marked(struct call *call, struct record_map *map, struct pol_str kid)
{
	struct store_mark mark;

	if (store_has_marks(call->context->store) && store_get_mark(call->read, kid, &mark) == 0) {
		record_map_text(map, "marked",
			mark.what == STORE_MARK_REVOKE ? POL_STR("revoked") : POL_STR("inactive"));
	}
}

/* `days` NULL: the answer has none. */
static int encode_key(struct call *call, const struct store_key *key, struct pol_str secret,
	const struct store_days *days)
{
	struct record_map map = record_map_open(call);
	struct store_use use;
	int r = usage_get(call->context->usage, call->read, key->number, &use);

	if (r < 0) {
		return r;
	}
	(void)share_add_use(call->context->share, key->number, &use);
	record_map_text(&map, "id", key->kid);
	record_map_text(&map, "secret", secret);
	record_map_text(&map, "name", key->name);
	record_map_text(&map, "label", key->label);
	record_map_tenant(call, &map, key->tenant);
	record_map_text(&map, "environment", key->environment);
	record_map_text(&map, "prefix", key->prefix);
	record_map_text(&map, "principal", key->principal);
	record_map_roles(&map, "roles", key->roles);
	record_map_list(&map, "scopes", key->scopes);
	record_map_list(&map, "at", key->places);
	record_map_name(&map, "status");
	wire_put_str(map.out, record_status(key, call->now));
	encode_marked(call, &map, key->kid);
	if ((key->flags & STORE_KEY_IMPORTED) != 0) {
		record_map_bool(&map, "imported", true);
	}
	record_map_time(&map, "created_at", key->created_at);
	record_map_text(&map, "created_by", key->created_by);
	record_map_time(&map, "not_before", key->not_before);
	record_map_time(&map, "expires_at", key->expires_at);
	record_map_time(&map, "deleted_at", key->deleted_at);
	if (key->network_count > 0) {
		record_map_name(&map, "networks");
		wire_put_array(map.out, key->network_count);
		for (uint32_t i = 0; i < key->network_count; i++) {
			const uint8_t *network = key->networks + (size_t)i * STORE_NETWORK;

			encode_ip(map.out, network, network[STORE_NETWORK - 1]);
		}
	}
	encode_rotation(&map, key, call->now);
	encode_use(&map, &use);
	encode_denied(&map, usage_denials(call->context->usage), key->number);
	if (days != NULL) {
		map.pairs += record_days(call, days);
	}
	map.pairs += record_dangling_key(call, key);
	record_map_close(&map);
	return 0;
}

int record_encode_key(struct call *call, const struct store_key *key, struct pol_str secret)
{
	return encode_key(call, key, secret, NULL);
}

int record_encode_key_days(struct call *call, const struct store_key *key)
{
	struct store_days days;
	int r = usage_get_days(call->context->usage, call->read, key->number, &days);

	return r < 0 ? r : encode_key(call, key, (struct pol_str){ NULL, 0 }, &days);
}

void record_encode_principal(struct call *call, const struct store_principal *principal)
{
	struct record_map map = record_map_open(call);
	struct store_list attributes = principal->attributes;
	struct pol_str text;
	bool service = (principal->flags & STORE_PRINCIPAL_SERVICE) != 0;
	bool disabled = (principal->flags & STORE_PRINCIPAL_DISABLED) != 0;

	record_map_text(&map, "id", principal->id);
	record_map_text(&map, "name", principal->name);
	record_map_text(&map, "kind", service ? POL_STR("service") : POL_STR("user"));
	record_map_tenant(call, &map, principal->tenant);
	record_map_text(&map, "status", disabled ? POL_STR("inactive") : POL_STR("active"));
	record_map_bool(&map, "api_access", (principal->flags & STORE_PRINCIPAL_NO_API) == 0);
	if (attributes.count > 0) {
		record_map_name(&map, "attributes");
		wire_put_map(map.out, attributes.count / 2);
		while (store_list_next(&attributes, &text)) {
			wire_put_str(map.out, subject_wire(text));
		}
	}
	record_map_time(&map, "created_at", principal->created_at);
	record_map_text(&map, "created_by", principal->created_by);
	map.pairs += record_dangling_principal(call, principal);
	record_map_close(&map);
}

void record_encode_tenant(struct call *call, const struct store_tenant *tenant)
{
	struct record_map map = record_map_open(call);
	bool disabled = (tenant->flags & STORE_TENANT_DISABLED) != 0;

	record_map_text(&map, "id", tenant->name);
	record_map_text(&map, "status", disabled ? POL_STR("inactive") : POL_STR("active"));
	record_map_time(&map, "created_at", tenant->created_at);
	record_map_text(&map, "created_by", tenant->created_by);
	record_map_close(&map);
}

/* Texts in the form of the store's attributes, as far as they have one. */
static void encode_declared_attributes(
	struct call *call, struct record_map *map, uint32_t principal)
{
	const struct pol_given *given =
		pol_snapshot_principal_attributes(call->snapshot, principal);
	const size_t space = sizeof "principal." - 1;

	if (given == NULL || given->count == 0) {
		return;
	}
	record_map_name(map, "attributes");
	wire_put_map(map->out, given->count);
	for (uint32_t i = 0; i < given->count; i++) {
		const struct pol_value *value = &given->items[i].value;
		struct pol_str name =
			pol_condition_declared(call->snapshot, given->items[i].fact)->name;
		char text[POL_GIVEN_BYTES];

		pol_value_format(value, text, sizeof text);
		wire_put_str(map->out, (struct wire_str){ name.ptr + space, name.len - space });
		if (value->type == POL_TYPE_STRING) {
			wire_put_str(map->out, subject_wire(value->text));
		} else {
			wire_put_cstr(map->out, text);
		}
	}
}

void record_encode_declared(struct call *call, uint32_t number)
{
	struct record_map map = record_map_open(call);

	record_map_text(&map, "id", pol_snapshot_principal_id(call->snapshot, number));
	record_map_text(&map, "kind", POL_STR("service"));
	record_map_tenant(call, &map, STORE_TENANT_DEFAULT);
	record_map_text(&map, "status", POL_STR("active"));
	record_map_bool(&map, "api_access", true);
	record_map_bool(&map, "declared", true);
	encode_declared_attributes(call, &map, number);
	record_map_close(&map);
}

void record_encode_assignment(struct call *call, const struct store_principal *principal,
	const struct store_assignment *assignment)
{
	struct record_map map = record_map_open(call);

	if (!store_is_everyone(principal->id)) {
		record_map_text(&map, "principal", principal->id);
	} else if (pol_str_equal(principal->id, store_everyone_id(STORE_EVERY_PRINCIPAL))) {
		record_map_bool(&map, "everyone", true);
	} else {
		record_map_bool(&map, "anyone", true);
	}
	record_map_text(&map, "role", assignment->role);
	if (assignment->stored != 0 &&
		pol_stored_is_shadowed(call->snapshot,
			pol_stored_find(call->snapshot, assignment->stored, principal->tenant))) {
		record_map_bool(&map, "shadowed", true);
	}
	record_map_list(&map, "at", assignment->places);
	record_map_time(&map, "until", assignment->until);
	record_map_time(&map, "created_at", assignment->created_at);
	record_map_text(&map, "created_by", assignment->created_by);
	map.pairs += record_dangling_assignment(call, principal->tenant, assignment);
	record_map_close(&map);
}

void record_encode_held(struct call *call, uint32_t number, const struct pol_held *held)
{
	struct record_map map = record_map_open(call);

	record_map_text(&map, "principal", pol_snapshot_principal_id(call->snapshot, number));
	record_map_text(&map, "role", pol_snapshot_role_name(call->snapshot, held->role));
	if (held->place_count > 0) {
		record_map_name(&map, "at");
		wire_put_array(map.out, held->place_count);
		for (uint32_t i = 0; i < held->place_count; i++) {
			wire_put_str(map.out, subject_wire(held->places[i]));
		}
	}
	record_map_bool(&map, "declared", true);
	record_map_close(&map);
}
