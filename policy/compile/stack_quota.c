/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/stack_draft.h"
#include "policy/decide/modules/modules.h"
#include "policy/decide/registry.h"

static const struct pol_charge *charge_of(const struct pol_module *module, const void *state)
{
	return module == &pol_module_quota ? state : NULL;
}

/* Reports a line whose quota has the name of an earlier one and means another limit: lines of one
 * name share one counter. */
static void check_line(struct pol_stack_compiler *compiler, struct pol_names *seen,
	const struct pol_draft_line **lines, uint32_t *count, const struct pol_draft_line *line)
{
	const struct pol_charge *charge = charge_of(line->module, line->state);
	const struct pol_charge *first;
	struct pol_diag *diag;
	uint32_t was;

	if (charge == NULL || charge->name.ptr == NULL) {
		return;
	}
	was = pol_names_add(seen, charge->name, *count);
	if (was == *count) {
		lines[(*count)++] = line;
		return;
	}
	first = lines[was]->state;
	if (first->limit == charge->limit && first->period == charge->period &&
		first->per == charge->per && first->prefix6 == charge->prefix6) {
		return;
	}
	diag = pol_diag_error(compiler->diags, line->ast->module.at,
		"quota '%.*s' has another limit, period, per or prefix6 elsewhere: lines of one "
		"name are one quota",
		POL_STR_ARGS(charge->name));
	pol_diag_note(compiler->diags, diag, lines[was]->ast->module.at, "declared here");
}

static enum pol_status keep_names(
	struct pol_snapshot *snapshot, const struct pol_draft_line **lines, uint32_t count)
{
	if (count == 0) {
		return POL_OK;
	}
	snapshot->quotas = pol_arena_alloc(&snapshot->arena, count, sizeof *snapshot->quotas);
	if (snapshot->quotas == NULL) {
		return snapshot->arena.status;
	}
	for (uint32_t i = 0; i < count; i++) {
		snapshot->quotas[i] = charge_of(lines[i]->module, lines[i]->state)->name;
	}
	snapshot->quota_count = count;
	return POL_OK;
}

static enum pol_status check_lines(struct pol_stack_compiler *compiler)
{
	const struct pol_draft_line **lines;
	struct pol_names seen;
	uint32_t count = 0;
	size_t most = 0;
	enum pol_status status;

	for (uint32_t i = 0; i < compiler->count; i++) {
		for (uint32_t k = 0; k < compiler->drafts[i].ast->line_count; k++) {
			most += compiler->drafts[i].lines[k].module == &pol_module_quota;
		}
	}
	if (most == 0) {
		return POL_OK;
	}
	lines = pol_arena_alloc(&compiler->snapshot->arena, most, sizeof *lines);
	status = pol_names_init(&seen, &compiler->snapshot->arena, most);
	if (lines == NULL || status != POL_OK) {
		return compiler->snapshot->arena.status;
	}
	for (uint32_t i = 0; i < compiler->count; i++) {
		for (uint32_t k = 0;
			!compiler->drafts[i].aside && k < compiler->drafts[i].ast->line_count;
			k++) {
			check_line(compiler, &seen, lines, &count, &compiler->drafts[i].lines[k]);
		}
	}
	return keep_names(compiler->snapshot, lines, count);
}

/* Reports a stack with too many quotas, and any quota in stack `authz`. */
static void check_stack(struct pol_stack_compiler *compiler, uint32_t number)
{
	const struct pol_stack_group *group =
		&compiler->snapshot->stacks[number].groups[POL_GROUP_ACCOUNT];
	const struct pol_draft *draft = &compiler->drafts[number];
	struct pol_str names[POL_CHARGES];
	uint32_t count = 0;

	for (uint32_t i = 0; i < group->count; i++) {
		const struct pol_charge *charge =
			charge_of(group->lines[i].module, group->lines[i].state);
		uint32_t k = 0;

		if (charge == NULL) {
			continue;
		}
		if (pol_str_equal(draft->ast->name.text, POL_STR("authz"))) {
			pol_diag_error(compiler->diags, draft->ast->name.at,
				"stack 'authz' counts nothing: leave out 'quota', also where it is "
				"included");
			return;
		}
		while (k < count && !pol_str_equal(names[k], charge->name)) {
			k++;
		}
		if (k == POL_CHARGES) {
			pol_diag_error(compiler->diags, draft->ast->name.at,
				"stack '%.*s' has more than %d quotas after inclusion",
				POL_STR_ARGS(draft->ast->name.text), POL_CHARGES);
			return;
		}
		names[k] = charge->name;
		count += k == count;
	}
}

/* May a decision by the stack name a charge? A module that is not built in may always do so. */
static bool may_charge(const struct pol_stack *stack)
{
	for (int group = 0; group < POL_GROUP_RECORD; group++) {
		for (uint32_t i = 0; i < stack->groups[group].count; i++) {
			const struct pol_module *module = stack->groups[group].lines[i].module;

			if (module == &pol_module_quota ||
				pol_registry_find(pol_str_of(module->name)) != module) {
				return true;
			}
		}
	}
	return false;
}

enum pol_status pol_stack_quota_check(struct pol_stack_compiler *compiler)
{
	enum pol_status status = check_lines(compiler);

	for (uint32_t i = 0; status == POL_OK && i < compiler->count; i++) {
		check_stack(compiler, i);
		compiler->snapshot->may_charge = compiler->snapshot->may_charge ||
						 may_charge(&compiler->snapshot->stacks[i]);
	}
	return status;
}
