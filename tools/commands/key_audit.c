/* SPDX-License-Identifier: Apache-2.0 */

/* key audit: which keys want looking at, and what they have that they never use. */

#include <inttypes.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/list.h"
#include "tools/record.h"
#include "tools/when.h"

static const char *const titles[] = { "KEY", "NAME", "PRINCIPAL", "FINDINGS", "USED OF",
	"LAST USED", "EXPIRES", "UNUSED SCOPES", "SCOPES THAT DO" };

/* For people: as the daemon names them, with spaces. */
static const char *findings(struct pol_arena *arena, struct wire_cursor item)
{
	const char *list = record_list(arena, item, "findings");
	char *text = pol_arena_alloc(arena, strlen(list) + 1, 1);

	if (text == NULL) {
		return "";
	}
	for (size_t i = 0; i <= strlen(list); i++) {
		text[i] = list[i] == '_' ? ' ' : list[i];
	}
	return text;
}

static void row(
	struct app *app, struct pol_arena *arena, struct wire_cursor item, struct table_cell *cells)
{
	int64_t granted = record_int(item, "granted", -1);
	size_t at = 0;

	cells[at++].text = record_text(arena, item, "id");
	cells[at++].text = record_text(arena, item, "name");
	cells[at++].text = record_text(arena, item, "principal");
	cells[at++] = (struct table_cell){ findings(arena, item), COLOUR_YELLOW };
	cells[at++].text = granted < 0 ? ""
				       : app_text(app, "%" PRId64 "/%" PRId64,
						 record_int(item, "used", 0), granted);
	cells[at++].text = record_when(app, item, "last_used_at", "never");
	cells[at++].text = record_when(app, item, "expires_at", "never");
	cells[at++].text = record_list(arena, item, "unused_scopes");
	cells[at++].text = record_list(arena, item, "narrower");
}

static void put_duration(struct params *params, struct app *app, const char *name, enum flag flag)
{
	int64_t seconds;

	/* It was read once before. */
	if (app->args.given[flag] && when_option_duration(app, flag, &seconds) == EXIT_YES) {
		params_int(params, name, seconds);
	}
}

static void fill(void *context, struct params *params)
{
	struct app *app = context;

	params_flag(params, app, "principal", FLAG_PRINCIPAL);
	params_flag(params, app, "label", FLAG_LABEL);
	params_flag(params, app, "tenant", FLAG_TENANT);
	put_duration(params, app, "idle", FLAG_IDLE);
	put_duration(params, app, "expiring", FLAG_EXPIRING);
}

static int run(struct app *app)
{
	static const struct list list = { "keys.audit", "keys", titles,
		sizeof titles / sizeof titles[0], fill, row };
	static const enum flag durations[] = { FLAG_IDLE, FLAG_EXPIRING };
	size_t count = 0;
	int64_t seconds;
	int status = EXIT_YES;

	for (size_t i = 0; i < 2 && status == EXIT_YES; i++) {
		if (app->args.given[durations[i]]) {
			status = when_option_duration(app, durations[i], &seconds);
		}
	}
	if (status == EXIT_YES) {
		status = list_run_counted(app, &list, &count);
	}
	return status == EXIT_YES && count > 0 ? EXIT_NO : status;
}

static const enum flag flags[] = { FLAG_IDLE, FLAG_EXPIRING, FLAG_PRINCIPAL, FLAG_LABEL,
	FLAG_TENANT };

const struct command command_key_audit = {
	.name = "key audit",
	.words = "",
	.summary = "Find keys that are idle, expiring, or have more than they use",
	.text = "Of the keys that may still work: never used, idle, without an end, expiring, due "
		"to "
		"be\n"
		"renewed or overdue, made under an old pepper, or with permissions that they never "
		"used;\n"
		"then the scopes that would have done are named. --json lists what was not used. "
		"What was\n"
		"used is remembered within ten seconds. Exit status 1 when there is any.\n",
	.examples = "  authzcheck key audit\n"
		    "  authzcheck key audit --idle 30d --principal alice\n"
		    "  authzcheck key audit --json | jq -r '.items[] | select(.narrower) | .id'\n",
	.flags = flags,
	.flag_count = sizeof flags / sizeof flags[0],
	.min_words = 0,
	.max_words = 0,
	.by_token = true,
	.run = run,
};
