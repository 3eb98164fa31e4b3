/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/console_folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/lint/lint.h"
#include "tools/console_folder_internal.h"
#include "tools/text.h"

/* Diagnostics of one file, and of an answer. */
#define FILE_DIAGNOSTICS 200
#define MOST_DIAGNOSTICS 1000

#define MESSAGE_SIZE 1024

json_t *console_folder_fail(
	struct console_folder *folder, const char *code, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	json_decref(folder->error);
	folder->error = json_pack("{s:s, s:o}", "code", code, "message", document_text(message));
	return NULL;
}

struct pol_str console_folder_text(const struct console_folder *folder, const char *name)
{
	const json_t *value = json_object_get(folder->params, name);

	return (struct pol_str){ json_string_value(value), json_string_length(value) };
}

json_t *console_folder_optional(struct pol_str text)
{
	return text.len > 0 ? document_str(text) : NULL;
}

bool console_folder_find(struct console_folder *folder, bool scope, uint32_t *out)
{
	const char *kind = scope ? "scope" : "role";
	struct pol_str name = console_folder_text(folder, kind);

	*out = (scope ? pol_snapshot_scope : pol_snapshot_role)(folder->policy.snapshot, name);
	if (*out == POL_NONE) {
		console_folder_fail(folder, "not_found", "the policy folder has no %s '%.*s'", kind,
			POL_STR_ARGS(name));
	}
	return *out != POL_NONE;
}

/* --- the folder as it is now ------------------------------------------------------------------ */

/* Drops all that is kept of it. */
static void forget(struct console_folder *folder)
{
	console_suite_finish(&folder->suite);
	policy_finish(&folder->policy);
	json_decref(folder->check);
	json_decref(folder->app.document);
	pol_arena_finish(&folder->app.arena);
	folder->policy = (struct policy){ .most_shown = FILE_DIAGNOSTICS };
	folder->check = NULL;
	folder->app = (struct app){ .want_json = true, .silent = true };
	folder->app.now = (int64_t)time(NULL);
	folder->app.args.values[FLAG_MODULES] = folder->modules;
	pol_arena_init(&folder->app.arena, APP_ARENA_LIMIT);
}

/* What app_fail said; NULL: nothing. */
static const char *said(const struct console_folder *folder)
{
	return json_string_value(
		json_object_get(json_object_get(folder->app.document, "error"), "message"));
}

/* Is what is kept of the folder still so? What failed is tried again. */
static bool is_kept(struct console_folder *folder)
{
	return folder->policy.folder != NULL && said(folder) == NULL &&
	       policy_is_current(&folder->call, folder->path, &folder->policy) == EXIT_YES;
}

/* Reads and compiles the folder, unless it is kept. */
static void refresh(struct console_folder *folder)
{
	if (!is_kept(folder)) {
		forget(folder);
		(void)policy_load(&folder->app, folder->path, &folder->policy);
	}
}

/* Was it read, and does it compile? False: the call failed. */
static bool need_policy(struct console_folder *folder)
{
	const struct policy *policy = &folder->policy;

	if (policy->snapshot != NULL) {
		return true;
	}
	if (said(folder) != NULL) {
		console_folder_fail(folder,
			policy->folder != NULL ? "invalid_policy" : "unavailable", "%s",
			said(folder));
	} else {
		console_folder_fail(folder, "invalid_policy",
			"the policy folder does not compile: %s: see the check of the folder",
			policy_count_text(&folder->call, policy));
	}
	return false;
}

/* --- folder.status, folder.file --------------------------------------------------------------- */

static size_t count_lines(struct pol_str text)
{
	size_t lines = text.len > 0 && text.ptr[text.len - 1] != '\n';

	for (size_t i = 0; i < text.len; i++) {
		lines += text.ptr[i] == '\n';
	}
	return lines;
}

static json_t *json_files(struct console_folder *folder)
{
	struct folder_sources sources = { 0 };
	json_t *files = json_array();

	if (folder->policy.folder != NULL) {
		sources = policy_sources(&folder->policy);
	}
	for (size_t i = 0; i < sources.count; i++) {
		app_append(&folder->call, files,
			json_pack("{s:o, s:I, s:I}", "name",
				document_str(
					policy_file_name(&folder->policy, sources.items[i].name)),
				"lines", (json_int_t)count_lines(sources.items[i].text), "bytes",
				(json_int_t)sources.items[i].text.len));
	}
	return files;
}

/* NULL: nothing is wrong. */
static const char *problem(struct console_folder *folder)
{
	const struct policy *policy = &folder->policy;

	if (said(folder) != NULL || policy->snapshot != NULL) {
		return said(folder);
	}
	return app_text(
		&folder->call, "it does not compile: %s", policy_count_text(&folder->call, policy));
}

json_t *console_folder_status(struct console_folder *folder)
{
	struct pol_str asked = console_folder_text(folder, "revision");
	const struct policy *policy = &folder->policy;
	const char *revision =
		policy->snapshot != NULL ? pol_snapshot_revision(policy->snapshot) : NULL;
	const char *wrong = problem(folder);
	const char *commit = policy_commit(&folder->call, folder->path);
	bool compare = revision != NULL && asked.len > 0;

	return json_pack("{s:o, s:b, s:o*, s:b, s:s*, s:o*, s:o*, s:o}", "folder",
		document_text(folder->path), "readable", policy->folder != NULL, "problem",
		wrong != NULL ? document_text(wrong) : NULL, "valid", policy->snapshot != NULL,
		"revision", revision, "same",
		compare ? json_boolean(pol_str_equal(asked, pol_str_of(revision))) : NULL, "commit",
		commit != NULL ? document_text(commit) : NULL, "files", json_files(folder));
}

/* Is it the file's name, below the folder or with it? */
static bool is_named(
	const struct console_folder *folder, const struct pol_source *file, struct pol_str name)
{
	return pol_str_equal(file->name, name) ||
	       pol_str_equal(policy_file_name(&folder->policy, file->name), name);
}

/* Names are looked up among the files that were read; no path is opened. */
json_t *console_folder_file(struct console_folder *folder)
{
	struct pol_str name = console_folder_text(folder, "name");
	struct folder_sources sources = { 0 };

	if (folder->policy.folder == NULL) {
		(void)need_policy(folder);
		return NULL;
	}
	sources = policy_sources(&folder->policy);
	for (size_t i = 0; i < sources.count; i++) {
		const struct pol_source *file = &sources.items[i];

		if (!is_named(folder, file, name)) {
			continue;
		}
		if (file->text.len > CONSOLE_FOLDER_FILE) {
			return console_folder_fail(folder, "limit_reached",
				"the file has %zu bytes: a page shows %zu of one at most",
				file->text.len, CONSOLE_FOLDER_FILE);
		}
		return json_pack("{s:o, s:o}", "name",
			document_str(policy_file_name(&folder->policy, file->name)), "text",
			document_str(file->text));
	}
	return console_folder_fail(
		folder, "not_found", "the policy folder has no file '%.*s'", POL_STR_ARGS(name));
}

/* --- folder.check ----------------------------------------------------------------------------- */

/* Names the file below the folder, as the other answers do. */
static void shorten(const struct console_folder *folder, json_t *item)
{
	const json_t *file = json_object_get(item, "file");
	struct pol_str name = { json_string_value(file), json_string_length(file) };

	json_object_set_new(item, "file", document_str(policy_file_name(&folder->policy, name)));
}

static json_t *json_diagnostics(struct console_folder *folder, size_t *out_total)
{
	json_t *all = policy_json_diags(&folder->call, &folder->policy);
	size_t i, k;
	json_t *item, *note;

	*out_total = json_array_size(all);
	while (json_array_size(all) > MOST_DIAGNOSTICS) {
		json_array_remove(all, json_array_size(all) - 1);
	}
	json_array_foreach(all, i, item)
	{
		shorten(folder, item);
		json_array_foreach(json_object_get(item, "notes"), k, note)
		{
			shorten(folder, note);
		}
	}
	return all;
}

json_t *console_folder_check(struct console_folder *folder)
{
	struct policy *policy = &folder->policy;
	json_t *diagnostics;
	size_t total;

	if (policy->snapshot == NULL && said(folder) != NULL) {
		(void)need_policy(folder);
		return NULL;
	}
	if (folder->check != NULL) {
		return json_incref(folder->check);
	}
	if (policy->snapshot != NULL) {
		if (!console_suite_run(folder) ||
			pol_lint(policy->snapshot, &policy->diags) != POL_OK) {
			return NULL;
		}
	}
	diagnostics = json_diagnostics(folder, &total);
	folder->check = json_pack("{s:b, s:I, s:I, s:I, s:I, s:o, s:{s:I, s:I}}", "ok",
		policy->snapshot != NULL && policy->diags.errors == 0, "errors",
		(json_int_t)policy->diags.errors, "warnings", (json_int_t)policy->diags.warnings,
		"silenced", (json_int_t)policy->diags.silenced_count, "total", (json_int_t)total,
		"diagnostics", diagnostics, "tests", "passed",
		(json_int_t)folder->suite.result.passed, "failed",
		(json_int_t)folder->suite.result.failed);
	return json_incref(folder->check);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Parameters of one call; each is a text. */
#define MOST_PARAMS 4

static const struct row {
	const char *method;
	json_t *(*answer)(struct console_folder *folder);
	bool compiled;      /* it needs a policy that compiles */
	const char *needed; /* a parameter that must be there; NULL: none */
	const char *params[MOST_PARAMS];
} rows[] = {
	{ "folder.check", console_folder_check, false, NULL, { NULL } },
	{ "folder.coverage", console_folder_coverage, true, NULL, { NULL } },
	{ "folder.file", console_folder_file, false, "name", { "name" } },
	{ "folder.matrix", console_folder_matrix, true, NULL,
		{ "tree", "role", "scope", "cursor" } },
	{ "folder.role", console_folder_role, true, "name", { "name" } },
	{ "folder.status", console_folder_status, false, NULL, { "revision" } },
	{ "folder.tests", console_folder_tests, true, NULL, { "role" } },
};

static const struct row *find_row(const char *method)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (strcmp(rows[i].method, method) == 0) {
			return &rows[i];
		}
	}
	return NULL;
}

static bool has_param(const struct row *row, const char *name)
{
	for (size_t i = 0; i < MOST_PARAMS && row->params[i] != NULL; i++) {
		if (strcmp(row->params[i], name) == 0) {
			return true;
		}
	}
	return false;
}

static void refuse_param(struct console_folder *folder, const char *name, const char *what)
{
	console_folder_fail(folder, "invalid_request", "%s", what);
	json_object_set_new(folder->error, "param", document_text(name));
}

/* False: the call failed. */
static bool check_params(struct console_folder *folder, const struct row *row)
{
	void *at = json_object_iter((json_t *)(uintptr_t)folder->params);

	for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)folder->params, at)) {
		const char *name = json_object_iter_key(at);
		const json_t *value = json_object_iter_value(at);

		if (!has_param(row, name)) {
			refuse_param(folder, name, "unknown parameter");
			return false;
		}
		if (!json_is_string(value) || json_string_length(value) == 0) {
			refuse_param(folder, name, "want a text that is not empty");
			return false;
		}
	}
	if (row->needed != NULL && json_object_get(folder->params, row->needed) == NULL) {
		refuse_param(folder, row->needed, "this parameter is missing");
		return false;
	}
	return true;
}

static bool is_out_of_memory(const struct app *app)
{
	return app->no_memory || app->arena.status != POL_OK;
}

static json_t *answer(struct console_folder *folder, const char *method)
{
	const struct row *row = find_row(method);
	json_t *result;

	if (row == NULL) {
		return console_folder_fail(folder, "unknown_method", "unknown method");
	}
	if (!check_params(folder, row)) {
		return NULL;
	}
	refresh(folder);
	if (row->compiled && !need_policy(folder)) {
		return NULL;
	}
	result = row->answer(folder);
	if (result != NULL && (is_out_of_memory(&folder->app) || is_out_of_memory(&folder->call))) {
		json_decref(result);
		result = NULL;
	}
	if (result == NULL && folder->error == NULL) {
		forget(folder);
	}
	return result;
}

json_t *console_folder_call(struct console_folder *folder, const char *method, const json_t *params)
{
	json_t *result, *error;

	folder->params = params;
	folder->error = NULL;
	folder->call = (struct app){ .want_json = true, .silent = true };
	pol_arena_init(&folder->call.arena, APP_ARENA_LIMIT);
	result = answer(folder, method);
	error = folder->error;
	folder->params = NULL;
	folder->error = NULL;
	json_decref(folder->call.document);
	pol_arena_finish(&folder->call.arena);
	if (result != NULL) {
		json_decref(error);
		return json_pack("{s:o}", "result", result);
	}
	return error != NULL ? json_pack("{s:o}", "error", error) : NULL;
}

struct console_folder *console_folder_create(const char *path, const char *modules)
{
	struct console_folder *folder = calloc(1, sizeof *folder);

	if (folder == NULL) {
		return NULL;
	}
	folder->path = strdup(path);
	folder->modules = modules != NULL ? strdup(modules) : NULL;
	if (folder->path == NULL || (modules != NULL && folder->modules == NULL)) {
		console_folder_destroy(folder);
		return NULL;
	}
	forget(folder);
	return folder;
}

void console_folder_destroy(struct console_folder *folder)
{
	if (folder == NULL) {
		return;
	}
	forget(folder);
	pol_arena_finish(&folder->app.arena);
	free(folder->path);
	free(folder->modules);
	free(folder);
}
