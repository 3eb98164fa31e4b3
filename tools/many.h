/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * many: one method called for many keys, with enough calls outstanding that the daemon commits
 * them in batches. Progress is shown when standard error is a terminal. A refused call is reported
 * and counted, and the others go on. When the connection breaks, the calls without an answer are
 * repeated if that is safe: because of their request_id, or because the method changes nothing the
 * second time. It gives up when the daemon does not come back within --timeout.
 *
 * It stops, with the first call that was not made, when the daemon is overloaded (its disk is full,
 * say), since further calls would fail too; and when standard output fails, which may hold secrets.
 */

#include <stddef.h>

#include "client/wire.h"
#include "tools/rpc.h"

struct many {
	const char *method;
	const char *done; /* "disabled": for the progress and the sum */
	bool alike;       /* the calls have no names of their own: the same refusal is said once */
	bool sums;        /* prints the sum after a success, too */
	size_t count;
	/* Puts the parameters of one call. EXIT_YES, or another status, reported, which ends all.
	 */
	int (*fill)(void *context, size_t number, struct params *params);
	/* A call's name for people, such as a key's id; lives until this is called again. */
	const char *(*name)(void *context, size_t number);
	/* Why a call is not to be made, which counts as its refusal with *out_code; NULL: it is.
	 * The function may be NULL. */
	const char *(*refuse)(void *context, size_t number, const char **out_code);
	/* Adds to a result with --json which call it is of. NULL: nothing. */
	void (*mark)(void *context, size_t number, json_t *result);
	/* A result, without --json; its bytes live until this returns. Answers come in any
	 * order. NULL: not wanted. */
	void (*answered)(void *context, size_t number, struct wire_cursor result);
	void *context;
};

/* Makes all calls. EXIT_YES when each succeeded, else the gravest status. With --json the document
 * is {"items": [result…], "failed": [{id, code, message}…]}, and "unknown", how many were not
 * answered, if any were not, and "stopped", the name of the first one that was not made, if it
 * stopped. It is printed after a failure as well: it may hold secrets that are
 * shown this once. */
int many_run(struct app *app, const struct many *many);
