/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/answer.h"

#include "daemon/decide/explain.h"
#include "daemon/decide/missing.h"
#include "daemon/keys/secret_rules.h"
#include "policy/decide/fact.h"

/* All of an answer but the texts that differ: names, numbers, heads. */
#define ANSWER_FIXED 288

static uint8_t *lay_str(uint8_t *to, struct pol_str text)
{
	return wire_lay_str(to, subject_wire(text));
}

static uint8_t *lay_revision(uint8_t *to, const struct pol_snapshot *snapshot)
{
	to = WIRE_LAY(to, "\xa8revision");
	return wire_lay_str(
		to, (struct wire_str){ pol_snapshot_revision(snapshot), ANSWER_REVISION });
}

/* A caller with a pending secret has the new one already. */
static bool must_renew(const struct call *call, const struct subject *subject)
{
	return subject->verified && secret_rules_is_due(&subject->key, call->now) &&
	       !(subject->by_other &&
		       secret_rules_other(&subject->key, call->now) == STORE_OTHER_PENDING);
}

/* Key, principal, tenant, environment: as far as known. */
static uint8_t *lay_subject(uint8_t *to, const struct call *call, const struct subject *subject)
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
	if (must_renew(call, subject)) {
		to = wire_lay_uint64(WIRE_LAY(to, "\xa5renew\xc3\xa8renew_by"),
			(uint64_t)subject->key.rotation.renew_by);
	}
	return to;
}

static uint8_t *lay_quota(uint8_t *to, const struct quota_counters_report *report)
{
	to = wire_lay_uint64(WIRE_LAY(to, "\xa5quota\x83\xa5limit"), report->limit);
	to = wire_lay_uint64(WIRE_LAY(to, "\xa9remaining"), report->remaining);
	return wire_lay_uint64(WIRE_LAY(to, "\xa5reset"), report->reset);
}

void answer_fact(const struct call *call, const struct pol_decision *decision,
	const struct pol_facts *facts, const struct quota_counters_report *quota,
	char out[POL_FACT_TEXT])
{
	out[0] = '\0';
	pol_eval_fact(call->snapshot, decision, facts, out);
	if (decision->by == NULL && quota->any &&
		pol_str_equal(decision->reason, POL_STR("quota"))) {
		pol_fact_counted(quota->charge, facts, out);
	}
}

static uint32_t subject_pairs(const struct call *call, const struct subject *subject)
{
	return (subject->verified ? 2u : 0u) + (must_renew(call, subject) ? 2u : 0u) +
	       (subject->known_principal ? 1u : 0u) +
	       (subject->verified || subject->known_principal ? 1u : 0u);
}

/* Apart, so that other answers need no room for it. */
__attribute__((noinline)) static void put_missing(
	struct call *call, const struct pol_fact_set *missing)
{
	struct pol_str names[MISSING_FACTS];
	uint32_t count = missing_names(call->snapshot, missing, names);

	wire_put_str(call->out, WIRE_STR("missing"));
	wire_put_array(call->out, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_put_str(call->out, subject_wire(names[i]));
	}
}

/* Each allowed decision has the status 200 and the reason `ok`. */
static uint8_t *lay_allowed(uint8_t *to)
{
	return WIRE_LAY(to, "\xa5"
			    "allow\xc3\xa6status\xcc\xc8\xa6reason\xa2ok");
}

static uint8_t *lay_denied(uint8_t *to, uint32_t status, struct pol_str reason)
{
	to = WIRE_LAY(to, "\xa5"
			  "allow\xc2\xa6status");
	return lay_str(WIRE_LAY(wire_lay_uint(to, status), "\xa6reason"), reason);
}

/* The bytes of the texts that lay_subject writes, at most. */
static size_t subject_bytes(const struct subject *subject)
{
	size_t bytes = 0;

	if (subject->known_principal || subject->verified) {
		bytes += subject->tenant.len;
	}
	if (subject->known_principal) {
		bytes += subject->facts.principal.len;
	}
	if (subject->verified) {
		bytes += subject->key.kid.len + subject->key.environment.len;
	}
	return bytes;
}

void answer_put(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct outcome *outcome, bool whole)
{
	const struct pol_decision *decision = &outcome->decision;
	struct pol_str reason = decision->reason;
	bool with_subject = !ask->not_trusted;
	bool quota = outcome->quota.report.any;
	bool missing = !decision->allow && pol_str_equal(reason, POL_STR("missing_fact"));
	char fact[POL_FACT_TEXT];
	uint8_t *to;

	/* A peer that is not trusted gets the same answer for every 401. */
	if (!ask->trusted && decision->status == 401) {
		reason = POL_STR("unauthenticated");
		with_subject = false;
	}
	fact[0] = '\0';
	if (ask->trusted && !decision->allow) {
		answer_fact(call, decision, &subject->facts, &outcome->quota.report, fact);
	}
	to = wire_buf_reserve(call->out, ANSWER_FIXED + reason.len + sizeof fact +
						 (with_subject ? subject_bytes(subject) : 0));
	if (to == NULL) {
		return;
	}
	if (whole) {
		to = WIRE_LAY(wire_lay_uint(WIRE_LAY(to, "\x94\x01"), call->id), "\xc0");
	}
	*to++ = (uint8_t)(0x80 |
			  (3 + (whole ? 1 : 0) + (with_subject ? subject_pairs(call, subject) : 0) +
				  (fact[0] != '\0' ? 1 : 0) + (quota ? 1 : 0) + (missing ? 1 : 0) +
				  (outcome->explained ? 1 : 0)));
	to = decision->allow ? lay_allowed(to) : lay_denied(to, decision->status, reason);
	if (fact[0] != '\0') {
		to = lay_str(WIRE_LAY(to, "\xa4"
					  "fact"),
			pol_str_of(fact));
	}
	if (whole) {
		to = lay_revision(to, call->snapshot);
	}
	if (with_subject) {
		to = lay_subject(to, call, subject);
	}
	if (quota) {
		to = lay_quota(to, &outcome->quota.report);
	}
	call->out->len = (size_t)(to - call->out->data);
	if (missing) {
		put_missing(call, &decision->missing);
	}
	if (outcome->explained) {
		wire_put_str(call->out, WIRE_STR("explain"));
		/* As roles.get has it: where the files say something is for peers. */
		explain_put(call->out, &outcome->explanation, call->actor == NULL);
	}
}
