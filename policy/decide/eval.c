/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/eval.h"

#include <string.h>

#include "policy/decide/eval_internal.h"
#include "policy/decide/stack.h"
#include "policy/decide/subject.h"
#include "policy/decide/trace.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/tree.h"
#include "policy/text/cidr.h"
#include "policy/text/path.h"
#include "policy/text/reason.h"

/*
 * The order of the steps is in decide(). Each step returns a reason code that denies, or an empty
 * view to go on.
 */

static const struct pol_str go_on = { NULL, 0 };

static bool has_key(const struct pol_facts *facts)
{
	return facts->key_state == POL_KEY_ACTIVE;
}

/* The state of the key, if there is a token. */
static struct pol_str check_key(const struct pol_facts *facts)
{
	switch (facts->key_state) {
	case POL_KEY_MISSING:
	case POL_KEY_ACTIVE:
		return go_on;
	case POL_KEY_MALFORMED:
		return POL_STR("malformed_token");
	case POL_KEY_REVOKED:
		return POL_STR("revoked_key");
	case POL_KEY_INACTIVE:
		return POL_STR("inactive_key");
	case POL_KEY_EXPIRED:
		return POL_STR("expired_key");
	case POL_KEY_UNKNOWN:
		break;
	}
	return POL_STR("unknown_key");
}

/* The state of the principal and the tenant. A key that is bound to a principal must have one. */
static struct pol_str check_principal(const struct pol_facts *facts)
{
	switch (facts->principal_state) {
	case POL_PRINCIPAL_ACTIVE:
		break;
	case POL_PRINCIPAL_NONE:
		if (has_key(facts) && facts->binding == POL_BOUND_TO_PRINCIPAL) {
			return POL_STR("unknown_principal");
		}
		break;
	case POL_PRINCIPAL_INACTIVE:
		return POL_STR("inactive_principal");
	case POL_PRINCIPAL_UNKNOWN:
	default:
		return POL_STR("unknown_principal");
	}
	return facts->tenant_inactive ? POL_STR("inactive_tenant") : go_on;
}

struct pol_facts pol_eval_without_peer(const struct pol_facts *facts)
{
	struct pol_facts out = *facts;

	out.by_peer = false;
	out.declared = false;
	out.principal_state = POL_PRINCIPAL_NONE;
	out.principal = (struct pol_str){ 0 };
	out.tenant = 0;
	out.tenant_name = (struct pol_str){ 0 };
	/* What every caller holds is at the end. */
	out.held = facts->held_count > 0 ? facts->held + (facts->held_count - facts->anyone_count)
					 : NULL;
	out.held_count = facts->anyone_count;
	out.everyone_count = 0;
	out.principal_kind = POL_KIND_NONE;
	out.attributes = NULL;
	return out;
}

/* Removes the principal of the peer from the facts, unless a module has accepted it. */
static void drop_peer(struct pol_evaluation *eval)
{
	if (!eval->facts->by_peer || (eval->marks & POL_MARK_PEER) != 0) {
		return;
	}
	eval->without_peer = pol_eval_without_peer(eval->facts);
	eval->facts = &eval->without_peer;
	eval->request.facts = &eval->without_peer;
}

/* Is the key for this environment and this tenant? */
static struct pol_str check_environment(const struct pol_facts *facts)
{
	if (facts->wrong_environment) {
		return POL_STR("wrong_environment");
	}
	return facts->wrong_tenant ? POL_STR("wrong_tenant") : go_on;
}

static struct pol_group_result trace_group(struct pol_evaluation *eval, enum pol_group group)
{
	struct pol_trace *trace = eval->trace;
	uint32_t first = trace->line_count;
	struct pol_group_result result = pol_stack_trace_group(
		&eval->stack->groups[group], &eval->request, &eval->charges, trace);

	trace->groups[group] = (struct pol_trace_group){ .asked = true,
		.passed = result.passed,
		.first = first,
		.count = trace->line_count - first,
		.reason = result.reason };
	return result;
}

static inline __attribute__((always_inline)) struct pol_str run_group(
	struct pol_evaluation *eval, enum pol_group group)
{
	const struct pol_stack *stack = eval->stack;
	struct pol_group_result result;

	if (stack == NULL || stack->groups[group].count == 0) {
		return go_on;
	}
	result = eval->trace == NULL ? pol_stack_run_group(&stack->groups[group], &eval->request,
					       &eval->charges)
				     : trace_group(eval, group);
	eval->marks |= result.marks;
	eval->by = result.by;
	return result.passed ? go_on : result.reason;
}

struct pol_str pol_eval_run_group(struct pol_evaluation *eval, enum pol_group group)
{
	return run_group(eval, group);
}

static enum pol_status read_path(struct pol_evaluation *eval, struct pol_str path)
{
	struct pol_path_memo *memo = eval->facts->memo;

	if (memo == NULL) {
		struct pol_path *into = eval->trace == NULL ? &eval->path : &eval->trace->path;

		eval->at = into;
		return pol_path_read(path, into);
	}
	eval->at = &memo->path;
	return pol_path_recall(path, memo);
}

static enum pol_status find_node(const struct pol_evaluation *eval, uint32_t *out)
{
	uint32_t tree = pol_tree_number(eval->snapshot, eval->tree);

	return pol_tree_find_requested(eval->snapshot, tree, eval->at, out);
}

/* The same, once for all decisions about the path in that tree. */
static enum pol_status recall_node(struct pol_evaluation *eval)
{
	struct pol_path_memo *memo = eval->facts->memo;

	if (memo == NULL) {
		return find_node(eval, &eval->node);
	}
	if (!memo->looked_up || !pol_str_equal(memo->tree, eval->tree)) {
		memo->node = POL_NONE;
		memo->node_status = find_node(eval, &memo->node);
		memo->tree = eval->tree;
		memo->looked_up = true;
	}
	eval->node = memo->node;
	return memo->node_status;
}

/* Finds the node and the permissions that the request needs. */
static struct pol_str find_resource(struct pol_evaluation *eval)
{
	const struct pol_facts *facts = eval->facts;
	struct pol_str path = facts->path;
	enum pol_status status;

	if (eval->about == POL_ABOUT_NOTHING) {
		return go_on;
	}
	eval->tree = facts->tree;
	if (facts->tree.len == 0 && !pol_path_split(facts->path, &eval->tree, &path)) {
		return POL_STR("malformed_path");
	}
	if (read_path(eval, path) != POL_OK) {
		return POL_STR("malformed_path");
	}
	status = recall_node(eval);
	if (status != POL_OK) {
		eval->node = POL_NONE;
		return status == POL_EINVALID ? POL_STR("malformed_path")
					      : POL_STR("unknown_resource");
	}
	eval->matched.node = eval->node;
	eval->matched.path = eval->at;
	if (pol_tree_node_run(eval->snapshot, eval->node).count == 0) {
		return POL_STR("unknown_resource");
	}
	if (pol_tree_node_verb(eval->snapshot, eval->node, facts->verb, facts->http, &eval->run) !=
			POL_OK ||
		eval->run.count == 0) {
		return POL_STR("unknown_action");
	}
	return go_on;
}

/* Is the address in one of the key's networks? */
static struct pol_str check_networks(const struct pol_facts *facts)
{
	if (!has_key(facts) || facts->key_network_count == 0) {
		return go_on;
	}
	for (uint32_t i = 0; i < facts->key_network_count; i++) {
		if (pol_cidr_contains(&facts->key_networks[i], &facts->ip)) {
			return go_on;
		}
	}
	return POL_STR("network");
}

struct pol_str pol_eval_refuse(const struct pol_request *request, bool denied)
{
	if (denied) {
		return POL_STR("denied");
	}
	return request->scopes_allow ? go_on : POL_STR("scope");
}

/* Finds what roles and scopes allow and deny. An action with several methods needs all of them. */
static struct pol_str check_subject(struct pol_evaluation *eval)
{
	struct pol_request *request = &eval->request;
	struct pol_run run = eval->run;
	struct pol_run_word at;
	bool denied = false;

	request->roles_allow = true;
	request->scopes_allow = true;
	request->anyone_allows = true;
	/* For a listing: what could the other lines of `authorize` still refuse? */
	if (eval->about != POL_ABOUT_PATH) {
		return eval->about == POL_ABOUT_NOTHING ? go_on : pol_eval_ask_authorize(eval);
	}
	pol_truth_begin(&eval->truth, eval->snapshot, eval->facts, eval->tree, eval->at);
	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits bits = pol_subject_decide(&eval->truth, &at);
		uint64_t anyone = bits.anyone.sure;

		if (pol_truth_evaluated(&eval->truth)) {
			const struct pol_eval_word word = { at, &bits, denied };

			return pol_eval_check_conditions(eval, &word, run);
		}
		denied = denied || bits.denied.sure != 0;
		request->roles_allow =
			request->roles_allow && (bits.roles.sure | anyone) == at.mask;
		request->scopes_allow =
			request->scopes_allow && (bits.scopes.sure | anyone) == at.mask;
		request->anyone_allows = request->anyone_allows && anyone == at.mask;
	}
	return pol_eval_refuse(request, denied);
}

static struct pol_str take_charges(struct pol_evaluation *eval)
{
	const struct pol_counter *counter = eval->facts->counter;

	if (eval->charges.count == 0 || counter == NULL) {
		return go_on;
	}
	return counter->take(counter, eval->facts, eval->charges.items, eval->charges.count);
}

#define STEP(name, call)                                                                           \
	do {                                                                                       \
		struct pol_str reason = (call);                                                    \
		if (reason.len > 0) {                                                              \
			eval->stage = POL_STAGE_##name;                                            \
			return reason;                                                             \
		}                                                                                  \
	} while (0)

/* All steps. Returns the first reason that denies; an empty view: allowed. */
static struct pol_str decide(struct pol_evaluation *eval)
{
	const struct pol_facts *facts = eval->facts;

	STEP(TOKEN, check_key(facts));
	STEP(PRINCIPAL, check_principal(facts));
	STEP(ENVIRONMENT, check_environment(facts));
	STEP(SERVICE, eval->stack == NULL ? POL_STR("unknown_service") : go_on);
	STEP(AUTHENTICATE, run_group(eval, POL_GROUP_AUTHENTICATE));
	drop_peer(eval);
	STEP(RESOURCE, find_resource(eval));
	STEP(NETWORKS, check_networks(facts));
	STEP(ACCOUNT, run_group(eval, POL_GROUP_ACCOUNT));
	STEP(SUBJECT, check_subject(eval));
	STEP(AUTHORIZE, run_group(eval, POL_GROUP_AUTHORIZE));
	STEP(FACTS, eval->uncertain ? pol_eval_check_missing(eval) : go_on);
	/* The last step, so that a denied request is not charged. */
	STEP(CHARGES, take_charges(eval));
	return go_on;
}

/* Modules and the counter answer with codes of their own: none may read as allowed. */
struct pol_str pol_eval_denial(struct pol_str reason)
{
	return reason.len == 0 || pol_reason_is_denial(reason) ? reason : POL_STR("module_error");
}

static void answer(struct pol_evaluation *eval, struct pol_decision *out)
{
	struct pol_str reason;

	out->missing = (struct pol_fact_set){ 0 };
	eval->missing = &out->missing;
	reason = pol_eval_denial(decide(eval));
	out->by = reason.len > 0 ? eval->by : NULL;
	eval->request.allowed = reason.len == 0;
	/* Lines of `record` run after the decision and cannot change it. */
	if (!eval->unmade) {
		(void)run_group(eval, POL_GROUP_RECORD);
	}
	out->allow = reason.len == 0;
	out->reason = out->allow ? POL_STR("ok") : reason;
	out->status = out->allow ? 200 : pol_reason_status(reason);
	out->node = eval->node;
	out->permission = eval->run.first;
	out->marks = eval->marks;
	out->steps = eval->steps;
}

/* The stack that decides for a service, or NULL. */
static const struct pol_stack *select_stack(
	const struct pol_snapshot *snapshot, struct pol_str service)
{
	const struct pol_stack *stack;

	if (service.ptr == NULL) {
		return snapshot->other != NULL ? snapshot->other : pol_stack_builtin();
	}
	stack = pol_stack_find(snapshot, service);
	return stack != NULL && !stack->fragment ? stack : snapshot->other;
}

/* Sets the fields one by one, because zeroing the whole structure would be slow: it has paths. */
static void begin(struct pol_evaluation *eval, const struct pol_snapshot *snapshot,
	const struct pol_facts *facts)
{
	eval->snapshot = snapshot;
	eval->facts = facts;
	eval->matched = (struct pol_matched){ .snapshot = snapshot, .node = POL_NONE };
	eval->request = pol_matched_request(facts, &eval->matched);
	eval->run = (struct pol_run){ 0 };
	eval->tree = (struct pol_str){ 0 };
	eval->node = POL_NONE;
	eval->marks = 0;
	eval->steps = 0;
	eval->by = NULL;
	eval->about = POL_ABOUT_PATH;
	eval->stage = POL_STAGE_END;
	eval->trace = NULL;
	eval->charges.count = 0;
	eval->uncertain = false;
	eval->unmade = false;
}

void pol_eval(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out)
{
	struct pol_evaluation eval;

	begin(&eval, snapshot, facts);
	eval.stack = select_stack(snapshot, facts->service);
	answer(&eval, out);
}

void pol_eval_managing(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out)
{
	struct pol_stack stack = pol_stack_managing(snapshot);
	struct pol_evaluation eval;

	begin(&eval, snapshot, facts);
	eval.stack = &stack;
	answer(&eval, out);
}

void pol_eval_listing(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out)
{
	struct pol_evaluation eval;

	begin(&eval, snapshot, facts);
	eval.stack = select_stack(snapshot, facts->service);
	eval.about = POL_ABOUT_NOTHING;
	answer(&eval, out);
	out->permission = POL_NONE;
}

void pol_eval_of_node(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_eval_node *out)
{
	const struct pol_stack *stack = select_stack(snapshot, facts->service);
	struct pol_stack without_record;
	struct pol_decision decision;
	struct pol_evaluation eval;

	out->facts = *facts;
	out->facts.memo = &out->memo;
	pol_path_memo_begin(&out->memo);
	out->misnamed = false;
	out->reads_segments = false;
	out->open = 0;
	out->open_rest = POL_NONE;
	begin(&eval, snapshot, &out->facts);
	if (stack != NULL) {
		without_record = *stack;
		without_record.groups[POL_GROUP_RECORD].count = 0;
		stack = &without_record;
	}
	eval.stack = stack;
	eval.about = POL_ABOUT_NODE;
	eval.of_node = out;
	eval.matched.asked = &out->reads_segments;
	answer(&eval, &decision);
	out->refused = eval.stage == POL_STAGE_SUBJECT ? go_on : decision.reason;
	out->marks = eval.marks;
	out->node = eval.node;
	out->run = eval.run;
	out->tree = eval.tree;
	if (eval.facts != &out->facts) {
		out->facts = *eval.facts;
	}
}

static void evaluate_traced(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, bool unmade, struct pol_decision *out)
{
	struct pol_evaluation eval;

	begin(&eval, snapshot, facts);
	eval.unmade = unmade;
	eval.stack = select_stack(snapshot, facts->service);
	eval.trace = trace;
	eval.at = NULL;
	trace->line_count = 0;
	memset(trace->groups, 0, sizeof trace->groups);
	answer(&eval, out);
	trace->stage = eval.stage;
	trace->stack = eval.stack;
	trace->tree = eval.tree;
	trace->node = eval.node;
	trace->run = eval.run;
	trace->at = eval.at;
	trace->facts = *eval.facts;
	trace->request = eval.request;
	trace->request.facts = &trace->facts;
	trace->request.matched = NULL; /* it ends here */
}

void pol_eval_traced(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, struct pol_decision *out)
{
	evaluate_traced(snapshot, facts, trace, false, out);
}

void pol_eval_tried(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, struct pol_decision *out)
{
	evaluate_traced(snapshot, facts, trace, true, out);
}
