/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/everywhere.h"

#include <inttypes.h>
#include <string.h>

#include "tools/record.h"

bool everywhere_changes(const char *method)
{
	static const char *const verbs[] = { "create", "update", "disable", "enable", "rotate",
		"finish", "prolong", "rollback", "renew", "revoke", "delete", "restore", "purge",
		"import", "set" };
	const char *dot = method != NULL ? strchr(method, '.') : NULL;

	for (size_t i = 0; dot != NULL && i < sizeof verbs / sizeof verbs[0]; i++) {
		if (strcmp(dot + 1, verbs[i]) == 0) {
			return true;
		}
	}
	return false;
}

int everywhere_check(struct app *app)
{
	if (!app->args.given[FLAG_EVERYWHERE]) {
		return EXIT_YES;
	}
	if (!everywhere_changes(app->command->method)) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--everywhere is for commands that change keys, principals, roles, "
			"assignments, tenants or settings, and '%s' does not",
			app->command->name);
	}
	if (app->args.given[FLAG_LOCAL]) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--everywhere and --local exclude each other");
	}
	return EXIT_YES;
}

void everywhere_put(struct app *app, const char *method, struct params *params)
{
	if (app->args.given[FLAG_AS_OF]) {
		params_text(params, "as_of", app->args.values[FLAG_AS_OF]);
	}
	if (app->args.given[FLAG_EVERYWHERE] && everywhere_changes(method)) {
		params_bool(params, "everywhere", true);
	}
}

void everywhere_read(struct app *app, struct wire_cursor result)
{
	const char *names;
	int64_t total;

	/* Where a command changes many keys, only the first one is reported. */
	if (!app->args.given[FLAG_EVERYWHERE] || app->not_everywhere ||
		record_bool(result, "everywhere", true)) {
		return;
	}
	names = record_list(&app->arena, result, "lacking");
	total = record_int(result, "lacking_total", 0);
	app_warn(app,
		"the change is made, but not every host reported it: %" PRId64
		" may still lack it (%s): see authzcheck hosts",
		total, names);
	app->not_everywhere = true;
}
