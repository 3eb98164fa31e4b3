/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.rotate, .finish, .prolong, .rollback and .renew: authority and conditions. The rules of a
 * key's secrets are in keys/secret_rules.h.
 */
#include "daemon/manage/keys/rotate.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/decide/actor.h"
#include "daemon/decide/subject.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/manage/check.h"
#include "daemon/manage/custody.h"
#include "daemon/manage/escalation.h"
#include "daemon/manage/keys/keys.h"
#include "daemon/manage/record.h"
#include "daemon/manage/retry.h"
#include "daemon/write/audit.h"
#include "policy/text/timetext.h"

enum rotate_field { ID, MODE, OVERLAP, FINISH_OLD, REQUEST_ID };

const struct wire_field keys_rotate_fields[KEYS_ROTATE_FIELDS] = {
	[ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[MODE] = WIRE_FIELD("mode", WIRE_KIND_TEXT, 0),
	[OVERLAP] = WIRE_FIELD("overlap", WIRE_KIND_DURATION, 0),
	[FINISH_OLD] = WIRE_FIELD("finish_old", WIRE_KIND_BOOL, 0),
	[REQUEST_ID] = WIRE_FIELD("request_id", WIRE_KIND_TEXT, 0),
};

enum prolong_field { PROLONG_ID, PROLONG_OVERLAP };

const struct wire_field keys_prolong_fields[KEYS_PROLONG_FIELDS] = {
	[PROLONG_ID] = WIRE_FIELD("id", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[PROLONG_OVERLAP] = WIRE_FIELD("overlap", WIRE_KIND_DURATION, WIRE_REQUIRED),
};

enum renew_field { RENEW_TOKEN, RENEW_REQUEST_ID };

const struct wire_field keys_renew_fields[KEYS_RENEW_FIELDS] = {
	[RENEW_TOKEN] = WIRE_FIELD("token", WIRE_KIND_TEXT, WIRE_REQUIRED),
	[RENEW_REQUEST_ID] = WIRE_FIELD("request_id", WIRE_KIND_TEXT, 0),
};

/* One change, and the memory that the changed record points to. */
struct rotating {
	struct store_key key;
	char kid[STORE_KID];
	struct secret_rules_change change;
	struct secret_rules_next next;
	struct secret_rules_buffer room;
	struct custody_text receivers;
	struct retry retry;
	struct secret_token parts;
	char token[SECRET_MAX_TOKEN];
	uint8_t hash[SECRET_HASH];
};

/* Prepares a change of rotating->key. */
static void begin(struct call *call, struct rotating *rotating)
{
	memcpy(rotating->kid, rotating->key.kid.ptr, STORE_KID);
	rotating->change = (struct secret_rules_change){
		.secrets = store_secrets(call->context->store),
		.now = call->now,
		.max_overlap = (int64_t)pol_snapshot_limits(call->snapshot)->rotation_max_overlap,
	};
}

/* Answers with the stored record; views into the old one are invalid now. */
static int answer(struct call *call, const struct rotating *rotating, struct pol_str secret)
{
	struct store_key key;
	int r = store_get_key(
		call->read, (struct pol_str){ rotating->kid, sizeof rotating->kid }, &key);

	if (r < 0) {
		return r;
	}
	wire_put_result(call->out, call->id);
	return record_encode_key(call, &key, secret);
}

static int save(struct call *call, const struct rotating *rotating)
{
	int r = audit_update_key(call->change, &rotating->key);

	return r < 0 ? r : answer(call, rotating, (struct pol_str){ NULL, 0 });
}

/* Makes the new secret, stores its hash, and answers with it. */
static int issue(struct call *call, struct rotating *rotating)
{
	struct store_key *key = &rotating->key;
	struct pol_str kid = { rotating->kid, sizeof rotating->kid };
	int r;

	if (key->prefix.len > SECRET_MAX_PREFIX) {
		return -E2BIG;
	}
	secret_token_renew(key->prefix, kid, rotating->token, &rotating->parts);
	secret_token_hash(rotating->change.secrets, &rotating->parts, false, rotating->hash);
	rotating->next.hash = rotating->hash;
	secret_rules_rotate(key, &rotating->change, &rotating->next, &rotating->room);
	r = audit_update_key(call->change, key);
	if (r == 0) {
		r = retry_end(call, &rotating->retry, kid, rotating->parts.whole);
	}
	if (r == 0) {
		r = answer(call, rotating, rotating->parts.whole);
	}
	secret_wipe(rotating->token, sizeof rotating->token);
	return r;
}

static const char *time_text(int64_t time, char text[static POL_TIME_TEXT])
{
	if (pol_timetext_format(time, text) != POL_OK) {
		text[0] = '\0';
	}
	return text;
}

/* --- by a manager ----------------------------------------------------------------------------- */

static int check_state(struct call *call, const struct store_key *key)
{
	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return call_error(call, "conflict", "the key is revoked, for ever: create another");
	}
	if (key->expires_at != 0 && call->now >= key->expires_at) {
		return call_error(call, "conflict",
			"the key has expired: give it a later expiry first, or create another");
	}
	return 0;
}

/* As the policy spells it: 30d, 36h. */
static const char *duration_text(int64_t seconds, char *out, size_t size)
{
	static const struct {
		int64_t seconds;
		char unit;
	} units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	while (seconds % units[i].seconds != 0) {
		i++;
	}
	snprintf(out, size, "%lld%c", (long long)(seconds / units[i].seconds), units[i].unit);
	return out;
}

static int read_mode(struct call *call, struct rotating *rotating)
{
	const struct wire_value *mode = &call->params[MODE], *overlap = &call->params[OVERLAP];
	struct secret_rules_next *next = &rotating->next;

	next->mode = ROTATION_OVERLAP;
	next->overlap = (int64_t)pol_snapshot_limits(call->snapshot)->rotation_overlap;
	if (mode->given && wire_str_equal(mode->text, WIRE_STR("confirm"))) {
		next->mode = ROTATION_CONFIRM;
	} else if (mode->given && wire_str_equal(mode->text, WIRE_STR("immediate"))) {
		next->mode = ROTATION_IMMEDIATE;
	} else if (mode->given && !wire_str_equal(mode->text, WIRE_STR("overlap"))) {
		return call_invalid(call, "mode", "must be overlap, confirm or immediate");
	}
	if (!overlap->given) {
		return 0;
	}
	if (next->mode == ROTATION_IMMEDIATE) {
		return call_invalid(call, "overlap",
			"must be left out in mode immediate: the old secret ends at once");
	}
	if (overlap->integer > rotating->change.max_overlap) {
		char longest[32];

		return call_invalid(call, "overlap",
			"is longer than the policy's rotation_max_overlap, %s",
			duration_text(rotating->change.max_overlap, longest, sizeof longest));
	}
	next->overlap = overlap->integer;
	return 0;
}

/* A key has at most two secrets. */
static int check_other(struct call *call, const struct store_key *key, bool finish_old)
{
	char text[POL_TIME_TEXT];
	enum store_other other = secret_rules_other(key, call->now);

	if (other == STORE_OTHER_NONE || finish_old) {
		return 0;
	}
	time_text(key->rotation.other_until, text);
	if (other == STORE_OTHER_PENDING) {
		return call_error(call, "conflict",
			"a new secret waits for its first use until %s: roll that back first, or "
			"give finish_old to drop it",
			text);
	}
	return call_error(call, "conflict",
		"the former secret is valid until %s: finish that first, or give finish_old to "
		"end it now",
		text);
}

static int check_rotate(struct call *call, struct rotating *rotating)
{
	const struct wire_value *finish = &call->params[FINISH_OLD];
	struct store_key *key = &rotating->key;
	int r = keys_open(call, "rotate", key);

	if (r == 0) {
		begin(call, rotating);
		r = read_mode(call, rotating);
	}
	if (r == 0) {
		r = custody_list(call, &rotating->receivers);
		rotating->next.received_by =
			(struct pol_str){ rotating->receivers.text, rotating->receivers.len };
	}
	if (r == 0) {
		r = escalation_check_secret(call, key);
	}
	if (r == 0) {
		r = retry_begin(
			call, REQUEST_ID, pol_str_of(call->change->actor), &rotating->retry);
	}
	if (r == 0) {
		r = check_state(call, key);
	}
	if (r == 0) {
		r = check_other(call, key, finish->given && finish->boolean);
	}
	if (r == 0) {
		r = keys_check_secrets(
			call, key, rotating->next.mode == ROTATION_IMMEDIATE ? 1 : 2);
	}
	return r;
}

int keys_rotate(struct call *call)
{
	struct rotating rotating;
	int r = check_rotate(call, &rotating);

	return r != 0 ? r : issue(call, &rotating);
}

/* Opens a key that is being rotated: its former secret is still valid or, with `or_pending`, its
 * new one was not used yet. */
static int open_rotating(struct call *call, bool or_pending, struct rotating *rotating)
{
	enum store_other other;
	int r = keys_open(call, "rotate", &rotating->key);

	if (r == 0) {
		begin(call, rotating);
		r = check_state(call, &rotating->key);
	}
	if (r != 0) {
		return r;
	}
	other = secret_rules_other(&rotating->key, call->now);
	if (other == STORE_OTHER_PENDING && !or_pending) {
		return call_error(call, "conflict",
			"the new secret was never used, so the present one is not retiring: roll "
			"the rotation back, or rotate in mode immediate with finish_old");
	}
	if (other == STORE_OTHER_NONE) {
		return call_error(
			call, "conflict", "the key has one secret: no rotation is under way");
	}
	return 0;
}

int keys_finish(struct call *call)
{
	struct rotating rotating;
	int r = open_rotating(call, false, &rotating);

	if (r != 0) {
		return r;
	}
	secret_rules_finish(&rotating.key, &rotating.change, &rotating.room);
	return save(call, &rotating);
}

int keys_rollback(struct call *call)
{
	struct rotating rotating;
	int r = open_rotating(call, true, &rotating);

	if (r == 0) {
		r = escalation_check_key(call, NULL, &rotating.key);
	}
	if (r != 0) {
		return r;
	}
	secret_rules_rollback(&rotating.key, &rotating.change, &rotating.room);
	return save(call, &rotating);
}

static int check_prolong(struct call *call, struct rotating *rotating)
{
	char text[POL_TIME_TEXT];
	int64_t until = call->now + call->params[PROLONG_OVERLAP].integer, longest;
	int r = open_rotating(call, false, rotating);

	if (r == 0) {
		r = escalation_check_key(call, NULL, &rotating->key);
	}
	if (r != 0) {
		return r;
	}
	longest = secret_rules_latest_end(&rotating->key, &rotating->change);
	if (until > longest) {
		return call_invalid(call, "overlap",
			"reaches beyond %s, where the policy's rotation_max_overlap ends the "
			"secret",
			time_text(longest, text));
	}
	if (until < rotating->key.rotation.other_until) {
		return call_invalid(call, "overlap",
			"ends before %s, until which the secret is valid already: finish it "
			"instead",
			time_text(rotating->key.rotation.other_until, text));
	}
	rotating->key.rotation.other_until = until;
	return 0;
}

int keys_prolong(struct call *call)
{
	struct rotating rotating;
	int r = check_prolong(call, &rotating);

	return r != 0 ? r : save(call, &rotating);
}

/* --- by the holder ---------------------------------------------------------------------------- */

static int check_due(struct call *call, const struct store_key *key)
{
	char text[POL_TIME_TEXT];

	if (key->rotation.rotate_every == 0) {
		return call_error(
			call, "conflict", "the key has no schedule: there is nothing to renew");
	}
	if (!secret_rules_is_due(key, call->now)) {
		return call_error(call, "conflict", "the key is not due before %s",
			time_text(key->rotation.next_rotation_at, text));
	}
	return check_other(call, key, false);
}

static int check_renew(struct call *call, struct rotating *rotating)
{
	char actor[STORE_KID + sizeof "key:"];
	struct subject subject;
	int r = actor_find_holder(call, &subject);

	if (r != 0) {
		return r;
	}
	rotating->key = subject.key;
	begin(call, rotating);
	rotating->next.mode = ROTATION_CONFIRM;
	/* The new secret is for the one that has the current one. */
	rotating->next.received_by = rotating->key.rotation.received_by;
	rotating->next.overlap = (int64_t)pol_snapshot_limits(call->snapshot)->rotation_overlap;
	snprintf(actor, sizeof actor, "key:%.*s", STORE_KID, rotating->kid);
	r = retry_begin(call, RENEW_REQUEST_ID, pol_str_of(actor), &rotating->retry);
	if (r == 0) {
		r = check_due(call, &rotating->key);
	}
	return r == 0 ? keys_check_secrets(call, &rotating->key, 2) : r;
}

int keys_renew(struct call *call)
{
	struct rotating rotating = { 0 };
	int r = check_renew(call, &rotating);

	return r != 0 ? r : issue(call, &rotating);
}
