/* SPDX-License-Identifier: Apache-2.0 */

/* key rollback: undo a rotation. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_key_by_id(app, "keys.rollback");
}

const struct command command_key_rollback = {
	.name = "key rollback",
	.words = "KEY",
	.summary = "Undo a rotation while the old secret lives",
	.text = "The old secret is the current one again, and the new one is dead at once. A new "
		"one that "
		"waits\n"
		"for its first use is dropped.\n",
	.examples = "  authzcheck key rollback 13kT9aQ2mZx7\n",
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
