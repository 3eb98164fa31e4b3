/* SPDX-License-Identifier: Apache-2.0 */

/* store restore: finds authzd, which does it, and reports the outcome. */

#include "tools/commands/commands.h"
#include "tools/offline.h"

static int run(struct app *app)
{
	struct offline offline = { .words = { "--restore", app->args.words[0] },
		.failed = "nothing was restored" };
	size_t count = 2;
	int status;

	if (app->args.given[FLAG_ACCEPT_ROLLBACK]) {
		offline.words[count++] = "--accept-rollback";
	}
	if (app->args.given[FLAG_ACCEPT_LOST]) {
		offline.words[count++] = "--accept-lost-keys";
	}
	status = offline_run(app, &offline);
	if (status == EXIT_YES && app->want_json) {
		app_document(app, json_pack("{s:o, s:b}", "file", document_text(app->args.words[0]),
					  "restored", true));
	}
	return status;
}

const struct command command_store_restore = {
	.name = "store restore",
	.words = "FILE",
	.summary = "Put a copy in the store's place, while no daemon runs",
	.text = "Stop the daemon first. The store that is there stays beside the new\n"
		"one, as store.mdb.before; the pepper must be there. A copy that lacks\n"
		"changes which the head of the audit trail knows is refused, for keys\n"
		"that were revoked since would work again: --accept-rollback takes it\n"
		"all the same, and the trail says so. A copy with keys that need a\n"
		"pepper which the daemon's pepper file no longer holds is refused too:\n"
		"put back the pepper file of that time first. --accept-lost-keys takes\n"
		"it, and these keys are unknown.\n",
	.examples = "  systemctl stop authzd\n"
		    "  authzcheck store restore /var/backups/authz-2026-11-22\n",
	.flags = { FLAG_STATE, FLAG_CONFIG, FLAG_ACCEPT_ROLLBACK, FLAG_ACCEPT_LOST },
	.min_words = 1,
	.run = run,
};
