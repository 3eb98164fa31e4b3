/* SPDX-License-Identifier: Apache-2.0 */

/* Rules that change nothing: what other rules cover, what is inherited, and what is denied. */

#include <stdlib.h>

#include "policy/lint/linter.h"

/* A statement with more rules of one effect than this is not checked for rules that others cover
 * together, as the compiler does not check it: the time for that grows with the square. */
#define COVERED_RULES 512

/* Notes of one finding. A search for more of them would take too long in a large policy. */
#define NOTES 4

/* All rules of the policy's roles or scopes, while they are checked. */
struct rules {
	struct pol_linter *linter;
	struct pol_lint_kind kind;
	const struct pol_permset *anyone; /* what `anyone` denies, which counts for every caller */
	const struct pol_span *covered;   /* the rules that the compiler reported, sorted */
	size_t covered_count;
	uint32_t *seen;  /* grantees that a search has reached: by number, the search's number */
	uint32_t *queue; /* of a search */
	uint32_t search;
	struct pol_run *runs; /* of several rules */
	size_t run_capacity;
};

static bool wants_notes(const struct pol_diag *diag)
{
	return diag != NULL && diag->note_count < NOTES;
}

static int compare_spans(const void *a, const void *b)
{
	const struct pol_span *x = a;
	const struct pol_span *y = b;

	if (x->file != y->file) {
		return x->file < y->file ? -1 : 1;
	}
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static size_t add_covered(const struct pol_diag *list, struct pol_span *out)
{
	size_t count = 0;

	for (; list != NULL; list = list->next) {
		if (list->warning == POL_WARNING_RULE_COVERED) {
			if (out != NULL) {
				out[count] = list->at;
			}
			count++;
		}
	}
	return count;
}

/* Finds the rules that the compiler reported, silenced ones too. */
static enum pol_status find_covered(struct rules *rules)
{
	const struct pol_diags *diags = rules->linter->diags;
	size_t shown = add_covered(diags->first, NULL);
	size_t count = shown + add_covered(diags->silenced, NULL);
	struct pol_span *spans = pol_arena_alloc(rules->linter->scratch, count, sizeof *spans);

	if (spans == NULL) {
		return rules->linter->scratch->status;
	}
	add_covered(diags->first, spans);
	add_covered(diags->silenced, spans + shown);
	if (count > 0) {
		qsort(spans, count, sizeof *spans, compare_spans);
	}
	rules->covered = spans;
	rules->covered_count = count;
	return POL_OK;
}

static bool is_reported(const struct rules *rules, const struct pol_rule *rule)
{
	return rules->covered_count > 0 && bsearch(&rule->at, rules->covered, rules->covered_count,
						   sizeof *rules->covered, compare_spans) != NULL;
}

/* --- rules that others cover together --------------------------------------------------------- */

static void report_covered(const struct rules *rules, const struct pol_origin *origin,
	const struct pol_rule *rule, const struct pol_permset *set)
{
	struct pol_diags *diags = rules->linter->diags;
	struct pol_diag *diag = pol_diag_warning(diags, rule->at, POL_WARNING_RULE_COVERED,
		"other rules cover this one together: remove it, or narrow them");

	for (uint32_t i = 0; i < origin->rule_count && wants_notes(diag); i++) {
		const struct pol_rule *other = &origin->rules[i];

		if (other != rule && other->deny == rule->deny && other->condition == NULL &&
			pol_lint_rule_meets(other, set)) {
			pol_diag_note(diags, diag, other->at, "one of them");
		}
	}
}

/* Do any two of the rules, or pieces of one, select the same? Costs less than to compare them one
 * by one, and is mostly false. */
static enum pol_status overlap(
	struct rules *rules, const struct pol_rule *list, uint32_t count, bool *out)
{
	struct pol_linter *linter = rules->linter;
	struct pol_permset all = { 0 };
	enum pol_status status = POL_OK;
	size_t run_count = 0;
	size_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		size_t need = run_count + list[i].run_count;

		if (need > rules->run_capacity) {
			rules->runs = pol_arena_grow(linter->scratch, rules->runs, run_count, need,
				sizeof *rules->runs, &rules->run_capacity);
			if (rules->runs == NULL) {
				return linter->scratch->status;
			}
		}
		for (uint32_t k = 0; k < list[i].run_count; k++) {
			rules->runs[run_count++] = list[i].runs[k];
			sum += list[i].runs[k].count;
		}
	}
	status = pol_permset_pool_of_runs(linter->pool, rules->runs, run_count, &all);
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		for (uint32_t k = 0; status == POL_OK && k < list[i].set_count; k++) {
			sum += pol_permset_size(&list[i].sets[k]);
			status = pol_permset_pool_union(linter->pool, &all, &list[i].sets[k], &all);
		}
	}
	*out = sum != pol_permset_size(&all);
	return status;
}

/* The rules have one effect. sets[i] is what rule i selects, before[i] the union of those before
 * it. From the last one back, each that the others cover is reported and left out. What the
 * compiler reported is left out from the beginning. A rule with a condition covers none. */
static enum pol_status check_together(struct rules *rules, const struct pol_origin *origin,
	const struct pol_rule *list, uint32_t count)
{
	struct pol_linter *linter = rules->linter;
	struct pol_permset *sets = pol_arena_alloc(linter->scratch, count, sizeof *sets);
	struct pol_permset *before = pol_arena_alloc(linter->scratch, count + 1, sizeof *before);
	struct pol_permset after = { 0 };
	enum pol_status status = POL_OK;

	if (sets == NULL || before == NULL) {
		return linter->scratch->status;
	}
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		if (!is_reported(rules, &list[i])) {
			status = pol_lint_rule_set(linter, &list[i], &sets[i]);
		}
		before[i + 1] = before[i];
		if (status == POL_OK && list[i].condition == NULL) {
			status = pol_permset_pool_union(
				linter->pool, &before[i], &sets[i], &before[i + 1]);
		}
	}
	for (uint32_t i = count; status == POL_OK && i-- > 0;) {
		struct pol_permset others;

		status = pol_permset_pool_union(linter->pool, &before[i], &after, &others);
		if (status == POL_OK && sets[i].count > 0 &&
			pol_permset_covers(&others, &sets[i])) {
			report_covered(rules, origin, &list[i], &sets[i]);
		} else if (status == POL_OK && list[i].condition == NULL) {
			status = pol_permset_pool_union(linter->pool, &after, &sets[i], &after);
		}
	}
	return status;
}

/* The compiler reports it when one of two rules covers the other. */
static enum pol_status check_effect(struct rules *rules, const struct pol_origin *origin,
	const struct pol_rule *list, uint32_t count)
{
	bool same = false;
	enum pol_status status = POL_OK;

	if (count > 2 && count <= COVERED_RULES) {
		status = overlap(rules, list, count, &same);
	}
	return status == POL_OK && same ? check_together(rules, origin, list, count) : status;
}

/* The allow rules come first. */
static enum pol_status check_covered(struct rules *rules, const struct pol_origin *origin)
{
	uint32_t allows = 0;
	enum pol_status status;

	while (allows < origin->rule_count && !origin->rules[allows].deny) {
		allows++;
	}
	status = check_effect(rules, origin, origin->rules, allows);
	return status == POL_OK ? check_effect(rules, origin, origin->rules + allows,
					  origin->rule_count - allows)
				: status;
}

/* --- rules that are inherited ----------------------------------------------------------------- */

/* What the parents allow, or deny, together. */
static enum pol_status join_parents(const struct rules *rules, const struct pol_origin *origin,
	bool deny, struct pol_permset *out)
{
	struct pol_permset set = { 0 };
	enum pol_status status = POL_OK;

	for (uint32_t i = 0; status == POL_OK && i < origin->parent_count; i++) {
		const struct pol_grantee *parent = &rules->kind.grantees[origin->parents[i]];

		status = pol_permset_pool_union(
			rules->linter->pool, &set, deny ? &parent->deny : &parent->allow, &set);
	}
	*out = set;
	return status;
}

static void report_inherited(const struct rules *rules, const struct pol_origin *origin,
	const struct pol_rule *rule, struct pol_str name)
{
	struct pol_diags *diags = rules->linter->diags;
	struct pol_diag *diag = pol_diag_warning(diags, rule->at, POL_WARNING_RULE_INHERITED,
		"what %s '%.*s' %s %s all of this already: remove the rule", rules->kind.what,
		POL_STR_ARGS(name), rules->kind.inherits, rule->deny ? "denies" : "allows");

	for (uint32_t i = 0; i < origin->parent_count && wants_notes(diag); i++) {
		uint32_t parent = origin->parents[i];
		const struct pol_grantee *grantee = &rules->kind.grantees[parent];

		if (pol_lint_rule_meets(rule, rule->deny ? &grantee->deny : &grantee->allow)) {
			pol_diag_note(diags, diag, rules->kind.origins[parent].at, "by %s '%.*s'",
				rules->kind.what, POL_STR_ARGS(grantee->name));
		}
	}
}

static enum pol_status check_inherited(const struct rules *rules, uint32_t number)
{
	const struct pol_origin *origin = &rules->kind.origins[number];
	struct pol_permset allow, deny;
	enum pol_status status;

	if (origin->parent_count == 0) {
		return POL_OK;
	}
	status = join_parents(rules, origin, false, &allow);
	if (status == POL_OK) {
		status = join_parents(rules, origin, true, &deny);
	}
	for (uint32_t i = 0; status == POL_OK && i < origin->rule_count; i++) {
		const struct pol_rule *rule = &origin->rules[i];

		if (pol_lint_rule_within(rule, rule->deny ? &deny : &allow)) {
			report_inherited(rules, origin, rule, rules->kind.grantees[number].name);
		}
	}
	return status;
}

/* --- allows that a deny overrides ------------------------------------------------------------- */

static void note_rules(struct pol_linter *linter, struct pol_diag *diag,
	const struct pol_origin *origin, const struct pol_permset *set)
{
	for (uint32_t i = 0; i < origin->rule_count && wants_notes(diag); i++) {
		if (origin->rules[i].deny && pol_lint_rule_meets(&origin->rules[i], set)) {
			pol_diag_note(linter->diags, diag, origin->rules[i].at, "this denies it");
		}
	}
}

/* Notes the denies of a role or scope, and of what it inherits, that have a part of the set. */
static void note_denies(
	struct rules *rules, struct pol_diag *diag, uint32_t number, const struct pol_permset *set)
{
	uint32_t count = 0;

	rules->search++;
	rules->seen[number] = rules->search;
	rules->queue[count++] = number;
	for (uint32_t i = 0; i < count && wants_notes(diag); i++) {
		const struct pol_origin *origin = &rules->kind.origins[rules->queue[i]];

		note_rules(rules->linter, diag, origin, set);
		for (uint32_t k = 0; k < origin->parent_count; k++) {
			uint32_t parent = origin->parents[k];

			if (rules->seen[parent] != rules->search) {
				rules->seen[parent] = rules->search;
				rules->queue[count++] = parent;
			}
		}
	}
}

static void note_anyone(
	const struct rules *rules, struct pol_diag *diag, const struct pol_permset *set)
{
	const struct pol_snapshot *snapshot = rules->linter->snapshot;

	if (rules->anyone != NULL) {
		note_rules(rules->linter, diag, &snapshot->role_origins[snapshot->anyone], set);
	}
}

static enum pol_status report_denied(
	struct rules *rules, uint32_t number, const struct pol_rule *rule)
{
	const struct pol_snapshot *snapshot = rules->linter->snapshot;
	bool is_anyone = rules->kind.grantees == snapshot->roles && number == snapshot->anyone;
	struct pol_permset set = { 0 };
	enum pol_status status = pol_lint_rule_set(rules->linter, rule, &set);
	struct pol_diag *diag;

	if (status != POL_OK) {
		return status;
	}
	diag = pol_diag_warning(rules->linter->diags, rule->at, POL_WARNING_ALLOW_DENIED,
		"a deny always overrides this: remove the rule, or narrow the deny");
	note_denies(rules, diag, number, &set);
	if (!is_anyone) {
		note_anyone(rules, diag, &set);
	}
	return POL_OK;
}

/* Role `anyone` denies all that the role allows and does not deny itself, which the compiler
 * reports. */
static void report_unusable(const struct rules *rules, uint32_t number)
{
	const struct pol_grantee *role = &rules->kind.grantees[number];
	struct pol_diag *diag = pol_diag_warning(rules->linter->diags,
		rules->kind.origins[number].at, POL_WARNING_ROLE_UNUSABLE,
		"nobody can use role '%.*s': role 'anyone', which every caller holds, denies what "
		"it allows",
		POL_STR_ARGS(role->name));

	note_anyone(rules, diag, &role->allow);
}

static enum pol_status check_denied(struct rules *rules, uint32_t number)
{
	const struct pol_grantee *grantee = &rules->kind.grantees[number];
	const struct pol_origin *origin = &rules->kind.origins[number];
	struct pol_permset denied = grantee->deny;
	enum pol_status status = POL_OK;

	if (rules->anyone != NULL) {
		status = pol_permset_pool_union(
			rules->linter->pool, &denied, rules->anyone, &denied);
	}
	if (status != POL_OK || denied.count == 0 || grantee->allow.count == 0 ||
		pol_permset_covers(&grantee->deny, &grantee->allow)) {
		return status;
	}
	if (pol_permset_covers(&denied, &grantee->allow) &&
		pol_permset_covers(&denied, &grantee->sometimes) &&
		rules->kind.grantees == rules->linter->snapshot->roles) {
		report_unusable(rules, number);
		return POL_OK;
	}
	for (uint32_t i = 0; status == POL_OK && i < origin->rule_count; i++) {
		if (!origin->rules[i].deny && pol_lint_rule_within(&origin->rules[i], &denied)) {
			status = report_denied(rules, number, &origin->rules[i]);
		}
	}
	return status;
}

static enum pol_status check_kind(struct rules *rules)
{
	struct pol_arena *scratch = rules->linter->scratch;
	enum pol_status status = POL_OK;

	rules->seen = pol_arena_alloc(scratch, rules->kind.count, sizeof *rules->seen);
	rules->queue = pol_arena_alloc(scratch, rules->kind.count, sizeof *rules->queue);
	if (rules->seen == NULL || rules->queue == NULL) {
		return scratch->status;
	}
	for (uint32_t i = 0; status == POL_OK && i < rules->kind.count; i++) {
		status = check_covered(rules, &rules->kind.origins[i]);
		if (status == POL_OK) {
			status = check_inherited(rules, i);
		}
		if (status == POL_OK) {
			status = check_denied(rules, i);
		}
	}
	return status;
}

enum pol_status pol_lint_rules(struct pol_linter *linter)
{
	const struct pol_snapshot *snapshot = linter->snapshot;
	struct rules rules = { .linter = linter, .kind = pol_lint_scopes(snapshot) };
	enum pol_status status = find_covered(&rules);

	if (snapshot->anyone < snapshot->role_count) {
		rules.anyone = &snapshot->roles[snapshot->anyone].deny;
	}
	if (status == POL_OK) {
		status = check_kind(&rules);
	}
	rules.kind = pol_lint_roles(snapshot);
	rules.search = 0;
	return status == POL_OK ? check_kind(&rules) : status;
}
