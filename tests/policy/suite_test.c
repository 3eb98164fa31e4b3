/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "load.h"
#include "policy/suite.h"

struct seen {
	unsigned passed;
	unsigned failed;
	char failure[512];
	char name[128];
	uint32_t line;
};

static void on_test(
	void *context, struct pol_str test, struct pol_str file, uint32_t line, const char *failure)
{
	struct seen *seen = context;

	cr_expect_gt(file.len, 0);
	snprintf(seen->name, sizeof seen->name, "%.*s", POL_STR_ARGS(test));
	seen->line = line;
	if (failure == NULL) {
		seen->passed++;
	} else {
		seen->failed++;
		snprintf(seen->failure, sizeof seen->failure, "%s", failure);
	}
}

static void run_folder(const char *path, unsigned tests)
{
	struct loaded loaded = load_folder(path);
	struct seen seen = { 0 };
	struct pol_suite_result result;

	cr_assert_eq(loaded.status, POL_OK, "%s: %s", path, loaded.said);
	cr_expect_str_eq(loaded.said, "", "%s", loaded.said);
	result = pol_suite_run(loaded.snapshot, &loaded.diags, on_test, &seen);
	render(&loaded);
	cr_expect_eq(result.failed, 0, "%s", loaded.said);
	cr_expect_eq(result.passed, tests, "%zu", result.passed);
	cr_expect_eq(seen.passed, tests);
	unload(&loaded);
}

Test(suite, the_examples_pass_their_tests)
{
	run_folder("policy/examples/lendiq", 4);
	run_folder("policy/examples/loanpro", 7);
	run_folder("policy/examples/loop", 2);
}
