/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/names.h"

/* One walk. */
struct walk {
	lsp_names_visit visit;
	void *context;
	bool stopped;
};

static void put(struct walk *walk, const struct lsp_name *name)
{
	if (!walk->stopped && name->name.ptr != NULL) {
		walk->stopped = !walk->visit(walk->context, name);
	}
}

static void put_word(struct walk *walk, enum lsp_kind kind, const struct pol_word *word)
{
	put(walk, &(struct lsp_name){ .kind = kind, .name = word->text, .at = word->at });
}

static void put_words(struct walk *walk, enum lsp_kind kind, const struct pol_words *words)
{
	for (uint32_t i = 0; i < words->count; i++) {
		put_word(walk, kind, &words->items[i]);
	}
}

static void declare(struct walk *walk, enum lsp_kind kind, const struct pol_word *name,
	const struct pol_word *description)
{
	put(walk, &(struct lsp_name){ .kind = kind,
			  .name = name->text,
			  .at = name->at,
			  .declares = true,
			  .description = description->text });
}

/* The tree of a place, TREE:/path. */
static void put_places(struct walk *walk, const struct pol_words *places)
{
	for (uint32_t i = 0; i < places->count; i++) {
		struct pol_word tree = places->items[i];
		size_t len = 0;

		while (len < tree.text.len && tree.text.ptr[len] != ':') {
			len++;
		}
		if (len < tree.text.len && tree.at.length == tree.text.len) {
			tree.text.len = len;
			tree.at.length = (uint32_t)len;
			put_word(walk, LSP_TREE, &tree);
		}
	}
}

static void put_patterns(struct walk *walk, const struct pol_ast_patterns *patterns)
{
	for (uint32_t i = 0; i < patterns->count; i++) {
		const struct pol_ast_pattern *pattern = &patterns->items[i];

		/* All of a list of suffixes have the tree of its beginning. */
		if (i == 0 || pattern->tree.at.offset != patterns->items[i - 1].tree.at.offset) {
			put_word(walk, LSP_TREE, &pattern->tree);
		}
	}
}

static void put_grantees(
	struct walk *walk, enum lsp_kind kind, const struct pol_ast_grantee *items, size_t count)
{
	for (size_t i = 0; i < count && !walk->stopped; i++) {
		put(walk, &(struct lsp_name){ .kind = kind,
				  .name = items[i].name.text,
				  .at = items[i].name.at,
				  .declares = true,
				  .description = items[i].description.text,
				  .grantee = &items[i] });
		put_words(walk, kind, &items[i].parents);
		for (uint32_t k = 0; k < items[i].grant_count; k++) {
			const struct pol_ast_grant *grant = &items[i].grants[k];

			put_patterns(walk, &grant->patterns);
			put_patterns(walk, &grant->except_patterns);
		}
	}
}

static void put_held(struct walk *walk, const struct pol_ast_assignment *held)
{
	put_words(walk, LSP_ROLE, &held->roles);
	put_places(walk, &held->places);
}

static void put_stack(struct walk *walk, const struct pol_ast_stack *stack)
{
	const struct pol_word none = { .text = { NULL, 0 } };

	declare(walk, LSP_STACK, &stack->name, &none);
	for (uint32_t i = 0; i < stack->line_count; i++) {
		const struct pol_ast_line *line = &stack->lines[i];

		if (line->control == POL_CONTROL_INCLUDE || line->control == POL_CONTROL_SUBSTACK) {
			put_word(walk, LSP_STACK, &line->module);
		}
	}
}

static void put_step(struct walk *walk, const struct pol_ast_step *step)
{
	switch (step->kind) {
	case POL_STEP_AS_ROLE:
	case POL_STEP_AND_ROLE:
		put_held(walk, &step->held);
		break;
	case POL_STEP_AS_PRINCIPAL:
		put_word(walk, LSP_PRINCIPAL, &step->word);
		break;
	case POL_STEP_WITH_SCOPE:
		put_words(walk, LSP_SCOPE, &step->words);
		break;
	case POL_STEP_KEY_AT:
		put_places(walk, &step->words);
		break;
	case POL_STEP_ENVIRONMENT:
		put_word(walk, LSP_ENVIRONMENT, &step->word);
		break;
	case POL_STEP_SERVICE:
		put_word(walk, LSP_STACK, &step->word);
		break;
	case POL_STEP_EXPECT:
		put_places(walk, &step->places);
		break;
	case POL_STEP_AS_NOBODY:
	case POL_STEP_KEY_STATE:
	case POL_STEP_FROM:
	case POL_STEP_TIME:
	case POL_STEP_PEER:
	case POL_STEP_MFA:
		break;
	}
}

void lsp_names_each(const struct pol_ast *ast, lsp_names_visit visit, void *context)
{
	struct walk walk = { visit, context, false };

	for (size_t i = 0; i < ast->environments_count; i++) {
		declare(&walk, LSP_ENVIRONMENT, &ast->environments[i].name,
			&ast->environments[i].description);
	}
	for (size_t i = 0; i < ast->trees_count; i++) {
		declare(&walk, LSP_TREE, &ast->trees[i].name, &ast->trees[i].description);
	}
	put_grantees(&walk, LSP_ROLE, ast->roles, ast->roles_count);
	put_grantees(&walk, LSP_SCOPE, ast->scopes, ast->scopes_count);
	for (size_t i = 0; i < ast->principals_count; i++) {
		const struct pol_ast_principal *principal = &ast->principals[i];

		declare(&walk, LSP_PRINCIPAL, &principal->id, &principal->description);
		for (uint32_t k = 0; k < principal->held_count; k++) {
			put_held(&walk, &principal->held[k]);
		}
	}
	for (size_t i = 0; i < ast->exclusives_count; i++) {
		put_words(&walk, LSP_ROLE, &ast->exclusives[i].roles);
	}
	for (size_t i = 0; i < ast->stacks_count; i++) {
		put_stack(&walk, &ast->stacks[i]);
	}
	for (size_t i = 0; i < ast->tests_count; i++) {
		for (uint32_t k = 0; k < ast->tests[i].step_count; k++) {
			put_step(&walk, &ast->tests[i].steps[k]);
		}
	}
}

struct search {
	struct lsp_name found;
	bool any;
	uint32_t file;
	size_t offset;
	enum lsp_kind kind;
	struct pol_str name;
};

static bool is_at(void *context, const struct lsp_name *name)
{
	struct search *search = context;

	if (name->at.file == search->file && search->offset >= name->at.offset &&
		search->offset <= (size_t)name->at.offset + name->at.length) {
		search->found = *name;
		search->any = true;
		/* Where two touch, as a tree and its path do, the second begins here. */
		return search->offset == (size_t)name->at.offset + name->at.length;
	}
	return true;
}

bool lsp_names_at(const struct pol_ast *ast, uint32_t file, size_t offset, struct lsp_name *out)
{
	struct search search = { .file = file, .offset = offset };

	lsp_names_each(ast, is_at, &search);
	*out = search.found;
	return search.any;
}

static bool is_declaration(void *context, const struct lsp_name *name)
{
	struct search *search = context;

	if (!name->declares || name->kind != search->kind ||
		!pol_str_equal(name->name, search->name)) {
		return true;
	}
	search->found = *name;
	search->any = true;
	return false;
}

bool lsp_names_declared(
	const struct pol_ast *ast, enum lsp_kind kind, struct pol_str name, struct lsp_name *out)
{
	struct search search = { .kind = kind, .name = name };

	lsp_names_each(ast, is_declaration, &search);
	*out = search.found;
	return search.any;
}
