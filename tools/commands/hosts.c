/* SPDX-License-Identifier: Apache-2.0 */

/* hosts: those that share a store, and how far each has come. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/verb.h"

static const struct record_field columns[] = {
	{ "name", "HOST", RECORD_TEXT },
	{ "applied", "APPLIED", RECORD_INT },
	{ "lacks", "LACKS", RECORD_INT },
	{ "seen_ms", "LAST LOOK", RECORD_AGO },
	{ "clock_ms", "CLOCK", RECORD_AHEAD },
	{ "revision", "POLICY", RECORD_TEXT },
	{ "version", "VERSION", RECORD_TEXT },
	{ "state", "STATE", RECORD_STATUS },
	{ "problem", "PROBLEM", RECORD_TEXT },
};

static const char *const spare[] = { "VERSION", "POLICY", "CLOCK", NULL };

static const struct list show_hosts = {
	.method = "hosts.list",
	.what = "hosts",
	.columns = columns,
	.count = sizeof columns / sizeof columns[0],
	.spare = spare,
};

static int show_forgotten(struct app *app, struct wire_cursor answer)
{
	printf("%s forgotten\n",
		app_count(app, (uint64_t)record_int(answer, "forgotten", 0), "row"));
	return EXIT_YES;
}

const struct command commands_hosts[HOSTS_COMMANDS] = {
	{
		.name = "hosts",
		.summary = "List the hosts that share this store",
		.text = "LACKS is how many changes a host has not applied yet, CLOCK how far its\n"
			"clock is ahead of the database's. STATE is live, late, gone or\n"
			"diverged; PROBLEM says why a host does not go on. Two rows of one name\n"
			"are two starts of a host, or two hosts that have the same name.\n",
		.examples =
			"  authzcheck hosts\n"
			"  authzcheck hosts --json | jq -r '.items[] | select(.lacks > 0).name'\n",
		.flags = { LIST_FLAGS },
		.run = list_run,
		.list = &show_hosts,
	},
	{
		.name = "hosts forget",
		.words = "HOST",
		.summary = "Say that a host will never come back",
		.text = "Removes its rows, by its name or by one instance of hosts --json, so\n"
			"that --everywhere does not wait for it. Be sure that it is off: a host\n"
			"that is forgotten and alive may allow what was revoked everywhere.\n",
		.examples = "  authzcheck hosts forget web3\n",
		.min_words = 1,
		.run = verb_run,
		.method = "hosts.forget",
		.params = { "host" },
		.show = show_forgotten,
	},
};
