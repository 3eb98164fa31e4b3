/* SPDX-License-Identifier: Apache-2.0 */

/* principal: the verbs of principals. */

#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/suggest.h"
#include "tools/verb.h"

/* The record that the daemon answers is the one that was: active, as if nothing had been done. */
static int show_deleted(struct app *app, struct wire_cursor record)
{
	printf("deleted: principal %s; its keys are revoked\n",
		record_text(&app->arena, record, "id"));
	return EXIT_YES;
}

/* Shows the record. An attribute whose name is nearly that of a fact may be a slip. */
static int show_written(struct app *app, struct wire_cursor record)
{
	const struct args_list *attributes =
		&app->args.lists[app->command->edits ? FLAG_SET_ATTRIBUTE : FLAG_ATTRIBUTE];
	int status = show_principal(app, record);

	for (size_t i = 0; status == EXIT_YES && i < attributes->count; i++) {
		struct pol_str item = attributes->items[i];
		const char *sign = memchr(item.ptr, '=', item.len);

		if (sign != NULL) {
			suggest_print(app,
				&(struct suggest_name){ "attribute",
					app_text(app, "%.*s", (int)(sign - item.ptr), item.ptr) });
		}
	}
	return status;
}

const struct command commands_principal[PRINCIPAL_COMMANDS] = {
	{
		.name = "principal create",
		.words = "ID",
		.summary = "Create a principal: a person or a service",
		.text = "It holds no role before one is assigned. What the policy's conditions "
			"read as\n"
			"the fact principal.branch is the attribute branch. Its text must be of "
			"the\n"
			"fact's type: limit=500, regions=EU,US, from=2026-07-01T08:00:00Z.\n",
		.examples = "  authzcheck principal create alice --name 'Alice Baker' --kind user\n"
			    "  authzcheck principal create dora --attribute branch=north \\\n"
			    "      --attribute refund_limit=500\n",
		.flags = { FLAG_NAME, FLAG_KIND, FLAG_ATTRIBUTE, FLAG_API_ACCESS, FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "principals.create",
		.params = { "id" },
		.show = show_written,
	},
	{
		.name = "principal list",
		.summary = "List principals",
		.examples = "  authzcheck principal list\n"
			    "  authzcheck principal list --json | jq -r '.items[].id'\n",
		.flags = { FLAG_TENANT, LIST_FLAGS },
		.by_token = true,
		.run = list_run,
		.list = &show_principals,
	},
	{
		.name = "principal show",
		.words = "ID",
		.summary = "Show one principal: its roles and places, its keys, and what it may do",
		.text = "What it may do is what its roles allow and do not deny now, in every\n"
			"place. Stacks, networks and hours are not considered. --columns are\n"
			"those of the roles. With a token that may not list keys there are none.\n",
		.examples = "  authzcheck principal show alice\n"
			    "  authzcheck principal show alice --json | jq '.assignments'\n"
			    "  authzcheck principal show alice --json | jq '.permissions'\n",
		.flags = { FLAG_TENANT, LIST_FLAGS },
		.min_words = 1,
		.by_token = true,
		.run = principal_show_run,
		.method = "principals.get",
	},
	{
		.name = "principal edit",
		.words = "ID",
		.summary = "Change a principal's name, attributes or use of the API",
		.text = "An empty --name '' removes the name. --attribute sets one and keeps the\n"
			"others; --remove-attribute removes some, and an empty --attribute '' "
			"all.\n"
			"Those that the policy declares as facts must be of their types, as\n"
			"--attribute limit=500 or regions=EU,US. After --api-access no, every key\n"
			"of the principal is refused, until it is yes again.\n",
		.examples = "  authzcheck principal edit alice --name 'Alice Smith'\n"
			    "  authzcheck principal edit dora --attribute branch=south\n"
			    "  authzcheck principal edit dora --remove-attribute refund_limit\n"
			    "  authzcheck principal edit alice --api-access no\n",
		.flags = { FLAG_NAME, FLAG_SET_ATTRIBUTE, FLAG_REMOVE_ATTRIBUTE, FLAG_API_ACCESS,
			FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.edits = true,
		.run = verb_run,
		.method = "principals.update",
		.params = { "id" },
		.show = show_written,
	},
	{
		.name = "principal disable",
		.words = "ID",
		.summary = "Switch a principal off, and its keys with it",
		.text = "principal enable switches it on again.\n",
		.examples = "  authzcheck principal disable alice\n",
		.flags = { FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "principals.disable",
		.params = { "id" },
		.show = show_principal,
	},
	{
		.name = "principal enable",
		.words = "ID",
		.summary = "Switch a principal on again",
		.text = "Its keys work again, except those that are switched off themselves.\n",
		.examples = "  authzcheck principal enable alice\n",
		.flags = { FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "principals.enable",
		.params = { "id" },
		.show = show_principal,
	},
	{
		.name = "principal delete",
		.words = "ID",
		.summary = "Delete a principal; its keys are revoked",
		.text = "Its assignments are deleted too, and its keys are revoked for ever.\n",
		.examples = "  authzcheck principal delete alice\n",
		.flags = { FLAG_TENANT },
		.min_words = 1,
		.by_token = true,
		.run = verb_run,
		.method = "principals.delete",
		.params = { "id" },
		.show = show_deleted,
	},
};
