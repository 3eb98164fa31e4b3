/* SPDX-License-Identifier: Apache-2.0 */

/* pepper rotate: a new pepper, the old one good until no key needs it. */

#include <inttypes.h>
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
	status = rpc_call(app, "pepper.rotate", &params, &result);
	if (status != EXIT_YES) {
		return status;
	}
	if (app->want_json) {
		app_document(app, document_wire(result));
	} else {
		printf("pepper %" PRId64 " is in use; keys move to it when they are used, and then "
		       "the old one goes\n",
			record_int(result, "pepper", 0));
	}
	return EXIT_YES;
}

const struct command command_pepper_rotate = {
	.name = "pepper rotate",
	.words = "",
	.summary = "Take a new pepper into use, without a restart",
	.text = "The file holds the new one and the old one. Each key moves to the new one when it "
		"is used\n"
		"next; when none is left, the old one is dropped. authzcheck status counts those "
		"that are\n"
		"left, key audit names them; one that nobody uses any more is to be rotated, "
		"revoked "
		"or\n"
		"purged. Keep a copy of the file, apart from copies of the store.\n",
	.examples = "  authzcheck pepper rotate\n"
		    "  authzcheck key audit --json | jq -r '.items[] | "
		    "select(.findings | index(\"old_pepper\")) | .id'\n",
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
