/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/format/format.h"
#include "tools/lsp/position.h"
#include "tools/lsp/server.h"

/* What stands at the position that a request names. */
struct place {
	struct lsp_view view;
	struct pol_arena arena;
	struct pol_diags diags;
	struct pol_ast ast;
	struct lsp_name name;
	bool named;
};

static json_t *uri_in(const json_t *params)
{
	return json_object_get(json_object_get(params, "textDocument"), "uri");
}

static void find(struct place *place, const char *path, const json_t *params)
{
	const json_t *position = json_object_get(params, "position");
	enum pol_status status = pol_parse(place->view.sources.items, place->view.sources.count,
		&place->arena, &place->diags, &place->ast);

	for (uint32_t i = 0; i < place->view.sources.count; i++) {
		const struct pol_source *source = &place->view.sources.items[i];

		if (status != POL_ENOMEM && status != POL_ELIMIT &&
			pol_str_equal(source->name, pol_str_of(path))) {
			place->named = lsp_names_at(&place->ast, i,
				lsp_position_offset(source->text,
					json_integer_value(json_object_get(position, "line")),
					json_integer_value(json_object_get(position, "character"))),
				&place->name);
		}
	}
}

/* False: nothing is named there. place_close in any case. */
static bool place_open(struct lsp *lsp, const json_t *params, struct place *place)
{
	const char *uri = json_string_value(uri_in(params));
	const char *why, *folder;
	const char *path = uri != NULL ? lsp_position_path(&lsp->app->arena, uri) : NULL;

	*place = (struct place){ .named = false };
	pol_arena_init(&place->arena, POL_FORMAT_MEMORY);
	folder = path != NULL ? lsp_view_folder(lsp, &lsp->app->arena, path) : "";
	if (lsp_view_open(lsp, folder != NULL ? folder : "", &place->view, &why)) {
		pol_diags_init(&place->diags, place->view.sources.items, place->view.sources.count);
		find(place, path, params);
	}
	return place->named;
}

static void place_close(struct place *place)
{
	pol_diags_finish(&place->diags);
	pol_arena_finish(&place->arena);
	lsp_view_close(&place->view);
}

static const char *kind_text(enum lsp_kind kind)
{
	static const char *const texts[] = {
		[LSP_ROLE] = "role",
		[LSP_SCOPE] = "scope",
		[LSP_STACK] = "stack",
		[LSP_TREE] = "tree",
		[LSP_ENVIRONMENT] = "environment",
		[LSP_PRINCIPAL] = "principal",
	};

	return texts[kind];
}

/* The line of the source at which a grant begins, without spaces around it. */
static struct pol_str line_of(const struct lsp_view *view, struct pol_span at)
{
	struct pol_str text = view->sources.items[at.file].text;
	size_t end = at.offset;

	while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r') {
		end++;
	}
	return (struct pol_str){ text.ptr + at.offset, end - at.offset };
}

/* Grants of a role that a hover shows. */
#define MOST_GRANTS 20

static const char *describe(struct place *place, const struct lsp_name *name)
{
	struct app *run = &place->view.run;
	const struct pol_ast_grantee *grantee = name->grantee;
	const char *text =
		app_text(run, "%s %.*s", kind_text(name->kind), POL_STR_ARGS(name->name));

	for (uint32_t i = 0; grantee != NULL && i < grantee->parents.count; i++) {
		const char *word = name->kind == LSP_ROLE ? " inherits " : " includes ";

		text = app_text(run, "%s%s%.*s", text, i == 0 ? word : ", ",
			POL_STR_ARGS(grantee->parents.items[i].text));
	}
	if (name->description.ptr != NULL) {
		text = app_text(run, "%s\n%.*s", text, POL_STR_ARGS(name->description));
	}
	for (uint32_t i = 0; grantee != NULL && i < grantee->grant_count; i++) {
		struct pol_str line = line_of(&place->view, grantee->grants[i].at);

		if (i == MOST_GRANTS) {
			return app_text(run, "%s\n    and %u more", text,
				(unsigned)(grantee->grant_count - i));
		}
		text = app_text(run, "%s\n    %.*s", text, POL_STR_ARGS(line));
	}
	return text;
}

/* The declaration of what is at the position. */
static bool declared(struct place *place, struct lsp_name *out)
{
	return lsp_names_declared(&place->ast, place->name.kind, place->name.name, out);
}

json_t *lsp_hover(struct lsp *lsp, const json_t *params)
{
	struct place place;
	struct lsp_name name;
	json_t *result = NULL;

	if (place_open(lsp, params, &place) && declared(&place, &name)) {
		struct pol_span at = place.name.at;

		result = json_pack("{s:{s:s, s:o}, s:o}", "contents", "kind", "plaintext", "value",
			document_text(describe(&place, &name)), "range",
			lsp_position_range(place.view.sources.items[at.file].text, at.offset,
				(size_t)at.offset + at.length));
	}
	place_close(&place);
	return result;
}

json_t *lsp_definition(struct lsp *lsp, const json_t *params)
{
	struct place place;
	struct lsp_name name;
	json_t *result = NULL;

	if (place_open(lsp, params, &place) && declared(&place, &name)) {
		const struct pol_source *source = &place.view.sources.items[name.at.file];

		result = json_pack("{s:s, s:o}", "uri",
			lsp_position_uri(&place.view.run.arena, source->name), "range",
			lsp_position_range(source->text, name.at.offset,
				(size_t)name.at.offset + name.at.length));
	}
	place_close(&place);
	return result;
}

json_t *lsp_formatting(struct lsp *lsp, const json_t *params)
{
	const char *uri = json_string_value(uri_in(params));
	const char *path = uri != NULL ? lsp_position_path(&lsp->app->arena, uri) : "";
	const json_t *text = json_object_get(json_object_get(lsp->documents, path), "text");
	struct pol_source source = { pol_str_of(path),
		{ json_string_value(text), json_string_length(text) } };
	json_t *result = NULL;
	struct pol_diags diags;
	struct pol_arena arena;
	struct pol_str out;

	if (text == NULL) {
		return NULL;
	}
	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	pol_diags_init(&diags, &source, 1);
	if (pol_format(&diags, &arena, &out) == POL_OK) {
		result = pol_str_equal(out, source.text)
				 ? json_array()
				 : json_pack("[{s:o, s:o}]", "range",
					   lsp_position_range(source.text, 0, source.text.len),
					   "newText", document_str(out));
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
	return result;
}
