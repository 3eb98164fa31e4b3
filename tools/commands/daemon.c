/* SPDX-License-Identifier: Apache-2.0 */

/* daemon: the verbs of tenants, and those of the daemon itself. */

#include <inttypes.h>
#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/verb.h"

static int show_pepper(struct app *app, struct wire_cursor answer)
{
	(void)app;
	printf("pepper %" PRId64 " is in use; keys move to it when they are used, then the old one "
	       "is dropped\n",
		record_int(answer, "pepper", 0));
	return EXIT_YES;
}

static int show_revision(struct app *app, struct wire_cursor answer)
{
	printf("revision %s\n", record_text(&app->arena, answer, "revision"));
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
			"and the command prints the diagnostics and exits with status 1.\n",
		.examples = "  authzcheck reload\n",
		.run = verb_run,
		.method = "policy.reload",
		.show = show_revision,
	},
	{
		.name = "status",
		.summary = "Show how the daemon is, and which policy is in use",
		.text = "Revision, uptime, keys, rate, latency percentiles, and the outcome of\n"
			"the last reload, with the diagnostics of a policy that was refused.\n",
		.examples = "  authzcheck status\n"
			    "  authzcheck status --json | jq -r .policy.revision\n",
		.run = verb_run,
		.method = "status",
		.show = status_show,
	},
};
