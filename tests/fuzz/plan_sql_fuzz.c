/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_sql_fuzz: the WHERE that `plan --sql` makes of the plan of any conditions. In each dialect
 * it has nothing but names of columns, words of SQL and placeholders, as many as there are
 * parameters; and with every value of the plan replaced by one that means something to SQL, the
 * text is the same, and its parameters are those values.
 *
 * The first 4 bytes choose the subject, its attributes, the facts and the columns; the lines after
 * them are grants (grants.h).
 */
#include <ctype.h>

#include "daemon/decide/plan_encode.h"
#include "policy/ask/plan.h"
#include "tests/fuzz/grants.h"
#include "tools/sql.h"

enum { ROUNDS = 4 };
#define MEMORY ((size_t)1 << 22)

static const char facts_text[] =
	"facts {\n  principal.branch string\n  principal.limit int default 2\n"
	"  principal.regions strings default \"a\"\n  resource.branch string\n"
	"  resource.owner string default \"ann\"\n"
	"  resource.status draft | active | archived default active\n  resource.tags strings\n"
	"  resource.regions strings\n  resource.at time\n  resource.limit int\n  resource.paid "
	"bool\n"
	"  resource.for duration\n  resource.from address\n  context.amount int\n"
	"  context.text string\n}\n";

/* Columns that the caller names; each other fact is its own. */
static struct pol_str columns[] = { POL_STR_INIT("resource.owner=t.owner"),
	POL_STR_INIT("{loan}=t.id"), POL_STR_INIT("resource.tags=t.tags"),
	POL_STR_INIT("resource.paid=t.paid"), POL_STR_INIT("resource.from=t.came_from") };

static const char *const dialects[] = { "postgresql", "mysql", "sqlite" };

/* --- the words of a text ---------------------------------------------------------------------- */

/* No word of SQL that a WHERE has is a value, and no other one may be in it. */
static const char *const words[] = { "AND", "OR", "NOT", "IN", "IS", "NULL", "ANY", "ARRAY", "AS",
	"BINARY", "CAST", "COLLATE", "CONVERT", "EXISTS", "FROM", "INTEGER", "JSON_CONTAINS",
	"JSON_OVERLAPS", "JSON_QUOTE", "SELECT", "SIGNED", "TEXT", "USING", "WHERE", "utf8mb4",
	"text", "bigint", "boolean", "inet", "host", "regexp_replace", "json_each", "authz_a",
	"authz_b", "authz_s", "a", "b", "value", "t", "owner", "id", "tags", "paid", "came_from" };

/* What is quoted: the names of facts and of the parameter, and a collation; and as text what makes
 * an address of IPv4 of one that is written as IPv6. */
static const char *const names[] = { "resource.branch", "resource.owner", "resource.status",
	"resource.tags", "resource.regions", "resource.at", "resource.limit", "resource.paid",
	"resource.for", "resource.from", "loan", "C" };
static const char *const texts[] = { "^::ffff:([0-9.]+)$", "\\1" };

static bool is_one_of(const char *begin, size_t len, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (strlen(list[i]) == len && memcmp(list[i], begin, len) == 0) {
			return true;
		}
	}
	return false;
}
#define IS_ONE_OF(begin, len, list) is_one_of((begin), (len), (list), sizeof(list) / sizeof *(list))

/* Reads one word, number, quoted name or sign; counts the placeholders, which come in order. */
static const char *read_one(const char *at, bool numbered, size_t *placeholders)
{
	size_t len = 0;

	if (isalpha((unsigned char)*at)) {
		while (isalnum((unsigned char)at[len]) || at[len] == '_') {
			len++;
		}
		fuzz_require(IS_ONE_OF(at, len, words));
		return at + len;
	}
	if (*at == (numbered ? '"' : '`') || (numbered && *at == '\'')) {
		const char *end = strchr(at + 1, *at);

		fuzz_require(end != NULL && end[1] != *at);
		len = (size_t)(end - at - 1);
		fuzz_require(*at == '\'' ? IS_ONE_OF(at + 1, len, texts)
					 : IS_ONE_OF(at + 1, len, names));
		return end + 1;
	}
	if (isdigit((unsigned char)*at)) {
		/* "1 = 0" stands for false. */
		fuzz_require(*at <= '1' && !isdigit((unsigned char)at[1]));
		return at + 1;
	}
	if (numbered && *at == '$') {
		char *end;

		fuzz_require(strtoul(at + 1, &end, 10) == ++*placeholders && end > at + 1);
		return end;
	}
	*placeholders += !numbered && *at == '?';
	fuzz_require(strchr(numbered ? " ()[]=<>,.:&@" : " ()=<>,.?", *at) != NULL);
	return at + 1;
}

static size_t count_placeholders(const char *text, bool numbered)
{
	size_t placeholders = 0;

	while (*text != '\0') {
		text = read_one(text, numbered, &placeholders);
	}
	return placeholders;
}

/* --- other values ----------------------------------------------------------------------------- */

#define HOSTILE "'\"`\\;-- $1 ? "

/* Another value of the same type; unequal values stay unequal. */
static json_t *other_value(const json_t *value)
{
	json_t *other, *member;
	size_t i;

	if (json_is_string(value)) {
		return json_sprintf("%s%s", HOSTILE, json_string_value(value));
	}
	if (json_is_integer(value)) {
		return json_integer(json_integer_value(value) ^ 1);
	}
	if (!json_is_array(value)) {
		return json_boolean(!json_is_true(value));
	}
	other = json_array();
	json_array_foreach(value, i, member)
	{
		fuzz_require(json_array_append_new(other, other_value(member)) == 0);
	}
	return other;
}

/* The tree with other values. A fact's words are a value, too: ["word", [...]]. */
static json_t *other_tree(const json_t *tree)
{
	static const char *const types[] = { "string", "strings", "word", "int", "time", "duration",
		"bool", "address", "network" };
	const char *name = json_string_value(json_array_get(tree, 0));
	json_t *other = json_array(), *part;
	size_t i;

	fuzz_require(name != NULL);
	json_array_foreach(tree, i, part)
	{
		json_t *new;

		if (i == 0) {
			new = json_incref(part);
		} else if (IS_ONE_OF(name, strlen(name), types)) {
			new = other_value(part);
		} else {
			/* The names and types of facts and parameters stay. */
			new = json_is_array(part) ? other_tree(part) : json_incref(part);
		}
		fuzz_require(json_array_append_new(other, new) == 0);
	}
	return other;
}

/* Is it the parameter with another value? A set of MySQL and SQLite is a text in JSON. */
static bool is_other(const json_t *other, const json_t *value)
{
	json_t *expected = other_value(value), *set;
	bool same = json_equal(other, expected);
	char *text;

	json_decref(expected);
	set = same || !json_is_string(value) ? NULL : json_loads(json_string_value(value), 0, NULL);
	if (set == NULL) {
		return same;
	}
	expected = other_value(set);
	text = json_dumps(expected, JSON_COMPACT);
	same = json_is_string(other) && text != NULL && strcmp(json_string_value(other), text) == 0;
	free(text);
	json_decref(expected);
	json_decref(set);
	return same;
}

/* --- a plan ----------------------------------------------------------------------------------- */

struct written {
	int status;
	const char *text; /* in the arena of the app */
	json_t *parameters;
};

static struct written write_sql(struct app *app, const json_t *tree)
{
	json_t *plan = json_pack("{s:s, s:O}", "plan", "when", "tree", tree);
	struct written written = { 0 };

	fuzz_require(plan != NULL);
	written.status = sql_where(app, plan, &written.text, &written.parameters);
	json_decref(plan);
	return written;
}

static void check_sql(struct app *app, const json_t *tree, const json_t *others, bool numbered)
{
	struct written first = write_sql(app, tree), second = write_sql(app, others);
	size_t count = json_array_size(first.parameters);

	fuzz_require(first.status == second.status);
	if (first.status == EXIT_YES) {
		fuzz_require(count_placeholders(first.text, numbered) == count);
		fuzz_require(strcmp(first.text, second.text) == 0);
		fuzz_require(json_array_size(second.parameters) == count);
		for (size_t i = 0; i < count; i++) {
			fuzz_require(is_other(json_array_get(second.parameters, i),
				json_array_get(first.parameters, i)));
		}
	} else {
		/* MySQL and SQLite have no addresses. */
		fuzz_require(first.status == EXIT_USAGE && !numbered);
	}
	json_decref(first.parameters);
	json_decref(second.parameters);
}

static void check_dialects(const json_t *tree, bool named)
{
	json_t *others = other_tree(tree);

	for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) {
		struct app app = { .silent = true };

		pol_arena_init(&app.arena, MEMORY);
		app.args.given[FLAG_SQL] = true;
		app.args.values[FLAG_SQL] = dialects[i];
		if (named) {
			app.args.lists[FLAG_COLUMN].items = columns;
			app.args.lists[FLAG_COLUMN].count = sizeof columns / sizeof *columns;
		}
		fuzz_require(sql_check(&app) == EXIT_YES);
		check_sql(&app, tree, others, i == 0);
		json_decref(app.document);
		pol_arena_finish(&app.arena);
	}
	json_decref(others);
}

/* The tree as the daemon sends it and the tool reads it. */
static void check_plan(const struct pol_snapshot *snapshot, const struct pol_plan *plan,
	struct pol_arena *arena, bool named)
{
	struct wire_buf out;
	json_t *answer;

	wire_buf_init(&out, WIRE_MAX_RESPONSE);
	if (plan_encode(&out, snapshot, plan, arena) == POL_PLAN_MADE && out.status == WIRE_OK) {
		answer = document_wire(wire_cursor_of(out.data, out.len));
		fuzz_require(json_object_get(answer, "tree") != NULL);
		check_dialects(json_object_get(answer, "tree"), named);
		json_decref(answer);
	}
	wire_buf_finish(&out);
}

static void check(struct dice *dice, const struct pol_snapshot *snapshot)
{
	static struct random_grants_who who;
	struct pol_given_fact items[16];
	struct pol_given kept;
	struct pol_arena arena;
	struct pol_plan plan;

	random_grants_who(dice, snapshot, &who);
	random_grants_give(dice, snapshot, false, who.given, &who.request);
	grants_keep(snapshot, &who.request, items, &kept);
	who.facts.given = &kept;
	who.facts.tree = POL_STR("api");
	who.facts.verb = roll(dice, 2) == 0 ? POL_STR("GET") : POL_STR("PUT");
	who.facts.path = POL_STR("/loans/{loan}");
	pol_arena_init(&arena, MEMORY);
	if (pol_plan_make(snapshot, &who.facts, &arena, &plan) == POL_PLAN_MADE &&
		plan.kind == POL_PLAN_WHEN) {
		check_plan(snapshot, &plan, &arena, roll(dice, 2) == 0);
	}
	pol_arena_finish(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	grants_check(facts_text, data, size, ROUNDS, check);
	return 0;
}
