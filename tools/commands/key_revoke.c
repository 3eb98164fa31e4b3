/* SPDX-License-Identifier: Apache-2.0 */

/* key revoke: ends a key for good. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_key_by_id(app, "keys.revoke");
}

const struct command command_key_revoke = {
	.name = "key revoke",
	.words = "KEY",
	.summary = "Revoke a key for good; the next request is refused",
	.text = "There is no way back: for a while only, there is key disable.\n",
	.examples = "  authzcheck key revoke 13kT9aQ2mZx7\n",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
