/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/shadow/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text/timetext.h"
#include "tools/record.h"
#include "tools/table.h"
#include "tools/when.h"

/* Rows of a table for people. */
#define SHOWN 20

/* The members of --json, and the words for people. */
static const struct {
	const char *name, *words;
} changes[SHADOW_CHANGES] = {
	[SHADOW_SAME] = { "same", "the same" },
	[SHADOW_LOST] = { "lost", "allow -> deny" },
	[SHADOW_GAINED] = { "gained", "deny -> allow" },
	[SHADOW_REASON] = { "reason", "denied for another reason" },
};

static const struct {
	const char *name, *words;
} doubts[SHADOW_DOUBTS] = {
	[SHADOW_SURE] = { "", "" },
	[SHADOW_REDACTED] = { "redacted", "a token stood in the request or in a place" },
	[SHADOW_FACTS] = { "facts", "the request stated facts, whose values are not shown" },
	[SHADOW_PEER] = { "peer", "the caller is known by the user of its socket alone" },
	[SHADOW_REFUSED_KEY] = { "refused_key",
		"the running policy refused the key before it looked up what it holds" },
	[SHADOW_UNKNOWN_ROLE] = { "unknown_role", "a role is held that the running policy lacks" },
	[SHADOW_STORED_ROLE] = { "stored_role",
		"a role of the store is held whose grants are not known exactly" },
	[SHADOW_QUOTA] = { "quota", "it depends on what a quota would have counted" },
	[SHADOW_REPLAY] = { "replay",
		"the running policy gives another answer from the same facts here" },
};

void shadow_report_init(struct shadow_report *report)
{
	*report = (struct shadow_report){
		.rules = json_object(), .keys = json_object(), .principals = json_object()
	};
}

void shadow_report_finish(struct shadow_report *report)
{
	json_decref(report->rules);
	json_decref(report->keys);
	json_decref(report->principals);
}

/* --- counting --------------------------------------------------------------------------------- */

static void add_text(json_t *object, const char *name, struct pol_str text)
{
	if (text.len > 0) {
		json_object_set_new(object, name, document_str(text));
	}
}

/* A request that shows the divergence. */
static json_t *example_of(struct wire_cursor item)
{
	static const char *const fields[] = { "method", "path", "tree", "action", "resource",
		"service", "environment", "ip", "tenant", "principal", "key" };
	json_t *example = json_object();
	char time[POL_TIME_TEXT] = "";

	(void)pol_timetext_format(record_int(item, "now", 0), time);
	add_text(example, "time", pol_str_of(time));
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		add_text(example, fields[i], record_str(item, fields[i]));
	}
	return example;
}

static json_t *json_side(const struct shadow_verdict *verdict, int side)
{
	const struct shadow_rule *rule = &verdict->sides[side].rule;
	json_t *out = json_pack("{s:b, s:s}", "allow", verdict->sides[side].allow, "reason",
		verdict->sides[side].reason);

	add_text(out, "position", pol_str_of(rule->position));
	add_text(out, "rule", pol_str_of(rule->text));
	return out;
}

static void count(json_t *object, const char *name)
{
	json_object_set_new(
		object, name, json_integer(json_integer_value(json_object_get(object, name)) + 1));
}

/* The entry of this name, made when it is new; NULL: there are too many. */
static json_t *entry_of(struct shadow_report *report, json_t *all, const char *name)
{
	json_t *entry = json_object_get(all, name);

	if (entry == NULL && json_object_size(all) == SHADOW_MOST) {
		report->more++;
		return NULL;
	}
	if (entry == NULL) {
		entry = json_object();
		json_object_set_new(all, name, entry);
	}
	return entry;
}

static void add_rule(
	struct shadow_report *report, struct wire_cursor item, const struct shadow_verdict *verdict)
{
	const struct shadow_rule *running = &verdict->sides[SHADOW_RUNNING].rule;
	const struct shadow_rule *candidate = &verdict->sides[SHADOW_CANDIDATE].rule;
	char name[4096];
	json_t *entry;

	snprintf(name, sizeof name, "%s\n%s\n%s\n%s\n%s\n%s", running->position,
		candidate->position, verdict->sides[SHADOW_RUNNING].reason,
		verdict->sides[SHADOW_CANDIDATE].reason, running->text, candidate->text);
	entry = entry_of(report, report->rules, name);
	if (entry != NULL && json_object_size(entry) == 0) {
		json_object_set_new(entry, "change", json_string(changes[verdict->change].name));
		json_object_set_new(entry, "running", json_side(verdict, SHADOW_RUNNING));
		json_object_set_new(entry, "candidate", json_side(verdict, SHADOW_CANDIDATE));
		json_object_set_new(entry, "example", example_of(item));
	}
	if (entry != NULL) {
		count(entry, "count");
	}
}

static void add_subject(struct shadow_report *report, json_t *all, const char *field,
	struct wire_cursor item, const struct shadow_verdict *verdict)
{
	struct pol_str id = record_str(item, field), tenant = record_str(item, "tenant");
	char name[1024];
	json_t *entry;

	if (id.len == 0) {
		return;
	}
	snprintf(name, sizeof name, "%.*s\n%.*s", POL_STR_ARGS(tenant), POL_STR_ARGS(id));
	entry = entry_of(report, all, name);
	if (entry != NULL && json_object_size(entry) == 0) {
		add_text(entry, field, id);
		add_text(entry, "tenant", tenant);
		if (strcmp(field, "key") == 0) {
			add_text(entry, "principal", record_str(item, "principal"));
		}
		json_object_set_new(entry, "example", example_of(item));
	}
	if (entry != NULL) {
		count(entry, changes[verdict->change].name);
		count(entry, "count");
	}
}

void shadow_report_add(
	struct shadow_report *report, struct wire_cursor item, const struct shadow_verdict *verdict)
{
	if (verdict->doubt != SHADOW_SURE) {
		report->doubts[verdict->doubt]++;
		return;
	}
	report->judged++;
	report->changes[verdict->change]++;
	if (verdict->change != SHADOW_SAME) {
		add_rule(report, item, verdict);
		add_subject(report, report->keys, "key", item, verdict);
		add_subject(report, report->principals, "principal", item, verdict);
	}
}

/* --- showing ---------------------------------------------------------------------------------- */

static int compare_counts(const void *left, const void *right)
{
	json_int_t a = json_integer_value(json_object_get(*(json_t *const *)left, "count"));
	json_int_t b = json_integer_value(json_object_get(*(json_t *const *)right, "count"));

	return a < b ? 1 : a > b ? -1 : 0;
}

/* The entries, those of the greatest count first; borrowed, in the app's arena. */
static json_t **sorted(struct app *app, json_t *all, size_t *out_count)
{
	json_t **entries = pol_arena_alloc(&app->arena, json_object_size(all), sizeof(json_t *));
	const char *name;
	json_t *entry;

	*out_count = 0;
	if (entries == NULL) {
		return NULL;
	}
	json_object_foreach(all, name, entry)
	{
		entries[(*out_count)++] = entry;
	}
	if (*out_count > 1) {
		qsort(entries, *out_count, sizeof(json_t *), compare_counts);
	}
	return entries;
}

static json_t *json_sorted(struct app *app, json_t *all)
{
	size_t count;
	json_t **entries = sorted(app, all, &count);
	json_t *out = json_array();

	for (size_t i = 0; i < count; i++) {
		json_array_append(out, entries[i]);
	}
	return out;
}

static uint64_t not_judged(const struct shadow_report *report)
{
	uint64_t sum = 0;

	for (int i = 0; i < SHADOW_DOUBTS; i++) {
		sum += report->doubts[i];
	}
	return sum;
}

static json_t *json_policy(const struct shadow *shadow, int side)
{
	const struct policy *policy = &shadow->policies[side];
	bool known = side == SHADOW_CANDIDATE || shadow->knows_running;
	json_t *out = json_pack("{s:s}", "revision",
		known ? pol_snapshot_revision(policy->snapshot) : shadow->revision);

	if (known) {
		json_object_set_new(out, "name", document_text(shadow->names[side]));
	}
	return out;
}

static void show_json(const struct shadow *shadow, const struct shadow_report *report)
{
	struct app *app = shadow->app;
	json_t *out = json_object(), *left = json_object();

	json_object_set_new(out, "running", json_policy(shadow, SHADOW_RUNNING));
	json_object_set_new(out, "candidate", json_policy(shadow, SHADOW_CANDIDATE));
	json_object_set_new(out, "seconds", json_integer(report->seconds));
	json_object_set_new(out, "seen", json_integer((json_int_t)report->seen));
	json_object_set_new(out, "dropped", json_integer((json_int_t)report->dropped));
	json_object_set_new(out, "gaps", json_integer((json_int_t)report->gaps));
	json_object_set_new(out, "judged", json_integer((json_int_t)report->judged));
	for (int i = 0; i < SHADOW_CHANGES; i++) {
		json_object_set_new(
			out, changes[i].name, json_integer((json_int_t)report->changes[i]));
	}
	json_object_set_new(out, "not_judged", json_integer((json_int_t)not_judged(report)));
	for (int i = 1; i < SHADOW_DOUBTS; i++) {
		if (report->doubts[i] > 0) {
			json_object_set_new(
				left, doubts[i].name, json_integer((json_int_t)report->doubts[i]));
		}
	}
	json_object_set_new(out, "not_judged_because", left);
	json_object_set_new(out, "rules", json_sorted(app, report->rules));
	json_object_set_new(out, "keys", json_sorted(app, report->keys));
	json_object_set_new(out, "principals", json_sorted(app, report->principals));
	json_object_set_new(out, "more", json_integer((json_int_t)report->more));
	app_document(app, out);
}

static const char *text_in(struct app *app, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text_escape(&app->arena, pol_str_of(text != NULL ? text : ""));
}

/* "ok policy/a.policy:12", "denied policy/a.policy:3", "role". */
static const char *side_text(struct app *app, const json_t *entry, const char *name)
{
	const json_t *side = json_object_get(entry, name);
	const char *reason = text_in(app, side, "reason");
	const char *position = text_in(app, side, "position");
	const char *rule = text_in(app, side, "rule");

	return app_text(app, "%s%s%s", reason, position[0] != '\0' || rule[0] != '\0' ? " " : "",
		position[0] != '\0' ? position : rule);
}

static const char *example_text(struct app *app, const json_t *entry)
{
	const json_t *example = json_object_get(entry, "example");
	const char *key = text_in(app, example, "key");
	const char *principal = text_in(app, example, "principal");
	bool http = json_object_get(example, "method") != NULL;

	return app_text(app, "%s %s%s%s%s%s", text_in(app, example, http ? "method" : "action"),
		text_in(app, example, http ? "path" : "resource"),
		principal[0] != '\0' ? " by "
		: key[0] != '\0'     ? " with "
				     : "",
		principal[0] != '\0' ? principal : key,
		json_object_get(example, "ip") != NULL ? " from " : "",
		text_in(app, example, "ip"));
}

static const char *number_text(struct app *app, const json_t *entry, const char *name)
{
	json_int_t number = json_integer_value(json_object_get(entry, name));

	return number == 0 ? "" : app_text(app, "%" JSON_INTEGER_FORMAT, number);
}

static const char *change_text(struct app *app, const json_t *entry)
{
	const char *name = text_in(app, entry, "change");

	for (int i = 0; i < SHADOW_CHANGES; i++) {
		if (strcmp(name, changes[i].name) == 0) {
			return changes[i].words;
		}
	}
	return name;
}

/* Prints a table of the first entries. `row` fills the cells of one. */
static void show_table(struct app *app, json_t *all, const char *const *titles, size_t columns,
	void (*row)(struct app *app, const json_t *entry, struct table_cell *cells))
{
	size_t count;
	json_t **entries = sorted(app, all, &count);
	struct table table;

	if (count == 0) {
		return;
	}
	putchar('\n');
	table_init(&table, titles, columns, app->colour);
	table.width = text_columns(stdout);
	table.fold = true;
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		struct table_cell cells[TABLE_MAX_COLUMNS] = { 0 };

		row(app, entries[i], cells);
		if (!table_add(&table, cells)) {
			break;
		}
	}
	table_print(&table, stdout);
	table_finish(&table);
	if (count > SHOWN) {
		printf("and %zu more: --json has them\n", count - SHOWN);
	}
}

static void rule_row(struct app *app, const json_t *entry, struct table_cell *cells)
{
	cells[0].text = number_text(app, entry, "count");
	cells[1].text = change_text(app, entry);
	cells[1].colour =
		strcmp(text_in(app, entry, "change"), "gained") == 0 ? COLOUR_YELLOW : COLOUR_NONE;
	cells[2].text = side_text(app, entry, "running");
	cells[3].text = side_text(app, entry, "candidate");
	cells[4].text = example_text(app, entry);
}

static void subject_row(struct app *app, const json_t *entry, struct table_cell *cells)
{
	bool key = json_object_get(entry, "key") != NULL;

	cells[0].text = text_in(app, entry, key ? "key" : "principal");
	cells[1].text = text_in(app, entry, "tenant");
	cells[2].text = number_text(app, entry, "lost");
	cells[3].text = number_text(app, entry, "gained");
	cells[4].text = number_text(app, entry, "reason");
	cells[5].text = example_text(app, entry);
}

static void show_line(uint64_t number, const char *words)
{
	printf("%12" PRIu64 "  %s\n", number, words);
}

static void show_counts(const struct shadow *shadow, const struct shadow_report *report)
{
	struct app *app = shadow->app;
	const struct policy *policies = shadow->policies;

	printf("%s in %s: %s (%s) beside %s (%s)\n", app_count(app, report->seen, "decision"),
		report->seconds > 0 ? when_duration(app, report->seconds) : "less than a second",
		shadow->knows_running ? shadow->names[SHADOW_RUNNING] : "the running policy",
		shadow->knows_running ? pol_snapshot_revision(policies[SHADOW_RUNNING].snapshot)
				      : shadow->revision,
		shadow->names[SHADOW_CANDIDATE],
		pol_snapshot_revision(policies[SHADOW_CANDIDATE].snapshot));
	for (int i = 0; i < SHADOW_CHANGES; i++) {
		show_line(report->changes[i], changes[i].words);
	}
	show_line(not_judged(report), "not judged");
	for (int i = 1; i < SHADOW_DOUBTS; i++) {
		if (report->doubts[i] > 0) {
			printf("%16" PRIu64 "  %s\n", report->doubts[i], doubts[i].words);
		}
	}
	show_line(report->dropped, "not sent: they came faster than they were read");
	if (report->gaps > 0) {
		printf("The watch ended %s and was begun again: what was decided between is in no "
		       "number.\n",
			report->gaps == 1 ? "once"
					  : app_text(app, "%" PRIu64 " times", report->gaps));
	}
}

void shadow_report_show(const struct shadow *shadow, const struct shadow_report *report)
{
	static const char *const rules[] = { "COUNT", "CHANGE", "RUNNING", "CANDIDATE", "EXAMPLE" };
	static const char *const keys[] = { "KEY", "TENANT", "ALLOW -> DENY", "DENY -> ALLOW",
		"OTHER REASON", "EXAMPLE" };
	static const char *const principals[] = { "PRINCIPAL", "TENANT", "ALLOW -> DENY",
		"DENY -> ALLOW", "OTHER REASON", "EXAMPLE" };
	struct app *app = shadow->app;

	if (app->want_json) {
		show_json(shadow, report);
		return;
	}
	show_counts(shadow, report);
	show_table(app, report->rules, rules, 5, rule_row);
	show_table(app, report->keys, keys, 6, subject_row);
	show_table(app, report->principals, principals, 6, subject_row);
}
