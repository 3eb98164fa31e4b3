/* SPDX-License-Identifier: Apache-2.0 */

/* Lines of stacks that can change nothing, and fragments that no stack includes. */

#include "policy/decide/modules/modules.h"
#include "policy/decide/registry.h"
#include "policy/decide/stack.h"
#include "policy/lint/linter.h"

/* Does the group end here every time? Before this line it may have failed; then the rest does not
 * change that. A line of a substack ends the substack alone. */
static bool always_ends(const struct pol_stack_line *line)
{
	return line->skip == 0 &&
	       ((line->control == POL_CONTROL_SUFFICIENT && line->module == &pol_module_permit) ||
		       (line->control == POL_CONTROL_REQUISITE &&
			       line->module == &pol_module_deny));
}

/* Both lines must stand in the stack itself: an included one may matter elsewhere. */
static void check_group(
	struct pol_diags *diags, const struct pol_stack *stack, const struct pol_stack_group *group)
{
	for (uint32_t i = 0; i + 1 < group->count; i++) {
		const struct pol_written_line *end = group->lines[i].written;
		const struct pol_written_line *next = group->lines[i + 1].written;
		struct pol_diag *diag;

		if (!always_ends(&group->lines[i])) {
			continue;
		}
		if (end != NULL && next != NULL && pol_str_equal(end->stack, stack->name) &&
			pol_str_equal(next->stack, stack->name)) {
			diag = pol_diag_warning(diags, next->at, POL_WARNING_LINE_UNREACHABLE,
				"this line and those after it in its group change nothing: remove "
				"them, or move them up");
			pol_diag_note(diags, diag, end->at, "this one ends the group every time");
		}
		return;
	}
}

/* The stacks that requests can reach, while they are searched for. By number. */
struct search {
	const struct pol_snapshot *snapshot;
	const struct pol_ast_stack **statements;
	bool *used;
	uint32_t *queue; /* the used ones */
	uint32_t count;
};

static void use(struct search *search, uint32_t number)
{
	if (number < search->snapshot->stack_count && !search->used[number]) {
		search->used[number] = true;
		search->queue[search->count++] = number;
	}
}

/* Adds what used stacks include. */
static void use_included(struct search *search)
{
	for (uint32_t i = 0; i < search->count; i++) {
		const struct pol_ast_stack *stack = search->statements[search->queue[i]];

		for (uint32_t k = 0; stack != NULL && k < stack->line_count; k++) {
			const struct pol_ast_line *line = &stack->lines[k];

			if (line->control == POL_CONTROL_INCLUDE ||
				line->control == POL_CONTROL_SUBSTACK) {
				use(search, pol_names_find(&search->snapshot->stack_names,
						    line->module.text));
			}
		}
	}
}

static void find_statements(const struct pol_ast *ast, struct search *search)
{
	for (size_t i = 0; i < ast->stacks_count; i++) {
		uint32_t number =
			pol_names_find(&search->snapshot->stack_names, ast->stacks[i].name.text);

		if (number < search->snapshot->stack_count) {
			search->statements[number] = &ast->stacks[i];
		}
	}
}

static bool has_lines(const struct pol_stack *stack)
{
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		if (stack->groups[group].count > 0) {
			return true;
		}
	}
	return false;
}

/* The compiler warns of a stack without lines. */
static enum pol_status check_included(struct pol_linter *linter)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	uint32_t count = snapshot->stack_count;
	struct search search = { .snapshot = snapshot };

	search.statements = pol_arena_alloc(linter->scratch, count, sizeof *search.statements);
	search.used = pol_arena_alloc(linter->scratch, count, sizeof *search.used);
	search.queue = pol_arena_alloc(linter->scratch, count, sizeof *search.queue);
	if (search.statements == NULL || search.used == NULL || search.queue == NULL) {
		return linter->scratch->status;
	}
	find_statements(&linter->ast, &search);
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_stack *stack = &snapshot->stacks[i];

		if (!stack->fragment || pol_str_equal(stack->name, POL_STR("authz"))) {
			use(&search, i);
		}
	}
	use_included(&search);
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_stack *stack = &snapshot->stacks[i];

		if (!search.used[i] && has_lines(stack)) {
			pol_diag_warning(linter->diags, stack->at, POL_WARNING_STACK_UNUSED,
				"no stack includes '%.*s', and no request can name it without "
				"'authenticate' and 'authorize' lines: include or remove it",
				POL_STR_ARGS(stack->name));
		}
	}
	return POL_OK;
}

/* Does the stack ask for roles? A module that is not built in may decide by anything. */
static bool asks_for_roles(const struct pol_stack *stack)
{
	const struct pol_stack_group *group = &stack->groups[POL_GROUP_AUTHORIZE];

	for (uint32_t i = 0; i < group->count; i++) {
		const struct pol_module *module = group->lines[i].module;

		if (module == &pol_module_role ||
			pol_registry_find(pol_str_of(module->name)) != module) {
			return true;
		}
	}
	return false;
}

enum pol_status pol_lint_stacks(struct pol_linter *linter)
{
	const struct pol_snapshot *snapshot = linter->snapshot;

	/* Without `other` the built-in stack decides about requests that name no service. */
	linter->roles_are_asked = snapshot->other == NULL;
	for (uint32_t i = 0; i < snapshot->stack_count; i++) {
		const struct pol_stack *stack = &snapshot->stacks[i];

		linter->roles_are_asked = linter->roles_are_asked || asks_for_roles(stack);
		for (int group = 0; group < POL_GROUP_RECORD; group++) {
			check_group(linter->diags, stack, &stack->groups[group]);
		}
	}
	return check_included(linter);
}
