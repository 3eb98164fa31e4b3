/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/coverage.h"

#include <stdlib.h>
#include <string.h>

#include "policy/ask/explain_internal.h"
#include "policy/decide/registry.h"
#include "policy/decide/stack.h"
#include "policy/decide/subject.h"
#include "policy/decide/trace.h"

struct item {
	enum pol_coverage_kind kind;
	struct pol_span at;
	uint32_t line;
	bool covered;
	bool reached;
	bool deny;
	bool scope;
	uint32_t tests; /* that cover it */
	uint32_t last;  /* the last of them */
	struct pol_str name;
};

/* The roles, or the scopes, while the rules of one permission are marked. */
struct walk {
	uint32_t *seen; /* by number: the last round that visited it */
	uint32_t *left; /* those to visit */
	uint32_t count;
};

struct pol_coverage {
	const struct pol_snapshot *snapshot;
	struct pol_arena arena;
	struct item *items; /* by position; no two have the same one */
	size_t count;
	struct walk roles;
	struct walk scopes;
	uint32_t round;
	uint32_t test; /* the number of the present one, from 1; 0: there is none */
	/* of the present decision: which rules that allow count. Those that deny refuse it, always.
	 */
	bool by_roles;
	bool by_anyone;
	bool by_scopes;
	struct pol_truth_table *truth;
};

/* --- the items -------------------------------------------------------------------------------- */

static uint32_t declared_roles(const struct pol_snapshot *snapshot)
{
	return snapshot->role_count - snapshot->stored_count;
}

static int compare_spans(struct pol_span a, struct pol_span b)
{
	if (a.file != b.file) {
		return a.file < b.file ? -1 : 1;
	}
	return a.offset < b.offset ? -1 : a.offset > b.offset;
}

static int compare_items(const void *a, const void *b)
{
	return compare_spans(((const struct item *)a)->at, ((const struct item *)b)->at);
}

static struct item *find(const struct pol_coverage *coverage, struct pol_span at)
{
	const struct item key = { .at = at };

	return bsearch(&key, coverage->items, coverage->count, sizeof key, compare_items);
}

/* The items are counted first, with items NULL, and then written. */
static void add(struct pol_coverage *coverage, struct item item)
{
	if (coverage->items != NULL) {
		coverage->items[coverage->count] = item;
	}
	coverage->count++;
}

static void add_grantees(struct pol_coverage *coverage, bool scope)
{
	const struct pol_snapshot *snapshot = coverage->snapshot;
	uint32_t count = scope ? snapshot->scope_count : declared_roles(snapshot);

	for (uint32_t i = 0; i < count; i++) {
		const struct pol_origin *origin =
			scope ? &snapshot->scope_origins[i] : &snapshot->role_origins[i];
		struct pol_str name = (scope ? snapshot->scopes : snapshot->roles)[i].name;

		add(coverage, (struct item){ .kind = scope ? POL_COVERAGE_SCOPE : POL_COVERAGE_ROLE,
				      .at = origin->at,
				      .line = origin->line,
				      .name = name });
		for (uint32_t j = 0; j < origin->rule_count; j++) {
			add(coverage, (struct item){ .kind = POL_COVERAGE_RULE,
					      .at = origin->rules[j].at,
					      .line = origin->rules[j].line,
					      .deny = origin->rules[j].deny,
					      .scope = scope,
					      .name = name });
		}
	}
}

/* A line that several stacks include is one item: see drop_repeated. */
static void add_lines(struct pol_coverage *coverage)
{
	const struct pol_snapshot *snapshot = coverage->snapshot;

	for (uint32_t i = 0; i < snapshot->stack_count; i++) {
		for (int group = 0; group < POL_GROUP_COUNT; group++) {
			const struct pol_stack_group *lines = &snapshot->stacks[i].groups[group];

			for (uint32_t j = 0; j < lines->count; j++) {
				const struct pol_written_line *written = lines->lines[j].written;

				if (written != NULL) {
					add(coverage, (struct item){ .kind = POL_COVERAGE_LINE,
							      .at = written->at,
							      .line = written->line,
							      .name = written->stack });
				}
			}
		}
	}
}

static void add_all(struct pol_coverage *coverage)
{
	coverage->count = 0;
	add_grantees(coverage, false);
	add_grantees(coverage, true);
	add_lines(coverage);
}

static void drop_repeated(struct pol_coverage *coverage)
{
	size_t kept = 0;

	for (size_t i = 0; i < coverage->count; i++) {
		if (kept == 0 ||
			compare_items(&coverage->items[kept - 1], &coverage->items[i]) != 0) {
			coverage->items[kept++] = coverage->items[i];
		}
	}
	coverage->count = kept;
}

static void init_walk(struct pol_coverage *coverage, struct walk *walk, uint32_t count)
{
	walk->seen = pol_arena_alloc(&coverage->arena, count, sizeof *walk->seen);
	walk->left = pol_arena_alloc(&coverage->arena, count, sizeof *walk->left);
}

struct pol_coverage *pol_coverage_create(const struct pol_snapshot *snapshot)
{
	struct pol_coverage *coverage = calloc(1, sizeof *coverage);

	if (coverage == NULL) {
		return NULL;
	}
	coverage->snapshot = snapshot;
	pol_arena_init(&coverage->arena, POL_SNAPSHOT_LIMIT);
	add_all(coverage);
	coverage->items =
		pol_arena_alloc(&coverage->arena, coverage->count, sizeof *coverage->items);
	init_walk(coverage, &coverage->roles, snapshot->role_count);
	init_walk(coverage, &coverage->scopes, snapshot->scope_count);
	if (coverage->arena.status != POL_OK) {
		pol_coverage_destroy(coverage);
		return NULL;
	}
	add_all(coverage);
	qsort(coverage->items, coverage->count, sizeof *coverage->items, compare_items);
	drop_repeated(coverage);
	return coverage;
}

void pol_coverage_destroy(struct pol_coverage *coverage)
{
	if (coverage != NULL) {
		pol_arena_finish(&coverage->arena);
		free(coverage);
	}
}

/* --- one decision ----------------------------------------------------------------------------- */

static void mark(const struct pol_coverage *coverage, struct pol_span at, bool covered)
{
	struct item *item = find(coverage, at);

	if (item == NULL) {
		return;
	}
	item->reached = true;
	if (covered) {
		item->tests += item->last != coverage->test;
		item->last = coverage->test;
		item->covered = true;
	}
}

/* Which rules are marked: those of one kind that have the permission. */
struct choice {
	bool scope;
	bool deny;
	bool covered;
	uint32_t permission;
};

/* Did the decision depend on a rule with this condition? One that denies it does unless that is
 * false. */
static bool counts(const struct pol_coverage *coverage, const struct pol_condition *condition,
	const struct choice *choice)
{
	enum pol_truth truth =
		condition != NULL ? pol_truth_of(coverage->truth, condition) : POL_TRUE;

	return choice->covered && (choice->deny ? truth != POL_FALSE : truth == POL_TRUE);
}

/* Has it the permission, perhaps on a condition? *out_covered: and did the decision depend on it?
 */
static bool has(const struct pol_coverage *coverage, const struct pol_grantee *grantee,
	const struct choice *choice, bool *out_covered)
{
	bool found = pol_permset_has(
		choice->deny ? &grantee->deny : &grantee->allow, choice->permission);

	*out_covered = found && choice->covered;
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *conditional = &grantee->conditionals[i];

		if (conditional->deny == choice->deny &&
			pol_permset_has(&conditional->set, choice->permission)) {
			found = true;
			*out_covered =
				*out_covered || counts(coverage, conditional->condition, choice);
		}
	}
	return found;
}

static void visit(struct pol_coverage *coverage, struct walk *walk, uint32_t number)
{
	if (walk->seen[number] != coverage->round) {
		walk->seen[number] = coverage->round;
		walk->left[walk->count++] = number;
	}
}

/* Marks the rules of a role or scope, and of all that it inherits, that have the permission. */
static void mark_rules(struct pol_coverage *coverage, uint32_t number, const struct choice *choice)
{
	const struct pol_snapshot *snapshot = coverage->snapshot;
	const struct pol_grantee *grantees = choice->scope ? snapshot->scopes : snapshot->roles;
	const struct pol_origin *origins =
		choice->scope ? snapshot->scope_origins : snapshot->role_origins;
	struct walk *walk = choice->scope ? &coverage->scopes : &coverage->roles;

	coverage->round++;
	visit(coverage, walk, number);
	while (walk->count > 0) {
		uint32_t present = walk->left[--walk->count];
		const struct pol_origin *origin = &origins[present];
		bool covered;

		(void)has(coverage, &grantees[present], choice, &covered);
		mark(coverage, origin->at, covered);
		for (uint32_t i = 0; i < origin->rule_count; i++) {
			const struct pol_rule *rule = &origin->rules[i];

			if (rule->deny == choice->deny &&
				pol_explain_rules_has(rule, choice->permission)) {
				mark(coverage, rule->at, counts(coverage, rule->condition, choice));
			}
		}
		for (uint32_t i = 0; i < origin->parent_count; i++) {
			if (has(coverage, &grantees[origin->parents[i]], choice, &covered)) {
				visit(coverage, walk, origin->parents[i]);
			}
		}
	}
}

static void mark_role(struct pol_coverage *coverage, uint32_t role, bool deny, uint32_t permission)
{
	const struct choice choice = {
		.deny = deny, .covered = deny || coverage->by_roles, .permission = permission
	};

	mark_rules(coverage, role, &choice);
}

static void mark_held(
	struct pol_coverage *coverage, const struct pol_trace *trace, struct pol_run run)
{
	const struct pol_facts *facts = &trace->facts;
	uint32_t permission = run.first;
	struct pol_run_word at;

	(void)pol_run_next(&run, &at);
	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		const struct pol_held *held = &facts->held[i];
		const struct pol_str *place;
		struct pol_subject_bits say = { 0 };

		pol_subject_role(coverage->snapshot, held->role,
			pol_subject_match(held, trace->tree, trace->at, &place), &at, &say);
		if ((say.roles.sure | say.roles.maybe) != 0) {
			mark_role(coverage, held->role, false, permission);
		}
		if ((say.denied.sure | say.denied.maybe) != 0) {
			mark_role(coverage, held->role, true, permission);
		}
	}
}

/* Marks what a role or scope that counts at every path allows and denies. */
static void mark_general(struct pol_coverage *coverage, const struct pol_grantee *grantee,
	uint32_t number, struct choice choice)
{
	bool covered;

	if (has(coverage, grantee, &choice, &covered)) {
		mark_rules(coverage, number, &choice);
	}
	choice.deny = true;
	choice.covered = true;
	if (has(coverage, grantee, &choice, &covered)) {
		mark_rules(coverage, number, &choice);
	}
}

static void mark_scopes(
	struct pol_coverage *coverage, const struct pol_facts *facts, uint32_t permission)
{
	const struct pol_snapshot *snapshot = coverage->snapshot;
	const struct choice choice = {
		.scope = true, .covered = coverage->by_scopes, .permission = permission
	};

	for (uint32_t i = 0; pol_subject_key_counts(facts) && i < facts->scope_count; i++) {
		if (facts->scopes[i] < snapshot->scope_count) {
			mark_general(coverage, &snapshot->scopes[facts->scopes[i]],
				facts->scopes[i], choice);
		}
	}
}

static void mark_permission(
	struct pol_coverage *coverage, const struct pol_trace *trace, uint32_t permission)
{
	const struct pol_snapshot *snapshot = coverage->snapshot;
	const struct choice choice = { .covered = coverage->by_anyone, .permission = permission };

	mark_held(coverage, trace, (struct pol_run){ permission, 1 });
	if (snapshot->anyone < snapshot->role_count) {
		mark_general(
			coverage, &snapshot->roles[snapshot->anyone], snapshot->anyone, choice);
	}
	mark_scopes(coverage, &trace->facts, permission);
}

/* Did a line of `authorize` allow, of a module that goes by what roles allow? A module that is not
 * built in may go by anything. */
static bool authorized_by(const struct pol_trace *trace, struct pol_str module)
{
	const struct pol_trace_group *group = &trace->groups[POL_GROUP_AUTHORIZE];

	for (uint32_t i = 0; i < group->count; i++) {
		const struct pol_trace_line *line = &trace->lines[group->first + i];
		struct pol_str name = pol_str_of(line->line->module->name);

		if (line->verdict == POL_ALLOW &&
			(pol_str_equal(name, module) || pol_registry_find(name) == NULL)) {
			return true;
		}
	}
	return false;
}

static void mark_subject(struct pol_coverage *coverage, const struct pol_trace *trace,
	const struct pol_decision *decision)
{
	coverage->by_roles = decision->allow && authorized_by(trace, POL_STR("role"));
	coverage->by_anyone =
		coverage->by_roles || (decision->allow && authorized_by(trace, POL_STR("scope")));
	coverage->by_scopes = decision->allow;
	for (uint32_t i = 0; i < trace->run.count; i++) {
		mark_permission(coverage, trace, trace->run.first + i);
	}
}

static void mark_lines(struct pol_coverage *coverage, const struct pol_trace *trace)
{
	for (int group = 0; group < POL_GROUP_COUNT; group++) {
		const struct pol_trace_group *traced = &trace->groups[group];

		for (uint32_t i = 0; i < traced->count; i++) {
			const struct pol_trace_line *line = &trace->lines[traced->first + i];
			bool counts = group == POL_GROUP_RECORD || line->marks != 0 ||
				      pol_stack_effect(line->line->control, line->verdict) !=
					      POL_EFFECT_SKIP;

			if (line->line->written != NULL) {
				mark(coverage, line->line->written->at, counts);
			}
		}
	}
}

void pol_coverage_next_test(struct pol_coverage *coverage)
{
	coverage->test++;
}

void pol_coverage_decide(
	struct pol_coverage *coverage, const struct pol_facts *facts, struct pol_decision *out)
{
	struct pol_truth_table truth;
	struct pol_trace trace;

	pol_eval_traced(coverage->snapshot, facts, &trace, out);
	mark_lines(coverage, &trace);
	if (trace.stage >= POL_STAGE_SUBJECT) {
		pol_truth_begin(&truth, coverage->snapshot, &trace.facts, trace.tree, trace.at);
		coverage->truth = &truth;
		mark_subject(coverage, &trace, out);
	}
}

/* --- what comes out --------------------------------------------------------------------------- */

struct pol_coverage_count pol_coverage_count(
	const struct pol_coverage *coverage, enum pol_coverage_kind kind)
{
	struct pol_coverage_count count = { 0 };

	for (size_t i = 0; i < coverage->count; i++) {
		if (coverage->items[i].kind == kind) {
			count.total++;
			count.covered += coverage->items[i].covered;
		}
	}
	return count;
}

bool pol_coverage_item(
	const struct pol_coverage *coverage, size_t index, struct pol_coverage_item *out)
{
	const struct pol_snapshot *snapshot = coverage->snapshot;
	const struct item *item;

	if (index >= coverage->count) {
		return false;
	}
	item = &coverage->items[index];
	*out = (struct pol_coverage_item){ .kind = item->kind,
		.covered = item->covered,
		.reached = item->reached,
		.deny = item->deny,
		.scope = item->scope,
		.tests = item->tests,
		.name = item->name,
		.position = pol_explain_position(snapshot, item->at, item->line) };
	if (item->kind == POL_COVERAGE_RULE || item->kind == POL_COVERAGE_LINE) {
		out->text = pol_explain_rules_text(
			snapshot->files[item->at.file].text, item->at.offset);
	}
	return true;
}

bool pol_coverage_reached(const struct pol_coverage *coverage, struct pol_span at)
{
	const struct item *item = find(coverage, at);

	return item != NULL && item->reached;
}
