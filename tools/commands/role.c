/* SPDX-License-Identifier: Apache-2.0 */

/* role: the verbs of roles. */

#include "tools/commands/commands.h"
#include "tools/show.h"
#include "tools/verb.h"

const struct command commands_role[ROLE_COMMANDS] = {
	{
		.name = "role create",
		.words = "NAME",
		.summary = "Create a role in the store, beside those of the policy",
		.text = "Each --grant is written as in the policy's files. Its pattern selects\n"
			"the permissions that the policy has now; role edit with the same\n"
			"grants adds those of a later policy. The name of one of the policy's\n"
			"roles is refused, in any case; if a later policy takes the name, the\n"
			"role of the store allows nothing until it is created under another.\n",
		.examples = "  authzcheck role create cleaner --grant 'allow delete on "
			    "api:/loans/{loan}'\n"
			    "  authzcheck role create team --inherits viewer,cleaner \\\n"
			    "      --description 'The team'\n",
		.flags = { FLAG_DESCRIPTION, FLAG_INHERITS, FLAG_GRANT, FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "roles.create",
		.params = { "name" },
		.show = show_role,
	},
	{
		.name = "role list",
		.summary = "List roles, those of the policy included",
		.examples = "  authzcheck role list\n"
			    "  authzcheck role list --json |\n"
			    "      jq -r '.items[] | select(.declared | not).name'\n",
		.flags = { FLAG_TENANT },
		.by_token = true,
		.run = list_run,
		.list = &show_roles,
	},
	{
		.name = "role show",
		.words = "NAME",
		.summary = "Show one role, with its grants as written",
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
		.name = "role edit",
		.words = "NAME",
		.summary = "Change a role of the store; it holds for the next request",
		.text = "What is given replaces what was there; an empty value ('') removes it.\n",
		.examples = "  authzcheck role edit cleaner --grant 'allow delete on "
			    "api:/loans/{loan}' \\\n"
			    "      --grant 'deny GET on api:/files/**'\n"
			    "  authzcheck role edit team --inherits ''\n",
		.flags = { FLAG_DESCRIPTION, FLAG_INHERITS, FLAG_GRANT, FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.edits = true,
		.run = verb_run,
		.method = "roles.update",
		.params = { "name" },
		.show = show_role,
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
		.show = show_role,
	},
};
