/* SPDX-License-Identifier: Apache-2.0 */

/* key show: one key's record. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_key_by_id(app, "keys.get");
}

const struct command command_key_show = {
	.name = "key show",
	.words = "KEY",
	.summary = "Show one key, with its last use",
	.text = "Shows everything but the secret, which nobody can show again. KEY is the id that\n"
		"key list prints.\n",
	.examples = "  authzcheck key show 13kT9aQ2mZx7\n"
		    "  authzcheck key show 13kT9aQ2mZx7 --json\n",
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
