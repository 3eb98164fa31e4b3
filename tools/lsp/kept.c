/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/kept.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/format/format.h"
#include "tools/lsp/nodes.h"
#include "tools/lsp/publish.h"
#include "tools/lsp/server.h"

static void free_text(struct pol_str *text)
{
	free((void *)(uintptr_t)text->ptr);
	*text = (struct pol_str){ NULL, 0 };
}

/* Frees what was parsed. The text stays. */
static void forget(struct lsp_file *file)
{
	pol_diags_finish(&file->diags);
	pol_arena_finish(&file->arena);
	file->ast = (struct pol_ast){ 0 };
}

void lsp_kept_destroy(struct lsp_file *file)
{
	if (file != NULL) {
		forget(file);
		json_decref(file->checked);
		free_text(&file->source.name);
		free_text(&file->source.text);
		free(file);
	}
}

static bool copy(struct pol_str text, struct pol_str *out)
{
	char *bytes = malloc(text.len + 1);

	if (bytes == NULL) {
		return false;
	}
	if (text.len > 0) {
		memcpy(bytes, text.ptr, text.len);
	}
	bytes[text.len] = '\0';
	*out = (struct pol_str){ bytes, text.len };
	return true;
}

/* Gives the file another text and parses it. Without memory it has the old one. */
static void set_text(struct lsp_file *file, struct pol_str text)
{
	struct pol_str copied;
	enum pol_status status;

	if (!copy(text, &copied)) {
		return;
	}
	forget(file);
	free_text(&file->source.text);
	file->source.text = copied;
	pol_arena_init(&file->arena, POL_FORMAT_MEMORY);
	pol_diags_init(&file->diags, &file->source, 1);
	status = pol_parse(&file->source, 1, &file->arena, &file->diags, &file->ast);
	if (status == POL_ENOMEM || status == POL_ELIMIT) {
		file->ast = (struct pol_ast){ 0 };
	}
}

/* The number of the file, or where it would be. */
static size_t find(const struct lsp_kept *kept, struct pol_str path, bool *out_found)
{
	size_t low = 0, high = kept->count;

	*out_found = false;
	while (low < high && !*out_found) {
		size_t middle = low + (high - low) / 2;
		int order = pol_str_compare(path, kept->files[middle]->source.name);

		if (order == 0) {
			low = middle;
			*out_found = true;
		} else if (order < 0) {
			high = middle;
		} else {
			low = middle + 1;
		}
	}
	return low;
}

struct lsp_file *lsp_kept_make(struct pol_str path, struct pol_str text)
{
	struct lsp_file *file = calloc(1, sizeof *file);

	if (file == NULL || !copy(path, &file->source.name)) {
		free(file);
		return NULL;
	}
	set_text(file, text);
	return file;
}

/* Adds a file at its place in the order. NULL: no memory. */
static struct lsp_file *add_file(struct lsp_kept *kept, size_t at, const struct pol_source *source)
{
	struct lsp_file *file;

	if (kept->count == kept->capacity) {
		size_t capacity = kept->capacity * 2 + 8;
		struct lsp_file **grown = realloc(kept->files, capacity * sizeof *grown);

		if (grown == NULL) {
			return NULL;
		}
		kept->files = grown;
		kept->capacity = capacity;
	}
	file = lsp_kept_make(source->name, source->text);
	if (file == NULL) {
		return NULL;
	}
	memmove(kept->files + at + 1, kept->files + at, (kept->count - at) * sizeof *kept->files);
	kept->files[at] = file;
	kept->count++;
	return file;
}

/* The nodes are made of the files that have trees. */
static void forget_nodes(struct lsp_kept *kept, const struct lsp_file *file)
{
	if (file != NULL && file->ast.trees_count > 0) {
		lsp_nodes_destroy(kept->nodes);
		kept->nodes = NULL;
	}
}

/* A file whose text is the same is not parsed again. */
static void put(struct lsp_kept *kept, const struct pol_source *source)
{
	bool found;
	size_t at = find(kept, source->name, &found);

	if (!found) {
		forget_nodes(kept, add_file(kept, at, source));
	} else if (!pol_str_equal(kept->files[at]->source.text, source->text)) {
		forget_nodes(kept, kept->files[at]);
		lsp_publish_move(
			kept->files[at]->checked, kept->files[at]->source.text, source->text);
		set_text(kept->files[at], source->text);
		forget_nodes(kept, kept->files[at]);
	}
}

/* Removes the files that are not among the sources, which are in the same order. */
static void remove_others(struct lsp_kept *kept, const struct folder_sources *sources)
{
	size_t count = 0, k = 0;

	for (size_t i = 0; i < kept->count; i++) {
		struct lsp_file *file = kept->files[i];

		while (k < sources->count &&
			pol_str_compare(sources->items[k].name, file->source.name) < 0) {
			k++;
		}
		if (k < sources->count &&
			pol_str_equal(sources->items[k].name, file->source.name)) {
			kept->files[count++] = file;
		} else {
			forget_nodes(kept, file);
			lsp_kept_destroy(file);
		}
	}
	kept->count = count;
}

static bool read_again(struct lsp *lsp, struct lsp_kept *kept)
{
	struct lsp_view view;
	const char *why;
	bool opened = lsp_view_open(lsp, kept->folder, &view, &why);

	for (size_t i = 0; opened && i < view.sources.count; i++) {
		put(kept, &view.sources.items[i]);
	}
	remove_others(kept, &view.sources);
	lsp_view_close(&view);
	return opened;
}

static void mix(uint64_t *hash, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		*hash = (*hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	}
}

/* A hash of the names, times and sizes of the files on disk; never 0. */
static uint64_t list(struct lsp *lsp, const char *folder)
{
	struct app run = { .args = lsp->app->args, .now = lsp->app->now, .want_json = true };
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	struct pol_str *names;
	size_t count = 0;

	pol_arena_init(&run.arena, APP_ARENA_LIMIT);
	if (!lsp_view_on_disk(folder) || policy_files(&run, folder, &names, &count) != EXIT_YES) {
		count = 0;
	}
	for (size_t i = 0; i < count; i++) {
		struct stat stat_of = { 0 };

		mix(&hash, names[i].ptr, names[i].len + 1);
		if (stat(names[i].ptr, &stat_of) == 0) {
			mix(&hash, &stat_of.st_mtim.tv_sec, sizeof stat_of.st_mtim.tv_sec);
			mix(&hash, &stat_of.st_mtim.tv_nsec, sizeof stat_of.st_mtim.tv_nsec);
			mix(&hash, &stat_of.st_size, sizeof stat_of.st_size);
			mix(&hash, &stat_of.st_ino, sizeof stat_of.st_ino);
		}
	}
	json_decref(run.document);
	pol_arena_finish(&run.arena);
	return hash | 1;
}

struct lsp_kept *lsp_kept_find(const struct lsp *lsp, const char *folder)
{
	struct lsp_kept *kept = lsp->kept;

	while (kept != NULL && strcmp(kept->folder, folder) != 0) {
		kept = kept->next;
	}
	return kept;
}

struct lsp_kept *lsp_kept_of(struct lsp *lsp, const char *path)
{
	const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);
	struct lsp_kept *kept = folder != NULL ? lsp_kept_find(lsp, folder) : NULL;
	uint64_t listing;

	lsp_settle(lsp);
	if (folder == NULL) {
		return NULL;
	}
	if (kept == NULL) {
		kept = calloc(1, sizeof *kept);
		if (kept == NULL || (kept->folder = strdup(folder)) == NULL) {
			free(kept);
			return NULL;
		}
		kept->next = lsp->kept;
		lsp->kept = kept;
	}
	listing = list(lsp, folder);
	if (listing != kept->listing) {
		kept->listing = read_again(lsp, kept) ? listing : 0;
	}
	return kept->listing != 0 ? kept : NULL;
}

size_t lsp_kept_bytes(const struct lsp_kept *kept)
{
	size_t bytes = 0;

	for (size_t i = 0; i < kept->count; i++) {
		bytes += kept->files[i]->source.text.len;
	}
	return bytes;
}

struct lsp_file *lsp_kept_file(const struct lsp_kept *kept, const char *path)
{
	bool found;
	size_t at = find(kept, pol_str_of(path), &found);

	return found ? kept->files[at] : NULL;
}

void lsp_kept_change(struct lsp *lsp, const char *path)
{
	const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);
	struct lsp_kept *kept = folder != NULL ? lsp_kept_find(lsp, folder) : NULL;
	const json_t *text = json_object_get(json_object_get(lsp->documents, path), "text");

	if (kept != NULL && text != NULL) {
		put(kept, &(struct pol_source){ pol_str_of(path),
				  { json_string_value(text), json_string_length(text) } });
	}
}

static void destroy(struct lsp_kept *kept)
{
	lsp_nodes_destroy(kept->nodes);
	for (size_t i = 0; i < kept->count; i++) {
		lsp_kept_destroy(kept->files[i]);
	}
	free(kept->files);
	free(kept->folder);
	free(kept);
}

/* Is any document of the folder open? */
static bool is_used(struct lsp *lsp, const char *folder)
{
	const char *path;
	json_t *document;

	json_object_foreach(lsp->documents, path, document)
	{
		const char *own = lsp_view_folder(lsp, &lsp->app->arena, path);

		if (own != NULL && strcmp(own, folder) == 0) {
			return true;
		}
	}
	return false;
}

void lsp_kept_close(struct lsp *lsp, const char *path)
{
	const char *folder = lsp_view_folder(lsp, &lsp->app->arena, path);
	struct lsp_kept **at = &lsp->kept;

	while (*at != NULL && (folder == NULL || strcmp((*at)->folder, folder) != 0)) {
		at = &(*at)->next;
	}
	if (*at != NULL && is_used(lsp, folder)) {
		(*at)->listing = 0;
	} else if (*at != NULL) {
		struct lsp_kept *gone = *at;

		*at = gone->next;
		destroy(gone);
	}
}

void lsp_kept_finish(struct lsp *lsp)
{
	while (lsp->kept != NULL) {
		struct lsp_kept *next = lsp->kept->next;

		destroy(lsp->kept);
		lsp->kept = next;
	}
	lsp_kept_destroy(lsp->built_in);
	lsp->built_in = NULL;
}
