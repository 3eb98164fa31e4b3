/* SPDX-License-Identifier: Apache-2.0 */

/* key renew: the holder of a key that is due fetches its successor. */

#include "tools/commands/commands.h"
#include "tools/show.h"
#include "tools/token.h"

static int run(struct app *app)
{
	struct params params;
	struct wire_cursor record;
	bool given = false;
	int status;

	params_begin(&params);
	status = token_put(app, &params, &given);
	if (status == EXIT_YES && !given) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"whose? give the current secret: --token-file FILE, --token - or "
			"$AUTHZ_TOKEN");
	}
	if (status != EXIT_YES) {
		params_finish(&params);
		return status;
	}
	status = rpc_call(app, "keys.renew", &params, &record);
	return status == EXIT_YES ? show_secret(app, record) : status;
}

static const enum flag flags[] = { FLAG_TOKEN, FLAG_TOKEN_FILE };

const struct command command_key_renew = {
	.name = "key renew",
	.words = "",
	.summary = "As its holder, fetch the successor of a secret that is due",
	.text = "For keys on a schedule (--rotate-every), when they are due. The new secret is "
		"good "
		"from\n"
		"its first use on, and the old one for a while after that, but never longer than "
		"the\n"
		"schedule gives it. When standard output is no terminal, the secret alone is "
		"written\n"
		"there.\n",
	.examples = "  (umask 077; authzcheck key renew --token-file ci.key >ci.new && mv ci.new "
		    "ci.key)\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
