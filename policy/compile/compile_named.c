/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile_condition.h"
#include "policy/compile/compile_order.h"

/* The named conditions, while they are compiled. Arrays are by number. */
struct named {
	struct pol_compiler *compiler;
	const struct pol_ast_named_condition **statements;
	uint32_t count;
	uint32_t **references; /* the conditions that each names */
	uint32_t *reference_counts;
};

/* Calls itself for the parts; counts the names of conditions, and lists them unless out is NULL. */
static uint32_t find_references(
	const struct pol_snapshot *snapshot, const struct pol_ast_condition *written, uint32_t *out)
{
	uint32_t count = 0;
	uint32_t number;

	for (uint32_t i = 0; i < written->part_count; i++) {
		count += find_references(
			snapshot, &written->parts[i], out != NULL ? out + count : NULL);
	}
	if (written->kind != POL_AST_COMPARE || written->comparison != POL_AST_ALONE ||
		written->left.kind != POL_AST_WORD) {
		return count;
	}
	number = pol_names_find(&snapshot->condition_names, written->left.word.text);
	if (number == POL_NONE) {
		return count;
	}
	if (out != NULL) {
		out[count] = number;
	}
	return count + 1;
}

static enum pol_status find_all_references(struct named *named)
{
	struct pol_arena *scratch = named->compiler->scratch;
	const struct pol_snapshot *snapshot = named->compiler->snapshot;

	for (uint32_t i = 0; i < named->count; i++) {
		const struct pol_ast_condition *written = &named->statements[i]->condition;
		uint32_t count = find_references(snapshot, written, NULL);
		uint32_t *references = pol_arena_alloc(scratch, count, sizeof *references);

		if (references == NULL) {
			return scratch->status;
		}
		(void)find_references(snapshot, written, references);
		named->references[i] = references;
		named->reference_counts[i] = count;
	}
	return POL_OK;
}

static const struct pol_word *name(const void *context, uint32_t number)
{
	const struct named *named = context;

	return &named->statements[number]->name;
}

/* The position where a condition names another one. */
static struct pol_span reference_at(
	const struct pol_ast_condition *written, struct pol_str name, struct pol_span otherwise)
{
	if (written->kind == POL_AST_COMPARE && written->comparison == POL_AST_ALONE &&
		pol_str_equal(written->left.word.text, name)) {
		return written->left.word.at;
	}
	for (uint32_t i = 0; i < written->part_count; i++) {
		otherwise = reference_at(&written->parts[i], name, otherwise);
	}
	return otherwise;
}

static struct pol_span position(const void *context, uint32_t from, uint32_t to)
{
	const struct named *named = context;

	return reference_at(
		&named->statements[from]->condition, name(named, to)->text, name(named, from)->at);
}

/* Compiles each condition after those that it names. One that is part of a circle names one that
 * stays NULL. */
static enum pol_status compile_in_order(struct named *named)
{
	struct pol_compiler *compiler = named->compiler;
	const struct pol_graph graph = {
		.diags = compiler->diags,
		.what = "condition",
		.verb = "names",
		.count = named->count,
		.targets = named->references,
		.target_counts = named->reference_counts,
		.name = name,
		.position = position,
		.context = named,
	};
	uint32_t *order = pol_arena_alloc(compiler->scratch, named->count, sizeof *order);
	enum pol_status status = compiler->scratch->status;

	if (order != NULL) {
		status = pol_compile_order(&graph, compiler->scratch, order);
	}
	for (uint32_t i = 0; status == POL_OK && i < named->count; i++) {
		const struct pol_ast_named_condition *statement = named->statements[order[i]];

		if (!statement->incomplete) {
			status = pol_compile_condition(compiler, &statement->condition, NULL,
				&compiler->snapshot->conditions[order[i]]);
		}
	}
	return status;
}

/* --- declarations ----------------------------------------------------------------------------- */

static void report_twice(struct pol_compiler *compiler,
	const struct pol_ast_named_condition *statement, const struct pol_ast_named_condition *was)
{
	struct pol_diag *diag = pol_diag_error(compiler->diags, statement->name.at,
		"condition '%.*s' is declared twice", POL_STR_ARGS(statement->name.text));

	pol_diag_note(compiler->diags, diag, was->name.at, "first here");
}

/* Numbers the conditions; one whose name is missing or taken gets none. */
static enum pol_status number(struct named *named)
{
	struct pol_compiler *compiler = named->compiler;
	struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_ast *ast = compiler->ast;
	enum pol_status status =
		pol_names_init(&snapshot->condition_names, &snapshot->arena, ast->conditions_count);

	for (size_t i = 0; status == POL_OK && i < ast->conditions_count; i++) {
		const struct pol_ast_named_condition *statement = &ast->conditions[i];
		struct pol_str name;
		uint32_t was;

		if (statement->name.text.ptr == NULL) {
			snapshot->condition_lost = true;
			continue;
		}
		name = pol_compile_text(compiler, statement->name.text);
		if (name.ptr == NULL) {
			return snapshot->arena.status;
		}
		was = pol_names_add(&snapshot->condition_names, name, named->count);
		if (was != named->count) {
			report_twice(compiler, statement, named->statements[was]);
			continue;
		}
		named->statements[named->count++] = statement;
	}
	return status;
}

/* Reports conditions that have the name of a word of a fact. */
static void check_words(const struct named *named)
{
	struct pol_compiler *compiler = named->compiler;
	const struct pol_snapshot *snapshot = compiler->snapshot;

	for (uint32_t i = 0; i < snapshot->fact_count; i++) {
		const struct pol_declared_fact *fact = &snapshot->facts[i];

		for (uint32_t k = 0; k < fact->word_count; k++) {
			uint32_t found = pol_names_find(&snapshot->condition_names, fact->words[k]);
			struct pol_diag *diag;

			if (found == POL_NONE) {
				continue;
			}
			diag = pol_diag_error(compiler->diags, named->statements[found]->name.at,
				"condition '%.*s' has the name of a word of %.*s",
				POL_STR_ARGS(fact->words[k]), POL_STR_ARGS(fact->name));
			if (i >= POL_FACT_KNOWN) {
				pol_diag_note(compiler->diags, diag, fact->at, "declared here");
			}
		}
	}
}

/* Compiles the conditions without a number, to find the mistakes in them. */
static enum pol_status check_aside(const struct named *named)
{
	const struct pol_ast *ast = named->compiler->ast;
	enum pol_status status = POL_OK;

	for (size_t i = 0, next = 0; status == POL_OK && i < ast->conditions_count; i++) {
		const struct pol_ast_named_condition *statement = &ast->conditions[i];
		const struct pol_condition *ignored;

		if (next < named->count && named->statements[next] == statement) {
			next++;
		} else if (!statement->incomplete) {
			status = pol_compile_condition(
				named->compiler, &statement->condition, NULL, &ignored);
		}
	}
	return status;
}

enum pol_status pol_compile_conditions(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_arena *scratch = compiler->scratch;
	size_t most = compiler->ast->conditions_count;
	struct named named = { .compiler = compiler };
	enum pol_status status;

	if (most > POL_CONDITIONS_MAX) {
		pol_diag_error(compiler->diags,
			compiler->ast->conditions[POL_CONDITIONS_MAX].name.at,
			"more than %d different conditions", POL_CONDITIONS_MAX);
		snapshot->condition_lost = true;
		most = 0;
	}
	snapshot->conditions =
		pol_arena_alloc(&snapshot->arena, most, sizeof *snapshot->conditions);
	named.statements = pol_arena_alloc(scratch, most, sizeof *named.statements);
	named.references = pol_arena_alloc(scratch, most, sizeof *named.references);
	named.reference_counts = pol_arena_alloc(scratch, most, sizeof *named.reference_counts);
	if (snapshot->conditions == NULL || scratch->status != POL_OK) {
		return snapshot->conditions == NULL ? snapshot->arena.status : scratch->status;
	}
	status = most > 0 ? number(&named) : POL_OK;
	snapshot->named_condition_count = named.count;
	if (status == POL_OK) {
		check_words(&named);
		status = find_all_references(&named);
	}
	if (status == POL_OK) {
		status = compile_in_order(&named);
	}
	return status == POL_OK && most > 0 ? check_aside(&named) : status;
}
