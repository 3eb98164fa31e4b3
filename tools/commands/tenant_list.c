/* SPDX-License-Identifier: Apache-2.0 */

/* tenant list: the tenants, as a table. */

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"

static const char *const titles[] = { "TENANT", "STATUS", "CREATED", "BY" };

static void row(
	struct app *app, struct pol_arena *arena, struct wire_cursor item, struct table_cell *cells)
{
	size_t at = 0;

	cells[at++].text = record_text(arena, item, "id");
	cells[at++] = list_status(arena, item);
	cells[at++].text = record_when(app, item, "created_at", "");
	cells[at++].text = record_text(arena, item, "created_by");
}

static int run(struct app *app)
{
	static const struct list list = { "tenants.list", "tenants", titles,
		sizeof titles / sizeof titles[0], NULL, row };

	return list_run(app, &list);
}

const struct command command_tenant_list = {
	.name = "tenant list",
	.words = "",
	.summary = "List tenants",
	.text = NULL,
	.examples = "  authzcheck tenant list\n",
	.min_words = 0,
	.max_words = 0,
	.run = run,
};
