/* SPDX-License-Identifier: Apache-2.0 */

/*
 * stack_all: every sequence of up to four lines of every control and verdict, with every part of it
 * as a substack, against a model of pam.conf(5).
 *
 * The model has no table and does not walk: it says of each line whether it runs, and then what
 * holds of the lines that ran, in the manual page's words.
 */

#include <criterion/criterion.h>
#include <stdio.h>

#include "policy/decide/stack.h"
#include "policy/snapshot/module.h"

enum { CONTROLS = POL_CONTROL_OPTIONAL + 1, VERDICTS = POL_ALLOW + 1, LINES = 4 };

static const struct pol_str reasons[LINES] = { POL_STR_INIT("first"), POL_STR_INIT("second"),
	POL_STR_INIT("third"), POL_STR_INIT("fourth") };

/* What a line answers, and where it stands. */
struct line {
	enum pol_control control;
	enum pol_verdict verdict;
	unsigned index;
};

/* A stack of which the lines from `begin` to before `end` are a substack; none if they are equal.
 */
struct sequence {
	struct line lines[LINES];
	unsigned count;
	unsigned begin, end;
};

struct outcome {
	bool passed;
	unsigned asked; /* a bit a line */
	struct pol_str reason;
};

/* --- the model -------------------------------------------------------------------------------- */

static bool denies(const struct line *line)
{
	return line->verdict == POL_DENY || line->verdict == POL_ERROR;
}

/* "If such a module should fail": required and requisite alone lead to failure. */
static bool is_failure(const struct line *line)
{
	return (line->control == POL_CONTROL_REQUIRED || line->control == POL_CONTROL_REQUISITE) &&
	       denies(line);
}

static bool runs(const struct sequence *sequence, unsigned index);

/* requisite: "in the case that such a module returns a failure, control is directly returned";
 * sufficient: "if such a module succeeds and no prior required module has failed". */
static bool returns(const struct sequence *sequence, unsigned index)
{
	const struct line *line = &sequence->lines[index];

	if (line->control == POL_CONTROL_REQUISITE) {
		return denies(line);
	}
	if (line->control != POL_CONTROL_SUFFICIENT || line->verdict != POL_ALLOW) {
		return false;
	}
	for (unsigned i = 0; i < index; i++) {
		if (runs(sequence, i) && is_failure(&sequence->lines[i])) {
			return false;
		}
	}
	return true;
}

/* substack: it "does not cause skipping the rest of the complete module stack, but only of the
 * substack". */
static bool runs(const struct sequence *sequence, unsigned index)
{
	for (unsigned i = 0; i < index; i++) {
		bool inside = i >= sequence->begin && i < sequence->end;

		if ((!inside || index < sequence->end) && runs(sequence, i) &&
			returns(sequence, i)) {
			return false;
		}
	}
	return true;
}

/* The first line that ran and of which `holds` is true; NULL: none. */
static const struct line *first(
	const struct sequence *sequence, bool (*holds)(const struct line *line))
{
	for (unsigned i = 0; i < sequence->count; i++) {
		if (runs(sequence, i) && holds(&sequence->lines[i])) {
			return &sequence->lines[i];
		}
	}
	return NULL;
}

static bool counts(const struct line *line)
{
	return line->control != POL_CONTROL_OPTIONAL && line->verdict == POL_ALLOW;
}

static bool is_optional_denial(const struct line *line)
{
	return line->control == POL_CONTROL_OPTIONAL && line->verdict == POL_DENY;
}

static bool is_optional_allowance(const struct line *line)
{
	return line->control == POL_CONTROL_OPTIONAL && line->verdict == POL_ALLOW;
}

static bool is_denial(const struct line *line)
{
	return line->verdict == POL_DENY;
}

static struct outcome refused_by(const struct line *line)
{
	return (struct outcome){ .reason = line->verdict == POL_DENY ? reasons[line->index]
								     : POL_STR("module_error") };
}

/* "The return value is that associated with the first required or requisite module to fail"; an
 * optional one's "success or failure is only important if it is the only module". */
static struct outcome judged(const struct sequence *sequence)
{
	const struct line *line = first(sequence, is_failure);

	if (line != NULL) {
		return refused_by(line);
	}
	if (first(sequence, counts) != NULL) {
		return (struct outcome){ .passed = true };
	}
	line = first(sequence, is_optional_denial);
	if (line != NULL) {
		return refused_by(line);
	}
	if (first(sequence, is_optional_allowance) != NULL) {
		return (struct outcome){ .passed = true };
	}
	line = first(sequence, is_denial);
	return line != NULL ? refused_by(line)
			    : (struct outcome){ .reason = POL_STR("no_decision") };
}

static struct outcome model(const struct sequence *sequence)
{
	struct outcome outcome = judged(sequence);

	for (unsigned i = 0; i < sequence->count; i++) {
		outcome.asked |= (unsigned)runs(sequence, i) << i;
	}
	return outcome;
}

/* --- what is judged --------------------------------------------------------------------------- */

/* A line that notes that it was asked. */
struct script {
	const struct line *line;
	unsigned *asked;
};

static struct pol_answer decide(const void *state, const struct pol_request *request)
{
	const struct script *script = state;
	const struct line *line = script->line;
	struct pol_answer answer = { .verdict = line->verdict };

	(void)request;
	*script->asked |= 1U << line->index;
	if (line->verdict == POL_DENY) {
		answer.reason = reasons[line->index];
	}
	return answer;
}

static const struct pol_module scripted = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "scripted",
	.version = "1",
	.groups = POL_GROUPS_ALL,
	.decide = decide,
};

static struct outcome run(const struct sequence *sequence)
{
	struct pol_stack_line lines[LINES];
	struct script scripts[LINES];
	unsigned asked = 0;
	struct pol_stack_group group = { lines, sequence->count };
	struct pol_facts facts = { 0 };
	struct pol_request request = { .facts = &facts };
	struct pol_charges charges = { 0 };
	struct pol_group_result result;

	for (unsigned i = 0; i < sequence->count; i++) {
		bool inside = i >= sequence->begin && i < sequence->end;

		scripts[i] = (struct script){ &sequence->lines[i], &asked };
		lines[i] = (struct pol_stack_line){ .module = &scripted,
			.state = &scripts[i],
			.control = sequence->lines[i].control,
			.skip = inside ? sequence->end - i : 0 };
	}
	result = pol_stack_run_group(&group, &request, &charges);
	return (struct outcome){ result.passed, asked, result.reason };
}

static const char *describe(const struct sequence *sequence)
{
	static const char *const controls[CONTROLS] = {
		[POL_CONTROL_REQUIRED] = "required",
		[POL_CONTROL_REQUISITE] = "requisite",
		[POL_CONTROL_SUFFICIENT] = "sufficient",
		[POL_CONTROL_OPTIONAL] = "optional",
	};
	static const char *const verdicts[VERDICTS] = {
		[POL_ERROR] = "error",
		[POL_DENY] = "deny",
		[POL_IGNORE] = "ignore",
		[POL_ALLOW] = "allow",
	};
	static char text[256];
	size_t used = 0;

	for (unsigned i = 0; i < sequence->count; i++) {
		const struct line *line = &sequence->lines[i];

		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s; ",
			i >= sequence->begin && i < sequence->end ? "| " : "",
			controls[line->control], verdicts[line->verdict]);
	}
	return text;
}

static void judge(struct sequence *sequence)
{
	for (sequence->begin = 0; sequence->begin < sequence->count; sequence->begin++) {
		for (sequence->end = sequence->begin; sequence->end <= sequence->count;
			sequence->end++) {
			struct outcome is = run(sequence), should = model(sequence);

			cr_assert(is.passed == should.passed && is.asked == should.asked &&
					  pol_str_equal(is.reason, should.reason),
				"%sis %s '%.*s' (asked %x), and pam.conf(5) has it %s '%.*s' (%x)",
				describe(sequence), is.passed ? "passed" : "refused",
				POL_STR_ARGS(is.reason), is.asked,
				should.passed ? "passed" : "refused", POL_STR_ARGS(should.reason),
				should.asked);
		}
	}
}

Test(stack_all, every_sequence_of_up_to_four_lines_agrees_with_the_manual_page)
{
	unsigned sequences = 0;

	for (unsigned count = 1, kinds = CONTROLS * VERDICTS; count <= LINES;
		count++, kinds *= CONTROLS * VERDICTS) {
		for (unsigned kind = 0; kind < kinds; kind++) {
			struct sequence sequence = { .count = count };

			for (unsigned i = 0, rest = kind; i < count; i++) {
				sequence.lines[i] =
					(struct line){ (enum pol_control)(rest % CONTROLS),
						(enum pol_verdict)(rest / CONTROLS % VERDICTS), i };
				rest /= CONTROLS * VERDICTS;
			}
			judge(&sequence);
			sequences++;
		}
	}
	cr_assert_eq(sequences, 16 + 256 + 4096 + 65536);
}
