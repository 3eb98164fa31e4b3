/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/shadow/replay.h"

#include <string.h>

#include "policy/snapshot/stored.h"
#include "policy/text/cidr.h"
#include "tools/live_internal.h"
#include "tools/record.h"

void replay_doubt(struct replay *replay, enum shadow_doubt doubt)
{
	if (replay->doubt == SHADOW_SURE) {
		replay->doubt = doubt;
	}
}

static bool is(struct pol_str text, const char *word)
{
	return pol_str_equal(text, pol_str_of(word));
}

static bool has(struct wire_cursor item, const char *name)
{
	struct wire_cursor value;

	return record_find(item, name, &value);
}

/* A view that is not NULL where the field is there. */
static struct pol_str text_of(const struct replay *replay, const char *name)
{
	return record_str(replay->item, name);
}

/* The texts of a list, in the arena. */
static const struct pol_str *texts(
	const struct replay *replay, struct wire_cursor map, const char *name, uint32_t *out_count)
{
	struct wire_cursor value;
	struct pol_str *items;
	uint32_t count = 0;

	*out_count = 0;
	if (!record_find(map, name, &value) || !wire_read_array(&value, &count)) {
		return NULL;
	}
	items = pol_arena_alloc(replay->arena, count, sizeof *items);
	for (uint32_t i = 0; items != NULL && i < count; i++) {
		struct wire_str text = { NULL, 0 };

		(void)wire_read_text(&value, &text);
		items[(*out_count)++] = (struct pol_str){ text.ptr, text.len };
	}
	return items;
}

/* --- who -------------------------------------------------------------------------------------- */

static enum pol_key_state key_state(struct pol_str text)
{
	static const struct {
		const char *word;
		enum pol_key_state state;
	} states[] = {
		{ "active", POL_KEY_ACTIVE },
		{ "malformed", POL_KEY_MALFORMED },
		{ "revoked", POL_KEY_REVOKED },
		{ "inactive", POL_KEY_INACTIVE },
		{ "expired", POL_KEY_EXPIRED },
	};

	for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
		if (is(text, states[i].word)) {
			return states[i].state;
		}
	}
	return text.len == 0 ? POL_KEY_MISSING : POL_KEY_UNKNOWN;
}

static enum pol_binding binding(struct pol_str text)
{
	return text.len == 0           ? POL_BOUND_TO_NOTHING
	       : is(text, "principal") ? POL_BOUND_TO_PRINCIPAL
	       : is(text, "roles")     ? POL_BOUND_TO_ROLES
				       : POL_BOUND_TO_SCOPES;
}

/* By this side's environments, as in the daemon (decide/subject.c). */
static bool in_wrong_environment(const struct replay *replay)
{
	const struct pol_snapshot *snapshot = replay->snapshot;
	const struct pol_environment *environments;
	struct pol_str own = text_of(replay, "key_environment");
	struct pol_str asked = text_of(replay, "environment");
	bool given = has(replay->item, "environment");

	if (own.len == 0) {
		return replay->facts.key_state == POL_KEY_MISSING &&
		       has(replay->item, "principal") && given && !is(asked, "*") &&
		       pol_snapshot_environment(snapshot, asked) == POL_NONE;
	}
	if (given && is(asked, "*")) {
		return pol_snapshot_environment(snapshot, own) == POL_NONE;
	}
	if (given) {
		return !pol_str_equal(asked, own) ||
		       pol_snapshot_environment(snapshot, own) == POL_NONE;
	}
	return pol_snapshot_environments(snapshot, &environments) == 0 ||
	       !pol_str_equal(environments[0].name, own);
}

/* What the files declare is for each policy to say. */
static void take_declared(struct replay *replay)
{
	struct pol_facts *facts = &replay->facts;
	uint32_t number = is(facts->tenant_name, "default")
				  ? pol_snapshot_principal(replay->snapshot, facts->principal)
				  : POL_NONE;
	struct pol_held *held;

	facts->principal_state = POL_PRINCIPAL_UNKNOWN;
	facts->declared = number != POL_NONE;
	held = facts->declared ? pol_arena_alloc(replay->arena, POL_PRINCIPAL_ROLES, sizeof *held)
			       : NULL;
	if (held != NULL) {
		facts->principal_state = POL_PRINCIPAL_ACTIVE;
		facts->held = held;
		facts->held_count = (uint32_t)pol_snapshot_principal_held(
			replay->snapshot, number, facts->now, held);
	}
}

static bool inherits(const json_t *role)
{
	return json_array_size(json_object_get(role, "inherits")) > 0;
}

/* The number of a role of the store. What another role of the store may hand down counts as not
 * known as soon as one of them is not. */
static uint32_t find_stored(struct replay *replay, struct pol_str name)
{
	const struct shadow_tenant *tenant = replay->tenant;
	const json_t *number;

	if (tenant == NULL) {
		replay_doubt(replay, SHADOW_STORED_ROLE);
		return POL_NONE;
	}
	number = json_object_getn(tenant->numbers, name.ptr, name.len);
	if (number == NULL || json_object_getn(tenant->inexact, name.ptr, name.len) != NULL ||
		(json_object_size(tenant->inexact) > 0 &&
			inherits(json_array_get(
				tenant->roles, (size_t)json_integer_value(number) - 1)))) {
		replay_doubt(replay, SHADOW_STORED_ROLE);
		return POL_NONE;
	}
	return pol_stored_find(replay->snapshot, (uint64_t)json_integer_value(number), LIVE_TENANT);
}

static void take_roles(struct replay *replay)
{
	struct pol_facts *facts = &replay->facts;
	struct wire_cursor value, map;
	struct pol_held *held;
	uint32_t count = 0;

	if (record_int(replay->item, "unknown_roles", 0) > 0 && replay->side == SHADOW_CANDIDATE &&
		replay->shadow->adds_roles) {
		replay_doubt(replay, SHADOW_UNKNOWN_ROLE);
	}
	if (!record_find(replay->item, "roles", &value) || !wire_read_array(&value, &count)) {
		return;
	}
	held = pol_arena_alloc(replay->arena, count, sizeof *held);
	for (uint32_t i = 0; held != NULL && i < count && wire_take(&value, &map); i++) {
		struct pol_str name = record_str(map, "role");

		held[i].role = record_bool(map, "stored", false)
				       ? find_stored(replay, name)
				       : pol_snapshot_role(replay->snapshot, name);
		held[i].places = texts(replay, map, "at", &held[i].place_count);
		facts->held_count = i + 1;
	}
	facts->held = held;
}

static void take_networks(struct replay *replay)
{
	struct wire_cursor value, pair;
	struct pol_network *networks;
	uint32_t count = 0;

	if (!record_find(replay->item, "networks", &value) || !wire_read_array(&value, &count)) {
		return;
	}
	networks = pol_arena_alloc(replay->arena, count, sizeof *networks);
	for (uint32_t i = 0; networks != NULL && i < count && wire_take(&value, &pair); i++) {
		struct wire_str bytes = { NULL, 0 };
		int64_t bits = 0;
		uint32_t two;

		if (wire_read_array(&pair, &two) && wire_read_text(&pair, &bytes) &&
			wire_read_int(&pair, &bits) && bytes.len == sizeof networks[i].bytes) {
			memcpy(networks[i].bytes, bytes.ptr, bytes.len);
			networks[i].bits = (uint8_t)bits;
			replay->facts.key_network_count = i + 1;
		}
	}
	replay->facts.key_networks = networks;
}

static void take_narrowing(struct replay *replay)
{
	struct pol_facts *facts = &replay->facts;
	uint32_t count;
	const struct pol_str *names = texts(replay, replay->item, "scopes", &count);
	uint32_t *scopes = pol_arena_alloc(replay->arena, count, sizeof *scopes);

	for (uint32_t i = 0; scopes != NULL && i < count; i++) {
		scopes[i] = pol_snapshot_scope(replay->snapshot, names[i]);
		facts->scope_count = i + 1;
	}
	facts->scopes = scopes;
	facts->key_places = texts(replay, replay->item, "at", &facts->key_place_count);
	facts->narrowed_by_scopes = has(replay->item, "scopes");
	facts->narrowed = facts->narrowed_by_scopes || has(replay->item, "at");
	take_networks(replay);
}

static void take_principal(struct replay *replay)
{
	struct pol_facts *facts = &replay->facts;
	struct pol_str state = text_of(replay, "principal_state");

	facts->principal = text_of(replay, "principal");
	facts->principal_kind = is(text_of(replay, "kind"), "service") ? POL_KIND_SERVICE
				: has(replay->item, "kind")            ? POL_KIND_USER
								       : POL_KIND_NONE;
	if (record_bool(replay->item, "by_peer", false) ||
		(state.len == 0 && facts->key_state == POL_KEY_MISSING &&
			pol_peer_declared(replay->snapshot))) {
		replay_doubt(replay, SHADOW_PEER);
	} else if (is(state, "unknown") || record_bool(replay->item, "declared", false)) {
		take_declared(replay);
	} else if (state.len > 0) {
		facts->principal_state =
			is(state, "active") ? POL_PRINCIPAL_ACTIVE : POL_PRINCIPAL_INACTIVE;
	}
}

/* Would this policy go on to what the key holds, which was not looked up? */
static bool goes_on(const struct pol_facts *facts)
{
	return facts->key_state == POL_KEY_ACTIVE && !facts->wrong_environment &&
	       !facts->wrong_tenant && !facts->tenant_inactive &&
	       (facts->principal_state == POL_PRINCIPAL_ACTIVE ||
		       facts->principal_state == POL_PRINCIPAL_NONE);
}

static void take_subject(struct replay *replay)
{
	struct pol_facts *facts = &replay->facts;

	facts->key_state = key_state(text_of(replay, "token"));
	facts->binding = binding(text_of(replay, "binding"));
	facts->key = text_of(replay, "key");
	facts->tenant_name = text_of(replay, "tenant");
	facts->tenant = facts->tenant_name.len > 0 ? LIVE_TENANT : 0;
	facts->tenant_inactive = record_bool(replay->item, "tenant_inactive", false);
	facts->wrong_tenant = record_bool(replay->item, "wrong_tenant", false);
	facts->wrong_environment = in_wrong_environment(replay);
	take_principal(replay);
	if (record_bool(replay->item, "refused", false)) {
		if (goes_on(facts)) {
			replay_doubt(replay, SHADOW_REFUSED_KEY);
		}
		return;
	}
	if (!facts->declared) {
		take_roles(replay);
	}
	take_narrowing(replay);
}

/* --- what ------------------------------------------------------------------------------------- */

/* As in the daemon (decide/subject.c). */
static struct pol_str environment_of(const struct replay *replay)
{
	const struct pol_environment *environments;
	struct pol_str asked = text_of(replay, "environment");

	if (is(asked, "*")) {
		return text_of(replay, "key_environment");
	}
	if (has(replay->item, "environment")) {
		return asked;
	}
	return pol_snapshot_environments(replay->snapshot, &environments) > 0 ? environments[0].name
									      : asked;
}

static void take_request(struct replay *replay)
{
	struct pol_facts *facts = &replay->facts;

	facts->http = has(replay->item, "method");
	facts->verb = text_of(replay, facts->http ? "method" : "action");
	facts->path = text_of(replay, facts->http ? "path" : "resource");
	if (facts->http) {
		facts->tree = text_of(replay, "tree");
	}
	facts->environment = environment_of(replay);
	if (has(replay->item, "service")) {
		facts->service = text_of(replay, "service");
		facts->service.ptr = facts->service.ptr != NULL ? facts->service.ptr : "";
	}
	if (has(replay->item, "ip")) {
		(void)pol_cidr_parse_ip(text_of(replay, "ip"), &facts->ip);
	}
	facts->mfa_at = record_int(replay->item, "mfa_at", 0);
	facts->time = record_int(replay->item, "time", 0);
}

/* Notes what would be counted, and allows. */
static struct pol_str note_charges(const struct pol_counter *counter, const struct pol_facts *facts,
	const struct pol_charge *const *charges, uint32_t count)
{
	struct charges *noted = counter->context;

	(void)facts;
	noted->count = count;
	memcpy(noted->items, charges, count * sizeof charges[0]);
	return (struct pol_str){ NULL, 0 };
}

/* The tenant's roles as they were when the item was decided; NULL: they are not known. */
static const struct shadow_tenant *find_tenant(const struct shadow *shadow, struct wire_cursor item)
{
	struct pol_str name = record_str(item, "tenant");

	if (record_int(item, "snapshot", 0) != shadow->as_of) {
		return NULL;
	}
	for (size_t i = 0; i < shadow->tenant_count; i++) {
		if (is(name, shadow->tenants[i].name) &&
			shadow->tenants[i].sides[SHADOW_CANDIDATE] != NULL) {
			return &shadow->tenants[i];
		}
	}
	return NULL;
}

void replay_ask(const struct shadow *shadow, struct wire_cursor item, int side,
	struct pol_arena *arena, struct replay *out)
{
	struct pol_counter counter = { note_charges, &out->charges };
	const struct shadow_tenant *tenant = find_tenant(shadow, item);

	*out = (struct replay){
		.shadow = shadow,
		.arena = arena,
		.item = item,
		.side = side,
		.tenant = tenant,
		.snapshot = tenant != NULL ? tenant->sides[side] : shadow->policies[side].snapshot,
		.facts = { .now = record_int(item, "now", 0) },
	};
	take_subject(out);
	take_request(out);
	out->facts.counter = &counter;
	pol_eval(out->snapshot, &out->facts, &out->decision);
	out->facts.counter = NULL;
}
