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

/* Lets the module prepare the line. A module that refuses without a message gets a general one. */
static void run_prepare(struct pol_stack_compiler *compiler, struct pol_draft_line *line,
	const struct pol_module *module)
{
	const struct pol_ast_line *ast = line->ast;
	size_t errors = compiler->diags->errors;
	struct pol_preparation preparation;

	pol_prepare_init(&preparation, compiler->snapshot, compiler->host, compiler->diags, ast);
	if (!module->prepare(&preparation.base, &line->state) &&
		compiler->diags->errors == errors && compiler->snapshot->arena.status == POL_OK) {
		pol_diag_error(compiler->diags, ast->module.at,
			"module '%s' refuses this line and does not say why", module->name);
	}
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
		run_prepare(compiler, line, module);
	} else if (ast->argument_count > 0) {
		pol_diag_error(compiler->diags, ast->arguments[0].values.items[0].at,
			"module '%s' takes no arguments", module->name);
	}
	line->module = module;
}
