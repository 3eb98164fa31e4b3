/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * many: one method called many times over, with enough calls outstanding that the daemon commits
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
	const char *noun; /* "keys" */
	size_t count;
	/* Puts the parameters of one call. EXIT_YES, or another status, reported, which ends all.
	 */
	int (*fill)(void *context, size_t number, struct params *params);
	/* What names a call to people, such as a key's id; lives until the next call of it. */
	const char *(*name)(void *context, size_t number);
	/* A result; its bytes live until it returns. Answers come in any order. */
	void (*answered)(void *context, size_t number, struct wire_cursor result);
	void *context;
};

/* In the app's arena. */
struct many_refusal {
	struct many_refusal *next; /* in many_sum.refusals */
	const char *name;
	const char *code;
	const char *message;
};

struct many_sum {
	size_t done;
	size_t failed;
	size_t unknown;                /* without an answer when the daemon was gone */
	struct many_refusal *refusals; /* in the order of the answers */
};

/* Makes all calls. EXIT_YES when each succeeded, else the gravest status. */
int many_run(struct app *app, const struct many *many, struct many_sum *out_sum);

/* The pair `failed` of a JSON object that is open: [{id, code, message}…]; and `unknown`, how many
 * were not answered, if any. What was done before stands in the document all the same: it may hold
 * secrets that are shown this once. */
void many_put_refusals(struct app *app, const struct many_sum *sum);
