/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

static void report_twice(const struct pol_grantee_kind *kind,
	const struct pol_ast_grantee *statement, const struct pol_ast_grantee *was)
{
	struct pol_diags *diags = kind->compiler->diags;
	bool same = pol_str_equal(statement->name.text, was->name.text);
	struct pol_diag *diag = pol_diag_error(diags, statement->name.at,
		same ? "%s '%.*s' is declared twice"
		     : "%s '%.*s' differs from another in case alone",
		kind->what, POL_STR_ARGS(statement->name.text));

	pol_diag_note(diags, diag, was->name.at, "%s '%.*s' is declared here", kind->what,
		POL_STR_ARGS(was->name.text));
}

/* Compiles a statement that gets no number, to find the mistakes in it. Its parents are checked
 * later. */
static enum pol_status set_aside(
	struct pol_grantee_kind *kind, const struct pol_ast_grantee *statement)
{
	struct pol_grantee ignored = { 0 };
	struct pol_origin nowhere = { 0 };

	kind->aside[kind->aside_count++] = statement;
	return pol_compile_grants(kind->compiler, statement, &ignored, &nowhere);
}

/* Numbers and compiles the statements. One whose name is taken or missing is set aside. */
static enum pol_status number(struct pol_grantee_kind *kind)
{
	struct pol_compiler *compiler = kind->compiler;
	struct pol_names folded = { 0 };
	enum pol_status status =
		pol_names_init(kind->names, &compiler->snapshot->arena, kind->list_count);

	if (status == POL_OK) {
		status = pol_names_init(&folded, compiler->scratch, kind->list_count);
	}
	for (size_t i = 0; status == POL_OK && i < kind->list_count; i++) {
		const struct pol_ast_grantee *statement = &kind->list[i];
		struct pol_grantee *grantee = &kind->grantees[kind->count];
		struct pol_str key;
		uint32_t was;

		if (statement->name.text.ptr == NULL) {
			status = set_aside(kind, statement);
			continue;
		}
		key = pol_compile_fold(compiler, statement->name.text);
		if (key.ptr == NULL) {
			return compiler->scratch->status;
		}
		was = pol_names_add(&folded, key, kind->count);
		if (was != kind->count) {
			report_twice(kind, statement, kind->statements[was]);
			status = set_aside(kind, statement);
			continue;
		}
		grantee->name = pol_compile_text(compiler, statement->name.text);
		grantee->description = pol_compile_text(compiler, statement->description.text);
		if (grantee->name.ptr == NULL) {
			return compiler->snapshot->arena.status;
		}
		pol_names_add(kind->names, grantee->name, kind->count);
		status = pol_compile_grants(
			compiler, statement, grantee, &kind->origins[kind->count]);
		kind->doubtful[kind->count] = compiler->doubtful || statement->incomplete;
		kind->statements[kind->count++] = statement;
	}
	return status;
}

/* Does it allow something, and deny all of that without a condition? */
static bool denies_all(const struct pol_grantee *grantee)
{
	bool any = grantee->allow.count > 0;
	bool all = pol_permset_covers(&grantee->deny, &grantee->allow);

	for (uint32_t i = 0; all && i < grantee->conditional_count; i++) {
		const struct pol_conditional *one = &grantee->conditionals[i];

		any = any || !one->deny;
		all = one->deny || pol_permset_covers(&grantee->deny, &one->set);
	}
	return any && all;
}

/* Warns of roles and scopes that grant nothing, unless a mistake may be the reason. */
static void warn_empty(const struct pol_grantee_kind *kind)
{
	struct pol_compiler *compiler = kind->compiler;

	for (uint32_t i = 0; i < kind->count; i++) {
		const struct pol_grantee *grantee = &kind->grantees[i];
		const struct pol_word *name = &kind->statements[i]->name;

		if (kind->doubtful[i]) {
			continue;
		}
		if (grantee->allow.count == 0 && grantee->deny.count == 0 &&
			grantee->conditional_count == 0) {
			pol_diag_warning(compiler->diags, name->at, POL_WARNING_GRANTS_NOTHING,
				"%s '%.*s' grants nothing", kind->what, POL_STR_ARGS(name->text));
		} else if (denies_all(grantee)) {
			pol_diag_warning(compiler->diags, name->at, POL_WARNING_GRANTS_NOTHING,
				"%s '%.*s' grants nothing: it denies all that it allows",
				kind->what, POL_STR_ARGS(name->text));
		}
	}
}

static enum pol_status compile_kind(struct pol_grantee_kind *kind)
{
	struct pol_compiler *compiler = kind->compiler;
	size_t most = kind->list_count;
	enum pol_status status;

	kind->grantees = pol_arena_alloc(&compiler->snapshot->arena, most, sizeof *kind->grantees);
	kind->origins = pol_arena_alloc(&compiler->snapshot->arena, most, sizeof *kind->origins);
	kind->statements = pol_arena_alloc(compiler->scratch, most, sizeof *kind->statements);
	kind->aside = pol_arena_alloc(compiler->scratch, most, sizeof *kind->aside);
	kind->doubtful = pol_arena_alloc(compiler->scratch, most, sizeof *kind->doubtful);
	if (kind->grantees == NULL || kind->origins == NULL || kind->statements == NULL ||
		kind->aside == NULL || kind->doubtful == NULL) {
		return POL_ENOMEM;
	}
	status = number(kind);
	if (status == POL_OK) {
		status = pol_compile_inherit(kind);
	}
	if (status == POL_OK) {
		status = pol_compile_origin_parents(kind);
	}
	if (status == POL_OK) {
		warn_empty(kind);
	}
	return status;
}

enum pol_status pol_compile_grantees(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_grantee_kind scopes = { .compiler = compiler,
		.what = "scope",
		.inherit = "includes",
		.list = compiler->ast->scopes,
		.list_count = compiler->ast->scopes_count,
		.names = &snapshot->scope_names };
	struct pol_grantee_kind roles = { .compiler = compiler,
		.what = "role",
		.inherit = "inherits",
		.list = compiler->ast->roles,
		.list_count = compiler->ast->roles_count,
		.names = &snapshot->role_names };
	enum pol_status status = pol_compile_expand_postings(compiler);

	if (status == POL_OK) {
		status = pol_compile_expand_create(compiler);
	}
	if (status == POL_OK) {
		status = compile_kind(&scopes);
	}
	if (status == POL_OK) {
		status = compile_kind(&roles);
	}
	if (status != POL_OK) {
		return status;
	}
	snapshot->scopes = scopes.grantees;
	snapshot->scope_origins = scopes.origins;
	snapshot->scope_count = scopes.count;
	snapshot->roles = roles.grantees;
	snapshot->role_origins = roles.origins;
	snapshot->role_count = roles.count;
	snapshot->anyone = pol_names_find(&snapshot->role_names, POL_STR("anyone"));
	return pol_compile_exclusives(&roles);
}
