/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile_condition.h"

/* --- bounds ----------------------------------------------------------------------------------- */

static uint32_t count_compiled(const struct pol_condition *condition)
{
	uint32_t count = condition->part_count == 0;

	for (uint32_t i = 0; i < condition->part_count; i++) {
		count += count_compiled(condition->parts[i]);
	}
	return count;
}

/* The named condition, or NULL: it has a mistake, or the word names none. */
static const struct pol_condition *find_named(
	const struct pol_compiler *compiler, const struct pol_ast_condition *written, bool *out_is)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	uint32_t number = POL_NONE;

	if (written->kind == POL_AST_COMPARE && written->comparison == POL_AST_ALONE &&
		written->left.kind == POL_AST_WORD) {
		number = pol_names_find(&snapshot->condition_names, written->left.word.text);
	}
	*out_is = number != POL_NONE;
	return *out_is ? snapshot->conditions[number] : NULL;
}

/* How many predicates the condition has, lists and names put in. */
static uint64_t count_written(
	const struct pol_compiler *compiler, const struct pol_ast_condition *written)
{
	uint64_t count = 0;
	bool is_named;
	const struct pol_condition *named = find_named(compiler, written, &is_named);

	if (written->kind == POL_AST_COMPARE) {
		count = named != NULL ? count_compiled(named) : written->right.count;
		return count > 0 ? count : 1;
	}
	for (uint32_t i = 0; i < written->part_count; i++) {
		count += count_written(compiler, &written->parts[i]);
	}
	return count;
}

/* How many `not` and parentheses stand within one another in the condition's text. */
static uint32_t count_levels(const struct pol_condition *condition)
{
	uint32_t most = 0;

	if (condition->kind == POL_CONDITION_PREDICATE) {
		/* `is not` and `not in` have a form of their own. */
		return condition->negated && condition->predicate->comparison != POL_COMPARE_IS &&
		       condition->predicate->comparison != POL_COMPARE_WITHIN;
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		uint32_t levels = count_levels(condition->parts[i]);

		levels += condition->kind == POL_CONDITION_AND &&
			  condition->parts[i]->kind == POL_CONDITION_OR;
		most = most > levels ? most : levels;
	}
	return most;
}

/* --- one condition ---------------------------------------------------------------------------- */

/* Builds the condition from its parts upwards; all of them, to find each mistake. */
static const struct pol_condition *build(struct pol_compiler *compiler,
	const struct pol_ast_condition *written, const struct pol_parameters *parameters)
{
	const struct pol_condition *parts[POL_CONDITION_PREDICATES] = { NULL };
	bool is_named, good = true;
	const struct pol_condition *named = find_named(compiler, written, &is_named);

	if (is_named) {
		return named;
	}
	if (written->kind == POL_AST_COMPARE) {
		return pol_compile_predicate(compiler, written, parameters);
	}
	for (uint32_t i = 0; i < written->part_count; i++) {
		parts[i] = build(compiler, &written->parts[i], parameters);
		good = good && parts[i] != NULL;
	}
	if (!good || written->part_count == 0) {
		return NULL;
	}
	if (written->kind == POL_AST_NOT) {
		return pol_compile_intern_not(compiler, parts[0]);
	}
	return pol_compile_intern_join(compiler,
		written->kind == POL_AST_AND ? POL_CONDITION_AND : POL_CONDITION_OR, parts,
		written->part_count);
}

/* Counts a condition that is new, and finds out whether it depends on anything. False: there are
 * too many, which is reported once. */
static bool mark(struct pol_compiler *compiler, const struct pol_ast_condition *written,
	const struct pol_condition *condition, struct pol_condition_mark *out)
{
	struct pol_condition_mark *kept = pol_compile_intern_mark(compiler, condition);

	if (!kept->counted) {
		kept->counted = true;
		compiler->snapshot->condition_count++;
		if (compiler->snapshot->condition_count == POL_CONDITIONS_MAX + 1) {
			pol_diag_error(compiler->diags, written->at,
				"more than %d different conditions", POL_CONDITIONS_MAX);
		}
		pol_compile_trial(compiler, condition, &kept->never_true, &kept->never_false);
	}
	*out = *kept;
	return compiler->snapshot->condition_count <= POL_CONDITIONS_MAX;
}

static void warn_constant(struct pol_compiler *compiler, const struct pol_ast_condition *written,
	const struct pol_condition_mark *mark)
{
	bool is_named;

	(void)find_named(compiler, written, &is_named);
	if (!is_named && (mark->never_true || mark->never_false)) {
		pol_diag_warning(compiler->diags, written->at, POL_WARNING_CONDITION_CONSTANT,
			"this condition is never %s, whatever the facts are",
			mark->never_true ? "true" : "false");
	}
}

enum pol_status pol_compile_condition(struct pol_compiler *compiler,
	const struct pol_ast_condition *written, const struct pol_parameters *parameters,
	const struct pol_condition **out)
{
	size_t errors = compiler->diags->errors;
	struct pol_condition_mark found = { 0 };
	uint64_t predicates = count_written(compiler, written);
	const struct pol_condition *made;

	*out = NULL;
	if (predicates > POL_CONDITION_PREDICATES) {
		pol_diag_error(compiler->diags, written->at,
			"%llu comparisons, when names and lists are put in: a condition has at "
			"most %d",
			(unsigned long long)predicates, POL_CONDITION_PREDICATES);
		return POL_OK;
	}
	made = build(compiler, written, parameters);
	if (made == NULL || compiler->diags->errors > errors) {
		return compiler->snapshot->arena.status != POL_OK ? compiler->snapshot->arena.status
								  : compiler->scratch->status;
	}
	if (count_levels(made) > POL_CONDITION_LEVELS) {
		pol_diag_error(compiler->diags, written->at,
			"more than %d levels of parentheses and 'not', when names are put in",
			POL_CONDITION_LEVELS);
		return POL_OK;
	}
	if (compiler->fact_is_used != NULL && !mark(compiler, written, made, &found)) {
		return POL_OK;
	}
	warn_constant(compiler, written, &found);
	*out = made;
	return POL_OK;
}

static void add_parameter(
	const struct pol_word *word, struct pol_word *out, uint32_t *count, uint32_t room)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (pol_str_equal(out[i].text, word->text)) {
			return;
		}
	}
	if (*count < room) {
		out[(*count)++] = *word;
	}
}

static void find_parameters(const struct pol_ast_condition *written, struct pol_word *out,
	uint32_t *count, uint32_t room)
{
	if (written->kind != POL_AST_COMPARE) {
		for (uint32_t i = 0; i < written->part_count; i++) {
			find_parameters(&written->parts[i], out, count, room);
		}
		return;
	}
	if (written->left.kind == POL_AST_PARAMETER) {
		add_parameter(&written->left.word, out, count, room);
	}
	for (uint32_t i = 0; i < written->right.count; i++) {
		if (written->right.items[i].kind == POL_AST_PARAMETER) {
			add_parameter(&written->right.items[i].word, out, count, room);
		}
	}
}

uint32_t pol_compile_condition_parameters(
	const struct pol_ast_condition *written, struct pol_word *out, uint32_t room)
{
	uint32_t count = 0;

	find_parameters(written, out, &count, room);
	return count;
}
