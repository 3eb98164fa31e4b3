/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/diag.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/unicode.h"

void pol_diags_init(struct pol_diags *diags, const struct pol_source *sources, size_t count)
{
	*diags = (struct pol_diags){ .sources = sources,
		.source_count = count,
		.most_kept = POL_DIAG_KEPT_PER_FILE,
		.most_shown = POL_DIAG_PER_FILE };
	pol_arena_init(&diags->arena, POL_DIAGS_LIMIT);
	diags->tallies = pol_arena_alloc(&diags->arena, count, sizeof *diags->tallies);
}

void pol_diags_finish(struct pol_diags *diags)
{
	pol_arena_finish(&diags->arena);
	*diags = (struct pol_diags){ 0 };
}

static uint32_t characters(const char *text, size_t len)
{
	uint32_t count = 0;

	for (size_t i = 0; i < len; i++) {
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	}
	return count;
}

/* Counts the line ends between two offsets; *start becomes the offset after the last of them. */
static uint32_t lines(struct pol_str text, uint32_t from, uint32_t to, uint32_t *start)
{
	uint32_t count = 0;

	while (from < to) {
		const char *nl = memchr(text.ptr + from, '\n', to - from);

		if (nl == NULL) {
			break;
		}
		from = (uint32_t)(nl - text.ptr) + 1;
		*start = from;
		count++;
	}
	return count;
}

static uint32_t bounded(struct pol_str text, uint32_t offset)
{
	return offset < text.len ? offset : (uint32_t)text.len;
}

/* The position at which a span begins: line from 1, column from 1 in characters. */
static void span_position(
	const struct pol_source *sources, struct pol_span at, uint32_t *line, uint32_t *column)
{
	struct pol_str text = sources[at.file].text;
	uint32_t offset = bounded(text, at.offset);
	uint32_t start = 0;

	*line = 1 + lines(text, 0, offset, &start);
	*column = 1 + characters(text.ptr + start, offset - start);
}

uint32_t pol_diag_span_line(
	const struct pol_source *sources, struct pol_line_cursor *cursor, struct pol_span at)
{
	struct pol_str text = sources[at.file].text;
	uint32_t offset = bounded(text, at.offset);
	uint32_t start;

	if (cursor->file != at.file || offset < cursor->offset / 2) {
		*cursor = (struct pol_line_cursor){ .file = at.file };
	}
	for (; cursor->offset > offset; cursor->offset--) {
		cursor->lines -= text.ptr[cursor->offset - 1] == '\n';
	}
	cursor->lines += lines(text, cursor->offset, offset, &start);
	cursor->offset = offset;
	return 1 + cursor->lines;
}

/* As span_position, but counts from the cached position if that comes before. */
static void find_position(
	struct pol_diags *diags, struct pol_span at, uint32_t *line, uint32_t *column)
{
	struct pol_str text = diags->sources[at.file].text;

	at.offset = bounded(text, at.offset);
	if (diags->cached_line == 0 || diags->cached_at.file != at.file ||
		diags->cached_at.offset > at.offset) {
		diags->cached_at = (struct pol_span){ at.file, 0, 0 };
		diags->cached_line = 1;
		diags->cached_line_start = 0;
	}
	diags->cached_line +=
		lines(text, diags->cached_at.offset, at.offset, &diags->cached_line_start);
	diags->cached_at.offset = at.offset;
	*line = diags->cached_line;
	*column = 1 + characters(text.ptr + diags->cached_line_start,
			      at.offset - diags->cached_line_start);
}

/* Replaces each character that a terminal must not see by '?': messages quote the policy. Returns
 * the new length. */
static size_t clean(char *text, size_t len)
{
	size_t to = 0;
	size_t from = 0;

	while (from < len) {
		uint32_t character;
		size_t step =
			pol_unicode_decode((struct pol_str){ text + from, len - from }, &character);

		if (step == 0 || pol_unicode_refused(character) != NULL) {
			text[to++] = '?';
			from += step > 0 ? step : 1;
			continue;
		}
		memmove(text + to, text + from, step);
		to += step;
		from += step;
	}
	return to;
}

__attribute__((format(printf, 2, 0))) static size_t format_text(
	char text[static POL_DIAG_MESSAGE_MAX], const char *format, va_list args)
{
	int len = vsnprintf(text, POL_DIAG_MESSAGE_MAX, format, args);

	if (len < 0) {
		return (size_t)snprintf(
			text, POL_DIAG_MESSAGE_MAX, "the message could not be made");
	}
	return clean(
		text, (size_t)len < POL_DIAG_MESSAGE_MAX ? (size_t)len : POL_DIAG_MESSAGE_MAX - 1);
}

__attribute__((format(printf, 2, 0))) static struct pol_str format_message(
	struct pol_arena *arena, const char *format, va_list args)
{
	char text[POL_DIAG_MESSAGE_MAX];
	size_t len = format_text(text, format, args);

	return pol_arena_copy(arena, (struct pol_str){ text, len });
}

static void append(struct pol_diags *diags, struct pol_diag *diag)
{
	if (diags->last != NULL) {
		diags->last->next = diag;
	} else {
		diags->first = diag;
	}
	diags->last = diag;
}

static bool has_position(const struct pol_diags *diags, struct pol_span at)
{
	return at.file < diags->source_count;
}

/* True if the same message was added for this position: a block of several paths is checked once
 * for each path. Only the last messages are compared, as many as are kept of a file. */
__attribute__((format(printf, 4, 0))) static bool is_repeated(const struct pol_diags *diags,
	struct pol_span at, enum pol_severity severity, const char *format, va_list args)
{
	char text[POL_DIAG_MESSAGE_MAX];
	bool formatted = false;
	size_t len = 0;

	for (size_t i = 0; i < POL_DIAG_KEPT_PER_FILE && diags->recent[i] != NULL; i++) {
		const struct pol_diag *diag = diags->recent[i];

		if (diag->at.file != at.file || diag->at.offset != at.offset ||
			diag->severity != severity) {
			continue;
		}
		if (!formatted) {
			len = format_text(text, format, args);
			formatted = true;
		}
		if (pol_str_equal(diag->message, (struct pol_str){ text, len })) {
			return true;
		}
	}
	return false;
}

/* Counts the message. False: enough are kept of its file. */
static bool count(struct pol_diags *diags, struct pol_span at, enum pol_severity severity)
{
	struct pol_diag_tally *tally;

	if (severity == POL_SEVERITY_ERROR) {
		diags->errors++;
	} else {
		diags->warnings++;
	}
	if (!has_position(diags, at)) {
		return true;
	}
	if (diags->tallies == NULL) {
		return false;
	}
	tally = &diags->tallies[at.file];
	if (severity == POL_SEVERITY_ERROR) {
		tally->errors++;
	} else {
		tally->warnings++;
	}
	if (tally->kept >= diags->most_kept) {
		return false;
	}
	tally->kept++;
	return true;
}

__attribute__((format(printf, 4, 0))) static struct pol_diag *add(struct pol_diags *diags,
	struct pol_span at, enum pol_severity severity, const char *format, va_list args)
{
	struct pol_diag *diag;
	va_list copy;
	bool repeated;

	va_copy(copy, args);
	repeated = is_repeated(diags, at, severity, format, copy);
	va_end(copy);
	/* Who compares the count has to see it, too. */
	if (repeated && severity == POL_SEVERITY_ERROR) {
		diags->errors++;
		diags->repeated++;
	}
	if (repeated || !count(diags, at, severity)) {
		return NULL;
	}
	diag = pol_arena_alloc(&diags->arena, 1, sizeof *diag);
	if (diag == NULL) {
		return NULL;
	}
	diag->severity = severity;
	diag->at = at;
	diag->message = format_message(&diags->arena, format, args);
	if (has_position(diags, at)) {
		diag->file = diags->sources[at.file].name;
		find_position(diags, at, &diag->line, &diag->column);
	}
	append(diags, diag);
	diags->recent[diags->recent_next++ % POL_DIAG_KEPT_PER_FILE] = diag;
	return diag;
}

struct pol_diag *pol_diag_error(
	struct pol_diags *diags, struct pol_span at, const char *format, ...)
{
	struct pol_diag *diag;
	va_list args;

	va_start(args, format);
	diag = add(diags, at, POL_SEVERITY_ERROR, format, args);
	va_end(args);
	return diag;
}

struct pol_diag *pol_diag_warning(struct pol_diags *diags, struct pol_span at,
	enum pol_warning warning, const char *format, ...)
{
	struct pol_diag *diag;
	va_list args;

	va_start(args, format);
	diag = add(diags, at, POL_SEVERITY_WARNING, format, args);
	va_end(args);
	if (diag != NULL) {
		diag->warning = warning;
	}
	return diag;
}

/* Makes the last note count itself and all notes after it. */
static void count_note(struct pol_diag *diag)
{
	char *text = diag->last_note->text;
	int len = snprintf(text, sizeof diag->last_note->text,
		"%u more like this; the first is here", diag->note_count - POL_DIAG_NOTES);

	diag->last_note->message = (struct pol_str){ text, len > 0 ? (size_t)len : 0 };
}

static void append_note(struct pol_diag *diag, struct pol_diag_note *note)
{
	if (diag->last_note != NULL) {
		diag->last_note->next = note;
	} else {
		diag->notes = note;
	}
	diag->last_note = note;
}

void pol_diag_note(
	struct pol_diags *diags, struct pol_diag *diag, struct pol_span at, const char *format, ...)
{
	struct pol_diag_note *note;
	va_list args;

	if (diag == NULL) {
		return;
	}
	if (++diag->note_count > POL_DIAG_NOTES + 1) {
		count_note(diag);
		return;
	}
	note = pol_arena_alloc(&diags->arena, 1, sizeof *note);
	if (note == NULL) {
		diag->note_count--;
		return;
	}
	va_start(args, format);
	note->message = format_message(&diags->arena, format, args);
	va_end(args);
	note->at = at;
	if (has_position(diags, at)) {
		note->file = diags->sources[at.file].name;
		span_position(diags->sources, at, &note->line, &note->column);
	}
	append_note(diag, note);
}

/* Messages without a position come first. */
static bool comes_after(const struct pol_diag *a, const struct pol_diag *b)
{
	uint32_t file_a = a->at.file + 1;
	uint32_t file_b = b->at.file + 1;

	return file_a != file_b ? file_a > file_b : a->at.offset > b->at.offset;
}

static struct pol_diag *merge(struct pol_diag *a, struct pol_diag *b)
{
	struct pol_diag *first = NULL;
	struct pol_diag **link = &first;

	while (a != NULL && b != NULL) {
		if (comes_after(a, b)) {
			*link = b;
			b = b->next;
		} else {
			*link = a;
			a = a->next;
		}
		link = &(*link)->next;
	}
	*link = a != NULL ? a : b;
	return first;
}

/* Stable merge sort from the bottom up: bins[i] holds a sorted list of 2^i messages. */
static struct pol_diag *sort(struct pol_diag *list)
{
	struct pol_diag *bins[32] = { NULL };
	struct pol_diag *sorted = NULL;

	while (list != NULL) {
		struct pol_diag *one = list;
		size_t i;

		list = list->next;
		one->next = NULL;
		for (i = 0; i < 31 && bins[i] != NULL; i++) {
			one = merge(bins[i], one);
			bins[i] = NULL;
		}
		bins[i] = bins[i] != NULL ? merge(bins[i], one) : one;
	}
	for (size_t i = 0; i < 32; i++) {
		sorted = merge(bins[i], sorted);
	}
	return sorted;
}

/* Turns the message `at` into one that counts the rest of its file. */
static void count_rest(
	struct pol_diags *diags, struct pol_diag *at, uint32_t errors, uint32_t warnings)
{
	char text[96];
	int len = snprintf(text, sizeof text,
		errors > 0 ? "%u more error%s in this file" : "%u more warning%s in this file",
		errors > 0 ? errors : warnings, (errors > 0 ? errors : warnings) == 1 ? "" : "s");

	at->severity = errors > 0 ? POL_SEVERITY_ERROR : POL_SEVERITY_WARNING;
	at->is_count = true;
	at->warning = POL_WARNING_NONE;
	at->notes = NULL;
	at->last_note = NULL;
	at->note_count = 0;
	at->message =
		pol_arena_copy(&diags->arena, (struct pol_str){ text, len > 0 ? (size_t)len : 0 });
}

/* Takes the first message of a file and drops those after the first `most_shown`. Returns the last
 * one that is left. The count of an earlier sort comes after that many, so it is replaced or
 * dropped.
 */
static struct pol_diag *cut_file(struct pol_diags *diags, struct pol_diag *diag)
{
	const struct pol_diag_tally *tally =
		has_position(diags, diag->at) ? &diags->tallies[diag->at.file] : NULL;
	uint32_t errors = 0;
	uint32_t warnings = 0;
	uint32_t file = diag->at.file;

	for (;;) {
		bool error = diag->severity == POL_SEVERITY_ERROR;

		if (tally != NULL && errors + warnings == diags->most_shown) {
			struct pol_diag *next = diag->next;

			while (next != NULL && next->at.file == file) {
				next = next->next;
			}
			diag->next = next;
			count_rest(diags, diag, tally->errors - errors, tally->warnings - warnings);
			return diag;
		}
		errors += error;
		warnings += !error;
		if (diag->next == NULL || diag->next->at.file != file) {
			return diag;
		}
		diag = diag->next;
	}
}

void pol_diags_sort(struct pol_diags *diags)
{
	diags->errors -= diags->repeated;
	diags->repeated = 0;
	memset(diags->recent, 0, sizeof diags->recent);
	diags->recent_next = 0;
	diags->first = sort(diags->first);
	diags->last = NULL;
	for (struct pol_diag *diag = diags->first; diag != NULL; diag = diags->last->next) {
		diags->last = cut_file(diags, diag);
	}
}
