/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/stack_draft.h"
#include "policy/compile/stack_prepare.h"
#include "policy/decide/modules/modules.h"
#include "policy/decide/registry.h"
#include "policy/snapshot/dependency.h"
#include "policy/snapshot/prepared.h"
#include "policy/text/nearest.h"

static void report_unknown(
	struct pol_stack_compiler *compiler, const struct pol_word *name, const char *why)
{
	struct pol_nearest nearest = pol_nearest_to(name->text);
	const struct pol_module *const *modules;
	size_t count = pol_registry_modules(&modules);

	for (size_t i = 0; i < count; i++) {
		pol_nearest_offer(&nearest, pol_str_of(modules[i]->name));
	}
	if (nearest.best.len > 0) {
		pol_diag_error(compiler->diags, name->at, "unknown module '%.*s'" POL_NEAREST,
			POL_STR_ARGS(name->text), POL_NEAREST_ARGS(nearest));
		return;
	}
	pol_diag_error(compiler->diags, name->at,
		"unknown module '%.*s': it is not built in, and %s", POL_STR_ARGS(name->text), why);
}

/* Finds the module: the host's, or the built-in one. NULL: there is none, which is reported, or no
 * memory. */
static const struct pol_module *find(
	struct pol_stack_compiler *compiler, const struct pol_word *name)
{
	const struct pol_module *module = pol_registry_find(name->text);
	char why[POL_HOST_WHY] = "no module folder is named";
	const struct pol_module *foreign = NULL;

	switch (pol_dependency_module(
		compiler->snapshot, compiler->host, name->text, &foreign, why)) {
	case POL_OK:
		return foreign;
	case POL_ENOTFOUND:
		if (module == NULL) {
			report_unknown(compiler, name, why);
		}
		return module;
	case POL_ENOMEM:
	case POL_ELIMIT:
		return NULL;
	case POL_EINVALID:
		break;
	}
	pol_diag_error(compiler->diags, name->at, "module '%.*s' is refused: %s",
		POL_STR_ARGS(name->text), why);
	return NULL;
}

/* "authenticate", or "authenticate or account". */
static void report_group(struct pol_stack_compiler *compiler, const struct pol_ast_line *line,
	const struct pol_module *module)
{
	char served[64] = "";
	size_t used = 0;

	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		const char *name = pol_terms_group((enum pol_group)group);
		size_t len = strlen(name);

		if ((module->groups >> group & 1U) == 0 || used + len + 5 > sizeof served) {
			continue;
		}
		if (used > 0) {
			memcpy(served + used, " or ", 4);
			used += 4;
		}
		memcpy(served + used, name, len + 1);
		used += len;
	}
	pol_diag_error(compiler->diags, line->module.at, "module '%s' serves '%s', not '%s'",
		module->name, served, pol_terms_group(line->group));
}

/* Keeps the note of a line without data files. */
static void keep_note(struct pol_stack_compiler *compiler, const struct pol_draft_line *line,
	const struct pol_line_preparation *done)
{
	struct pol_arena *arena = &compiler->snapshot->arena;
	struct pol_fixed *fixed = compiler->snapshot->fixed;
	struct pol_note *notes = fixed->notes;

	if (done->note[0] == '\0' || fixed->note_count == POL_NOTES_MAX) {
		return;
	}
	if (fixed->note_count == fixed->note_capacity) {
		notes = pol_arena_grow(arena, notes, fixed->note_count,
			fixed->note_count + (size_t)1, sizeof *notes, &fixed->note_capacity);
	}
	if (notes == NULL) {
		return;
	}
	fixed->notes = notes;
	notes[fixed->note_count++] = (struct pol_note){
		.module = pol_arena_copy(arena, pol_str_of(done->module->name)),
		.text = pol_arena_copy(arena, pol_str_of(done->note)),
		.at = line->ast->at,
		.line = line->written->line,
	};
}

static struct pol_word copy_word(struct pol_arena *arena, const struct pol_word *word)
{
	return (struct pol_word){ pol_arena_copy(arena, word->text), word->at };
}

/* A copy of the line that lives as long as the snapshot. NULL: no memory. */
static const struct pol_ast_line *copy_line(
	struct pol_arena *arena, const struct pol_ast_line *line)
{
	struct pol_ast_line *copy = pol_arena_alloc(arena, 1, sizeof *copy);

	if (copy == NULL) {
		return NULL;
	}
	*copy = *line;
	copy->module = copy_word(arena, &line->module);
	copy->arguments = pol_arena_alloc(arena, line->argument_count, sizeof *copy->arguments);
	for (uint32_t i = 0; copy->arguments != NULL && i < line->argument_count; i++) {
		const struct pol_words *from = &line->arguments[i].values;
		struct pol_words *to = &copy->arguments[i].values;

		to->items = pol_arena_alloc(arena, from->count, sizeof *to->items);
		for (; to->items != NULL && to->count < from->count; to->count++) {
			to->items[to->count] = copy_word(arena, &from->items[to->count]);
		}
	}
	return arena->status == POL_OK ? copy : NULL;
}

/* Keeps a line with data files, so that it can be prepared again. */
static void keep_data_line(struct pol_stack_compiler *compiler, const struct pol_draft_line *line,
	const struct pol_module *module, struct pol_prepared *prepared)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_data_line kept = {
		.line = copy_line(&snapshot->arena, line->ast),
		.module = module,
		.number = line->written->line,
		.fixed_notes = snapshot->fixed->note_count,
		.prepared = prepared,
	};

	if (kept.line == NULL || !pol_prepared_add(snapshot, kept)) {
		pol_prepared_unref(prepared);
		return;
	}
	line->written->data_line = snapshot->data_line_count;
}

/* Lets the module prepare the line, and gives the module that decides. */
static const struct pol_module *prepare(struct pol_stack_compiler *compiler,
	struct pol_draft_line *line, const struct pol_module *module)
{
	struct pol_line_preparation preparation = {
		.snapshot = compiler->snapshot,
		.host = compiler->host,
		.diags = compiler->diags,
		.line = line->ast,
		.module = module,
	};

	if (compiler->snapshot->arena.status != POL_OK) {
		return module;
	}
	pol_stack_prepare(&preparation);
	line->state = preparation.state;
	if (preparation.prepared != NULL) {
		keep_data_line(compiler, line, module, preparation.prepared);
	} else {
		keep_note(compiler, line, &preparation);
	}
	return preparation.module;
}

void pol_stack_resolve(struct pol_stack_compiler *compiler, struct pol_draft_line *line)
{
	const struct pol_ast_line *ast = line->ast;
	const struct pol_module *module = find(compiler, &ast->module);

	if (module == NULL) {
		return;
	}
	if ((module->groups >> ast->group & 1U) == 0) {
		report_group(compiler, ast, module);
	}
	if (module->prepare != NULL) {
		module = prepare(compiler, line, module);
	} else if (ast->argument_count > 0) {
		pol_diag_error(compiler->diags, ast->arguments[0].values.items[0].at,
			"module '%s' takes no arguments", module->name);
	}
	line->module = module;
}
