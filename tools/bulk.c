/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/bulk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/many.h"
#include "tools/record.h"
#include "tools/text.h"
#include "tools/verb.h"

/* The length of a key's id. */
#define ID_SIZE 12

struct id {
	char text[ID_SIZE + 1];
};

struct chosen {
	struct app *app;
	const struct bulk *bulk; /* the command's */
	struct id *ids;          /* in the arena */
	size_t count;
	size_t capacity;
	bool found;  /* the options name at least one, which may not want it */
	bool failed; /* memory ran out */
};

/* "disable" of "key disable". */
static const char *verb_name(const struct app *app)
{
	return strchr(app->command->name, ' ') + 1;
}

/* --- which ------------------------------------------------------------------------------------ */

/* A dry run with --json prints the records of the keys; all else needs their ids. */
static bool prints_records(const struct app *app)
{
	return app->want_json && app->args.given[FLAG_DRY_RUN];
}

static bool on_item(void *context, struct wire_cursor item)
{
	struct chosen *chosen = context;
	struct pol_str id = record_str(item, "id");

	chosen->found = true;
	if (id.len != ID_SIZE ||
		(chosen->bulk->wants != NULL && !chosen->bulk->wants(chosen->app, item))) {
		return true;
	}
	if (prints_records(chosen->app)) {
		app_item(chosen->app, document_wire(item));
		return true;
	}
	if (chosen->count == chosen->capacity) {
		struct id *ids = pol_arena_grow(&chosen->app->arena, chosen->ids, chosen->count,
			chosen->count + 1, sizeof *ids, &chosen->capacity);

		if (ids == NULL) {
			chosen->failed = true;
			return false;
		}
		chosen->ids = ids;
	}
	memcpy(chosen->ids[chosen->count].text, id.ptr, ID_SIZE);
	chosen->ids[chosen->count++].text[ID_SIZE] = '\0';
	return true;
}

static int on_page(void *context, struct wire_cursor result)
{
	struct chosen *chosen = context;

	if (prints_records(chosen->app)) {
		app_list(chosen->app, json_object(), "items");
	}
	record_each(result, "items", on_item, chosen);
	return chosen->failed ? app_fail(chosen->app, EXIT_DAEMON, "internal", "out of memory")
			      : EXIT_YES;
}

static int filter(void *context, struct params *params)
{
	static const enum flag filters[] = { FLAG_PRINCIPAL, FLAG_LABEL, FLAG_TENANT, FLAG_STATUS,
		FLAG_NONE };
	const struct chosen *chosen = context;

	if (chosen->bulk->status != NULL && !chosen->app->args.given[FLAG_STATUS]) {
		params_text(params, "status", chosen->bulk->status);
	}
	return params_options(chosen->app, params, filters);
}

static int choose(struct chosen *chosen)
{
	const struct pages pages = { "keys.list", filter, on_page, chosen, "keys" };

	return rpc_pages(chosen->app, &pages);
}

/* --- doing it --------------------------------------------------------------------------------- */

/* The options of a rotation and --local are parameters; the other options chose the keys. */
static int fill(void *context, size_t number, struct params *params)
{
	static const enum flag own[] = { FLAG_MODE, FLAG_OVERLAP, FLAG_FINISH_OLD, FLAG_LOCAL,
		FLAG_NONE };
	const struct chosen *chosen = context;

	params_text(params, "id", chosen->ids[number].text);
	return params_options(chosen->app, params, own);
}

static const char *name(void *context, size_t number)
{
	const struct chosen *chosen = context;

	return chosen->ids[number].text;
}

/* A secret is shown only now, with the id of its key. */
static void on_answer(void *context, size_t number, struct wire_cursor record)
{
	const struct chosen *chosen = context;
	struct pol_str secret = record_str(record, "secret");

	if (secret.len > 0) {
		printf("%s %.*s\n", chosen->ids[number].text, POL_STR_ARGS(secret));
	}
}

/* EXIT_YES to go on; or, reported, EXIT_NO, or EXIT_USAGE without a terminal. */
static int confirm(struct app *app, const char *question)
{
	char line[16];

	if (app->args.given[FLAG_YES]) {
		return EXIT_YES;
	}
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
		return app_fail(app, EXIT_USAGE, "usage",
			"%s There is no terminal to ask on: give --yes, or --dry-run to see which",
			question);
	}
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	if (fgets(line, sizeof line, stdin) == NULL || (line[0] != 'y' && line[0] != 'Y')) {
		return app_fail(app, EXIT_NO, "refused", "nothing was done");
	}
	return EXIT_YES;
}

/* "no key has label 'ci' and status 'active'" */
static int none_found(const struct chosen *chosen)
{
	static const enum flag asked[] = { FLAG_LABEL, FLAG_PRINCIPAL, FLAG_TENANT, FLAG_STATUS };
	struct app *app = chosen->app;
	const char *what = "";

	for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
		const char *value = app->args.values[asked[i]];

		if (value == NULL && asked[i] == FLAG_STATUS) {
			value = chosen->bulk->status;
		}
		if (value != NULL) {
			what = app_text(app, "%s %s %s '%s'", what, what[0] == '\0' ? "has" : "and",
				args_name(asked[i]), text_escape(&app->arena, pol_str_of(value)));
		}
	}
	return app_fail(app, EXIT_NO, "not_found", "no key%s", what);
}

static int do_chosen(struct chosen *chosen)
{
	struct app *app = chosen->app;
	const struct many many = { .method = app->command->method,
		.done = chosen->bulk->done,
		.sums = true,
		.count = chosen->count,
		.fill = fill,
		.name = name,
		.answered = on_answer,
		.context = chosen };
	int status = EXIT_YES;

	/* All of none is no mistake: a script clears up what there is. */
	if (!chosen->found && !app->args.given[FLAG_ALL]) {
		return none_found(chosen);
	}
	/* When they all are already as they shall be, there is nothing to ask. */
	if (chosen->count > 0) {
		status = confirm(app, app_text(app, "%s %s?", verb_name(app),
					      app_count(app, chosen->count, "key")));
	}
	return status == EXIT_YES ? many_run(app, &many) : status;
}

static int dry_run(struct chosen *chosen)
{
	struct app *app = chosen->app;
	int status = choose(chosen);

	if (status != EXIT_YES || prints_records(app)) {
		return status;
	}
	for (size_t i = 0; i < chosen->count; i++) {
		puts(chosen->ids[i].text);
	}
	fprintf(stderr, "%s would be %s\n", app_count(app, chosen->count, "key"),
		chosen->bulk->done);
	return EXIT_YES;
}

static int run_many(struct app *app)
{
	struct chosen chosen = { .app = app, .bulk = app->command->bulk };
	int status;

	if (app->args.given[FLAG_DRY_RUN]) {
		return dry_run(&chosen);
	}
	status = choose(&chosen);
	return status == EXIT_YES ? do_chosen(&chosen) : status;
}

int bulk_run(struct app *app)
{
	static const enum flag choosing[] = { BULK_FLAGS };
	const struct args *args = &app->args;
	bool some = args->given[FLAG_ALL] || args->given[FLAG_PRINCIPAL] || args->given[FLAG_LABEL];

	if (args->word_count == 0 && !some) {
		return app_fail(app, EXIT_USAGE, "usage",
			"nothing to %s: give KEY, or --principal, --label or --all",
			verb_name(app));
	}
	if (args->word_count == 0) {
		return run_many(app);
	}
	for (size_t i = 0; i < sizeof choosing / sizeof choosing[0]; i++) {
		if (args->given[choosing[i]] && choosing[i] != FLAG_YES) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--%s is for many keys: leave out KEY, or the option",
				args_name(choosing[i]));
		}
	}
	return verb_run(app);
}
