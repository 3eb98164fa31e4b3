/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The manual page authz-policy(5) and the reference say what the program does: every module with
 * its groups and arguments, every control, group, reason and status of the two pages is compared
 * with the program's own tables.
 */
#include <stdlib.h>

#include "policy/decide/modules/modules.h"
#include "policy/decide/registry.h"
#include "policy/decide/stack.h"
#include "policy/text/reason.h"
#include "policy/text/terms.h"
#include "tests/policy/compile/manual_page.h"

/* --- modules ---------------------------------------------------------------------------------- */

struct asked {
	struct pol_prepare prepare; /* first: the module sees it */
	struct words names;
};

static bool on_options(const struct pol_prepare *prepare, const char *const *names, size_t count,
	struct pol_option *out)
{
	struct asked *asked = (struct asked *)(uintptr_t)prepare;

	(void)out;
	for (size_t i = 0; i < count; i++) {
		add_word(&asked->names, names[i]);
	}
	return false;
}

/* What a page says about a module. */
static void check_module(const char *name, const char *groups, const char *arguments)
{
	const struct pol_module *module = pol_registry_find(pol_str_of(name));
	struct asked program = { .prepare = { .options = on_options } };
	struct words page = { 0 };
	const void *state;

	cr_assert_not_null(module, "the program has no module '%s'", name);
	if (strncmp(groups, "any", 3) == 0) {
		cr_expect_eq(module->groups, POL_GROUPS_ALL, "%s", name);
	} else {
		struct words of_page = { 0 }, of_program = { 0 };

		add(&of_page, groups, strcspn(groups, ",: "));
		for (int group = 0; group < POL_GROUP_COUNT; group++) {
			if ((module->groups >> group & 1U) != 0) {
				add_word(&of_program, pol_terms_group((enum pol_group)group));
			}
		}
		expect_same(&of_page, &of_program, name);
	}
	if (module->prepare != NULL) {
		(void)module->prepare(&program.prepare, &state);
	}
	add_arguments(&page, arguments);
	expect_same(&page, &program.names, name);
}

static struct words module_names(void)
{
	const struct pol_module *const *modules;
	size_t count = pol_registry_modules(&modules);
	struct words words = { 0 };

	for (size_t i = 0; i < count; i++) {
		add_word(&words, modules[i]->name);
	}
	return words;
}

Test(manual, has_the_modules_with_their_groups_and_arguments)
{
	char *text = part(MANUAL, "\n## Modules\n", "\nAny other name");
	struct words page = { 0 }, program = module_names();
	char *rest = NULL;

	for (char *head = strtok_r(text, "\n", &rest); head != NULL;
		head = strtok_r(NULL, "\n", &rest)) {
		struct words names = { 0 };
		char *body;

		if (head[0] != '*') {
			continue;
		}
		body = strtok_r(NULL, "\n", &rest);
		cr_assert(body != NULL && body[0] == '\t', "%s", head);
		add_marked(&names, head, '*');
		for (size_t i = 0; i < names.count; i++) {
			add_word(&page, names.at[i]);
			check_module(names.at[i], body + 1, head);
		}
	}
	expect_same(&page, &program, "modules");
	free(text);
}

Test(manual, and_the_reference_has_the_same)
{
	char *text = part(REFERENCE, "| module | groups | arguments | answers |\n", "\n\n");
	struct words page = { 0 }, program = module_names();
	char *rest = NULL;

	for (char *row = strtok_r(text, "\n", &rest); row != NULL;
		row = strtok_r(NULL, "\n", &rest)) {
		struct words names = { 0 };
		char *cells[3];
		char *cell = row;

		for (int i = 0; i < 3; i++) {
			cells[i] = cell + 2;
			cell = strstr(cell + 1, "| ");
			cr_assert_not_null(cell, "%s", row);
		}
		*cell = '\0';
		cells[2][-2] = cells[1][-2] = '\0';
		add_marked(&names, cells[0], '`');
		if (names.count == 1) {
			add_word(&page, names.at[0]);
			check_module(names.at[0], cells[1], cells[2]);
		}
	}
	expect_same(&page, &program, "modules");
	free(text);
}

/* --- stacks ----------------------------------------------------------------------------------- */

Test(manual, has_the_groups_and_the_controls)
{
	char *order = part(MANUAL, "The groups run in the order", ".");
	char *text = part(MANUAL, "After a group failed, only record runs.\n", "\n## Modules\n");
	struct words page = { 0 }, program = { 0 };
	struct words groups = { 0 };

	add_marked(&groups, order, '*');
	cr_assert_eq(groups.count, POL_GROUP_COUNT);
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		cr_expect_str_eq(groups.at[group], pol_terms_group((enum pol_group)group));
	}
	add_marked(&page, text, '*');
	for (int control = 0; control <= POL_CONTROL_SUBSTACK; control++) {
		add_word(&program, pol_terms_control((enum pol_control)control));
	}
	expect_same(&page, &program, "controls");
	free(order);
	free(text);
}

/* "authenticate  sufficient  key" for each line. */
static void check_builtin(const char *path, const char *text)
{
	const struct pol_stack *stack = pol_stack_builtin();
	struct words page = { 0 };
	size_t next = 0;

	for (const char *at = text; *at != '\0';) {
		size_t len = strspn(at, "abcdefghijklmnopqrstuvwxyz");

		if (len > 0) {
			add(&page, at, len);
		}
		at += len > 0 ? len : 1;
	}
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		for (uint32_t i = 0; i < stack->groups[group].count; i++) {
			const struct pol_stack_line *line = &stack->groups[group].lines[i];

			cr_assert_leq(next + 3, page.count, "%s", path);
			cr_expect_str_eq(page.at[next], pol_terms_group((enum pol_group)group));
			cr_expect_str_eq(page.at[next + 1], pol_terms_control(line->control));
			cr_expect_str_eq(page.at[next + 2], line->module->name);
			next += 3;
		}
	}
	cr_expect_eq(next, page.count, "%s", path);
}

Test(manual, has_the_stack_that_is_built_in)
{
	char *manual = part(MANUAL, "is warned\nabout:\n", "\nEach line is");
	char *reference = part(REFERENCE, "if there is none, the built-in one:\n", "\nA service");

	check_builtin(MANUAL, manual);
	check_builtin(REFERENCE, reference);
	free(manual);
	free(reference);
}

/* --- reasons ---------------------------------------------------------------------------------- */

static struct words reason_names(void)
{
	const struct pol_str *reasons;
	size_t count = pol_reasons(&reasons);
	struct words words = { 0 };

	for (size_t i = 0; i < count; i++) {
		add(&words, reasons[i].ptr, reasons[i].len);
	}
	return words;
}

Test(manual, has_the_reasons)
{
	char *text = part(MANUAL, "in which they are checked: ", "In any\ngroup:");
	char *more = part(MANUAL, "In any\ngroup:", "# SEE ALSO");
	struct words page = { 0 }, program = reason_names();
	char *rest = NULL;

	for (char *word = strtok_r(text, ";,. \n", &rest); word != NULL;
		word = strtok_r(NULL, ";,. \n", &rest)) {
		add_word(&page, word);
	}
	for (size_t i = 0; i < program.count; i++) {
		if (!has(&page, program.at[i]) && strstr(more, program.at[i]) != NULL) {
			add_word(&page, program.at[i]);
		}
	}
	expect_same(&page, &program, "reasons");
	free(text);
	free(more);
}

Test(manual, and_the_reference_has_each_with_its_status)
{
	char *text = part(REFERENCE, "| reason | status | |\n", "\n\n");
	struct words page = { 0 }, program = reason_names();
	char *rest = NULL;

	add_word(&page, "ok");
	cr_expect_not_null(strstr(read_page(REFERENCE), "`ok` (200) is the reason of an allowed"));
	for (char *row = strtok_r(text, "\n", &rest); row != NULL;
		row = strtok_r(NULL, "\n", &rest)) {
		char *status = strstr(row + 1, "| ");
		size_t first = page.count;

		cr_assert_not_null(status, "%s", row);
		*status = '\0';
		add_marked(&page, row, '`');
		for (size_t i = first; i < page.count; i++) {
			cr_expect_eq(pol_reason_status(pol_str_of(page.at[i])),
				strtol(status + 2, NULL, 10), "%s", page.at[i]);
		}
		if (strstr(row, "any other") != NULL) {
			cr_expect_eq(pol_reason_status(POL_STR("of_a_module")),
				strtol(status + 2, NULL, 10));
		}
	}
	expect_same(&page, &program, "reasons");
	free(text);
}
