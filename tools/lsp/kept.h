/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * kept: the policy folders of open documents, read and parsed. A file is parsed when it is read
 * first and when its text has changed, so that a keystroke costs one file and a request none.
 *
 * Everything here belongs to struct lsp and lives until the next message: a request takes the
 * folder with lsp_kept_of and keeps nothing of it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "policy/language/parse.h"

struct lsp;
struct lsp_nodes;

struct lsp_file {
	struct pol_source source; /* its path and its text, both its own */
	struct pol_arena arena;   /* of the statements */
	struct pol_diags diags;   /* of the parser alone */
	struct pol_ast ast;       /* its spans are of file 0 */
	json_t *checked;          /* of the last check, without the parser's; publish.h */
};

struct lsp_kept {
	struct lsp_kept *next; /* in lsp.kept */
	char *folder;
	struct lsp_file **files; /* in the order of their paths */
	size_t count, capacity;
	uint64_t listing; /* of the files on disk when they were read; 0: they must be read again */
	struct lsp_nodes *nodes; /* of lsp_nodes_of; NULL: a tree was changed since */
};

/* The folder of a file, with what has changed on disk since read again. NULL: it cannot be read, or
 * there is no memory. */
struct lsp_kept *lsp_kept_of(struct lsp *lsp, const char *path);
/* A folder that is kept, as it was read, or NULL. */
struct lsp_kept *lsp_kept_find(const struct lsp *lsp, const char *folder);
/* The bytes of all its files. */
size_t lsp_kept_bytes(const struct lsp_kept *kept);
/* One of its files, or NULL. */
struct lsp_file *lsp_kept_file(const struct lsp_kept *kept, const char *path);
/* The document at the path has another text. */
void lsp_kept_change(struct lsp *lsp, const char *path);
/* The document at the path is closed: what is on disk counts. A folder without documents is not
 * kept any more. */
void lsp_kept_close(struct lsp *lsp, const char *path);
void lsp_kept_finish(struct lsp *lsp);

/* A file of its own, parsed. NULL: no memory. */
struct lsp_file *lsp_kept_make(struct pol_str path, struct pol_str text);
void lsp_kept_destroy(struct lsp_file *file); /* NULL is ignored */
/* built_in.c: one with the tree `authz`. */
struct lsp_file *lsp_kept_built_in(void);
