/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/principal.h"

#include <string.h>

int principal_put(struct app *app, struct params *params, bool edit)
{
	const char *access = app->args.values[FLAG_API_ACCESS];

	if (edit && app->args.given[FLAG_NAME] && app->args.values[FLAG_NAME][0] == '\0') {
		params_nil(params, "name");
	} else {
		params_flag(params, app, "name", FLAG_NAME);
	}
	params_flag(params, app, "tenant", FLAG_TENANT);
	if (access != NULL) {
		bool yes = strcmp(access, "yes") == 0;

		if (!yes && strcmp(access, "no") != 0) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--api-access '%s': want yes or no", access);
		}
		params_bool(params, "api_access", yes);
	}
	if (app->args.given[FLAG_ATTRIBUTE] &&
		!params_map(params, "attributes", &app->args.lists[FLAG_ATTRIBUTE])) {
		return app_fail(app, EXIT_USAGE, "usage", "--attribute wants NAME=TEXT");
	}
	return EXIT_YES;
}
