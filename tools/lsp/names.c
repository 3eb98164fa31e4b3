/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lsp/names.h"

#include <string.h>

/* One walk. */
struct walk {
	struct pol_str text;
	lsp_names_visit visit;
	void *context;
	bool stopped;
	const struct pol_ast_grant *grant; /* whose condition it is in; NULL: none */
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

static bool starts(struct pol_str text, const char *prefix, struct pol_str *out_rest)
{
	struct pol_str begin = pol_str_of(prefix);

	if (!pol_str_starts(text, begin)) {
		return false;
	}
	*out_rest = (struct pol_str){ text.ptr + begin.len, text.len - begin.len };
	return out_rest->len > 0 && memchr(out_rest->ptr, '/', out_rest->len) == NULL &&
	       memchr(out_rest->ptr, '%', out_rest->len) == NULL;
}

/* Requests about roles, scopes and principals have their names in the path. */
static void put_authz(struct walk *walk, const struct pol_word *place)
{
	static const struct {
		const char *prefix;
		enum lsp_kind kind;
	} paths[] = {
		{ "authz:/roles/", LSP_ROLE },
		{ "authz:/grants/roles/", LSP_ROLE },
		{ "authz:/grants/scopes/", LSP_SCOPE },
		{ "authz:/principals/", LSP_PRINCIPAL },
	};

	for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		struct lsp_name name = { .kind = paths[i].kind, .at = place->at, .in_path = true };

		if (starts(place->text, paths[i].prefix, &name.name)) {
			name.at.offset += (uint32_t)(place->text.len - name.name.len);
			name.at.length = (uint32_t)name.name.len;
			put(walk, &name);
		}
	}
}

/* The tree of a place, TREE:/path, which may be in quotes. */
static void put_places(struct walk *walk, const struct pol_words *places)
{
	for (uint32_t i = 0; i < places->count; i++) {
		struct pol_word tree = places->items[i];
		const char *colon = memchr(tree.text.ptr, ':', tree.text.len);
		size_t len = colon != NULL ? (size_t)(colon - tree.text.ptr) : 0;
		uint32_t quote = walk->text.ptr[tree.at.offset] == '"';

		if (len == 0 || quote + len >= tree.at.length ||
			memcmp(walk->text.ptr + tree.at.offset + quote, tree.text.ptr, len + 1) !=
				0) {
			continue;
		}
		tree.text.len = len;
		tree.at.offset += quote;
		tree.at.length = (uint32_t)len;
		put_word(walk, LSP_TREE, &tree);
		if (places->items[i].at.length == places->items[i].text.len) {
			put_authz(walk, &places->items[i]);
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

static void declare_grantees(
	struct walk *walk, enum lsp_kind kind, const struct pol_ast_grantee *items, size_t count)
{
	for (size_t i = 0; i < count && !walk->stopped; i++) {
		put(walk, &(struct lsp_name){ .kind = kind,
				  .name = items[i].name.text,
				  .at = items[i].name.at,
				  .declares = true,
				  .description = items[i].description.text,
				  .grantee = &items[i] });
	}
}

static void put_declarations(struct walk *walk, const struct pol_ast *ast)
{
	const struct pol_word none = { .text = { NULL, 0 } };

	for (size_t i = 0; i < ast->environments_count; i++) {
		declare(walk, LSP_ENVIRONMENT, &ast->environments[i].name,
			&ast->environments[i].description);
	}
	for (size_t i = 0; i < ast->trees_count; i++) {
		declare(walk, LSP_TREE, &ast->trees[i].name, &ast->trees[i].description);
	}
	declare_grantees(walk, LSP_ROLE, ast->roles, ast->roles_count);
	declare_grantees(walk, LSP_SCOPE, ast->scopes, ast->scopes_count);
	for (size_t i = 0; i < ast->principals_count; i++) {
		declare(walk, LSP_PRINCIPAL, &ast->principals[i].id,
			&ast->principals[i].description);
	}
	for (size_t i = 0; i < ast->stacks_count; i++) {
		declare(walk, LSP_STACK, &ast->stacks[i].name, &none);
	}
	for (size_t i = 0; i < ast->facts_count; i++) {
		declare(walk, LSP_FACT, &ast->facts[i].name, &none);
	}
	for (size_t i = 0; i < ast->conditions_count; i++) {
		declare(walk, LSP_CONDITION, &ast->conditions[i].name, &none);
	}
}

/* A fact's name begins with a letter and has a dot; a time may have one, too, and a condition has
 * none. */
static void put_operand(
	struct walk *walk, const struct pol_ast_operand *operand, bool may_be_condition)
{
	struct pol_word word = operand->word;
	struct pol_str text = word.text;

	if (operand->kind != POL_AST_WORD) {
		return;
	}
	if (walk->grant != NULL) {
		word.at = pol_ast_when_at(walk->grant, word.at);
	}
	if (memchr(text.ptr, '.', text.len) == NULL) {
		if (may_be_condition) {
			put_word(walk, LSP_CONDITION, &word);
		}
	} else if (text.ptr[0] >= 'a' && text.ptr[0] <= 'z') {
		put_word(walk, LSP_FACT, &word);
	}
}

static void put_condition(struct walk *walk, const struct pol_ast_condition *condition)
{
	if (condition->kind == POL_AST_COMPARE) {
		put_operand(walk, &condition->left, condition->comparison == POL_AST_ALONE);
	}
	for (uint32_t i = 0; i < condition->right.count; i++) {
		put_operand(walk, &condition->right.items[i], false);
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		put_condition(walk, &condition->parts[i]);
	}
}

static void put_grantees(
	struct walk *walk, enum lsp_kind kind, const struct pol_ast_grantee *items, size_t count)
{
	for (size_t i = 0; i < count && !walk->stopped; i++) {
		put_words(walk, kind, &items[i].parents);
		for (uint32_t k = 0; k < items[i].grant_count; k++) {
			const struct pol_ast_grant *grant = &items[i].grants[k];

			put_patterns(walk, &grant->patterns);
			put_patterns(walk, &grant->except_patterns);
			if (grant->when != NULL) {
				walk->grant = grant;
				put_condition(walk, grant->when);
				walk->grant = NULL;
			}
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
	case POL_STEP_EVERYONE_ROLE:
	case POL_STEP_ANYONE_ROLE:
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
	case POL_STEP_GIVEN:
		for (uint32_t i = 0; i < step->given_count; i++) {
			put_word(walk, LSP_FACT, &step->given[i].name);
		}
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

void lsp_names_declarations(const struct pol_ast *ast, lsp_names_visit visit, void *context)
{
	struct walk walk = { .visit = visit, .context = context };

	put_declarations(&walk, ast);
}

void lsp_names_each(
	const struct pol_ast *ast, struct pol_str text, lsp_names_visit visit, void *context)
{
	struct walk walk = { .text = text, .visit = visit, .context = context };

	put_declarations(&walk, ast);
	put_grantees(&walk, LSP_ROLE, ast->roles, ast->roles_count);
	put_grantees(&walk, LSP_SCOPE, ast->scopes, ast->scopes_count);
	for (size_t i = 0; i < ast->principals_count; i++) {
		for (uint32_t k = 0; k < ast->principals[i].held_count; k++) {
			put_held(&walk, &ast->principals[i].held[k]);
		}
	}
	for (size_t i = 0; i < ast->conditions_count; i++) {
		put_condition(&walk, &ast->conditions[i].condition);
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
	size_t offset;
};

static bool is_at(void *context, const struct lsp_name *name)
{
	struct search *search = context;

	if (search->offset >= name->at.offset &&
		search->offset <= (size_t)name->at.offset + name->at.length) {
		search->found = *name;
		search->any = true;
		/* Where two touch, as a tree and its path do, the second begins here. */
		return search->offset == (size_t)name->at.offset + name->at.length;
	}
	return true;
}

bool lsp_names_at(
	const struct pol_ast *ast, struct pol_str text, size_t offset, struct lsp_name *out)
{
	struct search search = { .offset = offset };

	lsp_names_each(ast, text, is_at, &search);
	*out = search.found;
	return search.any;
}

struct wanted {
	enum lsp_kind kind;
	struct pol_str name;
	struct lsp_name found;
	bool any;
};

static bool is_declaration(void *context, const struct lsp_name *name)
{
	struct wanted *wanted = context;

	if (!name->declares || name->kind != wanted->kind ||
		!pol_str_equal(name->name, wanted->name)) {
		return true;
	}
	wanted->found = *name;
	wanted->any = true;
	return false;
}

bool lsp_names_declared(
	const struct pol_ast *ast, enum lsp_kind kind, struct pol_str name, struct lsp_name *out)
{
	struct wanted wanted = { .kind = kind, .name = name };

	lsp_names_declarations(ast, is_declaration, &wanted);
	*out = wanted.found;
	return wanted.any;
}

const char *lsp_names_kind(enum lsp_kind kind)
{
	static const char *const texts[] = {
		[LSP_ROLE] = "role",
		[LSP_SCOPE] = "scope",
		[LSP_STACK] = "stack",
		[LSP_TREE] = "tree",
		[LSP_ENVIRONMENT] = "environment",
		[LSP_PRINCIPAL] = "principal",
		[LSP_FACT] = "fact",
		[LSP_CONDITION] = "condition",
	};

	return texts[kind];
}
