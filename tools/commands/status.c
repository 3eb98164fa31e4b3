/* SPDX-License-Identifier: Apache-2.0 */

/* status: how the daemon is, and which policy is in use, for people. */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands/commands.h"
#include "tools/dangling.h"
#include "tools/diagnostics.h"
#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/text.h"
#include "tools/when.h"

/* 1234567 as 1,234,567. */
static const char *number(struct app *app, struct wire_cursor map, const char *name)
{
	const char *text = app_text(app, "%" PRId64, record_int(map, name, 0));
	size_t len = strlen(text);
	const char *out = "";

	for (size_t i = 0; i < len; i++) {
		bool comma = i > 0 && text[i - 1] != '-' && (len - i) % 3 == 0;

		out = app_text(app, "%s%s%c", out, comma ? "," : "", text[i]);
	}
	return out;
}

/* "1 role", "2 roles". */
static const char *count(struct app *app, struct wire_cursor map, const char *name, const char *one)
{
	return app_text(app, "%s %s%s", number(app, map, name), one,
		record_int(map, name, 0) == 1 ? "" : "s");
}

/* In the largest binary unit that fits, with one decimal below ten. */
static const char *size(struct app *app, int64_t bytes)
{
	static const char *const units[] = { "bytes", "KiB", "MiB", "GiB", "TiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
		value /= 1024;
		unit++;
	}
	return app_text(app, "%.*f %s", unit > 0 && value < 10 ? 1 : 0, value, units[unit]);
}

static const char *latency(struct app *app, struct wire_cursor map, const char *name)
{
	int64_t ns = record_int(map, name, 0);

	return ns < 1000000 ? app_text(app, "%.1f µs", (double)ns / 1e3)
			    : app_text(app, "%.1f ms", (double)ns / 1e6);
}

/* A host whose clock differs from the database's by more than this may only end rights. */
#define CLOCK_OFF_MS 60000

/* The column of what a row says. */
#define TITLE_WIDTH 12
#define TEXT_COLUMN (TITLE_WIDTH + 2)

static void row(const struct app *app, const char *title, const char *text)
{
	const struct text_lines lines = { text_columns(stdout), TEXT_COLUMN, TEXT_COLUMN };

	printf("%s%-*s%s  ", text_begin(app->colour, COLOUR_DIM), TITLE_WIDTH, title,
		text_end(app->colour, COLOUR_DIM));
	text_fold(stdout, text, &lines);
	putchar('\n');
}

static const char *last_reload(struct app *app, struct wire_cursor policy)
{
	bool ok = record_bool(policy, "ok", true);
	int64_t at = record_int(policy, "attempted_at", 0);

	if (record_int(policy, "reloads", 0) == 0 && record_int(policy, "refused", 0) == 0) {
		return at <= record_int(policy, "loaded_at", 0)
			       ? "none since the start"
			       : app_text(app, "%s, nothing had changed",
					 record_when(app, policy, "attempted_at", ""));
	}
	return app_text(app, "%s%s%s %s; %s done, %s refused",
		text_begin(app->colour, ok ? COLOUR_GREEN : COLOUR_RED), ok ? "done" : "refused",
		text_end(app->colour, ok ? COLOUR_GREEN : COLOUR_RED),
		record_when(app, policy, "attempted_at", ""), number(app, policy, "reloads"),
		number(app, policy, "refused"));
}

struct noted {
	struct app *app;
	const char *text;
};

/* The first diagnostic of an attempt, as "FILE:LINE: MESSAGE". */
static bool on_first(void *context, struct wire_cursor diagnostic)
{
	struct noted *noted = context;
	struct app *app = noted->app;
	bool placed = record_int(diagnostic, "line", 0) > 0;

	noted->text = app_text(app, ": %s%s%s", placed ? record_position(app, diagnostic) : "",
		placed ? ": " : "", record_text(&app->arena, diagnostic, "message"));
	return false;
}

/* "refused 2 hours ago (3 times), 2 errors: a.policy:2: unknown action 'reed'" */
static const char *attempt_text(struct app *app, struct wire_cursor attempt)
{
	struct noted first = { app, "" };
	bool ok = record_bool(attempt, "ok", true);
	const char *times = record_int(attempt, "times", 1) > 1
				    ? app_text(app, " (%s times)", number(app, attempt, "times"))
				    : "";

	if (ok) {
		return app_text(app, "%s%s%s %s%s, revision %s",
			text_begin(app->colour, COLOUR_GREEN),
			record_bool(attempt, "exchanged", true) ? "done" : "nothing had changed",
			text_end(app->colour, COLOUR_GREEN),
			record_when(app, attempt, "attempted_at", ""), times,
			record_text(&app->arena, attempt, "revision"));
	}
	record_each(attempt, "diagnostics", on_first, &first);
	return app_text(app, "%srefused%s %s%s, %s%s", text_begin(app->colour, COLOUR_RED),
		text_end(app->colour, COLOUR_RED), record_when(app, attempt, "attempted_at", ""),
		times, count(app, attempt, "errors", "error"), first.text);
}

struct earlier {
	struct app *app;
	unsigned seen;
};

static bool on_attempt(void *context, struct wire_cursor attempt)
{
	struct earlier *earlier = context;

	/* The newest has a row of its own. */
	if (earlier->seen > 0) {
		row(earlier->app, earlier->seen == 1 ? "earlier" : "",
			attempt_text(earlier->app, attempt));
	}
	earlier->seen++;
	return true;
}

static void print_policy(struct app *app, struct wire_cursor policy)
{
	const char *commit = record_text(&app->arena, policy, "commit");
	const char *folder = record_text(&app->arena, policy, "folder");
	struct wire_cursor kept;

	row(app, "policy",
		app_text(app, "revision %s%s%s, loaded %s",
			record_text(&app->arena, policy, "revision"),
			commit[0] != '\0' ? ", commit " : "", commit,
			when_text_full(app, record_int(policy, "loaded_at", 0))));
	if (folder[0] != '\0') {
		row(app, "", app_text(app, "folder %s", folder));
	}
	row(app, "",
		app_text(app, "%s, %s, %s, %s, %s, %s", count(app, policy, "trees", "tree"),
			count(app, policy, "nodes", "node"),
			count(app, policy, "permissions", "permission"),
			count(app, policy, "roles", "role"), count(app, policy, "scopes", "scope"),
			count(app, policy, "tests", "test")));
	if (record_find(policy, "last_good", &kept) && wire_peek(&kept) == WIRE_MAP) {
		row(app, "last good",
			app_text(app,
				"%sthe policy folder is broken since the start; this policy was "
				"kept "
				"%s%s",
				text_begin(app->colour, COLOUR_RED),
				record_when(app, kept, "kept_at", ""),
				text_end(app->colour, COLOUR_RED)));
		row(app, "", record_text(&app->arena, kept, "why"));
	}
	row(app, "last reload", last_reload(app, policy));
	record_each(policy, "attempts", on_attempt, &(struct earlier){ app, 0 });
}

/* " (50,000 networks; 3 keys)", what it says about its lines. */
static bool on_note(void *context, struct wire_cursor note)
{
	struct noted *noted = context;

	noted->text =
		app_text(noted->app, "%s%s%s", noted->text, noted->text[0] == '\0' ? " (" : "; ",
			record_text(&noted->app->arena, note, "note"));
	return true;
}

static const char *notes_text(struct app *app, struct wire_cursor module)
{
	struct noted noted = { app, "" };

	record_each(module, "notes", on_note, &noted);
	return noted.text[0] == '\0' ? "" : app_text(app, "%s)", noted.text);
}

/* "geo 1.2.0 (50,000 networks), denylist 2": those that the policy uses and that are not built in.
 */
static void print_modules(struct app *app, struct wire_cursor result)
{
	struct wire_cursor list = { 0 };
	const char *text = "";
	uint32_t count = 0;

	if (!record_find(result, "modules", &list) || !wire_read_array(&list, &count)) {
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_cursor module = list;

		text = app_text(app, "%s%s%s %s%s", text, i > 0 ? ", " : "",
			record_text(&app->arena, module, "name"),
			record_text(&app->arena, module, "version"), notes_text(app, module));
		wire_skip(&list);
	}
	if (count > 0) {
		row(app, "modules", text);
	}
}

/* "seccomp, landlock (policy, state), capabilities none" */
static void print_confinement(struct app *app, struct wire_cursor confinement)
{
	bool seccomp = record_bool(confinement, "seccomp", false);
	bool landlock = record_int(confinement, "landlock", 0) > 0;
	bool capabilities = record_bool(confinement, "capabilities", true);
	enum colour colour = seccomp && landlock && !capabilities ? COLOUR_GREEN : COLOUR_RED;
	const char *folders = record_list(&app->arena, confinement, "folders");

	row(app, "confinement",
		app_text(app, "%s%s, %s%s%s%s, %s%s", text_begin(app->colour, colour),
			seccomp ? "seccomp" : "no seccomp", landlock ? "landlock" : "no landlock",
			landlock ? " (" : "", landlock ? folders : "", landlock ? ")" : "",
			capabilities ? "capabilities kept" : "capabilities none",
			text_end(app->colour, colour)));
}

static bool on_feed(void *context, struct wire_cursor feed)
{
	struct app *app = context;
	const char *why = record_text(&app->arena, feed, "why");
	const char *text = app_text(app, "%s: %s, changed %s",
		record_text(&app->arena, feed, "name"), size(app, record_int(feed, "bytes", 0)),
		record_when(app, feed, "changed_at", "never"));

	if (why[0] != '\0') {
		text = app_text(app, "%s%s: module %s refuses it: %s; %s%s",
			text_begin(app->colour, COLOUR_RED),
			record_bool(feed, "denies", false) ? record_text(&app->arena, feed, "name")
							   : text,
			record_text(&app->arena, feed, "module"), why,
			record_bool(feed, "denies", false)
				? "there was no good one, so the module denies"
				: "this is the last good one",
			text_end(app->colour, COLOUR_RED));
	}
	row(app, "data", text);
	return true;
}

/* "context.amount 12, resource.owner 3": what services left out. */
static void print_missing(struct app *app, struct wire_cursor result)
{
	static const struct record_field field = { "missing_facts", "missing", RECORD_COUNTS };
	const char *text = record_field_text(app, &app->arena, result, &field);

	if (text[0] != '\0') {
		row(app, "missing", app_text(app, "facts that decisions lacked: %s", text));
	}
}

static void print_counters(struct app *app, struct wire_cursor result)
{
	struct wire_cursor counters = { 0 };
	struct wire_cursor took = { 0 };

	if (record_find(result, "counters", &counters)) {
		row(app, "decisions",
			app_text(app, "%s allowed, %s denied; %s a second",
				number(app, counters, "allowed"), number(app, counters, "denied"),
				number(app, result, "rate")));
		row(app, "connections",
			app_text(app,
				"%s open of %s, %s accepted, %s refused, %s closed while idle, %s "
				"closed for malformed input",
				number(app, counters, "connections"),
				number(app, counters, "max_connections"),
				number(app, counters, "accepted"), number(app, counters, "refused"),
				number(app, counters, "idle_closed"),
				number(app, counters, "malformed")));
	}
	if (record_find(result, "decision_log", &counters) &&
		record_int(counters, "written", 0) + record_int(counters, "dropped", 0) > 0) {
		row(app, "decision log",
			app_text(app, "%s written, %s dropped", number(app, counters, "written"),
				number(app, counters, "dropped")));
	}
	if (record_find(result, "log", &counters) && record_int(counters, "dropped", 0) > 0) {
		row(app, "log",
			app_text(app, "%s written, %s dropped because standard error was not read",
				count(app, counters, "written", "line"),
				number(app, counters, "dropped")));
	}
	if (record_find(result, "quotas", &counters) &&
		record_int(counters, "counters", 0) + record_int(counters, "uncounted", 0) > 0) {
		row(app, "quotas",
			app_text(app, "%s in use, %s refused because none was free",
				count(app, counters, "counters", "counter"),
				number(app, counters, "uncounted")));
	}
	if (record_find(result, "latency_ns", &took)) {
		row(app, "latency",
			app_text(app, "p50 %s, p90 %s, p99 %s, p99.9 %s", latency(app, took, "p50"),
				latency(app, took, "p90"), latency(app, took, "p99"),
				latency(app, took, "p999")));
	}
}

static void print_pepper(struct app *app, struct wire_cursor pepper)
{
	if (record_int(pepper, "left", -1) >= 0) {
		row(app, "old pepper",
			app_text(app, "still needed by %s (see key audit)",
				count(app, pepper, "left", "key")));
	}
	if (record_int(pepper, "lost", 0) > 0) {
		row(app, "lost keys",
			app_text(app,
				"%s%s of %s: the pepper file no longer holds pepper %s; put back "
				"the file of that time%s",
				text_begin(app->colour, COLOUR_RED), number(app, pepper, "lost"),
				count(app, pepper, "lost_of", "key"),
				number(app, pepper, "lost_pepper"),
				text_end(app->colour, COLOUR_RED)));
	}
}

static void print_clock(struct app *app, struct wire_cursor store)
{
	const char *begin = text_begin(app->colour, COLOUR_RED);
	const char *end = text_end(app->colour, COLOUR_RED);

	if (record_int(store, "clock_back", 0) > 0) {
		row(app, "clock",
			app_text(app, "%sset back by %s: %s counts until it has caught up%s", begin,
				when_duration(app, record_int(store, "clock_back", 0)),
				when_text_full(app, record_int(store, "clock_latest", 0)), end));
	}
	if (record_int(store, "clock_ahead", 0) > 0) {
		row(app, "clock",
			app_text(app, "%swent ahead by %s: it counts, and %s is the latest time%s",
				begin, when_duration(app, record_int(store, "clock_ahead", 0)),
				when_text_full(app, record_int(store, "clock_latest", 0)), end));
	}
}

static void print_store(struct app *app, struct wire_cursor store)
{
	row(app, "store",
		app_text(app, "%s, %s, %s of %s", count(app, store, "keys", "key"),
			count(app, store, "principals", "principal"),
			size(app, record_int(store, "bytes_used", 0)),
			size(app, record_int(store, "bytes_map", 0))));
	if (record_int(store, "altered", 0) > 0) {
		row(app, "",
			app_text(app, "%saltered records were refused %s: see log --verify%s",
				text_begin(app->colour, COLOUR_RED),
				count(app, store, "altered", "time"),
				text_end(app->colour, COLOUR_RED)));
	}
	print_clock(app, store);
}

/* "applied 4711 of 4711, 12 ms old (at most 30,000), 3 hosts" */
static const char *shared_text(struct app *app, struct wire_cursor shared)
{
	int64_t most = record_int(shared, "max_lag_ms", 0);
	const char *age = record_int(shared, "lag_ms", -1) < 0
				  ? "not caught up since the start"
				  : app_text(app, "%s ms old", number(app, shared, "lag_ms"));

	return app_text(app, "change %s of %s, %s%s%s%s, %s", number(app, shared, "applied"),
		number(app, shared, "head"), age, most > 0 ? " (at most " : "",
		most > 0 ? number(app, shared, "max_lag_ms") : "", most > 0 ? ")" : "",
		count(app, shared, "hosts", "host"));
}

/* What is wrong with it, the worst first; empty: nothing. */
static const char *shared_trouble(struct app *app, struct wire_cursor shared)
{
	const char *problem = record_text(&app->arena, shared, "problem");
	const char *what = record_bool(shared, "diverged", false)
				   ? "this host has changes that the log lost: see store rejoin"
			   : record_bool(shared, "stale", false)
				   ? "stale: nothing is allowed until it knows something newer"
			   : !record_bool(shared, "connected", true)
				   ? "the database is away: changes are refused"
				   : "";

	return app_text(
		app, "%s%s%s", what, what[0] != '\0' && problem[0] != '\0' ? "; " : "", problem);
}

static void print_shared(struct app *app, struct wire_cursor shared)
{
	const char *trouble = shared_trouble(app, shared);
	int64_t clock = record_int(shared, "clock_ms", 0);

	row(app, "shared",
		app_text(app, "as host %s: %s", record_text(&app->arena, shared, "host"),
			record_bool(shared, "on", false)
				? shared_text(app, shared)
				: "not yet: see store share and store join"));
	if (record_int(shared, "marks", 0) > 0) {
		row(app, "",
			app_text(app, "%s refused here alone, until the database has it",
				count(app, shared, "marks", "key")));
	}
	if (clock <= -CLOCK_OFF_MS || clock >= CLOCK_OFF_MS) {
		trouble = app_text(app,
			"%s%sthe clock is %+" PRId64 " s off the database's: this host only "
			"ends things",
			trouble, trouble[0] != '\0' ? "; " : "", clock / 1000);
	}
	if (trouble[0] != '\0') {
		row(app, "",
			app_text(app, "%s%s%s", text_begin(app->colour, COLOUR_RED), trouble,
				text_end(app->colour, COLOUR_RED)));
	}
}

static void print_keys(struct app *app, struct wire_cursor keys)
{
	row(app, "keys",
		app_text(app, "%s active, %s inactive, %s expired, %s revoked, %s deleted",
			number(app, keys, "active"), number(app, keys, "inactive"),
			number(app, keys, "expired"), number(app, keys, "revoked"),
			number(app, keys, "deleted")));
}

static void print_rotation(struct app *app, struct wire_cursor rotation)
{
	row(app, "rotation",
		app_text(app,
			"%s due to be renewed, %s ended without renewal, %s expire soon; "
			"dead secrets presented: %s",
			number(app, rotation, "due"), number(app, rotation, "overdue"),
			number(app, rotation, "expiring"), number(app, rotation, "dead")));
}

int status_show(struct app *app, struct wire_cursor result)
{
	static const struct {
		const char *name;
		void (*print)(struct app *app, struct wire_cursor part);
	} parts[] = {
		{ "pepper", print_pepper },
		{ "confinement", print_confinement },
		{ "store", print_store },
		{ "shared", print_shared },
		{ "keys", print_keys },
		{ "rotation", print_rotation },
	};
	struct wire_cursor policy = { 0 }, part;

	row(app, "authzd",
		app_text(app, "%s, up %s, %s", record_text(&app->arena, result, "version"),
			when_duration(app, record_int(result, "uptime", 0)),
			count(app, result, "workers", "worker")));
	if (record_find(result, "policy", &policy)) {
		print_policy(app, policy);
	}
	print_modules(app, result);
	record_each(result, "data", on_feed, app);
	print_counters(app, result);
	print_missing(app, result);
	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (record_find(result, parts[i].name, &part)) {
			parts[i].print(app, part);
		}
	}
	dangling_print(app, policy);
	diagnostics_print(app, policy, stdout);
	return EXIT_YES;
}
