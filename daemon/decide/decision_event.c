/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/decision_event.h"

#include <string.h>

#include "daemon/decide/decision_watch.h"
#include "daemon/host/redact.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/condition.h"
#include "policy/snapshot/stored.h"
#include "policy/text/cidr.h"
#include "policy/text/path.h"

/* An event that is larger is dropped. Nearly all have a few hundred bytes. */
#define MAX_EVENT 16384

/* At most this many bytes of what somebody wrote are put: no name and no place is
 * longer. */
#define MAX_WRITTEN (2 * POL_PATH_BYTES)

/* The characters of the shortest token. */
#define LEAST_TOKEN (REDACT_KID + 1 + REDACT_LEAST)

struct event {
	struct wire_buf out;
	uint32_t pairs;
	bool redacted;
};

static void put_name(struct event *event, const char *name)
{
	wire_put_cstr(&event->out, name);
	event->pairs++;
}

static void put_text(struct event *event, const char *name, struct pol_str text)
{
	put_name(event, name);
	wire_put_str(&event->out, subject_wire(text));
}

static void put_int(struct event *event, const char *name, int64_t value)
{
	put_name(event, name);
	wire_put_int(&event->out, value);
}

/* What is not true is left out. */
static void put_flag(struct event *event, const char *name, bool value)
{
	if (value) {
		put_name(event, name);
		wire_put_bool(&event->out, true);
	}
}

/* What somebody wrote. A token in it is redacted. */
static void put_redacted(struct event *event, struct pol_str text)
{
	char copy[MAX_WRITTEN];
	size_t len;

	if (text.len < LEAST_TOKEN) {
		wire_put_str(&event->out, subject_wire(text));
		return;
	}
	text.len = text.len < sizeof copy ? text.len : sizeof copy;
	memcpy(copy, text.ptr, text.len);
	len = redact_tokens(copy, text.len, "...");
	event->redacted = event->redacted || len != text.len;
	wire_put_str(&event->out, (struct wire_str){ copy, len });
}

static void put_written(struct event *event, const char *name, struct pol_str text)
{
	put_name(event, name);
	put_redacted(event, text);
}

/* --- who -------------------------------------------------------------------------------------- */

static const char *key_state(enum pol_key_state state)
{
	switch (state) {
	case POL_KEY_MISSING:
		return "missing";
	case POL_KEY_MALFORMED:
		return "malformed";
	case POL_KEY_UNKNOWN:
		break;
	case POL_KEY_REVOKED:
		return "revoked";
	case POL_KEY_INACTIVE:
		return "inactive";
	case POL_KEY_EXPIRED:
		return "expired";
	case POL_KEY_ACTIVE:
		return "active";
	}
	return "unknown";
}

static const char *binding(enum pol_binding binding)
{
	return binding == POL_BOUND_TO_PRINCIPAL ? "principal"
	       : binding == POL_BOUND_TO_ROLES   ? "roles"
						 : "scopes";
}

static void put_places(struct event *event, const struct pol_str *places, uint32_t count)
{
	wire_put_array(&event->out, count);
	for (uint32_t i = 0; i < count; i++) {
		put_redacted(event, places[i]);
	}
}

static void put_role(struct event *event, const struct pol_snapshot *snapshot,
	const struct pol_held *held, enum pol_holder holder)
{
	bool stored = pol_stored_number(snapshot, held->role) != 0;

	wire_put_map(&event->out,
		1U + stored + (held->place_count > 0) + (holder != POL_HOLDER_SUBJECT));
	wire_put_cstr(&event->out, "role");
	wire_put_str(&event->out, subject_wire(pol_snapshot_role_name(snapshot, held->role)));
	if (stored) {
		wire_put_cstr(&event->out, "stored");
		wire_put_bool(&event->out, true);
	}
	if (held->place_count > 0) {
		wire_put_cstr(&event->out, "at");
		put_places(event, held->places, held->place_count);
	}
	if (holder != POL_HOLDER_SUBJECT) {
		wire_put_cstr(&event->out, "holder");
		wire_put_cstr(&event->out, pol_terms_holder(holder));
	}
}

/* A role that the snapshot lacks has no name there. What the files declare is for each policy to
 * say. */
static void put_roles(
	struct event *event, const struct pol_snapshot *snapshot, const struct pol_facts *facts)
{
	uint32_t first = facts->declared
				 ? facts->held_count - facts->everyone_count - facts->anyone_count
				 : 0;
	uint32_t known = 0;

	for (uint32_t i = first; i < facts->held_count; i++) {
		known += facts->held[i].role != POL_NONE;
	}
	if (facts->held_count - first > known) {
		put_int(event, "unknown_roles", facts->held_count - first - known);
	}
	if (facts->held_count == first) {
		return;
	}
	put_name(event, "roles");
	wire_put_array(&event->out, known);
	for (uint32_t i = first; i < facts->held_count; i++) {
		if (facts->held[i].role != POL_NONE) {
			put_role(event, snapshot, &facts->held[i], pol_subject_holder(facts, i));
		}
	}
}

/* For a principal that the running policy does not know: another policy may declare it, and then it
 * holds what every principal holds. */
__attribute__((noinline)) static void put_roles_of_all(
	struct event *event, struct call *call, uint32_t tenant)
{
	struct store_principal record;
	struct subject all;

	if (store_has_everyone(call->context->store) &&
		store_get_everyone(call->read, tenant, STORE_EVERY_PRINCIPAL, &record) == 0 &&
		subject_describe_everyone(call, tenant, STORE_EVERY_PRINCIPAL, &record, &all) ==
			0) {
		put_roles(event, call->snapshot, &all.facts);
	}
}

static void put_networks(struct event *event, const struct pol_facts *facts)
{
	put_name(event, "networks");
	wire_put_array(&event->out, facts->key_network_count);
	for (uint32_t i = 0; i < facts->key_network_count; i++) {
		const struct pol_network *network = &facts->key_networks[i];

		/* 16 bytes of the address, and how many bits of it count. */
		wire_put_array(&event->out, 2);
		wire_put_bin(&event->out, network->bytes, sizeof network->bytes);
		wire_put_int(&event->out, network->bits);
	}
}

static void put_narrowing(struct event *event, const struct subject *subject)
{
	const struct pol_facts *facts = &subject->facts;
	struct store_list scopes = subject->key.scopes;
	struct pol_str scope;

	if (facts->narrowed_by_scopes) {
		put_name(event, "scopes");
		wire_put_array(&event->out, facts->scope_count);
		while (store_list_next(&scopes, &scope)) {
			wire_put_str(&event->out, subject_wire(scope));
		}
	}
	if (facts->narrowed && (facts->key_place_count > 0 || !facts->narrowed_by_scopes)) {
		put_name(event, "at");
		put_places(event, facts->key_places, facts->key_place_count);
	}
	if (facts->key_network_count > 0) {
		put_networks(event, facts);
	}
}

/* A token that is refused before its stack is asked: what it holds was not looked up. */
static bool is_refused(const struct pol_facts *facts)
{
	return facts->wrong_environment || facts->wrong_tenant || facts->tenant_inactive ||
	       facts->key_state != POL_KEY_ACTIVE ||
	       (facts->principal_state != POL_PRINCIPAL_ACTIVE &&
		       facts->principal_state != POL_PRINCIPAL_NONE);
}

static void put_key(struct event *event, const struct subject *subject)
{
	const struct pol_facts *facts = &subject->facts;

	put_name(event, "token");
	wire_put_cstr(&event->out, key_state(facts->key_state));
	if (!subject->verified) {
		return;
	}
	put_text(event, "key", subject->key.kid);
	put_name(event, "binding");
	wire_put_cstr(&event->out, binding(facts->binding));
	put_text(event, "key_environment", subject->key.environment);
	if (is_refused(facts)) {
		put_flag(event, "refused", true);
		return;
	}
	put_narrowing(event, subject);
}

static void put_principal(struct event *event, const struct subject *subject)
{
	const struct pol_facts *facts = &subject->facts;

	if (facts->principal_state == POL_PRINCIPAL_NONE) {
		return;
	}
	put_written(event, "principal", facts->principal);
	put_name(event, "principal_state");
	wire_put_cstr(&event->out, facts->principal_state == POL_PRINCIPAL_ACTIVE     ? "active"
				   : facts->principal_state == POL_PRINCIPAL_INACTIVE ? "inactive"
										      : "unknown");
	if (facts->principal_kind != POL_KIND_NONE) {
		put_name(event, "kind");
		wire_put_cstr(&event->out,
			facts->principal_kind == POL_KIND_SERVICE ? "service" : "user");
	}
	put_flag(event, "declared", facts->declared);
	put_flag(event, "by_peer", facts->by_peer);
}

static void put_subject(struct event *event, struct call *call, const struct ask *ask,
	const struct subject *subject)
{
	const struct pol_facts *facts = &subject->facts;

	if (ask->who.has_token) {
		put_key(event, subject);
	}
	put_principal(event, subject);
	if (facts->tenant_name.len > 0) {
		put_text(event, "tenant", facts->tenant_name);
	}
	put_flag(event, "tenant_inactive", facts->tenant_inactive);
	put_flag(event, "wrong_tenant", facts->wrong_tenant);
	if (facts->principal_state == POL_PRINCIPAL_UNKNOWN) {
		put_roles_of_all(event, call, facts->tenant);
	} else {
		put_roles(event, call->snapshot, facts);
	}
}

/* --- what ------------------------------------------------------------------------------------- */

/* Their names alone: values may be private. */
static void put_given(
	struct event *event, const struct pol_snapshot *snapshot, const struct pol_given *given)
{
	const struct pol_declared_fact *fact;

	put_name(event, "facts");
	wire_put_array(&event->out, given->count);
	for (uint32_t i = 0; i < given->count; i++) {
		fact = pol_condition_declared(snapshot, given->items[i].fact);
		wire_put_str(&event->out, fact != NULL ? subject_wire(fact->name) : WIRE_STR(""));
	}
}

static void put_request(struct event *event, const struct ask *ask)
{
	char ip[POL_IP_TEXT + 1];

	put_written(event, ask->http ? "method" : "action", ask->verb);
	put_written(event, ask->http ? "path" : "resource", ask_without_query(ask->path));
	if (ask->http) {
		put_written(event, "tree", ask->tree);
	}
	if (ask->service.ptr != NULL) {
		put_written(event, "service", ask->service);
	}
	if (ask->who.has_environment) {
		put_written(event, "environment", ask->who.environment);
	}
	if (ask->ip.known) {
		pol_cidr_format_ip(&ask->ip, ip);
		put_text(event, "ip", pol_str_of(ip));
	}
	if (ask->mfa_at != 0) {
		put_int(event, "mfa_at", ask->mfa_at);
	}
	if (ask->time != 0) {
		put_int(event, "time", ask->time);
	}
}

/* Apart, so that a decision without a watch needs no room for it. */
__attribute__((noinline)) static void put_event(struct call *call, const struct ask *ask,
	const struct subject *subject, const struct pol_decision *decision)
{
	uint8_t bytes[MAX_EVENT];
	struct event event = { .out = { .data = bytes, .cap = MAX_EVENT, .max = MAX_EVENT } };
	size_t at = wire_open_map(&event.out);

	put_int(&event, "now", call->now);
	put_int(&event, "snapshot", (int64_t)call->serial);
	put_name(&event, "allow");
	wire_put_bool(&event.out, decision->allow);
	put_text(&event, "reason", decision->reason);
	put_subject(&event, call, ask, subject);
	put_request(&event, ask);
	if (ask->given != NULL) {
		put_given(&event, call->snapshot, ask->given);
	}
	put_flag(&event, "redacted", event.redacted);
	wire_close_map(&event.out, at, event.pairs);
	decision_watch_put(
		call->context->watch, bytes, event.out.status == WIRE_OK ? event.out.len : 0);
}

void decision_event_put(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_decision *decision)
{
	if (decision_watch_wants(call->context->watch)) {
		put_event(call, ask, subject, decision);
	}
}
