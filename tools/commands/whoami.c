/* SPDX-License-Identifier: Apache-2.0 */

/* whoami: who the daemon takes this caller for, and what it may do there. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/document.h"
#include "tools/record.h"
#include "tools/resources.h"
#include "tools/rpc.h"

static bool on_item(void *context, struct wire_cursor item)
{
	struct resources *resources = context;

	return resources_add(resources, record_str(item, "resource"),
		record_list(&resources->app->arena, item, "actions"), (struct pol_str){ 0 });
}

static void print_pair(struct app *app, struct wire_cursor result, const char *name)
{
	const char *value = record_text(&app->arena, result, name);

	if (value[0] != '\0') {
		printf("%-9s  %s\n", name, value);
	}
}

static int run(struct app *app)
{
	struct resources resources = { .app = app };
	struct wire_cursor result;
	struct params params;
	int status;

	params_begin(&params);
	status = rpc_call(app, "whoami", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		app_document(app, document_wire(result));
		return EXIT_YES;
	}
	print_pair(app, result, "actor");
	print_pair(app, result, "principal");
	print_pair(app, result, "tenant");
	if (record_bool(result, "everything", false)) {
		puts("may do everything");
		return EXIT_YES;
	}
	record_each(result, "items", on_item, &resources);
	resources_print(&resources);
	if (record_bool(result, "more", false)) {
		puts("... and more");
	}
	return EXIT_YES;
}

const struct command command_whoami = {
	.name = "whoami",
	.summary = "Show who you are to the daemon, and what you may manage",
	.text = "The user of this process or, with a token, its key; and what that may\n"
		"do in the tree authz, by 'manage' lines of authzd.conf or by the\n"
		"token's roles and scopes.\n",
	.examples = "  authzcheck whoami\n"
		    "  authzcheck whoami --token-file key.txt\n",
	.by_token = true,
	.run = run,
};
