/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Warns of the names that conditions ask principal.roles for and no role of the files has. The
 * roles are known only after the conditions were compiled, so this is a stage of its own.
 */

#include "policy/compile/compile_condition.h"

/* A condition whose names are looked at. */
struct asking {
	struct pol_compiler *compiler;
	const struct pol_ast_grant *grant; /* NULL: it is a named one */
};

static bool is_roles(const struct pol_ast_operand *operand)
{
	return operand->kind == POL_AST_WORD &&
	       pol_str_equal(operand->word.text, POL_STR("principal.roles"));
}

static void check_name(const struct asking *asking, const struct pol_ast_operand *name)
{
	struct pol_compiler *compiler = asking->compiler;
	const struct pol_names *known = &compiler->snapshot->role_names;
	const struct pol_word *word = &name->word;
	struct pol_nearest nearest = pol_nearest_to(word->text);

	if (name->kind != POL_AST_STRING || pol_names_find(known, word->text) != POL_NONE) {
		return;
	}
	for (uint32_t i = 0; known->slots != NULL && i <= known->mask && i < 4 * POL_NEAREST_OFFERS;
		i++) {
		pol_nearest_offer(&nearest, known->slots[i].text);
	}
	pol_diag_warning(compiler->diags,
		asking->grant != NULL ? pol_ast_when_at(asking->grant, word->at) : word->at,
		POL_WARNING_UNKNOWN_ROLE, "unknown role '%.*s'" POL_NEAREST,
		POL_STR_ARGS(word->text), POL_NEAREST_ARGS(nearest));
}

static void check(const struct asking *asking, const struct pol_ast_condition *condition)
{
	bool member =
		condition->comparison == POL_AST_IN || condition->comparison == POL_AST_NOT_IN;

	for (uint32_t i = 0; i < condition->part_count; i++) {
		check(asking, &condition->parts[i]);
	}
	if (condition->kind != POL_AST_COMPARE) {
		return;
	}
	for (uint32_t i = 0; i < condition->right.count; i++) {
		const struct pol_ast_operand *right = &condition->right.items[i];

		if (member && is_roles(right)) {
			check_name(asking, &condition->left);
		} else if (!member && is_roles(&condition->left)) {
			check_name(asking, right);
		}
	}
}

static void check_grants(struct pol_compiler *compiler, const struct pol_ast_grantee *grantee)
{
	for (uint32_t i = 0; i < grantee->grant_count; i++) {
		const struct pol_ast_grant *grant = &grantee->grants[i];
		const struct asking asking = { compiler, grant };

		if (grant->when != NULL) {
			check(&asking, grant->when);
		}
	}
}

enum pol_status pol_compile_asked_roles(struct pol_compiler *compiler)
{
	const struct pol_ast *ast = compiler->ast;
	const struct asking named = { compiler, NULL };

	/* After a mistake the role may be the one that was left out. */
	if (!compiler->fact_is_used[POL_FACT_PRINCIPAL_ROLES] || compiler->diags->errors > 0) {
		return POL_OK;
	}
	for (size_t i = 0; i < ast->conditions_count; i++) {
		check(&named, &ast->conditions[i].condition);
	}
	for (size_t i = 0; i < ast->roles_count; i++) {
		check_grants(compiler, &ast->roles[i]);
	}
	for (size_t i = 0; i < ast->scopes_count; i++) {
		check_grants(compiler, &ast->scopes[i]);
	}
	return POL_OK;
}
