/* SPDX-License-Identifier: Apache-2.0 */

/* key rotate: another secret for a key, or for many. */

#include "tools/bulk.h"
#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/when.h"

/* What has ended is not brought back by another secret; its own schedule alone may have ended
 * it. */
static bool wants(const struct app *app, struct wire_cursor record)
{
	int64_t expires_at = record_int(record, "expires_at", 0);

	return !pol_str_equal(record_str(record, "status"), POL_STR("revoked")) &&
	       (expires_at == 0 || expires_at > app->now);
}

static int fill(struct app *app, struct params *params)
{
	int64_t overlap;
	int status;

	params_flag(params, app, "mode", FLAG_MODE);
	if (app->args.given[FLAG_FINISH_OLD]) {
		params_bool(params, "finish_old", true);
	}
	if (!app->args.given[FLAG_OVERLAP]) {
		return EXIT_YES;
	}
	status = when_option_duration(app, FLAG_OVERLAP, &overlap);
	if (status == EXIT_YES) {
		params_int(params, "overlap", overlap);
	}
	return status;
}

static int run(struct app *app)
{
	static const struct bulk bulk = {
		.method = "keys.rotate",
		.verb = "rotate",
		.done = "rotated",
		.status = NULL,
		.wants = wants,
		.fill = fill,
		.show = show_secret,
	};

	return bulk_run(app, &bulk);
}

static const enum flag flags[] = { FLAG_MODE, FLAG_OVERLAP, FLAG_FINISH_OLD, BULK_FLAGS };

const struct command command_key_rotate = {
	.name = "key rotate",
	.words = "[KEY]",
	.summary = "Give a key another secret, or many; shown once",
	.text = "The key's id, scopes, limits and history stay. --mode overlap: the new secret is\n"
		"good at once, and the old one for --overlap more (the policy's rotation_overlap\n"
		"unless told). --mode confirm: the same, but the old one's time begins when the "
		"new\n"
		"one is first used; it has 7 days for that. --mode immediate, after a leak: the "
		"old\n"
		"one is dead at once. When standard output is no terminal, the secret alone is "
		"written\n"
		"there. Without KEY it is done to every key that the options name, after asking; "
		"each\n"
		"line is then the key's id and its new secret.\n",
	.examples = "  (umask 077; authzcheck key rotate 13kT9aQ2mZx7 --mode confirm >new.key)\n"
		    "  authzcheck key rotate 13kT9aQ2mZx7 --mode immediate --finish-old\n"
		    "  (umask 077; authzcheck key rotate --all --label ci --yes >ci.keys)\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 1,
	.by_token = true,
	.run = run,
};
