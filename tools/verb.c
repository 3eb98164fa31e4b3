/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/verb.h"

#include <stdio.h>

#include "tools/record.h"
#include "tools/show.h"

/* Of a key that was marked on this host. */
static int show_marked(struct app *app, struct wire_cursor answer)
{
	printf("%s is refused on this host%s\n", record_text(&app->arena, answer, "id"),
		record_str(answer, "as_of").len > 0
			? ", and on the others when they have the change"
			: "; on the others when the database is back");
	return EXIT_YES;
}

int verb_show(struct app *app, struct wire_cursor answer)
{
	const struct command *command = app->command;

	if (command->makes_secret && record_str(answer, "secret").len == 0) {
		return app_fail(app, EXIT_DAEMON, "internal",
			"the daemon made a secret and did not send it: make another one");
	}
	if (app->want_json) {
		app_document(app, document_wire(answer));
		return EXIT_YES;
	}
	if (command->makes_secret) {
		return show_secret(app, answer);
	}
	if (record_bool(answer, "local", false)) {
		return show_marked(app, answer);
	}
	return command->show != NULL ? command->show(app, answer) : show_key(app, answer);
}

int verb_call(struct app *app, struct params *params)
{
	struct wire_cursor answer;
	int status = rpc_call(app, app->command->method, params, &answer);

	return status == EXIT_YES ? verb_show(app, answer) : status;
}

/* "--name, --label or --scope": the options of a command except --tenant. */
static const char *option_names(struct app *app)
{
	const enum flag *flags = app->command->flags;
	const char *text = "";

	for (size_t i = 0; flags[i] != FLAG_NONE && flags[i] != FLAG_TENANT; i++) {
		bool last = flags[i + 1] == FLAG_NONE || flags[i + 1] == FLAG_TENANT;

		text = app_text(app, "%s%s--%s", text,
			i == 0 ? ""
			: last ? " or "
			       : ", ",
			args_name(flags[i]));
	}
	return text;
}

int verb_run(struct app *app)
{
	const struct command *command = app->command;
	struct params params;
	uint32_t before;
	int status;

	params_begin(&params);
	for (size_t i = 0; i < app->args.word_count; i++) {
		params_text(&params, command->params[i], app->args.words[i]);
	}
	before = params.count + app->args.given[FLAG_TENANT] + app->args.given[FLAG_DRY_RUN];
	status = params_options(app, &params, command->flags);
	if (status == EXIT_YES && command->edits && params.count == before) {
		status = app_fail(
			app, EXIT_USAGE, "usage", "nothing to change: give %s", option_names(app));
	}
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	return verb_call(app, &params);
}
