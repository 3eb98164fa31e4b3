/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/lsp/frame.h"
#include "tools/lsp/position.h"

/* Codes of errors: JSON-RPC 2.0, and the protocol's own. */
enum {
	PARSE_ERROR = -32700,
	INVALID_REQUEST = -32600,
	METHOD_NOT_FOUND = -32601,
	NOT_INITIALIZED = -32002,
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

/* The folder of a document will be compiled. */
static void mark(struct lsp *lsp, const char *path)
{
	const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);

	if (folder != NULL) {
		json_object_set_new(lsp->dirty, folder, json_null());
	}
}

static json_t *on_initialize(struct lsp *lsp)
{
	lsp->ready = true;
	return json_pack("{s:{s:s, s:{s:b, s:i, s:b}, s:b, s:b, s:b}, s:{s:s, s:s}}",
		"capabilities", "positionEncoding", "utf-16", "textDocumentSync", "openClose", true,
		"change", 1, "save", true, "hoverProvider", true, "definitionProvider", true,
		"documentFormattingProvider", true, "serverInfo", "name", "authzcheck", "version",
		AUTHZ_VERSION);
}

/* Remembers the text of a document, or with text NULL what is on disk. */
static void set_text(struct lsp *lsp, const json_t *document, json_t *text)
{
	json_t *uri = json_object_get(document, "uri");
	json_t *version = json_object_get(document, "version");
	const char *path = json_is_string(uri)
				   ? lsp_position_path(&lsp->app->arena, json_string_value(uri))
				   : NULL;

	if (path != NULL && json_is_string(text)) {
		json_object_set_new(lsp->documents, path,
			json_pack(
				"{s:O, s:O*, s:O}", "uri", uri, "version", version, "text", text));
		mark(lsp, path);
	}
}

static void on_close(struct lsp *lsp, const json_t *document)
{
	const char *uri = json_string_value(json_object_get(document, "uri"));
	const char *path = uri != NULL ? lsp_position_path(&lsp->app->arena, uri) : NULL;

	if (path != NULL) {
		json_object_del(lsp->documents, path);
		mark(lsp, path);
	}
}

static void on_document(struct lsp *lsp, const char *method, const json_t *params)
{
	const json_t *document = json_object_get(params, "textDocument");
	const json_t *changes = json_object_get(params, "contentChanges");
	const char *uri = json_string_value(json_object_get(document, "uri"));

	if (strcmp(method, "didOpen") == 0) {
		set_text(lsp, document, json_object_get(document, "text"));
	} else if (strcmp(method, "didChange") == 0 && json_array_size(changes) > 0) {
		set_text(lsp, document,
			json_object_get(
				json_array_get(changes, json_array_size(changes) - 1), "text"));
	} else if (strcmp(method, "didClose") == 0) {
		on_close(lsp, document);
	} else if (strcmp(method, "didSave") == 0 && uri != NULL) {
		const char *path = lsp_position_path(&lsp->app->arena, uri);

		if (path != NULL) {
			mark(lsp, path);
		}
	}
}

static const struct {
	const char *method;
	json_t *(*answer)(struct lsp *lsp, const json_t *params);
} requests[] = {
	{ "textDocument/hover", lsp_hover },
	{ "textDocument/definition", lsp_definition },
	{ "textDocument/formatting", lsp_formatting },
};

static void request(struct lsp *lsp, const char *method, json_t *id, const json_t *params)
{
	for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
		if (strcmp(method, requests[i].method) == 0) {
			answer(id, requests[i].answer(lsp, params));
			return;
		}
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
		answer(id, on_initialize(lsp));
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
		fail(NULL, PARSE_ERROR, "the message is no JSON in UTF-8");
	} else if (method != NULL) {
		handle(lsp, method, id, json_object_get(message, "params"));
	} else if (json_object_get(message, "result") == NULL &&
		   json_object_get(message, "error") == NULL) {
		fail(id, INVALID_REQUEST, "the message is no request, notification or answer");
	}
	json_decref(message);
}

static void check_dirty(struct lsp *lsp)
{
	const char *folder;
	json_t *value;

	json_object_foreach(lsp->dirty, folder, value)
	{
		lsp_check(lsp, folder);
	}
	json_object_clear(lsp->dirty);
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
		.published = json_object(),
		.dirty = json_object(),
	};
	/* The paths of one message live until the next one. */
	struct pol_arena outer = app->arena;

	while (!lsp.done) {
		if (json_object_size(lsp.dirty) > 0 && !lsp_frame_pending(&reader)) {
			check_dirty(&lsp);
		}
		pol_arena_init(&app->arena, APP_ARENA_LIMIT);
		read_one(&lsp, &reader);
		pol_arena_finish(&app->arena);
	}
	app->arena = outer;
	lsp_frame_finish(&reader);
	json_decref(lsp.documents);
	json_decref(lsp.published);
	json_decref(lsp.dirty);
	return lsp.shutdown ? EXIT_YES : EXIT_NO;
}
