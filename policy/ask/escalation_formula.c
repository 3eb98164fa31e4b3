/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/escalation_internal.h"
#include "policy/ask/formula_subject.h"
#include "policy/decide/subject.h"

/*
 * What depends on conditions is compared by formulas: what is allowed after the change must imply
 * what was allowed before it, or what the grantor has or may grant. The records' own facts of a
 * principal are put in on each side. A fact that the record leaves open may be anything on the side
 * of the subject, as a trusted peer may state it; it is the same before and after, if both are one
 * principal. For the grantor it is absent, and so for a subject without a record before: what
 * others state may not lend them what they do not have.
 */

/* Bytes for the formulas of one permission, at most: a subject whose conditions take more is not
 * decided. They are one step, and one more for BYTES_OF_STEP. Permissions of one grant have the
 * same conditions, which are compared once. */
#define FORMULAS_OF_PERMISSION ((size_t)4 * 1024 * 1024)
#define BYTES_OF_STEP          128

static struct pol_arena *arena_of(struct pol_escalation_search *search)
{
	return &search->formulas[search->present];
}

/* --- a subject -------------------------------------------------------------------------------- */

/* A subject without the roles that have ended. */
struct present {
	const struct pol_escalation_search *search;
	const uint8_t *row;
	struct pol_facts facts;
	uint32_t *rows_of; /* by index in facts.held: its number in the row */
	struct pol_knowing others;
	struct pol_formula_subject subject;
};

static struct pol_formula_place place_of(const struct pol_formula_subject *subject, uint32_t number)
{
	const struct present *present = subject->context;

	if (number == POL_NONE) {
		return pol_formula_place_of(
			present->row[0] != 0 ? POL_PLACE_INSIDE : POL_PLACE_ELSEWHERE);
	}
	return pol_formula_place_of(
		(enum pol_path_place_match)present->row[1 + present->rows_of[number]]);
}

static struct pol_knowledge open_fact(const struct pol_knowing *knowing, uint32_t fact)
{
	(void)knowing;
	(void)fact;
	return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
}

static struct pol_knowledge segment_of(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct pol_formula_path path = { .path = knowing->context };

	return pol_formula_path_segment(&path, segment);
}

/* Does the subject stand for others, whose ids, kinds and other roles are not known? */
static bool is_anybody(const struct pol_escalation_search *search, enum pol_escalation_who who)
{
	const struct pol_facts *facts = pol_escalation_facts(search, who);

	/* A new key has no id yet, but is one subject. */
	return who != POL_ESCALATION_GRANTOR && facts->principal.len == 0 &&
	       !pol_subject_key_counts(facts);
}

/* Is the subject before the change the one after it? */
static bool is_one_subject(const struct pol_escalation_search *search)
{
	const struct pol_facts *before = pol_escalation_facts(search, POL_ESCALATION_BEFORE);
	const struct pol_facts *after = pol_escalation_facts(search, POL_ESCALATION_AFTER);

	return before->tenant == after->tenant &&
	       (before->principal.len > 0 || before->key.len > 0 || before->tenant != 0) &&
	       pol_str_equal(before->principal, after->principal) &&
	       pol_str_equal(before->key, after->key);
}

/* False: no memory. */
static bool begin_subject(
	struct pol_escalation_search *search, enum pol_escalation_who who, struct present *out)
{
	const struct pol_facts *facts = pol_escalation_facts(search, who);
	struct pol_arena *arena = arena_of(search);
	struct pol_held *held = pol_arena_alloc(arena, facts->held_count, sizeof *held);

	*out = (struct present){
		.search = search,
		.row = search->row + search->first[who],
		.facts = *facts,
		.rows_of = pol_arena_alloc(arena, facts->held_count, sizeof *out->rows_of),
		.others = { .fact = open_fact, .segment = segment_of, .context = &search->path },
	};
	out->subject = (struct pol_formula_subject){
		.snapshot = search->snapshot,
		.arena = arena,
		.facts = &out->facts,
		.place = place_of,
		.context = out,
		.others = &out->others,
		.anybody = is_anybody(search, who),
		.no_statements = who == POL_ESCALATION_GRANTOR ||
				 (who == POL_ESCALATION_BEFORE && !is_one_subject(search)),
	};
	out->facts.given = NULL;
	out->facts.held = held;
	out->facts.held_count = 0;
	out->facts.everyone_count = 0;
	out->facts.anyone_count = 0;
	for (uint32_t i = 0; held != NULL && out->rows_of != NULL && i < facts->held_count; i++) {
		if (facts->held[i].until == 0 || facts->held[i].until > search->at.when) {
			enum pol_holder holder = pol_subject_holder(facts, i);

			out->facts.everyone_count += holder == POL_HOLDER_EVERYONE;
			out->facts.anyone_count += holder == POL_HOLDER_ANYONE;
			out->rows_of[out->facts.held_count] = i;
			held[out->facts.held_count++] = facts->held[i];
		}
	}
	return held != NULL && out->rows_of != NULL;
}

/* --- what the grantor may grant --------------------------------------------------------------- */

static bool has_run(const struct pol_grantor *grantor, uint32_t permission)
{
	for (size_t i = 0; i < grantor->run_count; i++) {
		if (permission - grantor->runs[i].first < grantor->runs[i].count) {
			return true;
		}
	}
	return false;
}

/* The formula for "a role or scope that may be granted allows it": to the subject, or, without one,
 * to anybody. */
static const struct pol_formula *may_grant(const struct pol_formulas *formulas,
	const struct pol_formula_subject *subject, const struct pol_grantor *grantor,
	uint32_t permission)
{
	const struct pol_snapshot *snapshot = formulas->snapshot;
	size_t most = grantor->role_count + grantor->scope_count, count = 0;
	const struct pol_formula **parts = pol_arena_alloc(formulas->arena, most, sizeof *parts);

	if (has_run(grantor, permission)) {
		return pol_formula_always();
	}
	for (size_t i = 0; parts != NULL && i < most; i++) {
		bool is_role = i < grantor->role_count;
		uint32_t number =
			is_role ? grantor->roles[i] : grantor->scopes[i - grantor->role_count];
		const struct pol_grantee *grantee;

		if (number >= (is_role ? snapshot->role_count : snapshot->scope_count)) {
			continue;
		}
		grantee = is_role ? &snapshot->roles[number] : &snapshot->scopes[number];
		parts[count++] = subject != NULL
					 ? pol_formula_allows_subject(subject, grantee, permission)
					 : pol_formula_allows(formulas, grantee, permission);
	}
	return parts != NULL ? pol_formula_join(formulas->arena, POL_FORMULA_OR, parts, count)
			     : NULL;
}

/* --- comparison ------------------------------------------------------------------------------- */

/* Begins a permission. */
static void begin(struct pol_escalation_search *search)
{
	search->present ^= 1;
	pol_arena_finish(arena_of(search));
	pol_arena_init(arena_of(search), FORMULAS_OF_PERMISSION);
	memcpy(search->last, search->now, sizeof search->last);
	memset(search->now, 0, sizeof search->now);
}

void pol_escalation_drop_formulas(struct pol_escalation_search *search)
{
	pol_arena_finish(&search->formulas[0]);
	pol_arena_finish(&search->formulas[1]);
}

/* Does the conjunction have the part? Another formula has one part: itself. */
static bool has_part(const struct pol_formula *formula, const struct pol_formula *part)
{
	if (formula->kind != POL_FORMULA_AND) {
		return pol_formula_equal(formula, part);
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		if (pol_formula_equal(formula->parts[i], part)) {
			return true;
		}
	}
	return false;
}

/* Is the one the other, with further conditions or none? Then it is not wider, and nothing need be
 * tried. */
static bool restricts(const struct pol_formula *after, const struct pol_formula *have)
{
	bool all = have->kind != POL_FORMULA_AND ? has_part(after, have) : true;

	for (uint32_t i = 0; all && have->kind == POL_FORMULA_AND && i < have->part_count; i++) {
		all = has_part(after, have->parts[i]);
	}
	return all || pol_formula_equal(after, have);
}

static bool is_known(const struct pol_escalation_memo *last, const struct pol_escalation_memo *now)
{
	return last->have != NULL && pol_formula_equal(last->have, now->have) &&
	       pol_formula_equal(last->after, now->after);
}

/* Is the one true where none of the others is? `number`: of the comparison of this permission. */
static bool is_more(struct pol_escalation_search *search, int number,
	const struct pol_snapshot *snapshot, const struct pol_formula *const have[3],
	const struct pol_formula *after)
{
	struct pol_escalation_memo *now = &search->now[number];
	enum pol_formula_difference difference = POL_FORMULA_MAY_BE_WIDER;
	struct pol_formula_side sides[2] = { { snapshot, NULL }, { snapshot, after } };
	uint64_t cost = 0;

	sides[0].formula = pol_formula_join(arena_of(search), POL_FORMULA_OR, have, 3);
	if (sides[0].formula == NULL || after == NULL) {
		return true;
	}
	for (int i = 0; i < 3; i++) {
		if (restricts(after, have[i])) {
			return false;
		}
	}
	*now = (struct pol_escalation_memo){ sides[0].formula, after, true };
	if (is_known(&search->last[number], now)) {
		now->gains = search->last[number].gains;
	} else if (search->steps < POL_ESCALATION_STEPS &&
		   pol_formula_compare_counted(&sides[0], &sides[1],
			   (POL_ESCALATION_STEPS - search->steps) / POL_ESCALATION_CASE, &cost,
			   &difference) == POL_OK) {
		search->steps += cost * POL_ESCALATION_CASE;
		now->gains = difference != POL_FORMULA_SAME && difference != POL_FORMULA_NARROWER;
	}
	return now->gains;
}

/* Reads the region's path into search->path: its values are known. Formulas have views of it, so
 * those of another region are forgotten. */
static void read_path(
	struct pol_escalation_search *search, const struct pol_escalation_region *region)
{
	struct pol_str tree, raw;

	if (search->read == region) {
		return;
	}
	search->read = region;
	memset(search->now, 0, sizeof search->now);
	pol_path_begin(&search->path);
	if (region->place.ptr != NULL && pol_path_split(region->place, &tree, &raw)) {
		(void)pol_path_read(raw, &search->path);
	}
}

bool pol_escalation_gains(struct pol_escalation_search *search,
	const struct pol_escalation_region *region, uint32_t permission)
{
	struct pol_formulas open = { search->snapshot, NULL, NULL };
	struct present who[POL_ESCALATION_COUNT];
	const struct pol_formula *formulas[POL_ESCALATION_COUNT];
	const struct pol_formula *have[3];

	if (search->steps >= POL_ESCALATION_STEPS) {
		return true;
	}
	read_path(search, region);
	begin(search);
	open.arena = arena_of(search);
	for (int i = 0; i < POL_ESCALATION_COUNT; i++) {
		if (!begin_subject(search, (enum pol_escalation_who)i, &who[i])) {
			return true;
		}
		formulas[i] = pol_formula_of_subject(&who[i].subject, permission);
	}
	have[0] = formulas[POL_ESCALATION_BEFORE];
	have[1] = formulas[POL_ESCALATION_GRANTOR];
	have[2] = may_grant(&open, &who[POL_ESCALATION_AFTER].subject, search->grantor, permission);
	search->steps += 1 + arena_of(search)->used / BYTES_OF_STEP;
	return is_more(search, 0, search->snapshot, have, formulas[POL_ESCALATION_AFTER]);
}

/* The role allows more, beside what it denies on conditions, or it denies less. What it allows and
 * always denies is compared as if it were allowed. Its holder may be anybody, so all facts are
 * open.
 */
bool pol_escalation_role_gains(struct pol_escalation_search *search,
	const struct pol_escalation_role *role, uint32_t permission)
{
	struct pol_formulas open = { role->snapshot, NULL, NULL };
	const struct pol_formula *was[2], *is[2], *have[3], *net;
	struct present own;

	if (search->steps >= POL_ESCALATION_STEPS) {
		return true;
	}
	begin(search);
	open.arena = arena_of(search);
	pol_path_begin(&search->path);
	if (!begin_subject(search, POL_ESCALATION_GRANTOR, &own)) {
		return true;
	}
	was[0] = pol_formula_allows(&open, role->was, permission);
	was[1] = pol_formula_does_not_deny(&open, role->was, permission);
	is[0] = pol_formula_allows(&open, role->is, permission);
	is[1] = pol_formula_does_not_deny(&open, role->is, permission);
	have[0] = was[0];
	have[1] = pol_formula_of_subject(&own.subject, permission);
	have[2] = may_grant(&open, NULL, search->grantor, permission);
	net = is[1] != NULL && is[1]->kind != POL_FORMULA_NEVER
		      ? pol_formula_join(open.arena, POL_FORMULA_AND, is, 2)
		      : is[0];
	search->steps += 1 + arena_of(search)->used / BYTES_OF_STEP;
	if (is_more(search, 0, role->snapshot, have, net)) {
		return true;
	}
	have[0] = was[1];
	return is_more(search, 1, role->snapshot, have, is[1]);
}
