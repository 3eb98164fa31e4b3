/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/diagnostics.h"

#include "tools/record.h"
#include "tools/text.h"

struct printing {
	struct app *app;
	FILE *file;
	bool colour;
};

static bool on_note(void *context, struct wire_cursor note)
{
	const struct printing *to = context;
	struct pol_arena *arena = &to->app->arena;

	fprintf(to->file, "%s:%d:%d: note: %s\n", record_text(arena, note, "file"),
		(int)record_int(note, "line", 0), (int)record_int(note, "column", 0),
		record_text(arena, note, "message"));
	return true;
}

static bool on_diagnostic(void *context, struct wire_cursor diagnostic)
{
	struct printing *to = context;
	struct pol_arena *arena = &to->app->arena;
	bool error = pol_str_equal(record_str(diagnostic, "severity"), POL_STR("error"));
	enum colour colour = error ? COLOUR_RED : COLOUR_YELLOW;
	const char *code = record_text(arena, diagnostic, "code");

	fprintf(to->file, "%s:%d:%d: %s%s:%s %s%s%s%s\n", record_text(arena, diagnostic, "file"),
		(int)record_int(diagnostic, "line", 0), (int)record_int(diagnostic, "column", 0),
		text_begin(to->colour, colour), record_text(arena, diagnostic, "severity"),
		text_end(to->colour, colour), record_text(arena, diagnostic, "message"),
		code[0] != '\0' ? " [" : "", code, code[0] != '\0' ? "]" : "");
	record_each(diagnostic, "notes", on_note, to);
	return true;
}

void diagnostics_print(struct app *app, struct wire_cursor map, FILE *file)
{
	struct printing to = { app, file, file == stdout ? app->colour : app->colour_err };

	record_each(map, "diagnostics", on_diagnostic, &to);
}
