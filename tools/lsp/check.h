/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * check: compiles, tests and lints folders in a child process, one after another, so that no
 * message waits for it, and so that a check whose folder was changed meanwhile can be ended.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct lsp;
struct lsp_kept;

/* The folder that is being checked. fd is -1 when there is none. */
struct lsp_check {
	char *folder;
	pid_t pid;
	int fd;      /* its result comes here */
	char *bytes; /* the part that came */
	size_t length, capacity;
};

/* The folder of a file has changed: a check of it begins, once no message waits and, when it is
 * large, nothing has changed for a while. One that is running is ended. */
void lsp_check_mark(struct lsp *lsp, const char *path);
/* Does a change wait before it is checked? */
bool lsp_check_waits(const struct lsp_kept *kept);
/* The folder is not checked any more, and its diagnostics are taken back. */
void lsp_check_forget(struct lsp *lsp, const char *folder);
/* Milliseconds until a check has to begin; -1: none has. */
int lsp_check_due(const struct lsp *lsp);
/* Begins one. */
void lsp_check_begin(struct lsp *lsp);
/* Takes what came from the child. At its end the diagnostics are published. */
void lsp_check_read(struct lsp *lsp);
/* Ends the child, if there is one. */
void lsp_check_cancel(struct lsp *lsp);
