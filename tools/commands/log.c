/* SPDX-License-Identifier: Apache-2.0 */

/* log: the audit trail. */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/text/timetext.h"
#include "tools/commands/commands.h"
#include "tools/log_verify.h"
#include "tools/pager.h"
#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/table.h"
#include "tools/text.h"
#include "tools/token.h"

/* With --follow: ms between two requests, and how many records are shown first. */
#define FOLLOW_EVERY 500
#define FOLLOW_FIRST 10

static const char *const titles[] = { "RECORD", "TIME", "TENANT", "ACTOR", "ACTION", "TARGET",
	"CHANGE" };

enum { RECORD, TIME, TENANT, ACTOR, ACTION, TARGET, CHANGE };

struct showing {
	struct app *app;
	struct table table;
	int64_t after; /* records up to this one are left out; the same for all pages */
	int64_t last;  /* the last record that was shown */
	int64_t begin; /* --after; 0: none */
	int64_t lines; /* 0: all */
	bool counting; /* finding where the last `lines` records begin; nothing is shown */
	int64_t counted;
	bool full; /* memory ran out */
	bool any;  /* a record was shown */
};

/* --- one record ------------------------------------------------------------------------------- */

/* "status active → revoked", or "status revoked" where there was no value before. */
struct changes {
	struct pol_arena *arena;
	char text[1024];
	size_t len;
};

static void add(struct changes *changes, const char *text)
{
	int len = snprintf(
		changes->text + changes->len, sizeof changes->text - changes->len, "%s", text);

	changes->len += len > 0 ? (size_t)len : 0;
	if (changes->len >= sizeof changes->text) {
		changes->len = sizeof changes->text - 1;
	}
}

static bool on_change(void *context, struct wire_cursor item)
{
	struct changes *changes = context;
	const char *from = record_text(changes->arena, item, "from");
	const char *to = record_text(changes->arena, item, "to");

	add(changes, changes->len > 0 ? ", " : "");
	add(changes, record_text(changes->arena, item, "field"));
	add(changes, " ");
	if (from[0] != '\0') {
		add(changes, from);
		add(changes, " → ");
	}
	add(changes, to[0] != '\0' ? to : "none");
	return true;
}

static const char *changes_text(struct pol_arena *arena, struct wire_cursor item)
{
	struct changes changes = { .arena = arena, .len = 0 };

	changes.text[0] = '\0';
	record_each(item, "changes", on_change, &changes);
	/* Cut within a character it is not UTF-8: escaping mends that. */
	return text_escape(arena, (struct pol_str){ changes.text, changes.len });
}

static const char *time_text(struct pol_arena *arena, struct wire_cursor item)
{
	char text[POL_TIME_TEXT];

	if (pol_timetext_format(record_int(item, "time", 0), text) != POL_OK) {
		return "";
	}
	return text_escape(arena, pol_str_of(text));
}

static const char *target_text(struct pol_arena *arena, struct wire_cursor item)
{
	struct pol_str target = record_str(item, "target");
	char text[256];

	if (target.len == 0) {
		return record_text(arena, item, "kind");
	}
	snprintf(text, sizeof text, "%s %.*s", record_text(arena, item, "kind"),
		POL_STR_ARGS(target));
	return text_escape(arena, pol_str_of(text));
}

static const char *number_text(struct pol_arena *arena, int64_t number)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)number);
	return text_escape(arena, pol_str_of(text));
}

static bool on_row(void *context, struct wire_cursor item)
{
	struct showing *showing = context;
	struct pol_arena *arena = table_arena(&showing->table);
	struct table_cell cells[sizeof titles / sizeof titles[0]] = { 0 };

	cells[RECORD].text = number_text(arena, record_int(item, "sequence", 0));
	cells[TIME].text = time_text(arena, item);
	if (record_all_tenants(showing->app)) {
		cells[TENANT].text = record_text(arena, item, "tenant");
	}
	cells[ACTOR].text = record_text(arena, item, "actor");
	cells[ACTION].text = record_text(arena, item, "action");
	cells[TARGET].text = target_text(arena, item);
	cells[CHANGE].text = changes_text(arena, item);
	if (strncmp(cells[ACTION].text, "alarm", 5) == 0) {
		cells[ACTION].colour = COLOUR_RED;
	}
	showing->full = !table_add(&showing->table, cells);
	return !showing->full;
}

static bool on_item(void *context, struct wire_cursor item)
{
	struct showing *showing = context;
	struct app *app = showing->app;
	int64_t sequence = record_int(item, "sequence", 0);
	json_t *document;
	bool printed;

	if (showing->counting) {
		showing->last = sequence - 1;
		return ++showing->counted < showing->lines;
	}
	showing->last = sequence;
	showing->any = true;
	if (!app->want_json) {
		return on_row(showing, item);
	}
	document = document_wire(item);
	if (!app->args.given[FLAG_FOLLOW]) {
		app_item(app, document);
		return true;
	}
	printed = document != NULL && document_print(document, stdout);
	json_decref(document);
	return printed;
}

/* --- pages ------------------------------------------------------------------------------------ */

static int fill(void *context, struct params *params)
{
	const struct showing *showing = context;

	if (showing->counting) {
		params_bool(params, "newest_first", true);
	}
	if ((showing->counting ? showing->begin : showing->after) > 0) {
		params_int(params, "after", showing->counting ? showing->begin : showing->after);
	}
	return params_options(showing->app, params, showing->app->command->flags);
}

static int on_page(void *context, struct wire_cursor result)
{
	struct showing *showing = context;
	const struct app *app = showing->app;

	if (app->want_json && !app->args.given[FLAG_FOLLOW] && !showing->counting) {
		app_list(showing->app, json_object(), "items");
	}
	record_each(result, "items", on_item, showing);
	if (showing->counting) {
		/* EXIT_NO only ends the pages: enough records were seen. */
		return showing->counted < showing->lines ? EXIT_YES : EXIT_NO;
	}
	if (showing->full) {
		return app_fail(showing->app, EXIT_DAEMON, "internal", "out of memory");
	}
	if (!showing->app->want_json && showing->table.first != NULL) {
		if (!app->args.given[FLAG_FOLLOW]) {
			pager_begin(showing->app);
		}
		table_print(&showing->table, stdout);
	}
	return EXIT_YES;
}

/* Where the last `lines` records begin. */
static int find_last(struct showing *showing)
{
	const struct pages pages = { "audit.list", fill, on_page, showing, "records" };
	struct app *app = showing->app;
	int status;

	showing->counting = true;
	status = rpc_pages(app, &pages);
	showing->counting = false;
	if (showing->counted < showing->lines) {
		showing->last = showing->begin;
	}
	return app->failed ? status : EXIT_YES;
}

static int show(struct showing *showing)
{
	const struct pages pages = { "audit.list", fill, on_page, showing, "records" };

	showing->after = showing->last;
	return rpc_pages(showing->app, &pages);
}

/* --- the command ------------------------------------------------------------------------------ */

/* The number of an option, if it was given. */
static int read_number(struct app *app, enum flag flag, int64_t least, int64_t *out)
{
	const char *text = app->args.values[flag];
	char *end = NULL;

	if (!app->args.given[flag]) {
		return EXIT_YES;
	}
	errno = 0;
	*out = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || *out < least) {
		return app_fail(app, EXIT_USAGE, "usage", "--%s '%.32s': want a number from %d",
			args_name(flag), text, (int)least);
	}
	return EXIT_YES;
}

static int read_numbers(struct app *app, struct showing *showing)
{
	const bool *given = app->args.given;
	int status = read_number(app, FLAG_AFTER, 0, &showing->begin);

	showing->last = showing->begin;
	if (given[FLAG_FOLLOW] && !given[FLAG_SINCE] && !given[FLAG_AFTER]) {
		showing->lines = FOLLOW_FIRST;
	}
	return status == EXIT_YES ? read_number(app, FLAG_LINES, 1, &showing->lines) : status;
}

/* False: standard output was closed, so nobody reads any more. */
static bool wait_a_moment(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = 0 };

	return poll(&out, 1, FOLLOW_EVERY) <= 0 || (out.revents & (POLLERR | POLLHUP)) == 0;
}

/* Goes on when the daemon is restarted: the number of the last record says where. */
static int follow(struct showing *showing)
{
	int status = EXIT_YES;

	rpc_be_patient(showing->app, wait_a_moment);
	while (status == EXIT_YES && fflush(stdout) == 0) {
		if (!wait_a_moment()) {
			return EXIT_YES;
		}
		status = show(showing);
	}
	return showing->app->failed ? status : EXIT_YES;
}

static int list(struct app *app, struct showing *showing)
{
	int status = showing->lines > 0 ? find_last(showing) : EXIT_YES;

	if (status == EXIT_YES) {
		status = show(showing);
	}
	if (status == EXIT_YES && app->args.given[FLAG_FOLLOW]) {
		status = follow(showing);
	} else if (status == EXIT_YES && !showing->any && !app->want_json) {
		fputs("no records\n", stderr);
	}
	return status;
}

static int run(struct app *app)
{
	struct showing showing = { .app = app };
	int status;

	if (app->args.given[FLAG_VERIFY]) {
		static const enum flag others[] = { FLAG_ACTOR, FLAG_KEY, FLAG_TARGET_KIND,
			FLAG_TARGET, FLAG_SINCE, FLAG_BEFORE, FLAG_AFTER, FLAG_FOLLOW, FLAG_LINES,
			FLAG_TENANT };

		for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
			if (app->args.given[others[i]]) {
				return app_fail(app, EXIT_USAGE, "usage",
					"--verify checks the whole trail: leave out --%s",
					args_name(others[i]));
			}
		}
		status = token_leave(app, "--verify");
		return status == EXIT_YES ? log_verify(app) : status;
	}
	status = read_numbers(app, &showing);
	if (status == EXIT_YES && app->args.given[FLAG_FOLLOW] && app->args.given[FLAG_BEFORE]) {
		status = app_fail(app, EXIT_USAGE, "usage",
			"--follow waits for new records: leave out --until");
	}
	if (status != EXIT_YES) {
		return status;
	}
	table_init(&showing.table, titles, sizeof titles / sizeof titles[0], app->colour);
	showing.table.width = app->args.given[FLAG_WIDE] ? 0 : text_columns(stdout);
	showing.table.fold = true;
	showing.table.whole[TIME] = true;
	showing.table.whole[ACTION] = true;
	status = list(app, &showing);
	table_finish(&showing.table);
	return status;
}

const struct command command_log = {
	.name = "log",
	.summary = "Show the audit trail, and verify it",
	.text = "Every change of keys, principals, roles, assignments and policy, with\n"
		"who made it, the oldest first, of all tenants without --tenant (for a\n"
		"token, of its own). --follow begins with the last 10, or --after a\n"
		"record, goes on when the daemon is restarted, and ends with Ctrl-C; with\n"
		"--json it prints a document for each record.\n"
		"\n"
		"--verify names each record of the trail that was edited, removed,\n"
		"reordered or cut, and each key or principal that is not the one that\n"
		"the trail made last; exit status 1 when there is any.\n",
	.examples = "  authzcheck log --since 7d\n"
		    "  authzcheck log --key 1kT9aQ2mZx7B\n"
		    "  authzcheck log --kind principal --target alice\n"
		    "  authzcheck log -f\n"
		    "  authzcheck log --follow --json --after 1200 >>trail.json\n"
		    "  authzcheck log --verify\n"
		    "  authzcheck log --json --actor uid:1000 | jq -r '.items[].action'\n",
	.flags = { FLAG_KEY, FLAG_TARGET_KIND, FLAG_TARGET, FLAG_ACTOR, FLAG_TENANT, FLAG_SINCE,
		FLAG_BEFORE, FLAG_AFTER, FLAG_LINES, FLAG_FOLLOW, FLAG_VERIFY, FLAG_WIDE },
	.by_token = true,
	.all_tenants = true,
	.run = run,
};
