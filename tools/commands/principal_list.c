/* SPDX-License-Identifier: Apache-2.0 */

/* principal list: the principals, as a table. */

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/text.h"

static const char *const titles[] = { "PRINCIPAL", "NAME", "KIND", "STATUS", "API ACCESS",
	"CREATED", "SOURCE" };

static void row(
	struct app *app, struct pol_arena *arena, struct wire_cursor item, struct table_cell *cells)
{
	size_t at = 0;

	cells[at++].text = record_text(arena, item, "id");
	cells[at++].text = record_text(arena, item, "name");
	cells[at++].text = record_text(arena, item, "kind");
	cells[at++] = list_status(arena, item);
	cells[at++].text = record_bool(item, "api_access", true) ? "yes" : "no";
	cells[at++].text = record_when(app, item, "created_at", "");
	cells[at++].text = record_bool(item, "declared", false) ? "policy" : "";
}

static void fill(void *context, struct params *params)
{
	const struct app *app = context;

	params_flag(params, app, "tenant", FLAG_TENANT);
}

static int run(struct app *app)
{
	static const struct list list = { "principals.list", "principals", titles,
		sizeof titles / sizeof titles[0], fill, row };

	return list_run(app, &list);
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_principal_list = {
	.name = "principal list",
	.words = "",
	.summary = "List principals",
	.text = NULL,
	.examples = "  authzcheck principal list\n"
		    "  authzcheck principal list --json | jq -r '.items[].id'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 0,
	.by_token = true,
	.run = run,
};
