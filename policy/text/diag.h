/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * diag: diagnostics, the errors and warnings about a policy with their positions.
 *
 * A span is a file number, a byte offset and a length. Line and column are computed when a message
 * is added, so that a policy without mistakes does not pay for them. Messages are copied into the
 * list's own arena and live until pol_diags_finish. Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/str.h"
#include "policy/text/warning.h"

/* Messages shown of one file; one more message says how many others there are. */
#define POL_DIAG_PER_FILE 20

/* Messages kept of one file; further ones are only counted. More are kept than shown, because
 * several passes add messages before they are sorted. */
#define POL_DIAG_KEPT_PER_FILE 200

/* Notes of one message; the last one counts those left out. */
#define POL_DIAG_NOTES 20

/* Bytes of all messages of a list. */
#define POL_DIAGS_LIMIT ((size_t)32 * 1024 * 1024)

/* Bytes of a message, and of the part of a source line that is shown; longer ones are cut. */
#define POL_DIAG_MESSAGE_MAX 1024
#define POL_DIAG_LINE_MAX    400

/* One file: its name as shown in messages, and its bytes. Both belong to the caller and must live
 * as long as the diagnostics that are made from them. */
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
	char text[48]; /* the message, if it counts the notes left out */
};

struct pol_diag {
	enum pol_severity severity;
	enum pol_warning warning; /* POL_WARNING_NONE: an error, or a count */
	struct pol_span at;
	struct pol_str file;
	uint32_t line;   /* from 1 */
	uint32_t column; /* from 1, in characters */
	struct pol_str message;
	struct pol_diag_note *notes; /* first of a list, or NULL */
	struct pol_diag_note *last_note;
	uint32_t note_count; /* with those left out */
	struct pol_diag *next;
	bool is_count; /* made by pol_diags_sort: counts the messages left out */
};

/* A comment that silences a warning on one line (silence.h). */
struct pol_silence;

/* The numbers of one file's messages. */
struct pol_diag_tally {
	uint32_t errors;
	uint32_t warnings;
	uint32_t kept;
};

struct pol_diags {
	struct pol_arena arena;
	const struct pol_source *sources;
	size_t source_count;
	struct pol_str folder; /* shown before a file's name, as the user wrote it; empty: none */
	struct pol_diag *first;
	struct pol_diag *last;
	struct pol_silence *silences; /* in the order of the files, when they were looked for */
	size_t silence_count;
	bool silences_found;
	struct pol_diag *silenced; /* the warnings taken out by pol_silence_apply */
	size_t silenced_count;
	uint32_t most_kept, most_shown; /* of one file; POL_DIAG_KEPT_PER_FILE, POL_DIAG_PER_FILE */
	size_t errors;                  /* with those that were not kept */
	size_t warnings;                /* the same */
	size_t repeated;                /* of the errors, until they are sorted */
	struct pol_diag_tally *tallies; /* one for each source */
	struct pol_diag *recent[POL_DIAG_KEPT_PER_FILE];
	size_t recent_next;
	/* the position of the last message, from which lines are counted for the next one */
	struct pol_span cached_at;
	uint32_t cached_line;       /* 0: nothing is cached */
	uint32_t cached_line_start; /* offset */
};

/* The span of a message that has no position, such as one about an empty folder. */
#define POL_NO_POSITION ((struct pol_span){ UINT32_MAX, 0, 0 })

/* The sources are borrowed and must live as long as the list. */
void pol_diags_init(struct pol_diags *diags, const struct pol_source *sources, size_t count);
void pol_diags_finish(struct pol_diags *diags);

/* Adds a message, unless the same one was just added for the same position. Returns the diagnostic,
 * to add notes to, or NULL if it was not kept. An error is counted in any case, so that a policy
 * with an error is refused even when memory runs out. */
__attribute__((format(printf, 3, 4))) struct pol_diag *pol_diag_error(
	struct pol_diags *diags, struct pol_span at, const char *format, ...);
__attribute__((format(printf, 4, 5))) struct pol_diag *pol_diag_warning(struct pol_diags *diags,
	struct pol_span at, enum pol_warning warning, const char *format, ...);

/* Adds a further position to a message. Nothing is done if diag is NULL. The notes after the first
 * POL_DIAG_NOTES become one, at the position of the first of them, that counts them. */
__attribute__((format(printf, 4, 5))) void pol_diag_note(struct pol_diags *diags,
	struct pol_diag *diag, struct pol_span at, const char *format, ...);

/* Sorts by file and offset; may be called again when more were added. Each file's messages after
 * the first `most_shown` are replaced by one that counts them. */
void pol_diags_sort(struct pol_diags *diags);

/* The line of a span, for many spans in turn: lines are counted from the span before, forwards or
 * backwards. A zeroed cursor is at the beginning of the first file. */
struct pol_line_cursor {
	uint32_t file;
	uint32_t offset;
	uint32_t lines; /* before the offset */
};
uint32_t pol_diag_span_line(
	const struct pol_source *sources, struct pol_line_cursor *cursor, struct pol_span at);

/* Writes one diagnostic and its notes through a callback, as policy/REFERENCE.md describes it:
 * position, message, a warning's code, source line, caret. The callback may be called for parts of
 * a line; all parts together are complete lines. */
typedef void (*pol_write)(void *context, const char *text, size_t len);
void pol_diag_render(
	const struct pol_diags *diags, const struct pol_diag *diag, pol_write write, void *context);
