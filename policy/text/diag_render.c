/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/diag.h"

#include <stdio.h>
#include <string.h>

#include "policy/text/unicode.h"

struct out {
	pol_write write;
	void *context;
	struct pol_str folder;
};

static void put(const struct out *out, const char *text, size_t len)
{
	if (len > 0) {
		out->write(out->context, text, len);
	}
}

/* Writes text with '?' for each character that a terminal must not see; tabs stay if `tabs`. One
 * character becomes one, so that the caret is in the right column. */
static void put_sanitised(const struct out *out, struct pol_str text, bool tabs)
{
	size_t from = 0;
	size_t i = 0;

	while (i < text.len) {
		uint32_t character = 0;
		size_t len = pol_unicode_decode(
			(struct pol_str){ text.ptr + i, text.len - i }, &character);

		if ((len > 0 && pol_unicode_refused(character) == NULL) ||
			(tabs && text.ptr[i] == '\t')) {
			i += len;
			continue;
		}
		put(out, text.ptr + from, i - from);
		put(out, "?", 1);
		i += len > 0 ? len : 1;
		from = i;
	}
	put(out, text.ptr + from, i - from);
}

/* Is it a continuation byte of UTF-8? */
static bool is_tail(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The line around offset, at most POL_DIAG_LINE_MAX bytes of it; *caret is the offset within. */
static struct pol_str line_around(struct pol_str text, size_t offset, size_t *caret)
{
	size_t start = offset;
	size_t end = offset;

	while (start > 0 && text.ptr[start - 1] != '\n' && offset - start < POL_DIAG_LINE_MAX / 2) {
		start--;
	}
	while (start < offset && is_tail(text.ptr[start])) {
		start++;
	}
	while (end < text.len && text.ptr[end] != '\n' && end - start < POL_DIAG_LINE_MAX) {
		end++;
	}
	while (end > offset && end < text.len && is_tail(text.ptr[end])) {
		end--;
	}
	if (end > offset && end < text.len && text.ptr[end] == '\n' && text.ptr[end - 1] == '\r') {
		end--;
	}
	*caret = offset - start;
	return (struct pol_str){ text.ptr + start, end - start };
}

static void put_caret(const struct out *out, struct pol_str line, size_t caret)
{
	size_t i = 0;

	while (i < caret) {
		uint32_t character;
		size_t len = pol_unicode_decode(
			(struct pol_str){ line.ptr + i, line.len - i }, &character);

		put(out, line.ptr[i] == '\t' ? "\t" : " ", 1);
		i += len > 0 ? len : 1;
	}
	put(out, "^\n", 2);
}

static void put_source(const struct out *out, struct pol_str text, uint32_t offset)
{
	size_t caret;
	struct pol_str line;

	if (text.ptr == NULL) {
		text = POL_STR("");
	}
	line = line_around(text, offset < text.len ? offset : text.len, &caret);
	put_sanitised(out, line, true);
	put(out, "\n", 1);
	put_caret(out, line, caret);
}

static void put_message(const struct out *out, const struct pol_diag *diag, const char *word)
{
	const char *code = pol_warning_code(diag->warning);
	char position[64];
	int len = 0;

	if (diag->line > 0) {
		if (out->folder.len > 0) {
			bool slash = out->folder.ptr[out->folder.len - 1] == '/';

			put_sanitised(out, out->folder, false);
			put(out, "/", slash ? 0 : 1);
		}
		put_sanitised(out, diag->file, false);
		len = snprintf(position, sizeof position, ":%u:%u: ", (unsigned)diag->line,
			(unsigned)diag->column);
	}
	put(out, position, len > 0 ? (size_t)len : 0);
	put(out, word, strlen(word));
	put(out, ": ", 2);
	put_sanitised(out, diag->message, false);
	if (diag->warning != POL_WARNING_NONE) {
		put(out, " [", 2);
		put(out, code, strlen(code));
		put(out, "]", 1);
	}
	put(out, "\n", 1);
}

void pol_diag_render(
	const struct pol_diags *diags, const struct pol_diag *diag, pol_write write, void *context)
{
	const struct out out = { write, context, diags->folder };

	put_message(&out, diag,
		diag->severity == POL_SEVERITY_ERROR     ? "error"
		: diag->severity == POL_SEVERITY_WARNING ? "warning"
							 : "note");
	if (diag->line > 0 && diag->at.file < diags->source_count && !diag->is_count) {
		put_source(&out, diags->sources[diag->at.file].text, diag->at.offset);
	}
	for (const struct pol_diag_note *note = diag->notes; note != NULL; note = note->next) {
		const struct pol_diag as_diag = { .file = note->file,
			.line = note->line,
			.column = note->column,
			.message = note->message };

		put_message(&out, &as_diag, "note");
		if (note->line > 0 && note->at.file < diags->source_count) {
			put_source(&out, diags->sources[note->at.file].text, note->at.offset);
		}
	}
}
