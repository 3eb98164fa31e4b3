/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

/* The built-in tree `authz`: its permissions decide the management calls of the protocol. A new
 * action that would widen what existing policies grant with `all` gets a node of its own, so that
 * an upgrade never adds to `all`. `grant` has nodes of its own for the same reason. */
static const char builtin[] =
	"tree authz \"Keys, principals and roles of this service\" {\n"
	"/keys { list, create\n"
	"/{key} { read, update, disable, enable, rotate, revoke, delete, restore } }\n"
	"/principals { list, create\n"
	"/{principal} { read, update, disable, enable, delete\n"
	"issue \"Make keys for this principal\" } }\n"
	"/roles { list, create\n"
	"/{role} { read, update, delete } }\n"
	"/assignments { list, create, delete }\n"
	"/grants/scopes/{scope} { grant \"Hand out a scope without holding it\" }\n"
	"/grants/roles/{role} { grant \"Hand out a role without holding it\" }\n"
	"/audit { read }\n"
	"}\n";

enum pol_status pol_compile_authz(struct pol_compiler *compiler, struct pol_ast_tree *out)
{
	const struct pol_source source = { POL_STR("built in"), POL_STR(builtin) };
	struct pol_diags diags;
	struct pol_ast ast = { 0 };
	enum pol_status status;

	pol_diags_init(&diags, &source, 1);
	status = pol_parse(&source, 1, compiler->scratch, &diags, &ast);
	pol_diags_finish(&diags);
	if (status == POL_OK) {
		*out = ast.trees[0];
	}
	return status;
}
