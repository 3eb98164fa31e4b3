/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * many: one method called for many keys, with enough calls outstanding that the daemon commits
 * them in batches. Progress is shown when standard error is a terminal. A refused call is reported
 * and counted, and the others go on. When the connection breaks, the calls without an answer are
 * repeated if that is safe: because of their request_id, or because the method changes nothing the
 * second time. It gives up when the daemon does not come back within --timeout.
 */

#include <stddef.h>

#include "client/wire.h"
#include "tools/rpc.h"

struct many {
	const char *method;
	const char *done; /* "disabled": for the progress and the sum */
	bool sums;        /* prints the sum after a success, too */
	size_t count;
	/* Puts the parameters of one call. EXIT_YES, or another status, reported, which ends all.
	 */
	int (*fill)(void *context, size_t number, struct params *params);
	/* A call's name for people, such as a key's id; lives until this is called again. */
	const char *(*name)(void *context, size_t number);
	/* A result, without --json; its bytes live until this returns. Answers come in any
	 * order. NULL: not wanted. */
	void (*answered)(void *context, size_t number, struct wire_cursor result);
	void *context;
};

/* Makes all calls. EXIT_YES when each succeeded, else the gravest status. With --json the document
 * is {"items": [result…], "failed": [{id, code, message}…]}, and "unknown", how many were not
 * answered, if any were not. It is printed after a failure as well: it may hold secrets that are
 * shown this once. */
int many_run(struct app *app, const struct many *many);
