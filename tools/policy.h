/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy: what the `policy …` subcommands share: a folder read and compiled, and its diagnostics
 * shown.
 */

#include "policy/ask/suite.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "tools/app.h"
#include "tools/host.h"

struct folder;

/* Zeroed it is empty and may be finished. */
struct policy {
	struct folder *folder;   /* its files, while anything refers to them */
	struct policy_host host; /* holds the modules that it names */
	struct pol_diags diags;
	struct pol_snapshot *snapshot; /* NULL when the policy is invalid: diags says why */
};

/* Reads and compiles. EXIT_YES even for an invalid policy (policy->snapshot NULL); another status,
 * reported, when it could not be tried. */
int policy_load(struct app *app, const char *path, struct policy *policy);
void policy_finish(struct policy *policy);

/* Every diagnostic on standard error, in the language's form. */
void policy_show_diags(const struct policy *policy);

/* The same as annotations of a GitHub workflow, on standard output. */
void policy_show_github(const struct policy *policy);

/* An array of them, in the protocol's form. */
json_t *policy_json_diags(struct app *app, const struct policy *policy);

/* "2 errors, 1 warning". */
const char *policy_count_text(struct app *app, const struct policy *policy);

/* After policy_load, for a subcommand that needs a policy: EXIT_YES, or EXIT_NO with the
 * diagnostics shown. */
int policy_need(struct app *app, const char *path, struct policy *policy);
