/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/prepare.h"
#include "policy/compile/stack_draft.h"
#include "policy/decide/modules/modules.h"
#include "policy/decide/registry.h"
#include "policy/snapshot/dependency.h"
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

static void keep_note(struct pol_stack_compiler *compiler, const struct pol_draft_line *line,
	const struct pol_module *module, const char *text)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_note *note;

	if (text[0] == '\0' || snapshot->note_count == POL_NOTES_MAX) {
		return;
	}
	note = pol_arena_alloc(&snapshot->arena, 1, sizeof *note);
	if (note == NULL) {
		return;
	}
	note->module = pol_arena_copy(&snapshot->arena, pol_str_of(module->name));
	note->text = pol_arena_copy(&snapshot->arena, pol_str_of(text));
	note->at = line->ast->at;
	note->line = line->written->line;
	*(snapshot->notes == NULL ? &snapshot->notes : &snapshot->last_note->next) = note;
	snapshot->last_note = note;
	snapshot->note_count++;
}

/* Memory ran out while the module prepared the line: what it keeps is too much beside the rest. */
static void report_memory(struct pol_stack_compiler *compiler, const struct pol_ast_line *ast,
	const struct pol_module *module, size_t before)
{
	const struct pol_arena *arena = &compiler->snapshot->arena;
	const size_t mib = 1024 * 1024;

	compiler->snapshot->module_is_too_large = true;
	pol_diag_error(compiler->diags, ast->module.at,
		"module '%s' takes too much memory here: it has taken %zu MiB, and asks for more "
		"than is left of the %zu MiB of this policy, 64 times its text and 64 MiB: give it "
		"less data",
		module->name, (arena->used - before + mib - 1) / mib,
		(arena->limit + POL_DIAGS_LIMIT) / mib);
}

/* An error denies, whatever the module would have said. */
static struct pol_answer fail(const void *state, const struct pol_request *request)
{
	(void)state;
	(void)request;
	return (struct pol_answer){ .verdict = POL_ERROR };
}

/* A module of the same name that fails each request. */
static const struct pol_module *failing(
	struct pol_stack_compiler *compiler, const struct pol_module *module)
{
	struct pol_module *copy = pol_arena_alloc(&compiler->snapshot->arena, 1, sizeof *copy);

	if (copy == NULL) {
		return module; /* the policy is refused */
	}
	*copy = *module;
	copy->decide = fail;
	return copy;
}

/* A data file cannot be used, which is no mistake of the policy: prepares the line with the last
 * good content, or makes it deny. Gives the module that decides. */
static const struct pol_module *prepare_last(struct pol_stack_compiler *compiler,
	struct pol_draft_line *line, const struct pol_module *module,
	const struct pol_preparation *failed)
{
	const struct pol_host *host = compiler->host;
	size_t errors = compiler->diags->errors;
	struct pol_preparation preparation;
	bool good;

	pol_prepare_init(
		&preparation, compiler->snapshot, compiler->host, compiler->diags, line->ast);
	preparation.last = true;
	good = module->prepare(&preparation.base, &line->state);
	host->data_fault(host->context, failed->feed.text, line->ast->module.text,
		pol_str_of(failed->feed_why));
	if (!good && compiler->diags->errors == errors) {
		line->state = NULL;
		module = failing(compiler, module);
	} else if (good) {
		keep_note(compiler, line, module, preparation.note);
	}
	pol_diag_warning(compiler->diags, failed->feed.at, POL_WARNING_DATA_FILE,
		"data file '%.*s' of module '%.*s': %s: %s", POL_STR_ARGS(failed->feed.text),
		POL_STR_ARGS(line->ast->module.text), failed->feed_why,
		good ? "the module goes on with the last good one"
		     : "there was no good one, so this line denies until it is right");
	return module;
}

/* Lets the module prepare the line, and gives the module that decides. A module that refuses
 * without a message gets a general one. */
static const struct pol_module *run_prepare(struct pol_stack_compiler *compiler,
	struct pol_draft_line *line, const struct pol_module *module)
{
	const struct pol_ast_line *ast = line->ast;
	const struct pol_arena *arena = &compiler->snapshot->arena;
	size_t errors = compiler->diags->errors;
	size_t used = arena->used;
	struct pol_preparation preparation;
	bool good;

	if (arena->status != POL_OK) {
		return module;
	}
	pol_prepare_init(&preparation, compiler->snapshot, compiler->host, compiler->diags, ast);
	good = module->prepare(&preparation.base, &line->state);
	if (!good && arena->status == POL_OK && preparation.feed.text.len > 0 &&
		compiler->diags->errors == errors) {
		module = prepare_last(compiler, line, module, &preparation);
	} else if (!good && arena->status == POL_OK && compiler->diags->errors == errors) {
		pol_diag_error(compiler->diags, ast->module.at,
			"module '%s' refuses this line and does not say why", module->name);
	} else if (good) {
		keep_note(compiler, line, module, preparation.note);
	}
	if (arena->status == POL_ELIMIT) {
		report_memory(compiler, ast, module, used);
	}
	return module;
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
		module = run_prepare(compiler, line, module);
	} else if (ast->argument_count > 0) {
		pol_diag_error(compiler->diags, ast->arguments[0].values.items[0].at,
			"module '%s' takes no arguments", module->name);
	}
	line->module = module;
}
