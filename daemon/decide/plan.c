/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: which resources of a node a caller may have, for a query of a database. The parameters are
 * those of authorize; what is decided, and how, is policy/ask/plan's. Nothing is charged.
 */
#include "policy/ask/plan.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/ask.h"
#include "daemon/decide/authorize.h"
#include "daemon/decide/plan_encode.h"
#include "policy/snapshot/resource.h"

/* Making this much of a plan takes at most as long as a decision. */
#define PLAN_BYTES 256

static const char *read_ask(struct call *call, struct ask *out, const char **out_param)
{
	struct wire_value values[ASK_FIELDS] = { [ASK_EXPLAIN] = { .given = false } };

	memcpy(values, call->params, ASK_PLAN_FIELDS * sizeof *values);
	given_begin(call);
	return ask_read(call, values, out, out_param);
}

/* --- the answer ------------------------------------------------------------------------------- */

/* A trusted peer reads how the node is declared. */
static int refuse_name(struct call *call, const char *param, const char *text, uint32_t node)
{
	char room[POL_RESOURCE_TEXT];
	struct pol_resource resource = { .text = room };

	if (!call->peer->trusted || node == POL_NONE) {
		return call_invalid(call, param, "%s", text);
	}
	return call_invalid(call, param, "%s: it is %.*s", text,
		POL_STR_ARGS(pol_resource_of_node(&resource, call->snapshot, node)));
}

static int refuse(struct call *call, enum pol_plan_fault fault, uint32_t node)
{
	const char *text = pol_plan_fault_text(fault);
	const char *param = call->params[ASK_RESOURCE].given ? "resource" : "path";
	enum wire_code code = plan_encode_code(fault);

	if (code == WIRE_INTERNAL) {
		return -ENOMEM;
	}
	if (code != WIRE_INVALID_REQUEST) {
		return call_error(call, wire_code_name(code), "%s", text);
	}
	return fault == POL_PLAN_MISNAMED ? refuse_name(call, param, text, node)
					  : call_invalid(call, param, "%s", text);
}

static int put(struct call *call, const struct pol_plan *plan, struct pol_arena *arena)
{
	struct pol_plan shown = *plan;
	size_t mark = call->out->len;
	enum pol_plan_fault fault;

	/* As in authorize: a peer that is not trusted gets the same answer for every 401. */
	if (!call->peer->trusted && plan->kind == POL_PLAN_NEVER && plan->status == 401) {
		shown.reason = POL_STR("unauthenticated");
	}
	wire_put_result(call->out, call->id);
	fault = plan_encode(call->out, call->snapshot, &shown, arena);
	if (fault != POL_PLAN_MADE) {
		wire_buf_rewind(call->out, mark);
		return refuse(call, fault, plan->node);
	}
	return 0;
}

/* --- the call --------------------------------------------------------------------------------- */

/* A plan says what a key may do, so that it is a use of it; of no permission, as none is named. */
static void count(struct call *call, const struct ask *ask, const struct subject *subject,
	const struct pol_plan *plan)
{
	const struct pol_decision decision = { .allow = plan->kind != POL_PLAN_NEVER,
		.status = plan->status,
		.reason = plan->reason,
		.node = plan->node,
		.permission = POL_NONE };

	*(decision.allow ? &call->allowed : &call->denied) += 1;
	authorize_count(call, ask, subject, &decision);
}

static int answer(struct call *call, const struct ask *ask, struct subject *subject)
{
	struct pol_arena arena;
	struct pol_plan made;
	enum pol_plan_fault fault;
	int r;

	ask_state(ask, NULL, subject);
	subject->facts.dice = call_random(call);
	pol_arena_init(&arena, PLAN_ENCODE_MEMORY);
	fault = pol_plan_make(call->snapshot, &subject->facts, &arena, &made);
	call->cost += subject_place_cost(subject) + (uint32_t)(ask->path.len / ASK_PATH_BYTES) +
		      (uint32_t)(arena.used / PLAN_BYTES);
	r = fault == POL_PLAN_MADE ? put(call, &made, &arena) : refuse(call, fault, made.node);
	pol_arena_finish(&arena);
	if (r == 0) {
		count(call, ask, subject, &made);
	}
	return r;
}

static int plan(struct call *call)
{
	static const struct pol_plan not_trusted = {
		.status = 403, .reason = POL_STR_INIT("not_trusted"), .node = POL_NONE
	};
	struct ask ask;
	struct subject subject;
	const char *param;
	const char *wrong = read_ask(call, &ask, &param);
	int r;

	if (wrong != NULL) {
		return call_invalid(call, param, "%s", wrong);
	}
	if (ask.not_trusted) {
		call->denied++;
		return put(call, &not_trusted, NULL);
	}
	r = subject_gather(call, &ask.who, &subject);
	return r < 0 ? r : answer(call, &ask, &subject);
}

const struct method plan_methods[] = {
	{ "plan", ask_fields, ASK_PLAN_FIELDS, METHOD_SECRET, plan },
};
const size_t plan_method_count = sizeof plan_methods / sizeof plan_methods[0];
