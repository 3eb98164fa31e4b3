/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: which resources of a node a caller may have, for a query of a database. The parameters are
 * those of authorize; what is decided, and how, is policy/ask/plan's. Nothing is charged.
 */
#include "policy/ask/plan.h"

#include <errno.h>
#include <string.h>

#include "daemon/call/methods.h"
#include "daemon/decide/answer.h"
#include "daemon/decide/ask.h"
#include "daemon/decide/authorize.h"
#include "daemon/decide/missing.h"
#include "daemon/decide/plan_encode.h"
#include "policy/snapshot/resource.h"

/* A plan takes a few KiB; the largest one takes as long as some thousand decisions. */
#define PLAN_MEMORY ((size_t)1 << 20)

/* Making this much of a plan takes at most as long as a decision. */
#define PLAN_BYTES 256

/* Bytes of an answer's text and tree: a WHERE of a database that is larger helps nobody. */
#define TEXT_MAX ((size_t)64 * 1024)
#define TREE_MAX ((size_t)256 * 1024)

static const char *read_ask(struct call *call, struct ask *out, const char **out_param)
{
	struct wire_value values[ASK_FIELDS] = { [ASK_EXPLAIN] = { .given = false } };

	memcpy(values, call->params, ASK_PLAN_FIELDS * sizeof *values);
	given_begin(call);
	return ask_read(call, values, out, out_param);
}

/* --- the answer ------------------------------------------------------------------------------- */

static const char *kind_text(enum pol_plan_kind kind)
{
	switch (kind) {
	case POL_PLAN_ALWAYS:
		return "always";
	case POL_PLAN_WHEN:
		return "when";
	case POL_PLAN_NEVER:
		break;
	}
	return "never";
}

static void put_refusal(struct call *call, const struct pol_plan *plan)
{
	struct pol_str reason = plan->reason;

	/* As in authorize: a peer that is not trusted gets the same answer for every 401. */
	if (!call->peer->trusted && plan->status == 401) {
		reason = POL_STR("unauthenticated");
	}
	wire_put_str(call->out, WIRE_STR("reason"));
	wire_put_str(call->out, subject_wire(reason));
	wire_put_str(call->out, WIRE_STR("status"));
	wire_put_int(call->out, plan->status);
}

static void put_node(struct call *call, uint32_t node)
{
	char text[POL_RESOURCE_TEXT];
	struct pol_resource resource = { .text = text };

	wire_put_str(call->out, WIRE_STR("node"));
	wire_put_str(
		call->out, subject_wire(pol_resource_of_node(&resource, call->snapshot, node)));
}

static void put_missing(struct call *call, const struct pol_str *names, uint32_t count)
{
	wire_put_str(call->out, WIRE_STR("missing"));
	wire_put_array(call->out, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_put_str(call->out, subject_wire(names[i]));
	}
}

/* False: its text or its tree is too large, or too deep. */
static bool put_when(struct call *call, const struct pol_plan *plan, struct pol_arena *arena)
{
	size_t len = pol_formula_format(call->snapshot, plan->when, NULL, 0);
	char *text = len < TEXT_MAX ? pol_arena_alloc(arena, len + 1, 1) : NULL;
	size_t mark;

	if (text == NULL || plan_encode_is_deep(plan->when)) {
		return false;
	}
	(void)pol_formula_format(call->snapshot, plan->when, text, len + 1);
	wire_put_str(call->out, WIRE_STR("when"));
	wire_put_str(call->out, (struct wire_str){ text, len });
	wire_put_str(call->out, WIRE_STR("tree"));
	mark = call->out->len;
	plan_encode(call->out, call->snapshot, plan->when);
	return call->out->len - mark <= TREE_MAX;
}

static int put(struct call *call, const struct pol_plan *plan, struct pol_arena *arena)
{
	struct pol_str names[MISSING_FACTS];
	uint32_t missing = missing_names(call->snapshot, &plan->missing, names);
	bool never = plan->kind == POL_PLAN_NEVER, when = plan->kind == POL_PLAN_WHEN;
	bool node = plan->node != POL_NONE;
	size_t mark = call->out->len;

	wire_put_result(call->out, call->id);
	wire_put_map(
		call->out, 2 + (never || when ? 2 : 0) + (node ? 1 : 0) + (missing > 0 ? 1 : 0));
	wire_put_str(call->out, WIRE_STR("plan"));
	wire_put_cstr(call->out, kind_text(plan->kind));
	if (never) {
		put_refusal(call, plan);
	}
	if (when && !put_when(call, plan, arena)) {
		wire_buf_rewind(call->out, mark);
		return call_error(call, "conflict", "the plan would be too large");
	}
	if (node) {
		put_node(call, plan->node);
	}
	if (missing > 0) {
		put_missing(call, names, missing);
	}
	wire_put_str(call->out, WIRE_STR("revision"));
	wire_put_str(call->out,
		(struct wire_str){ pol_snapshot_revision(call->snapshot), ANSWER_REVISION });
	return 0;
}

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

	switch (fault) {
	case POL_PLAN_MISNAMED:
		return refuse_name(call, param, text, node);
	case POL_PLAN_BELOW_REST:
	case POL_PLAN_SEGMENTS:
		return call_invalid(call, param, "%s", text);
	case POL_PLAN_TOO_LARGE:
	case POL_PLAN_REVERSED:
	case POL_PLAN_ROLES:
		return call_error(call, "conflict", "%s", text);
	case POL_PLAN_MADE:
	case POL_PLAN_NO_MEMORY:
		break;
	}
	return -ENOMEM;
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
	pol_arena_init(&arena, PLAN_MEMORY);
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
