/* SPDX-License-Identifier: Apache-2.0 */

/* key disable: switches a key off. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_key_by_id(app, "keys.disable");
}

const struct command command_key_disable = {
	.name = "key disable",
	.words = "KEY",
	.summary = "Switch a key off; the next request is refused",
	.text = "It can be switched on again with key enable.\n",
	.examples = "  authzcheck key disable 13kT9aQ2mZx7\n",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
