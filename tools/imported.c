/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/imported.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/input.h"
#include "tools/text.h"

/* A tree's name; the language's own check is that of its parser. */
static bool is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= IMPORT_NAME_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(name) &&
	       strcmp(name, "authz") != 0;
}

static void write_err(void *context, const char *text, size_t len)
{
	fwrite(text, 1, len, context);
}

/* What is printed must load. */
static int compile(struct app *app, const char *name, struct imported *imported)
{
	enum pol_status status;

	imported->source = (struct pol_source){ pol_str_of("(imported)"), imported->text };
	pol_diags_init(&imported->diags, &imported->source, 1);
	status = pol_compile(&imported->source, 1, NULL, &imported->diags, &imported->snapshot);
	if (status == POL_OK) {
		return EXIT_YES;
	}
	for (const struct pol_diag *diag = imported->diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&imported->diags, diag, write_err, stderr);
	}
	return app_fail(app, EXIT_DAEMON, "internal",
		"%s: what it says makes no policy that loads; please report this", name);
}

static void put_notes(const struct import *import)
{
	for (const struct import_note *note = import->notes; note != NULL; note = note->next) {
		fputs("authzcheck: ", stderr);
		text_put(stderr, pol_str_of(note->where));
		fputs(": ", stderr);
		text_put(stderr, pol_str_of(note->text));
		fputc('\n', stderr);
	}
}

/* Bytes from which on reading takes long enough for somebody to wait. */
#define LONG ((size_t)1 << 20)

/* On a terminal, what is being read; NULL: it has been. */
static void progress(const char *name, size_t len)
{
	if (len >= LONG && isatty(STDERR_FILENO) == 1) {
		fputs("\r\033[K", stderr);
		if (name != NULL) {
			fputs("reading ", stderr);
			text_put(stderr, pol_str_of(name));
		}
		fflush(stderr);
	}
}

int imported_load(struct app *app, const struct imported_from *from, struct imported *out)
{
	struct pol_str text;
	int status = input_read(app, from->path, IMPORT_FILE_MAX, &text);

	return status == EXIT_YES ? imported_load_text(app, from, text, out) : status;
}

int imported_load_text(struct app *app, const struct imported_from *from, struct pol_str text,
	struct imported *out)
{
	const char *name = from->path != NULL ? input_name(from->path) : "the example";
	struct import *import = &out->import;
	bool made;

	if (!is_name(from->tree)) {
		return app_fail(app, EXIT_USAGE, "usage",
			"'%s' cannot be a tree's name: small letters, digits, '_' and '-', "
			"a letter first, and not 'authz'",
			from->tree);
	}
	if (from->base != NULL && from->base[0] != '/') {
		return app_fail(app, EXIT_USAGE, "usage", "--base '%s': a path begins with '/'",
			from->base);
	}
	import_init(import, from->tree);
	out->begun = true;
	import->base = from->base;
	progress(name, text.len);
	made = from->reader(import, text) && import_build(import) &&
	       import_write(import, &out->text);
	progress(NULL, text.len);
	if (!made) {
		put_notes(import);
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", name, import->error);
	}
	return compile(app, name, out);
}

void imported_finish(struct imported *imported)
{
	pol_snapshot_unref(imported->snapshot);
	if (imported->snapshot != NULL || imported->diags.sources != NULL) {
		pol_diags_finish(&imported->diags);
	}
	if (imported->begun) {
		import_finish(&imported->import);
	}
	memset(imported, 0, sizeof *imported);
}

void imported_report(struct app *app, const char *path, const struct imported *imported)
{
	const struct import *import = &imported->import;
	size_t scopes = 0;

	fflush(stdout);
	put_notes(import);
	for (size_t i = 0; i < import->scope_count; i++) {
		scopes += import->scopes[i].count > 0;
	}
	fprintf(stderr, "authzcheck: %s: %s, %s, %s; %s\n", input_name(path),
		app_count(app, import->paths, "path"), app_count(app, import->count, "operation"),
		app_count(app, scopes, "scope"), app_count(app, import->note_count, "note"));
}

json_t *imported_notes(struct app *app, const struct imported *imported)
{
	json_t *array = json_array();

	for (const struct import_note *note = imported->import.notes; note != NULL;
		note = note->next) {
		app_append(app, array,
			json_pack("{s:o, s:o}", "where", document_text(note->where), "text",
				document_text(note->text)));
	}
	return array;
}
