/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/policy/load.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILES 16

static char *copy(const char *text, size_t len)
{
	char *out = malloc(len + 1);

	cr_assert_not_null(out);
	memcpy(out, text, len);
	out[len] = 0;
	return out;
}

struct sink {
	char *text;
	size_t len;
};

static void on_text(void *context, const char *text, size_t len)
{
	struct sink *sink = context;

	sink->text = realloc(sink->text, sink->len + len + 1);
	cr_assert_not_null(sink->text);
	memcpy(sink->text + sink->len, text, len);
	sink->len += len;
	sink->text[sink->len] = 0;
}

void render(struct loaded *loaded)
{
	struct sink sink = { copy("", 0), 0 };

	for (const struct pol_diag *diag = loaded->diags.first; diag != NULL; diag = diag->next) {
		pol_diag_render(&loaded->diags, diag, on_text, &sink);
	}
	free(loaded->said);
	loaded->said = sink.text;
}

static void compile(struct loaded *loaded)
{
	pol_diags_init(&loaded->diags, loaded->sources, loaded->count);
	loaded->status = pol_compile(
		loaded->sources, loaded->count, NULL, &loaded->diags, &loaded->snapshot);
	render(loaded);
}

static void add_source(struct loaded *loaded, const char *name, char *text)
{
	struct pol_source source = { pol_str_of(copy(name, strlen(name))), pol_str_of(text) };

	cr_assert_lt(loaded->count, MAX_FILES);
	loaded->sources[loaded->count++] = source;
}

static struct loaded begin(void)
{
	struct loaded loaded = { .sources = calloc(MAX_FILES, sizeof *loaded.sources) };

	cr_assert_not_null(loaded.sources);
	return loaded;
}

struct loaded load_text(const char *text)
{
	struct loaded loaded = begin();

	add_source(&loaded, "test.policy", copy(text, strlen(text)));
	compile(&loaded);
	return loaded;
}

struct loaded load_good(const char *text)
{
	struct loaded loaded = load_text(text);

	cr_assert_eq(loaded.status, POL_OK, "%s\n%s", text, loaded.said);
	return loaded;
}

static char *read_file(const char *path)
{
	static char buffer[1 << 20];
	FILE *file = fopen(path, "rb");
	size_t len;

	cr_assert_not_null(file, "%s", path);
	len = fread(buffer, 1, sizeof buffer, file);
	cr_assert_lt(len, sizeof buffer, "%s", path);
	fclose(file);
	return copy(buffer, len);
}

struct loaded load_file(const char *path)
{
	struct loaded loaded = begin();

	add_source(&loaded, path, read_file(path));
	compile(&loaded);
	return loaded;
}

static int by_name(const void *a, const void *b)
{
	const struct pol_source *left = a;
	const struct pol_source *right = b;

	return pol_str_compare(left->name, right->name);
}

struct loaded load_folder(const char *path)
{
	struct loaded loaded = begin();
	const struct dirent *entry;
	char file[4096];
	DIR *dir;

	dir = opendir(path);
	cr_assert_not_null(dir, "%s: run from the project's root", path);
	while ((entry = readdir(dir)) != NULL) {
		const char *dot = strrchr(entry->d_name, '.');

		if (dot != NULL && dot != entry->d_name && strcmp(dot, ".policy") == 0) {
			snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
			add_source(&loaded, entry->d_name, read_file(file));
		}
	}
	closedir(dir);
	qsort(loaded.sources, loaded.count, sizeof *loaded.sources, by_name);
	compile(&loaded);
	return loaded;
}

void unload(struct loaded *loaded)
{
	pol_snapshot_unref(loaded->snapshot);
	pol_diags_finish(&loaded->diags);
	for (size_t i = 0; i < loaded->count; i++) {
		free((void *)(uintptr_t)loaded->sources[i].name.ptr);
		free((void *)(uintptr_t)loaded->sources[i].text.ptr);
	}
	free(loaded->sources);
	free(loaded->said);
	*loaded = (struct loaded){ 0 };
}
