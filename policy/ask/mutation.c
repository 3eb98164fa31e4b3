/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/mutation.h"

#include <string.h>

#include "policy/ask/explain_internal.h"
#include "policy/ask/suite.h"
#include "policy/compile/compile.h"
#include "policy/language/parse.h"

static bool same_span(struct pol_span a, struct pol_span b)
{
	return a.file == b.file && a.offset == b.offset;
}

/* --- the list --------------------------------------------------------------------------------- */

struct lister {
	const struct pol_source *sources;
	struct pol_line_cursor lines;
	struct pol_mutations *out; /* items NULL: they are only counted */
};

static void add(struct lister *lister, struct pol_mutation mutation, struct pol_span at)
{
	struct pol_mutations *out = lister->out;

	if (out->items != NULL) {
		const struct pol_source *source = &lister->sources[at.file];

		mutation.text = pol_explain_rules_text(source->text, at.offset);
		mutation.position = (struct pol_position){ source->name,
			pol_diag_span_line(lister->sources, &lister->lines, at), at };
		out->items[out->count] = mutation;
	}
	out->count++;
}

static void add_grants(
	struct lister *lister, const struct pol_ast_grantee *grantees, uint32_t number, bool scope)
{
	const struct pol_ast_grantee *grantee = &grantees[number];

	for (uint32_t i = 0; i < grantee->grant_count; i++) {
		const struct pol_ast_grant *grant = &grantee->grants[i];
		struct pol_mutation mutation = {
			.kind = grant->deny ? POL_MUTATION_DENY : POL_MUTATION_ALLOW,
			.scope = scope,
			.owner = number,
			.name = grantee->name.text,
			.rule = grant->at,
		};

		add(lister, mutation, grant->at);
		if (grant->except) {
			mutation.kind = POL_MUTATION_EXCEPT;
			add(lister, mutation, grant->except_at);
		}
	}
}

static void add_lines(struct lister *lister, const struct pol_ast_stack *stacks, uint32_t number)
{
	const struct pol_ast_stack *stack = &stacks[number];

	for (uint32_t i = 0; i < stack->line_count; i++) {
		add(lister,
			(struct pol_mutation){ .kind = POL_MUTATION_LINE,
				.owner = number,
				.name = stack->name.text,
				.rule = stack->lines[i].at },
			stack->lines[i].at);
	}
}

static void add_all(struct lister *lister, const struct pol_ast *ast)
{
	lister->out->count = 0;
	for (uint32_t i = 0; i < ast->roles_count; i++) {
		add_grants(lister, ast->roles, i, false);
	}
	for (uint32_t i = 0; i < ast->scopes_count; i++) {
		add_grants(lister, ast->scopes, i, true);
	}
	for (uint32_t i = 0; i < ast->stacks_count; i++) {
		add_lines(lister, ast->stacks, i);
	}
}

enum pol_status pol_mutations_list(const struct pol_source *sources, size_t count,
	struct pol_arena *arena, struct pol_mutations *out)
{
	struct pol_mutations list = { 0 };
	struct lister lister = { .sources = sources, .out = &list };
	struct pol_ast ast = { 0 };
	struct pol_arena scratch;
	struct pol_diags diags;
	enum pol_status status;

	pol_arena_init(&scratch, POL_SNAPSHOT_LIMIT);
	pol_diags_init(&diags, sources, count);
	status = pol_parse(sources, count, &scratch, &diags, &ast);
	if (status == POL_OK) {
		add_all(&lister, &ast);
		list.items = pol_arena_alloc(arena, list.count, sizeof *list.items);
		status = arena->status;
	}
	if (status == POL_OK) {
		add_all(&lister, &ast);
		*out = list;
	}
	pol_diags_finish(&diags);
	pol_arena_finish(&scratch);
	return status;
}

/* --- without compiling ------------------------------------------------------------------------ */

/* A rule of a role or scope of the files. */
struct found {
	const struct pol_grantee *grantees;
	const struct pol_origin *origin;
	const struct pol_rule *rule;
};

/* False: not found; the policy is then compiled. The compiler numbers roles and scopes as the
 * parser does. */
static bool find_rule(
	const struct pol_snapshot *snapshot, const struct pol_mutation *mutation, struct found *out)
{
	uint32_t count = mutation->scope ? snapshot->scope_count : snapshot->role_count;
	const struct pol_origin *origin =
		(mutation->scope ? snapshot->scope_origins : snapshot->role_origins) +
		mutation->owner;

	out->grantees = mutation->scope ? snapshot->scopes : snapshot->roles;
	out->origin = origin;
	for (uint32_t i = 0; mutation->owner < count && i < origin->rule_count; i++) {
		if (same_span(origin->rules[i].at, mutation->rule)) {
			out->rule = &origin->rules[i];
			return true;
		}
	}
	return false;
}

/* Does the role or scope have the permission without this rule, too? */
static bool has_otherwise(const struct found *found, uint32_t permission)
{
	const struct pol_origin *origin = found->origin;

	for (uint32_t i = 0; i < origin->rule_count; i++) {
		const struct pol_rule *other = &origin->rules[i];

		if (!same_span(other->at, found->rule->at) && other->deny == found->rule->deny &&
			(other->condition == NULL || other->condition == found->rule->condition) &&
			pol_explain_rules_has(other, permission)) {
			return true;
		}
	}
	for (uint32_t i = 0; i < origin->parent_count; i++) {
		const struct pol_grantee *parent = &found->grantees[origin->parents[i]];

		if (pol_permset_has(
			    found->rule->deny ? &parent->deny : &parent->allow, permission)) {
			return true;
		}
		for (uint32_t k = 0;
			found->rule->condition != NULL && k < parent->conditional_count; k++) {
			if (parent->conditionals[k].condition == found->rule->condition &&
				parent->conditionals[k].deny == found->rule->deny &&
				pol_permset_has(&parent->conditionals[k].set, permission)) {
				return true;
			}
		}
	}
	return false;
}

static bool is_redundant_rule(const struct pol_snapshot *snapshot, const struct found *found)
{
	const struct pol_rule *rule = found->rule;

	for (uint32_t i = 0; i < rule->run_count; i++) {
		for (uint32_t j = 0; j < rule->runs[i].count; j++) {
			if (!has_otherwise(found, rule->runs[i].first + j)) {
				return false;
			}
		}
	}
	for (uint32_t i = 0; rule->set_count > 0 && i < snapshot->permission_count; i++) {
		for (uint32_t j = 0; j < rule->set_count; j++) {
			if (pol_permset_has(&rule->sets[j], i) && !has_otherwise(found, i)) {
				return false;
			}
		}
	}
	return true;
}

/* A grant may be several rules, each with a condition of its own. */
static bool is_redundant(const struct pol_snapshot *snapshot, const struct found *found)
{
	struct found each = *found;
	bool redundant = true;

	for (uint32_t i = 0; redundant && i < found->origin->rule_count; i++) {
		each.rule = &found->origin->rules[i];
		redundant = !same_span(each.rule->at, found->rule->at) ||
			    is_redundant_rule(snapshot, &each);
	}
	return redundant;
}

bool pol_mutation_known(const struct pol_mutation_base *base, const struct pol_mutation *mutation,
	enum pol_mutation_result *out)
{
	struct found found;

	if (mutation->kind != POL_MUTATION_ALLOW && mutation->kind != POL_MUTATION_DENY) {
		return false;
	}
	if (!find_rule(base->snapshot, mutation, &found)) {
		return false;
	}
	if (is_redundant(base->snapshot, &found)) {
		*out = POL_MUTATION_REDUNDANT;
		return true;
	}
	if (!pol_coverage_reached(base->coverage, mutation->rule)) {
		*out = POL_MUTATION_SURVIVES;
		return true;
	}
	return false;
}

/* --- by compiling ----------------------------------------------------------------------------- */

struct removal {
	struct pol_compile_edit edit;
	const struct pol_mutation *mutation;
};

/* Removes the grant, or its exception. */
static void remove_grant(struct pol_ast_grantee *grantee, const struct pol_mutation *mutation)
{
	for (uint32_t i = 0; i < grantee->grant_count; i++) {
		struct pol_ast_grant *grant = &grantee->grants[i];

		if (!same_span(grant->at, mutation->rule)) {
			continue;
		}
		if (mutation->kind == POL_MUTATION_EXCEPT) {
			grant->except = false;
			grant->except_all = false;
			grant->except_verbs.count = 0;
			grant->except_patterns.count = 0;
		} else {
			grantee->grant_count--;
			memmove(grant, grant + 1, (grantee->grant_count - i) * sizeof *grant);
		}
		return;
	}
}

static void remove_line(struct pol_ast_stack *stack, struct pol_span at)
{
	for (uint32_t i = 0; i < stack->line_count; i++) {
		if (same_span(stack->lines[i].at, at)) {
			stack->line_count--;
			memmove(&stack->lines[i], &stack->lines[i + 1],
				(stack->line_count - i) * sizeof stack->lines[i]);
			return;
		}
	}
}

static void on_ast(const struct pol_compile_edit *edit, struct pol_ast *ast)
{
	/* edit is the first member of the removal. */
	const struct pol_mutation *mutation = ((const struct removal *)edit)->mutation;

	if (mutation->kind == POL_MUTATION_LINE) {
		remove_line(&ast->stacks[mutation->owner], mutation->rule);
	} else if (mutation->scope) {
		remove_grant(&ast->scopes[mutation->owner], mutation);
	} else {
		remove_grant(&ast->roles[mutation->owner], mutation);
	}
}

/* Two that are compared. */
struct policies {
	const struct pol_snapshot *a, *b;
};

static bool same_set(const struct pol_permset *a, const struct pol_permset *b)
{
	return pol_permset_covers(a, b) && pol_permset_covers(b, a);
}

/* Longer conditions count as different. */
#define CONDITION_TEXT 4096

/* Is the first set, less what is allowed or denied always, a part of the second? */
static bool is_within(
	const struct pol_permset *a, const struct pol_permset *b, const struct pol_permset *always)
{
	for (uint32_t c = 0; c < a->count; c++) {
		struct pol_run run = { a->numbers[c] * POL_CHUNK_BITS, POL_CHUNK_BITS };
		struct pol_run_word at;

		while (pol_run_next(&run, &at)) {
			if ((pol_permset_word(a, &at) & ~pol_permset_word(always, &at) &
				    ~pol_permset_word(b, &at)) != 0) {
				return false;
			}
		}
	}
	return true;
}

/* The next one that matters, since not all of it is allowed or denied always. NULL: none is left.
 */
static const struct pol_conditional *next_conditional(
	const struct pol_grantee *grantee, uint32_t *next)
{
	while (*next < grantee->conditional_count) {
		const struct pol_conditional *one = &grantee->conditionals[(*next)++];

		if (!pol_permset_covers(one->deny ? &grantee->deny : &grantee->allow, &one->set)) {
			return one;
		}
	}
	return NULL;
}

/* Do both allow and deny the same under the same conditions? They allow and deny the same always.
 * False also when they are only written in another order. */
static bool same_conditionals(
	const struct policies *policies, const struct pol_grantee *a, const struct pol_grantee *b)
{
	char of_a[CONDITION_TEXT], of_b[CONDITION_TEXT];
	uint32_t next_a = 0, next_b = 0;

	for (;;) {
		const struct pol_conditional *x = next_conditional(a, &next_a);
		const struct pol_conditional *y = next_conditional(b, &next_b);
		const struct pol_permset *always;

		if (x == NULL || y == NULL) {
			return x == y;
		}
		always = x->deny ? &a->deny : &a->allow;
		if (x->deny != y->deny || !is_within(&x->set, &y->set, always) ||
			!is_within(&y->set, &x->set, always) ||
			pol_condition_format(policies->a, x->condition, of_a, sizeof of_a) >=
				sizeof of_a ||
			pol_condition_format(policies->b, y->condition, of_b, sizeof of_b) >=
				sizeof of_b ||
			strcmp(of_a, of_b) != 0) {
			return false;
		}
	}
}

static bool same_sets(const struct policies *policies, const struct pol_grantee *a,
	const struct pol_grantee *b, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!same_set(&a[i].allow, &b[i].allow) || !same_set(&a[i].deny, &b[i].deny) ||
			!same_conditionals(policies, &a[i], &b[i])) {
			return false;
		}
	}
	return true;
}

/* Both have the same trees, roles and scopes. */
static bool allows_the_same(const struct pol_snapshot *a, const struct pol_snapshot *b)
{
	const struct policies policies = { a, b };

	return same_sets(&policies, a->roles, b->roles, a->role_count) &&
	       same_sets(&policies, a->scopes, b->scopes, a->scope_count);
}

enum pol_status pol_mutation_try(const struct pol_mutation_base *base,
	const struct pol_mutation *mutation, enum pol_mutation_result *out)
{
	const struct removal removal = { .edit = { on_ast }, .mutation = mutation };
	struct pol_snapshot *mutant = NULL;
	struct pol_diags diags;
	enum pol_status status;

	pol_diags_init(&diags, base->sources, base->source_count);
	status = pol_compile_edited(base->host, &diags, &removal.edit, &mutant);
	pol_diags_finish(&diags);
	if (status != POL_OK) {
		*out = POL_MUTATION_INVALID;
		return status == POL_EINVALID ? POL_OK : status;
	}
	if (!pol_suite_passes(mutant)) {
		*out = POL_MUTATION_NOTICED;
	} else if (mutation->kind != POL_MUTATION_LINE && allows_the_same(base->snapshot, mutant)) {
		*out = POL_MUTATION_REDUNDANT;
	} else {
		*out = POL_MUTATION_SURVIVES;
	}
	pol_snapshot_unref(mutant);
	return POL_OK;
}
