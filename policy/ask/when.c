/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/when.h"

#include <stdio.h>
#include <string.h>

#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"

/* Literals of a formula of which it is tried whether it is always or never true; with more, the
 * combinations are too many anyway. */
#define LITERALS 32

/* Bytes of formulas that take as long to make as one step. */
#define BYTES_A_STEP 32

/* Steps of one combination of values: each of its literals is evaluated. */
#define STEPS_A_CASE 8

/* --- is it constant? -------------------------------------------------------------------------- */

/* The facts and segments that the formula reads, each as often as it does. */
struct reads {
	struct {
		enum pol_operand_kind kind;
		uint32_t number;
	} items[2 * LITERALS];
	unsigned count;
	bool twice; /* one of them is read twice */
	bool full;
};

static void note(struct reads *reads, enum pol_operand_kind kind, uint32_t number)
{
	if (kind == POL_OPERAND_VALUE || reads->full) {
		return;
	}
	for (unsigned i = 0; i < reads->count; i++) {
		reads->twice = reads->twice ||
			       (reads->items[i].kind == kind && reads->items[i].number == number);
	}
	reads->full = reads->count == sizeof reads->items / sizeof reads->items[0];
	if (!reads->full) {
		reads->items[reads->count].kind = kind;
		reads->items[reads->count++].number = number;
	}
}

static void find_reads(const struct pol_formula *formula, struct reads *out)
{
	for (uint32_t i = 0; i < formula->part_count && !out->full; i++) {
		find_reads(formula->parts[i], out);
	}
	if (formula->kind == POL_FORMULA_PRESENT || formula->kind == POL_FORMULA_ABSENT) {
		note(out, POL_OPERAND_FACT, formula->fact);
	}
	if (formula->kind == POL_FORMULA_COMPARE) {
		const struct pol_predicate *predicate = formula->predicate;

		note(out, predicate->left.kind, predicate->left.number);
		if (predicate->comparison != POL_COMPARE_TRUE) {
			note(out, predicate->right.kind, predicate->right.number);
		}
	}
}

/* Is the formula, by all combinations of values, that constant? Not when they are too many. */
static bool is_constant(const struct pol_snapshot *snapshot, const struct pol_formula *formula,
	const struct pol_formula *constant, size_t *steps)
{
	const struct pol_formula_side sides[2] = { { snapshot, formula }, { snapshot, constant } };
	enum pol_formula_difference difference;
	uint64_t cost;
	enum pol_status status = pol_formula_compare_counted(
		&sides[0], &sides[1], POL_WHEN_CASES, &cost, &difference);

	*steps += (size_t)cost * STEPS_A_CASE;
	return status == POL_OK && difference == POL_FORMULA_SAME;
}

/* Where no fact is read twice each literal may be true or false by itself. */
static enum pol_when_kind settle(
	const struct pol_snapshot *snapshot, const struct pol_formula *formula, size_t *steps)
{
	struct reads reads = { .count = 0 };

	find_reads(formula, &reads);
	if (reads.full || !reads.twice) {
		return POL_WHEN_SOMETIMES;
	}
	if (is_constant(snapshot, formula, pol_formula_never(), steps)) {
		return POL_WHEN_NEVER;
	}
	return is_constant(snapshot, formula, pol_formula_always(), steps) ? POL_WHEN_ALWAYS
									   : POL_WHEN_SOMETIMES;
}

struct pol_when pol_when_of(
	const struct pol_snapshot *snapshot, const struct pol_formula *formula, size_t *steps)
{
	struct pol_when when = { POL_WHEN_SOMETIMES, formula };

	if (formula == NULL) {
		return when;
	}
	if (formula->kind == POL_FORMULA_ALWAYS) {
		when.kind = POL_WHEN_ALWAYS;
	} else if (formula->kind == POL_FORMULA_NEVER) {
		when.kind = POL_WHEN_NEVER;
	} else {
		when.kind = settle(snapshot, formula, steps);
	}
	return when;
}

bool pol_when_equal(const struct pol_when *a, const struct pol_when *b)
{
	if (a->kind != b->kind || a->kind != POL_WHEN_SOMETIMES) {
		return a->kind == b->kind;
	}
	return a->formula != NULL && b->formula != NULL &&
	       pol_formula_equal(a->formula, b->formula);
}

struct pol_str pol_when_text(
	const struct pol_snapshot *snapshot, const struct pol_when *when, char out[POL_WHEN_TEXT])
{
	const size_t room = POL_WHEN_TEXT - sizeof POL_WHEN_LARGE;
	size_t len = 0;

	out[0] = '\0';
	if (when->kind != POL_WHEN_SOMETIMES) {
		return (struct pol_str){ out, 0 };
	}
	if (when->formula != NULL) {
		len = pol_formula_format(snapshot, when->formula, out, room);
	}
	if (when->formula == NULL || len >= room) {
		len = strlen(out);
		snprintf(
			out + len, POL_WHEN_TEXT - len, "%s%s", len > 0 ? " " : "", POL_WHEN_LARGE);
	}
	return pol_str_of(out);
}

/* --- what is known ---------------------------------------------------------------------------- */

struct pol_knowledge pol_when_fact(
	const struct pol_snapshot *snapshot, const struct pol_facts *facts, uint32_t fact)
{
	bool stated = false;
	struct pol_truth_table table;
	struct pol_value value;

	if (fact >= POL_FACT_KNOWN) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	/* The clock is no statement: what is listed counts later, too. */
	stated = fact == POL_FACT_TIME ? facts->time != 0 : fact != POL_FACT_PRINCIPAL_ROLES;
	pol_truth_begin(&table, snapshot, facts, (struct pol_str){ 0 }, NULL);
	value = pol_truth_value(&table, fact);
	stated = stated && value.type != POL_TYPE_ABSENT;
	return (struct pol_knowledge){ stated ? POL_KNOWN_VALUE : POL_KNOWN_OPEN, value };
}

size_t pol_when_steps(const struct pol_arena *arena)
{
	return arena->used / BYTES_A_STEP;
}
