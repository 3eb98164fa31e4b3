/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * diag: what is wrong with a policy, and where.
 *
 * A span is a place in a source as file number, byte offset and length; line and column are
 * worked out when a message is made, so that spans cost nothing while all is well. Messages are
 * copied into the list's own arena and live until pol_diags_finish. Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"

/* Past this many errors a file's list ends with a line that says how many more there are. */
#define POL_DIAG_PER_FILE 20

/* Messages come from several passes and are sorted last, so that more are kept than shown; past
 * this many a file they are counted alone. */
#define POL_DIAG_KEPT_PER_FILE 200

/* Places that belong to one message; what is past them is counted by its last note. */
#define POL_DIAG_NOTES 20

/* All messages of a list. A folder of many files may be wrong in each. */
#define POL_DIAGS_LIMIT ((size_t)32 * 1024 * 1024)

/* A message is cut there, a source line shown around its caret. In bytes. */
#define POL_DIAG_MESSAGE_MAX 1024
#define POL_DIAG_LINE_MAX    400

/* One file: the name as it is shown, and its bytes. Both belong to the caller and outlive every
 * span, diagnostic and snapshot made from them unless said otherwise. */
struct pol_source {
	struct pol_str name;
	struct pol_str text;
};

enum pol_severity { POL_SEVERITY_ERROR = 0, POL_SEVERITY_WARNING, POL_SEVERITY_NOTE };

struct pol_diag_note {
	struct pol_span at;
	struct pol_str file;
	uint32_t line;
	uint32_t column;
	struct pol_str message;
	struct pol_diag_note *next;
	char text[48]; /* of a message that counts those left out */
};

struct pol_diag {
	enum pol_severity severity;
	struct pol_span at;
	struct pol_str file;
	uint32_t line;   /* from 1 */
	uint32_t column; /* from 1, in characters */
	struct pol_str message;
	struct pol_diag_note *notes; /* first of a list, or NULL */
	struct pol_diag_note *last_note;
	uint32_t note_count; /* those past the bound too */
	struct pol_diag *next;
	bool counts; /* made by pol_diags_sort: says how many more there are */
};

/* What is known of one file's messages. */
struct pol_diag_tally {
	uint32_t errors;
	uint32_t warnings;
	uint32_t kept;
};

struct pol_diags {
	struct pol_arena arena;
	const struct pol_source *sources;
	size_t source_count;
	struct pol_str folder; /* as the user named it, shown before a file's name; empty: none */
	struct pol_diag *first;
	struct pol_diag *last;
	size_t errors;                  /* all, those past the bound included */
	size_t warnings;                /* likewise */
	size_t repeated;                /* of the errors, until they are sorted */
	struct pol_diag_tally *tallies; /* one a source */
	struct pol_diag *recent[POL_DIAG_KEPT_PER_FILE];
	size_t recent_next;
	/* where the last message stood, so that the next one need not count from the top */
	struct pol_span place;
	uint32_t place_line;
	uint32_t place_start; /* of that line */
};

/* The span of what has no place, such as an empty folder. */
#define POL_NO_PLACE ((struct pol_span){ UINT32_MAX, 0, 0 })

/* The sources are borrowed and must outlive the list. */
void pol_diags_init(struct pol_diags *diags, const struct pol_source *sources, size_t count);
void pol_diags_finish(struct pol_diags *diags);

/* Adds a message, unless the same was said of the same place just before. Running out of memory
 * still counts the error, so that a policy can never pass for lack of room to say what is wrong.
 * Returns the diagnostic, for notes, or NULL. */
__attribute__((format(printf, 3, 4))) struct pol_diag *pol_diag_error(
	struct pol_diags *diags, struct pol_span at, const char *format, ...);
__attribute__((format(printf, 3, 4))) struct pol_diag *pol_diag_warning(
	struct pol_diags *diags, struct pol_span at, const char *format, ...);

/* Adds a second place that matters. A NULL diag is ignored. Notes past POL_DIAG_NOTES are replaced
 * by one, at the first of them, that counts them. */
__attribute__((format(printf, 4, 5))) void pol_diag_note(struct pol_diags *diags,
	struct pol_diag *diag, struct pol_span at, const char *format, ...);

/* Sorts by file and place, once all have been added, or again when more came. Diagnostics past
 * POL_DIAG_PER_FILE of a file are dropped and replaced by one that counts them. */
void pol_diags_sort(struct pol_diags *diags);

/* Where a span begins: line from 1, column from 1 in characters. */
void pol_diag_span_position(
	const struct pol_source *sources, struct pol_span at, uint32_t *line, uint32_t *column);

/* The line of a span alone, for many of them one after the other: counted on, or back, from the one
 * before. A zeroed cursor is at the beginning. */
struct pol_line_cursor {
	uint32_t file;
	uint32_t offset;
	uint32_t lines; /* before that */
};
uint32_t pol_diag_span_line(
	const struct pol_source *sources, struct pol_line_cursor *cursor, struct pol_span at);

/* Writes one diagnostic and its notes in the form of the language's reference (place, message,
 * source line, caret) through a callback; the text is complete lines. */
typedef void (*pol_write)(void *context, const char *text, size_t len);
void pol_diag_render(
	const struct pol_diags *diags, const struct pol_diag *diag, pol_write write, void *context);
