/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * test_report: the results of a policy's tests, for people or for another program.
 *
 * TAP is version 14 of the Test Anything Protocol (testanything.org), which readers of version 13
 * understand too: a failure's message is a block of YAML below its line. The JUnit XML has the
 * elements that Jenkins, GitLab and GitHub's actions read; `time` in it is that of a clock that is
 * never set.
 */

#include <stdint.h>

#include "policy/ask/suite.h"
#include "tools/coverage.h"

enum test_format {
	TEST_FORMAT_TEXT = 0,
	TEST_FORMAT_TAP,
	TEST_FORMAT_JUNIT,
	TEST_FORMAT_JSON,
	TEST_FORMAT_GITHUB /* annotations of the diagnostics; the report itself is empty */
};

struct test_row;

/* Set the first four; zero the rest. Memory is that of the app's arena. */
struct test_report {
	struct app *app;
	enum test_format format;
	bool verbose; /* with the explanation of a failure; as text also a line for each test */
	const char *folder; /* of the policy, for JUnit */
	json_t *tests;
	struct test_row *rows; /* of JUnit, whose first line has the counts */
	size_t count;
	size_t capacity;
	int64_t begun,
		last; /* nanoseconds: when the first test began, and when the next one does */
};

/* Right before the first test. */
void test_report_begin(struct test_report *report);

/* A pol_suite_visit whose context is the report. */
void test_report_add(void *context, struct pol_str test, struct pol_str file, uint32_t line,
	const struct pol_suite_failure *failure);

/* Writes what follows the last test to standard output; coverage may be NULL. */
void test_report_end(struct test_report *report, struct pol_suite_result result,
	const struct pol_coverage *coverage);
