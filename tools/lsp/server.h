/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * server: a language server for policies (Language Server Protocol 3.17) on standard input and
 * output. One thread. Messages are handled in their order, from what is kept of the folders
 * (kept.h); policies are compiled in a child process when no further message waits (check.h).
 */

#include "tools/app.h"

/* Serves until `exit` or the end of the input. folder: the policy folder of all documents below it;
 * NULL: each document's own. EXIT_YES after `shutdown`, else EXIT_NO, as the protocol wants it. */
int lsp_serve(struct app *app, const char *folder);

/* --- for the files of this folder --- */

#include "tools/lsp/check.h"
#include "tools/lsp/kept.h"
#include "tools/lsp/names.h"
#include "tools/policy.h"

struct lsp {
	struct app *app;
	const char *folder; /* absolute, or NULL */
	json_t *documents;  /* the open ones by path: {uri, version, text} */
	json_t *changed;    /* paths of documents that were changed and not parsed since */
	json_t *workspace;  /* paths of the editor's folders */
	json_t *roots;      /* policy folders by the folder of a file (root.h) */
	json_t *published;  /* URIs that have diagnostics: their folder */
	json_t *dirty;      /* folders to check: null */
	int64_t due;        /* when, in milliseconds of the monotonic clock */
	struct lsp_check check;
	struct lsp_kept *kept;
	struct lsp_file *built_in; /* the tree `authz`; NULL: not needed so far */
	bool ready;                /* after `initialize` */
	bool shutdown, done;       /* after `shutdown`, `exit` */
};

/* Parses what was changed: before a request is answered, or when no message waits, so that fast
 * typing is parsed once. */
void lsp_settle(struct lsp *lsp);

/* Sends a notification; takes params over. */
void lsp_notify(const char *method, json_t *params);

/* One reading of a folder, with a run of its own, so that nothing of it stays. */
struct lsp_view {
	struct app run;
	struct policy policy;
	struct folder_sources sources;
};

/* The policy folder of a file; a text that is not a file is its own. In the arena. */
const char *lsp_view_folder(struct lsp *lsp, struct pol_arena *arena, const char *path);
/* Is there such a folder? */
bool lsp_view_on_disk(const char *folder);
/* The URI of a file, as the editor spells it when it is open. */
const char *lsp_view_uri(struct lsp *lsp, struct pol_arena *arena, const char *path);
/* Reads the folder, with the open documents in the place of files. False: *out_why says why, until
 * the view is closed, which it must be in any case. */
bool lsp_view_open(
	struct lsp *lsp, const char *folder, struct lsp_view *view, const char **out_why);
void lsp_view_close(struct lsp_view *view);

/* Where a request points: its document, as it is kept, and an offset in it. */
struct lsp_place {
	struct lsp_kept *kept;
	struct lsp_file *built_in; /* the tree `authz`; NULL: not needed so far */
	struct lsp_file *file;
	size_t offset;
};
/* False: no policy is there. */
bool lsp_place_find(struct lsp *lsp, const json_t *params, struct lsp_place *out);

/* The declaration of a name in the folder, of a tree its first, and its file. */
struct lsp_declared {
	struct lsp_file *file;
	struct lsp_name name;
};
bool lsp_place_declared(const struct lsp_kept *kept, enum lsp_kind kind, struct pol_str name,
	struct lsp_declared *out);

/* The declaration of the name at the place, which is *out_use there. */
bool lsp_place_name(
	const struct lsp_place *place, struct lsp_name *out_use, struct lsp_declared *out);

/* {uri, range} of bytes of a file. */
json_t *lsp_place_location(struct lsp *lsp, const struct lsp_file *file, struct pol_span at);

/* Answers of requests, or NULL for null. With *out_why the request is refused. */
json_t *lsp_hover(struct lsp *lsp, const json_t *params, const char **out_why);
json_t *lsp_definition(struct lsp *lsp, const json_t *params, const char **out_why);
json_t *lsp_formatting(struct lsp *lsp, const json_t *params, const char **out_why);
json_t *lsp_completion(struct lsp *lsp, const json_t *params, const char **out_why);
json_t *lsp_references(struct lsp *lsp, const json_t *params, const char **out_why);
json_t *lsp_prepare_rename(struct lsp *lsp, const json_t *params, const char **out_why);
json_t *lsp_rename(struct lsp *lsp, const json_t *params, const char **out_why);
