/* SPDX-License-Identifier: Apache-2.0 */

/* key finish: end the old secret of a rotation now. */

#include "tools/commands/commands.h"
#include "tools/show.h"

static int run(struct app *app)
{
	return show_key_by_id(app, "keys.finish");
}

const struct command command_key_finish = {
	.name = "key finish",
	.words = "KEY",
	.summary = "End the old secret of a rotation now",
	.text = "The new secret is the only one from then on, for the very next request. While the "
		"new one\n"
		"waits for its first use there is no old one to end: see key rollback.\n",
	.examples = "  authzcheck key finish 13kT9aQ2mZx7\n",
	.min_words = 1,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
