/* SPDX-License-Identifier: Apache-2.0 */

/* daemon: the verbs of tenants, and those of the daemon itself. */

#include <inttypes.h>
#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/dangling.h"
#include "tools/diagnostics.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/verb.h"

static int show_pepper(struct app *app, struct wire_cursor answer)
{
	(void)app;
	if (record_int(answer, "staged", -1) >= 0) {
		printf("pepper %" PRId64 " is staged; it is taken into use when all hosts have it, "
		       "within some seconds\n",
			record_int(answer, "staged", -1));
		return EXIT_YES;
	}
	printf("pepper %" PRId64 " is in use; keys move to it when they are used, then the old one "
	       "is dropped\n",
		record_int(answer, "pepper", 0));
	return EXIT_YES;
}

static int show_revision(struct app *app, struct wire_cursor answer)
{
	diagnostics_print(app, answer, stderr);
	printf("revision %s\n", record_text(&app->arena, answer, "revision"));
	dangling_print(app, answer);
	return EXIT_YES;
}

const struct command commands_tenant[TENANT_COMMANDS] = {
	{
		.name = "tenant create",
		.words = "ID",
		.summary = "Create a tenant: keys, principals and roles of its own",
		.text = "A tenant sees only its own; the option --tenant of other commands\n"
			"names it. 'default' always exists. For root and the daemon's own user.\n",
		.examples = "  authzcheck tenant create acme\n"
			    "  authzcheck principal create alice --tenant acme\n",
		.min_words = 1,
		.run = verb_run,
		.method = "tenants.create",
		.params = { "id" },
		.show = show_tenant,
	},
	{
		.name = "tenant list",
		.summary = "List tenants",
		.examples = "  authzcheck tenant list\n",
		.flags = { LIST_FLAGS },
		.run = list_run,
		.list = &show_tenants,
	},
	{
		.name = "tenant disable",
		.words = "ID",
		.summary = "Switch a tenant off: its keys and principals are refused",
		.text = "tenant enable switches it on again.\n",
		.examples = "  authzcheck tenant disable acme\n",
		.min_words = 1,
		.run = verb_run,
		.method = "tenants.disable",
		.params = { "id" },
		.show = show_tenant,
	},
	{
		.name = "tenant enable",
		.words = "ID",
		.summary = "Switch a tenant on again",
		.examples = "  authzcheck tenant enable acme\n",
		.min_words = 1,
		.run = verb_run,
		.method = "tenants.enable",
		.params = { "id" },
		.show = show_tenant,
	},
};

const struct command commands_daemon[DAEMON_COMMANDS] = {
	{
		.name = "pepper rotate",
		.summary = "Take a new pepper into use, without a restart",
		.text = "The file then holds the new pepper and the old one. Each key moves to\n"
			"the new one at its next use; when none is left, the old one is\n"
			"dropped. authzcheck status counts the keys that are left, and key\n"
			"audit names them. Rotate, revoke or purge a key that is no longer\n"
			"used. Keep a copy of the file, apart from copies of the store.\n",
		.examples =
			"  authzcheck pepper rotate\n"
			"  authzcheck key audit --json |\n"
			"      jq -r '.items[] | select(.findings | index(\"old_pepper\")).id'\n",
		.run = verb_run,
		.method = "pepper.rotate",
		.show = show_pepper,
	},
	{
		.name = "reload",
		.summary = "Make the daemon read its policy folder now",
		.text = "The daemon notices changes by itself; this command waits until it has\n"
			"read them. When the daemon refuses the policy, it keeps the old one,\n"
			"and the command prints the errors and exits with status 1. When it\n"
			"accepts the policy, its warnings are printed.\n",
		.examples = "  authzcheck reload\n",
		.run = verb_run,
		.method = "policy.reload",
		.show = show_revision,
	},
	{
		.name = "status",
		.summary = "Show how the daemon is, and which policy is in use",
		.text = "A row for each of these, if there is anything to say:\n"
			"\n"
			"  authzd        version, time since the start, worker threads\n"
			"  policy        revision, when it was loaded, and its size\n"
			"  last good     the folder is broken: an older policy answers\n"
			"  last reload   its outcome; its diagnostics follow the last row\n"
			"  modules       those that are not built in\n"
			"  data          their data files: size, age, why one is refused\n"
			"  decisions     since the start, and the rate of the last 10 s\n"
			"  connections   open, refused, and closed by the daemon\n"
			"  decision log  lines written and dropped\n"
			"  log           the same of standard error, if any were dropped\n"
			"  quotas        counters in use\n"
			"  latency       percentiles\n"
			"  missing       facts that decisions lacked, and how often\n"
			"  old pepper    the keys that still need it\n"
			"  lost keys     those whose pepper its file no longer holds\n"
			"  confinement   what confines the daemon\n"
			"  store         keys, principals, its size, altered records\n"
			"  clock         it was set back\n"
			"  shared        this host's part in a store of several hosts\n"
			"  keys          how many have each status\n"
			"  rotation      keys that are due or overdue to be renewed, or expire "
			"soon\n",
		.examples = "  authzcheck status\n"
			    "  authzcheck status --json | jq -r .policy.revision\n",
		.run = verb_run,
		.method = "status",
		.show = status_show,
	},
};
