/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/decide/registry.h"
#include "policy/text/method.h"
#include "policy/text/reason.h"
#include "tools/lsp/context.h"
#include "tools/lsp/nodes.h"
#include "tools/lsp/position.h"
#include "tools/lsp/server.h"

/* Items of one answer; with more than these it is marked as incomplete, and the editor asks again
 * when more of the word is typed. */
#define MOST_ITEMS 500

/* The protocol's kinds of items. */
enum item {
	ITEM_ACTION = 2,
	ITEM_CONDITION = 3,
	ITEM_STACK = 3,
	ITEM_FACT = 5,
	ITEM_NODE = 5,
	ITEM_PRINCIPAL = 6,
	ITEM_ROLE = 7,
	ITEM_SCOPE = 8,
	ITEM_TREE = 9,
	ITEM_KEYWORD = 14,
	ITEM_REASON = 20,
	ITEM_ENVIRONMENT = 21,
};

struct answer {
	struct app *app;
	struct lsp_kept *kept;
	struct lsp_nodes *nodes;
	struct pol_str own;   /* the name that is being declared, which is not offered */
	struct pol_str typed; /* what the items begin with, and take the place of */
	json_t *range;
	json_t *items, *seen; /* seen: the labels */
	bool incomplete;
	bool concrete; /* nodes are of a place: parameters have values */
};

/* Does the word begin with what was typed, in any case? */
static bool fits(const struct answer *answer, struct pol_str word)
{
	struct pol_str begin = { word.ptr, answer->typed.len };

	return word.len >= answer->typed.len && word.len > 0 &&
	       (begin.len == 0 || pol_str_equal_fold(begin, answer->typed));
}

static void offer(
	struct answer *answer, struct pol_str label, enum item kind, struct pol_str detail)
{
	const char *key;
	json_t *item;

	/* In a tree the word that is typed is an action already. */
	if (!fits(answer, label) || (kind == ITEM_ACTION && pol_str_equal(label, answer->typed))) {
		return;
	}
	key = app_text(answer->app, "%.*s", POL_STR_ARGS(label));
	if (json_object_get(answer->seen, key) != NULL) {
		return;
	}
	if (json_array_size(answer->items) == MOST_ITEMS) {
		answer->incomplete = true;
		return;
	}
	json_object_set_new(answer->seen, key, json_true());
	item = json_pack("{s:o, s:i, s:{s:O, s:o}}", "label", document_str(label), "kind",
		(int)kind, "textEdit", "range", answer->range, "newText", document_str(label));
	if (detail.len > 0) {
		json_object_set_new(item, "detail", document_str(detail));
	}
	app_append(answer->app, answer->items, item);
}

static void offer_text(struct answer *answer, const char *label, enum item kind)
{
	offer(answer, pol_str_of(label), kind, pol_str_of(""));
}

/* --- names ------------------------------------------------------------------------------------ */

struct declarations {
	struct answer *answer;
	enum lsp_kind kind;
	enum item item;
};

static bool offer_declaration(void *context, const struct lsp_name *name)
{
	const struct declarations *of = context;

	/* Every caller holds `anyone`: it is named where it is declared alone. */
	if (name->kind == of->kind && !pol_str_equal(name->name, of->answer->own) &&
		!(name->kind == LSP_ROLE && pol_str_equal(name->name, POL_STR("anyone")))) {
		offer(of->answer, name->name, of->item, name->description);
	}
	return true;
}

static void offer_names(struct answer *answer, enum lsp_kind kind, enum item item)
{
	struct declarations of = { answer, kind, item };

	for (size_t i = 0; i < answer->kept->count; i++) {
		lsp_names_declarations(&answer->kept->files[i]->ast, offer_declaration, &of);
	}
}

static void offer_verbs(struct answer *answer)
{
	size_t count;
	const struct pol_str *verbs = lsp_nodes_verbs(answer->nodes, &count);

	for (size_t i = 0; i < count; i++) {
		offer(answer, verbs[i], ITEM_ACTION, pol_str_of(""));
	}
}

/* --- paths ------------------------------------------------------------------------------------ */

static bool offer_children(void *context, struct lsp_node *node)
{
	struct answer *answer = context;

	for (struct lsp_node *child = node->first; child != NULL; child = child->next) {
		if (!answer->concrete || child->kind == POL_SEGMENT_LITERAL) {
			offer(answer, child->raw, ITEM_NODE, child->description);
		}
	}
	if (!answer->concrete && node->first != NULL) {
		offer_text(answer, "*", ITEM_KEYWORD);
		offer_text(answer, "**", ITEM_KEYWORD);
	}
	return !answer->incomplete;
}

/* Offers what may follow a pattern, TREE:/path without the '/' at its end. */
static void offer_below_pattern(struct answer *answer, struct pol_str path)
{
	const char *root = memchr(path.ptr, '/', path.len) == NULL ? "/" : "";
	const struct pol_source source = { POL_STR("typed"),
		pol_str_of(app_text(answer->app, "scope x { allow all on %.*s%s }\n",
			POL_STR_ARGS(path), root)) };
	struct pol_diags diags;
	struct pol_ast ast;

	pol_diags_init(&diags, &source, 1);
	if (pol_parse(&source, 1, &answer->app->arena, &diags, &ast) == POL_OK &&
		ast.scopes_count == 1 && ast.scopes[0].grant_count == 1 &&
		ast.scopes[0].grants[0].patterns.count == 1) {
		(void)lsp_nodes_select(answer->nodes, ast.scopes[0].grants[0].patterns.items,
			offer_children, answer);
	}
	pol_diags_finish(&diags);
}

static void offer_trees(struct answer *answer)
{
	struct lsp_node *root = lsp_nodes_roots(answer->nodes);

	for (; root != NULL; root = root->next) {
		offer(answer, pol_str_of(app_text(answer->app, "%.*s:/", POL_STR_ARGS(root->text))),
			ITEM_TREE, root->description);
	}
}

/* The offset of the last '/'; the length: there is none. */
static size_t last_slash(struct pol_str word)
{
	size_t at = word.len;

	while (at > 0 && word.ptr[at - 1] != '/') {
		at--;
	}
	return at > 0 ? at - 1 : word.len;
}

/* Offers segments after the last '/' of the word. */
static void offer_segments(struct answer *answer, const struct lsp_context *context)
{
	struct pol_str before = { context->word.ptr, last_slash(context->word) };

	if (context->prefix.len > 0) {
		before = pol_str_of(app_text(answer->app, "%.*s%.*s", POL_STR_ARGS(context->prefix),
			POL_STR_ARGS(before)));
	}
	if ((context->expects & LSP_EXPECT_PLACES) != 0) {
		struct lsp_node *node = lsp_nodes_requested(answer->nodes,
			pol_str_of(app_text(answer->app, "%.*s%s", POL_STR_ARGS(before),
				memchr(before.ptr, '/', before.len) == NULL ? "/" : "")));

		answer->concrete = true;
		if (node != NULL) {
			(void)offer_children(answer, node);
		}
	} else {
		offer_below_pattern(answer, before);
	}
}

/* --- the answer ------------------------------------------------------------------------------- */

static void offer_all_names(struct answer *answer, unsigned expects)
{
	static const struct {
		unsigned expect;
		enum lsp_kind kind;
		enum item item;
	} names[] = {
		{ LSP_EXPECT_ROLES, LSP_ROLE, ITEM_ROLE },
		{ LSP_EXPECT_SCOPES, LSP_SCOPE, ITEM_SCOPE },
		{ LSP_EXPECT_STACKS, LSP_STACK, ITEM_STACK },
		{ LSP_EXPECT_ENVIRONMENTS, LSP_ENVIRONMENT, ITEM_ENVIRONMENT },
		{ LSP_EXPECT_PRINCIPALS, LSP_PRINCIPAL, ITEM_PRINCIPAL },
		{ LSP_EXPECT_FACTS, LSP_FACT, ITEM_FACT },
		{ LSP_EXPECT_CONDITIONS, LSP_CONDITION, ITEM_CONDITION },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((expects & names[i].expect) != 0) {
			offer_names(answer, names[i].kind, names[i].item);
		}
	}
}

static void offer_fixed(struct answer *answer, unsigned expects)
{
	const struct pol_module *const *modules;
	const struct pol_str *reasons;
	size_t count = (expects & LSP_EXPECT_METHODS) != 0 ? pol_method_count() : 0;

	for (size_t i = 0; i < count; i++) {
		offer(answer, pol_method_name(i), ITEM_ACTION, pol_str_of(""));
	}
	count = (expects & LSP_EXPECT_MODULES) != 0 ? pol_registry_modules(&modules) : 0;
	for (size_t i = 0; i < count; i++) {
		offer_text(answer, modules[i]->name, ITEM_KEYWORD);
	}
	count = (expects & LSP_EXPECT_REASONS) != 0 ? pol_reasons(&reasons) : 0;
	for (size_t i = 0; i < count; i++) {
		if (pol_reason_is_denial(reasons[i])) {
			offer(answer, reasons[i], ITEM_REASON, pol_str_of(""));
		}
	}
}

static void offer_what_fits(struct answer *answer, const struct lsp_context *context)
{
	bool paths = (context->expects & (LSP_EXPECT_PATTERNS | LSP_EXPECT_PLACES)) != 0;

	if (paths && answer->typed.len < context->word.len) {
		offer_segments(answer, context);
		return;
	}
	if (paths && context->prefix.len == 0) {
		offer_trees(answer);
	}
	for (size_t i = 0; context->keywords[i] != NULL; i++) {
		offer_text(answer, context->keywords[i], ITEM_KEYWORD);
	}
	offer_all_names(answer, context->expects);
	offer_fixed(answer, context->expects);
	if ((context->expects & LSP_EXPECT_VERBS) != 0) {
		offer_verbs(answer);
	}
}

json_t *lsp_completion(struct lsp *lsp, const json_t *params, const char **out_why)
{
	struct answer answer = { .app = lsp->app };
	struct lsp_context context;
	struct lsp_place place;
	struct lsp_lines lines;

	(void)out_why;
	if (!lsp_place_find(lsp, params, &place)) {
		return NULL;
	}
	answer.kept = place.kept;
	answer.nodes = lsp_nodes_of(lsp, place.kept);
	if (answer.nodes == NULL) {
		return NULL;
	}
	lsp_context_at(&lsp->app->arena, place.file->source.text, place.offset, &context);
	answer.items = json_array();
	answer.seen = json_object();
	answer.own = context.own;
	answer.typed = context.word;
	if ((context.expects & (LSP_EXPECT_PATTERNS | LSP_EXPECT_PLACES)) != 0 &&
		last_slash(context.word) < context.word.len) {
		size_t begin = last_slash(context.word) + 1;

		answer.typed.ptr += begin;
		answer.typed.len -= begin;
	}
	lines = (struct lsp_lines){ .text = place.file->source.text };
	answer.range = lsp_position_range(&lines, place.offset - answer.typed.len, place.offset);
	offer_what_fits(&answer, &context);
	json_decref(answer.range);
	json_decref(answer.seen);
	return json_pack(
		"{s:b, s:o}", "isIncomplete", (int)answer.incomplete, "items", answer.items);
}
