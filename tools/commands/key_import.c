/* SPDX-License-Identifier: Apache-2.0 */

/* key import: tokens made elsewhere, by their SHA-256: one, or a file of them. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/text/timetext.h"
#include "tools/commands/commands.h"
#include "tools/many.h"
#include "tools/verb.h"

struct line {
	struct pol_str text;
	size_t number; /* from 1 */
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
	import->lines[import->count++] = (struct line){ copy, number };
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
		return document_to_wire(value, &params->buf);
	}
	if (pol_timetext_parse(pol_str_of(json_string_value(value)), &time) != POL_OK) {
		return "has a time that is neither Unix seconds nor RFC 3339";
	}
	wire_put_int(&params->buf, time);
	return NULL;
}

static int put_line(struct import *import, const struct line *line, struct params *params)
{
	json_error_t error;
	json_t *object = json_loadb(line->text.ptr, line->text.len, JSON_REJECT_DUPLICATES, &error);
	const char *wrong = json_is_object(object) ? NULL : "is no JSON object";
	const char *name;
	json_t *value;
	int status = EXIT_YES;

	if (object == NULL) {
		return app_fail(import->app, EXIT_USAGE, "unreadable",
			"%s: line %zu, column %d: %s", import->from, line->number, error.column,
			error.text);
	}
	json_object_foreach(object, name, value)
	{
		wrong = wrong == NULL ? put_pair(params, name, value) : wrong;
	}
	if (wrong != NULL) {
		status = app_fail(import->app, EXIT_USAGE, "unreadable", "%s: line %zu %s",
			import->from, line->number, wrong);
	}
	json_decref(object);
	return status;
}

/* All lines are read before the first is sent, so that a mistake in any of them changes nothing. */
static int check_lines(struct import *import)
{
	int status = EXIT_YES;

	for (size_t i = 0; i < import->count && status == EXIT_YES; i++) {
		struct params params;

		params_begin(&params);
		status = put_line(import, &import->lines[i], &params);
		params_finish(&params);
	}
	return status;
}

/* --- many ------------------------------------------------------------------------------------- */

static int fill(void *context, size_t number, struct params *params)
{
	struct import *import = context;

	return put_line(import, &import->lines[number], params);
}

static const char *name(void *context, size_t number)
{
	const struct import *import = context;

	return app_text(import->app, "line %zu", import->lines[number].number);
}

static int send_lines(struct import *import)
{
	const struct many many = { .method = import->app->command->method,
		.done = "imported",
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
