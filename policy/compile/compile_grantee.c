/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile.h"

/* The name with its ASCII letters small, in the scratch arena. */
static struct pol_str fold(struct pol_compiler *compiler, struct pol_str name)
{
	char *text = pol_arena_alloc(compiler->scratch, name.len, 1);

	if (text == NULL) {
		return (struct pol_str){ 0 };
	}
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		text[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	return (struct pol_str){ text, name.len };
}

static void complain_twice(const struct pol_family *family, const struct pol_ast_grantee *statement,
	const struct pol_ast_grantee *was)
{
	struct pol_diags *diags = family->compiler->diags;
	bool same = pol_str_equal(statement->name.text, was->name.text);
	struct pol_diag *diag = pol_diag_error(diags, statement->name.at,
		same ? "%s '%.*s' is declared twice"
		     : "%s '%.*s' differs from another in case alone",
		family->what, POL_STR_ARGS(statement->name.text));

	pol_diag_note(diags, diag, was->name.at, "%s '%.*s' is declared here", family->what,
		POL_STR_ARGS(was->name.text));
}

/* A statement that is not to be: for the mistakes in it. What it inherits is looked for later. */
static enum pol_status set_aside(struct pol_family *family, const struct pol_ast_grantee *statement)
{
	struct pol_grantee ignored = { 0 };
	struct pol_origin nowhere = { 0 };

	family->aside[family->aside_count++] = statement;
	return pol_compile_grants(family->compiler, statement, &ignored, &nowhere);
}

/* Gives every statement its number; one that is there already, or has no name, is set aside. */
static enum pol_status number(struct pol_family *family)
{
	struct pol_compiler *compiler = family->compiler;
	struct pol_names folded = { 0 };
	enum pol_status status =
		pol_names_init(family->names, &compiler->snapshot->arena, family->list_count);

	if (status == POL_OK) {
		status = pol_names_init(&folded, compiler->scratch, family->list_count);
	}
	for (size_t i = 0; status == POL_OK && i < family->list_count; i++) {
		const struct pol_ast_grantee *statement = &family->list[i];
		struct pol_grantee *grantee = &family->grantees[family->count];
		struct pol_str key;
		uint32_t was;

		if (statement->name.text.ptr == NULL) {
			status = set_aside(family, statement);
			continue;
		}
		key = fold(compiler, statement->name.text);
		if (key.ptr == NULL) {
			return compiler->scratch->status;
		}
		was = pol_names_add(&folded, key, family->count);
		if (was != family->count) {
			complain_twice(family, statement, family->statements[was]);
			status = set_aside(family, statement);
			continue;
		}
		grantee->name = pol_compile_text(compiler, statement->name.text);
		grantee->description = pol_compile_text(compiler, statement->description.text);
		if (grantee->name.ptr == NULL) {
			return compiler->snapshot->arena.status;
		}
		pol_names_add(family->names, grantee->name, family->count);
		status = pol_compile_grants(
			compiler, statement, grantee, &family->origins[family->count]);
		family->doubtful[family->count] = compiler->doubtful || statement->incomplete;
		family->statements[family->count++] = statement;
	}
	return status;
}

/* After a mistake in what it grants or inherits an empty role is no news. */
static void warn_empty(const struct pol_family *family)
{
	struct pol_compiler *compiler = family->compiler;

	for (uint32_t i = 0; i < family->count; i++) {
		const struct pol_grantee *grantee = &family->grantees[i];
		const struct pol_word *name = &family->statements[i]->name;

		if (family->doubtful[i]) {
			continue;
		}
		if (grantee->allow.count == 0 && grantee->deny.count == 0) {
			pol_diag_warning(compiler->diags, name->at, "%s '%.*s' grants nothing",
				family->what, POL_STR_ARGS(name->text));
		} else if (grantee->allow.count > 0 &&
			   pol_permset_covers(&grantee->deny, &grantee->allow)) {
			pol_diag_warning(compiler->diags, name->at,
				"%s '%.*s' grants nothing: it denies all that it allows",
				family->what, POL_STR_ARGS(name->text));
		}
	}
}

static enum pol_status compile_family(struct pol_family *family)
{
	struct pol_compiler *compiler = family->compiler;
	size_t most = family->list_count;
	enum pol_status status;

	family->grantees =
		pol_arena_alloc(&compiler->snapshot->arena, most, sizeof *family->grantees);
	family->origins =
		pol_arena_alloc(&compiler->snapshot->arena, most, sizeof *family->origins);
	family->statements = pol_arena_alloc(compiler->scratch, most, sizeof *family->statements);
	family->aside = pol_arena_alloc(compiler->scratch, most, sizeof *family->aside);
	family->doubtful = pol_arena_alloc(compiler->scratch, most, sizeof *family->doubtful);
	if (family->grantees == NULL || family->origins == NULL || family->statements == NULL ||
		family->aside == NULL || family->doubtful == NULL) {
		return POL_ENOMEM;
	}
	status = number(family);
	if (status == POL_OK) {
		status = pol_compile_inherit(family);
	}
	if (status == POL_OK) {
		status = pol_compile_origin_parents(family);
	}
	if (status == POL_OK) {
		warn_empty(family);
	}
	return status;
}

enum pol_status pol_compile_grantees(struct pol_compiler *compiler)
{
	struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_family scopes = { .compiler = compiler,
		.what = "scope",
		.inherit = "includes",
		.list = compiler->ast->scopes,
		.list_count = compiler->ast->scopes_count,
		.names = &snapshot->scope_names };
	struct pol_family roles = { .compiler = compiler,
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
		status = compile_family(&scopes);
	}
	if (status == POL_OK) {
		status = compile_family(&roles);
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
