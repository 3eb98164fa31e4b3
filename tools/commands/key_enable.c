/* SPDX-License-Identifier: Apache-2.0 */

/* key enable: switches a key on again. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_key_by_id(app, "keys.enable");
}

const struct command command_key_enable = {
	.name = "key enable",
	.words = "KEY",
	.summary = "Switch a key on again",
	.text = "A revoked key stays revoked.\n",
	.examples = "  authzcheck key enable 13kT9aQ2mZx7\n",
	.min_words = 1,
	.max_words = 1,
	.run = run,
};
