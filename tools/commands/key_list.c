/* SPDX-License-Identifier: Apache-2.0 */

/* key list: the keys, as a table. */

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/text.h"

static const char *const titles[] = { "KEY", "NAME", "LABEL", "STATUS", "ENVIRONMENT", "PRINCIPAL",
	"ROLES", "SCOPES", "CREATED", "BY", "EXPIRES", "LAST USED" };

static void row(
	struct app *app, struct pol_arena *arena, struct wire_cursor item, struct table_cell *cells)
{
	size_t at = 0;

	cells[at++].text = record_text(arena, item, "id");
	cells[at++].text = record_text(arena, item, "name");
	cells[at++].text = record_text(arena, item, "label");
	cells[at++] = list_status(arena, item);
	cells[at++].text = record_text(arena, item, "environment");
	cells[at++].text = record_text(arena, item, "principal");
	cells[at++].text = record_list(arena, item, "roles");
	cells[at++].text = record_list(arena, item, "scopes");
	cells[at++].text = record_when(app, item, "created_at", "");
	cells[at++].text = record_text(arena, item, "created_by");
	cells[at++].text = record_when(app, item, "expires_at", "never");
	cells[at++].text = record_when(app, item, "last_used_at", "never");
}

static void fill(void *context, struct params *params)
{
	const struct app *app = context;

	params_flag(params, app, "principal", FLAG_PRINCIPAL);
	params_flag(params, app, "label", FLAG_LABEL);
	params_flag(params, app, "status", FLAG_STATUS);
	params_flag(params, app, "tenant", FLAG_TENANT);
}

static int run(struct app *app)
{
	static const struct list list = { "keys.list", "keys", titles,
		sizeof titles / sizeof titles[0], fill, row };

	return list_run(app, &list);
}

static const enum flag flags[] = { FLAG_PRINCIPAL, FLAG_LABEL, FLAG_STATUS, FLAG_TENANT };

const struct command command_key_list = {
	.name = "key list",
	.words = "",
	.summary = "List keys",
	.text = "STATUS is active, inactive, expired, revoked or deleted; without it deleted keys "
		"are not\n"
		"shown.\n",
	.examples = "  authzcheck key list\n"
		    "  authzcheck key list --principal alice --status active\n"
		    "  authzcheck key list --json | jq -r '.items[].id'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 0,
	.by_token = true,
	.run = run,
};
