/* SPDX-License-Identifier: Apache-2.0 */

/* store set and upgrade: what is the same on all hosts of a shared store. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/verb.h"

/* What is set, and the value that unsets it. */
static const struct {
	const char *name;
	const char *nothing;
} settings[] = {
	{ "max_lag", "none" },
	{ "standbys", "unknown" },
	{ "policy", "any" },
};

static int run_set(struct app *app)
{
	const char *name = app->args.words[0], *value = app->args.words[1];
	struct params params;

	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
		if (strcmp(settings[i].name, name) != 0) {
			continue;
		}
		params_begin(&params);
		if (strcmp(value, settings[i].nothing) == 0) {
			params_nil(&params, name);
		} else {
			params_text(&params, name, value);
		}
		return verb_call(app, &params);
	}
	return app_fail(app, EXIT_USAGE, "usage",
		"store set '%.64s': there are max_lag, standbys and policy", name);
}

static int show_set(struct app *app, struct wire_cursor answer)
{
	int64_t lag = record_int(answer, "max_lag_ms", 0);
	const char *standbys = record_text(&app->arena, answer, "standbys");
	const char *policy = record_text(&app->arena, answer, "policy");

	printf("max_lag %s, standbys %s, policy %s\n",
		lag > 0 ? app_text(app, "%" PRId64 " ms", lag) : "none",
		standbys[0] != '\0' ? standbys : "unknown", policy[0] != '\0' ? policy : "any");
	return EXIT_YES;
}

static int show_upgraded(struct app *app, struct wire_cursor answer)
{
	int64_t before = record_int(answer, "before", 0), format = record_int(answer, "format", 0);

	(void)app;
	if (before == format) {
		printf("format %" PRId64 " is the latest that this host knows\n", format);
	} else {
		printf("format %" PRId64 " in place of %" PRId64 "\n", format, before);
	}
	return EXIT_YES;
}

const struct command commands_store_set[STORE_SET_COMMANDS] = {
	{
		.name = "store set",
		.words = "SETTING VALUE",
		.summary = "Set what all hosts of a shared store go by",
		.text = "max_lag 3s      a host that knows nothing newer than that allows\n"
			"                nothing; none: there is no bound. Longer than the\n"
			"                database takes to fail over.\n"
			"standbys synchronous|none\n"
			"                what the database has; unknown: then time proves\n"
			"                nothing, and --everywhere needs a report of each host\n"
			"policy REVISION hosts with another policy only end things; any: each\n"
			"                host judges by its own\n",
		.examples = "  authzcheck store set max_lag 30s\n"
			    "  authzcheck store set standbys synchronous\n"
			    "  authzcheck store set policy e0640041c75228d0\n",
		.min_words = 2,
		.run = run_set,
		.method = "store.set",
		.show = show_set,
	},
	{
		.name = "store upgrade",
		.summary = "Let all hosts of a shared store write its latest format",
		.text = "After the last host runs a new version. It is refused while a host\n"
			"cannot read that format, and names these hosts. A version that\n"
			"cannot read it can then not come back.\n",
		.examples = "  authzcheck store upgrade\n",
		.run = verb_run,
		.method = "store.upgrade",
		.show = show_upgraded,
	},
};
