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
	uint32_t most_shown; /* diagnostics of one file; 0: as many as at a load. Set before */
};

/* The path without a slash at its end: the names of the folder's files begin with it. */
const char *policy_folder_name(struct app *app, const char *path);

/* Lists a folder's files as the daemon does, named PATH/NAME; a file that a link names too comes
 * once. EXIT_YES, or another status, reported. */
int policy_files(struct app *app, const char *path, struct pol_str **out, size_t *out_count);

/* Reads and compiles. EXIT_YES even for an invalid policy (policy->snapshot NULL); another status,
 * reported, when it could not be tried. */
int policy_load(struct app *app, const char *path, struct policy *policy);
/* After policy_load or policy_read: is the folder as it was read? EXIT_YES or EXIT_NO; or another
 * status, reported: it cannot be listed any more. */
int policy_is_current(struct app *app, const char *path, const struct policy *policy);
/* The name of a file of the folder below it. */
struct pol_str policy_file_name(const struct policy *policy, struct pol_str file);
/* The commit that the folder says that it is at (daemon/load/commit.h), by files of
 * the caller or of the owner of the folder; NULL: none. */
const char *policy_commit(struct app *app, const char *path);
/* The first half of policy_load: reads the files. EXIT_YES, or another status, reported. */
int policy_read(struct app *app, const char *path, struct policy *policy);
/* Before it is compiled: puts a text in the place of the file PATH/NAME, or adds it, also to a
 * policy that was not read. Both are copied. False: no memory. */
bool policy_put(struct policy *policy, struct pol_str name, struct pol_str text);
/* The second half of policy_load: compiles policy->folder. */
int policy_compile(struct app *app, const char *path, struct policy *policy);
void policy_finish(struct policy *policy);

/* The files of the folder, while the policy is open. */
struct folder_sources {
	const struct pol_source *items;
	size_t count;
};
struct folder_sources policy_sources(const struct policy *policy);

/* --format of the commands that show diagnostics. */
enum { POLICY_FORMAT_TEXT = 0, POLICY_FORMAT_GITHUB, POLICY_FORMAT_JSON };
#define POLICY_FORMATS                                                                             \
	{                                                                                          \
		[POLICY_FORMAT_TEXT] = "text", [POLICY_FORMAT_GITHUB] = "github",                  \
		[POLICY_FORMAT_JSON] = "json"                                                      \
	}

/* Every diagnostic on standard error, in the language's form. */
void policy_show_diags(const struct policy *policy);

/* The same as annotations of a GitHub workflow, on standard output. */
void policy_show_github(const struct policy *policy);

/* One annotation, a notice. */
void policy_note_github(struct pol_str file, uint32_t line, struct pol_str message);

/* An array of them, in the protocol's form. */
json_t *policy_json_diags(struct app *app, const struct policy *policy);

/* "2 errors, 1 warning". */
const char *policy_count_text(struct app *app, const struct policy *policy);

/* After policy_load, for a subcommand that needs a policy: EXIT_YES, or EXIT_NO with the
 * diagnostics shown. */
int policy_need(struct app *app, const char *path, struct policy *policy);

/* The second half of policy_need. */
int policy_be_valid(struct app *app, const char *path, const struct policy *policy);
