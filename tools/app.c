/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/app.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/pager.h"
#include "tools/secret.h"
#include "tools/text.h"

/* Longer messages are cut. */
#define MESSAGE_SIZE 1024

static void say(const struct app *app, const char *what, enum colour colour, const char *message)
{
	if (app->silent) {
		return;
	}
	fprintf(stderr, "authzcheck: %s%s%s", text_begin(app->colour_err, colour), what,
		text_end(app->colour_err, colour));
	text_put(stderr, pol_str_of(message));
	fputc('\n', stderr);
}

int app_fail(struct app *app, int status, const char *code, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	secret_redact(message);
	pager_end(app);
	fflush(stdout);
	say(app, "", COLOUR_NONE, message);
	if (app->want_json && !app->failed) {
		app_document_error(app,
			json_pack("{s:s, s:o}", "code", code, "message", document_text(message)));
	}
	app->failed = true;
	return status;
}

static void set_document(struct app *app, json_t *document)
{
	json_decref(app->document);
	app->document = document;
	app->no_memory = app->no_memory || document == NULL;
}

void app_document(struct app *app, json_t *document)
{
	if (app->failed) {
		json_decref(document);
	} else {
		set_document(app, document);
	}
}

void app_document_error(struct app *app, json_t *error)
{
	set_document(app, json_pack("{s:o}", "error", error));
}

void app_list(struct app *app, json_t *before, const char *array)
{
	if (app->list.file == NULL && !document_list_begin(&app->list, stdout, before, array)) {
		app->no_memory = true;
	}
	json_decref(before);
}

void app_item(struct app *app, json_t *item)
{
	if (app->list.file == NULL || !document_list_item(&app->list, item)) {
		app->no_memory = true;
	}
	json_decref(item);
}

bool app_print(struct app *app)
{
	if (app->list.file != NULL) {
		return document_list_end(&app->list, app->document);
	}
	return app->document == NULL || document_print(app->document, stdout);
}

void app_append(struct app *app, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value) != 0) {
		app->no_memory = true;
	}
}

void app_warn(struct app *app, const char *format, ...)
{
	char message[MESSAGE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	secret_redact(message);
	say(app, "warning: ", COLOUR_YELLOW, message);
}

const char *app_count(struct app *app, uint64_t count, const char *one)
{
	return app_text(app, "%" PRIu64 " %s%s", count, one, count == 1 ? "" : "s");
}

const char *app_text(struct app *app, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (len < 0) {
		return "";
	}
	text = pol_arena_alloc(&app->arena, (size_t)len + 1, 1);
	if (text == NULL) {
		return "";
	}
	va_start(args, format);
	vsnprintf(text, (size_t)len + 1, format, args);
	va_end(args);
	return text;
}
