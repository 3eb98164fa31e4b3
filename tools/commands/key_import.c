/* SPDX-License-Identifier: Apache-2.0 */

/* key import: tokens made elsewhere, by their SHA-256: one, or a file of them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/http/json.h"
#include "policy/text/timetext.h"
#include "tools/commands/commands.h"
#include "tools/hash_text.h"
#include "tools/many.h"
#include "tools/record.h"
#include "tools/show.h"
#include "tools/verb.h"

struct line {
	struct pol_str text;
	size_t number; /* from 1 */
	char hash[HASH_TEXT_SIZE];
	const char *wrong; /* what keeps it from being sent; NULL: nothing */
	size_t earlier;    /* the number of a line with the same hash; 0: there is none */
};

struct import {
	struct app *app;
	const char *from;   /* how the file is called */
	struct line *lines; /* those that are not blank, in the app's arena */
	size_t count;
	size_t capacity;
};

/* --- the file --------------------------------------------------------------------------------- */

static int add_line(struct import *import, struct pol_str text, size_t number)
{
	struct pol_arena *arena = &import->app->arena;
	struct pol_str copy = pol_arena_copy(arena, text);

	if (import->count == import->capacity) {
		import->lines = pol_arena_grow(arena, import->lines, import->count,
			import->count + 1, sizeof *import->lines, &import->capacity);
	}
	if (copy.ptr == NULL || import->lines == NULL) {
		return app_fail(import->app, EXIT_DAEMON, "internal", "out of memory");
	}
	import->lines[import->count++] = (struct line){ .text = copy, .number = number };
	return EXIT_YES;
}

static int read_lines(struct import *import, FILE *file)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len = 0;
	int status = EXIT_YES;

	for (size_t number = 1; status == EXIT_YES && len >= 0; number++) {
		len = getline(&text, &size, file);
		if (len > 0 && strspn(text, " \t\r\n") < (size_t)len) {
			status = add_line(import, (struct pol_str){ text, (size_t)len }, number);
		}
	}
	if (status == EXIT_YES && !feof(file)) {
		status = app_fail(import->app, EXIT_USAGE, "unreadable", "%s: %s", import->from,
			strerror(errno));
	}
	free(text);
	return status;
}

static int read_file(struct import *import, const char *path)
{
	FILE *file;
	int status;

	if (strcmp(path, "-") == 0) {
		import->from = "standard input";
		return read_lines(import, stdin);
	}
	import->from = path;
	file = fopen(path, "re");
	if (file == NULL) {
		return app_fail(
			import->app, EXIT_USAGE, "unreadable", "%s: %s", path, strerror(errno));
	}
	status = read_lines(import, file);
	fclose(file);
	return status;
}

/* --- a line ----------------------------------------------------------------------------------- */

static bool is_time(const char *name)
{
	return strcmp(name, "expires_at") == 0 || strcmp(name, "not_before") == 0;
}

static const char *put_pair(struct params *params, const char *name, json_t *value)
{
	int64_t time;

	wire_put_cstr(&params->buf, name);
	params->count++;
	if (!is_time(name) || !json_is_string(value)) {
		return http_json_to_wire(value, &params->buf);
	}
	if (pol_timetext_parse(pol_str_of(json_string_value(value)), &time) != POL_OK) {
		return "has a time that is neither Unix seconds nor RFC 3339";
	}
	wire_put_int(&params->buf, time);
	return NULL;
}

/* Puts what the line says. What is wrong with it; NULL: nothing. */
static const char *put_line(struct import *import, struct line *line, struct params *params)
{
	json_error_t error;
	json_t *object = json_loadb(line->text.ptr, line->text.len, JSON_REJECT_DUPLICATES, &error);
	const char *wrong = json_is_object(object) ? NULL : "is not a JSON object";
	const char *name;
	json_t *value;

	if (object == NULL) {
		return app_text(import->app, "column %d: %s", error.column, error.text);
	}
	json_object_foreach(object, name, value)
	{
		wrong = wrong == NULL ? put_pair(params, name, value) : wrong;
	}
	hash_text(json_string_value(json_object_get(object, "hash")), line->hash);
	json_decref(object);
	return wrong;
}

/* --- the same token twice ----------------------------------------------------------------------
 */

static int by_hash(const void *a, const void *b)
{
	const struct line *left = *(struct line *const *)a, *right = *(struct line *const *)b;
	int order = strcmp(left->hash, right->hash);

	return order != 0 ? order : (left->number > right->number) - (left->number < right->number);
}

/* The daemon refuses a second key with the same token; a dry run makes no first one. */
static int find_twice(struct import *import)
{
	struct line **order = calloc(import->count + 1, sizeof *order);

	if (order == NULL) {
		return app_fail(import->app, EXIT_DAEMON, "internal", "out of memory");
	}
	for (size_t i = 0; i < import->count; i++) {
		order[i] = &import->lines[i];
	}
	qsort(order, import->count, sizeof order[0], by_hash);
	for (size_t i = 1; i < import->count; i++) {
		const struct line *before = order[i - 1];

		if (order[i]->hash[0] != '\0' && strcmp(order[i]->hash, before->hash) == 0) {
			order[i]->earlier = before->earlier != 0 ? before->earlier : before->number;
		}
	}
	free(order);
	return EXIT_YES;
}

static const char *refuse(void *context, size_t number, const char **out_code)
{
	const struct import *import = context;
	size_t earlier = import->lines[number].earlier;

	if (import->lines[number].wrong != NULL) {
		*out_code = "invalid_request";
		return import->lines[number].wrong;
	}
	*out_code = "conflict";
	return earlier == 0 ? NULL
			    : app_text(import->app, "the same token as in line %zu", earlier);
}

static int fail_line(const struct import *import, const struct line *line)
{
	return app_fail(import->app, EXIT_USAGE, "unreadable", "%s: line %zu: %s", import->from,
		line->number, line->wrong);
}

/* All lines are read before the first is sent, so that a mistake in any of them changes nothing. A
 * dry run goes on, to judge the others. */
static int check_lines(struct import *import)
{
	int status = EXIT_YES;

	for (size_t i = 0; i < import->count && status == EXIT_YES; i++) {
		struct line *line = &import->lines[i];
		struct params params;

		params_begin(&params);
		line->wrong = put_line(import, line, &params);
		params_finish(&params);
		if (line->wrong != NULL && !import->app->args.given[FLAG_DRY_RUN]) {
			status = fail_line(import, line);
		}
	}
	return status;
}

/* --- many ------------------------------------------------------------------------------------- */

static int fill(void *context, size_t number, struct params *params)
{
	struct import *import = context;
	struct line *line = &import->lines[number];

	if (import->app->args.given[FLAG_DRY_RUN]) {
		params_bool(params, "dry_run", true);
	}
	line->wrong = put_line(import, line, params);
	return line->wrong == NULL ? EXIT_YES : fail_line(import, line);
}

/* Which line became which key. */
static void on_answer(void *context, size_t number, struct wire_cursor record)
{
	const struct import *import = context;
	const char *id = record_text(&import->app->arena, record, "id");

	if (!import->app->args.given[FLAG_DRY_RUN]) {
		printf("%s  line %zu\n", id, import->lines[number].number);
	}
}

static void mark(void *context, size_t number, json_t *result)
{
	const struct import *import = context;

	json_object_set_new(result, "line", json_integer((json_int_t)import->lines[number].number));
	if (import->app->args.given[FLAG_DRY_RUN]) {
		json_object_del(result, "id");
	}
}

static const char *name(void *context, size_t number)
{
	const struct import *import = context;

	return app_text(import->app, "line %zu", import->lines[number].number);
}

static int send_lines(struct import *import)
{
	bool dry = import->app->args.given[FLAG_DRY_RUN];
	const struct many many = { .method = import->app->command->method,
		.done = dry ? "would be imported" : "imported",
		.refuse = dry ? refuse : NULL,
		.answered = on_answer,
		.mark = mark,
		.sums = true,
		.count = import->count,
		.fill = fill,
		.name = name,
		.context = import };

	return many_run(import->app, &many);
}

static int import_file(struct app *app)
{
	struct import import = { .app = app };
	int status;

	if (app->args.given[FLAG_PRINCIPAL] || app->args.given[FLAG_ROLE] ||
		app->args.given[FLAG_SCOPE] || app->args.given[FLAG_HASH]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"the lines of the file describe the keys: leave out the options");
	}
	status = read_file(&import, app->args.words[0]);
	if (status == EXIT_YES) {
		status = check_lines(&import);
	}
	if (status == EXIT_YES && app->args.given[FLAG_DRY_RUN]) {
		status = find_twice(&import);
	}
	if (status == EXIT_YES && import.count == 0) {
		status = app_fail(app, EXIT_USAGE, "unreadable", "%s: is empty", import.from);
	}
	if (status == EXIT_YES) {
		status = send_lines(&import);
	}
	return status;
}

int key_import_run(struct app *app)
{
	int status;

	if (app->args.word_count > 0) {
		return import_file(app);
	}
	if (!app->args.given[FLAG_HASH]) {
		return app_fail(app, EXIT_USAGE, "usage",
			"what is to be imported? give --hash SHA256, or a FILE of JSON lines");
	}
	status = key_create_check(app);
	return status == EXIT_YES ? verb_run(app) : status;
}

int key_import_show(struct app *app, struct wire_cursor record)
{
	if (app->args.given[FLAG_DRY_RUN]) {
		puts("would be imported");
		return EXIT_YES;
	}
	return show_key(app, record);
}
