/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

/* Builds a tree that does not become part of the policy, to find the mistakes in it. */
static enum pol_status build_aside(struct pol_build *build, const struct pol_ast_tree *tree)
{
	struct pol_build_tree aside = { 0 };

	return pol_compile_tree(build, tree, &aside);
}

/* Builds the trees of the files. *out_authz becomes true when they declare the built-in tree. */
static enum pol_status build_declared(
	struct pol_build *build, struct pol_names *names, bool *out_authz)
{
	const struct pol_ast *ast = build->compiler->ast;
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < ast->trees_count; i++) {
		const struct pol_ast_tree *tree = &ast->trees[i];
		uint32_t number;

		if (tree->name.text.ptr == NULL) {
			build->compiler->snapshot->tree_lost = true;
			status = build_aside(build, tree);
			continue;
		}
		if (pol_str_equal(tree->name.text, POL_STR("authz"))) {
			pol_diag_error(build->compiler->diags, tree->name.at,
				"tree 'authz' is built in and cannot be declared");
			*out_authz = true;
			status = build_aside(build, tree);
			continue;
		}
		build->compiler->snapshot->tree_lost =
			build->compiler->snapshot->tree_lost || tree->misnamed;
		number = pol_names_add(names, tree->name.text, build->tree_count);
		build->tree_count += number == build->tree_count;
		status = pol_compile_tree(build, tree, &build->trees[number]);
	}
	return status;
}

/* The built-in tree comes last, so that a policy's own are shown first. */
enum pol_status pol_compile_trees(struct pol_compiler *compiler)
{
	size_t most = compiler->ast->trees_count + 1;
	struct pol_build build = { .compiler = compiler };
	struct pol_names names = { 0 };
	struct pol_build_tree *builtin;
	struct pol_ast_tree authz = { 0 };
	bool declared = false;
	enum pol_status status = pol_names_init(&names, compiler->scratch, most);

	build.trees = pol_arena_alloc(compiler->scratch, most, sizeof *build.trees);
	if (build.trees == NULL) {
		return compiler->scratch->status;
	}
	if (status == POL_OK) {
		status = build_declared(&build, &names, &declared);
	}
	if (status == POL_OK) {
		status = pol_compile_authz(compiler, &authz);
	}
	if (status == POL_OK) {
		builtin = &build.trees[build.tree_count++];
		status = pol_compile_tree(&build, &authz, builtin);
		if (status == POL_OK && declared) {
			pol_compile_mark_damage(&build, builtin->root, POL_DAMAGE_BROKEN);
		}
	}
	return status == POL_OK ? pol_compile_number(&build) : status;
}
