/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/subject_internal.h"

#include <errno.h>
#include <string.h>

#include "daemon/keys/principal_cache.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/tend/pepper.h"
#include "daemon/tend/rotation.h"

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
static void take_tenant(struct call *call, uint32_t tenant, struct subject *subject)
{
	struct store_tenant record;

	subject->facts.tenant = tenant;
	subject->tenant = (struct pol_str){ 0 };
	subject->facts.tenant_inactive = true;
	if (store_get_tenant(call->read, tenant, &record) == 0) {
		subject->tenant = record.name;
		subject->facts.tenant_inactive = (record.flags & STORE_TENANT_DISABLED) != 0;
	}
}

enum pol_key_state subject_key_state(const struct store_key *key, int64_t now)
{
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return POL_KEY_REVOKED;
	}
	if ((key->flags & STORE_KEY_DISABLED) != 0 || now < key->not_before) {
		return POL_KEY_INACTIVE;
	}
	if ((key->expires_at != 0 && now >= key->expires_at) || secret_rules_live(key, now) == 0) {
		return POL_KEY_EXPIRED;
	}
	return POL_KEY_ACTIVE;
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
static bool is_wrong_environment(
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

static bool is_wrong_tenant(struct call *call, const struct subject_ask *ask, uint32_t tenant)
{
	if (!ask->has_tenant) {
		return tenant != STORE_TENANT_DEFAULT;
	}
	return !pol_str_equal(ask->tenant, POL_STR("*")) &&
	       subject_tenant(call, ask->tenant) != tenant;
}

/* --- the same work for every refusal ---------------------------------------------------------- */

/*
 * A token is judged in one order, whatever is wrong with it: its key's record or a dummy, its
 * tenant and its principal are looked up, then its secret is hashed and compared. No step is left
 * out because an earlier one failed, and none takes longer for a longer record: what refuses is
 * taken from records without a look at their tags, and only of a token that nothing refuses are the
 * tags checked. So the time of a refusal shows neither whether the key exists nor whether the
 * secret is right. tests/attack/token_clock.py measures it.
 */

/* Where there is no record, this takes the time in which one is found and decoded. */
static void spend_time_of_record(struct call *call)
{
	static const uint8_t dummy[128] = { 0 };
	uint8_t tag[SECRET_TAG];

	secret_tag(store_secrets(call->context->store), SECRET_RECORDS, dummy, sizeof dummy, tag);
}

static const uint8_t no_hash[STORE_HASH] = { 0 };
static const struct store_key no_key = {
	.tenant = STORE_TENANT_DEFAULT,
	.hash = no_hash,
};

/* A tenant has a record to look up and a tag to check, except the default one. */
static void spend_time_of_tenant(struct call *call)
{
	static const uint8_t dummy[64] = { 0 };
	struct store_tenant record;
	uint8_t tag[SECRET_TAG];

	(void)store_get_tenant(call->read, UINT32_MAX, &record);
	secret_tag(store_secrets(call->context->store), SECRET_RECORDS, dummy, sizeof dummy, tag);
}

/* What the principal's flags say, or that there is none; a dummy is looked up for other bindings.
 */
static void peek_principal(struct call *call, struct subject *subject)
{
	const struct store_key *key = &subject->key;
	bool bound = key->binding == POL_BOUND_TO_PRINCIPAL;
	struct pol_str id = bound ? key->principal : POL_STR("-");
	uint32_t flags = 0;
	int r = store_peek_principal(call->read, key->tenant, id, &flags);
	uint32_t declared = pol_snapshot_principal(call->snapshot, id);
	bool active = (flags & (STORE_PRINCIPAL_DISABLED | STORE_PRINCIPAL_NO_API)) == 0;

	if (r == -ENOENT && declared != POL_NONE && key->tenant == STORE_TENANT_DEFAULT) {
		r = 0;
	}
	subject->facts.principal_state = !bound   ? POL_PRINCIPAL_NONE
					 : r != 0 ? POL_PRINCIPAL_UNKNOWN
					 : active ? POL_PRINCIPAL_ACTIVE
						  : POL_PRINCIPAL_INACTIVE;
}

/* May the token be accepted if its secret is right? Looks at everything in any case. */
static bool judge(struct call *call, const struct subject_ask *ask, struct subject *subject,
	enum pol_key_state state)
{
	struct pol_facts *facts = &subject->facts;
	const struct store_key *key = &subject->key;

	facts->wrong_environment = is_wrong_environment(call, ask, key->environment);
	facts->wrong_tenant = is_wrong_tenant(call, ask, key->tenant);
	if (key->tenant == STORE_TENANT_DEFAULT) {
		spend_time_of_tenant(call);
	}
	take_tenant(call, key->tenant, subject);
	peek_principal(call, subject);
	return state == POL_KEY_ACTIVE && !facts->wrong_environment && !facts->wrong_tenant &&
	       !facts->tenant_inactive &&
	       (facts->principal_state == POL_PRINCIPAL_ACTIVE ||
		       facts->principal_state == POL_PRINCIPAL_NONE);
}

/* The key's state by the secret that was found. A secret that is over is refused as a wrong one is,
 * or, if nothing but its time ended it, as expired; either way it is worth an alarm, and touches
 * nothing else. */
static enum pol_key_state check_secret(
	struct call *call, struct subject *subject, enum key_secret found, enum pol_key_state state)
{
	const struct store_key *key = &subject->key;
	unsigned live = secret_rules_live(key, call->now);

	if (found == KEY_SECRET_WRONG || key->deleted_at != 0) {
		return POL_KEY_UNKNOWN;
	}
	if ((found & live) == 0) {
		rotation_dead(call->context->rotation, key);
	}
	if (found == KEY_SECRET_DEAD || (found == KEY_SECRET_OTHER && (found & live) == 0)) {
		return POL_KEY_UNKNOWN;
	}
	subject->verified = true;
	subject->by_other = found == KEY_SECRET_OTHER;
	return (found & live) == 0 && state == POL_KEY_ACTIVE ? POL_KEY_EXPIRED : state;
}

/* What was found of a presented token. */
struct found {
	enum pol_key_state state;
	bool acceptable; /* nothing refuses the key and what it is bound to */
};

/* Checks the tag of a record that nothing refuses, which takes as long as the record is. */
static void check_record(struct call *call, struct subject *subject,
	const struct store_unchecked *record, struct found *found)
{
	found->acceptable =
		found->acceptable && subject->verified && found->state == POL_KEY_ACTIVE;
	if (!found->acceptable) {
		return;
	}
	call->cost += (uint32_t)(record->size / SUBJECT_RECORD_BYTES);
	if (store_check_key(call->read, &subject->key, record) != 0) {
		subject->verified = false;
		found->acceptable = false;
	}
}

/* The record of a token of ours whose secret is right. */
static int find_own(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject, struct found *out)
{
	struct store_key *key = &subject->key;
	struct store_unchecked record;
	int r = store_peek_key(call->read, presented->token->kid, key, &record);
	bool known = r == 0;
	enum pol_key_state state;
	enum key_secret secret;
	unsigned live;

	if (r < 0 && r != -ENOENT && r != -EBADMSG) {
		return r;
	}
	if (!known) {
		spend_time_of_record(call);
		*key = no_key;
	}
	state = subject_key_state(key, call->now);
	live = secret_rules_live(key, call->now);
	out->acceptable = judge(call, ask, subject, state) && known;
	/* A token that was verified before is recognised without its hash, in less time, but not
	 * one that will be refused. */
	secret = usage_verify(
		call->context->usage, presented, known ? key : NULL, out->acceptable ? live : 0);
	if (!pol_str_equal(presented->token->prefix, key->prefix)) {
		secret = KEY_SECRET_WRONG;
	}
	out->state = check_secret(call, subject, secret, state);
	check_record(call, subject, &record, out);
	return 0;
}

/* One with a prefix of ours is never looked for among those that were made elsewhere. */
static bool may_be_imported(struct call *call, struct pol_str token)
{
	const struct pol_environment *environments;
	size_t count = pol_snapshot_environments(call->snapshot, &environments);

	for (size_t i = 0; i < count; i++) {
		struct pol_str prefix = environments[i].prefix;

		if (token.len >= prefix.len && memcmp(token.ptr, prefix.ptr, prefix.len) == 0) {
			return false;
		}
	}
	return token.len > 0;
}

static enum key_secret compare_import(
	const struct secrets *secrets, const struct store_key *key, const uint8_t *hash)
{
	const uint8_t *other = key->rotation.other_hash;
	bool current = secret_equal(hash, key->hash, SECRET_HASH);
	bool is_other = secret_equal(hash, other != NULL ? other : no_hash, SECRET_HASH);
	bool dead = secret_rules_is_dead(secrets, key, hash);

	if (current && (key->flags & STORE_KEY_IMPORTED) != 0) {
		return KEY_SECRET_CURRENT;
	}
	if (is_other && other != NULL && (key->flags & STORE_KEY_OTHER_IMPORTED) != 0) {
		return KEY_SECRET_OTHER;
	}
	return dead ? KEY_SECRET_DEAD : KEY_SECRET_WRONG;
}

/* The record of a token that was made elsewhere. */
static int find_imported(struct call *call, const struct subject_ask *ask, struct pol_str token,
	struct subject *subject, struct found *out)
{
	const struct secrets *secrets = store_secrets(call->context->store);
	struct store_key *key = &subject->key;
	struct store_unchecked record;
	uint8_t digest[SECRET_DIGEST], hash[SECRET_HASH];
	enum pol_key_state state;
	bool known;
	int r;

	secret_digest(token, digest);
	secret_import_hash(secrets, digest, false, hash);
	r = store_peek_key_by_hash(call->read, hash, key, &record);
	if (secrets_have_old(secrets) && (r == -ENOENT || r == -EBADMSG)) {
		secret_import_hash(secrets, digest, true, hash);
		r = store_peek_key_by_hash(call->read, hash, key, &record);
	}
	known = r == 0;
	if (known || r == -ENOENT || r == -EBADMSG) {
		r = 0;
		if (!known) {
			spend_time_of_record(call);
			*key = no_key;
		}
		state = subject_key_state(key, call->now);
		out->acceptable = judge(call, ask, subject, state) && known;
		out->state = check_secret(call, subject, compare_import(secrets, key, hash), state);
		check_record(call, subject, &record, out);
	}
	secret_wipe(digest, sizeof digest);
	secret_wipe(hash, sizeof hash);
	return r;
}

/* Only its token can give a secret its hash under the pepper in use. */
static void rehash(struct call *call, struct pol_str text, const struct subject *subject)
{
	const struct secrets *secrets = store_secrets(call->context->store);
	uint32_t imported = subject->by_other ? STORE_KEY_OTHER_IMPORTED : STORE_KEY_IMPORTED;
	uint8_t digest[SECRET_DIGEST], hash[SECRET_HASH];
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
	pepper_move(call->context->pepper, &subject->key, subject->by_other, hash);
	secret_wipe(hash, sizeof hash);
}

/* The record of a token whose secret is right. facts.key_state says how it stands, else why not.
 * presented: NULL where the token does not even split. */
static int find_key(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject, struct found *out)
{
	struct pol_str text = ask->token, bare = secret_token_bare(text);
	bool sound;
	int r = 0;

	*out = (struct found){ .state = POL_KEY_UNKNOWN };
	if (text.len > SUBJECT_MAX_TOKEN) {
		out->state = POL_KEY_MALFORMED;
		return 0;
	}
	if (presented != NULL) {
		r = find_own(call, ask, presented, subject, out);
	}
	if (r < 0 || out->acceptable) {
		return r;
	}
	/* What is accepted is sound, so only the others are looked at whole. */
	sound = presented != NULL && secret_token_is_sound(presented->token);
	if (may_be_imported(call, bare) && !subject->verified) {
		r = find_imported(call, ask, bare, subject, out);
	}
	if (!subject->verified) {
		out->state = sound ? POL_KEY_UNKNOWN : POL_KEY_MALFORMED;
	}
	return r;
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
	take_tenant(call, subject->key.tenant, subject);
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
		is_wrong_environment(call, ask, known.environment) ||
		!principal_cache_recall(call->context->principal_cache, known.principal,
			call->serial, &state, &subject->principal_name) ||
		is_wrong_tenant(call, ask, subject->principal_name.tenant)) {
		return false;
	}
	take_known(call, presented, &known, subject);
	subject_take_state(subject, &state);
	if (subject->facts.principal_state == POL_PRINCIPAL_ACTIVE &&
		!subject->facts.tenant_inactive) {
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

/* The long way, apart so that the short one needs no room for it. presented: NULL where the token
 * does not even split. */
__attribute__((noinline)) static int look_up_key(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject)
{
	struct found found;
	int r = find_key(call, ask, presented, subject, &found);

	if (r < 0 || !subject->verified) {
		take_nothing(call, subject, found.state);
		return r;
	}
	subject->facts.key_state = found.state;
	if (!found.acceptable) {
		take_refused(subject);
		return 0;
	}
	if (pepper_is_old(call->context->pepper, &subject->key, subject->by_other)) {
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

	if (ask->token.len > SUBJECT_MAX_TOKEN || !secret_token_split(ask->token, &token)) {
		return look_up_key(call, ask, NULL, subject);
	}
	usage_token_make(call->context->usage, &token, call->view, &presented);
	return recall_key(call, ask, &presented, subject)
		       ? 0
		       : look_up_key(call, ask, &presented, subject);
}

/* Is it a service of another tenant, or of an environment that is not there? Principals of the
 * files are of neither. */
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

	if (!pol_peer_any(call->snapshot) || !peer->known ||
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
	facts->principal = pol_snapshot_principal_id(call->snapshot, declared);
	facts->principal_state = POL_PRINCIPAL_ACTIVE;
	take_tenant(call, STORE_TENANT_DEFAULT, subject);
	facts->held_count = (uint32_t)pol_snapshot_principal_held(
		call->snapshot, declared, call->now, subject->held);
	facts->held = subject->held;
}

int subject_gather(struct call *call, const struct subject_ask *ask, struct subject *out)
{
	uint32_t tenant = STORE_TENANT_DEFAULT;

	begin_gathering(call, out);
	if (ask->has_token) {
		return gather_key(call, ask, out);
	}
	if (!ask->has_principal) {
		gather_peer(call, ask, out);
		return 0;
	}
	if (ask->has_tenant && !pol_str_equal(ask->tenant, POL_STR("*"))) {
		tenant = subject_tenant(call, ask->tenant);
	}
	/* A principal is of no environment; but one that is not there is nobody's. */
	out->facts.wrong_environment =
		ask->has_environment && !pol_str_equal(ask->environment, POL_STR("*")) &&
		pol_snapshot_environment(call->snapshot, ask->environment) == POL_NONE;
	take_tenant(call, tenant, out);
	return subject_take_principal(call, tenant, ask->principal, out);
}
