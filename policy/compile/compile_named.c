/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "policy/compile/compile_condition.h"

/* The room for a circle in a message. Of a longer circle the beginning is shown. */
#define CIRCLE_TEXT 512

enum mark { MARK_NEW = 0, MARK_OPEN, MARK_DONE };

/* The named conditions, while they are compiled. A chain of names may be as long as there are
 * conditions, so the walk has a stack of its own. Arrays are by number. */
struct named {
	struct pol_compiler *compiler;
	const struct pol_ast_named_condition **statements;
	uint32_t count;
	uint32_t *first;      /* into `references`; count + 1 */
	uint32_t *references; /* the conditions that each names */
	uint8_t *marks;
	uint32_t *stack;
	uint32_t *next; /* by depth: the reference that comes next */
	uint32_t *depths;
	uint32_t depth;
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
	uint32_t count = 0;

	for (uint32_t i = 0; i < named->count; i++) {
		named->first[i] = count;
		count += find_references(snapshot, &named->statements[i]->condition, NULL);
	}
	named->first[named->count] = count;
	named->references = pol_arena_alloc(scratch, count, sizeof *named->references);
	if (named->references == NULL) {
		return scratch->status;
	}
	for (uint32_t i = 0; i < named->count; i++) {
		(void)find_references(snapshot, &named->statements[i]->condition,
			named->references + named->first[i]);
	}
	return POL_OK;
}

/* --- circles ---------------------------------------------------------------------------------- */

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

/* Reports the circle stack[from] … stack[depth - 1], beginning with the first in the files. */
static void report_circle(const struct named *named, uint32_t from)
{
	struct pol_diags *diags = named->compiler->diags;
	const uint32_t *circle = named->stack + from;
	uint32_t count = named->depth - from;
	uint32_t start = 0;
	char text[CIRCLE_TEXT];
	size_t used = 0;
	struct pol_diag *diag;

	for (uint32_t i = 1; i < count; i++) {
		start = circle[i] < circle[start] ? i : start;
	}
	for (uint32_t i = 0; i < count && used < sizeof text; i++) {
		uint32_t to = circle[(start + i + 1) % count];

		used += (size_t)snprintf(text + used, sizeof text - used, " names '%.*s'",
			POL_STR_ARGS(named->statements[to]->name.text));
	}
	diag = pol_diag_error(diags, named->statements[circle[start]]->name.at,
		"a circle: condition '%.*s'%s",
		POL_STR_ARGS(named->statements[circle[start]]->name.text), text);
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_ast_named_condition *one =
			named->statements[circle[(start + i) % count]];
		struct pol_str name = named->statements[circle[(start + i + 1) % count]]->name.text;

		pol_diag_note(diags, diag, reference_at(&one->condition, name, one->name.at),
			"'%.*s' names '%.*s' here", POL_STR_ARGS(one->name.text),
			POL_STR_ARGS(name));
	}
}

static void open_condition(struct named *named, uint32_t number)
{
	named->marks[number] = MARK_OPEN;
	named->depths[number] = named->depth;
	named->stack[named->depth] = number;
	named->next[named->depth] = named->first[number];
	named->depth++;
}

/* Compiles a condition after those that it names. What closes a circle stays without one. */
static enum pol_status compile_from(struct named *named, uint32_t number)
{
	struct pol_snapshot *snapshot = named->compiler->snapshot;
	enum pol_status status = POL_OK;

	if (named->marks[number] != MARK_NEW) {
		return POL_OK;
	}
	open_condition(named, number);
	while (status == POL_OK && named->depth > 0) {
		uint32_t top = named->stack[named->depth - 1];
		uint32_t *next = &named->next[named->depth - 1];
		uint32_t to;

		if (*next < named->first[top + 1]) {
			to = named->references[(*next)++];
			if (named->marks[to] == MARK_NEW) {
				open_condition(named, to);
			} else if (named->marks[to] == MARK_OPEN) {
				report_circle(named, named->depths[to]);
			}
			continue;
		}
		if (!named->statements[top]->incomplete) {
			status = pol_compile_condition(named->compiler,
				&named->statements[top]->condition, NULL,
				&snapshot->conditions[top]);
		}
		named->marks[top] = MARK_DONE;
		named->depth--;
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
	named.first = pol_arena_alloc(scratch, most + 1, sizeof *named.first);
	named.marks = pol_arena_alloc(scratch, most, sizeof *named.marks);
	named.stack = pol_arena_alloc(scratch, most, sizeof *named.stack);
	named.next = pol_arena_alloc(scratch, most, sizeof *named.next);
	named.depths = pol_arena_alloc(scratch, most, sizeof *named.depths);
	if (snapshot->conditions == NULL || scratch->status != POL_OK) {
		return snapshot->conditions == NULL ? snapshot->arena.status : scratch->status;
	}
	status = most > 0 ? number(&named) : POL_OK;
	snapshot->named_condition_count = named.count;
	if (status == POL_OK) {
		check_words(&named);
		status = find_all_references(&named);
	}
	for (uint32_t i = 0; status == POL_OK && i < named.count; i++) {
		status = compile_from(&named, i);
	}
	return status == POL_OK && most > 0 ? check_aside(&named) : status;
}
