/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * console_folder_internal: what the files of console_folder share. For console_folder*.c alone.
 */

#include "policy/ask/coverage.h"
#include "tools/console_folder.h"
#include "tools/policy.h"

/* Items of one list in an answer, and bytes of a file or a role's text. */
#define CONSOLE_FOLDER_ITEMS 10000
#define CONSOLE_FOLDER_FILE  ((size_t)2 * 1024 * 1024)
#define CONSOLE_FOLDER_TEXT  ((size_t)64 * 1024)

/* A line of a test that expects something. */
struct console_case {
	uint32_t line;
	const char **failures; /* "expected … got …" */
	size_t failure_count, failure_room;
};

struct console_test {
	struct pol_str name;
	struct pol_str file;
	uint32_t line;
	bool passed;
	struct console_case *cases;
	size_t case_count, case_room;
	uint32_t *roles; /* numbers of those that its subjects hold */
	size_t role_count, role_room;
};

/* What a policy's tests came to. Arrays are of the app's arena. */
struct console_suite {
	bool run;
	struct pol_suite_result result;
	struct pol_coverage *coverage;
	struct console_test *tests;
	size_t count, room;
};

struct console_folder {
	char *path;
	char *modules; /* NULL: none */

	/* The folder as it was read last. Zeroed: it was not read, or could not be. */
	struct app app; /* its arena has what is kept, its document what went wrong */
	struct policy policy;
	struct console_suite suite;
	json_t *check; /* the answer of folder.check; NULL: not asked yet */

	/* The present call. The arena ends with it. */
	struct app call;
	const json_t *params;
	json_t *error; /* why it failed; NULL: no memory */
};

/* Fails the call: returns NULL, for `return console_folder_fail(…)`. */
__attribute__((format(printf, 3, 4))) json_t *console_folder_fail(
	struct console_folder *folder, const char *code, const char *format, ...);

/* A text of the parameters; empty: it is not there. */
struct pol_str console_folder_text(const struct console_folder *folder, const char *name);

/* A text of an answer; NULL, which json_pack leaves out, if it is empty. */
json_t *console_folder_optional(struct pol_str text);

/* Finds the number of a role or scope by the name in the parameter of that kind. False: the call
 * failed. */
bool console_folder_find(struct console_folder *folder, bool scope, uint32_t *out);

/* The answers; each a new value, or NULL: the call failed. All but the first two need a policy that
 * compiles. */
json_t *console_folder_status(struct console_folder *folder);
json_t *console_folder_file(struct console_folder *folder);
json_t *console_folder_check(struct console_folder *folder);
json_t *console_folder_tests(struct console_folder *folder);
json_t *console_folder_coverage(struct console_folder *folder);
json_t *console_folder_matrix(struct console_folder *folder);
json_t *console_folder_role(struct console_folder *folder);

/* Runs the tests, once, with diagnostics in the policy's. False: no memory. */
bool console_suite_run(struct console_folder *folder);
void console_suite_finish(struct console_suite *suite);
/* The tests about a role, at most CONSOLE_FOLDER_ITEMS; POL_NONE: all. *out_total: how many there
 * are. */
json_t *console_suite_json(struct console_folder *folder, uint32_t role, size_t *out_total);
/* The grants of a role, with their coverage. */
json_t *console_suite_grants(struct console_folder *folder, struct pol_str role);
