/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authzcheck: the operator's and the policy author's tool.
 *
 * main finds the subcommand in help.c's tables, parses its options, and runs it. Everything that a
 * subcommand needs is in struct app.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "tools/app.h"
#include "tools/complete.h"
#include "tools/everywhere.h"
#include "tools/help.h"
#include "tools/pager.h"
#include "tools/rpc.h"
#include "tools/secret.h"
#include "tools/text.h"
#include "tools/token.h"

static int fail_usage(struct app *app, const char *see)
{
	return app_fail(app, EXIT_USAGE, "usage", "%s (see 'authzcheck%s%s --help')",
		app->args.error, see[0] != '\0' ? " " : "", see);
}

/* Looks for --json in words that are not parsed, since a mistake stands before them: the error
 * shall have the form that was asked for. */
static void look_for_json(struct app *app, int count, char **words)
{
	for (int i = 0; i < count && strcmp(words[i], "--") != 0; i++) {
		app->want_json = app->want_json || strcmp(words[i], "--json") == 0;
	}
}

/* Applies --json and --no-color, as far as they were parsed. */
static void apply_globals(struct app *app)
{
	app->want_json = app->args.given[FLAG_JSON];
	if (app->args.given[FLAG_NO_COLOR]) {
		app->colour = false;
		app->colour_err = false;
	}
}

/*
 * Finds the subcommand after the global options; options may stand between its two words.
 * Returns the index of its last word in argv, or -1 and *out_status when there is nothing to run.
 */
static int find_command(struct app *app, int argc, char **argv, int *out_status)
{
	const char *words[2] = { NULL, NULL };
	int at = 0;

	for (size_t count = 0; count < 2;) {
		size_t used;
		int next = args_parse(&app->args, &app->arena, argc - at, argv + at, NULL, 0, true);

		apply_globals(app);
		if (next < 0) {
			look_for_json(app, argc - at, argv + at);
			*out_status = fail_usage(app, words[0] != NULL ? words[0] : "");
			return -1;
		}
		at += next;
		if (app->args.given[FLAG_HELP] && at >= argc) {
			help_print(app, words[0], stdout);
			*out_status = EXIT_YES;
			return -1;
		}
		if (app->args.given[FLAG_VERSION]) {
			puts("authzcheck " AUTHZ_VERSION);
			*out_status = EXIT_YES;
			return -1;
		}
		if (at >= argc) {
			help_print(app, words[0], stderr);
			*out_status = EXIT_USAGE;
			return -1;
		}
		words[count++] = argv[at];
		app->command = help_find(words, count, &used);
		if (app->command != NULL && count == 1 && at + 1 < argc) {
			/* "hosts" is a command, and "hosts forget" another one. */
			words[1] = argv[at + 1];
			app->command = help_find(words, 2, &used);
			at += used == 2;
		}
		if (app->command != NULL) {
			return at;
		}
		if (count == 2 || !help_is_group(words[0])) {
			break;
		}
	}
	look_for_json(app, argc - at, argv + at);
	*out_status =
		help_unknown(app, words[1] != NULL ? words[0] : NULL, words[words[1] != NULL]);
	return -1;
}

/* "text, github or json" */
static const char *format_names(struct app *app)
{
	const char *const *formats = app->command->formats;
	const char *all = formats[0];

	for (size_t i = 1; formats[i] != NULL; i++) {
		all = app_text(
			app, "%s%s%s", all, formats[i + 1] != NULL ? ", " : " or ", formats[i]);
	}
	return all;
}

/* Sets app->format by --format or --json, and app->want_json by that. */
static int read_format(struct app *app)
{
	const char *const *formats = app->command->formats;
	const char *asked = app->args.values[FLAG_FORMAT];
	const char *wanted = asked != NULL ? asked : app->want_json ? "json" : formats[0];
	size_t i = 0;

	if (asked != NULL && app->want_json && strcmp(asked, "json") != 0) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--format %.64s and --json exclude each other", asked);
	}
	while (formats[i] != NULL && strcmp(wanted, formats[i]) != 0) {
		i++;
	}
	if (formats[i] != NULL) {
		app->format = i;
		app->want_json = strcmp(wanted, "json") == 0;
	} else if (asked != NULL) {
		return app_fail(app, EXIT_USAGE, "usage", "--format '%.64s' is unknown: %s", asked,
			format_names(app));
	}
	return EXIT_YES;
}

static int run_command(struct app *app, int argc, char **argv)
{
	const struct command *command = app->command;
	enum flag flags[FLAG_COUNT];
	size_t count = help_flags(command, flags);
	size_t most = command->max_words > 0 ? command->max_words : command->min_words;
	int status;

	if (args_parse(&app->args, &app->arena, argc, argv, flags, count, false) < 0) {
		apply_globals(app);
		look_for_json(app, argc, argv);
		return fail_usage(app, command->name);
	}
	apply_globals(app);
	if (app->args.given[FLAG_HELP]) {
		help_print_command(app, command, stdout);
		return EXIT_YES;
	}
	if (app->args.given[FLAG_VERSION]) {
		puts("authzcheck " AUTHZ_VERSION);
		return EXIT_YES;
	}
	if (app->args.word_count < command->min_words) {
		snprintf(app->args.error, sizeof app->args.error, "%s needs %s", command->name,
			command->words);
		return fail_usage(app, command->name);
	}
	status = secret_refuse(app);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->args.word_count > most) {
		snprintf(app->args.error, sizeof app->args.error, "%s: unexpected argument '%.64s'",
			command->name, app->args.words[most]);
		return fail_usage(app, command->name);
	}
	status = read_format(app);
	if (status == EXIT_YES) {
		status = everywhere_check(app);
	}
	if (status == EXIT_YES && command->by_token) {
		status = token_manage(app);
	}
	return status == EXIT_YES ? command->run(app) : status;
}

static int run(struct app *app, int argc, char **argv)
{
	int status = EXIT_USAGE;
	int at;

	if (argc > 1 && strcmp(argv[1], "__complete") == 0) {
		return complete_run(app, argc - 2, argv + 2);
	}
	at = find_command(app, argc, argv, &status);
	return at < 0 ? status : run_command(app, argc - at, argv + at);
}

/* Output that could not be written is a failure. */
static int finish(struct app *app, int status)
{
	if (app->arena.status != POL_OK || app->no_memory) {
		status = app_fail(app, EXIT_DAEMON, "internal", "out of memory");
	}
	if (status == EXIT_YES && app->not_everywhere) {
		status = EXIT_DAEMON;
	}
	pager_end(app);
	if (!app_print(app) || fflush(stdout) != 0 || ferror(stdout)) {
		fputs("authzcheck: cannot write to standard output\n", stderr);
		/* Half of a list of differences must not pass for all of it. */
		status = status == EXIT_YES || status == EXIT_NO ? EXIT_USAGE : status;
	}
	rpc_close(app->rpc);
	wire_wipe(app->token, sizeof app->token);
	json_decref(app->document);
	pol_arena_finish(&app->arena);
	return status;
}

int main(int argc, char **argv)
{
	struct app app = {
		.colour = text_wants_colour(stdout),
		.colour_err = text_wants_colour(stderr),
		.now = (int64_t)time(NULL),
	};

	pol_arena_init(&app.arena, APP_ARENA_LIMIT);
	return finish(&app, run(&app, argc, argv));
}
