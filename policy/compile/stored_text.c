/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile/stored_condition.h"
#include "policy/snapshot/conditional.h"
#include "policy/snapshot/stored_internal.h"
#include "policy/snapshot/tree.h"

/* The most memory for the grants of one role: far more than a message can need. */
#define SCRATCH_LIMIT ((size_t)64 * 1024 * 1024)

/* A grant is parsed as the whole body of a role, on a line of its own, so that nothing can stand
 * after it unseen. */
static const char head[] = "role r {\n";
static const char tail[] = "\n}\n";

struct parsing {
	struct pol_arena arena;
	struct pol_snapshot *work; /* a copy of the snapshot that the compiler may write to */
	struct pol_compiler compiler;
	struct pol_stored_fault *fault;
};

static void fault_at(struct pol_stored_fault *fault, size_t entry, uint32_t column, const char *why)
{
	fault->entry = entry;
	fault->column = column;
	snprintf(fault->why, sizeof fault->why, "%s", why);
}

static bool is_one_line(struct pol_str text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.ptr[i] < ' ' && text.ptr[i] != '\t') {
			return false;
		}
	}
	return text.len > 0;
}

bool pol_stored_text_is_one_grant(const struct pol_ast *ast)
{
	return ast->roles_count == 1 && ast->roles[0].grant_count == 1 && ast->scopes_count == 0 &&
	       ast->trees_count == 0 && ast->environments_count == 0 &&
	       ast->principals_count == 0 && ast->exclusives_count == 0 && ast->limits_count == 0 &&
	       ast->stacks_count == 0 && ast->tests_count == 0 && ast->facts_count == 0 &&
	       ast->conditions_count == 0;
}

struct pol_str pol_stored_text_wrap(struct pol_arena *arena, struct pol_str grant)
{
	size_t len = sizeof head - 1 + grant.len + sizeof tail - 1;
	char *text = pol_arena_alloc(arena, len + 1, 1);

	if (text == NULL) {
		return (struct pol_str){ 0 };
	}
	memcpy(text, head, sizeof head - 1);
	memcpy(text + sizeof head - 1, grant.ptr, grant.len);
	memcpy(text + sizeof head - 1 + grant.len, tail, sizeof tail - 1);
	return (struct pol_str){ text, len };
}

/* Reports the first error. The grant is on line 2. */
static void take_fault(struct parsing *parsing, struct pol_diags *diags, size_t entry)
{
	const struct pol_diag *diag;
	char why[POL_STORED_WHY];

	pol_diags_sort(diags);
	diag = diags->first;
	while (diag != NULL && diag->severity != POL_SEVERITY_ERROR) {
		diag = diag->next;
	}
	if (diag == NULL) {
		fault_at(parsing->fault, entry, 0, "is not a grant");
		return;
	}
	snprintf(why, sizeof why, "%.*s", POL_STR_ARGS(diag->message));
	fault_at(parsing->fault, entry, diag->line == 2 ? diag->column : 0, why);
}

/* Is {name} of a condition the first segment of that name in each node? As text the condition could
 * not say another one. Reports a node where it is not. */
static bool check_names(struct parsing *parsing, const struct pol_grantee *grant, size_t entry)
{
	const struct pol_snapshot *snapshot = parsing->work;

	for (uint32_t i = 0; i < grant->conditional_count; i++) {
		for (uint32_t node = 0; node < snapshot->node_count; node++) {
			if (pol_permset_has_any(&grant->conditionals[i].set,
				    pol_tree_node_run(snapshot, node)) &&
				!pol_stored_condition_fits(
					snapshot, grant->conditionals[i].condition, node)) {
				fault_at(parsing->fault, entry, 0,
					"selects a node in which a parameter of the condition has "
					"its name twice");
				return false;
			}
		}
	}
	return true;
}

/* Adds what one grant selects to the sets. */
static enum pol_status add_grant(
	struct parsing *parsing, struct pol_str grant, size_t entry, struct pol_grantee *into)
{
	struct pol_compiler *compiler = &parsing->compiler;
	struct pol_source source = { POL_STR("grants"),
		pol_stored_text_wrap(&parsing->arena, grant) };
	struct pol_grantee one = { 0 };
	struct pol_origin origin = { 0 };
	struct pol_diags diags;
	struct pol_ast ast = { 0 };
	enum pol_status status;

	if (source.text.ptr == NULL) {
		return parsing->arena.status;
	}
	pol_diags_init(&diags, &source, 1);
	status = pol_parse(&source, 1, compiler->scratch, &diags, &ast);
	if (status == POL_OK && diags.errors == 0 && pol_stored_text_is_one_grant(&ast)) {
		compiler->diags = &diags;
		compiler->ast = &ast;
		status = pol_compile_grants(compiler, &ast.roles[0], &one, &origin);
	} else if (status == POL_OK) {
		status = POL_EINVALID;
	}
	if (status == POL_OK && diags.errors > 0) {
		status = POL_EINVALID;
	}
	if (status == POL_EINVALID) {
		take_fault(parsing, &diags, entry);
	} else if (status == POL_OK && !check_names(parsing, &one, entry)) {
		status = POL_EINVALID;
	}
	pol_diags_finish(&diags);
	if (status == POL_OK) {
		status = pol_permset_pool_union(
			compiler->pool, &into->allow, &one.allow, &into->allow);
	}
	if (status == POL_OK) {
		status =
			pol_permset_pool_union(compiler->pool, &into->deny, &one.deny, &into->deny);
	}
	if (status == POL_OK) {
		const struct pol_conditionals conditionals = { one.conditionals,
			one.conditional_count, &one.sometimes };

		status = pol_conditional_join(
			compiler->pool, &parsing->work->arena, into, &conditionals);
	}
	return status;
}

static enum pol_status parse_all(struct parsing *parsing, const struct pol_str *grants,
	size_t count, struct pol_grantee *out)
{
	enum pol_status status = pol_compile_expand_postings(&parsing->compiler);

	if (status == POL_OK) {
		status = pol_compile_expand_create(&parsing->compiler);
	}
	for (size_t i = 0; status == POL_OK && i < count; i++) {
		if (!is_one_line(grants[i])) {
			fault_at(parsing->fault, i, 0,
				"is not a grant: write one `allow …` or `deny …` an entry, on one "
				"line");
			return POL_EINVALID;
		}
		status = add_grant(parsing, grants[i], i, out);
	}
	return status;
}

enum pol_status pol_stored_text_parse(const struct pol_snapshot *snapshot,
	const struct pol_str *grants, size_t count, struct pol_stored_fault *fault,
	struct pol_stored **out)
{
	const size_t shared = offsetof(struct pol_snapshot, revision);
	struct parsing parsing = { .fault = fault };
	struct pol_grantee made = { 0 };
	enum pol_status status = POL_ENOMEM;

	pol_arena_init(&parsing.arena, SCRATCH_LIMIT);
	parsing.work = calloc(1, sizeof *parsing.work);
	if (parsing.work == NULL) {
		return POL_ENOMEM;
	}
	memcpy((char *)parsing.work + shared, (const char *)snapshot + shared,
		sizeof *snapshot - shared);
	pol_arena_init(&parsing.work->arena, SCRATCH_LIMIT);
	parsing.work->condition_count = 0;
	parsing.compiler = (struct pol_compiler){
		.snapshot = parsing.work,
		.scratch = &parsing.arena,
		.pool = pol_permset_pool_create(&parsing.arena),
	};
	if (parsing.compiler.pool != NULL) {
		status = parse_all(&parsing, grants, count, &made);
	}
	if (status == POL_OK) {
		*out = pol_stored_own_create(&made);
		status = *out != NULL ? POL_OK : POL_ENOMEM;
	}
	pol_compile_expand_destroy(&parsing.compiler);
	pol_permset_pool_destroy(parsing.compiler.pool);
	pol_arena_finish(&parsing.work->arena);
	pol_arena_finish(&parsing.arena);
	free(parsing.work);
	return status;
}
