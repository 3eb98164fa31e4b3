/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/format/format.h"
#include "tools/lsp/position.h"
#include "tools/lsp/server.h"

static json_t *uri_in(const json_t *params)
{
	return json_object_get(json_object_get(params, "textDocument"), "uri");
}

bool lsp_place_find(struct lsp *lsp, const json_t *params, struct lsp_place *out)
{
	const json_t *position = json_object_get(params, "position");
	const char *uri = json_string_value(uri_in(params));
	const char *path = uri != NULL ? lsp_position_path(&lsp->app->arena, uri) : NULL;

	*out = (struct lsp_place){ .kept = path != NULL ? lsp_kept_of(lsp, path) : NULL };
	out->file = out->kept != NULL ? lsp_kept_file(out->kept, path) : NULL;
	if (out->file == NULL) {
		return false;
	}
	out->offset = lsp_position_offset(out->file->source.text,
		json_integer_value(json_object_get(position, "line")),
		json_integer_value(json_object_get(position, "character")));
	return true;
}

bool lsp_place_declared(const struct lsp_kept *kept, enum lsp_kind kind, struct pol_str name,
	struct lsp_declared *out)
{
	for (size_t i = 0; i < kept->count; i++) {
		out->file = kept->files[i];
		if (lsp_names_declared(&out->file->ast, kind, name, &out->name)) {
			return true;
		}
	}
	return false;
}

json_t *lsp_place_location(struct lsp *lsp, const struct lsp_file *file, struct pol_span at)
{
	struct lsp_lines lines = { .text = file->source.text };

	return json_pack("{s:s, s:o}", "uri",
		lsp_view_uri(lsp, &lsp->app->arena, file->source.name.ptr), "range",
		lsp_position_range(&lines, at.offset, (size_t)at.offset + at.length));
}

bool lsp_place_name(
	const struct lsp_place *place, struct lsp_name *out_use, struct lsp_declared *out)
{
	return lsp_names_at(&place->file->ast, place->file->source.text, place->offset, out_use) &&
	       lsp_place_declared(place->kept, out_use->kind, out_use->name, out);
}

json_t *lsp_definition(struct lsp *lsp, const json_t *params, const char **out_why)
{
	struct lsp_place place;
	struct lsp_declared found;
	struct lsp_name use;

	(void)out_why;
	return lsp_place_find(lsp, params, &place) && lsp_place_name(&place, &use, &found)
		       ? lsp_place_location(lsp, found.file, found.name.at)
		       : NULL;
}

json_t *lsp_formatting(struct lsp *lsp, const json_t *params, const char **out_why)
{
	const char *uri = json_string_value(uri_in(params));
	const char *path = uri != NULL ? lsp_position_path(&lsp->app->arena, uri) : "";
	const json_t *text = json_object_get(json_object_get(lsp->documents, path), "text");
	struct pol_source source = { pol_str_of(path),
		{ json_string_value(text), json_string_length(text) } };
	json_t *result = NULL;
	struct pol_diags diags;
	struct pol_arena arena;
	struct lsp_lines lines = { .text = source.text };
	struct pol_str out;

	(void)out_why;
	if (text == NULL) {
		return NULL;
	}
	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	pol_diags_init(&diags, &source, 1);
	if (pol_format(&diags, &arena, &out) == POL_OK) {
		result = pol_str_equal(out, source.text)
				 ? json_array()
				 : json_pack("[{s:o, s:o}]", "range",
					   lsp_position_range(&lines, 0, source.text.len),
					   "newText", document_str(out));
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	return result;
}
