/* SPDX-License-Identifier: Apache-2.0 */

/* key create: a new key, its secret shown once. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/key_params.h"
#include "tools/many.h"
#include "tools/record.h"
#include "tools/show.h"

/* --- many ------------------------------------------------------------------------------------- */

/* More at once is a mistake, not a wish. */
#define COUNT_MAX 10000000

struct making {
	struct app *app;
	bool plain; /* the secret alone on each line */
};

static int fill(void *context, size_t number, struct params *params)
{
	const struct making *making = context;

	(void)number;
	return key_params_put(making->app, params);
}

static const char *name(void *context, size_t number)
{
	const struct making *making = context;

	return app_text(making->app, "key %zu", number + 1);
}

static void on_answer(void *context, size_t number, struct wire_cursor record)
{
	const struct making *making = context;
	struct pol_str id = record_str(record, "id"), secret = record_str(record, "secret");

	(void)number;
	if (making->plain) {
		printf("%.*s\n", POL_STR_ARGS(secret));
	} else {
		printf("%.*s  %.*s\n", POL_STR_ARGS(id), POL_STR_ARGS(secret));
	}
}

static int create_many(struct app *app)
{
	const char *text = app->args.values[FLAG_COUNT_OF];
	struct making making = { app, isatty(STDOUT_FILENO) != 1 };
	struct many many = { .method = "keys.create",
		.done = "created",
		.fill = fill,
		.name = name,
		.answered = on_answer,
		.context = &making };
	char *end;
	long count = strtol(text, &end, 10);

	if (*end != '\0' || end == text || count < 1 || count > COUNT_MAX) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--count '%.64s': want a number from 1 to %d", text, COUNT_MAX);
	}
	many.count = (size_t)count;
	return many_run(app, &many);
}

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	int status;

	if (app->args.given[FLAG_COUNT_OF]) {
		return create_many(app);
	}
	params_begin(&params);
	status = key_params_put(app, &params);
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "keys.create", &params, &record);
	return status == EXIT_YES ? show_secret(app, record) : status;
}

static const enum flag flags[] = { FLAG_PRINCIPAL, FLAG_ROLE, FLAG_SCOPE, FLAG_AT, FLAG_NAME,
	FLAG_LABEL, FLAG_ENVIRONMENT, FLAG_TENANT, FLAG_EXPIRES_IN, FLAG_EXPIRES_AT,
	FLAG_NOT_BEFORE, FLAG_NETWORK, FLAG_ROTATE_EVERY, FLAG_COUNT_OF };

const struct command command_key_create = {
	.name = "key create",
	.words = "",
	.summary = "Create a key; its secret is shown once",
	.text = "A key is bound for ever to a principal, to roles, or to scopes alone; scopes and\n"
		"places beside a principal or roles narrow it. When standard output is no "
		"terminal,\n"
		"the secret alone is written there. With --count that many are created, all alike, "
		"a line\n"
		"each.\n",
	.examples = "  authzcheck key create --principal alice --name laptop --expires-in 90d\n"
		    "  authzcheck key create --scope loans:read --environment test\n"
		    "  (umask 077; authzcheck key create --role collector >collector.key)\n"
		    "  authzcheck key create --principal billing --rotate-every 90d\n"
		    "  (umask 077; authzcheck key create --role gate --count 500 >gates.keys)\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 0,
	.by_token = true,
	.run = run,
};
