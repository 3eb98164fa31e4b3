/* SPDX-License-Identifier: Apache-2.0 */

/* principal delete: removes a principal, and revokes its keys. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_principal_by_id(app, "principals.delete");
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_principal_delete = {
	.name = "principal delete",
	.words = "ID",
	.summary = "Delete a principal; its keys are revoked",
	.text = "Its assignments go with it, its keys are revoked for good.\n",
	.examples = "  authzcheck principal delete alice\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
