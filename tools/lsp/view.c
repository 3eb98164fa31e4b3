/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/lint/lint.h"
#include "tools/lsp/position.h"
#include "tools/lsp/server.h"

const char *lsp_view_folder(struct lsp *lsp, struct pol_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = lsp->folder != NULL ? strlen(lsp->folder) : 0;

	if (len > 0 && strncmp(path, lsp->folder, len) == 0 && path[len] == '/') {
		return lsp->folder;
	}
	if (path[0] != '/' || slash == path) {
		return path;
	}
	return pol_arena_copy(arena, (struct pol_str){ path, (size_t)(slash - path) }).ptr;
}

static bool put_documents(struct lsp *lsp, const char *folder, struct lsp_view *view)
{
	const char *path;
	json_t *document;

	json_object_foreach(lsp->documents, path, document)
	{
		const json_t *text = json_object_get(document, "text");
		const char *own = lsp_view_folder(lsp, &view->run.arena, path);

		if (own != NULL && strcmp(own, folder) == 0 &&
			!policy_put(&view->policy, pol_str_of(path),
				(struct pol_str){
					json_string_value(text), json_string_length(text) })) {
			return false;
		}
	}
	return true;
}

bool lsp_view_open(struct lsp *lsp, const char *folder, struct lsp_view *view, const char **out_why)
{
	const json_t *error;

	*view = (struct lsp_view){ .run = { .args = lsp->app->args, .now = lsp->app->now } };
	view->run.want_json = true; /* so that its document has the message */
	pol_arena_init(&view->run.arena, APP_ARENA_LIMIT);
	*out_why = "no memory left";
	if (folder[0] == '/' && access(folder, F_OK) == 0 &&
		policy_read(&view->run, folder, &view->policy) != EXIT_YES) {
		error = json_object_get(view->run.document, "error");
		*out_why = json_string_value(json_object_get(error, "message"));
		return false;
	}
	if (!put_documents(lsp, folder, view)) {
		return false;
	}
	*out_why = "no policy file";
	if (view->policy.folder == NULL) {
		return false;
	}
	view->sources = policy_sources(&view->policy);
	return true;
}

void lsp_view_close(struct lsp_view *view)
{
	policy_finish(&view->policy);
	json_decref(view->run.document);
	pol_arena_finish(&view->run.arena);
}

/* --- diagnostics ------------------------------------------------------------------------------ */

static json_t *range_of(const struct lsp_view *view, struct pol_span at)
{
	struct pol_str text = { "", 0 };

	if (at.file < view->sources.count) {
		text = view->sources.items[at.file].text;
	}
	return lsp_position_range(text, at.offset, (size_t)at.offset + at.length);
}

static json_t *json_diag(struct lsp_view *view, const struct pol_diag *diag)
{
	json_t *related = json_array();
	json_t *object = json_pack("{s:o, s:i, s:s, s:o}", "range", range_of(view, diag->at),
		"severity", 1 + (int)diag->severity, "source", "authzcheck", "message",
		document_str(diag->message));

	if (diag->warning != POL_WARNING_NONE) {
		json_object_set_new(object, "code", json_string(pol_warning_code(diag->warning)));
	}
	for (const struct pol_diag_note *note = diag->notes; note != NULL; note = note->next) {
		const char *uri = lsp_position_uri(&view->run.arena, note->file);

		if (note->at.file < view->sources.count) {
			app_append(&view->run, related,
				json_pack("{s:{s:s, s:o}, s:o}", "location", "uri", uri, "range",
					range_of(view, note->at), "message",
					document_str(note->message)));
		}
	}
	json_object_set_new(object, "relatedInformation", related);
	return object;
}

/* Sends the diagnostics of one file, and remembers whether there are any. */
static void publish(
	struct lsp *lsp, const char *folder, const char *uri, const json_t *document, json_t *diags)
{
	json_t *version = json_object_get(document, "version");

	if (json_array_size(diags) > 0) {
		json_object_set_new(lsp->published, uri, json_string(folder));
	} else {
		json_object_del(lsp->published, uri);
	}
	lsp_notify("textDocument/publishDiagnostics",
		json_pack("{s:s, s:o, s:O*}", "uri", uri, "diagnostics", diags, "version",
			json_is_integer(version) ? version : NULL));
}

static const char *uri_of(struct lsp *lsp, struct pol_arena *arena, const char *path)
{
	const json_t *document = json_object_get(lsp->documents, path);

	return document != NULL ? json_string_value(json_object_get(document, "uri"))
				: lsp_position_uri(arena, pol_str_of(path));
}

/* Sends the diagnostics of a source when it is open, has some, or had some. */
static void publish_source(
	struct lsp *lsp, const char *folder, struct lsp_view *view, uint32_t file)
{
	const char *path = pol_arena_copy(&view->run.arena, view->sources.items[file].name).ptr;
	const char *uri = path != NULL ? uri_of(lsp, &view->run.arena, path) : NULL;
	json_t *diags = json_array();

	for (const struct pol_diag *diag = view->policy.diags.first; diag != NULL;
		diag = diag->next) {
		if (diag->at.file == file) {
			app_append(&view->run, diags, json_diag(view, diag));
		}
	}
	if (uri != NULL &&
		(json_array_size(diags) > 0 || json_object_get(lsp->documents, path) != NULL ||
			json_object_get(lsp->published, uri) != NULL)) {
		publish(lsp, folder, uri, json_object_get(lsp->documents, path), diags);
	} else {
		json_decref(diags);
	}
}

/* What makes the whole folder unreadable stands at the beginning of each open document. */
static void publish_failure(
	struct lsp *lsp, const char *folder, struct lsp_view *view, const char *why)
{
	const char *path;
	json_t *document;

	json_object_foreach(lsp->documents, path, document)
	{
		const char *own = lsp_view_folder(lsp, &view->run.arena, path);

		if (own != NULL && strcmp(own, folder) == 0) {
			const json_t *uri = json_object_get(document, "uri");

			publish(lsp, folder, json_string_value(uri), document,
				json_pack("[{s:o, s:i, s:s, s:s}]", "range",
					lsp_position_range(pol_str_of(""), 0, 0), "severity", 1,
					"source", "authzcheck", "message", why));
		}
	}
}

/* Files that are gone have no diagnostics any more. */
static void forget_removed(struct lsp *lsp, const char *folder, struct lsp_view *view)
{
	const char *uri;
	json_t *of;
	void *next;

	json_object_foreach_safe(lsp->published, next, uri, of)
	{
		bool there = strcmp(json_string_value(of), folder) != 0;

		for (size_t i = 0; i < view->sources.count && !there; i++) {
			const char *path =
				pol_arena_copy(&view->run.arena, view->sources.items[i].name).ptr;
			const char *own = path != NULL ? uri_of(lsp, &view->run.arena, path) : NULL;

			there = own != NULL && strcmp(own, uri) == 0;
		}
		if (!there) {
			char *gone = strdup(uri); /* publish deletes the member */

			if (gone != NULL) {
				publish(lsp, folder, gone, NULL, json_array());
			}
			free(gone);
		}
	}
}

void lsp_check(struct lsp *lsp, const char *folder)
{
	struct lsp_view view;
	const char *why;
	bool opened = lsp_view_open(lsp, folder, &view, &why);

	if (opened && policy_compile(&view.run, folder, &view.policy) != EXIT_YES) {
		why = json_string_value(
			json_object_get(json_object_get(view.run.document, "error"), "message"));
		opened = false;
	}
	if (opened && view.policy.snapshot != NULL) {
		(void)pol_suite_run(view.policy.snapshot, &view.policy.diags, NULL, NULL);
		(void)pol_lint(view.policy.snapshot, &view.policy.diags);
	}
	forget_removed(lsp, folder, &view);
	if (!opened) {
		publish_failure(lsp, folder, &view, why != NULL ? why : "no memory left");
	}
	for (uint32_t i = 0; opened && i < view.sources.count; i++) {
		publish_source(lsp, folder, &view, i);
	}
	lsp_view_close(&view);
}
