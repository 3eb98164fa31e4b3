/* SPDX-License-Identifier: Apache-2.0 */

/* store join, leave and rejoin: this host's part in a shared store. */

#include <inttypes.h>
#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/work.h"

static void print_copy(struct app *app, struct wire_cursor answer)
{
	const char *copy = record_text(&app->arena, answer, "copy");

	if (copy[0] != '\0') {
		printf("the store as it was before is in %s\n", copy);
	}
}

static int show_joined(struct app *app, struct wire_cursor answer)
{
	printf("this host shares realm %s, epoch %" PRId64 ", as of %s\n",
		record_text(&app->arena, answer, "realm"), record_int(answer, "epoch", 0),
		record_text(&app->arena, answer, "as_of"));
	print_copy(app, answer);
	return EXIT_YES;
}

static int show_left(struct app *app, struct wire_cursor answer)
{
	printf("this host has a store of its own again\n");
	print_copy(app, answer);
	return EXIT_YES;
}

/* --- rejoin ----------------------------------------------------------------------------------- */

/* "#12 keys.revoke key 13kT9aQ2mZx7 by uid:0@a" */
static bool on_lost(void *context, struct wire_cursor item)
{
	struct app *app = context;
	const char *tenant = record_text(&app->arena, item, "tenant");

	printf("  #%" PRId64 " %s %s %s%s%s by %s, %s\n", record_int(item, "sequence", 0),
		record_text(&app->arena, item, "action"), record_text(&app->arena, item, "kind"),
		record_text(&app->arena, item, "target"), tenant[0] != '\0' ? " of tenant " : "",
		tenant, record_text(&app->arena, item, "actor"),
		record_when(app, item, "time", "at no known time"));
	return true;
}

static int show_rejoin(struct app *app, struct wire_cursor answer)
{
	int64_t total = record_int(answer, "total", 0);

	printf("%s that the log does not have, after %s:\n",
		app_count(app, (uint64_t)total, "change"),
		record_text(&app->arena, answer, "place"));
	record_each(answer, "items", on_lost, app);
	if (!app->args.given[FLAG_YES]) {
		fprintf(stderr, "authzcheck: nothing was done: --yes switches off, on all hosts, "
				"what these "
				"changes touched, and begins again from the log\n");
		return EXIT_NO;
	}
	printf("switched off everywhere: %s\n",
		app_count(app, (uint64_t)record_int(answer, "denied", 0), "record"));
	return show_joined(app, answer);
}

static int run_rejoin(struct app *app)
{
	struct params params;

	params_begin(&params);
	if (app->args.given[FLAG_YES]) {
		params_bool(&params, "confirm", true);
	}
	if (app->args.given[FLAG_ACCEPT_ROLLBACK]) {
		params_bool(&params, "accept_rollback", true);
	}
	return work_finish(app, &params);
}

const struct command commands_store_join[STORE_JOIN_COMMANDS] = {
	{
		.name = "store join",
		.summary = "Begin on this host from the store that others share",
		.text = "The configuration must have a line 'shared CONNINFO', and the files\n"
			"of pepper and master must be those of the first host. --at takes the\n"
			"place that store share, or a change with --json, printed there: a\n"
			"database that does not have that change is refused. Without --at the\n"
			"database is believed. A store that has keys or principals is not\n"
			"replaced, except with --discard; then a copy stays.\n",
		.examples = "  authzcheck store join --at 1-9f86d081884c7d65\n",
		.flags = { FLAG_AT_PLACE, FLAG_DISCARD },
		.long_work = true,
		.run = work_run,
		.method = "store.join",
		.show = show_joined,
	},
	{
		.name = "store leave",
		.summary = "Give this host a store of its own again, with all that it has",
		.text = "The other hosts, and the database, stay as they are. What is revoked\n"
			"there later still works here: end what should not.\n",
		.examples = "  authzcheck store leave\n",
		.long_work = true,
		.run = work_run,
		.method = "store.leave",
		.show = show_left,
	},
	{
		.name = "store rejoin",
		.summary = "List what a host has that the shared log lost, and begin again",
		.text = "For a host that has diverged: it made or applied changes that the\n"
			"database lost, as after the fail-over of an asynchronous standby.\n"
			"Without --yes they are listed and nothing is done, with exit status\n"
			"1. With --yes every key and principal that they touched is switched\n"
			"off on all hosts, until somebody looks, and this host begins again\n"
			"from the log; a copy of its store stays. With --accept-rollback as\n"
			"well nothing is switched off: the changes are given up.\n",
		.examples = "  authzcheck store rejoin\n"
			    "  authzcheck store rejoin --yes\n",
		.flags = { FLAG_YES, FLAG_ACCEPT_ROLLBACK },
		.long_work = true,
		.run = run_rejoin,
		.method = "store.rejoin",
		.show = show_rejoin,
	},
};
