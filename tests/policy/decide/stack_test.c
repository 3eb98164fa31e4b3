/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/decide/stack.h"
#include "policy/decide/trace.h"
#include "policy/text/reason.h"

/*
 * Every sequence of up to four lines of every control and verdict, alone and with every run of
 * them in a substack, against a model that is written from the language's page and pam.conf(5)
 * and looks nothing like the engine: it collects the lines that ran, then reads the verdict off
 * the collection.
 */

#define LINES    4
#define CONTROLS 4
#define VERDICTS 4
#define CHOICES  (CONTROLS * VERDICTS)

/* A module that answers what its state says, and marks that it was asked. */
static struct pol_answer scripted(const void *state, const struct pol_request *request)
{
	const struct pol_answer *answer = state;

	(void)request;
	return *answer;
}

static const struct pol_module scripted_module = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "scripted",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.decide = scripted,
};

struct script {
	int count;
	enum pol_control controls[LINES];
	enum pol_verdict verdicts[LINES];
	int inner_begin; /* of a substack; begin == end: there is none */
	int inner_end;
};

static const struct pol_str reasons[LINES] = { POL_STR_INIT("first"), POL_STR_INIT("second"),
	POL_STR_INIT("third"), POL_STR_INIT("fourth") };

/* With a trace the result is the same, and the trace has each line that ran, once. */
static void check_trace(const struct pol_stack_group *group, const struct pol_request *request,
	struct pol_group_result plain)
{
	static struct pol_trace trace;
	struct pol_charges charges = { 0 };
	struct pol_group_result traced;
	uint32_t asked = 0;

	trace.line_count = 0;
	traced = pol_stack_trace_group(group, request, &charges, &trace);
	cr_assert_eq(traced.passed, plain.passed);
	cr_assert(pol_str_equal(traced.reason, plain.reason));
	for (uint32_t i = 0; i < trace.line_count; i++) {
		const struct pol_answer *answer = trace.lines[i].line->state;

		asked |= answer->marks;
		cr_assert_eq(trace.lines[i].verdict, answer->verdict);
	}
	cr_assert_eq(asked, plain.marks);
	cr_assert_eq((uint32_t)__builtin_popcount(asked), trace.line_count);
}

static struct pol_group_result run(const struct script *script)
{
	static const struct pol_facts facts = { 0 };
	struct pol_request request = { .facts = &facts };
	struct pol_answer answers[LINES];
	struct pol_stack_line lines[LINES];
	struct pol_stack_group group = { lines, (uint32_t)script->count };
	struct pol_charges charges = { 0 };

	for (int i = 0; i < script->count; i++) {
		bool inner = i >= script->inner_begin && i < script->inner_end;

		answers[i] = (struct pol_answer){
			.verdict = script->verdicts[i], .marks = 1U << i, .reason = reasons[i]
		};
		lines[i] = (struct pol_stack_line){ .module = &scripted_module,
			.state = &answers[i],
			.control = script->controls[i],
			.skip = inner ? (uint32_t)(script->inner_end - i) : 0 };
	}
	check_trace(&group, &request, pol_stack_run_group(&group, &request, &charges));
	return pol_stack_run_group(&group, &request, &charges);
}

/* ---- the model ---- */

static bool is_binding(const struct script *script, int i)
{
	return script->controls[i] == POL_CONTROL_REQUIRED ||
	       script->controls[i] == POL_CONTROL_REQUISITE;
}

static bool breaks(const struct script *script, int i)
{
	return is_binding(script, i) &&
	       (script->verdicts[i] == POL_DENY || script->verdicts[i] == POL_ERROR);
}

/* Does line i say that the end has come, given the lines that ran before it? */
static bool ends(const struct script *script, int i, unsigned ran)
{
	if (script->controls[i] == POL_CONTROL_REQUISITE) {
		return breaks(script, i);
	}
	if (script->controls[i] != POL_CONTROL_SUFFICIENT || script->verdicts[i] != POL_ALLOW) {
		return false;
	}
	for (int j = 0; j < i; j++) {
		if ((ran >> j & 1U) != 0 && breaks(script, j)) {
			return false;
		}
	}
	return true;
}

static unsigned lines_that_run(const struct script *script)
{
	unsigned ran = 0;
	int i = 0;

	while (i < script->count) {
		bool inner = i >= script->inner_begin && i < script->inner_end;

		ran |= 1U << i;
		if (!ends(script, i, ran)) {
			i++;
		} else if (inner) {
			i = script->inner_end;
		} else {
			return ran;
		}
	}
	return ran;
}

static struct pol_str reason_of(const struct script *script, int i)
{
	return script->verdicts[i] == POL_ERROR ? POL_STR("module_error") : reasons[i];
}

/* The first line that ran and has this control (any: CONTROLS) and verdict, or -1. */
static int first(const struct script *script, unsigned ran, int control, enum pol_verdict verdict)
{
	for (int i = 0; i < script->count; i++) {
		if ((ran >> i & 1U) != 0 && script->verdicts[i] == verdict &&
			(control == CONTROLS || (int)script->controls[i] == control)) {
			return i;
		}
	}
	return -1;
}

static struct pol_group_result model(const struct script *script)
{
	unsigned ran = lines_that_run(script);
	struct pol_group_result result = { .marks = ran };
	bool counted = first(script, ran, POL_CONTROL_REQUIRED, POL_ALLOW) >= 0 ||
		       first(script, ran, POL_CONTROL_REQUISITE, POL_ALLOW) >= 0 ||
		       first(script, ran, POL_CONTROL_SUFFICIENT, POL_ALLOW) >= 0;
	int refused = first(script, ran, POL_CONTROL_OPTIONAL, POL_DENY);
	int denied = first(script, ran, CONTROLS, POL_DENY);

	for (int i = 0; i < script->count; i++) {
		if ((ran >> i & 1U) != 0 && breaks(script, i)) {
			result.reason = reason_of(script, i);
			return result;
		}
	}
	if (script->count == 0 || counted) {
		result.passed = true;
	} else if (refused >= 0) {
		result.reason = reasons[refused];
	} else if (first(script, ran, POL_CONTROL_OPTIONAL, POL_ALLOW) >= 0) {
		result.passed = true;
	} else {
		result.reason = denied >= 0 ? reasons[denied] : POL_STR("no_decision");
	}
	return result;
}

/* ---- the comparison ---- */

static void compare(const struct script *script)
{
	struct pol_group_result expected = model(script);
	struct pol_group_result got = run(script);

	if (got.passed == expected.passed && got.marks == expected.marks &&
		pol_str_equal(got.reason, expected.reason)) {
		return;
	}
	for (int i = 0; i < script->count; i++) {
		cr_log_error("line %d: control %d, verdict %d", i, (int)script->controls[i],
			(int)script->verdicts[i]);
	}
	cr_log_error("substack from %d to %d", script->inner_begin, script->inner_end);
	cr_assert_fail("expected %d '%.*s' by lines %x, got %d '%.*s' by %x", expected.passed,
		POL_STR_ARGS(expected.reason), expected.marks, got.passed, POL_STR_ARGS(got.reason),
		got.marks);
}

static unsigned long compare_all(int count, bool substacks)
{
	unsigned long total = 1;
	unsigned long compared = 0;
	struct script script = { .count = count };

	for (int i = 0; i < count; i++) {
		total *= CHOICES;
	}
	for (unsigned long number = 0; number < total; number++) {
		unsigned long rest = number;

		for (int i = 0; i < count; i++) {
			script.controls[i] = (enum pol_control)(rest % CHOICES / VERDICTS);
			script.verdicts[i] = (enum pol_verdict)(rest % CHOICES % VERDICTS);
			rest /= CHOICES;
		}
		for (int begin = 0; begin < (substacks ? count : 1); begin++) {
			for (int end = begin + substacks; end <= (substacks ? count : 0); end++) {
				script.inner_begin = begin;
				script.inner_end = end;
				compare(&script);
				compared++;
			}
		}
	}
	return compared;
}

Test(stack, every_sequence_of_four_lines_agrees_with_the_model)
{
	unsigned long compared = 0;

	for (int count = 0; count <= LINES; count++) {
		compared += compare_all(count, false);
	}
	cr_expect_eq(compared, 1 + 16 + 256 + 4096 + 65536);
}

Test(stack, every_sequence_with_a_substack_agrees_with_the_model)
{
	unsigned long compared = 0;

	for (int count = 1; count <= LINES; count++) {
		compared += compare_all(count, true);
	}
	cr_expect_eq(compared, 16 + 256 * 3 + 4096 * 6 + 65536 * 10);
}

Test(stack, the_control_table_is_that_of_the_reference)
{
	static const enum pol_effect table[CONTROLS][VERDICTS] = {
		/* error, deny, ignore, allow */
		{ POL_EFFECT_FAIL, POL_EFFECT_FAIL, POL_EFFECT_SKIP, POL_EFFECT_COUNT },
		{ POL_EFFECT_FAIL_AND_END, POL_EFFECT_FAIL_AND_END, POL_EFFECT_SKIP,
			POL_EFFECT_COUNT },
		{ POL_EFFECT_SKIP, POL_EFFECT_SKIP, POL_EFFECT_SKIP, POL_EFFECT_COUNT_AND_END },
		{ POL_EFFECT_SKIP, POL_EFFECT_FALLBACK, POL_EFFECT_SKIP, POL_EFFECT_FALLBACK },
	};

	for (int control = 0; control < CONTROLS; control++) {
		for (int verdict = 0; verdict < VERDICTS; verdict++) {
			cr_expect_eq(pol_stack_effect(
					     (enum pol_control)control, (enum pol_verdict)verdict),
				table[control][verdict], "%d %d", control, verdict);
		}
	}
}

Test(stack, an_unknown_control_or_verdict_fails_the_group)
{
	cr_expect_eq(pol_stack_effect((enum pol_control)99, POL_ALLOW), POL_EFFECT_FAIL_AND_END);
	cr_expect_eq(pol_stack_effect(POL_CONTROL_INCLUDE, POL_ALLOW), POL_EFFECT_FAIL_AND_END);
	cr_expect_eq(pol_stack_effect(POL_CONTROL_SUFFICIENT, (enum pol_verdict)99),
		POL_EFFECT_FAIL_AND_END);
}

static struct pol_group_result run_one(enum pol_control control, struct pol_answer answer)
{
	static const struct pol_facts facts = { 0 };
	struct pol_request request = { .facts = &facts };
	struct pol_stack_line line = {
		.module = &scripted_module, .state = &answer, .control = control
	};
	struct pol_stack_group group = { &line, 1 };
	struct pol_charges charges = { 0 };

	return pol_stack_run_group(&group, &request, &charges);
}

Test(stack, a_module_that_answers_nonsense_is_an_error)
{
	struct pol_group_result result = run_one(
		POL_CONTROL_REQUIRED, (struct pol_answer){ .verdict = (enum pol_verdict)7 });

	cr_expect(!result.passed);
	cr_expect(pol_str_equal(result.reason, POL_STR("module_error")));
	result = run_one(POL_CONTROL_REQUIRED, (struct pol_answer){ .verdict = POL_DENY });
	cr_expect(!result.passed);
	cr_expect(pol_str_equal(result.reason, POL_STR("module_error")));
	result = run_one(POL_CONTROL_REQUIRED, (struct pol_answer){ 0 });
	cr_expect(!result.passed);
	cr_expect(pol_str_equal(result.reason, POL_STR("module_error")));
}

Test(stack, a_denial_whose_reason_is_no_code_is_an_error)
{
	static const char longest[] =
		"0123456789_abcdefghijklmnopqrstuvwxyz_0123456789_abcdefghijklmn";
	static const struct {
		struct pol_str reason;
		bool code;
	} rows[] = {
		{ POL_STR_INIT("a"), true },
		{ POL_STR_INIT("okay"), true },
		{ { longest, POL_REASON_MAX }, true },
		{ { longest, POL_REASON_MAX + 1 }, false },
		{ { NULL, 1 }, false },
		{ POL_STR_INIT("ok"), false },
		{ POL_STR_INIT("Country"), false },
		{ POL_STR_INIT("no country"), false },
		{ POL_STR_INIT("a\n"), false },
		{ POL_STR_INIT("a-b"), false },
		{ POL_STR_INIT("caf\xc3\xa9"), false },
		{ POL_STR_INIT("a\0b"), false },
	};

	cr_assert_eq(sizeof longest - 1, POL_REASON_MAX);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pol_answer answer = { .verdict = POL_DENY, .reason = rows[i].reason };
		struct pol_group_result result = run_one(POL_CONTROL_REQUIRED, answer);

		cr_expect(!result.passed);
		cr_expect(pol_str_equal(result.reason,
				  rows[i].code ? rows[i].reason : POL_STR("module_error")),
			"row %zu", i);
		/* An error decides nothing here, and a denial does. */
		result = run_one(POL_CONTROL_OPTIONAL, answer);
		cr_expect(pol_str_equal(result.reason,
				  rows[i].code ? rows[i].reason : POL_STR("no_decision")),
			"row %zu", i);
	}
}

Test(stack, marks_of_lines_that_ran_are_kept)
{
	struct pol_group_result result = run_one(POL_CONTROL_OPTIONAL,
		(struct pol_answer){ .verdict = POL_IGNORE, .marks = POL_MARK_WARN });

	cr_expect_eq(result.marks, (uint32_t)POL_MARK_WARN);
	cr_expect(!result.passed);
	cr_expect(pol_str_equal(result.reason, POL_STR("no_decision")));
}

/* Lines that each name a charge of their own. */
static struct pol_group_result run_charges(
	uint32_t count, enum pol_verdict verdict, struct pol_charges *charges)
{
	static const struct pol_facts facts = { 0 };
	struct pol_request request = { .facts = &facts };
	struct pol_charge items[POL_CHARGES + 1] = { 0 };
	struct pol_answer answers[POL_CHARGES + 1];
	struct pol_stack_line lines[POL_CHARGES + 1];
	char names[POL_CHARGES + 1];

	for (uint32_t i = 0; i < count; i++) {
		names[i] = (char)('a' + i);
		items[i] = (struct pol_charge){ .name = { &names[i], 1 }, .limit = 1, .period = 1 };
		answers[i] = (struct pol_answer){
			.verdict = verdict, .reason = reasons[0], .charge = &items[i]
		};
		lines[i] = (struct pol_stack_line){ .module = &scripted_module,
			.state = &answers[i],
			.control = POL_CONTROL_REQUIRED };
	}
	return pol_stack_run_group(&(struct pol_stack_group){ lines, count }, &request, charges);
}

Test(stack, only_lines_that_allow_add_their_charges)
{
	struct pol_charges charges = { 0 };

	cr_expect(run_charges(3, POL_ALLOW, &charges).passed);
	cr_expect_eq(charges.count, 3u);
	charges.count = 0;
	cr_expect(!run_charges(3, POL_DENY, &charges).passed);
	cr_expect_eq(charges.count, 0u);
	cr_expect(!run_charges(3, POL_IGNORE, &charges).passed);
	cr_expect_eq(charges.count, 0u);
}

Test(stack, a_charge_that_two_lines_name_is_one)
{
	struct pol_charge first = { .name = POL_STR_INIT("api"), .limit = 5, .period = 1 };
	struct pol_charge same = first;
	struct pol_charges charges = { .count = 1, .items = { &first } };
	struct pol_answer answer = { .verdict = POL_ALLOW, .charge = &same };
	struct pol_stack_line line = {
		.module = &scripted_module, .state = &answer, .control = POL_CONTROL_REQUIRED
	};
	static const struct pol_facts facts = { 0 };
	struct pol_request request = { .facts = &facts };

	cr_expect(pol_stack_run_group(&(struct pol_stack_group){ &line, 1 }, &request, &charges)
			  .passed);
	cr_expect_eq(charges.count, 1u);
	cr_expect_eq(charges.items[0], &first);
}

Test(stack, more_charges_than_fit_fail_the_group)
{
	struct pol_charges charges = { 0 };
	struct pol_group_result result;

	cr_expect(run_charges(POL_CHARGES, POL_ALLOW, &charges).passed);
	charges.count = 0;
	result = run_charges(POL_CHARGES + 1, POL_ALLOW, &charges);
	cr_expect(!result.passed);
	cr_expect(pol_str_equal(result.reason, POL_STR("module_error")));
}
