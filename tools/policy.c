/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/load/commit.h"
#include "daemon/load/folder.h"
#include "policy/text/str.h"
#include "tools/text.h"

/* How often a folder that changes while it is read is read again. */
#define TRIES 10

const char *policy_folder_name(struct app *app, const char *path)
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
	return r < 0 ? app_fail(app, EXIT_USAGE, "unreadable", "%s", why) : EXIT_YES;
}

/* Is it a file of the list before it, by another name? */
static bool is_listed(const struct folder *folder, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (folder->entries[k].stat.ino == folder->entries[i].stat.ino &&
			folder->entries[k].stat.dev == folder->entries[i].stat.dev) {
			return true;
		}
	}
	return false;
}

int policy_files(struct app *app, const char *path, struct pol_str **out, size_t *out_count)
{
	char why[FOLDER_WHY];
	struct folder *folder = NULL;
	size_t count = 0, capacity = 0;
	struct pol_str *names = NULL;

	path = policy_folder_name(app, path);
	if (folder_list(path, NULL, &folder, why) < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s", why);
	}
	for (size_t i = 0; i < folder->count; i++) {
		struct folder_entry *entry = &folder->entries[i];

		if (entry->is_folder || is_listed(folder, i)) {
			continue;
		}
		if (count == capacity) {
			names = pol_arena_grow(
				&app->arena, names, count, count + 1, sizeof *names, &capacity);
		}
		if (names == NULL) {
			break; /* the arena's status makes the run fail */
		}
		names[count++] = pol_str_of(app_text(app, "%s/%s", path, entry->name));
	}
	folder_destroy(folder);
	if (count == 0) {
		return app_fail(app, EXIT_NO, "invalid_policy",
			"%s: no *.policy file in this folder or below it", path);
	}
	*out = names;
	*out_count = count;
	return EXIT_YES;
}

int policy_read(struct app *app, const char *path, struct policy *policy)
{
	return read_folder(app, policy_folder_name(app, path), policy);
}

int policy_is_current(struct app *app, const char *path, const struct policy *policy)
{
	char why[FOLDER_WHY];
	struct folder *folder = NULL;
	int status;

	if (folder_list(policy_folder_name(app, path), NULL, &folder, why) < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s", why);
	}
	status =
		policy->folder != NULL && folder_equal(policy->folder, folder) ? EXIT_YES : EXIT_NO;
	folder_destroy(folder);
	return status;
}

struct pol_str policy_file_name(const struct policy *policy, struct pol_str file)
{
	size_t head = policy->folder != NULL ? strlen(policy->folder->path) : 0;

	/* "/" alone has its slash already. */
	if (head > 0 && file.len > head && memcmp(file.ptr, policy->folder->path, head) == 0) {
		head += file.ptr[head] == '/';
		return (struct pol_str){ file.ptr + head, file.len - head };
	}
	return file;
}

const char *policy_commit(struct app *app, const char *path)
{
	char why[FOLDER_WHY], commit[COMMIT_TEXT];
	struct folder_owners owners = { .uids = { geteuid() }, .count = 1 };
	struct stat stat_of;

	if (stat(path, &stat_of) == 0) {
		owners.uids[owners.count++] = stat_of.st_uid;
	}
	return commit_read(path, &owners, commit, why) == 0 ? app_text(app, "%s", commit) : NULL;
}

/* A copy that free(3) takes; ptr NULL: no memory. */
static struct pol_str copy(struct pol_str text)
{
	char *bytes = malloc(text.len + 1);

	if (bytes != NULL && text.len > 0) {
		memcpy(bytes, text.ptr, text.len);
	}
	return (struct pol_str){ bytes, text.len };
}

/* Makes room for a source before the first one whose name is greater. */
static struct pol_source *insert_source(struct folder *folder, struct pol_str name)
{
	struct pol_source *grown =
		realloc(folder->sources, (folder->source_count + 1) * sizeof *grown);
	size_t at = folder->source_count;

	if (grown == NULL) {
		return NULL;
	}
	folder->sources = grown;
	for (; at > 0 && pol_str_compare(name, grown[at - 1].name) < 0; at--) {
		grown[at] = grown[at - 1];
	}
	grown[at] = (struct pol_source){ { NULL, 0 }, { NULL, 0 } };
	folder->source_count++;
	return &grown[at];
}

bool policy_put(struct policy *policy, struct pol_str name, struct pol_str text)
{
	struct folder *folder = policy->folder;
	struct pol_source *source = NULL;
	struct pol_str copied = copy(text);

	if (folder == NULL) {
		folder = policy->folder = calloc(1, sizeof *folder);
	}
	for (size_t i = 0; folder != NULL && i < folder->source_count; i++) {
		if (pol_str_equal(folder->sources[i].name, name)) {
			source = &folder->sources[i];
		}
	}
	if (source == NULL && folder != NULL) {
		source = insert_source(folder, name);
	}
	if (source != NULL && source->name.ptr == NULL) {
		source->name = copy(name);
	}
	if (source == NULL || copied.ptr == NULL) {
		free((void *)(uintptr_t)copied.ptr);
		return false;
	}
	free((void *)(uintptr_t)source->text.ptr);
	source->text = copied;
	return source->name.ptr != NULL;
}

int policy_load(struct app *app, const char *path, struct policy *policy)
{
	int status = policy_read(app, path, policy);

	return status == EXIT_YES ? policy_compile(app, path, policy) : status;
}

int policy_compile(struct app *app, const char *path, struct policy *policy)
{
	int status = policy_host_init(&policy->host, app);
	enum pol_status compiled;

	if (policy->folder->source_count == 0) {
		return app_fail(app, EXIT_NO, "invalid_policy",
			"%s: no *.policy file in this folder or below it", path);
	}
	if (status != EXIT_YES) {
		return status;
	}
	pol_diags_init(&policy->diags, policy->folder->sources, policy->folder->source_count);
	if (policy->most_shown > 0) {
		policy->diags.most_shown = policy->most_shown;
		policy->diags.most_kept = policy->most_shown + 1;
	}
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

struct folder_sources policy_sources(const struct policy *policy)
{
	return (struct folder_sources){ policy->folder->sources, policy->folder->source_count };
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

/* Standard error has no buffer, and a diagnostic is written in many parts: they are put together
 * first. */
void policy_show_diags(const struct policy *policy)
{
	char *text = NULL;
	size_t len = 0;
	FILE *whole = open_memstream(&text, &len);

	fflush(stdout);
	for (const struct pol_diag *diag = policy->diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&policy->diags, diag, write_err, whole != NULL ? whole : stderr);
	}
	if (whole != NULL) {
		fclose(whole);
		fwrite(text, 1, len, stderr);
	}
	free(text);
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

static void github_line(const char *kind, const struct pol_diag *diag)
{
	const struct pol_diag_note *notes = diag->notes;

	printf("::%s file=", kind);
	put_github(diag->file, true);
	printf(",line=%u,col=%u::", (unsigned)diag->line, (unsigned)diag->column);
	put_github(diag->message, false);
	if (diag->warning != POL_WARNING_NONE) {
		printf(" [%s]", pol_warning_code(diag->warning));
	}
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
		const char *kind = diag->severity == POL_SEVERITY_NOTE
					   ? "notice"
					   : severity_name(diag->severity);

		github_line(kind, diag);
	}
}

void policy_note_github(struct pol_str file, uint32_t line, struct pol_str message)
{
	const struct pol_diag note = {
		.file = file, .line = line, .column = 1, .message = message
	};

	github_line("notice", &note);
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

		if (diag->warning != POL_WARNING_NONE) {
			json_object_set_new(
				object, "code", json_string(pol_warning_code(diag->warning)));
		}
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
	return app_text(app, "%s, %s", app_count(app, policy->diags.errors, "error"),
		app_count(app, policy->diags.warnings, "warning"));
}

int policy_need(struct app *app, const char *path, struct policy *policy)
{
	int status = policy_load(app, path, policy);

	return status == EXIT_YES ? policy_be_valid(app, path, policy) : status;
}

int policy_be_valid(struct app *app, const char *path, const struct policy *policy)
{
	if (policy->snapshot != NULL) {
		return EXIT_YES;
	}
	policy_show_diags(policy);
	if (app->want_json) {
		app_document(app, json_pack("{s:b, s:o}", "valid", false, "diagnostics",
					  policy_json_diags(app, policy)));
		return EXIT_NO;
	}
	fprintf(stderr, "authzcheck: %s: %s\n", text_escape(&app->arena, pol_str_of(path)),
		policy_count_text(app, policy));
	return EXIT_NO;
}
