/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorize and authorize_many: from a question (ask.h) to a decision, its counts, and the answer
 * (answer.h). What is decided, and in which order, is policy/decide/eval's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/answer.h"
#include "daemon/decide/ask.h"
#include "daemon/decide/authorize.h"
#include "daemon/decide/decision_note.h"
#include "daemon/keys/denials.h"
#include "daemon/keys/secret_rules.h"
#include "daemon/keys/usage.h"
#include "daemon/tend/rotation.h"
#include "policy/ask/narrow.h"
#include "policy/text/cidr.h"
#include "policy/text/path.h"
#include "policy/text/reason.h"

#define MAX_ENTRIES 1024

/* One answer that was given about a verified key, or several, to be counted once all are good. */
struct counted {
	uint64_t number;
	struct pol_ip ip;
	uint32_t more; /* further decisions that are counted with this one */
	bool denied;
	uint8_t reason;      /* denials_reason */
	uint32_t permission; /* that was used; POL_NONE: none was */
	struct pol_str kid;
	const uint8_t *first; /* the hash of a pending secret whose first use it was; else NULL */
};

/* --- counting --------------------------------------------------------------------------------- */

/* Is the address in one of the key's networks, if it has any? */
static bool is_in_key_networks(const struct pol_facts *facts)
{
	for (uint32_t i = 0; i < facts->key_network_count; i++) {
		if (pol_cidr_contains(&facts->key_networks[i], &facts->ip)) {
			return true;
		}
	}
	return facts->key_network_count == 0;
}

/* A pending secret that is presented was received, so this is its first use; but not from outside
 * of the key's networks, and not for a principal that is switched off. */
static bool is_first_use(
	const struct call *call, const struct subject *subject, const struct pol_decision *decision)
{
	return subject->by_other &&
	       secret_rules_other(&subject->key, call->now) == STORE_OTHER_PENDING &&
	       !pol_reason_is_unauthenticated(decision->reason) &&
	       !pol_str_equal(decision->reason, POL_STR("network")) &&
	       is_in_key_networks(&subject->facts);
}

static bool count_one(const struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_decision *decision, struct counted *out)
{
	if (ask->not_trusted || !subject->verified) {
		return false;
	}
	out->number = subject->key.number;
	out->ip = ask->ip;
	out->more = 0;
	out->denied = !decision->allow;
	out->reason = decision->allow ? 0 : denials_reason(decision->reason);
	out->permission = decision->allow ? decision->permission : POL_NONE;
	out->kid = subject->key.kid;
	out->first =
		is_first_use(call, subject, decision) ? subject->key.rotation.other_hash : NULL;
	return true;
}

/* Rare: once for each permission that a key uses. */
static void learn(struct call *call, const struct counted *counted, uint32_t mark)
{
	char name[POL_NARROW_NAME];
	size_t len = pol_narrow_action_name(call->snapshot, counted->permission, name);

	usage_learn(call->context->usage, counted->number, mark, (struct pol_str){ name, len });
}

static void count(struct call *call, const struct counted *counted)
{
	struct usage_event event = { .now = call->now,
		.ip = &counted->ip,
		.denied = counted->denied,
		.more = counted->more };

	if (counted->permission != POL_NONE) {
		event.permission = usage_permission(call->serial, counted->permission);
	}
	if (usage_count(call->context->usage, call->read, counted->number, &event)) {
		learn(call, counted, event.permission);
	}
	if (counted->denied) {
		denials_add(usage_denials(call->context->usage), counted->number, counted->reason);
	}
	if (counted->first != NULL) {
		rotation_first_use(
			call->context->rotation, counted->number, counted->kid, counted->first);
	}
}

void authorize_count(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_decision *decision)
{
	struct counted counted;

	if (count_one(call, ask, subject, decision, &counted)) {
		count(call, &counted);
	}
}

void authorize_listing(struct call *call, const struct ask *ask, struct subject *subject,
	struct authorize_listed *out)
{
	struct quota_counters_turn quota;
	struct pol_decision *decision = &out->decision;

	quota_counters_turn_init(&quota, call->context->quota_counters);
	ask_state(ask, NULL, subject);
	subject->facts.counter = &quota.counter;
	subject->facts.dice = call_random(call);
	pol_eval_listing(call->snapshot, &subject->facts, decision);
	subject->facts.counter = NULL;
	out->quota = quota.report;
	out->fact[0] = '\0';
	if (ask->trusted) {
		answer_fact(call, decision, &subject->facts, &quota.report, out->fact);
	}
	*(decision->allow ? &call->allowed : &call->denied) += 1;
	if ((decision->marks & (POL_MARK_WARN | POL_MARK_LOG)) != 0) {
		decision_note_write(call, subject, &subject->facts, decision);
	}
	authorize_count(call, ask, subject, decision);
}

static int authorize(struct call *call)
{
	struct ask ask;
	struct subject subject;
	struct outcome outcome;
	const char *param, *wrong;
	int r;

	given_begin(call);
	wrong = ask_read(call, call->params, &ask, &param);
	if (wrong != NULL) {
		return call_invalid(call, param, "%s", wrong);
	}
	r = ask.not_trusted ? 0 : subject_gather(call, &ask.who, &subject);
	if (r < 0) {
		return r;
	}
	r = outcome_make(call, &ask, NULL, &subject, &outcome);
	if (r == 0) {
		answer_put(call, &ask, &subject, &outcome, true);
	}
	authorize_count(call, &ask, &subject, &outcome.decision);
	outcome_finish(&outcome);
	return r;
}

/* --- many ------------------------------------------------------------------------------------- */

/* One call's working memory: the subject and the path are kept from entry to entry while they ask
 * for the same. */
struct many {
	struct wire_overlay overlay;
	struct wire_value values[ASK_FIELDS]; /* of an entry, with those that all share */
	struct ask ask;
	struct subject subject;
	struct subject_ask gathered;
	bool has_subject;
	uint32_t first; /* the cost of the first subject, which every turn gathers again */
	bool http;      /* how the path is read */
	struct pol_str path;
	struct pol_path_memo memo; /* of that path */
	uint32_t counted_count;    /* of this turn */
	struct counted counted[MAX_ENTRIES];
};

static int refuse_entry(
	struct call *call, size_t mark, uint32_t index, const char *param, const char *wrong)
{
	uint16_t number = (uint16_t)index; /* below MAX_ENTRIES */
	char name[WIRE_PARAM_SIZE];
	size_t named = strlen(param);

	wire_buf_rewind(call->out, mark);
	/* What the wire says begins with the name that it gives to the parameter. */
	if (named > 0 && strncmp(wrong, param, named) == 0 && wrong[named] == ':') {
		wrong += named + strlen(": ");
	}
	if (param[0] == '\0') {
		snprintf(name, sizeof name, "requests[%u]", number);
		return call_invalid(call, name, "%s", wrong);
	}
	snprintf(name, sizeof name, "requests[%u].%.47s", number, param);
	return call_invalid(call, name, "%s", wrong);
}

/* What is known of the entry's path, which is often that of the entry before. */
static struct pol_path_memo *memo_of(struct many *many)
{
	const struct ask *ask = &many->ask;

	if (many->http != ask->http || !pol_str_equal(many->path, ask->path)) {
		many->http = ask->http;
		many->path = ask->path;
		pol_path_memo_begin(&many->memo);
	}
	return &many->memo;
}

/* Does the same hold of both, and are they counted as uses alone? */
static bool is_same_use(const struct counted *a, const struct counted *b)
{
	return a->number == b->number && a->permission == b->permission && !a->denied &&
	       !b->denied && a->first == NULL && b->first == NULL && a->ip.known == b->ip.known &&
	       memcmp(a->ip.bytes, b->ip.bytes, sizeof a->ip.bytes) == 0;
}

/* To be counted at the end of the turn, together with the entry before if that is the same use. */
static void add_counted(struct call *call, struct many *many, const struct pol_decision *decision)
{
	struct counted *at = &many->counted[many->counted_count];

	if (!count_one(call, &many->ask, &many->subject, decision, at)) {
		return;
	}
	if (many->counted_count > 0 && is_same_use(at - 1, at)) {
		at[-1].more++;
	} else {
		many->counted_count++;
	}
}

/* 0: answered. 1: *wrong with *param says why it cannot be. Or a negative errno. */
static int answer_entry(
	struct call *call, struct many *many, const char **wrong, const char **param)
{
	struct outcome outcome;
	int r;

	*wrong = ask_read(call, many->values, &many->ask, param);
	if (*wrong != NULL) {
		return 1;
	}
	if (!many->ask.not_trusted &&
		!(many->has_subject && subject_same(&many->ask.who, &many->gathered))) {
		r = subject_gather(call, &many->ask.who, &many->subject);
		if (r < 0) {
			return r;
		}
		many->gathered = many->ask.who;
		many->first = many->has_subject ? many->first : call->cost;
		many->has_subject = true;
	}
	r = outcome_make(call, &many->ask, memo_of(many), &many->subject, &outcome);
	if (r == 0) {
		answer_put(call, &many->ask, &many->subject, &outcome, false);
	}
	add_counted(call, many, &outcome.decision);
	outcome_finish(&outcome);
	return r;
}

/* The entries from `from` on. */
static struct wire_cursor skip_entries(const struct call *call, uint32_t from)
{
	struct wire_cursor items = call->params[ASK_REQUESTS].items, entry;

	for (uint32_t i = 0; i < from; i++) {
		(void)wire_next_map(&items, &entry);
	}
	return items;
}

/* Looks at the entries from `from` on. Gives what refuse_entry does, or 0. */
static int check_entries(struct call *call, size_t mark, uint32_t from)
{
	struct wire_cursor items = skip_entries(call, from);
	uint32_t total = call->params[ASK_REQUESTS].count;
	struct wire_value values[ASK_FIELDS];
	struct wire_overlay overlay;

	wire_overlay_init(&overlay, ask_fields, ASK_FIELDS, call->params, values);
	for (uint32_t i = from; i < total; i++) {
		struct wire_error error;
		const char *wrong, *param;
		struct ask ask;

		if (wire_overlay_next(&overlay, &items, &error) < 0) {
			return refuse_entry(call, mark, i, error.param, error.message);
		}
		wrong = ask_read(call, values, &ask, &param);
		if (wrong != NULL) {
			return refuse_entry(call, mark, i, param, wrong);
		}
	}
	return 0;
}

static void begin_many(struct call *call, struct many *many)
{
	many->has_subject = false;
	many->first = 0;
	many->counted_count = 0;
	many->http = false;
	many->path = (struct pol_str){ NULL, 0 };
	pol_path_memo_begin(&many->memo);
	wire_overlay_init(&many->overlay, ask_fields, ASK_FIELDS, call->params, many->values);
}

static void begin_answer(struct call *call)
{
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 2);
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(call->out,
		(struct wire_str){ pol_snapshot_revision(call->snapshot), ANSWER_REVISION });
	wire_put_str(call->out, WIRE_STR("results"));
	wire_put_array(call->out, call->params[ASK_REQUESTS].count);
}

/* Has the turn done its work after `decided` entries? */
static bool is_turn_over(const struct call *call, const struct many *many, uint32_t decided)
{
	return call->may_pause && decided + call->cost - many->first >= CALL_TURN;
}

static void count_many(struct call *call, struct many *many)
{
	for (uint32_t i = 0; i < many->counted_count; i++) {
		count(call, &many->counted[i]);
	}
	many->counted_count = 0;
}

/* Answers the entries from call->done on, as many as a turn has. What was answered is counted at
 * the end of the turn, so all other entries are looked at before the first pause: a call that fails
 * counts nothing. */
static int answer_entries(struct call *call, struct many *many, size_t mark)
{
	struct wire_cursor items = skip_entries(call, call->done);
	uint32_t total = call->params[ASK_REQUESTS].count;

	for (uint32_t i = call->done; i < total; i++) {
		struct wire_error error;
		const char *wrong, *param;
		int r;

		if (wire_overlay_next(&many->overlay, &items, &error) < 0) {
			return refuse_entry(call, mark, i, error.param, error.message);
		}
		r = answer_entry(call, many, &wrong, &param);
		if (r != 0) {
			return r < 0 ? r : refuse_entry(call, mark, i, param, wrong);
		}
		if (i + 1 == total || !is_turn_over(call, many, i + 1 - call->done)) {
			continue;
		}
		r = call->done == 0 ? check_entries(call, mark, i + 1) : 0;
		if (r != 0) {
			return r;
		}
		count_many(call, many);
		call->done = i + 1;
		return CALL_PAUSED;
	}
	count_many(call, many);
	return 0;
}

static int authorize_many(struct call *call)
{
	const struct given_params shared = { &call->params[ASK_FACTS],
		&call->params[ASK_UNDECLARED] };
	struct many many;
	size_t mark = call->done > 0 ? 0 : call->out->len;
	const char *wrong, *param;
	int r = 0;

	if (call->params[ASK_REQUESTS].count > MAX_ENTRIES) {
		return call_invalid(call, "requests", "holds more than %d entries", MAX_ENTRIES);
	}
	wrong = given_begin_shared(call, &shared, &param);
	if (wrong != NULL) {
		wire_buf_rewind(call->out, mark);
		return call_invalid(call, param, "%s", wrong);
	}
	/* Where a decision may come to charges, all entries are looked at before any is decided: a
	 * call that fails charges nothing. */
	if (call->done == 0 && pol_snapshot_may_charge(call->snapshot)) {
		r = check_entries(call, mark, 0);
	}
	if (r != 0) {
		return r;
	}
	begin_many(call, &many);
	if (call->done == 0) {
		begin_answer(call);
	}
	return answer_entries(call, &many, mark);
}

const struct method authorize_methods[] = {
	{ "authorize", ask_fields, ASK_FIELDS, METHOD_SECRET | METHOD_DECIDES, authorize },
	{ "authorize_many", ask_fields, ASK_MANY_FIELDS, METHOD_SECRET | METHOD_DECIDES,
		authorize_many },
};
const size_t authorize_method_count = sizeof authorize_methods / sizeof authorize_methods[0];
