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
#include "daemon/share/share.h"
#include "daemon/store/shared.h"
#include "policy/ask/written.h"
#include "policy/snapshot/stored.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

/* A map whose pairs are counted as they are appended. */
struct map {
	struct wire_buf *out;
	size_t at;
	uint32_t pairs;
};

static struct map open_map(struct call *call)
{
	return (struct map){ call->out, wire_open_map(call->out), 0 };
}

static void close_map(struct map *map)
{
	wire_close_map(map->out, map->at, map->pairs);
}

static void encode_name(struct map *map, const char *name)
{
	wire_put_cstr(map->out, name);
	map->pairs++;
}

static void encode_text(struct map *map, const char *name, struct pol_str text)
{
	if (text.len > 0) {
		encode_name(map, name);
		wire_put_str(map->out, subject_wire(text));
	}
}

static void encode_time(struct map *map, const char *name, int64_t time)
{
	if (time != 0) {
		encode_name(map, name);
		wire_put_int(map->out, time);
	}
}

static void encode_bool(struct map *map, const char *name, bool value)
{
	encode_name(map, name);
	wire_put_bool(map->out, value);
}

static void encode_list(struct map *map, const char *name, struct store_list list)
{
	struct pol_str text;

	if (list.count == 0) {
		return;
	}
	encode_name(map, name);
	wire_put_array(map->out, list.count);
	while (store_list_next(&list, &text)) {
		wire_put_str(map->out, subject_wire(text));
	}
}

/* Names of roles, without their numbers in the store. */
static void encode_roles(struct map *map, const char *name, struct store_list list)
{
	struct pol_str item;
	uint64_t stored;

	if (list.count == 0) {
		return;
	}
	encode_name(map, name);
	wire_put_array(map->out, list.count);
	while (store_list_next(&list, &item)) {
		wire_put_str(map->out, subject_wire(store_role_split(item, &stored)));
	}
}

static void encode_tenant(struct call *call, struct map *map, uint32_t tenant)
{
	encode_name(map, "tenant");
	wire_put_str(map->out, subject_wire(subject_tenant_name(call, tenant)));
}

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
	switch (subject_key_state(key, now)) {
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
static void encode_denied(struct map *map, const struct denials *denied, uint64_t number)
{
	struct map reasons = { map->out, 0, 0 };

	for (unsigned i = 0; i < denials_reasons(); i++) {
		uint64_t count = denials_count(denied, number, (uint8_t)i);
		struct pol_str name = denials_name((uint8_t)i);

		if (count == 0) {
			continue;
		}
		if (reasons.pairs == 0) {
			encode_name(map, "denied_for");
			reasons.at = wire_open_map(map->out);
		}
		wire_put_str(map->out, subject_wire(name));
		wire_put_int(map->out, (int64_t)count);
		reasons.pairs++;
	}
	if (reasons.pairs > 0) {
		close_map(&reasons);
	}
}

static void encode_use(struct map *map, const struct store_use *use)
{
	encode_time(map, "last_used_at", use->at);
	if (use->has_ip) {
		encode_name(map, "last_used_ip");
		encode_ip(map->out, use->ip, 129);
	}
	encode_name(map, "uses");
	wire_put_int(map->out, (int64_t)use->uses);
	encode_name(map, "denials");
	wire_put_int(map->out, (int64_t)use->denials);
}

/* The generation, the schedule, and the end of another secret, if there is one. */
static void encode_rotation(struct map *map, const struct store_key *key, int64_t now)
{
	const struct store_rotation *rotation = &key->rotation;
	enum store_other other = secret_rules_other(key, now);

	encode_name(map, "generation");
	wire_put_int(map->out, rotation->generation != 0 ? rotation->generation : 1);
	encode_time(map, "rotated_at", rotation->secret_since);
	if (other == STORE_OTHER_RETIRING) {
		encode_time(map, "retiring_until", rotation->other_until);
	} else if (other == STORE_OTHER_PENDING) {
		encode_time(map, "pending_until", rotation->other_until);
	}
	encode_time(map, "rotate_every", rotation->rotate_every);
	encode_time(map, "next_rotation_at", rotation->next_rotation_at);
	encode_time(map, "renew_by", rotation->renew_by);
}

/* What this host refuses the key as, whatever its record says (store/shared.h). */
static void encode_marked(struct call *call, struct map *map, struct pol_str kid)
{
	struct store_mark mark;

	if (store_has_marks(call->context->store) && store_get_mark(call->read, kid, &mark) == 0) {
		encode_text(map, "marked",
			mark.what == STORE_MARK_REVOKE ? POL_STR("revoked") : POL_STR("inactive"));
	}
}

/* `days` NULL: the answer has none. */
static int encode_key(struct call *call, const struct store_key *key, struct pol_str secret,
	const struct store_days *days)
{
	struct map map = open_map(call);
	struct store_use use;
	int r = usage_get(call->context->usage, call->read, key->number, &use);

	if (r < 0) {
		return r;
	}
	(void)share_add_use(call->context->share, key->number, &use);
	encode_text(&map, "id", key->kid);
	encode_text(&map, "secret", secret);
	encode_text(&map, "name", key->name);
	encode_text(&map, "label", key->label);
	encode_tenant(call, &map, key->tenant);
	encode_text(&map, "environment", key->environment);
	encode_text(&map, "prefix", key->prefix);
	encode_text(&map, "principal", key->principal);
	encode_roles(&map, "roles", key->roles);
	encode_list(&map, "scopes", key->scopes);
	encode_list(&map, "at", key->places);
	encode_name(&map, "status");
	wire_put_str(map.out, record_status(key, call->now));
	encode_marked(call, &map, key->kid);
	if ((key->flags & STORE_KEY_IMPORTED) != 0) {
		encode_bool(&map, "imported", true);
	}
	encode_time(&map, "created_at", key->created_at);
	encode_text(&map, "created_by", key->created_by);
	encode_time(&map, "not_before", key->not_before);
	encode_time(&map, "expires_at", key->expires_at);
	encode_time(&map, "deleted_at", key->deleted_at);
	if (key->network_count > 0) {
		encode_name(&map, "networks");
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
	close_map(&map);
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
	struct map map = open_map(call);
	struct store_list attributes = principal->attributes;
	struct pol_str text;
	bool service = (principal->flags & STORE_PRINCIPAL_SERVICE) != 0;
	bool disabled = (principal->flags & STORE_PRINCIPAL_DISABLED) != 0;

	encode_text(&map, "id", principal->id);
	encode_text(&map, "name", principal->name);
	encode_text(&map, "kind", service ? POL_STR("service") : POL_STR("user"));
	encode_tenant(call, &map, principal->tenant);
	encode_text(&map, "status", disabled ? POL_STR("inactive") : POL_STR("active"));
	encode_bool(&map, "api_access", (principal->flags & STORE_PRINCIPAL_NO_API) == 0);
	if (attributes.count > 0) {
		encode_name(&map, "attributes");
		wire_put_map(map.out, attributes.count / 2);
		while (store_list_next(&attributes, &text)) {
			wire_put_str(map.out, subject_wire(text));
		}
	}
	encode_time(&map, "created_at", principal->created_at);
	encode_text(&map, "created_by", principal->created_by);
	map.pairs += record_dangling_principal(call, principal);
	close_map(&map);
}

int record_encode_role(struct call *call, const struct record_role *record)
{
	const struct store_role *role = record->role;
	struct map map = open_map(call);
	uint32_t pairs = 0;
	int r;

	encode_text(&map, "name", role->name);
	encode_tenant(call, &map, role->tenant);
	encode_text(&map, "description", role->description);
	encode_roles(&map, "inherits", role->inherits);
	encode_list(&map, "grants", role->grants);
	encode_name(&map, "allowed");
	wire_put_int(map.out, (int64_t)record->allowed);
	encode_name(&map, "denied");
	wire_put_int(map.out, (int64_t)record->denied);
	encode_time(&map, "created_at", role->created_at);
	encode_time(&map, "updated_at", role->updated_at);
	encode_text(&map, "created_by", role->created_by);
	if (record->shadowed) {
		encode_bool(&map, "shadowed", true);
	}
	r = record_dangling_role(call, record, &pairs);
	if (record->more_pairs > 0) {
		wire_put_raw(map.out, record->more, record->more_len);
	}
	map.pairs += pairs + record->more_pairs;
	close_map(&map);
	return r;
}

static void encode_position(struct map *map, struct pol_str file, uint32_t line)
{
	encode_text(map, "file", file);
	encode_name(map, "line");
	wire_put_int(map->out, line);
}

static void encode_parents(struct call *call, struct map *map, uint32_t number)
{
	uint32_t count = 0;
	size_t at;

	if (pol_written_parent(call->snapshot, number, 0) == POL_NONE) {
		return;
	}
	encode_name(map, "inherits");
	at = wire_open_array(map->out);
	for (uint32_t parent;
		(parent = pol_written_parent(call->snapshot, number, count)) != POL_NONE; count++) {
		wire_put_str(
			map->out, subject_wire(pol_snapshot_role_name(call->snapshot, parent)));
	}
	wire_close_array(map->out, at, count);
}

/* Texts, and then where they are written, for who may know the names of the policy's files. */
static void encode_written(struct call *call, struct map *map, uint32_t number)
{
	struct pol_written grant;
	uint32_t count = 0;
	size_t at;

	encode_name(map, "grants");
	at = wire_open_array(map->out);
	for (; count < RECORD_GRANTS && pol_written_grant(call->snapshot, number, count, &grant);
		count++) {
		wire_put_str(map->out, (struct wire_str){ grant.text, grant.len });
	}
	wire_close_array(map->out, at, count);
	if (call->actor != NULL) {
		return;
	}
	encode_name(map, "positions");
	wire_put_array(map->out, count);
	for (uint32_t i = 0; i < count; i++) {
		struct map position = open_map(call);

		(void)pol_written_grant(call->snapshot, number, i, &grant);
		encode_position(&position, grant.file, grant.line);
		close_map(&position);
	}
}

static void encode_declared_role(struct call *call, struct map *map, uint32_t number)
{
	encode_text(map, "name", pol_snapshot_role_name(call->snapshot, number));
	encode_text(map, "description", pol_snapshot_role_description(call->snapshot, number));
	encode_parents(call, map, number);
	encode_bool(map, "declared", true);
}

void record_encode_declared_role(struct call *call, uint32_t number)
{
	struct map map = open_map(call);

	encode_declared_role(call, &map, number);
	close_map(&map);
}

void record_encode_written_role(struct call *call, uint32_t number)
{
	struct map map = open_map(call);
	struct pol_str file;
	uint32_t line;

	encode_declared_role(call, &map, number);
	if (call->actor == NULL && pol_written_role(call->snapshot, number, &file, &line)) {
		encode_position(&map, file, line);
	}
	encode_written(call, &map, number);
	close_map(&map);
}

void record_encode_tenant(struct call *call, const struct store_tenant *tenant)
{
	struct map map = open_map(call);
	bool disabled = (tenant->flags & STORE_TENANT_DISABLED) != 0;

	encode_text(&map, "id", tenant->name);
	encode_text(&map, "status", disabled ? POL_STR("inactive") : POL_STR("active"));
	encode_time(&map, "created_at", tenant->created_at);
	encode_text(&map, "created_by", tenant->created_by);
	close_map(&map);
}

/* Texts in the form of the store's attributes, as far as they have one. */
static void encode_declared_attributes(struct call *call, struct map *map, uint32_t principal)
{
	const struct pol_given *given =
		pol_snapshot_principal_attributes(call->snapshot, principal);
	const size_t space = sizeof "principal." - 1;

	if (given == NULL || given->count == 0) {
		return;
	}
	encode_name(map, "attributes");
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
	struct map map = open_map(call);

	encode_text(&map, "id", pol_snapshot_principal_id(call->snapshot, number));
	encode_text(&map, "kind", POL_STR("service"));
	encode_tenant(call, &map, STORE_TENANT_DEFAULT);
	encode_text(&map, "status", POL_STR("active"));
	encode_bool(&map, "api_access", true);
	encode_bool(&map, "declared", true);
	encode_declared_attributes(call, &map, number);
	close_map(&map);
}

void record_encode_assignment(struct call *call, const struct store_principal *principal,
	const struct store_assignment *assignment)
{
	struct map map = open_map(call);

	if (!store_is_everyone(principal->id)) {
		encode_text(&map, "principal", principal->id);
	} else if (pol_str_equal(principal->id, store_everyone_id(STORE_EVERY_PRINCIPAL))) {
		encode_bool(&map, "everyone", true);
	} else {
		encode_bool(&map, "anyone", true);
	}
	encode_text(&map, "role", assignment->role);
	if (assignment->stored != 0 &&
		pol_stored_is_shadowed(call->snapshot,
			pol_stored_find(call->snapshot, assignment->stored, principal->tenant))) {
		encode_bool(&map, "shadowed", true);
	}
	encode_list(&map, "at", assignment->places);
	encode_time(&map, "until", assignment->until);
	encode_time(&map, "created_at", assignment->created_at);
	encode_text(&map, "created_by", assignment->created_by);
	map.pairs += record_dangling_assignment(call, principal->tenant, assignment);
	close_map(&map);
}

void record_encode_held(struct call *call, uint32_t number, const struct pol_held *held)
{
	struct map map = open_map(call);

	encode_text(&map, "principal", pol_snapshot_principal_id(call->snapshot, number));
	encode_text(&map, "role", pol_snapshot_role_name(call->snapshot, held->role));
	if (held->place_count > 0) {
		encode_name(&map, "at");
		wire_put_array(map.out, held->place_count);
		for (uint32_t i = 0; i < held->place_count; i++) {
			wire_put_str(map.out, subject_wire(held->places[i]));
		}
	}
	encode_bool(&map, "declared", true);
	close_map(&map);
}
