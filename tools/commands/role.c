/* SPDX-License-Identifier: Apache-2.0 */

/* role: the verbs of roles. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/effect.h"
#include "tools/holders.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/verb.h"

static int show_deleted(struct app *app, struct wire_cursor record)
{
	printf("deleted: role %s; its holders have lost it\n",
		record_text(&app->arena, record, "name"));
	return EXIT_YES;
}

static int fill_holders(struct app *app, struct params *params)
{
	params_text(params, "name", app->args.words[0]);
	return EXIT_YES;
}

static int run_holders(struct app *app)
{
	const struct holders holders = { "roles.holders", "nobody", fill_holders };

	return holders_list(app, &holders);
}

const struct command commands_role[ROLE_COMMANDS] = {
	{
		.name = "role create",
		.words = "NAME",
		.summary = "Create a role in the store, beside those of the policy",
		.text = "Each --grant is written as in the policy's files. Its pattern selects\n"
			"the permissions that the policy has now; role edit with the same\n"
			"grants adds those of a later policy. The name of one of the policy's\n"
			"roles is refused, in any case; if a later policy takes the name, the\n"
			"role of the store allows nothing until it is created under another.\n"
			"--dry-run shows what one who holds the role alone would gain, and\n"
			"creates nothing.\n",
		.examples = "  authzcheck role create cleaner --grant 'allow delete on "
			    "api:/loans/{loan}'\n"
			    "  authzcheck role create team --inherits viewer,cleaner \\\n"
			    "      --description 'The team'\n",
		.flags = { FLAG_DESCRIPTION, FLAG_INHERITS, FLAG_GRANT, FLAG_TENANT, FLAG_DRY_RUN },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "roles.create",
		.params = { "name" },
		.show = effect_show,
	},
	{
		.name = "role list",
		.summary = "List roles, those of the policy included",
		.examples = "  authzcheck role list\n"
			    "  authzcheck role list --json |\n"
			    "      jq -r '.items[] | select(.declared | not).name'\n",
		.flags = { FLAG_TENANT, LIST_FLAGS },
		.by_token = true,
		.run = list_run,
		.list = &show_roles,
	},
	{
		.name = "role show",
		.words = "NAME",
		.summary = "Show one role, with its grants as written",
		.text = "The grants of one of the policy's roles have their FILE:LINE. A role\n"
			"of the store is shadowed when the policy's files have its name: then\n"
			"it allows nothing.\n",
		.examples = "  authzcheck role show cleaner\n"
			    "  authzcheck role show cleaner --json | jq '.grants'\n",
		.flags = { FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "roles.get",
		.params = { "name" },
		.show = show_role,
	},
	{
		.name = "role holders",
		.words = "ROLE",
		.summary = "List the principals and keys that have a role",
		.text = "Roles that inherit it are listed first; then the principals, of the\n"
			"policy too, with where and until when they hold it or one of these; then\n"
			"the keys that are bound to roles. A key of a principal has its roles.\n",
		.examples = "  authzcheck role holders collector\n"
			    "  authzcheck role holders collector --json | jq -r '.items[].id'\n",
		.flags = { FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = run_holders,
	},
	{
		.name = "role edit",
		.words = "NAME",
		.summary = "Change a role of the store; it holds for the next request",
		.text = "What is given replaces what was there; an empty value ('') removes it.\n"
			"--dry-run shows what one who holds the role alone would gain and lose,\n"
			"and changes nothing.\n",
		.examples = "  authzcheck role edit cleaner --grant 'allow delete on "
			    "api:/loans/{loan}' \\\n"
			    "      --grant 'deny GET on api:/files/**'\n"
			    "  authzcheck role edit team --inherits viewer --dry-run\n"
			    "  authzcheck role edit team --inherits ''\n",
		.flags = { FLAG_DESCRIPTION, FLAG_INHERITS, FLAG_GRANT, FLAG_TENANT, FLAG_DRY_RUN },
		.min_words = 1,
		.by_token = true,
		.edits = true,
		.run = verb_run,
		.method = "roles.update",
		.params = { "name" },
		.show = effect_show,
	},
	{
		.name = "role delete",
		.words = "NAME",
		.summary = "Delete a role of the store; its holders lose it at once",
		.text = "A role that is created later with the same name is another role.\n",
		.examples = "  authzcheck role delete cleaner\n",
		.flags = { FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "roles.delete",
		.params = { "name" },
		.show = show_deleted,
	},
};
