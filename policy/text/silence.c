/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/silence.h"

#include <string.h>

/* A comment that begins so is a silence, or was meant as one. */
#define MARK  "lint:"
#define ALLOW "allow"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static size_t skip_blank(struct pol_str text, size_t i)
{
	while (i < text.len && is_blank(text.ptr[i])) {
		i++;
	}
	return i;
}

static size_t line_end(struct pol_str text, size_t i)
{
	const char *end = memchr(text.ptr + i, '\n', text.len - i);

	return end != NULL ? (size_t)(end - text.ptr) : text.len;
}

static bool has_word(struct pol_str text, size_t i, const char *word)
{
	size_t len = strlen(word);

	return text.len - i >= len && memcmp(text.ptr + i, word, len) == 0;
}

/* Reads the comments of one file. Each line is read a bounded number of times, however many of them
 * are comments. */
struct reader {
	struct pol_str text;
	uint32_t file;
	struct pol_silence *out; /* NULL: they are only counted */
	size_t count;
	size_t after; /* where the line begins that the last comments alone on their lines are for
		       */
};

/* The beginning of the line's comment, or the line's end. */
static size_t find_comment(struct pol_str text, size_t line, size_t end)
{
	bool quoted = false;

	for (size_t i = line; i < end; i++) {
		char c = text.ptr[i];

		if (c == '\\' && quoted) {
			i++;
		} else if (c == '"') {
			quoted = !quoted;
		} else if (c == '#' && !quoted) {
			return i;
		}
	}
	return end;
}

/* The beginning of the next line that is not a comment alone. */
static size_t skip_comments(struct pol_str text, size_t line)
{
	size_t first = skip_blank(text, line);

	while (first < text.len && text.ptr[first] == '#') {
		size_t end = line_end(text, first);

		line = end < text.len ? end + 1 : text.len;
		first = skip_blank(text, line);
	}
	return line;
}

static bool is_code(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

static void add(struct reader *reader, const struct pol_silence *silence)
{
	if (reader->out != NULL) {
		reader->out[reader->count] = *silence;
	}
	reader->count++;
}

/* Adds the codes from i on, each with the line of `silence`. False: there is none. */
static bool add_codes(struct reader *reader, size_t i, struct pol_silence silence)
{
	struct pol_str text = reader->text;
	bool any = false;

	for (;;) {
		size_t from = i = skip_blank(text, i);

		while (i < text.len && is_code(text.ptr[i])) {
			i++;
		}
		if (i == from) {
			return any;
		}
		silence.at.offset = (uint32_t)from;
		silence.at.length = (uint32_t)(i - from);
		silence.code = (struct pol_str){ text.ptr + from, i - from };
		silence.warning = pol_warning_find(silence.code);
		add(reader, &silence);
		any = true;
		i = skip_blank(text, i);
		if (i >= text.len || text.ptr[i] != ',') {
			return true;
		}
		i++;
	}
}

/* Reads the comment of a line, if it is a silence or looks like one: that one is added without a
 * code. */
static void read_line(struct reader *reader, size_t line, size_t end)
{
	struct pol_str text = reader->text;
	size_t at = find_comment(text, line, end);
	size_t i = at < end ? skip_blank(text, at + 1) : end;
	struct pol_silence silence = { .at = { reader->file, (uint32_t)at, 1 } };

	if (!has_word(text, i, MARK)) {
		return;
	}
	if (skip_blank(text, line) == at) {
		line = reader->after > line ? reader->after : skip_comments(text, line);
		reader->after = line;
		end = line_end(text, line);
	}
	silence.begin = (uint32_t)line;
	silence.end = (uint32_t)end;
	i = skip_blank(text, i + strlen(MARK));
	if (!has_word(text, i, ALLOW) || !add_codes(reader, i + strlen(ALLOW), silence)) {
		add(reader, &silence);
	}
}

/* Reads the comments of all files into `out`, unless it is NULL, and returns their number. */
static size_t read_all(const struct pol_diags *diags, struct pol_silence *out)
{
	struct reader reader = { .out = out };

	for (uint32_t file = 0; file < diags->source_count; file++) {
		size_t line = 0;
		size_t i = 0;

		reader.text = diags->sources[file].text;
		reader.file = file;
		reader.after = 0;
		while (i < reader.text.len) {
			const char *hash = memchr(reader.text.ptr + i, '#', reader.text.len - i);

			if (hash == NULL) {
				break;
			}
			line = i = (size_t)(hash - reader.text.ptr);
			while (line > 0 && reader.text.ptr[line - 1] != '\n') {
				line--;
			}
			i = line_end(reader.text, i);
			read_line(&reader, line, i);
		}
	}
	return reader.count;
}

static void find_silences(struct pol_diags *diags)
{
	size_t count = read_all(diags, NULL);

	diags->silences_found = true;
	diags->silences = pol_arena_alloc(&diags->arena, count, sizeof *diags->silences);
	if (diags->silences != NULL) {
		diags->silence_count = read_all(diags, diags->silences);
	}
}

/* The first silence for a line that ends at the position or after it. Their order is that of their
 * lines, too. */
static size_t first_for(const struct pol_diags *diags, struct pol_span at)
{
	size_t low = 0;
	size_t high = diags->silence_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct pol_silence *silence = &diags->silences[middle];

		if (silence->at.file < at.file ||
			(silence->at.file == at.file && silence->end < at.offset)) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static bool is_silenced(struct pol_diags *diags, const struct pol_diag *diag)
{
	bool silenced = false;

	if (diag->severity != POL_SEVERITY_WARNING || diag->warning == POL_WARNING_NONE ||
		pol_warning_kind(diag->warning)->fixed || diag->at.file >= diags->source_count) {
		return false;
	}
	for (size_t i = first_for(diags, diag->at); i < diags->silence_count; i++) {
		struct pol_silence *silence = &diags->silences[i];

		if (silence->at.file != diag->at.file || silence->begin > diag->at.offset) {
			break;
		}
		if (silence->warning == diag->warning) {
			silence->used = true;
			silenced = true;
		}
	}
	return silenced;
}

static void take_out(struct pol_diags *diags, struct pol_diag *diag)
{
	struct pol_diag_tally *tally = &diags->tallies[diag->at.file];

	diags->warnings--;
	tally->warnings--;
	tally->kept--;
	diag->next = diags->silenced;
	diags->silenced = diag;
	diags->silenced_count++;
}

void pol_silence_apply(struct pol_diags *diags)
{
	struct pol_diag **link = &diags->first;

	if (!diags->silences_found) {
		find_silences(diags);
	}
	diags->last = NULL;
	while (*link != NULL) {
		struct pol_diag *diag = *link;

		if (diags->silence_count > 0 && is_silenced(diags, diag)) {
			*link = diag->next;
			take_out(diags, diag);
		} else {
			diags->last = diag;
			link = &diag->next;
		}
	}
}
