/* SPDX-License-Identifier: Apache-2.0 */

/* key purge: take a deleted key away for good, or many. */

#include <stdio.h>

#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/record.h"

static int show(struct app *app, struct wire_cursor answer)
{
	if (app->want_json) {
		app_document(app, document_wire(answer));
	} else {
		printf("%s is gone\n", record_text(&app->arena, answer, "id"));
	}
	return EXIT_YES;
}

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.purge",
		.verb = "purge",
		.done = "purged",
		.status = "deleted",
		.show = show,
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { BULK_FLAGS };

const struct command command_key_purge = {
	.name = "key purge",
	.words = "[KEY]",
	.summary = "Take a deleted key away for good, or many",
	.text = "Its history goes with it; the audit trail keeps that it was. Without KEY it is "
		"done to every\n"
		"deleted key that the options name, after asking.\n",
	.examples = "  authzcheck key purge 13kT9aQ2mZx7\n"
		    "  authzcheck key purge --all --dry-run\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.run = run,
};
