/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/plan.h"

#include "policy/ask/plan_internal.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/text/reason.h"

const char *pol_plan_fault_text(enum pol_plan_fault fault)
{
	switch (fault) {
	case POL_PLAN_MADE:
		return "there is a plan";
	case POL_PLAN_NO_MEMORY:
		return "there is no memory";
	case POL_PLAN_TOO_LARGE:
		return "the plan would be too large";
	case POL_PLAN_MISNAMED:
		return "a segment in braces is not the parameter that the node has there";
	case POL_PLAN_BELOW_REST:
		return "a place of the subject is below {name...}, which must not be open then";
	case POL_PLAN_SEGMENTS:
		return "a module of the stack reads a parameter of the path, which must not be "
		       "open then";
	case POL_PLAN_REVERSED:
		return "the stack refuses a request that roles allow, and lets it pass where they "
		       "do not: there is no plan for that";
	case POL_PLAN_ROLES:
		return "a condition reads principal.roles, and the subject has too many roles";
	}
	return "there is no plan";
}

/* --- what is known ---------------------------------------------------------------------------- */

static struct pol_knowledge known_fact(const struct pol_knowing *knowing, uint32_t fact)
{
	const struct planning *planning = knowing->context;
	const struct pol_declared_fact *declared = pol_condition_declared(planning->snapshot, fact);
	struct pol_truth_table table;
	struct pol_value value;

	if (declared != NULL && declared->space == POL_SPACE_RESOURCE) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	pol_truth_begin(&table, planning->snapshot, &planning->at->facts, planning->at->tree, NULL);
	value = pol_truth_value(&table, fact);
	if (value.type == POL_TYPE_ABSENT && planning->suppose) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	return (struct pol_knowledge){
		value.type != POL_TYPE_ABSENT ? POL_KNOWN_VALUE : POL_KNOWN_ABSENT, value
	};
}

static struct pol_knowledge known_segment(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct planning *planning = knowing->context;
	const struct pol_formula_path path = { planning->at->tree, &planning->at->memo.path };

	return pol_planning_is_open(planning, segment)
		       ? (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } }
		       : pol_formula_path_segment(&path, segment);
}

/* --- the formula ------------------------------------------------------------------------------ */

/* All permissions that the verb needs, together. */
struct needs {
	const struct pol_formula *roles, *scopes, *anyone, *not_denied;
};

/* False: no memory. */
static bool add_need(
	const struct planning *planning, const struct pol_formula_parts *parts, struct needs *needs)
{
	needs->roles = pol_planning_join(planning, POL_FORMULA_AND, needs->roles,
		pol_planning_join(planning, POL_FORMULA_OR, parts->anyone, parts->roles));
	needs->scopes = pol_planning_join(planning, POL_FORMULA_AND, needs->scopes,
		pol_planning_join(planning, POL_FORMULA_OR, parts->anyone, parts->scopes));
	needs->anyone = pol_planning_join(planning, POL_FORMULA_AND, needs->anyone, parts->anyone);
	needs->not_denied =
		pol_planning_join(planning, POL_FORMULA_AND, needs->not_denied, parts->not_denied);
	return needs->roles != NULL && needs->scopes != NULL && needs->anyone != NULL &&
	       needs->not_denied != NULL;
}

static bool find_needs(const struct planning *planning, struct needs *out)
{
	const struct pol_knowing others = {
		.fact = known_fact, .segment = known_segment, .context = planning
	};
	const struct pol_formula_subject subject = { .snapshot = planning->snapshot,
		.arena = planning->arena,
		.facts = &planning->at->facts,
		.place = pol_planning_place,
		.context = planning,
		.others = &others,
		.no_statements = !planning->suppose };
	const struct pol_run run = planning->at->run;

	*out = (struct needs){ pol_formula_always(), pol_formula_always(), pol_formula_always(),
		pol_formula_always() };
	for (uint32_t i = 0; i < run.count; i++) {
		struct pol_formula_parts parts;

		if (!pol_formula_parts_of_subject(&subject, run.first + i, &parts) ||
			!add_need(planning, &parts, out)) {
			return false;
		}
	}
	return true;
}

/* What `authorize` needs, as its lines answered. */
static const struct pol_formula *need_of_stack(
	const struct pol_eval_node *at, const struct needs *needs)
{
	if (at->authorize[POL_ROLES_NOTHING].len == 0) {
		return pol_formula_always();
	}
	if (at->authorize[POL_ROLES_ALLOW].len == 0) {
		return needs->roles;
	}
	return at->authorize[POL_ROLES_ANYONE].len == 0 ? needs->anyone : pol_formula_never();
}

/* The reason of a plan that is never true; in the order of a decision. */
static struct pol_str refusal(const struct pol_eval_node *at, const struct needs *needs)
{
	if (needs->not_denied->kind == POL_FORMULA_NEVER) {
		return POL_STR("denied");
	}
	if (needs->scopes->kind == POL_FORMULA_NEVER) {
		return POL_STR("scope");
	}
	if (at->authorize[POL_ROLES_ANYONE].len > 0) {
		return at->authorize[POL_ROLES_ANYONE];
	}
	return at->authorize[POL_ROLES_NOTHING].len > 0 ? at->authorize[POL_ROLES_NOTHING]
							: POL_STR("denied");
}

/* NULL: no memory. */
static const struct pol_formula *make(const struct planning *planning, struct needs *needs)
{
	if (!find_needs(planning, needs)) {
		return NULL;
	}
	return pol_planning_join(planning, POL_FORMULA_AND,
		pol_planning_join(planning, POL_FORMULA_AND, needs->scopes,
			need_of_stack(planning->at, needs)),
		needs->not_denied);
}

/* --- what is missing -------------------------------------------------------------------------- */

/* Is it one that could be given, and would be known then? */
static bool is_wanted(const struct planning *planning, uint32_t fact)
{
	const struct pol_declared_fact *declared = pol_condition_declared(planning->snapshot, fact);

	return declared != NULL && declared->space != POL_SPACE_RESOURCE &&
	       declared->preset.type == POL_TYPE_ABSENT;
}

/* Does some condition of the policy read a fact that is missing? */
static bool may_miss(const struct planning *planning)
{
	const struct pol_snapshot *snapshot = planning->snapshot;
	struct pol_truth_table table;

	pol_truth_begin(&table, snapshot, &planning->at->facts, planning->at->tree, NULL);
	for (uint32_t i = 0; i < snapshot->fact_count; i++) {
		if (snapshot->facts[i].is_used && is_wanted(planning, i) &&
			pol_truth_value(&table, i).type == POL_TYPE_ABSENT) {
			return true;
		}
	}
	return false;
}

static void add_missing(const struct planning *planning, uint32_t fact, struct pol_fact_set *out)
{
	if (is_wanted(planning, fact)) {
		out->words[fact / 64] |= UINT64_C(1) << fact % 64;
	}
}

/* The facts of a formula in which facts that were not given are open. */
static void find_missing(const struct planning *planning, const struct pol_formula *formula,
	struct pol_fact_set *out)
{
	const struct pol_predicate *predicate = formula->predicate;

	for (uint32_t i = 0; i < formula->part_count; i++) {
		find_missing(planning, formula->parts[i], out);
	}
	if (formula->kind == POL_FORMULA_PRESENT) {
		add_missing(planning, formula->fact, out);
	}
	if (formula->kind == POL_FORMULA_COMPARE && predicate->left.kind == POL_OPERAND_FACT) {
		add_missing(planning, predicate->left.number, out);
	}
	if (formula->kind == POL_FORMULA_COMPARE && predicate->right.kind == POL_OPERAND_FACT &&
		predicate->comparison != POL_COMPARE_TRUE) {
		add_missing(planning, predicate->right.number, out);
	}
}

/* --- the plan --------------------------------------------------------------------------------- */

static bool passes(const struct pol_eval_node *at, enum pol_eval_roles roles)
{
	return at->authorize[roles].len == 0;
}

/* Is some condition about roles, of which a decision would not read all? */
static bool has_too_many_roles(const struct planning *planning)
{
	const struct pol_snapshot *snapshot = planning->snapshot;
	const struct pol_facts *facts = &planning->at->facts;
	uint32_t found[POL_TRUTH_ROLES];
	uint32_t count = 0, next = 0, role = snapshot->anyone, held = 0, parent = 0;

	while (snapshot->facts[POL_FACT_PRINCIPAL_ROLES].is_used) {
		bool is_new = role < snapshot->role_count;

		for (uint32_t i = 0; i < count; i++) {
			is_new = is_new && found[i] != role;
		}
		if (is_new && count == POL_TRUTH_ROLES) {
			return true;
		}
		if (is_new) {
			found[count++] = role;
		}
		if (held < facts->held_count) {
			role = facts->held[held++].role;
			continue;
		}
		while (next < count && parent >= snapshot->role_origins[found[next]].parent_count) {
			parent = 0;
			next++;
		}
		if (next == count) {
			return false;
		}
		role = snapshot->role_origins[found[next]].parents[parent++];
	}
	return false;
}

static enum pol_plan_fault check(const struct planning *planning)
{
	const struct pol_eval_node *at = planning->at;

	if (at->misnamed) {
		return POL_PLAN_MISNAMED;
	}
	if (at->reads_segments) {
		return POL_PLAN_SEGMENTS;
	}
	if (at->refused.len == 0 &&
		((passes(at, POL_ROLES_NOTHING) && !passes(at, POL_ROLES_ALLOW)) ||
			(passes(at, POL_ROLES_ALLOW) && !passes(at, POL_ROLES_ANYONE)))) {
		return POL_PLAN_REVERSED;
	}
	return at->refused.len == 0 && has_too_many_roles(planning) ? POL_PLAN_ROLES
								    : POL_PLAN_MADE;
}

static void refuse(struct pol_plan *plan, struct pol_str reason)
{
	plan->kind = POL_PLAN_NEVER;
	plan->reason = reason;
	plan->status = pol_reason_status(reason);
}

static enum pol_plan_fault no_formula(const struct planning *planning)
{
	return planning->arena->status == POL_ELIMIT ? POL_PLAN_TOO_LARGE : POL_PLAN_NO_MEMORY;
}

/* Finds the facts that are missing; a plan that is never true has their reason, then. */
static enum pol_plan_fault add_what_is_missing(struct planning *planning, struct pol_plan *out)
{
	const struct pol_formula *supposed;
	struct needs needs;
	bool any = false;

	planning->suppose = true;
	supposed = make(planning, &needs);
	if (supposed == NULL) {
		return no_formula(planning);
	}
	find_missing(planning, supposed, &out->missing);
	for (size_t i = 0; i < POL_FACT_WORDS; i++) {
		any = any || out->missing.words[i] != 0;
	}
	if (out->kind == POL_PLAN_NEVER && any) {
		refuse(out, POL_STR("missing_fact"));
	}
	return POL_PLAN_MADE;
}

static enum pol_plan_fault plan_node(struct planning *planning, struct pol_plan *out)
{
	const struct pol_formula *formula;
	struct needs needs;

	(void)pol_resource_node_chain(planning->snapshot, planning->at->node, planning->chain);
	formula = make(planning, &needs);
	if (*planning->below_rest) {
		return POL_PLAN_BELOW_REST;
	}
	if (formula == NULL) {
		return no_formula(planning);
	}
	if (formula->kind == POL_FORMULA_NEVER) {
		refuse(out, refusal(planning->at, &needs));
	} else {
		out->kind = formula->kind == POL_FORMULA_ALWAYS ? POL_PLAN_ALWAYS : POL_PLAN_WHEN;
		out->reason = POL_STR("ok");
		out->status = 200;
		out->when = out->kind == POL_PLAN_WHEN ? formula : NULL;
	}
	return out->kind == POL_PLAN_ALWAYS || !may_miss(planning)
		       ? POL_PLAN_MADE
		       : add_what_is_missing(planning, out);
}

enum pol_plan_fault pol_plan_make(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_arena *arena, struct pol_plan *out)
{
	struct pol_eval_node at;
	bool below_rest = false;
	struct planning planning = {
		.snapshot = snapshot, .arena = arena, .at = &at, .below_rest = &below_rest
	};
	enum pol_plan_fault fault;

	pol_eval_of_node(snapshot, facts, &at);
	*out = (struct pol_plan){ .node = at.node, .marks = at.marks };
	refuse(out, at.refused.len > 0 ? at.refused : POL_STR("denied"));
	fault = check(&planning);
	if (fault == POL_PLAN_MADE && at.refused.len == 0) {
		fault = plan_node(&planning, out);
	}
	if (fault != POL_PLAN_MADE) {
		refuse(out, POL_STR("denied"));
		out->when = NULL;
	}
	return fault;
}
