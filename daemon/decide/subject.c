/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/subject_internal.h"

#include "daemon/keys/principal_cache.h"
#include "daemon/keys/usage.h"
#include "daemon/tend/pepper.h"

bool subject_same(const struct subject_ask *a, const struct subject_ask *b)
{
	return a->has_token == b->has_token && a->has_principal == b->has_principal &&
	       a->has_environment == b->has_environment && a->has_tenant == b->has_tenant &&
	       pol_str_equal(a->token, b->token) && pol_str_equal(a->principal, b->principal) &&
	       pol_str_equal(a->environment, b->environment) && pol_str_equal(a->tenant, b->tenant);
}

struct pol_str subject_tenant_name(struct call *call, uint32_t tenant)
{
	struct store_tenant record;

	return store_get_tenant(call->read, tenant, &record) == 0 ? record.name
								  : (struct pol_str){ 0 };
}

uint32_t subject_tenant(struct call *call, struct pol_str name)
{
	struct store_tenant record;

	return store_find_tenant(call->read, name, &record) == 0 ? record.number : 0;
}

/* Which tenant it is, and whether that is on. */
void subject_take_tenant(struct call *call, uint32_t tenant, struct subject *subject)
{
	struct store_tenant record;

	subject->facts.tenant = tenant;
	subject->tenant = (struct pol_str){ 0 };
	subject->facts.tenant_inactive = true;
	if (store_get_tenant(call->read, tenant, &record) == 0) {
		subject->tenant = record.name;
		subject->facts.tenant_name = record.name;
		subject->facts.tenant_inactive = (record.flags & STORE_TENANT_DISABLED) != 0;
	}
}

static void begin_gathering(struct call *call, struct subject *subject)
{
	/* The arrays are filled as far as the counts say, and not cleared for each request. */
	subject->facts = (struct pol_facts){ .now = call->now };
	subject->verified = false;
	subject->known_principal = false;
	subject->by_other = false;
	subject->place_count = 0;
	subject->place_bytes = 0;
	subject->principal_ref = PRINCIPAL_REF_NONE;
	subject->tenant = (struct pol_str){ 0 };
}

/* --- keys ------------------------------------------------------------------------------------- */

/* An environment that the policy does not declare is nobody's, not even for `*`. */
bool subject_in_wrong_environment(
	struct call *call, const struct subject_ask *ask, struct pol_str environment)
{
	const struct pol_environment *environments;

	if (ask->has_environment && pol_str_equal(ask->environment, POL_STR("*"))) {
		return pol_snapshot_environment(call->snapshot, environment) == POL_NONE;
	}
	if (ask->has_environment) {
		return !pol_str_equal(ask->environment, environment) ||
		       pol_snapshot_environment(call->snapshot, environment) == POL_NONE;
	}
	return pol_snapshot_environments(call->snapshot, &environments) == 0 ||
	       !pol_str_equal(environments[0].name, environment);
}

bool subject_in_wrong_tenant(struct call *call, const struct subject_ask *ask, uint32_t tenant)
{
	if (!ask->has_tenant) {
		return tenant != STORE_TENANT_DEFAULT;
	}
	return !pol_str_equal(ask->tenant, POL_STR("*")) &&
	       subject_tenant(call, ask->tenant) != tenant;
}

/* The environment that the request is in: the one that the service names, or the policy's first; of
 * a service of any, that of the key. */
static struct pol_str environment_of(
	struct call *call, const struct subject_ask *ask, const struct subject *subject)
{
	const struct pol_environment *environments;

	if (ask->has_environment && !pol_str_equal(ask->environment, POL_STR("*"))) {
		return ask->environment;
	}
	if (ask->has_environment) {
		return subject->verified ? subject->key.environment : (struct pol_str){ 0 };
	}
	return pol_snapshot_environments(call->snapshot, &environments) > 0 ? environments[0].name
									    : (struct pol_str){ 0 };
}

/* --- what is known of a key ------------------------------------------------------------------- */

static void take_known(struct call *call, const struct usage_token *presented,
	const struct key_known *known, struct subject *subject)
{
	struct pol_facts *facts = &subject->facts;

	facts->key_state = POL_KEY_ACTIVE;
	facts->key = presented->token->kid;
	facts->binding = POL_BOUND_TO_PRINCIPAL;
	facts->principal =
		(struct pol_str){ subject->principal_name.id, subject->principal_name.len };
	subject->verified = true;
	subject->key = (struct store_key){
		.kid = presented->token->kid,
		.number = known->number,
		.tenant = subject->principal_name.tenant,
		.binding = POL_BOUND_TO_PRINCIPAL,
		.expires_at = known->expires_at,
		.prefix = presented->token->prefix,
		.environment = known->environment,
		.principal = facts->principal,
		.rotation = { .generation = 1, .issued = 1 },
	};
	subject_take_tenant(call, subject->key.tenant, subject);
}

/* Fills the subject from what is known of the token's key and its principal, if the key is good
 * here and now. A token that will be refused takes the long way, in the time of a wrong one. */
static bool recall_key(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject)
{
	struct principal_state state;
	struct key_known known;

	if (!usage_recall(call->context->usage, presented, &known) ||
		(known.expires_at != 0 && call->now >= known.expires_at) ||
		subject_in_wrong_environment(call, ask, known.environment) ||
		!principal_cache_recall(call->context->principal_cache, known.principal,
			call->serial, &state, &subject->principal_name) ||
		subject_in_wrong_tenant(call, ask, subject->principal_name.tenant)) {
		return false;
	}
	take_known(call, presented, &known, subject);
	subject_take_state(subject, &state);
	if (subject->facts.principal_state == POL_PRINCIPAL_ACTIVE &&
		!subject->facts.tenant_inactive &&
		subject_take_all(call, subject->key.tenant, subject) == 0) {
		return true;
	}
	begin_gathering(call, subject);
	return false;
}

/* Nothing of it depends on more than key_known has? */
static bool is_plain(const struct store_key *key)
{
	const uint32_t peppers =
		UINT32_C(0xff) << STORE_KEY_PEPPER | UINT32_C(0xff) << STORE_KEY_OTHER_PEPPER;

	return key->binding == POL_BOUND_TO_PRINCIPAL && (key->flags & ~peppers) == 0 &&
	       key->not_before == 0 && key->deleted_at == 0 && key->scopes.count == 0 &&
	       key->places.count == 0 && key->network_count == 0 &&
	       key->rotation.other == STORE_OTHER_NONE && key->rotation.rotate_every == 0 &&
	       key->rotation.renew_by == 0;
}

static void remember_key(
	struct call *call, const struct usage_token *presented, const struct subject *subject)
{
	const struct store_key *key = &subject->key;
	const struct key_known known = {
		.number = key->number,
		.expires_at = key->expires_at,
		.environment = key->environment,
		.pepper = store_key_pepper(key, STORE_KEY_PEPPER),
		.principal = subject->principal_ref,
	};

	if (!subject->by_other && is_plain(key)) {
		usage_remember(call->context->usage, presented, &known);
	}
}

/* What an answer and a log say of a token that is refused although its secret is right. */
static void take_refused(struct subject *subject)
{
	const struct store_key *key = &subject->key;
	struct pol_facts *facts = &subject->facts;

	facts->key = key->kid;
	facts->tenant = key->tenant;
	facts->binding = (enum pol_binding)key->binding;
	facts->principal =
		facts->binding == POL_BOUND_TO_PRINCIPAL ? key->principal : (struct pol_str){ 0 };
	subject->known_principal = facts->principal_state == POL_PRINCIPAL_ACTIVE ||
				   facts->principal_state == POL_PRINCIPAL_INACTIVE;
}

static void take_nothing(struct call *call, struct subject *subject, enum pol_key_state state)
{
	begin_gathering(call, subject);
	subject->facts.key_state = state;
}

/* Only its token can give a secret its hash under the pepper in use. */
static void rehash(struct call *call, struct pol_str text, const struct subject *subject)
{
	const struct secrets *secrets = store_secrets(call->context->store);
	uint32_t imported = subject->by_other ? STORE_KEY_OTHER_IMPORTED : STORE_KEY_IMPORTED;
	uint8_t digest[SECRET_DIGEST], hash[SECRET_HASH], number = secrets_pepper(secrets);
	struct secret_token token;

	if ((subject->key.flags & imported) != 0) {
		secret_digest(secret_token_bare(text), digest);
		secret_import_hash(secrets, digest, false, hash);
		secret_wipe(digest, sizeof digest);
	} else if (secret_token_split(text, &token)) {
		secret_token_hash(secrets, &token, false, hash);
	} else {
		return;
	}
	pepper_move(call->context->pepper, &subject->key, subject->by_other, number, hash);
	secret_wipe(hash, sizeof hash);
}

/* The long way, apart so that the short one needs no room for it. presented: NULL where the token
 * does not even split. */
__attribute__((noinline)) static int look_up_key(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject)
{
	struct subject_found found;
	int r = ask->by_id ? subject_find_by_id(call, ask, subject, &found)
			   : subject_find_key(call, ask, presented, subject, &found);

	if (r < 0 || !subject->verified) {
		take_nothing(call, subject, found.state);
		return r;
	}
	subject->facts.key_state = found.state;
	if (!found.acceptable) {
		take_refused(subject);
		return 0;
	}
	if (!ask->by_id && pepper_is_old(call->context->pepper, &subject->key, subject->by_other)) {
		rehash(call, ask->token, subject);
	}
	r = subject_take_key(call, subject);
	if (r == 0 && presented != NULL) {
		remember_key(call, presented, subject);
	}
	return r;
}

static int gather_key(struct call *call, const struct subject_ask *ask, struct subject *subject)
{
	struct usage_token presented;
	struct secret_token token;

	if (ask->by_id || ask->token.len > SUBJECT_MAX_TOKEN ||
		!secret_token_split(ask->token, &token)) {
		return look_up_key(call, ask, NULL, subject);
	}
	usage_token_make(call->context->usage, &token, call->view, &presented);
	return recall_key(call, ask, &presented, subject)
		       ? 0
		       : look_up_key(call, ask, &presented, subject);
}

/* Does the request name another tenant than the default one, or an environment that the policy
 * lacks? A principal of the policy's files is of neither. */
static bool is_other_tenant_or_environment(struct call *call, const struct subject_ask *ask)
{
	return (ask->has_tenant && !pol_str_equal(ask->tenant, POL_STR("*")) &&
		       subject_tenant(call, ask->tenant) != STORE_TENANT_DEFAULT) ||
	       (ask->has_environment && !pol_str_equal(ask->environment, POL_STR("*")) &&
		       pol_snapshot_environment(call->snapshot, ask->environment) == POL_NONE);
}

/* The request names no principal: the kernel's peer may be one of those that the files declare. */
static void gather_peer(struct call *call, const struct subject_ask *ask, struct subject *subject)
{
	const struct peer *peer = call->peer;
	struct pol_facts *facts = &subject->facts;
	uint32_t groups[PEER_GROUPS + 1];
	uint32_t declared;

	if (ask->no_peer || !pol_peer_any(call->snapshot) || !peer->known ||
		is_other_tenant_or_environment(call, ask)) {
		return;
	}
	groups[0] = peer->gid;
	for (size_t i = 0; i < peer->group_count; i++) {
		groups[i + 1] = peer->groups[i];
	}
	declared = pol_peer_find(call->snapshot, peer->uid, groups, peer->group_count + 1);
	if (declared == POL_NONE) {
		return;
	}
	facts->by_peer = true;
	facts->declared = true;
	facts->principal_kind = POL_KIND_SERVICE;
	facts->principal = pol_snapshot_principal_id(call->snapshot, declared);
	facts->principal_state = POL_PRINCIPAL_ACTIVE;
	subject_take_tenant(call, STORE_TENANT_DEFAULT, subject);
	facts->held_count = (uint32_t)pol_snapshot_principal_held(
		call->snapshot, declared, call->now, subject->held);
	facts->held = subject->held;
	facts->attributes = pol_snapshot_principal_attributes(call->snapshot, declared);
}

/* The tenant whose roles for every caller one without a token has: the one that the service serves.
 * 0: it serves any, that tenant is not there, or it is disabled. */
static uint32_t tenant_of_caller(struct call *call, const struct subject_ask *ask)
{
	struct store_tenant record;

	if (!ask->has_tenant) {
		return STORE_TENANT_DEFAULT;
	}
	return store_find_tenant(call->read, ask->tenant, &record) == 0 &&
			       (record.flags & STORE_TENANT_DISABLED) == 0
		       ? record.number
		       : 0;
}

static int gather_without_token(
	struct call *call, const struct subject_ask *ask, struct subject *subject)
{
	int r = 0;

	gather_peer(call, ask, subject);
	if (!store_has_everyone(call->context->store)) {
		return 0;
	}
	if (subject->facts.by_peer) {
		r = subject_take_everyone(
			call, subject->facts.tenant, STORE_EVERY_PRINCIPAL, subject);
	}
	return r < 0 ? r
		     : subject_take_everyone(
			       call, tenant_of_caller(call, ask), STORE_EVERY_CALLER, subject);
}

static int gather_principal(struct call *call, const struct subject_ask *ask, struct subject *out)
{
	uint32_t tenant = STORE_TENANT_DEFAULT;

	if (ask->has_tenant && !pol_str_equal(ask->tenant, POL_STR("*"))) {
		tenant = subject_tenant(call, ask->tenant);
	}
	/* A principal is of no environment; but one that is not there is nobody's. */
	out->facts.wrong_environment =
		ask->has_environment && !pol_str_equal(ask->environment, POL_STR("*")) &&
		pol_snapshot_environment(call->snapshot, ask->environment) == POL_NONE;
	subject_take_tenant(call, tenant, out);
	if (store_is_everyone(ask->principal)) {
		out->facts.principal = ask->principal;
		out->facts.principal_state = POL_PRINCIPAL_UNKNOWN;
		return 0;
	}
	return subject_take_principal(call, tenant, ask->principal, out);
}

int subject_gather(struct call *call, const struct subject_ask *ask, struct subject *out)
{
	int r = 0;

	begin_gathering(call, out);
	if (ask->has_token) {
		r = gather_key(call, ask, out);
	} else if (ask->has_principal) {
		r = gather_principal(call, ask, out);
	} else {
		r = gather_without_token(call, ask, out);
	}
	out->facts.environment = environment_of(call, ask, out);
	return r;
}
