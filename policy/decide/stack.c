/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/stack.h"

#include "policy/decide/matched.h"
#include "policy/decide/modules/modules.h"
#include "policy/decide/trace.h"
#include "policy/snapshot/compiled.h"
#include "policy/text/reason.h"
#include "policy/text/str.h"

#define CONTROLS (POL_CONTROL_OPTIONAL + 1)
#define VERDICTS (POL_ALLOW + 1)

/* The control table. */
static const enum pol_effect effects[CONTROLS][VERDICTS] = {
	[POL_CONTROL_REQUIRED] = {
		[POL_ERROR] = POL_EFFECT_FAIL,
		[POL_DENY] = POL_EFFECT_FAIL,
		[POL_IGNORE] = POL_EFFECT_SKIP,
		[POL_ALLOW] = POL_EFFECT_COUNT,
	},
	[POL_CONTROL_REQUISITE] = {
		[POL_ERROR] = POL_EFFECT_FAIL_AND_END,
		[POL_DENY] = POL_EFFECT_FAIL_AND_END,
		[POL_IGNORE] = POL_EFFECT_SKIP,
		[POL_ALLOW] = POL_EFFECT_COUNT,
	},
	[POL_CONTROL_SUFFICIENT] = {
		[POL_ERROR] = POL_EFFECT_SKIP,
		[POL_DENY] = POL_EFFECT_SKIP,
		[POL_IGNORE] = POL_EFFECT_SKIP,
		[POL_ALLOW] = POL_EFFECT_COUNT_AND_END,
	},
	[POL_CONTROL_OPTIONAL] = {
		[POL_ERROR] = POL_EFFECT_SKIP,
		[POL_DENY] = POL_EFFECT_FALLBACK,
		[POL_IGNORE] = POL_EFFECT_SKIP,
		[POL_ALLOW] = POL_EFFECT_FALLBACK,
	},
};

static const struct pol_stack_line authenticate_lines[] = {
	{ .module = &pol_module_key, .control = POL_CONTROL_SUFFICIENT },
	{ .module = &pol_module_principal, .control = POL_CONTROL_REQUIRED },
};

static const struct pol_stack_line authorize_lines[] = {
	{ .module = &pol_module_role, .control = POL_CONTROL_REQUIRED },
	{ .module = &pol_module_scope, .control = POL_CONTROL_REQUIRED },
};

static const struct pol_stack builtin = {
	.groups = {
		[POL_GROUP_AUTHENTICATE] = { authenticate_lines, 2 },
		[POL_GROUP_AUTHORIZE] = { authorize_lines, 2 },
	},
};

const struct pol_stack *pol_stack_builtin(void)
{
	return &builtin;
}

struct pol_stack pol_stack_managing(const struct pol_snapshot *snapshot)
{
	const struct pol_stack *declared = pol_stack_find(snapshot, POL_STR("authz"));
	struct pol_stack stack = { .name = POL_STR("authz") };

	if (declared != NULL) {
		stack = *declared;
	}
	stack.groups[POL_GROUP_AUTHENTICATE] = (struct pol_stack_group){ authenticate_lines, 2 };
	stack.groups[POL_GROUP_AUTHORIZE] = (struct pol_stack_group){ authorize_lines, 2 };
	return stack;
}

const struct pol_stack *pol_stack_find(const struct pol_snapshot *snapshot, struct pol_str name)
{
	uint32_t number = pol_names_find(&snapshot->stack_names, name);

	return number < snapshot->stack_count ? &snapshot->stacks[number] : NULL;
}

enum pol_effect pol_stack_effect(enum pol_control control, enum pol_verdict verdict)
{
	if ((unsigned)control >= CONTROLS || (unsigned)verdict >= VERDICTS) {
		return POL_EFFECT_FAIL_AND_END;
	}
	return effects[control][verdict];
}

/* A reason code, empty: none, and the line that gave it. */
struct refusal {
	struct pol_str reason;
	const struct pol_stack_line *by;
};

/* The result of the lines of a group that ran. */
struct tally {
	bool failed;
	bool counted;
	bool optional_allowed;
	bool optional_denied;
	uint32_t marks;
	struct refusal failure;         /* of the first line that made the group fail */
	struct refusal optional_denial; /* of the first optional line that denied */
	struct refusal denial;          /* of the first line that denied, with any control */
};

static inline void ask(const struct pol_stack_line *line, const struct pol_request *request,
	struct pol_answer *out)
{
	*out = line->module->decide(line->state, request);
	if (out->verdict == POL_ALLOW || out->verdict == POL_IGNORE) {
		return;
	}
	/* An unknown verdict, or a denial whose reason is no reason code, is an error. */
	if (out->verdict != POL_DENY || !pol_reason_is_denial(out->reason)) {
		out->verdict = POL_ERROR;
		out->reason = POL_STR("module_error");
	}
}

static void fail(
	struct tally *tally, const struct pol_stack_line *line, const struct pol_answer *answer)
{
	if (!tally->failed) {
		tally->failed = true;
		tally->failure = (struct refusal){ answer->reason, line };
	}
}

static void note_optional(
	struct tally *tally, const struct pol_stack_line *line, const struct pol_answer *answer)
{
	if (answer->verdict == POL_ALLOW) {
		tally->optional_allowed = true;
	} else if (!tally->optional_denied) {
		tally->optional_denied = true;
		tally->optional_denial = (struct refusal){ answer->reason, line };
	}
}

static bool is_valid(const struct pol_charge *charge)
{
	return charge->name.len > 0 && charge->name.len <= POL_CHARGE_NAME && charge->limit > 0 &&
	       charge->limit <= POL_CHARGE_LIMIT && charge->period > 0 &&
	       charge->period <= POL_CHARGE_PERIOD && (unsigned)charge->per <= POL_PER_IP &&
	       charge->prefix6 <= 128;
}

/* Adds a charge, unless one of the same name is there: a stack may include a line twice. False: the
 * charge is not valid, or there are too many. */
static bool add_charge(struct pol_charges *charges, const struct pol_charge *charge)
{
	for (uint32_t i = 0; i < charges->count; i++) {
		if (charges->items[i] == charge ||
			pol_str_equal(charges->items[i]->name, charge->name)) {
			return true;
		}
	}
	if (charges->count == POL_CHARGES || !is_valid(charge)) {
		return false;
	}
	charges->items[charges->count++] = charge;
	return true;
}

/* Applies the effect of a line's answer. Returns true if the group, or the substack, ends. */
static inline bool take(
	struct tally *tally, const struct pol_stack_line *line, const struct pol_answer *answer)
{
	tally->marks |= answer->marks;
	if (answer->verdict == POL_DENY && tally->denial.by == NULL) {
		tally->denial = (struct refusal){ answer->reason, line };
	}
	switch (pol_stack_effect(line->control, answer->verdict)) {
	case POL_EFFECT_SKIP:
		return false;
	case POL_EFFECT_FALLBACK:
		note_optional(tally, line, answer);
		return false;
	case POL_EFFECT_COUNT:
		tally->counted = true;
		return false;
	case POL_EFFECT_COUNT_AND_END:
		tally->counted = true;
		return !tally->failed;
	case POL_EFFECT_FAIL:
		fail(tally, line, answer);
		return false;
	case POL_EFFECT_FAIL_AND_END:
		break;
	}
	fail(tally, line, answer);
	return true;
}

static struct pol_group_result result_of(const struct tally *tally)
{
	struct refusal refusal = { POL_STR("no_decision"), NULL };

	if (tally->failed) {
		refusal = tally->failure;
	} else if (tally->counted) {
		return (struct pol_group_result){ .passed = true, .marks = tally->marks };
	} else if (tally->optional_denied) {
		/* Only optional lines decided; a denial wins among them. */
		refusal = tally->optional_denial;
	} else if (tally->optional_allowed) {
		return (struct pol_group_result){ .passed = true, .marks = tally->marks };
	} else if (tally->denial.by != NULL) {
		refusal = tally->denial;
	}
	return (struct pol_group_result){
		.marks = tally->marks, .reason = refusal.reason, .by = refusal.by
	};
}

static void note(struct pol_trace *trace, const struct pol_stack_line *line,
	const struct pol_answer *answer, bool ended)
{
	bool refused = answer->verdict == POL_DENY || answer->verdict == POL_ERROR;

	trace->lines[trace->line_count++] = (struct pol_trace_line){
		.line = line,
		.verdict = answer->verdict,
		.ended = ended,
		.marks = answer->marks,
		.reason = refused ? answer->reason : (struct pol_str){ 0 },
	};
}

/* Inlined in both callers, so that the compiler removes the trace's code where trace is NULL. */
static inline __attribute__((always_inline)) struct pol_group_result run(
	const struct pol_stack_group *group, const struct pol_request *request,
	struct pol_charges *charges, struct pol_trace *trace)
{
	struct tally tally = { 0 };
	uint32_t i = 0;

	if (group->count == 0) {
		return (struct pol_group_result){ .passed = true };
	}
	while (i < group->count) {
		const struct pol_stack_line *line = &group->lines[i];
		/* In one line of the cache, so that it can be read while it is written there. */
		_Alignas(32) struct pol_answer answer;
		bool ended;

		ask(line, request, &answer);
		if (answer.charge != NULL && answer.verdict == POL_ALLOW &&
			!add_charge(charges, answer.charge)) {
			answer.verdict = POL_ERROR;
			answer.reason = POL_STR("module_error");
			fail(&tally, line, &answer);
			if (trace != NULL) {
				note(trace, line, &answer, true);
			}
			break;
		}
		ended = take(&tally, line, &answer);
		if (trace != NULL) {
			note(trace, line, &answer, ended);
		}
		if (!ended) {
			i++;
		} else if (line->skip > 0) {
			i += line->skip;
		} else {
			break;
		}
	}
	return result_of(&tally);
}

struct pol_group_result pol_stack_run_group(const struct pol_stack_group *group,
	const struct pol_request *request, struct pol_charges *charges)
{
	return run(group, request, charges, NULL);
}

struct pol_group_result pol_stack_trace_group(const struct pol_stack_group *group,
	const struct pol_request *request, struct pol_charges *charges, struct pol_trace *trace)
{
	return run(group, request, charges, trace);
}

void pol_stack_fact(
	const struct pol_stack_line *line, const struct pol_facts *facts, char out[POL_FACT_TEXT])
{
	struct pol_request request = pol_matched_request(facts, NULL);

	out[0] = '\0';
	if (line->module->fact == NULL) {
		return;
	}
	line->module->fact(line->state, &request, out);
	out[POL_FACT_TEXT - 1] = '\0';
	/* It goes to terminals and into replies, and a module may write any bytes. */
	pol_str_clean(out);
}
