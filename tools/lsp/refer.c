/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "tools/lsp/position.h"
#include "tools/lsp/server.h"

/* All places of one file at which a name stands. */
struct uses {
	const struct lsp_name *wanted;
	struct pol_arena *arena;
	struct lsp_name *items;
	size_t count, capacity;
};

static bool is_use(void *context, const struct lsp_name *name)
{
	struct uses *uses = context;

	if (name->kind != uses->wanted->kind || !pol_str_equal(name->name, uses->wanted->name)) {
		return true;
	}
	if (uses->count == uses->capacity) {
		struct lsp_name *grown = pol_arena_grow(uses->arena, uses->items, uses->count,
			uses->count + 1, sizeof *grown, &uses->capacity);

		if (grown == NULL) {
			return false;
		}
		uses->items = grown;
	}
	uses->items[uses->count++] = *name;
	return true;
}

static int by_offset(const void *a, const void *b)
{
	uint32_t left = ((const struct lsp_name *)a)->at.offset;
	uint32_t right = ((const struct lsp_name *)b)->at.offset;

	return (left > right) - (left < right);
}

/* In the order of the text. */
static struct uses find_uses(
	struct lsp *lsp, const struct lsp_file *file, const struct lsp_name *wanted)
{
	struct uses uses = { .wanted = wanted, .arena = &lsp->app->arena };

	lsp_names_each(&file->ast, file->source.text, is_use, &uses);
	if (uses.count > 0) {
		qsort(uses.items, uses.count, sizeof *uses.items, by_offset);
	}
	return uses;
}

static json_t *range_of(struct lsp_lines *lines, struct pol_span at)
{
	return lsp_position_range(lines, at.offset, (size_t)at.offset + at.length);
}

/* The name at the place of a request. False: there is none. */
static bool name_at(
	struct lsp *lsp, const json_t *params, struct lsp_place *out_place, struct lsp_name *out)
{
	return lsp_place_find(lsp, params, out_place) &&
	       lsp_names_at(
		       &out_place->file->ast, out_place->file->source.text, out_place->offset, out);
}

json_t *lsp_references(struct lsp *lsp, const json_t *params, const char **out_why)
{
	const json_t *context = json_object_get(params, "context");
	bool all = json_is_true(json_object_get(context, "includeDeclaration"));
	struct lsp_place place;
	struct lsp_name name;
	json_t *result;

	(void)out_why;
	if (!name_at(lsp, params, &place, &name)) {
		return NULL;
	}
	result = json_array();
	for (size_t i = 0; i < place.kept->count; i++) {
		const struct lsp_file *file = place.kept->files[i];
		struct uses uses = find_uses(lsp, file, &name);
		struct lsp_lines lines = { .text = file->source.text };
		const char *uri = lsp_view_uri(lsp, &lsp->app->arena, file->source.name.ptr);

		for (size_t k = 0; k < uses.count; k++) {
			if (all || !uses.items[k].declares) {
				app_append(lsp->app, result,
					json_pack("{s:s, s:o}", "uri", uri, "range",
						range_of(&lines, uses.items[k].at)));
			}
		}
	}
	return result;
}

/* --- rename ----------------------------------------------------------------------------------- */

/* Names with a meaning of their own. */
static bool is_special(enum lsp_kind kind, struct pol_str name)
{
	static const struct {
		enum lsp_kind kind;
		const char *name;
	} names[] = {
		{ LSP_ROLE, "anyone" },
		{ LSP_STACK, "authz" },
		{ LSP_STACK, "other" },
		{ LSP_TREE, "authz" },
		{ LSP_PRINCIPAL, "inactive" },
	};

	/* the attributes of principals have these names, too */
	if (kind == LSP_FACT && pol_str_starts(name, POL_STR("principal."))) {
		return true;
	}
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (kind == names[i].kind && pol_str_equal(name, pol_str_of(names[i].name))) {
			return true;
		}
	}
	return false;
}

/* Why the name at the place cannot be renamed, or NULL. */
static const char *refuse_old(
	struct app *app, const struct lsp_kept *kept, const struct lsp_name *name)
{
	const char *kind = lsp_names_kind(name->kind);
	struct lsp_declared declared;

	if (is_special(name->kind, name->name)) {
		return app_text(app, "%s '%.*s' has a meaning of its own: it keeps its name", kind,
			POL_STR_ARGS(name->name));
	}
	if (!lsp_place_declared(kept, name->kind, name->name, &declared)) {
		return app_text(app, "no %s '%.*s' is declared in %s", kind,
			POL_STR_ARGS(name->name), kept->folder);
	}
	for (size_t i = 0; i < kept->count; i++) {
		const struct pol_diag *diag = kept->files[i]->diags.first;

		while (diag != NULL && diag->severity != POL_SEVERITY_ERROR) {
			diag = diag->next;
		}
		if (diag != NULL) {
			return app_text(app,
				"%.*s:%u: this mistake may hide a name, correct it "
				"first: %.*s",
				POL_STR_ARGS(diag->file), (unsigned)diag->line,
				POL_STR_ARGS(diag->message));
		}
	}
	return NULL;
}

/* A statement that declares the name. */
static const char *statement_of(struct app *app, enum lsp_kind kind, struct pol_str name)
{
	static const char *const rests[] = {
		[LSP_ROLE] = "{ }",
		[LSP_SCOPE] = "{ }",
		[LSP_STACK] = "{ }",
		[LSP_TREE] = "{ }",
		[LSP_ENVIRONMENT] = "prefix x",
		[LSP_PRINCIPAL] = "{ }",
		[LSP_CONDITION] = "= a",
	};

	if (kind == LSP_FACT) {
		return app_text(app, "facts { %.*s string }\n", POL_STR_ARGS(name));
	}
	return app_text(app, "%s %.*s %s\n", lsp_names_kind(kind), POL_STR_ARGS(name), rests[kind]);
}

/* Why a text is no name for this kind, or NULL: the parser says so. */
static const char *refuse_shape(struct app *app, enum lsp_kind kind, struct pol_str name)
{
	const struct pol_source source = { POL_STR("new name"),
		pol_str_of(statement_of(app, kind, name)) };
	const char *why = NULL;
	struct pol_diags diags;
	struct pol_ast ast;
	struct lsp_name found;

	pol_diags_init(&diags, &source, 1);
	if (pol_parse(&source, 1, &app->arena, &diags, &ast) != POL_OK && diags.first != NULL) {
		why = app_text(app, "%.*s", POL_STR_ARGS(diags.first->message));
	} else if (!lsp_names_declared(&ast, kind, name, &found)) {
		why = app_text(app, "'%.*s' cannot be the name of a %s", POL_STR_ARGS(name),
			lsp_names_kind(kind));
	}
	pol_diags_finish(&diags);
	return why;
}

/* A declaration that another name would collide with. */
struct rival {
	const struct lsp_name *old;
	struct pol_str fresh;
	struct lsp_name found;
	bool any;
};

static bool is_rival(void *context, const struct lsp_name *name)
{
	struct rival *rival = context;
	bool folds = name->kind == LSP_ROLE || name->kind == LSP_SCOPE || name->kind == LSP_FACT;

	if (!name->declares || name->kind != rival->old->kind ||
		pol_str_equal(name->name, rival->old->name) ||
		!(folds ? pol_str_equal_fold(name->name, rival->fresh)
			: pol_str_equal(name->name, rival->fresh))) {
		return true;
	}
	rival->found = *name;
	rival->any = true;
	return false;
}

/* Why the new name cannot be taken, or NULL. */
static const char *refuse_new(struct app *app, const struct lsp_kept *kept,
	const struct lsp_name *name, struct pol_str fresh)
{
	const char *why = refuse_shape(app, name->kind, fresh);
	const char *kind = lsp_names_kind(name->kind);
	struct rival rival = { .old = name, .fresh = fresh };

	if (why != NULL) {
		return why;
	}
	if (is_special(name->kind, fresh)) {
		return app_text(app, "%s '%.*s' has a meaning of its own: choose another name",
			kind, POL_STR_ARGS(fresh));
	}
	for (size_t i = 0; i < kept->count; i++) {
		const struct pol_source *source = &kept->files[i]->source;
		struct pol_line_cursor lines = { 0 };

		lsp_names_each(&kept->files[i]->ast, source->text, is_rival, &rival);
		if (rival.any) {
			return app_text(app, "%s '%.*s' is declared already, at %.*s:%u", kind,
				POL_STR_ARGS(rival.found.name), POL_STR_ARGS(source->name),
				(unsigned)pol_diag_span_line(source, &lines, rival.found.at));
		}
	}
	return NULL;
}

json_t *lsp_prepare_rename(struct lsp *lsp, const json_t *params, const char **out_why)
{
	struct lsp_place place;
	struct lsp_name name;
	struct lsp_lines lines;

	if (!name_at(lsp, params, &place, &name)) {
		return NULL;
	}
	*out_why = refuse_old(lsp->app, place.kept, &name);
	if (*out_why != NULL) {
		return NULL;
	}
	lines = (struct lsp_lines){ .text = place.file->source.text };
	return json_pack("{s:o, s:o}", "range", range_of(&lines, name.at), "placeholder",
		document_str(name.name));
}

/* The edits of one file; NULL: a segment of a path cannot have the new name. */
static json_t *edits_of(
	struct lsp *lsp, const struct lsp_file *file, const struct uses *uses, struct pol_str fresh)
{
	struct lsp_lines lines = { .text = file->source.text };
	json_t *edits = json_array();

	for (size_t i = 0; i < uses->count; i++) {
		if (uses->items[i].in_path && memchr(fresh.ptr, '/', fresh.len) != NULL) {
			json_decref(edits);
			return NULL;
		}
		app_append(lsp->app, edits,
			json_pack("{s:o, s:o}", "range", range_of(&lines, uses->items[i].at),
				"newText", document_str(fresh)));
	}
	return edits;
}

json_t *lsp_rename(struct lsp *lsp, const json_t *params, const char **out_why)
{
	const json_t *text = json_object_get(params, "newName");
	struct pol_str fresh = { json_string_value(text), json_string_length(text) };
	struct lsp_place place;
	struct lsp_name name;
	json_t *changes;

	*out_why = "no name stands here: roles, scopes, stacks, trees, environments and principals "
		   "can be renamed";
	if (!name_at(lsp, params, &place, &name)) {
		return NULL;
	}
	*out_why = refuse_old(lsp->app, place.kept, &name);
	if (*out_why == NULL && !pol_str_equal(name.name, fresh)) {
		*out_why = refuse_new(lsp->app, place.kept, &name, fresh);
	}
	changes = *out_why == NULL ? json_object() : NULL;
	for (size_t i = 0; changes != NULL && i < place.kept->count; i++) {
		const struct lsp_file *file = place.kept->files[i];
		struct uses uses = find_uses(lsp, file, &name);
		json_t *edits = edits_of(lsp, file, &uses, fresh);

		if (edits == NULL) {
			*out_why = app_text(lsp->app,
				"'%.*s' has a '/' and is a segment of a path of the tree authz in "
				"%.*s: choose a name without it",
				POL_STR_ARGS(fresh), POL_STR_ARGS(file->source.name));
			json_decref(changes);
			return NULL;
		}
		if (json_array_size(edits) > 0) {
			json_object_set(changes,
				lsp_view_uri(lsp, &lsp->app->arena, file->source.name.ptr), edits);
		}
		json_decref(edits);
	}
	return changes != NULL ? json_pack("{s:o}", "changes", changes) : NULL;
}
