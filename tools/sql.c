/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum dialect { POSTGRESQL = 0, MYSQL, MARIADB, SQLITE, DIALECTS };

static const char *const dialects[DIALECTS] = { "postgresql", "mysql", "mariadb", "sqlite" };

struct writer {
	struct app *app;
	enum dialect dialect;
	FILE *out;
	json_t *parameters;
	int status;
};

static enum dialect dialect_of(const struct app *app)
{
	const char *name = app->args.values[FLAG_SQL];
	enum dialect dialect = POSTGRESQL;

	while (dialect < DIALECTS && strcmp(name, dialects[dialect]) != 0) {
		dialect++;
	}
	return dialect;
}

int sql_check(struct app *app)
{
	const struct args_list *columns = &app->args.lists[FLAG_COLUMN];

	if (!app->args.given[FLAG_SQL]) {
		return columns->count == 0
			       ? EXIT_YES
			       : app_fail(app, EXIT_USAGE, "usage", "--column needs --sql");
	}
	if (dialect_of(app) == DIALECTS) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--sql is postgresql, mysql, mariadb or sqlite, not '%s'",
			app->args.values[FLAG_SQL]);
	}
	for (size_t i = 0; i < columns->count; i++) {
		const char *sign = memchr(columns->items[i].ptr, '=', columns->items[i].len);

		if (sign == NULL || sign == columns->items[i].ptr) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--column needs FACT=EXPRESSION, or '{PARAMETER}=EXPRESSION'");
		}
	}
	return EXIT_YES;
}

const char *sql_placeholder(struct app *app, size_t parameter)
{
	return app_text(app, "%s%zu", dialect_of(app) == POSTGRESQL ? "$" : "?", parameter + 1);
}

/* --- operands --------------------------------------------------------------------------------- */

static const char *text_at(const json_t *array, size_t index)
{
	const char *text = json_string_value(json_array_get(array, index));

	return text != NULL ? text : "";
}

static bool is(const json_t *array, const char *name)
{
	return strcmp(text_at(array, 0), name) == 0;
}

/* Has it a column? */
static bool is_column(const json_t *operand)
{
	return is(operand, "fact") || is(operand, "parameter");
}

/* "string", "word", "int" …: of a fact, a parameter or a value. */
static const char *type_of(const json_t *operand)
{
	const json_t *type = json_array_get(operand, 2);

	if (!is_column(operand)) {
		return text_at(operand, 0);
	}
	return json_is_array(type) ? text_at(type, 0) : text_at(operand, 2);
}

static bool has_type(const json_t *operand, const char *type)
{
	return strcmp(type_of(operand), type) == 0;
}

static void fail(struct writer *writer, const char *what, const char *name)
{
	if (writer->status == EXIT_YES) {
		writer->status =
			app_fail(writer->app, EXIT_USAGE, "invalid_request", "%s '%s'", what, name);
	}
}

/* Binds a parameter and writes its placeholder. */
static void bind(struct writer *writer, json_t *value)
{
	if (json_array_append_new(writer->parameters, value) < 0) {
		writer->app->no_memory = true;
	}
	if (writer->dialect == POSTGRESQL) {
		fprintf(writer->out, "$%zu", json_array_size(writer->parameters));
	} else {
		fputc('?', writer->out);
	}
}

/* The name of the fact or parameter in quotes; a quote in it, which no name has, is doubled. SQLite
 * takes a name in double quotes that no column has as text. */
static void put_quoted(struct writer *writer, const char *name)
{
	char quote = writer->dialect == POSTGRESQL ? '"' : '`';

	fprintf(writer->out, "(%c", quote);
	for (; *name != '\0'; name++) {
		if (*name == quote) {
			fputc(quote, writer->out);
		}
		fputc(*name, writer->out);
	}
	fprintf(writer->out, "%c)", quote);
}

static bool is_named(const json_t *operand, const char *name, size_t len)
{
	const char *own = text_at(operand, 1);

	if (is(operand, "fact")) {
		return strlen(own) == len && memcmp(own, name, len) == 0;
	}
	return len == strlen(own) + 2 && name[0] == '{' && name[len - 1] == '}' &&
	       memcmp(own, name + 1, len - 2) == 0;
}

/* The caller's expression for a fact or a parameter. */
static void put_column(struct writer *writer, const json_t *operand)
{
	const struct args_list *columns = &writer->app->args.lists[FLAG_COLUMN];

	for (size_t i = 0; i < columns->count; i++) {
		const struct pol_str *column = &columns->items[i];
		const char *sign = memchr(column->ptr, '=', column->len);
		size_t len = sign != NULL ? (size_t)(sign - column->ptr) : 0;

		if (len > 0 && is_named(operand, column->ptr, len)) {
			fprintf(writer->out, "(%.*s)", (int)(column->len - len - 1), sign + 1);
			return;
		}
	}
	put_quoted(writer, text_at(operand, 1));
}

/* What stands around a column, and around a placeholder, so that both compare as they must,
 * whatever the column's type and the driver's. Text is compared by its bytes: a cast takes the own
 * equality of a type away, and a collation that of a column. A column of numbers of SQLite would
 * take a text for a number, and '07' for 7. In PostgreSQL an address of IPv4 may be written as one
 * of IPv6. */
struct around {
	const char *before, *after;
};
static const struct around columns[DIALECTS][4] = {
	[POSTGRESQL] = { { "", "::text COLLATE \"C\"" }, { "", "" }, { "", "" },
		{ "regexp_replace(host(", "::inet), '^::ffff:([0-9.]+)$', '\\1')::inet" } },
	[MYSQL] = { { "CAST(CONVERT(", " USING utf8mb4) AS BINARY)" }, { "", "" }, { "", "" },
		{ NULL, NULL } },
	[MARIADB] = { { "CAST(CONVERT(", " USING utf8mb4) AS BINARY)" }, { "", "" }, { "", "" },
		{ NULL, NULL } },
	[SQLITE] = { { "CAST(", " AS TEXT) COLLATE BINARY" }, { "", "" }, { "", "" },
		{ NULL, NULL } },
};
static const struct around values[DIALECTS][4] = {
	[POSTGRESQL] = { { "", "::text" }, { "", "::bigint" }, { "", "::boolean" },
		{ "", "::inet" } },
	[MYSQL] = { { "CAST(CONVERT(", " USING utf8mb4) AS BINARY)" }, { "CAST(", " AS SIGNED)" },
		{ "CAST(", " AS SIGNED)" }, { NULL, NULL } },
	[MARIADB] = { { "CAST(CONVERT(", " USING utf8mb4) AS BINARY)" }, { "CAST(", " AS SIGNED)" },
		{ "CAST(", " AS SIGNED)" }, { NULL, NULL } },
	[SQLITE] = { { "", "" }, { "CAST(", " AS INTEGER)" }, { "CAST(", " AS INTEGER)" },
		{ NULL, NULL } },
};

/* What compares alike: the second index of the tables. */
static int kind_of(const json_t *operand)
{
	static const struct {
		const char *type;
		int kind;
	} kinds[] = { { "string", 0 }, { "word", 0 }, { "int", 1 }, { "time", 1 },
		{ "duration", 1 }, { "bool", 2 }, { "address", 3 }, { "network", 3 } };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		if (has_type(operand, kinds[i].type)) {
			return kinds[i].kind;
		}
	}
	return -1;
}

static void put_operand(struct writer *writer, const json_t *operand)
{
	int kind = kind_of(operand);
	json_t *value = json_array_get(operand, 1);
	const struct around *around;

	if (kind < 0) {
		fail(writer,
			"the plan has a type that this version does not know:", type_of(operand));
		return;
	}
	around = is_column(operand) ? &columns[writer->dialect][kind]
				    : &values[writer->dialect][kind];
	if (around->before == NULL) {
		fail(writer, "only postgresql compares addresses, not", dialects[writer->dialect]);
		return;
	}
	fputs(around->before, writer->out);
	if (is_column(operand)) {
		put_column(writer, operand);
	} else if (json_is_boolean(value) && writer->dialect != POSTGRESQL) {
		bind(writer, json_integer(json_is_true(value)));
	} else {
		bind(writer, json_incref(value));
	}
	fputs(around->after, writer->out);
}

/* A set: text[] in PostgreSQL, elsewhere a JSON array. */
static void put_set(struct writer *writer, const json_t *operand)
{
	json_t *members = json_array_get(operand, 1), *member;
	size_t i;
	char *text;

	if (is_column(operand)) {
		put_column(writer, operand);
		fputs(writer->dialect == POSTGRESQL ? "::text[] COLLATE \"C\"" : "", writer->out);
	} else if (writer->dialect == POSTGRESQL) {
		fputs("ARRAY[", writer->out);
		json_array_foreach(members, i, member)
		{
			fputs(i > 0 ? ", " : "", writer->out);
			bind(writer, json_incref(member));
		}
		fputs("]::text[]", writer->out);
	} else {
		text = json_dumps(members, JSON_COMPACT);
		bind(writer, text != NULL ? json_string(text) : NULL);
		free(text);
	}
}

/* --- sets ------------------------------------------------------------------------------------- */

/* NULL is in no set, and an empty one has nothing of it: that it is there is said apart. */
static void put_there(struct writer *writer, const json_t *operand)
{
	if (is_column(operand)) {
		put_column(writer, operand);
		fputs(" IS NOT NULL AND ", writer->out);
	}
}

/* The sets as a row of their own, so that the columns of json_each hide none of the caller's. */
static void put_sets(struct writer *writer, const json_t *left, const json_t *right)
{
	fputs("(SELECT ", writer->out);
	put_set(writer, left);
	fputs(" AS a", writer->out);
	if (right != NULL) {
		fputs(", ", writer->out);
		put_set(writer, right);
		fputs(" AS b", writer->out);
	}
	fputs(") AS authz_s, ", writer->out);
}

/* The members of a set as the rows of a table. MariaDB's JSON_CONTAINS takes an escape such as
 * \u00e4 for another text than the letter; JSON_TABLE reads both alike. */
static void put_rows(struct writer *writer, const json_t *set, const char *table)
{
	fputs("JSON_TABLE(", writer->out);
	put_set(writer, set);
	fprintf(writer->out, ", '$[*]' COLUMNS (authz_member LONGTEXT PATH '$')) AS %s", table);
}

static void put_members_of_rows(
	struct writer *writer, const json_t *left, const json_t *right, bool any)
{
	fputs(any ? "EXISTS (SELECT 1 FROM " : "NOT EXISTS (SELECT 1 FROM ", writer->out);
	put_rows(writer, any ? left : right, any ? "authz_a" : "authz_b");
	fputs(any ? ", " : " WHERE NOT EXISTS (SELECT 1 FROM ", writer->out);
	put_rows(writer, any ? right : left, any ? "authz_b" : "authz_a");
	fputs(" WHERE CAST(authz_a.authz_member AS BINARY) = "
	      "CAST(authz_b.authz_member AS BINARY))",
		writer->out);
	fputs(any ? "" : ")", writer->out);
}

static void put_has(struct writer *writer, const json_t *left, const json_t *right)
{
	if (writer->dialect == MARIADB) {
		put_operand(writer, right);
		fputs(" IN (SELECT CAST(authz_a.authz_member AS BINARY) FROM ", writer->out);
		put_rows(writer, left, "authz_a");
		fputs(")", writer->out);
		return;
	}
	if (writer->dialect != MYSQL) {
		bool sqlite = writer->dialect == SQLITE;

		put_operand(writer, right);
		fputs(sqlite ? " IN (SELECT authz_a.value FROM " : " = ANY (", writer->out);
		(sqlite ? put_sets(writer, left, NULL) : put_set(writer, left));
		fputs(sqlite ? "json_each(authz_s.a) AS authz_a)" : ")", writer->out);
		return;
	}
	fputs("JSON_CONTAINS(", writer->out);
	put_set(writer, left);
	fputs(", JSON_QUOTE(CONVERT(", writer->out);
	if (is_column(right)) {
		put_column(writer, right);
	} else {
		bind(writer, json_incref(json_array_get(right, 1)));
	}
	fputs(" USING utf8mb4)))", writer->out);
}

/* Some, or all, members of right are in left; "all" is "none is not". */
static void put_members(struct writer *writer, const json_t *left, const json_t *right, bool any)
{
	if (writer->dialect == SQLITE) {
		fputs(any ? "EXISTS (SELECT 1 FROM " : "NOT EXISTS (SELECT 1 FROM ", writer->out);
		put_sets(writer, left, right);
		fputs(any ? "json_each(authz_s.a) AS authz_a, json_each(authz_s.b) AS authz_b "
			    "WHERE authz_a.value = authz_b.value)"
			  : "json_each(authz_s.b) AS authz_b WHERE authz_b.value NOT IN "
			    "(SELECT authz_a.value FROM json_each(authz_s.a) AS authz_a))",
			writer->out);
		return;
	}
	if (writer->dialect == MARIADB) {
		put_members_of_rows(writer, left, right, any);
		return;
	}
	if (writer->dialect == MYSQL) {
		fputs(any ? "JSON_OVERLAPS(" : "JSON_CONTAINS(", writer->out);
	}
	put_set(writer, left);
	fputs(writer->dialect == MYSQL ? ", " : any ? " && " : " @> ", writer->out);
	put_set(writer, right);
	fputs(writer->dialect == MYSQL ? ")" : "", writer->out);
}

/* Writes a comparison of sets. False: the condition is not one. */
static bool put_of_sets(struct writer *writer, const json_t *tree)
{
	static const struct {
		const char *name;
		enum { HAS, ANY, ALL } of;
		bool negated;
	} names[] = { { "has", HAS, false }, { "has not", HAS, true }, { "has any", ANY, false },
		{ "has none", ANY, true }, { "has all", ALL, false },
		{ "has not all", ALL, true } };
	const json_t *left = json_array_get(tree, 1), *right = json_array_get(tree, 2);
	size_t i = 0;

	while (i < sizeof names / sizeof names[0] && !is(tree, names[i].name)) {
		i++;
	}
	if (i == sizeof names / sizeof names[0]) {
		return false;
	}
	put_there(writer, left);
	put_there(writer, right);
	fputs(names[i].negated ? "NOT (" : "", writer->out);
	if (names[i].of == HAS) {
		put_has(writer, left, right);
	} else {
		put_members(writer, left, right, names[i].of == ANY);
	}
	fputs(names[i].negated ? ")" : "", writer->out);
	return true;
}

/* --- the tree --------------------------------------------------------------------------------- */

/* `is not` of one word is `is one of the others`: a row that has none of the words is not listed.
 */
static void put_other_words(struct writer *writer, const json_t *fact, const json_t *word)
{
	const json_t *words = json_array_get(json_array_get(fact, 2), 1);
	const char *before = " IN (";
	json_t *other;
	size_t i;

	if (json_array_size(words) < 2) {
		fputs("1 = 0", writer->out);
		return;
	}
	put_operand(writer, fact);
	json_array_foreach(words, i, other)
	{
		if (!json_equal(other, json_array_get(word, 1))) {
			json_t *value = json_pack("[s, O]", "word", other);

			fputs(before, writer->out);
			put_operand(writer, value);
			json_decref(value);
			before = ", ";
		}
	}
	fputs(")", writer->out);
}

static void put_order(struct writer *writer, const json_t *tree, const char *sign)
{
	put_operand(writer, json_array_get(tree, 1));
	fprintf(writer->out, " %s ", sign);
	put_operand(writer, json_array_get(tree, 2));
}

static void put_comparison(struct writer *writer, const json_t *tree)
{
	const json_t *left = json_array_get(tree, 1), *right = json_array_get(tree, 2);

	if (is(tree, "is not") && is(left, "fact") && is(right, "word")) {
		put_other_words(writer, left, right);
	} else if (is(tree, "is") || is(tree, "is not")) {
		put_order(writer, tree, is(tree, "is") ? "=" : "<>");
	} else if (is(tree, "<") || is(tree, "<=")) {
		put_order(writer, tree, text_at(tree, 0));
	} else if (is(tree, "within") || is(tree, "not within")) {
		fputs(is(tree, "within") ? "" : "NOT ", writer->out);
		put_order(writer, tree, "<<=");
	} else if (!put_of_sets(writer, tree)) {
		fail(writer, "the plan has what this version does not know:", text_at(tree, 0));
	}
}

/* The daemon's answers nest no deeper than a message may. */
static void put_tree(struct writer *writer, const json_t *tree)
{
	const char *between = is(tree, "and") ? " AND " : " OR ";

	fputs("(", writer->out);
	if (is(tree, "and") || is(tree, "or")) {
		for (size_t i = 1; i < json_array_size(tree); i++) {
			fputs(i > 1 ? between : "", writer->out);
			put_tree(writer, json_array_get(tree, i));
		}
	} else if (is(tree, "present") || is(tree, "absent")) {
		put_column(writer, json_array_get(tree, 1));
		fputs(is(tree, "present") ? " IS NOT NULL" : " IS NULL", writer->out);
	} else {
		put_comparison(writer, tree);
	}
	fputs(")", writer->out);
}

int sql_where(struct app *app, const json_t *plan, const char **out_text, json_t **out_parameters)
{
	const char *kind = json_string_value(json_object_get(plan, "plan"));
	struct writer writer = { .app = app,
		.dialect = dialect_of(app),
		.parameters = json_array(),
		.status = EXIT_YES };
	char *text = NULL;
	size_t size;

	writer.out = open_memstream(&text, &size);
	if (writer.out == NULL) {
		json_decref(writer.parameters);
		return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	if (kind != NULL && strcmp(kind, "when") == 0) {
		put_tree(&writer, json_object_get(plan, "tree"));
	} else {
		fputs(kind != NULL && strcmp(kind, "always") == 0 ? "(1 = 1)" : "(1 = 0)",
			writer.out);
	}
	if (fclose(writer.out) != 0 && writer.status == EXIT_YES) {
		writer.status = app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	*out_text = app_text(app, "%s", text != NULL ? text : "");
	free(text);
	*out_parameters = writer.parameters;
	return writer.status;
}
