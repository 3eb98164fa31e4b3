/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authorize, authorize_many and permissions: from parameters to facts, and from a decision to an
 * answer. What is decided, and in which order, is policy/eval's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/authorize_explain.h"
#include "daemon/authorize_log.h"
#include "daemon/charges.h"
#include "daemon/denied.h"
#include "daemon/generation.h"
#include "daemon/methods.h"
#include "daemon/rotation.h"
#include "daemon/subject.h"
#include "daemon/usage.h"
#include "policy/cidr.h"
#include "policy/eval.h"
#include "policy/narrow.h"
#include "policy/path.h"

#define MAX_ENTRIES 1024

/* As they usually come: the wire's search goes on behind the last. */
enum field {
	TOKEN,
	PRINCIPAL,
	METHOD,
	PATH,
	TREE,
	ACTION,
	RESOURCE,
	SERVICE,
	ENVIRONMENT,
	TENANT,
	IP,
	MFA_AT,
	TIME,
	EXPLAIN,
	FIELDS,
	REQUESTS = FIELDS, /* authorize_many's own */
	MANY_FIELDS,
};

#define ASK_FIELDS                                                                                 \
	[TOKEN] = WIRE_FIELD("token", WIRE_KIND_TEXT, 0),                                          \
	[PRINCIPAL] = WIRE_FIELD("principal", WIRE_KIND_TEXT, 0),                                  \
	[METHOD] = WIRE_FIELD("method", WIRE_KIND_TEXT, 0),                                        \
	[PATH] = WIRE_FIELD("path", WIRE_KIND_TEXT, 0),                                            \
	[TREE] = WIRE_FIELD("tree", WIRE_KIND_TEXT, 0),                                            \
	[ACTION] = WIRE_FIELD("action", WIRE_KIND_TEXT, 0),                                        \
	[RESOURCE] = WIRE_FIELD("resource", WIRE_KIND_TEXT, 0),                                    \
	[SERVICE] = WIRE_FIELD("service", WIRE_KIND_TEXT, 0),                                      \
	[ENVIRONMENT] = WIRE_FIELD("environment", WIRE_KIND_TEXT, 0),                              \
	[TENANT] = WIRE_FIELD("tenant", WIRE_KIND_TEXT, 0),                                        \
	[IP] = WIRE_FIELD("ip", WIRE_KIND_TEXT, 0),                                                \
	[MFA_AT] = WIRE_FIELD("mfa_at", WIRE_KIND_TIME, 0),                                        \
	[TIME] = WIRE_FIELD("time", WIRE_KIND_TIME, 0),                                            \
	[EXPLAIN] = WIRE_FIELD("explain", WIRE_KIND_BOOL, 0)

static const struct wire_field authorize_fields[] = { ASK_FIELDS };
static const struct wire_field many_fields[] = {
	ASK_FIELDS,
	[REQUESTS] = WIRE_FIELD("requests", WIRE_KIND_MAPS, WIRE_REQUIRED),
};

/* One question, checked. */
struct ask {
	struct subject_ask who;
	struct pol_str service;
	struct pol_str tree;
	struct pol_str path;
	struct pol_str verb;
	struct pol_ip ip;
	int64_t mfa_at;
	int64_t time;
	bool http;
	bool explain;
	bool not_trusted; /* it states what this peer may not */
};

/* One answer that was given about a verified key, to be counted once all are good. */
struct counted {
	uint64_t number;
	struct pol_ip ip;
	bool denied;
	uint8_t reason;      /* denied_reason */
	uint32_t permission; /* that was used; POL_NONE: none was */
	struct pol_str kid;
	const uint8_t *first; /* the hash of a pending secret whose first use it was; else NULL */
};

/* --- reading ---------------------------------------------------------------------------------- */

static void read_who(const struct wire_value *values, struct subject_ask *out)
{
	*out = (struct subject_ask){
		.has_token = values[TOKEN].given,
		.has_principal = values[PRINCIPAL].given,
		.has_environment = values[ENVIRONMENT].given,
		.has_tenant = values[TENANT].given,
	};
	if (out->has_token) {
		out->token = subject_str(values[TOKEN].text);
	}
	if (out->has_principal) {
		out->principal = subject_str(values[PRINCIPAL].text);
	}
	if (out->has_environment) {
		out->environment = subject_str(values[ENVIRONMENT].text);
	}
	if (out->has_tenant) {
		out->tenant = subject_str(values[TENANT].text);
	}
}

/* NULL, or what is wrong with the form of the request; *out_param names the parameter. */
static const char *read_what(
	const struct wire_value *values, struct ask *ask, const char **out_param)
{
	bool http = values[METHOD].given || values[PATH].given || values[TREE].given;
	bool named = values[ACTION].given || values[RESOURCE].given;

	*out_param = http ? "action" : "method";
	if (http && named) {
		return "give either method and path, or action and resource";
	}
	if (!http && !named) {
		return "missing: give method and path, or action and resource";
	}
	ask->http = http;
	ask->tree = (struct pol_str){ NULL, 0 };
	if (named) {
		if (!values[ACTION].given || !values[RESOURCE].given) {
			*out_param = values[ACTION].given ? "resource" : "action";
			return "missing: action and resource go together";
		}
		ask->verb = subject_str(values[ACTION].text);
		ask->path = subject_str(values[RESOURCE].text);
		return NULL;
	}
	if (!values[METHOD].given || !values[PATH].given) {
		*out_param = values[METHOD].given ? "path" : "method";
		return "missing: method and path go together";
	}
	ask->verb = subject_str(values[METHOD].text);
	ask->path = subject_str(values[PATH].text);
	ask->tree = values[TREE].given ? subject_str(values[TREE].text) : POL_STR("api");
	return NULL;
}

static const char *read_ask(const struct call *call, const struct wire_value *values,
	struct ask *out, const char **out_param)
{
	const char *wrong;

	read_who(values, &out->who);
	out->explain = values[EXPLAIN].given && values[EXPLAIN].boolean;
	out->not_trusted = !call->peer->trusted &&
			   (values[PRINCIPAL].given || values[IP].given || values[MFA_AT].given ||
				   values[TIME].given || out->explain);
	if (out->who.has_token && out->who.has_principal) {
		*out_param = "principal";
		return "give either token or principal";
	}
	wrong = read_what(values, out, out_param);
	if (wrong != NULL) {
		return wrong;
	}
	if (values[TREE].given && values[TREE].text.len == 0) {
		*out_param = "tree";
		return "is empty";
	}
	out->service = (struct pol_str){ NULL, 0 };
	if (values[SERVICE].given) {
		out->service = subject_str(values[SERVICE].text);
	}
	out->ip = (struct pol_ip){ .known = false };
	if (values[IP].given && pol_ip_parse(subject_str(values[IP].text), &out->ip) != POL_OK) {
		*out_param = "ip";
		return "is no IPv4 or IPv6 address";
	}
	out->mfa_at = values[MFA_AT].given ? values[MFA_AT].integer : 0;
	out->time = values[TIME].given ? values[TIME].integer : 0;
	return NULL;
}

/* --- deciding --------------------------------------------------------------------------------- */

/* Adds what is asked to who asks; the subject's own part stays. */
static void join(struct subject *subject, const struct ask *what, struct pol_path_memo *memo)
{
	struct pol_facts *facts = &subject->facts;

	facts->service = what->service;
	facts->tree = what->tree;
	facts->path = what->path;
	facts->memo = memo;
	facts->verb = what->verb;
	facts->http = what->http;
	facts->ip = what->ip;
	facts->mfa_at = what->mfa_at;
	facts->time = what->time;
}

/* A decision, and why, if that was asked for: until forget. */
struct outcome {
	struct pol_decision decision;
	struct charges_turn charges;
	bool explained;
	struct pol_arena arena;
	struct pol_explanation told;
};

/* An explanation takes a few KiB; a stack of a thousand lines some hundred. */
#define EXPLAIN_MEMORY ((size_t)1 << 20)

/* In decisions: what explaining costs beside its own, and how many roles one is worth. */
#define EXPLAIN_COST  2
#define EXPLAIN_ROLES 64

static int explain(struct call *call, const struct subject *subject, struct outcome *out)
{
	struct pol_counts counts = pol_snapshot_counts(call->snapshot);

	pol_arena_init(&out->arena, EXPLAIN_MEMORY);
	out->explained = true;
	call->cost += EXPLAIN_COST + (uint32_t)((counts.roles + counts.scopes) / EXPLAIN_ROLES);
	return pol_explain(call->snapshot, &subject->facts, &out->arena, &out->decision,
		       &out->told) == POL_OK
		       ? 0
		       : -ENOMEM;
}

static void forget(struct outcome *outcome)
{
	if (outcome->explained) {
		pol_arena_finish(&outcome->arena);
	}
}

/* memo: of ask->path, or NULL. 0, or -ENOMEM for an explanation; either way *outcome is to be
 * forgotten. */
static int decide(struct call *call, const struct ask *ask, struct pol_path_memo *memo,
	struct subject *subject, struct outcome *outcome)
{
	struct pol_decision *out = &outcome->decision;
	int r = 0;

	outcome->explained = false;
	charges_turn_init(&outcome->charges, call->charges);
	if (ask->not_trusted) {
		*out = (struct pol_decision){
			.status = 403, .reason = POL_STR("not_trusted"), .node = POL_NONE
		};
		call->denied++;
		return 0;
	}
	join(subject, ask, memo);
	subject->facts.counter = &outcome->charges.counter;
	subject->facts.dice = call_draw(call);
	if (ask->explain) {
		r = explain(call, subject, outcome);
	} else {
		pol_decide(call->snapshot, &subject->facts, out);
	}
	if (subject->facts.by_peer) {
		subject->known_principal = (out->marks & POL_MARK_PEER) != 0;
	}
	*(out->allow ? &call->allowed : &call->denied) += 1;
	if ((out->marks & (POL_MARK_WARN | POL_MARK_LOG)) != 0) {
		authorize_log(call, subject, &subject->facts, out);
	}
	return r;
}

/* Do the key's own networks let this caller in? */
static bool is_let_in(const struct pol_facts *facts)
{
	for (uint32_t i = 0; i < facts->key_network_count; i++) {
		if (pol_network_has(&facts->key_networks[i], &facts->ip)) {
			return true;
		}
	}
	return facts->key_network_count == 0;
}

/* Whoever presents a pending secret has it, and that is what its first use shows; but not from
 * anywhere, nor in the name of somebody who is switched off. */
static bool is_first_use(
	const struct call *call, const struct subject *subject, const struct pol_decision *decision)
{
	return subject->by_other &&
	       generation_other(&subject->key, call->now) == STORE_OTHER_PENDING &&
	       !pol_reason_is_unauthenticated(decision->reason) &&
	       !pol_str_equal(decision->reason, POL_STR("network")) && is_let_in(&subject->facts);
}

static bool count_one(const struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_decision *decision, struct counted *out)
{
	if (ask->not_trusted || !subject->verified) {
		return false;
	}
	out->number = subject->key.number;
	out->ip = ask->ip;
	out->denied = !decision->allow;
	out->reason = decision->allow ? 0 : denied_reason(decision->reason);
	out->permission = decision->allow ? decision->permission : POL_NONE;
	out->kid = subject->key.kid;
	out->first =
		is_first_use(call, subject, decision) ? subject->key.rotation.other_hash : NULL;
	return true;
}

/* Rare: once for each permission that a key uses. */
static void learn(struct call *call, const struct counted *counted, uint32_t mark)
{
	char name[POL_USED_NAME];
	size_t len = pol_used_name(call->snapshot, counted->permission, name);

	usage_learn(call->usage, counted->number, mark, (struct pol_str){ name, len });
}

static void count(struct call *call, const struct counted *counted)
{
	struct usage_event event = { call->now, &counted->ip, counted->denied, 0 };

	if (counted->permission != POL_NONE) {
		event.permission = usage_permission(call->serial, counted->permission);
	}
	if (usage_count(call->usage, call->read, counted->number, &event)) {
		learn(call, counted, event.permission);
	}
	if (counted->denied) {
		denied_add(usage_denied(call->usage), counted->number, counted->reason);
	}
	if (counted->first != NULL) {
		rotation_first_use(call->rotation, counted->number, counted->kid, counted->first);
	}
}

/* --- answering -------------------------------------------------------------------------------- */

/* All of an answer but the texts that differ: names, numbers, heads. */
#define ANSWER_FIXED 288
#define REVISION     16

static uint8_t *lay_str(uint8_t *to, struct pol_str text)
{
	return wire_lay_str(to, subject_wire(text));
}

static uint8_t *lay_revision(uint8_t *to, const struct pol_snapshot *snapshot)
{
	to = WIRE_LAY(to, "\xa8revision");
	return wire_lay_str(to, (struct wire_str){ pol_snapshot_revision(snapshot), REVISION });
}

static uint8_t *lay_time(uint8_t *to, int64_t time)
{
	*to++ = 0xcf;
	for (int shift = 56; shift >= 0; shift -= 8) {
		*to++ = (uint8_t)((uint64_t)time >> shift);
	}
	return to;
}

/* Who holds a secret that waits for this very use needs no other. */
static bool is_to_renew(const struct call *call, const struct subject *subject)
{
	return subject->verified && generation_is_due(&subject->key, call->now) &&
	       !(subject->by_other &&
		       generation_other(&subject->key, call->now) == STORE_OTHER_PENDING);
}

/* Key, principal, tenant, environment: as far as known. */
static uint8_t *lay_who(uint8_t *to, const struct call *call, const struct subject *subject)
{
	if (subject->verified) {
		to = lay_str(WIRE_LAY(to, "\xa3key"), subject->key.kid);
		to = lay_str(WIRE_LAY(to, "\xab"
					  "environment"),
			subject->key.environment);
	}
	if (subject->known_principal) {
		to = lay_str(WIRE_LAY(to, "\xa9principal"), subject->facts.principal);
	}
	if (subject->verified || subject->known_principal) {
		to = lay_str(WIRE_LAY(to, "\xa6tenant"), subject->tenant);
	}
	if (is_to_renew(call, subject)) {
		to = lay_time(
			WIRE_LAY(to, "\xa5renew\xc3\xa8renew_by"), subject->key.rotation.renew_by);
	}
	return to;
}

static uint8_t *lay_quota(uint8_t *to, const struct charges_told *told)
{
	to = lay_time(WIRE_LAY(to, "\xa5quota\x83\xa5limit"), (int64_t)told->limit);
	to = lay_time(WIRE_LAY(to, "\xa9remaining"), (int64_t)told->remaining);
	return lay_time(WIRE_LAY(to, "\xa5reset"), (int64_t)told->reset);
}

static uint32_t who_pairs(const struct call *call, const struct subject *subject)
{
	return (subject->verified ? 2u : 0u) + (is_to_renew(call, subject) ? 2u : 0u) +
	       (subject->known_principal ? 1u : 0u) +
	       (subject->verified || subject->known_principal ? 1u : 0u);
}

/* With `whole`: a response of its own, revision included; else one entry of many. */
static void put_decision(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct outcome *outcome, bool whole)
{
	const struct pol_decision *decision = &outcome->decision;
	struct pol_str reason = decision->reason;
	bool who = !ask->not_trusted;
	bool quota = outcome->charges.told.any;
	size_t room;
	uint8_t *to;

	/* Who is not trusted learns nothing from a 401, not even which of them it is. */
	if (!call->peer->trusted && pol_reason_is_unauthenticated(reason)) {
		reason = POL_STR("unauthenticated");
		who = false;
	}
	room = ANSWER_FIXED + reason.len;
	if (who && (subject->known_principal || subject->verified)) {
		room += subject->tenant.len;
	}
	if (who && subject->known_principal) {
		room += subject->facts.principal.len;
	}
	if (who && subject->verified) {
		room += subject->key.kid.len + subject->key.environment.len;
	}
	to = wire_buf_reserve(call->out, room);
	if (to == NULL) {
		return;
	}
	if (whole) {
		to = WIRE_LAY(wire_lay_uint(WIRE_LAY(to, "\x94\x01"), call->id), "\xc0");
	}
	*to++ = (uint8_t)(0x80 | (3 + (whole ? 1 : 0) + (who ? who_pairs(call, subject) : 0) +
					 (quota ? 1 : 0) + (outcome->explained ? 1 : 0)));
	to = decision->allow ? WIRE_LAY(to, "\xa5"
					    "allow\xc3\xa6status")
			     : WIRE_LAY(to, "\xa5"
					    "allow\xc2\xa6status");
	to = wire_lay_uint(to, decision->status);
	to = lay_str(WIRE_LAY(to, "\xa6reason"), reason);
	if (whole) {
		to = lay_revision(to, call->snapshot);
	}
	if (who) {
		to = lay_who(to, call, subject);
	}
	if (quota) {
		to = lay_quota(to, &outcome->charges.told);
	}
	call->out->len = (size_t)(to - call->out->data);
	if (outcome->explained) {
		wire_put_str(call->out, WIRE_STR("explain"));
		authorize_put_explanation(call->out, &outcome->told);
	}
}

static int authorize(struct call *call)
{
	struct ask ask;
	struct subject subject;
	struct outcome outcome;
	struct counted counted;
	const char *param;
	const char *wrong = read_ask(call, call->params, &ask, &param);
	int r;

	if (wrong != NULL) {
		return call_invalid(call, param, "%s", wrong);
	}
	r = ask.not_trusted ? 0 : subject_gather(call, &ask.who, &subject);
	if (r < 0) {
		return r;
	}
	r = decide(call, &ask, NULL, &subject, &outcome);
	if (r == 0) {
		put_decision(call, &ask, &subject, &outcome, true);
	}
	if (count_one(call, &ask, &subject, &outcome.decision, &counted)) {
		count(call, &counted);
	}
	forget(&outcome);
	return r;
}

/* --- many ------------------------------------------------------------------------------------- */

/* One call's working memory: the subject is kept from entry to entry while they ask for the same.
 */
struct many {
	struct ask ask;
	struct subject subject;
	struct subject_ask gathered;
	bool has_subject;
	struct pol_str path;       /* of all entries that name no other: read once */
	struct pol_path_memo memo; /* of that path */
	uint32_t counted_count;
	struct counted counted[MAX_ENTRIES];
};

static int refuse_entry(
	struct call *call, size_t mark, uint32_t index, const char *param, const char *wrong)
{
	char name[WIRE_PARAM_SIZE];
	size_t named = strlen(param);

	wire_buf_rewind(call->out, mark);
	/* What the wire says begins with the name that it gives to the parameter. */
	if (named > 0 && strncmp(wrong, param, named) == 0 && wrong[named] == ':') {
		wrong += named + strlen(": ");
	}
	if (param[0] == '\0') {
		snprintf(name, sizeof name, "requests[%u]", (unsigned)index);
		return call_invalid(call, name, "%s", wrong);
	}
	snprintf(name, sizeof name, "requests[%u].%.40s", (unsigned)index, param);
	return call_invalid(call, name, "%s", wrong);
}

/* Entries without a path of their own have the very bytes that all share. */
static struct pol_path_memo *memo_of(struct many *many)
{
	return many->path.ptr != NULL && many->ask.path.ptr == many->path.ptr ? &many->memo : NULL;
}

/* 0: answered. 1: refused, the error is written. */
static int answer_entry(struct call *call, struct many *many, const struct wire_value *values,
	const char **wrong, const char **param)
{
	struct outcome outcome;
	int r;

	*wrong = read_ask(call, values, &many->ask, param);
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
		many->has_subject = true;
	}
	r = decide(call, &many->ask, memo_of(many), &many->subject, &outcome);
	if (r == 0) {
		put_decision(call, &many->ask, &many->subject, &outcome, false);
	}
	if (count_one(call, &many->ask, &many->subject, &outcome.decision,
		    &many->counted[many->counted_count])) {
		many->counted_count++;
	}
	forget(&outcome);
	return r;
}

/* Where a decision may come to charges, all entries are looked at before any is decided: a call
 * that fails burns nothing. Gives what refuse_entry does, or 0. */
static int check_entries(struct call *call, size_t mark)
{
	struct wire_cursor items = call->params[REQUESTS].items, entry;

	if (!pol_snapshot_may_charge(call->snapshot)) {
		return 0;
	}
	for (uint32_t i = 0; wire_next_map(&items, &entry); i++) {
		struct wire_value values[FIELDS];
		struct wire_error error;
		const char *wrong, *param;
		struct ask ask;

		memcpy(values, call->params, sizeof values);
		if (wire_overlay_params(entry, authorize_fields, FIELDS, values, &error) < 0) {
			return refuse_entry(call, mark, i, error.param, error.message) < 0 ? -ENOMEM
											   : 1;
		}
		wrong = read_ask(call, values, &ask, &param);
		if (wrong != NULL) {
			return refuse_entry(call, mark, i, param, wrong) < 0 ? -ENOMEM : 1;
		}
	}
	return 0;
}

static int authorize_many(struct call *call)
{
	struct wire_cursor items = call->params[REQUESTS].items, entry;
	struct many many;
	size_t mark = call->out->len;
	uint32_t total = call->params[REQUESTS].count;
	int checked;

	if (total > MAX_ENTRIES) {
		return call_invalid(call, "requests", "holds more than %d entries", MAX_ENTRIES);
	}
	checked = check_entries(call, mark);
	if (checked != 0) {
		return checked < 0 ? checked : 0;
	}
	many.has_subject = false;
	many.counted_count = 0;
	many.memo.known = false;
	many.path = subject_str(call->params[call->params[PATH].given ? PATH : RESOURCE].text);
	wire_put_result(call->out, call->id);
	wire_put_map(call->out, 2);
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(
		call->out, (struct wire_str){ pol_snapshot_revision(call->snapshot), REVISION });
	wire_put_str(call->out, WIRE_STR("results"));
	wire_put_array(call->out, total);
	for (uint32_t i = 0; i < total && wire_next_map(&items, &entry); i++) {
		struct wire_value values[FIELDS];
		struct wire_error error;
		const char *wrong, *param;
		int r;

		memcpy(values, call->params, sizeof values);
		if (wire_overlay_params(entry, authorize_fields, FIELDS, values, &error) < 0) {
			return refuse_entry(call, mark, i, error.param, error.message);
		}
		r = answer_entry(call, &many, values, &wrong, &param);
		if (r != 0) {
			return r < 0 ? r : refuse_entry(call, mark, i, param, wrong);
		}
	}
	for (uint32_t i = 0; i < many.counted_count; i++) {
		count(call, &many.counted[i]);
	}
	return 0;
}

const struct method authorize_methods[] = {
	{ "authorize", authorize_fields, FIELDS, METHOD_SECRET, authorize },
	{ "authorize_many", many_fields, MANY_FIELDS, METHOD_SECRET, authorize_many },
};
const size_t authorize_method_count = sizeof authorize_methods / sizeof authorize_methods[0];
