/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/eval.h"

#include <string.h>

#include "policy/decide/stack.h"
#include "policy/decide/subject.h"
#include "policy/decide/trace.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/tree.h"
#include "policy/text/cidr.h"
#include "policy/text/path.h"
#include "policy/text/reason.h"

/*
 * The order in which things are asked is the order of this file's judge(): who, where to, may he
 * be here, may he do this. Each step gives the reason why not, or nothing.
 */

struct judge {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	const struct pol_stack *stack; /* NULL: none decides for that service */
	struct pol_request request;
	struct pol_run run; /* the permissions that are asked for */
	struct pol_str tree;
	uint32_t node;
	uint32_t marks;
	enum pol_stage stage;    /* where it ended; not told before */
	struct pol_trace *trace; /* NULL: nobody wants to know */
	struct pol_charges charges;
	const struct pol_path *at; /* `path`, or the one of the facts' memo */
	struct pol_path path;      /* large; only what is read is written */
	struct pol_facts nobody;   /* likewise: the facts without the peer */
};

/* No reason: go on. */
static const struct pol_str go_on = { NULL, 0 };

static bool has_key(const struct pol_facts *facts)
{
	return facts->key_state == POL_KEY_ACTIVE;
}

/* Step 2: the token, if one came. */
static struct pol_str judge_key(const struct pol_facts *facts)
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

/* Step 3: whose it is. A key that is bound to a principal has one. */
static struct pol_str judge_principal(const struct pol_facts *facts)
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

/* Whom the kernel's peer is counts where a module says that it does; elsewhere he is nobody. */
static void forget_peer(struct judge *judge)
{
	if (!judge->facts->by_peer || (judge->marks & POL_MARK_PEER) != 0) {
		return;
	}
	judge->nobody = *judge->facts;
	judge->nobody.by_peer = false;
	judge->nobody.declared = false;
	judge->nobody.principal_state = POL_PRINCIPAL_NONE;
	judge->nobody.principal = (struct pol_str){ 0 };
	judge->nobody.tenant = 0;
	judge->nobody.held_count = 0;
	judge->facts = &judge->nobody;
	judge->request.facts = &judge->nobody;
}

/* Step 4: whether it is meant for here. */
static struct pol_str judge_environment(const struct pol_facts *facts)
{
	if (facts->wrong_environment) {
		return POL_STR("wrong_environment");
	}
	return facts->wrong_tenant ? POL_STR("wrong_tenant") : go_on;
}

static struct pol_group_result trace_group(struct judge *judge, enum pol_group group)
{
	struct pol_trace *trace = judge->trace;
	uint32_t first = trace->line_count;
	struct pol_group_result result = pol_stack_trace_group(
		&judge->stack->groups[group], &judge->request, &judge->charges, trace);

	trace->groups[group] = (struct pol_trace_group){ .asked = true,
		.passed = result.passed,
		.first = first,
		.count = trace->line_count - first,
		.reason = result.reason };
	return result;
}

static struct pol_str run_group(struct judge *judge, enum pol_group group)
{
	const struct pol_stack *stack = judge->stack;
	struct pol_group_result result;

	if (stack == NULL || stack->groups[group].count == 0) {
		return go_on;
	}
	result = judge->trace == NULL ? pol_stack_run_group(&stack->groups[group], &judge->request,
						&judge->charges)
				      : trace_group(judge, group);
	judge->marks |= result.marks;
	return result.passed ? go_on : result.reason;
}

static enum pol_status read_path(struct judge *judge, struct pol_str path)
{
	struct pol_path_memo *memo = judge->facts->memo;

	if (memo == NULL) {
		struct pol_path *into = judge->trace == NULL ? &judge->path : &judge->trace->path;

		judge->at = into;
		return pol_path_read(path, into);
	}
	judge->at = &memo->path;
	return pol_path_recall(path, memo);
}

/* Step 6: which node and which of its permissions. */
static struct pol_str judge_resource(struct judge *judge)
{
	const struct pol_facts *facts = judge->facts;
	struct pol_str path = facts->path;
	uint32_t tree;

	judge->tree = facts->tree;
	if (facts->tree.len == 0 && !pol_path_split(facts->path, &judge->tree, &path)) {
		return POL_STR("malformed_path");
	}
	if (read_path(judge, path) != POL_OK) {
		return POL_STR("malformed_path");
	}
	tree = pol_tree_number(judge->snapshot, judge->tree);
	if (tree == POL_NONE ||
		pol_tree_find(judge->snapshot, tree, judge->at, &judge->node) != POL_OK) {
		judge->node = POL_NONE;
		return POL_STR("unknown_resource");
	}
	if (pol_tree_node_run(judge->snapshot, judge->node).count == 0) {
		return POL_STR("unknown_resource");
	}
	if (pol_tree_node_verb(judge->snapshot, judge->node, facts->verb, facts->http,
		    &judge->run) != POL_OK ||
		judge->run.count == 0) {
		return POL_STR("unknown_action");
	}
	return go_on;
}

/* Step 7: the key's own networks. */
static struct pol_str judge_networks(const struct pol_facts *facts)
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

/* Step 8, and what step 9 goes by. A verb that several methods serve asks for all of them. */
static struct pol_str judge_subject(struct judge *judge)
{
	struct pol_request *request = &judge->request;
	struct pol_run run = judge->run;
	struct pol_run_word at;
	bool denied = false;

	request->roles_allow = true;
	request->scopes_allow = true;
	request->anyone_allows = true;
	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits say = pol_subject_eval(
			judge->snapshot, judge->facts, judge->tree, judge->at, &at);

		denied = denied || say.denied != 0;
		request->roles_allow = request->roles_allow && (say.roles | say.anyone) == at.mask;
		request->scopes_allow =
			request->scopes_allow && (say.scopes | say.anyone) == at.mask;
		request->anyone_allows = request->anyone_allows && say.anyone == at.mask;
	}
	if (denied) {
		return POL_STR("denied");
	}
	return request->scopes_allow ? go_on : POL_STR("scope");
}

static struct pol_str take_charges(struct judge *judge)
{
	const struct pol_counter *counter = judge->facts->counter;

	if (judge->charges.count == 0 || counter == NULL) {
		return go_on;
	}
	return counter->take(counter, judge->facts, judge->charges.items, judge->charges.count);
}

#define STEP(name, call)                                                                           \
	do {                                                                                       \
		struct pol_str reason = (call);                                                    \
		if (reason.len > 0) {                                                              \
			judge->stage = POL_STAGE_##name;                                           \
			return reason;                                                             \
		}                                                                                  \
	} while (0)

/* The order of reasons. Nothing: allowed. */
static struct pol_str judge_all(struct judge *judge)
{
	const struct pol_facts *facts = judge->facts;

	STEP(TOKEN, judge_key(facts));
	STEP(PRINCIPAL, judge_principal(facts));
	STEP(ENVIRONMENT, judge_environment(facts));
	STEP(SERVICE, judge->stack == NULL ? POL_STR("unknown_service") : go_on);
	STEP(AUTHENTICATE, run_group(judge, POL_GROUP_AUTHENTICATE));
	forget_peer(judge);
	STEP(RESOURCE, judge_resource(judge));
	STEP(NETWORKS, judge_networks(facts));
	STEP(ACCOUNT, run_group(judge, POL_GROUP_ACCOUNT));
	STEP(SUBJECT, judge_subject(judge));
	STEP(AUTHORIZE, run_group(judge, POL_GROUP_AUTHORIZE));
	/* What is refused, or not counted, costs nothing. */
	STEP(CHARGES, take_charges(judge));
	return go_on;
}

static void answer(struct judge *judge, struct pol_decision *out)
{
	struct pol_str reason = judge_all(judge);

	judge->request.allowed = reason.len == 0;
	/* Record lines see the request and change nothing. */
	(void)run_group(judge, POL_GROUP_RECORD);
	out->allow = reason.len == 0;
	out->reason = out->allow ? POL_STR("ok") : reason;
	out->status = out->allow ? 200 : pol_reason_status(reason);
	out->node = judge->node;
	out->permission = judge->run.first;
	out->marks = judge->marks;
}

/* Whose stack decides; NULL: nobody's. */
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

/* Field by field: the path is not to be cleared at each decision. */
static void begin(
	struct judge *judge, const struct pol_snapshot *snapshot, const struct pol_facts *facts)
{
	judge->snapshot = snapshot;
	judge->facts = facts;
	judge->request = (struct pol_request){ .facts = facts };
	judge->run = (struct pol_run){ 0 };
	judge->tree = (struct pol_str){ 0 };
	judge->node = POL_NONE;
	judge->marks = 0;
	judge->stage = POL_STAGE_END;
	judge->trace = NULL;
	judge->charges.count = 0;
}

void pol_eval(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out)
{
	struct judge judge;

	begin(&judge, snapshot, facts);
	judge.stack = select_stack(snapshot, facts->service);
	answer(&judge, out);
}

void pol_eval_managing(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_decision *out)
{
	struct pol_stack stack = pol_stack_managing(snapshot);
	struct judge judge;

	begin(&judge, snapshot, facts);
	judge.stack = &stack;
	answer(&judge, out);
}

void pol_eval_traced(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	struct pol_trace *trace, struct pol_decision *out)
{
	struct judge judge;

	begin(&judge, snapshot, facts);
	judge.stack = select_stack(snapshot, facts->service);
	judge.trace = trace;
	judge.at = NULL;
	trace->line_count = 0;
	memset(trace->groups, 0, sizeof trace->groups);
	answer(&judge, out);
	trace->stage = judge.stage;
	trace->stack = judge.stack;
	trace->tree = judge.tree;
	trace->node = judge.node;
	trace->run = judge.run;
	trace->at = judge.at;
	trace->facts = *judge.facts;
	trace->request = judge.request;
	trace->request.facts = &trace->facts;
}
