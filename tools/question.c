/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/question.h"

#include <string.h>

#include "tools/text.h"

bool question_check(struct app *app)
{
	const char *what = app->args.words[1];

	if (what[0] != '/' && strchr(what, ':') == NULL) {
		(void)app_fail(app, EXIT_USAGE, "usage",
			"'%s' is neither a path (/loans/7) nor a resource (api:/loans/7)", what);
		return false;
	}
	return true;
}

const char *question_put(struct app *app, struct params *params)
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
