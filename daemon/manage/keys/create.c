/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/manage/check.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/keys/create.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/record.h"
#include "daemon/manage/retry.h"
#include "daemon/secret/token.h"
#include "daemon/write/audit.h"

enum field {
	NAME,
	LABEL,
	PRINCIPAL,
	ROLES,
	SCOPES,
	AT,
	TENANT,
	ENVIRONMENT,
	EXPIRES_IN,
	EXPIRES_AT,
	NOT_BEFORE,
	NETWORKS,
	ROTATE_EVERY,
	REQUEST_ID,
	FIELDS,
};

_Static_assert((int)FIELDS == (int)KEYS_CREATE_FIELDS, "the header has the table's size");

const struct wire_field keys_create_fields[KEYS_CREATE_FIELDS] = {
	[NAME] = WIRE_FIELD("name", WIRE_KIND_TEXT, 0),
	[LABEL] = WIRE_FIELD("label", WIRE_KIND_TEXT, 0),
	[PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),
	[ROLES] = WIRE_FIELD("roles", WIRE_KIND_TEXTS, 0),
	[SCOPES] = WIRE_FIELD("scopes", WIRE_KIND_TEXTS, 0),
	[AT] = WIRE_FIELD("at", WIRE_KIND_TEXTS, 0),
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),
	[ENVIRONMENT] = WIRE_FIELD("environment", WIRE_KIND_TEXT, 0),
	[EXPIRES_IN] = WIRE_FIELD("expires_in", WIRE_KIND_DURATION, 0),
	[EXPIRES_AT] = WIRE_FIELD("expires_at", WIRE_KIND_TIME, 0),
	[NOT_BEFORE] = WIRE_FIELD("not_before", WIRE_KIND_TIME, 0),
	[NETWORKS] = WIRE_FIELD("networks", WIRE_KIND_TEXTS, 0),
	[ROTATE_EVERY] = WIRE_FIELD("rotate_every", WIRE_KIND_DURATION, 0),
	[REQUEST_ID] = WIRE_FIELD("request_id", WIRE_KIND_TEXT, 0),
};

/* The parameters that are given decide what the key is bound to; it stays bound to that. */
static int read_binding(struct call *call, struct store_key *key)
{
	const struct wire_value *params = call->params;

	if (params[PRINCIPAL].given && params[ROLES].given) {
		return call_invalid(
			call, "roles", "a key is bound to a principal or to roles, not to both");
	}
	if (params[PRINCIPAL].given) {
		key->binding = POL_BOUND_TO_PRINCIPAL;
		key->principal = subject_str(params[PRINCIPAL].text);
	} else if (params[ROLES].given) {
		key->binding = POL_BOUND_TO_ROLES;
	} else if (params[SCOPES].given) {
		key->binding = POL_BOUND_TO_SCOPES;
	} else {
		return call_invalid(
			call, "principal", "missing: give a principal, roles, or scopes alone");
	}
	return 0;
}

static int read_lists(struct call *call, struct new_key *new_key)
{
	const struct wire_value *params = call->params;
	struct store_pack roles = { .bytes = new_key->roles, .cap = sizeof new_key->roles };
	struct store_pack scopes = { .bytes = new_key->scopes, .cap = sizeof new_key->scopes };
	struct store_pack places = { .bytes = new_key->places, .cap = sizeof new_key->places };
	struct store_key *key = &new_key->key;
	int r = 0;

	if (params[ROLES].given) {
		r = check_roles(call, &params[ROLES], key->tenant, &roles);
	}
	if (r == 0 && params[SCOPES].given) {
		key->flags |= STORE_KEY_HAS_SCOPES;
		r = check_scopes(call, &params[SCOPES], &scopes);
	}
	if (r == 0 && params[AT].given) {
		key->flags |= STORE_KEY_HAS_PLACES;
		r = check_places(call, &params[AT], true, &places);
	}
	if (r == 0 && params[NETWORKS].given) {
		r = check_networks(call, &params[NETWORKS], new_key->networks, &key->network_count);
	}
	key->roles = store_pack_list(&roles);
	key->scopes = store_pack_list(&scopes);
	key->places = store_pack_list(&places);
	key->networks = new_key->networks;
	return r;
}

static int read_texts(struct call *call, struct store_key *key)
{
	const struct wire_value *params = call->params;
	int r = check_tenant(call, &params[TENANT], &key->tenant);

	if (r == 0 && params[NAME].given) {
		key->name = subject_str(params[NAME].text);
		r = check_text(call, "name", params[NAME].text);
	}
	if (r == 0 && params[LABEL].given) {
		key->label = subject_str(params[LABEL].text);
		r = check_text(call, "label", params[LABEL].text);
	}
	return r;
}

static int read_environment(struct call *call, struct store_key *key)
{
	const struct wire_value *value = &call->params[ENVIRONMENT];
	const struct pol_environment *environments;
	size_t count = pol_snapshot_environments(call->snapshot, &environments);
	uint32_t number = 0;

	if (value->given) {
		number = pol_snapshot_environment(call->snapshot, subject_str(value->text));
	}
	if (number >= count) {
		return call_invalid(call, "environment", "the policy declares no such one");
	}
	if (environments[number].prefix.len > SECRET_MAX_PREFIX ||
		environments[number].name.len > STORE_MAX_NAME) {
		return call_invalid(call, "environment",
			"its prefix is longer than %d bytes: shorten it in the policy",
			SECRET_MAX_PREFIX);
	}
	key->environment = environments[number].name;
	key->prefix = environments[number].prefix;
	return 0;
}

static int read_lifetime(struct call *call, struct store_key *key)
{
	const struct wire_value *params = call->params;
	uint64_t ttl = pol_snapshot_limits(call->snapshot)->key_ttl;

	key->created_at = call->now;
	if (params[NOT_BEFORE].given) {
		key->not_before = params[NOT_BEFORE].integer;
	}
	if (params[EXPIRES_AT].given && params[EXPIRES_IN].given) {
		return call_invalid(call, "expires_at", "give either expires_in or expires_at");
	}
	if (params[EXPIRES_AT].given) {
		key->expires_at = params[EXPIRES_AT].integer;
	} else if (params[EXPIRES_IN].given) {
		key->expires_at = call->now + params[EXPIRES_IN].integer;
	} else if (ttl != 0) {
		key->expires_at = call->now + (int64_t)ttl;
	}
	if (params[EXPIRES_AT].given && key->expires_at <= call->now) {
		return call_invalid(call, "expires_at", "is past");
	}
	if (key->expires_at > WIRE_MAX_TIME) {
		return call_invalid(call, "expires_in", "reaches beyond the year 9999");
	}
	return keys_check_lifetime(
		call, key, params[EXPIRES_AT].given ? "expires_at" : "expires_in");
}

static int read_schedule(struct call *call, struct store_key *key)
{
	const struct wire_value *value = &call->params[ROTATE_EVERY];
	struct secret_rules_change change = {
		.secrets = store_secrets(call->context->store),
		.now = call->now,
		.max_overlap = (int64_t)pol_snapshot_limits(call->snapshot)->rotation_max_overlap,
	};

	if (!value->given) {
		return 0;
	}
	secret_rules_schedule(key, &change, value->integer);
	return keys_check_schedule(call, key);
}

static int check_principal(struct call *call, const struct store_key *key)
{
	struct store_principal principal;
	int r = store_get_principal(call->read, key->tenant, key->principal, &principal);

	if (r == -ENOENT && key->tenant == STORE_TENANT_DEFAULT &&
		pol_snapshot_principal(call->snapshot, key->principal) != POL_NONE) {
		return 0;
	}
	if (r == -ENOENT || r == -EBADMSG) {
		return call_error(call, "not_found", "there is no such principal");
	}
	if (r < 0) {
		return r;
	}
	if ((principal.flags & STORE_PRINCIPAL_NO_API) != 0) {
		return call_error(
			call, "conflict", "the principal may hold no keys: its api_access is off");
	}
	return 0;
}

int keys_check_new(struct call *call, struct new_key *new_key)
{
	struct store_key *key = &new_key->key;
	int r = actor_may(call, "keys", (struct pol_str){ NULL, 0 }, "create");

	if (r == 0) {
		r = read_binding(call, key);
	}
	if (r == 0) {
		r = read_texts(call, key);
	}
	if (r == 0) {
		r = read_lists(call, new_key);
	}
	if (r == 0) {
		r = read_environment(call, key);
	}
	if (r == 0) {
		r = read_lifetime(call, key);
	}
	if (r == 0) {
		r = read_schedule(call, key);
	}
	if (r == 0 && key->binding == POL_BOUND_TO_PRINCIPAL) {
		r = check_principal(call, key);
	}
	if (r == 0) {
		r = escalation_check_secret(call, key);
	}
	if (r == 0) {
		r = retry_begin(call, REQUEST_ID, pol_str_of(call->change->actor), &new_key->retry);
	}
	if (r == 0) {
		r = keys_check_count(call, key);
	}
	return r;
}

int keys_draw_id(struct call *call, struct new_key *new_key)
{
	struct store_key taken;
	int r;

	/* 65 bits are drawn at random: a second round is unlikely. */
	do {
		secret_token_make(new_key->key.prefix, new_key->token, &new_key->parts);
		r = store_get_key(call->read, new_key->parts.kid, &taken);
	} while (r == 0 || r == -EBADMSG);
	new_key->key.kid = new_key->parts.kid;
	return r == -ENOENT ? 0 : r;
}

int keys_save_new(struct call *call, struct new_key *new_key)
{
	struct store_key *key = &new_key->key;
	int r = custody_list(call, &new_key->receivers);

	if (r < 0) {
		return r;
	}
	store_key_set_pepper(
		key, STORE_KEY_PEPPER, secrets_pepper(store_secrets(call->context->store)));
	key->hash = new_key->hash;
	key->created_by = pol_str_of(call->change->actor);
	if (new_key->receivers.len > key->created_by.len) {
		key->rotation.received_by =
			(struct pol_str){ new_key->receivers.text, new_key->receivers.len };
	}
	return audit_create_key(call->change, key);
}

static int create(struct call *call, struct new_key *new_key)
{
	int r = keys_draw_id(call, new_key);

	if (r == 0) {
		secret_token_hash(
			store_secrets(call->context->store), &new_key->parts, false, new_key->hash);
		r = keys_save_new(call, new_key);
	}
	if (r == 0) {
		r = retry_end(call, &new_key->retry, new_key->key.kid, new_key->parts.whole);
	}
	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	return record_encode_key(call, &new_key->key, new_key->parts.whole);
}

int keys_create(struct call *call)
{
	struct new_key new_key;
	int r;

	memset(&new_key.key, 0, sizeof new_key.key);
	r = keys_check_new(call, &new_key);
	if (r != 0) {
		return r;
	}
	r = create(call, &new_key);
	secret_wipe(new_key.token, sizeof new_key.token);
	return r;
}
