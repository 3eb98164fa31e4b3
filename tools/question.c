/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/question.h"

#include <string.h>

#include "tools/text.h"
#include "tools/token.h"

static bool check(struct app *app)
{
	const char *what = app->args.words[1];

	if (what[0] != '/' && strchr(what, ':') == NULL) {
		(void)app_fail(app, EXIT_USAGE, "usage",
			"'%s' is neither a path (/loans/7) nor a resource (api:/loans/7)", what);
		return false;
	}
	return true;
}

static const char *put(struct app *app, struct params *params)
{
	const char *verb = app->args.words[0];
	const char *what = app->args.words[1];
	const char *tree = app->args.values[FLAG_TREE];

	if (what[0] == '/') {
		params_text(params, "method", verb);
		params_text(params, "path", what);
		if (tree != NULL) {
			params_text(params, "tree", tree);
		}
		what = app_text(app, "%s:%s", tree != NULL ? tree : "api", what);
	} else {
		params_text(params, "action", verb);
		params_text(params, "resource", what);
	}
	return text_escape(&app->arena, pol_str_of(app_text(app, "%s on %s", verb, what)));
}

/* In a question about a key, the token is that of the caller, which manages. Otherwise the question
 * is about the token's own holder. */
static int put_token(struct app *app, struct params *params)
{
	bool given;

	return app->args.given[FLAG_OF_KEY] ? token_manage(app) : token_put(app, params, &given);
}

static int put_options(struct app *app, struct params *params)
{
	enum flag flags[sizeof app->command->flags / sizeof app->command->flags[0]];
	size_t count = 0;

	/* What is tried is always explained. */
	for (const enum flag *flag = app->command->flags; *flag != FLAG_NONE; flag++) {
		if (*flag != FLAG_EXPLAIN || !app->args.given[FLAG_OF_KEY]) {
			flags[count++] = *flag;
		}
	}
	flags[count] = FLAG_NONE;
	return params_options(app, params, flags);
}

int question_ask(
	struct app *app, const char *method, struct wire_cursor *out, const char **out_what)
{
	struct params params;
	int status;

	if (!check(app)) {
		return EXIT_USAGE;
	}
	params_begin(&params);
	*out_what = put(app, &params);
	status = put_token(app, &params);
	if (status == EXIT_YES) {
		status = put_options(app, &params);
	}
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	return rpc_call(app, method, &params, out);
}
