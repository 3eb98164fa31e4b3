/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/explain_internal.h"
#include "policy/text/str.h"

/*
 * Explains a condition: its text, what it came to, and the same of each of its predicates with the
 * values that were compared.
 */

/* A text that was written to a buffer, cut to its size, without characters that mislead. */
static struct pol_str keep(struct pol_explainer *explainer, char *text)
{
	pol_str_clean(text);
	return pol_arena_copy(explainer->arena, pol_str_of(text));
}

/* The value of an operand. */
static struct pol_value value_of(
	const struct pol_truth_table *table, const struct pol_operand *operand)
{
	if (operand->kind == POL_OPERAND_VALUE) {
		return operand->value;
	}
	if (operand->kind == POL_OPERAND_FACT) {
		return pol_truth_value(table, operand->number);
	}
	return table->path != NULL && operand->number < table->path->count
		       ? (struct pol_value){ .type = POL_TYPE_STRING,
				 .text = table->path->segments[operand->number] }
		       : (struct pol_value){ 0 };
}

static bool reads_roles(const struct pol_predicate *predicate)
{
	return predicate->left.kind == POL_OPERAND_FACT &&
	       predicate->left.number == POL_FACT_PRINCIPAL_ROLES;
}

static struct pol_explained_predicate explain_predicate(
	struct pol_explainer *explainer, const struct pol_predicate *predicate, bool negated)
{
	const struct pol_value values[2] = { value_of(explainer->truth, &predicate->left),
		value_of(explainer->truth, &predicate->right) };
	enum pol_truth truth = pol_truth_of_predicate(explainer->truth, predicate);
	struct pol_explained_predicate out = { .truth = negated ? pol_truth_negate(truth) : truth };
	char text[POL_EXPLAIN_PREDICATE + 1];

	(void)pol_condition_format_predicate(
		explainer->snapshot, predicate, negated, text, sizeof text);
	out.text = keep(explainer, text);
	/* The roles are not listed: there may be many. */
	if (!reads_roles(predicate)) {
		(void)pol_condition_format_values(predicate, negated, values, text, sizeof text);
		out.values = keep(explainer, text);
	}
	return out;
}

/* The predicates of a condition, each once. */
struct found {
	const struct pol_condition *items[POL_CONDITION_PREDICATES];
	uint32_t count;
};

static void find_predicates(
	struct found *found, const struct pol_condition *condition, uint32_t depth)
{
	if (condition->kind != POL_CONDITION_PREDICATE) {
		for (uint32_t i = 0; depth > 0 && i < condition->part_count; i++) {
			find_predicates(found, condition->parts[i], depth - 1);
		}
		return;
	}
	for (uint32_t i = 0; i < found->count; i++) {
		if (found->items[i]->predicate == condition->predicate &&
			found->items[i]->negated == condition->negated) {
			return;
		}
	}
	if (found->count < POL_CONDITION_PREDICATES) {
		found->items[found->count++] = condition;
	}
}

void pol_explain_condition(struct pol_explainer *explainer, struct pol_explained_rule *rule)
{
	struct pol_explained_predicate *predicates;
	struct found found = { .count = 0 };
	char text[POL_EXPLAIN_TEXT + 1];

	if (rule->condition == NULL) {
		rule->truth = POL_TRUE;
		return;
	}
	(void)pol_condition_format(explainer->snapshot, rule->condition, text, sizeof text);
	rule->when = keep(explainer, text);
	rule->truth = pol_truth_of(explainer->truth, rule->condition);
	find_predicates(&found, rule->condition, POL_CONDITION_PREDICATES);
	if (found.count > explainer->predicates_left) {
		found.count = explainer->predicates_left;
	}
	predicates = pol_arena_alloc(explainer->arena, found.count, sizeof *predicates);
	if (predicates == NULL) {
		return;
	}
	for (uint32_t i = 0; i < found.count; i++) {
		predicates[i] = explain_predicate(
			explainer, found.items[i]->predicate, found.items[i]->negated);
	}
	rule->predicates = predicates;
	rule->predicate_count = found.count;
	explainer->predicates_left -= found.count;
}
