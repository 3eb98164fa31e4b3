/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/days.h"
#include "tools/text.h"
#include "tools/when.h"

bool record_find(struct wire_cursor map, const char *name, struct wire_cursor *out)
{
	size_t len = strlen(name);
	uint32_t count = 0;

	if (!wire_read_map(&map, &count)) {
		return false;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str key;

		if (!wire_read_text(&map, &key)) {
			return false;
		}
		if (key.len == len && memcmp(key.ptr, name, len) == 0) {
			return wire_take(&map, out);
		}
		if (!wire_skip(&map)) {
			return false;
		}
	}
	return false;
}

struct pol_str record_str(struct wire_cursor map, const char *name)
{
	struct wire_cursor value;
	struct wire_str text;

	if (!record_find(map, name, &value) || !wire_read_text(&value, &text)) {
		return (struct pol_str){ 0 };
	}
	return (struct pol_str){ text.ptr, text.len };
}

int64_t record_int(struct wire_cursor map, const char *name, int64_t fallback)
{
	struct wire_cursor value;
	int64_t integer;

	return record_find(map, name, &value) && wire_read_int(&value, &integer) ? integer
										 : fallback;
}

bool record_bool(struct wire_cursor map, const char *name, bool fallback)
{
	struct wire_cursor value;
	bool boolean;

	return record_find(map, name, &value) && wire_read_bool(&value, &boolean) ? boolean
										  : fallback;
}

const char *record_text(struct pol_arena *arena, struct wire_cursor map, const char *name)
{
	return text_escape(arena, record_str(map, name));
}

/* `before` and `text` with a separator between them, in the arena; never NULL. */
static const char *join(
	struct pol_arena *arena, const char *before, const char *separator, const char *text)
{
	size_t size = strlen(before) + strlen(separator) + strlen(text) + 1;
	char *out = pol_arena_alloc(arena, size, 1);

	if (out == NULL) {
		return "";
	}
	snprintf(out, size, "%s%s%s", before, separator, text);
	return out;
}

const char *record_list(struct pol_arena *arena, struct wire_cursor map, const char *name)
{
	const char *text = "";
	struct wire_cursor value;
	uint32_t count = 0;

	if (!record_find(map, name, &value) || !wire_read_array(&value, &count)) {
		return text;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str item;

		if (!wire_read_text(&value, &item)) {
			break;
		}
		text = join(arena, text, i > 0 ? ", " : "",
			text_escape(arena, (struct pol_str){ item.ptr, item.len }));
	}
	return text;
}

const char *record_grant(struct app *app, struct pol_str grant)
{
	const char *space = grant.len > 0 ? memchr(grant.ptr, ' ', grant.len) : NULL;

	if (space == NULL || (grant.ptr[0] != '+' && grant.ptr[0] != '-')) {
		return text_escape(&app->arena, grant);
	}
	return app_text(app, "%s %s on %s", grant.ptr[0] == '+' ? "allow" : "deny",
		text_escape(&app->arena,
			(struct pol_str){ grant.ptr + 1, (size_t)(space - grant.ptr) - 1 }),
		text_escape(&app->arena, (struct pol_str){ space + 1,
						 grant.len - (size_t)(space - grant.ptr) - 1 }));
}

static const char *lacking(struct app *app, struct wire_cursor value)
{
	const char *text = "";
	struct wire_str item;
	uint32_t count = 0;

	(void)wire_read_array(&value, &count);
	for (uint32_t i = 0; i < count && wire_read_text(&value, &item); i++) {
		text = app_text(app, "%s%s%s", text, i > 0 ? ", " : "",
			record_grant(app, (struct pol_str){ item.ptr, item.len }));
	}
	return text;
}

static const char *pairs(struct pol_arena *arena, struct wire_cursor value)
{
	const char *text = "";
	uint32_t count = 0;

	if (!wire_read_map(&value, &count)) {
		return text;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str key;
		struct wire_str item;

		if (!wire_read_text(&value, &key) || !wire_read_text(&value, &item)) {
			break;
		}
		text = join(arena, text, i > 0 ? ", " : "",
			join(arena, text_escape(arena, (struct pol_str){ key.ptr, key.len }), "=",
				text_escape(arena, (struct pol_str){ item.ptr, item.len })));
	}
	return text;
}

static const char *counts(struct app *app, struct wire_cursor value)
{
	const char *text = "";
	uint32_t count = 0;

	if (!wire_read_map(&value, &count)) {
		return text;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_str key;
		int64_t number;

		if (!wire_read_text(&value, &key) || !wire_read_int(&value, &number)) {
			break;
		}
		text = app_text(app, "%s%s%s %" PRId64, text, i > 0 ? ", " : "",
			text_escape(&app->arena, (struct pol_str){ key.ptr, key.len }), number);
	}
	return text;
}

const char *record_when(struct app *app, struct wire_cursor map, const char *name, const char *none)
{
	int64_t time = record_int(map, name, 0);

	return time == 0 ? none : when_text(app, time);
}

void record_each(struct wire_cursor map, const char *name,
	bool (*seen)(void *context, struct wire_cursor item), void *context)
{
	struct wire_cursor value;
	uint32_t count = 0;

	if (!record_find(map, name, &value) || !wire_read_array(&value, &count)) {
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		struct wire_cursor item;

		if (!wire_take(&value, &item) || !seen(context, item)) {
			return;
		}
	}
}

/* As the daemon names them, with blanks. */
static const char *findings(struct pol_arena *arena, const char *list)
{
	size_t size = strlen(list) + 1;
	char *text = pol_arena_alloc(arena, size, 1);

	if (text == NULL) {
		return "";
	}
	for (size_t i = 0; i < size; i++) {
		text[i] = list[i] == '_' ? ' ' : list[i];
	}
	return text;
}

const char *record_position(struct app *app, struct wire_cursor map)
{
	const char *file = record_text(&app->arena, map, "file");

	return file[0] != '\0' ? app_text(app, "%s:%" PRId64, file, record_int(map, "line", 0))
			       : "";
}

/* From here on milliseconds are shown as seconds. */
#define SECONDS_FROM 10000

static const char *milliseconds_ago(struct app *app, int64_t ms)
{
	return ms < SECONDS_FROM ? app_text(app, "%" PRId64 " ms ago", ms)
				 : app_text(app, "%s ago", when_duration(app, ms / 1000));
}

const char *record_field_text(struct app *app, struct pol_arena *arena, struct wire_cursor map,
	const struct record_field *field)
{
	struct wire_cursor value = { 0 };
	const char *list;
	int64_t number;

	if (!record_find(map, field->name, &value) && field->kind < RECORD_PLACES &&
		field->kind != RECORD_NEVER) {
		return "";
	}
	switch (field->kind) {
	case RECORD_TEXT:
	case RECORD_STATUS:
		return record_text(arena, map, field->name);
	case RECORD_LIST:
		return record_list(arena, map, field->name);
	case RECORD_TIME:
		return when_text_full(app, record_int(map, field->name, 0));
	case RECORD_WHEN:
		return record_when(app, map, field->name, "");
	case RECORD_NEVER:
		/* Nothing is known of an altered record. */
		if (pol_str_equal(record_str(map, "status"), POL_STR("altered"))) {
			return "";
		}
		return record_when(app, map, field->name, "never");
	case RECORD_INT:
		return app_text(app, "%" PRId64, record_int(map, field->name, 0));
	case RECORD_AGO:
		return milliseconds_ago(app, record_int(map, field->name, 0));
	case RECORD_AHEAD:
		number = record_int(map, field->name, 0);
		return number > -SECONDS_FROM && number < SECONDS_FROM
			       ? app_text(app, "%+" PRId64 " ms", number)
			       : app_text(app, "%+" PRId64 " s", number / 1000);
	case RECORD_BOOL:
		return record_bool(map, field->name, false) ? "yes" : "no";
	case RECORD_DURATION:
		return when_duration(app, record_int(map, field->name, 0));
	case RECORD_MAP:
		return pairs(arena, value);
	case RECORD_COUNTS:
		return counts(app, value);
	case RECORD_DAYS:
		return days_text(app, value);
	case RECORD_LACKING:
		return lacking(app, value);
	case RECORD_FINDINGS:
		return findings(arena, record_list(arena, map, field->name));
	case RECORD_USED:
		return app_text(app, "%" PRId64 "/%" PRId64, record_int(map, "used", 0),
			record_int(map, field->name, 0));
	case RECORD_PLACES:
		list = record_list(arena, map, field->name);
		return list[0] != '\0' ? list : "everywhere";
	case RECORD_POSITION:
		return record_position(app, map);
	case RECORD_ROLE:
		return app_text(app, "%s%s", record_text(arena, map, field->name),
			record_bool(map, "shadowed", false) ? " (shadowed)" : "");
	case RECORD_SOURCE:
		return record_bool(map, field->name, false)  ? "policy"
		       : record_bool(map, "shadowed", false) ? "shadowed"
							     : "";
	case RECORD_AUTHOR:
		return record_bool(map, "declared", false) ? "policy"
							   : record_text(arena, map, field->name);
	}
	return "";
}

bool record_all_tenants(const struct app *app)
{
	const char *tenant = app->args.values[FLAG_TENANT];

	return tenant != NULL && strcmp(tenant, "*") == 0;
}

void record_print(
	struct app *app, struct wire_cursor map, const struct record_field *fields, size_t count)
{
	size_t width = 0;

	for (size_t i = 0; i < count; i++) {
		size_t own = text_width(pol_str_of(fields[i].title));

		width = own > width ? own : width;
	}
	for (size_t i = 0; i < count; i++) {
		struct wire_cursor value;
		const char *text;

		if (!record_find(map, fields[i].name, &value)) {
			continue;
		}
		text = record_field_text(app, &app->arena, map, &fields[i]);
		if (text[0] != '\0') {
			printf("%s%-*s%s  %s\n", text_begin(app->colour, COLOUR_DIM), (int)width,
				fields[i].title, text_end(app->colour, COLOUR_DIM), text);
		}
	}
}
