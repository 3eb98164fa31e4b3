/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject_internal.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/store/shared.h"
#include "daemon/tend/rotation.h"

/*
 * A token is judged in one order, whatever is wrong with it: its key's record or a dummy, its
 * tenant and its principal are looked up, then its secret is hashed and compared. No step is left
 * out because an earlier one failed, and none takes longer for a longer record: what refuses is
 * taken from records without a look at their tags, and only of a token that nothing refuses are the
 * tags checked. So the time of a refusal shows neither whether the key exists nor whether the
 * secret is right. tests/attack/token_clock.py measures it.
 */

/* What a mark makes of a state. One that cannot be read disables. */
__attribute__((noinline)) static enum pol_key_state apply_mark(
	struct call *call, struct pol_str kid, enum pol_key_state state)
{
	struct store_mark mark;
	int r = store_get_mark(call->read, kid, &mark);

	if (r == -ENOENT || state == POL_KEY_REVOKED) {
		return state;
	}
	return r == 0 && mark.what == STORE_MARK_REVOKE ? POL_KEY_REVOKED : POL_KEY_INACTIVE;
}

/* By the id that was presented, so that it takes the same time for a key that is not there. */
static inline enum pol_key_state state_of(
	struct call *call, struct pol_str kid, const struct store_key *key)
{
	enum pol_key_state state = secret_rules_state(key, call->now);

	return store_has_marks(call->context->store) ? apply_mark(call, kid, state) : state;
}

enum pol_key_state subject_marked_state(struct call *call, const struct store_key *key)
{
	return state_of(call, key->kid, key);
}

/* Where there is no record, this takes the time in which one is found and decoded. */
static void spend_time_of_record(struct call *call)
{
	static const uint8_t dummy[128] = { 0 };
	uint8_t tag[SECRET_TAG];

	secret_tag(store_secrets(call->context->store), SECRET_RECORDS, dummy, sizeof dummy, tag);
}

static const uint8_t no_hash[STORE_HASH] = { 0 };
static const struct pol_str dummy_kid = { "----------------------------------------", STORE_KID };
_Static_assert(STORE_KID <= 40, "the id of no key is as long as one");
static const struct store_key no_key = {
	.tenant = STORE_TENANT_DEFAULT,
	.hash = no_hash,
};

/* A tenant has a record to look up, a tag to check and a name to decode, except the default one.
 * The dummy is longer than most records by what takes as long as the decoding. */
static void spend_time_of_tenant(struct call *call)
{
	static const uint8_t dummy[96] = { 0 };
	struct store_tenant record;
	uint8_t tag[SECRET_TAG];

	(void)store_get_tenant(call->read, UINT32_MAX, &record);
	secret_tag(store_secrets(call->context->store), SECRET_RECORDS, dummy, sizeof dummy, tag);
}

/* Where no key is found or the secret is wrong, nothing is counted (rotation_dead does for a dead
 * one): this takes the time in which the refusal of a key is. */
static void spend_time_of_count(struct call *call)
{
	static const struct pol_ip nowhere = { .known = false };
	const struct usage_event event = { .now = call->now, .ip = &nowhere, .denied = true };

	usage_spend(call->context->usage, &event);
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

	facts->wrong_environment = subject_in_wrong_environment(call, ask, key->environment);
	facts->wrong_tenant = subject_in_wrong_tenant(call, ask, key->tenant);
	if (key->tenant == STORE_TENANT_DEFAULT) {
		spend_time_of_tenant(call);
	}
	subject_take_tenant(call, key->tenant, subject);
	peek_principal(call, subject);
	return state == POL_KEY_ACTIVE && !facts->wrong_environment && !facts->wrong_tenant &&
	       !facts->tenant_inactive &&
	       (facts->principal_state == POL_PRINCIPAL_ACTIVE ||
		       facts->principal_state == POL_PRINCIPAL_NONE);
}

/* The key's state by the secret that was found. A secret that has ended is refused like a wrong one
 * or, if only its time ended it, as expired. Either way it raises an alarm and changes nothing
 * else. */
static enum pol_key_state check_secret(
	struct call *call, struct subject *subject, enum key_secret found, enum pol_key_state state)
{
	const struct store_key *key = &subject->key;
	unsigned live = secret_rules_live(key, call->now);

	if (found == KEY_SECRET_WRONG || key->deleted_at != 0) {
		spend_time_of_count(call);
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

/* Checks the tag of a record that nothing refuses, which takes as long as the record is. */
static void check_record(struct call *call, struct subject *subject,
	const struct store_unchecked *record, struct subject_found *found)
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
	const struct usage_token *presented, struct subject *subject, struct subject_found *out)
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
	state = state_of(call, presented->token->kid, key);
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
	struct subject *subject, struct subject_found *out)
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
		state = state_of(call, known ? key->kid : dummy_kid, key);
		out->acceptable = judge(call, ask, subject, state) && known;
		out->state = check_secret(call, subject, compare_import(secrets, key, hash), state);
		check_record(call, subject, &record, out);
	}
	secret_wipe(digest, sizeof digest);
	secret_wipe(hash, sizeof hash);
	return r;
}

int subject_find_key(struct call *call, const struct subject_ask *ask,
	const struct usage_token *presented, struct subject *subject, struct subject_found *out)
{
	struct pol_str text = ask->token, bare = secret_token_bare(text);
	bool sound;
	int r = 0;

	*out = (struct subject_found){ .state = POL_KEY_UNKNOWN };
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

int subject_find_by_id(struct call *call, const struct subject_ask *ask, struct subject *subject,
	struct subject_found *out)
{
	struct store_key *key = &subject->key;
	bool current;
	int r = store_get_key(call->read, ask->token, key);

	*out = (struct subject_found){ .state = POL_KEY_UNKNOWN };
	if (r == -ENOENT || r == -EBADMSG) {
		return 0;
	}
	if (r < 0 || key->deleted_at != 0 || !actor_sees(call, key->tenant)) {
		return r;
	}
	current = (secret_rules_live(key, call->now) & KEY_SECRET_CURRENT) != 0;
	out->state = state_of(call, key->kid, key);
	out->state = !current && out->state == POL_KEY_ACTIVE ? POL_KEY_EXPIRED : out->state;
	out->acceptable = judge(call, ask, subject, out->state);
	subject->verified = true;
	return 0;
}
