/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/written.h"
#include "policy/text/method.h"
#include "tools/lsp/nodes.h"
#include "tools/lsp/position.h"
#include "tools/lsp/server.h"
#include "tools/lsp/spot.h"

/* --- names ------------------------------------------------------------------------------------ */

/* Grants of a role that a hover shows. */
#define MOST_GRANTS 20

static const char *describe_name(struct app *run, const struct lsp_declared *declared)
{
	const struct lsp_name *name = &declared->name;
	const struct pol_ast_grantee *grantee = name->grantee;
	const char *text =
		app_text(run, "%s %.*s", lsp_names_kind(name->kind), POL_STR_ARGS(name->name));

	for (uint32_t i = 0; grantee != NULL && i < grantee->parents.count; i++) {
		const char *word = name->kind == LSP_ROLE ? " inherits " : " includes ";

		text = app_text(run, "%s%s%.*s", text, i == 0 ? word : ", ",
			POL_STR_ARGS(grantee->parents.items[i].text));
	}
	if (name->description.ptr != NULL) {
		text = app_text(run, "%s\n%.*s", text, POL_STR_ARGS(name->description));
	}
	for (uint32_t i = 0; grantee != NULL && i < grantee->grant_count; i++) {
		struct pol_written grant;

		if (i == MOST_GRANTS) {
			return app_text(run, "%s\n    and %u more", text,
				(unsigned)(grantee->grant_count - i));
		}
		pol_written_statement(
			declared->file->source.text, grantee->grants[i].at.offset, &grant);
		text = app_text(run, "%s\n    %.*s", text, (int)grant.len, grant.text);
	}
	return text;
}

/* --- patterns, actions, nodes ----------------------------------------------------------------- */

/* Nodes of a selection that a hover shows. */
#define MOST_NODES 20

/* "api:/loans/{loan}" */
static const char *path_text(struct app *app, const struct lsp_node *node)
{
	const char *path = "";

	if (node->parent == NULL) {
		path = "/";
	}
	for (; node->parent != NULL; node = node->parent) {
		path = app_text(app, "/%.*s%s", POL_STR_ARGS(node->raw), path);
	}
	return app_text(app, "%.*s:%s", POL_STR_ARGS(node->raw), path);
}

/* "update PUT PATCH" */
static const char *verb_text(struct app *app, const struct lsp_verb *verb)
{
	const char *text = app_text(app, "%.*s", POL_STR_ARGS(verb->name));

	for (uint32_t i = 0; verb->methods != NULL && i < verb->methods->count; i++) {
		text = app_text(app, "%s %.*s", text, POL_STR_ARGS(verb->methods->items[i].text));
	}
	return text;
}

/* "read GET, update PUT PATCH" */
static const char *verbs_text(struct app *app, const struct lsp_node *node)
{
	const char *text = "";

	for (const struct lsp_verb *verb = node->verbs; verb != NULL; verb = verb->next) {
		text = app_text(
			app, "%s%s%s", text, *text != '\0' ? ", " : "", verb_text(app, verb));
	}
	return text;
}

/* Nodes that are counted and shown. */
struct selection {
	struct app *app;
	const struct pol_words *verbs; /* those that have one of them are shown; NULL: all are */
	uint32_t mark;
	unsigned nodes; /* with any action */
	unsigned shown; /* of them, those that are shown, or counted when there are many */
	const char *text;
};

static bool has_any(const struct lsp_node *node, const struct pol_words *verbs)
{
	for (uint32_t i = 0; verbs != NULL && i < verbs->count; i++) {
		if (lsp_nodes_has(node, verbs->items[i].text)) {
			return true;
		}
	}
	return verbs == NULL;
}

static bool add_node(void *context, struct lsp_node *node)
{
	struct selection *into = context;

	if (node->verbs == NULL || node->mark == into->mark) {
		return true;
	}
	node->mark = into->mark;
	into->nodes++;
	if (has_any(node, into->verbs) && into->shown++ < MOST_NODES) {
		into->text = app_text(into->app, "%s\n    %s  %s", into->text,
			path_text(into->app, node), verbs_text(into->app, node));
	}
	return true;
}

static const char *with_more(const struct selection *of)
{
	return of->shown <= MOST_NODES
		       ? of->text
		       : app_text(of->app, "%s\n    and %u more", of->text, of->shown - MOST_NODES);
}

static const char *segment_text(struct app *app, const struct pol_segment *segment)
{
	switch (segment->kind) {
	case POL_SEGMENT_PARAM:
		return app_text(app, "{%.*s}", POL_STR_ARGS(segment->text));
	case POL_SEGMENT_REST:
		return app_text(app, "{%.*s...}", POL_STR_ARGS(segment->text));
	case POL_SEGMENT_STAR:
		return "*";
	case POL_SEGMENT_STARSTAR:
		return "**";
	case POL_SEGMENT_LITERAL:
	case POL_SEGMENT_LOST:
		break;
	}
	return app_text(app, "%.*s", POL_STR_ARGS(segment->text));
}

static const char *describe_pattern(
	struct app *app, struct lsp_nodes *nodes, const struct lsp_spot *spot)
{
	const struct pol_ast_path *path = &spot->pattern->path;
	struct selection found = { .app = app,
		.verbs = spot->grant->all ? NULL : &spot->grant->verbs,
		.mark = lsp_nodes_mark(nodes),
		.text = "" };
	const char *head = app_text(app, "%.*s:%s", POL_STR_ARGS(spot->pattern->tree.text),
		path->count == 0 ? "/" : "");

	for (uint32_t i = 0; i < path->count; i++) {
		head = app_text(app, "%s/%s", head, segment_text(app, &path->segments[i]));
	}
	(void)lsp_nodes_select(nodes, spot->pattern, add_node, &found);
	head = app_text(app, "%s selects %s", head, app_count(app, found.nodes, "node"));
	for (uint32_t i = 0; found.verbs != NULL && i < found.verbs->count; i++) {
		head = app_text(app, "%s%s%.*s", head, i > 0 ? ", " : ", of which have ",
			POL_STR_ARGS(found.verbs->items[i].text));
	}
	if (found.verbs != NULL) {
		head = app_text(app, "%s: %u", head, found.shown);
	}
	return app_text(app, "%s%s", head, with_more(&found));
}

/* A verb of a rule or of an expectation: the nodes there that have it. */
static const char *describe_verb(
	struct app *app, struct lsp_nodes *nodes, const struct lsp_spot *spot)
{
	struct pol_word word = spot->word;
	const struct pol_words only = { &word, 1 };
	struct selection found = {
		.app = app, .verbs = &only, .mark = lsp_nodes_mark(nodes), .text = ""
	};
	const struct pol_ast_grant *grant = spot->grant;

	for (uint32_t i = 0; grant != NULL && i < grant->patterns.count; i++) {
		(void)lsp_nodes_select(nodes, &grant->patterns.items[i], add_node, &found);
	}
	for (uint32_t i = 0; grant == NULL && i < spot->step->places.count; i++) {
		struct lsp_node *node =
			lsp_nodes_requested(nodes, spot->step->places.items[i].text);

		if (node != NULL) {
			(void)add_node(&found, node);
		}
	}
	return app_text(app, "%s %.*s: %s of this line%s",
		pol_method_is_registered(word.text) ? "method" : "action", POL_STR_ARGS(word.text),
		app_count(app, found.shown, "node"), with_more(&found));
}

static bool count_node(void *context, struct lsp_node *node)
{
	unsigned *count = context;

	*count += node->verbs != NULL;
	return true;
}

static bool take_node(void *context, struct lsp_node *node)
{
	struct lsp_node **out = context;

	*out = node;
	return false;
}

/* A node with its actions, one a line. */
static const char *describe_node(struct app *app, struct lsp_node *node)
{
	const char *text = app_text(app, "node %s", path_text(app, node));
	unsigned below = 0;

	if (node->description.ptr != NULL) {
		text = app_text(app, "%s\n%.*s", text, POL_STR_ARGS(node->description));
	}
	for (const struct lsp_verb *verb = node->verbs; verb != NULL; verb = verb->next) {
		text = app_text(app, "%s\n    %s%s%.*s", text, verb_text(app, verb),
			verb->description.len > 0 ? "  " : "", POL_STR_ARGS(verb->description));
	}
	(void)lsp_nodes_below(node, count_node, &below);
	below -= node->verbs != NULL;
	return below == 0 ? text
			  : app_text(app, "%s\n%s below it", text, app_count(app, below, "node"));
}

static const char *describe_entry(
	struct app *app, const struct lsp_spot *spot, const struct lsp_node *node)
{
	const struct pol_ast_entry *entry = spot->entry;
	const struct lsp_verb verb = { .name = entry->name.text,
		.methods = entry->kind == POL_ENTRY_ACTION ? &entry->methods : NULL };

	return app_text(app, "%s %s of %s%s%.*s", verb.methods != NULL ? "action" : "method",
		verb_text(app, &verb), path_text(app, node),
		entry->description.text.len > 0 ? "\n" : "", POL_STR_ARGS(entry->description.text));
}

/* --- what a role or scope selects --------------------------------------------------------------
 */

/* A hover follows at most this many inherited roles, because it searches all files for each. */
#define MOST_INHERITED 64

struct reach {
	const struct lsp_nodes *nodes;
	const struct pol_words *verbs; /* of the grant; NULL: all */
	uint32_t mark;
	unsigned count; /* of nodes, each once */
	struct pol_str seen[MOST_INHERITED];
	unsigned seen_count;
};

static bool reach_node(void *context, struct lsp_node *node)
{
	struct reach *reach = context;

	if (node->verbs != NULL && node->mark != reach->mark && has_any(node, reach->verbs)) {
		node->mark = reach->mark;
		reach->count++;
	}
	return true;
}

/* Remembers a name. False: it is known already, or there are too many. */
static bool reach_enter(struct reach *reach, struct pol_str name)
{
	for (unsigned i = 0; i < reach->seen_count; i++) {
		if (pol_str_equal(reach->seen[i], name)) {
			return false;
		}
	}
	if (reach->seen_count == MOST_INHERITED) {
		return false;
	}
	reach->seen[reach->seen_count++] = name;
	return true;
}

static void reach_grants(struct reach *reach, const struct pol_ast_grantee *grantee)
{
	for (uint32_t i = 0; i < grantee->grant_count; i++) {
		const struct pol_ast_grant *grant = &grantee->grants[i];

		reach->verbs = grant->all ? NULL : &grant->verbs;
		for (uint32_t k = 0; !grant->deny && k < grant->patterns.count; k++) {
			(void)lsp_nodes_select(
				reach->nodes, &grant->patterns.items[k], reach_node, reach);
		}
	}
	for (uint32_t i = 0; i < grantee->parents.count; i++) {
		(void)reach_enter(reach, grantee->parents.items[i].text);
	}
}

/* "allows something on up to 12 nodes": less where a line denies, or has exceptions. */
static const char *describe_reach(struct app *app, struct lsp_kept *kept, struct lsp_nodes *nodes,
	const struct lsp_name *name)
{
	struct reach reach = { .nodes = nodes, .mark = lsp_nodes_mark(nodes) };

	(void)reach_enter(&reach, name->name);
	for (unsigned i = 0; i < reach.seen_count; i++) {
		struct lsp_declared declared;

		if (lsp_place_declared(kept, name->kind, reach.seen[i], &declared) &&
			declared.name.grantee != NULL) {
			reach_grants(&reach, declared.name.grantee);
		}
	}
	if (reach.seen_count == MOST_INHERITED) {
		return "";
	}
	return app_text(app, "\nallows something on up to %s%s",
		app_count(app, reach.count, "node"),
		reach.seen_count > 1 ? ", with what it inherits" : "");
}

/* NULL: nothing is known of it. */
static const char *describe_spot(
	struct app *app, struct lsp_nodes *nodes, const struct lsp_spot *spot)
{
	const struct pol_ast_pattern declared = { .tree.text = spot->tree, .path = spot->path };
	struct lsp_node *node = NULL;

	switch (spot->kind) {
	case LSP_SPOT_PATTERN:
		return describe_pattern(app, nodes, spot);
	case LSP_SPOT_VERB:
		return describe_verb(app, nodes, spot);
	case LSP_SPOT_PLACE:
		node = lsp_nodes_requested(nodes, spot->word.text);
		return node != NULL ? describe_node(app, node) : NULL;
	case LSP_SPOT_NODE:
	case LSP_SPOT_ENTRY:
		(void)lsp_nodes_select(nodes, &declared, take_node, &node);
		if (node == NULL) {
			return NULL;
		}
		return spot->kind == LSP_SPOT_NODE ? describe_node(app, node)
						   : describe_entry(app, spot, node);
	case LSP_SPOT_NONE:
		break;
	}
	return NULL;
}

json_t *lsp_hover(struct lsp *lsp, const json_t *params, const char **out_why)
{
	const char *text = NULL;
	struct lsp_place place;
	struct lsp_declared found;
	struct lsp_name use;
	struct lsp_spot spot;
	struct lsp_lines lines;

	(void)out_why;
	if (!lsp_place_find(lsp, params, &place)) {
		return NULL;
	}
	if (lsp_place_name(&place, &use, &found)) {
		struct lsp_nodes *nodes =
			found.name.grantee != NULL ? lsp_nodes_of(lsp, place.kept) : NULL;

		text = describe_name(lsp->app, &found);
		if (nodes != NULL) {
			text = app_text(lsp->app, "%s%s", text,
				describe_reach(lsp->app, place.kept, nodes, &found.name));
		}
		spot.at = use.at;
	} else if (lsp_spot_find(&place.file->ast, place.offset, &lsp->app->arena, &spot)) {
		struct lsp_nodes *nodes = lsp_nodes_of(lsp, place.kept);

		text = nodes != NULL ? describe_spot(lsp->app, nodes, &spot) : NULL;
	}
	if (text == NULL) {
		return NULL;
	}
	lines = (struct lsp_lines){ .text = place.file->source.text };
	return json_pack("{s:{s:s, s:o}, s:o}", "contents", "kind", "plaintext", "value",
		document_text(text), "range",
		lsp_position_range(
			&lines, spot.at.offset, (size_t)spot.at.offset + spot.at.length));
}
