/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/publish.h"

#include <stdlib.h>
#include <string.h>

#include "tools/lsp/position.h"
#include "tools/lsp/server.h"

/* Sends the diagnostics of one file, which it takes over, and remembers whether there are any. */
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

static json_int_t offset_of(const json_t *diag)
{
	return json_integer_value(json_object_get(diag, "offset"));
}

static json_int_t end_of(const json_t *diag)
{
	return offset_of(diag) + json_integer_value(json_object_get(diag, "length"));
}

/* Inserts it by its offset. */
static void insert(json_t *diags, json_t *diag)
{
	size_t at = json_array_size(diags);

	while (at > 0 && offset_of(json_array_get(diags, at - 1)) > offset_of(diag)) {
		at--;
	}
	json_array_insert(diags, at, diag);
}

/* Replaces offsets by ranges in the text. */
static json_t *with_ranges(const json_t *diags, struct pol_str text)
{
	struct lsp_lines lines = { .text = text };
	json_t *result = json_array();
	json_t *diag;
	size_t i;

	json_array_foreach(diags, i, diag)
	{
		json_t *copy = json_copy(diag);

		json_object_set_new(copy, "range",
			lsp_position_range(&lines, (size_t)offset_of(diag), (size_t)end_of(diag)));
		json_object_del(copy, "offset");
		json_object_del(copy, "length");
		json_array_append_new(result, copy);
	}
	return result;
}

/* Sends the diagnostics of a file when it is open, has some, or had some. */
static void publish_if_any(struct lsp *lsp, const char *folder, const char *path,
	const json_t *diags, struct pol_str text)
{
	const json_t *document = json_object_get(lsp->documents, path);
	const char *uri = lsp_view_uri(lsp, &lsp->app->arena, path);

	if (uri != NULL && (json_array_size(diags) > 0 || document != NULL ||
				   json_object_get(lsp->published, uri) != NULL)) {
		publish(lsp, folder, uri, document, with_ranges(diags, text));
	}
}

/* --- one file --------------------------------------------------------------------------------- */

/* Does the parser report the same of the file? */
static bool is_of_parser(const struct lsp_file *file, const json_t *diag)
{
	const char *message = json_string_value(json_object_get(diag, "message"));

	for (const struct pol_diag *own = file->diags.first; own != NULL && message != NULL;
		own = own->next) {
		if (own->severity == POL_SEVERITY_ERROR &&
			own->at.offset == (uint64_t)offset_of(diag) &&
			pol_str_equal(own->message, pol_str_of(message))) {
			return true;
		}
	}
	return false;
}

/* The diagnostics of a check without those of the parser. */
static json_t *without_parser(const struct lsp_file *file, const json_t *diags)
{
	json_t *result = json_array();
	json_t *diag;
	size_t i;

	json_array_foreach(diags, i, diag)
	{
		if (!is_of_parser(file, diag)) {
			json_array_append(result, diag);
		}
	}
	return result;
}

void lsp_publish_file(struct lsp *lsp, const char *folder, const struct lsp_file *file)
{
	json_t *diags = json_array();
	unsigned count = 0;
	json_t *diag;
	size_t i;

	for (const struct pol_diag *own = file->diags.first;
		own != NULL && count < POL_DIAG_PER_FILE; own = own->next) {
		/* A comment may silence a warning; the check knows. */
		if (own->severity == POL_SEVERITY_ERROR) {
			diag = json_pack("{s:I, s:I, s:i, s:s, s:o}", "offset",
				(json_int_t)own->at.offset, "length", (json_int_t)own->at.length,
				"severity", 1, "source", "authzcheck", "message",
				document_str(own->message));
			insert(diags, diag);
			json_decref(diag);
			count++;
		}
	}
	json_array_foreach(file->checked, i, diag)
	{
		insert(diags, diag);
	}
	publish_if_any(lsp, folder, file->source.name.ptr, diags, file->source.text);
	json_decref(diags);
}

void lsp_publish_move(json_t *checked, struct pol_str old, struct pol_str fresh)
{
	size_t least = old.len < fresh.len ? old.len : fresh.len;
	size_t begin = 0, end = 0;

	if (json_array_size(checked) == 0) {
		return;
	}
	while (begin < least && old.ptr[begin] == fresh.ptr[begin]) {
		begin++;
	}
	while (end < least - begin &&
		old.ptr[old.len - 1 - end] == fresh.ptr[fresh.len - 1 - end]) {
		end++;
	}
	for (size_t i = json_array_size(checked); i > 0; i--) {
		json_t *diag = json_array_get(checked, i - 1);
		json_int_t offset = offset_of(diag);

		if (offset >= (json_int_t)(old.len - end)) {
			offset += (json_int_t)fresh.len - (json_int_t)old.len;
			json_object_set_new(diag, "offset", json_integer(offset));
		} else if (end_of(diag) > (json_int_t)begin) {
			json_array_remove(checked, i - 1);
		}
	}
}

/* --- a check ---------------------------------------------------------------------------------- */

/* What makes the whole folder unreadable stands at the beginning of each open document. */
static void publish_failure(struct lsp *lsp, const char *folder, const char *why)
{
	struct lsp_lines none = { .text = { "", 0 } };
	const char *path;
	json_t *document;

	json_object_foreach(lsp->documents, path, document)
	{
		const char *own = lsp_view_folder(lsp, &lsp->app->arena, path);

		if (own != NULL && strcmp(own, folder) == 0) {
			const json_t *uri = json_object_get(document, "uri");

			publish(lsp, folder, json_string_value(uri), document,
				json_pack("[{s:o, s:i, s:s, s:s}]", "range",
					lsp_position_range(&none, 0, 0), "severity", 1, "source",
					"authzcheck", "message", why));
		}
	}
}

/* The URIs of all files of a check, as keys. */
static json_t *uris_of(struct lsp *lsp, json_t *files)
{
	json_t *uris = json_object();
	const char *path;
	json_t *diags;

	json_object_foreach(files, path, diags)
	{
		const char *uri = lsp_view_uri(lsp, &lsp->app->arena, path);

		json_object_set_new(uris, uri != NULL ? uri : "", json_null());
	}
	return uris;
}

/* Files that are gone have no diagnostics any more. */
static void forget_removed(struct lsp *lsp, const char *folder, json_t *files)
{
	json_t *uris = uris_of(lsp, files);
	const char *uri;
	json_t *of;
	void *next;

	json_object_foreach_safe(lsp->published, next, uri, of)
	{
		char *gone = NULL;

		if (strcmp(json_string_value(of), folder) == 0 &&
			json_object_get(uris, uri) == NULL) {
			gone = strdup(uri); /* publish deletes the member */
		}
		if (gone != NULL) {
			publish(lsp, folder, gone, NULL, json_array());
		}
		free(gone);
	}
	json_decref(uris);
}

void lsp_publish_result(struct lsp *lsp, const char *folder, const json_t *result)
{
	json_t *files = json_object_get(result, "files");
	const char *why = json_string_value(json_object_get(result, "why"));
	struct lsp_kept *kept = lsp_kept_find(lsp, folder);
	const char *path;
	json_t *diags;

	forget_removed(lsp, folder, files);
	if (files == NULL) {
		publish_failure(
			lsp, folder, why != NULL ? why : "the check of the policy has failed");
	}
	json_object_foreach(files, path, diags)
	{
		struct lsp_file *file = kept != NULL ? lsp_kept_file(kept, path) : NULL;

		if (file != NULL) {
			json_decref(file->checked);
			file->checked = without_parser(file, diags);
		}
		publish_if_any(lsp, folder, path, diags,
			file != NULL ? file->source.text : (struct pol_str){ "", 0 });
	}
}
