/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * server: a language server for policies (Language Server Protocol 3.17) on standard input and
 * output. One thread. Messages are handled in their order; policies are compiled when no further
 * message waits, so that fast typing is compiled once.
 */

#include "tools/app.h"

/* Serves until `exit` or the end of the input. folder: the policy folder of all documents below it;
 * NULL: each document's own. EXIT_YES after `shutdown`, else EXIT_NO, as the protocol wants it. */
int lsp_serve(struct app *app, const char *folder);

/* --- for the files of this folder --- */

#include "tools/lsp/names.h"
#include "tools/policy.h"

struct lsp {
	struct app *app;
	const char *folder;  /* absolute, or NULL */
	json_t *documents;   /* the open ones by path: {uri, version, text} */
	json_t *published;   /* URIs that have diagnostics: their folder */
	json_t *dirty;       /* folders to compile: null */
	bool ready;          /* after `initialize` */
	bool shutdown, done; /* after `shutdown`, `exit` */
};

/* Sends a notification; takes params over. */
void lsp_notify(const char *method, json_t *params);

/* One reading of a folder, with a run of its own, so that nothing of it stays. */
struct lsp_view {
	struct app run;
	struct policy policy;
	struct folder_sources sources;
};

/* The policy folder of a file; a text that is no file is its own. In the run's arena. */
const char *lsp_view_folder(struct lsp *lsp, struct pol_arena *arena, const char *path);
/* Reads the folder, with the open documents in the place of files. False: *out_why says why, until
 * the view is closed, which it must be in any case. */
bool lsp_view_open(
	struct lsp *lsp, const char *folder, struct lsp_view *view, const char **out_why);
void lsp_view_close(struct lsp_view *view);

/* Compiles a folder and publishes its diagnostics. */
void lsp_check(struct lsp *lsp, const char *folder);

/* Answers of requests, or NULL for null. */
json_t *lsp_hover(struct lsp *lsp, const json_t *params);
json_t *lsp_definition(struct lsp *lsp, const json_t *params);
json_t *lsp_formatting(struct lsp *lsp, const json_t *params);
