/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/load/folder.h"
#include "tools/text.h"

/* How often a folder that changes while it is read is read again. */
#define TRIES 10

/* Without a slash at the end: the names of its files begin with it. */
static const char *folder_name(struct app *app, const char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/') {
		len--;
	}
	return app_text(app, "%.*s", (int)len, path);
}

/* The owners of the files do not matter, since the tool does not act on the policy. */
static int read_folder(struct app *app, const char *path, struct policy *policy)
{
	char why[FOLDER_WHY] = "it changed while it was read";
	int r = -ESTALE;

	for (int i = 0; r == -ESTALE && i < TRIES; i++) {
		folder_destroy(policy->folder);
		policy->folder = NULL;
		r = folder_list(path, NULL, &policy->folder, why);
		if (r == 0) {
			r = folder_read(policy->folder, why);
		}
	}
	if (r < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s", why);
	}
	if (policy->folder->source_count == 0) {
		return app_fail(app, EXIT_NO, "invalid_policy",
			"%s: no *.policy file in this folder or below it", path);
	}
	return EXIT_YES;
}

int policy_load(struct app *app, const char *path, struct policy *policy)
{
	int status = read_folder(app, folder_name(app, path), policy);
	enum pol_status compiled;

	if (status == EXIT_YES) {
		status = policy_host_init(&policy->host, app);
	}
	if (status != EXIT_YES) {
		return status;
	}
	pol_diags_init(&policy->diags, policy->folder->sources, policy->folder->source_count);
	compiled = pol_compile(policy->folder->sources, policy->folder->source_count,
		&policy->host.asked, &policy->diags, &policy->snapshot);
	if (compiled == POL_ENOMEM) {
		return app_fail(app, EXIT_DAEMON, "internal", "%s: no memory left", path);
	}
	if (compiled != POL_OK && policy->diags.errors == 0) {
		return app_fail(app, EXIT_NO, "invalid_policy",
			"%s: too large: a compiled policy may take 1 GiB", path);
	}
	return EXIT_YES;
}

void policy_finish(struct policy *policy)
{
	pol_snapshot_unref(policy->snapshot);
	pol_diags_finish(&policy->diags);
	policy_host_finish(&policy->host);
	folder_destroy(policy->folder);
	policy->folder = NULL;
	policy->snapshot = NULL;
}

static void write_err(void *context, const char *text, size_t len)
{
	FILE *file = context;

	/* Source lines must not act on a terminal; new lines and tabs come from the renderer. */
	while (len > 0) {
		size_t line = 0;

		while (line < len && text[line] != '\n' && text[line] != '\t') {
			line++;
		}
		text_put(file, (struct pol_str){ text, line });
		if (line < len) {
			fputc(text[line], file);
			line++;
		}
		text += line;
		len -= line;
	}
}

void policy_show_diags(const struct policy *policy)
{
	fflush(stdout);
	for (const struct pol_diag *diag = policy->diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&policy->diags, diag, write_err, stderr);
	}
}

static const char *severity_name(enum pol_severity severity)
{
	switch (severity) {
	case POL_SEVERITY_ERROR:
		return "error";
	case POL_SEVERITY_WARNING:
		return "warning";
	case POL_SEVERITY_NOTE:
		return "note";
	}
	return "error";
}

/* The escapes of a workflow command: %, CR and LF; in its properties also : and ,. */
static void put_github(struct pol_str str, bool property)
{
	for (size_t i = 0; i < str.len; i++) {
		unsigned char c = (unsigned char)str.ptr[i];

		if (c == '%' || c < 0x20 || c == 0x7f || (property && (c == ':' || c == ','))) {
			printf("%%%02X", c);
		} else {
			putchar(c);
		}
	}
}

static void github_line(const char *kind, struct pol_str file, const uint32_t place[2],
	struct pol_str message, const struct pol_diag_note *notes)
{
	printf("::%s file=", kind);
	put_github(file, true);
	printf(",line=%u,col=%u::", (unsigned)place[0], (unsigned)place[1]);
	put_github(message, false);
	for (; notes != NULL; notes = notes->next) {
		printf("%%0A");
		put_github(notes->file, false);
		printf(":%u:%u: note: ", (unsigned)notes->line, (unsigned)notes->column);
		put_github(notes->message, false);
	}
	putchar('\n');
}

void policy_show_github(const struct policy *policy)
{
	for (const struct pol_diag *diag = policy->diags.first; diag != NULL; diag = diag->next) {
		const uint32_t place[2] = { diag->line, diag->column };
		const char *kind = diag->severity == POL_SEVERITY_NOTE
					   ? "notice"
					   : severity_name(diag->severity);

		github_line(kind, diag->file, place, diag->message, diag->notes);
	}
}

static json_t *json_place(
	struct pol_str file, uint32_t line, uint32_t column, struct pol_str message)
{
	return json_pack("{s:o, s:I, s:I, s:o}", "file", document_str(file), "line",
		(json_int_t)line, "column", (json_int_t)column, "message", document_str(message));
}

json_t *policy_json_diags(struct app *app, const struct policy *policy)
{
	json_t *array = json_array();

	for (const struct pol_diag *diag = policy->diags.first; diag != NULL; diag = diag->next) {
		json_t *object = json_pack("{s:s}", "severity", severity_name(diag->severity));
		json_t *notes = json_array();

		json_object_update_new(
			object, json_place(diag->file, diag->line, diag->column, diag->message));
		for (const struct pol_diag_note *note = diag->notes; note != NULL;
			note = note->next) {
			app_append(app, notes,
				json_place(note->file, note->line, note->column, note->message));
		}
		if (json_object_set_new(object, "notes", notes) != 0) {
			app->no_memory = true;
		}
		app_append(app, array, object);
	}
	return array;
}

const char *policy_count_text(struct app *app, const struct policy *policy)
{
	size_t errors = policy->diags.errors;
	size_t warnings = policy->diags.warnings;

	return app_text(app, "%zu error%s, %zu warning%s", errors, errors == 1 ? "" : "s", warnings,
		warnings == 1 ? "" : "s");
}

int policy_need(struct app *app, const char *path, struct policy *policy)
{
	int status = policy_load(app, path, policy);

	if (status != EXIT_YES || policy->snapshot != NULL) {
		return status;
	}
	policy_show_diags(policy);
	if (app->want_json) {
		app_document(app, json_pack("{s:b, s:o}", "valid", false, "diagnostics",
					  policy_json_diags(app, policy)));
		return EXIT_NO;
	}
	fprintf(stderr, "authzcheck: %s: %s\n", path, policy_count_text(app, policy));
	return EXIT_NO;
}
