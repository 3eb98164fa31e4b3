/* SPDX-License-Identifier: Apache-2.0 */

/* key create: a new key, its secret shown once. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/commands/commands.h"
#include "tools/many.h"
#include "tools/record.h"
#include "tools/verb.h"

/* A larger number is a mistake. */
#define COUNT_MAX 10000000

struct making {
	struct app *app;
	bool plain; /* the secret alone on each line */
};

static int fill(void *context, size_t number, struct params *params)
{
	const struct making *making = context;

	(void)number;
	return params_options(making->app, params, making->app->command->flags);
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
	struct many many = { .method = app->command->method,
		.done = "created",
		.alike = true,
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

int key_create_check(struct app *app)
{
	const bool *given = app->args.given;

	if (given[FLAG_PRINCIPAL] && given[FLAG_ROLE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--principal and --role exclude each other: a key is bound to one of them");
	}
	if (!given[FLAG_PRINCIPAL] && !given[FLAG_ROLE] && !given[FLAG_SCOPE]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"bound to what? give --principal ID, --role A,B or --scope A,B");
	}
	if (given[FLAG_EXPIRES_IN] && given[FLAG_EXPIRES_AT]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--expires-in and --expires-at exclude each other");
	}
	return EXIT_YES;
}

int key_create_run(struct app *app)
{
	int status = key_create_check(app);

	if (status != EXIT_YES) {
		return status;
	}
	return app->args.given[FLAG_COUNT_OF] ? create_many(app) : verb_run(app);
}
