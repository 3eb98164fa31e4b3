/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "tools/lsp/position.h"
#include "tools/lsp/root.h"
#include "tools/lsp/server.h"

const char *lsp_view_folder(struct lsp *lsp, struct pol_arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *own;
	size_t len = lsp->folder != NULL ? strlen(lsp->folder) : 0;

	if (len > 0 && strncmp(path, lsp->folder, len) == 0 && path[len] == '/') {
		return lsp->folder;
	}
	if (path[0] != '/' || slash == path) {
		return path;
	}
	own = pol_arena_copy(arena, (struct pol_str){ path, (size_t)(slash - path) }).ptr;
	return own != NULL ? lsp_root_of(lsp, own) : NULL;
}

bool lsp_view_on_disk(const char *folder)
{
	return folder[0] == '/' && access(folder, F_OK) == 0;
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
	if (lsp_view_on_disk(folder) &&
		policy_read(&view->run, folder, &view->policy) != EXIT_YES) {
		error = json_object_get(view->run.document, "error");
		*out_why = json_string_value(json_object_get(error, "message"));
		return false;
	}
	if (!put_documents(lsp, folder, view)) {
		return false;
	}
	*out_why = "not a policy file";
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

const char *lsp_view_uri(struct lsp *lsp, struct pol_arena *arena, const char *path)
{
	const json_t *document = json_object_get(lsp->documents, path);

	return document != NULL ? json_string_value(json_object_get(document, "uri"))
				: lsp_position_uri(arena, pol_str_of(path));
}
