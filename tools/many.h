/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * many: one method called for many keys, with enough calls outstanding that the daemon commits
 * them by the batch. Shows on standard error's terminal how far it is. A call that is refused is
 * told and counted, and the others go on. When the connection breaks, what was not answered is
 * asked for again, where a second time does no more than the first: by the same request_id, or
 * because what is so already is a success. It ends when the daemon is not back within --timeout.
 */

#include <stddef.h>

#include "client/wire.h"
#include "tools/rpc.h"

struct many {
	const char *method;
	const char *done; /* "disabled": for the progress and the sum */
	bool sums;        /* says at the end how many were done, too, when all were */
	size_t count;
	/* Puts the parameters of one call. EXIT_YES, or another status, reported, which ends all.
	 */
	int (*fill)(void *context, size_t number, struct params *params);
	/* What names a call to people, such as a key's id; lives until the next call of it. */
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
