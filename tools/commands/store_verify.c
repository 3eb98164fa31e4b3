/* SPDX-License-Identifier: Apache-2.0 */

/* store verify: finds authzd, which does it, and reports the outcome. */

#include "tools/commands/commands.h"
#include "tools/offline.h"

static int run(struct app *app)
{
	const struct offline offline = { .words = { "--verify-store" },
		.failed = "the store is not sound",
		.unchecked = "the store could not be checked" };
	int status = offline_run(app, &offline);

	if (status == EXIT_YES && app->want_json) {
		app_document(app, json_pack("{s:b}", "sound", true));
	}
	return status;
}

const struct command command_store_verify = {
	.name = "store verify",
	.words = "",
	.summary = "Check every page and record of the store, while no daemon runs",
	.text = "Stop the daemon first, or name a copy of its state folder. Each page,\n"
		"the tag of each record, and the head of the audit trail are checked,\n"
		"and nothing is changed. authzd does the same by itself after an end\n"
		"that was not a clean one. Exit status 1: it is damaged; 2: it could not\n"
		"be checked, since a daemon has it open, say.\n",
	.examples = "  systemctl stop authzd\n"
		    "  authzcheck store verify --state /var/lib/authz\n",
	.flags = { FLAG_STATE, FLAG_CONFIG },
	.run = run,
};
