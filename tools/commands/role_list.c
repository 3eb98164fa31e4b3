/* SPDX-License-Identifier: Apache-2.0 */

/* role list: the roles, as a table. */

#include <stdio.h>

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"

static const char *const titles[] = { "ROLE", "DESCRIPTION", "INHERITS", "ALLOWS", "DENIES",
	"CREATED", "SOURCE" };

static const char *number(struct pol_arena *arena, struct wire_cursor item, const char *name)
{
	int64_t value = record_int(item, name, -1);
	char *text = pol_arena_alloc(arena, 24, 1);

	if (text != NULL && value >= 0) {
		snprintf(text, 24, "%lld", (long long)value);
	}
	return text != NULL ? text : "";
}

static void row(
	struct app *app, struct pol_arena *arena, struct wire_cursor item, struct table_cell *cells)
{
	size_t at = 0;

	cells[at++].text = record_text(arena, item, "name");
	cells[at++].text = record_text(arena, item, "description");
	cells[at++].text = record_list(arena, item, "inherits");
	cells[at++].text = number(arena, item, "allowed");
	cells[at++].text = number(arena, item, "denied");
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
	static const struct list list = { "roles.list", "roles", titles,
		sizeof titles / sizeof titles[0], fill, row };

	return list_run(app, &list);
}

static const enum flag flags[] = { FLAG_TENANT };

const struct command command_role_list = {
	.name = "role list",
	.words = "",
	.summary = "List roles, those of the policy included",
	.text = NULL,
	.examples =
		"  authzcheck role list\n"
		"  authzcheck role list --json | jq -r '.items[] | select(.declared | not).name'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 0,
	.by_token = true,
	.run = run,
};
