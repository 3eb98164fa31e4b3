/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/source.h"

#include <stdlib.h>

/* The largest folder that is still refused by its size, and its names. */
#define ARENA_LIMIT (POL_FOLDER_MAX + 2 * POL_FILE_MAX + (size_t)16 * 1024 * 1024)

void pol_sources_init(struct pol_sources *sources)
{
	*sources = (struct pol_sources){ 0 };
	pol_arena_init(&sources->arena, ARENA_LIMIT);
}

void pol_sources_finish(struct pol_sources *sources)
{
	pol_arena_finish(&sources->arena);
	*sources = (struct pol_sources){ 0 };
}

bool pol_source_is_policy(struct pol_str name)
{
	struct pol_str suffix = POL_STR(".policy");

	for (size_t i = 0; i < name.len; i++) {
		if (name.ptr[i] == '.' && (i == 0 || name.ptr[i - 1] == '/')) {
			return false;
		}
	}
	return name.len > suffix.len &&
	       pol_str_equal(
		       (struct pol_str){ name.ptr + name.len - suffix.len, suffix.len }, suffix);
}

enum pol_status pol_sources_add(
	struct pol_sources *sources, struct pol_str name, struct pol_str text)
{
	struct pol_source source;

	if (sources->bytes > POL_FOLDER_MAX) {
		return POL_ELIMIT;
	}
	if (text.len > POL_FILE_MAX) {
		text.len = POL_FILE_MAX + 1;
	}
	if (sources->count == sources->capacity) {
		struct pol_source *grown = pol_arena_grow(&sources->arena, sources->items,
			sources->count, sources->count + 1, sizeof *grown, &sources->capacity);

		if (grown == NULL) {
			return sources->arena.status;
		}
		sources->items = grown;
	}
	source.name = pol_arena_copy(&sources->arena, name);
	source.text = pol_arena_copy(&sources->arena, text);
	if (source.name.ptr == NULL || source.text.ptr == NULL) {
		return sources->arena.status;
	}
	sources->items[sources->count++] = source;
	sources->bytes += text.len;
	return POL_OK;
}

static int compare(const void *a, const void *b)
{
	const struct pol_source *left = a;
	const struct pol_source *right = b;

	return pol_str_compare(left->name, right->name);
}

void pol_sources_sort(struct pol_sources *sources)
{
	if (sources->count > 1) {
		qsort(sources->items, sources->count, sizeof *sources->items, compare);
	}
}
