/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/outcome.h"

#include <errno.h>

#include "daemon/decide/decision_event.h"
#include "daemon/decide/decision_note.h"
#include "daemon/decide/missing.h"

/* An explanation takes a few KiB; that of a stack of a thousand lines takes a few hundred. */
#define EXPLAIN_MEMORY ((size_t)1 << 20)

/* In decisions: what explaining costs beside its own, and how many roles one is worth. */
#define EXPLAIN_COST  2
#define EXPLAIN_ROLES 256

/* Steps of conditions that take as long as a decision. */
#define CONDITION_STEPS 16

typedef enum pol_status (*explainer)(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_arena *arena, struct pol_decision *decision,
	struct pol_explanation *out);

static int explain(
	struct call *call, explainer decide, const struct subject *subject, struct outcome *out)
{
	struct pol_counts counts = pol_snapshot_counts(call->snapshot);

	pol_arena_init(&out->arena, EXPLAIN_MEMORY);
	out->explained = true;
	call->cost += EXPLAIN_COST + (uint32_t)((counts.roles + counts.scopes) / EXPLAIN_ROLES);
	if (decide(call->snapshot, &subject->facts, &out->arena, &out->decision,
		    &out->explanation) != POL_OK) {
		return -ENOMEM;
	}
	if (out->explanation.stage == POL_STAGE_CHARGES && out->quota.report.any) {
		out->explanation.quota = out->quota.report.charge->name;
	}
	return 0;
}

void outcome_finish(struct outcome *outcome)
{
	if (outcome->explained) {
		pol_arena_finish(&outcome->arena);
	}
}

/* What would be allowed, but by a store that is too old. The marks stay: what the policy logs, it
 * logs as denied. */
static void make_stale(struct pol_decision *decision)
{
	decision->allow = false;
	decision->status = 503;
	decision->reason = POL_STR("stale");
}

/* Decides with the facts of ask_state, by outcome->quota. 0, or -ENOMEM for an explanation. */
static int evaluate(
	struct call *call, explainer decide, struct subject *subject, struct outcome *outcome)
{
	struct pol_decision *out = &outcome->decision;
	bool fresh = call_is_fresh(call);
	int r = 0;

	/* What is stale anyway takes no quota. */
	subject->facts.counter = fresh ? &outcome->quota.counter : NULL;
	subject->facts.dice = call_random(call);
	if (decide != NULL) {
		r = explain(call, decide, subject, outcome);
	} else {
		pol_eval(call->snapshot, &subject->facts, out);
	}
	subject->facts.counter = NULL;
	if (out->allow && (!fresh || !call_is_fresh(call))) {
		make_stale(out);
	}
	call->cost += out->steps / CONDITION_STEPS;
	if (subject->facts.by_peer) {
		subject->known_principal = (out->marks & POL_MARK_PEER) != 0;
	}
	return r;
}

/* What a decision costs beside its own. */
static void weigh(struct call *call, const struct ask *ask, const struct pol_path_memo *memo,
	const struct subject *subject)
{
	call->cost += subject_place_cost(subject);
	if (memo == NULL || !memo->known) {
		call->cost += (uint32_t)ask->path.len / ASK_PATH_BYTES;
	}
}

int outcome_make(struct call *call, const struct ask *ask, struct pol_path_memo *memo,
	struct subject *subject, struct outcome *outcome)
{
	struct pol_decision *out = &outcome->decision;
	int r;

	outcome->explained = false;
	quota_counters_turn_init(&outcome->quota, call->context->quota_counters);
	if (ask->not_trusted) {
		*out = (struct pol_decision){
			.status = 403, .reason = POL_STR("not_trusted"), .node = POL_NONE
		};
		call->denied++;
		return 0;
	}
	if (call->late) {
		*out = (struct pol_decision){ .node = POL_NONE };
		make_stale(out);
		call->denied++;
		return 0;
	}
	weigh(call, ask, memo, subject);
	ask_state(ask, memo, subject);
	r = evaluate(call, ask->explain ? pol_explain : NULL, subject, outcome);
	*(out->allow ? &call->allowed : &call->denied) += 1;
	if (!out->allow && call->missing != NULL &&
		pol_str_equal(out->reason, POL_STR("missing_fact"))) {
		missing_add(call->missing, call->snapshot, &out->missing);
	}
	if ((out->marks & (POL_MARK_WARN | POL_MARK_LOG)) != 0) {
		decision_note_write(call, subject, &subject->facts, out);
	}
	decision_event_put(call, ask, subject, out);
	return r;
}

int outcome_try(
	struct call *call, const struct ask *ask, struct subject *subject, struct outcome *outcome)
{
	outcome->explained = false;
	quota_counters_turn_look(&outcome->quota, call->context->quota_counters);
	weigh(call, ask, NULL, subject);
	ask_state(ask, NULL, subject);
	return evaluate(call, pol_explain_tried, subject, outcome);
}
