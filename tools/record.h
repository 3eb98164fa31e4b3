/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record: fields of a map that the daemon answered. A field that is missing or of another type
 * reads as empty, so that the answers of an older or newer daemon are shown, too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "policy/text/arena.h"
#include "policy/text/str.h"
#include "tools/app.h"

/* *out is a cursor over the field's value; false when there is none. */
bool record_find(struct wire_cursor map, const char *name, struct wire_cursor *out);

/* A view of the answer's bytes, as they came. */
struct pol_str record_str(struct wire_cursor map, const char *name);
/* `fallback` where there is none. */
int64_t record_int(struct wire_cursor map, const char *name, int64_t fallback);
bool record_bool(struct wire_cursor map, const char *name, bool fallback);

/* Fit to show: escaped, in the arena; empty where there is none. A list as "a, b". */
const char *record_text(struct pol_arena *arena, struct wire_cursor map, const char *name);
const char *record_list(struct pol_arena *arena, struct wire_cursor map, const char *name);
/* A time in words, relative to now; `none` where there is none. */
const char *record_when(
	struct app *app, struct wire_cursor map, const char *name, const char *none);

/* The daemon's "+GET,POST api:/loans" as it is written in a policy; any other text as it is. */
const char *record_grant(struct app *app, struct pol_str grant);

/* "FILE:LINE", from `file` and `line` of the map; empty where there is no file. */
const char *record_position(struct app *app, struct wire_cursor map);

/* Calls `seen` for each item of the array field; stops when it returns false. */
void record_each(struct wire_cursor map, const char *name,
	bool (*seen)(void *context, struct wire_cursor item), void *context);

/* How a field is shown to people. */
enum record_kind {
	RECORD_TEXT = 0,
	RECORD_LIST,
	RECORD_TIME,  /* relative, with RFC 3339 after it */
	RECORD_WHEN,  /* relative alone */
	RECORD_NEVER, /* the same, or "never" */
	RECORD_INT,
	RECORD_AGO,   /* milliseconds: "250 ms ago", "3 minutes ago" */
	RECORD_AHEAD, /* milliseconds: "+12 ms", "-61 s" */
	RECORD_BOOL,  /* yes or no */
	RECORD_DURATION,
	RECORD_MAP,      /* "a=b, c=d" */
	RECORD_COUNTS,   /* "a 1, b 2" */
	RECORD_DAYS,     /* days.h */
	RECORD_STATUS,   /* active green, revoked and inactive red, expired yellow */
	RECORD_FINDINGS, /* a list, its underscores shown as blanks; yellow */
	RECORD_USED,     /* "USED/GRANTED" */
	RECORD_PLACES,   /* a list, or "everywhere" */
	RECORD_SOURCE,   /* a bool: "policy" when it is true, or "shadowed" when the record is */
	RECORD_LACKING,  /* a list of names and of grants as record_grant shows them */
	RECORD_POSITION, /* "FILE:LINE" of the record, or nothing */
	RECORD_ROLE,     /* a text, and "(shadowed)" when the record is */
	RECORD_AUTHOR,   /* a text, or "policy" when the record is declared there */
};

struct record_field {
	const char *name;
	const char *title;
	enum record_kind kind;
};

/* A field's text, in the arena; empty where there is none. */
const char *record_field_text(struct app *app, struct pol_arena *arena, struct wire_cursor map,
	const struct record_field *field);

/* Is it a list of all tenants (--tenant '*')? Its records then show theirs. */
bool record_all_tenants(const struct app *app);

/* "title   value" lines, aligned, of the fields that are there. */
void record_print(
	struct app *app, struct wire_cursor map, const struct record_field *fields, size_t count);
