/* SPDX-License-Identifier: Apache-2.0 */

/* reload: read the policy folder now. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/rpc.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor result;
	int status;

	params_begin(&params);
	status = rpc_call(app, "policy.reload", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		app_document(app, document_wire(result));
	} else {
		printf("revision %s\n", record_text(&app->arena, result, "revision"));
	}
	return EXIT_YES;
}

const struct command command_reload = {
	.name = "reload",
	.words = "",
	.summary = "Make the daemon read its policy folder now",
	.text = "The daemon notices changes by itself; this waits until it has, and prints the\n"
		"diagnostics of a policy that it refuses, exit status 1: the old one goes on.\n",
	.examples = "  authzcheck reload\n",
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
