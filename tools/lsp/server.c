/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/lsp/frame.h"
#include "tools/lsp/position.h"
#include "tools/lsp/publish.h"
#include "tools/lsp/root.h"

/* Codes of errors: JSON-RPC 2.0, and the protocol's own. */
enum {
	PARSE_ERROR = -32700,
	INVALID_REQUEST = -32600,
	METHOD_NOT_FOUND = -32601,
	NOT_INITIALIZED = -32002,
	REQUEST_FAILED = -32803,
};

/* Sends a message and releases it. */
static void send_message(json_t *message)
{
	char *text = message != NULL ? json_dumps(message, JSON_COMPACT) : NULL;

	if (text != NULL) {
		printf("Content-Length: %zu\r\n\r\n", strlen(text));
		fputs(text, stdout);
		fflush(stdout);
	}
	free(text);
	json_decref(message);
}

void lsp_notify(const char *method, json_t *params)
{
	send_message(
		json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method, "params", params));
}

/* result NULL: null. id NULL: a notification, which has no answer. */
static void answer(json_t *id, json_t *result)
{
	if (id == NULL) {
		json_decref(result);
		return;
	}
	send_message(json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id, "result",
		result != NULL ? result : json_null()));
}

static void fail(json_t *id, int code, const char *message)
{
	send_message(json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
		id != NULL ? id : json_null(), "error", "code", code, "message", message));
}

static json_t *capabilities(void)
{
	json_t *sync = json_pack("{s:b, s:i, s:b}", "openClose", true, "change", 2, "save", true);

	return json_pack("{s:s, s:o, s:b, s:b, s:b, s:b, s:{s:b}, s:{s:[s, s]}}",
		"positionEncoding", "utf-16", "textDocumentSync", sync, "hoverProvider", true,
		"definitionProvider", true, "documentFormattingProvider", true,
		"referencesProvider", true, "renameProvider", "prepareProvider", true,
		"completionProvider", "triggerCharacters", ":", "/");
}

static void add_workspace(struct lsp *lsp, const json_t *uri)
{
	const char *path = json_is_string(uri)
				   ? lsp_position_path(&lsp->app->arena, json_string_value(uri))
				   : NULL;
	size_t len = path != NULL ? strlen(path) : 0;

	while (len > 1 && path[len - 1] == '/') {
		len--;
	}
	if (len > 0) {
		json_array_append_new(lsp->workspace, json_stringn(path, len));
	}
}

static json_t *on_initialize(struct lsp *lsp, const json_t *params)
{
	const json_t *folder;
	size_t i;

	json_array_foreach(json_object_get(params, "workspaceFolders"), i, folder)
	{
		add_workspace(lsp, json_object_get(folder, "uri"));
	}
	add_workspace(lsp, json_object_get(params, "rootUri"));
	lsp->ready = true;
	return json_pack("{s:o, s:{s:s, s:s}}", "capabilities", capabilities(), "serverInfo",
		"name", "authzcheck", "version", AUTHZ_VERSION);
}

/* The path of a document; NULL: there is none, or no memory. */
static const char *path_of(struct lsp *lsp, const json_t *document)
{
	const char *uri = json_string_value(json_object_get(document, "uri"));

	return uri != NULL ? lsp_position_path(&lsp->app->arena, uri) : NULL;
}

static void on_open(struct lsp *lsp, const json_t *document, const char *path)
{
	json_t *text = json_object_get(document, "text");

	if (json_is_string(text)) {
		json_object_set_new(lsp->documents, path,
			json_pack("{s:O, s:O*, s:O}", "uri", json_object_get(document, "uri"),
				"version", json_object_get(document, "version"), "text", text));
		(void)lsp_kept_of(lsp, path);
		lsp_kept_change(lsp, path);
		lsp_check_mark(lsp, path);
	}
}

/* The text with the bytes [begin, end) replaced. NULL: no memory. */
static json_t *splice(struct pol_str text, size_t begin, size_t end, struct pol_str by)
{
	size_t length = begin + by.len + (text.len - end);
	char *bytes = malloc(length + 1);
	json_t *result;

	if (bytes == NULL) {
		return NULL;
	}
	memcpy(bytes, text.ptr, begin);
	memcpy(bytes + begin, by.ptr, by.len);
	memcpy(bytes + begin + by.len, text.ptr + end, text.len - end);
	result = json_stringn_nocheck(bytes, length); /* cut between characters */
	free(bytes);
	return result;
}

/* The text after one change: of a range, or of all. A new reference. */
static json_t *changed(json_t *old, const json_t *change)
{
	const json_t *range = json_object_get(change, "range");
	json_t *fresh = json_object_get(change, "text");
	struct pol_str text = { json_string_value(old), json_string_length(old) };
	size_t ends[2];
	static const char *const names[] = { "start", "end" };
	json_t *result;

	if (!json_is_string(fresh) || !json_is_object(range)) {
		return json_incref(json_is_string(fresh) ? fresh : old);
	}
	for (size_t i = 0; i < 2; i++) {
		const json_t *position = json_object_get(range, names[i]);

		ends[i] = lsp_position_offset(text,
			json_integer_value(json_object_get(position, "line")),
			json_integer_value(json_object_get(position, "character")));
	}
	if (ends[1] < ends[0]) {
		return json_incref(old);
	}
	result = splice(text, ends[0], ends[1],
		(struct pol_str){ json_string_value(fresh), json_string_length(fresh) });
	return result != NULL ? result : json_incref(old);
}

static void on_change(
	struct lsp *lsp, const json_t *document, const char *path, const json_t *changes)
{
	json_t *known = json_object_get(lsp->documents, path);
	const json_t *change;
	size_t i;

	if (known == NULL) {
		return; /* it is not open */
	}
	json_array_foreach(changes, i, change)
	{
		json_object_set_new(known, "text", changed(json_object_get(known, "text"), change));
	}
	json_object_set(known, "version", json_object_get(document, "version"));
	json_object_set_new(lsp->changed, path, json_null());
	lsp_check_mark(lsp, path);
}

void lsp_settle(struct lsp *lsp)
{
	const char *path;
	json_t *value;

	json_object_foreach(lsp->changed, path, value)
	{
		const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);
		const struct lsp_kept *kept = folder != NULL ? lsp_kept_find(lsp, folder) : NULL;
		const struct lsp_file *file;

		lsp_kept_change(lsp, path);
		file = kept != NULL ? lsp_kept_file(kept, path) : NULL;
		if (file != NULL && lsp_check_waits(kept)) {
			lsp_publish_file(lsp, folder, file);
		}
	}
	json_object_clear(lsp->changed);
}

static void on_close(struct lsp *lsp, const char *path)
{
	const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);

	json_object_del(lsp->documents, path);
	json_object_del(lsp->changed, path);
	lsp_kept_close(lsp, path);
	if (folder != NULL && lsp_kept_find(lsp, folder) == NULL) {
		lsp_check_forget(lsp, folder);
	} else {
		lsp_check_mark(lsp, path);
	}
}

/* Looks up the policy folders again. When one is another now, all are read again. */
static void on_save(struct lsp *lsp, const char *path)
{
	json_t *before = lsp->roots, *root;
	const char *folder;
	bool same = true;

	lsp->roots = json_object();
	json_object_foreach(before, folder, root)
	{
		const char *now = lsp_root_of(lsp, folder);

		same = same && now != NULL && strcmp(json_string_value(root), now) == 0;
	}
	json_decref(before);
	if (same) {
		lsp_check_mark(lsp, path);
		return;
	}
	for (struct lsp_kept *kept = lsp->kept; kept != NULL; kept = kept->next) {
		lsp_check_forget(lsp, kept->folder);
	}
	lsp_kept_finish(lsp);
	json_object_foreach(lsp->documents, path, root)
	{
		(void)lsp_kept_of(lsp, path);
		lsp_check_mark(lsp, path);
	}
}

static void on_document(struct lsp *lsp, const char *method, const json_t *params)
{
	const json_t *document = json_object_get(params, "textDocument");
	const char *path = path_of(lsp, document);

	if (path == NULL) {
		return;
	}
	if (strcmp(method, "didOpen") == 0) {
		on_open(lsp, document, path);
	} else if (strcmp(method, "didChange") == 0) {
		on_change(lsp, document, path, json_object_get(params, "contentChanges"));
	} else if (strcmp(method, "didClose") == 0) {
		on_close(lsp, path);
	} else if (strcmp(method, "didSave") == 0) {
		on_save(lsp, path);
	}
}

static const struct {
	const char *method;
	json_t *(*answer)(struct lsp *lsp, const json_t *params, const char **out_why);
} requests[] = {
	{ "textDocument/hover", lsp_hover },
	{ "textDocument/definition", lsp_definition },
	{ "textDocument/formatting", lsp_formatting },
	{ "textDocument/completion", lsp_completion },
	{ "textDocument/references", lsp_references },
	{ "textDocument/prepareRename", lsp_prepare_rename },
	{ "textDocument/rename", lsp_rename },
};

static void request(struct lsp *lsp, const char *method, json_t *id, const json_t *params)
{
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		const char *why = NULL;
		json_t *result;

		if (strcmp(method, requests[i].method) != 0) {
			continue;
		}
		result = requests[i].answer(lsp, params, &why);
		if (why == NULL) {
			answer(id, result);
		} else if (id != NULL) {
			fail(id, REQUEST_FAILED, why);
		}
		return;
	}
	if (id != NULL) {
		fail(id, METHOD_NOT_FOUND, "this server has no such method");
	}
}

static void handle(struct lsp *lsp, const char *method, json_t *id, const json_t *params)
{
	static const char document[] = "textDocument/did";

	if (strcmp(method, "exit") == 0) {
		lsp->done = true;
	} else if (lsp->shutdown) {
		fail(id, INVALID_REQUEST, "the server was shut down: only `exit` may follow");
	} else if (strcmp(method, "initialize") == 0 && !lsp->ready) {
		answer(id, on_initialize(lsp, params));
	} else if (!lsp->ready && id != NULL) {
		fail(id, NOT_INITIALIZED, "the first request must be `initialize`");
	} else if (!lsp->ready) {
		return; /* a notification before `initialize` is dropped, as the protocol says */
	} else if (strcmp(method, "initialize") == 0) {
		fail(id, INVALID_REQUEST, "the server was initialized before");
	} else if (strcmp(method, "shutdown") == 0) {
		lsp->shutdown = true;
		answer(id, NULL);
	} else if (strncmp(method, document, sizeof document - 1) == 0) {
		on_document(lsp, method + strlen("textDocument/"), params);
	} else {
		request(lsp, method, id, params);
	}
}

static void on_message(struct lsp *lsp, const char *text, size_t length)
{
	json_t *message = json_loadb(text, length, JSON_ALLOW_NUL, NULL);
	json_t *id = json_object_get(message, "id");
	const char *method = json_string_value(json_object_get(message, "method"));

	if (message == NULL) {
		fail(NULL, PARSE_ERROR, "the message is not JSON in UTF-8");
	} else if (method != NULL) {
		handle(lsp, method, id, json_object_get(message, "params"));
	} else if (json_object_get(message, "result") == NULL &&
		   json_object_get(message, "error") == NULL) {
		fail(id, INVALID_REQUEST, "the message is not a request, notification or answer");
	}
	json_decref(message);
}

/* Waits for a message, and checks folders meanwhile. */
static void wait_for_message(struct lsp *lsp, const struct lsp_reader *reader)
{
	while (!lsp_frame_buffered(reader)) {
		struct pollfd fds[2] = {
			{ .fd = reader->fd, .events = POLLIN },
			{ .fd = lsp->check.fd, .events = POLLIN },
		};
		bool settled = json_object_size(lsp->changed) == 0;
		int ready = poll(fds, 2, settled ? lsp_check_due(lsp) : 0);

		if (ready < 0 && errno != EINTR) {
			return;
		}
		if (ready > 0 && fds[0].revents != 0) {
			return;
		}
		if (ready > 0) {
			lsp_check_read(lsp);
		} else if (ready == 0 && !settled) {
			lsp_settle(lsp);
		} else if (ready == 0) {
			lsp_check_begin(lsp);
		}
	}
}

static void read_one(struct lsp *lsp, struct lsp_reader *reader)
{
	switch (lsp_frame_read(reader)) {
	case LSP_FRAME_MESSAGE:
		on_message(lsp, reader->body, reader->length);
		break;
	case LSP_FRAME_END:
		lsp->done = true;
		break;
	case LSP_FRAME_LARGE:
		fail(NULL, INVALID_REQUEST, "the message is larger than any policy file may be");
		break;
	case LSP_FRAME_HEADER:
		fail(NULL, PARSE_ERROR, "the header has no valid Content-Length");
		break;
	case LSP_FRAME_MEMORY:
		fail(NULL, INVALID_REQUEST, "no memory left for the message");
		break;
	}
}

int lsp_serve(struct app *app, const char *folder)
{
	struct lsp_reader reader = { .fd = STDIN_FILENO };
	struct lsp lsp = {
		.app = app,
		.folder = folder,
		.documents = json_object(),
		.workspace = json_array(),
		.changed = json_object(),
		.roots = json_object(),
		.published = json_object(),
		.dirty = json_object(),
		.check.fd = -1,
	};
	/* The paths of one message live until the next one. */
	struct pol_arena outer = app->arena;

	while (!lsp.done) {
		pol_arena_init(&app->arena, APP_ARENA_LIMIT);
		wait_for_message(&lsp, &reader);
		read_one(&lsp, &reader);
		pol_arena_finish(&app->arena);
	}
	lsp_check_cancel(&lsp);
	app->arena = outer;
	lsp_frame_finish(&reader);
	json_decref(lsp.documents);
	json_decref(lsp.workspace);
	json_decref(lsp.changed);
	json_decref(lsp.roots);
	json_decref(lsp.published);
	json_decref(lsp.dirty);
	lsp_kept_finish(&lsp);
	return lsp.shutdown ? EXIT_YES : EXIT_NO;
}
