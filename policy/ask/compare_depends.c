/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/ask/formula_subject.h"
#include "policy/decide/subject.h"

/*
 * What a subject may do depending on conditions is compared by formulas, permission by permission.
 * Most permissions have the formulas of others: those that were compared are kept.
 */

/* --- does anything depend on conditions? ------------------------------------------------------ */

bool pol_subject_grantee_reads(const struct pol_grantee *grantee, uint32_t fact)
{
	for (uint32_t i = 0; grantee != NULL && i < grantee->conditional_count; i++) {
		if (pol_compare_reads(grantee->conditionals[i].condition, fact)) {
			return true;
		}
	}
	return false;
}

static bool has_conditions(const struct pol_grantee *items, uint32_t count, uint32_t number)
{
	return number < count && items[number].conditional_count > 0;
}

bool pol_subject_depends(const struct pol_subject_search *search)
{
	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_snapshot *snapshot = search->compare->sides[side];
		const struct pol_facts *facts = search->facts[side];

		if (facts == NULL) {
			continue;
		}
		if (has_conditions(snapshot->roles, snapshot->role_count, snapshot->anyone)) {
			return true;
		}
		for (uint32_t i = 0; i < facts->held_count; i++) {
			if (has_conditions(
				    snapshot->roles, snapshot->role_count, facts->held[i].role)) {
				return true;
			}
		}
		for (uint32_t i = 0; i < facts->scope_count; i++) {
			if (has_conditions(
				    snapshot->scopes, snapshot->scope_count, facts->scopes[i])) {
				return true;
			}
		}
	}
	return false;
}

/* --- formulas --------------------------------------------------------------------------------- */

/* A permission in a region. */
struct asked {
	struct pol_subject_search *search;
	const struct pol_subject_region *region;
	const struct pol_facts *const *facts; /* of both sides; NULL: there is no such subject */
	uint32_t permission;
};

static struct pol_formula_place place_of(const struct pol_formula_subject *subject, uint32_t number)
{
	const struct asked *asked = subject->context;
	const struct pol_compare *compare = asked->search->compare;
	const struct pol_formula_path path = { compare->joint.trees[asked->region->tree].name,
		&compare->path };
	struct pol_formula_subject at = *subject;

	at.context = &path;
	return pol_formula_path_place(&at, number);
}

/* The place's values, then the literals on the way to the node. */
static struct pol_knowledge segment_of(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct asked *asked = knowing->context;
	const struct pol_joint *joint = &asked->search->compare->joint;

	if (segment < asked->region->at.depth) {
		return (struct pol_knowledge){ POL_KNOWN_VALUE,
			{ .type = POL_TYPE_STRING, .text = asked->region->segments[segment] } };
	}
	return pol_compare_segment(joint, joint->node_of[asked->permission], segment);
}

static struct pol_knowledge fact_of(const struct pol_knowing *knowing, uint32_t fact)
{
	(void)knowing;
	(void)fact;
	return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
}

/* False: no memory. */
static bool make(const struct asked *asked, struct pol_arena *arena,
	const struct pol_formula *out[POL_SIDES])
{
	const struct pol_compare *compare = asked->search->compare;
	const struct pol_knowing others = {
		.fact = fact_of, .segment = segment_of, .context = asked
	};

	for (int side = 0; side < POL_SIDES; side++) {
		const struct pol_formula_subject subject = {
			.snapshot = compare->sides[side],
			.arena = arena,
			.facts = asked->facts[side],
			.place = place_of,
			.context = asked,
			.others = &others,
		};
		uint32_t source = compare->joint.source[side][asked->permission];

		out[side] = source != POL_NONE && asked->facts[side] != NULL
				    ? pol_formula_of_subject(&subject, source)
				    : pol_formula_never();
	}
	return out[0] != NULL && out[1] != NULL;
}

/* --- places within the region ----------------------------------------------------------------- */

static bool reads_segment(const struct pol_formula *formula)
{
	if (formula->kind == POL_FORMULA_COMPARE) {
		return formula->predicate->left.kind == POL_OPERAND_SEGMENT ||
		       formula->predicate->right.kind == POL_OPERAND_SEGMENT;
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		if (reads_segment(formula->parts[i])) {
			return true;
		}
	}
	return false;
}

/* The formula for "the path is not at this place or below it". NULL: no memory. */
static const struct pol_formula *outside(
	const struct asked *asked, const struct pol_subject_region *place, struct pol_arena *arena)
{
	const struct pol_joint *joint = &asked->search->compare->joint;
	const struct pol_formulas open = { asked->search->compare->sides[0], arena, NULL };
	const struct pol_formula *parts[POL_PATH_SEGMENTS];
	size_t count = 0;

	for (uint32_t i = asked->region->at.depth; i < place->at.depth; i++) {
		const struct pol_predicate is = {
			.comparison = POL_COMPARE_IS,
			.left = { .kind = POL_OPERAND_SEGMENT, .number = i },
			.right = { .kind = POL_OPERAND_VALUE,
				.value = { .type = POL_TYPE_STRING, .text = place->segments[i] } },
		};
		const struct pol_condition is_not = { .predicate = &is, .negated = true };

		if (pol_compare_segment(joint, place->at.node, i).kind == POL_KNOWN_OPEN) {
			parts[count++] = pol_formula_of(&open, &is_not, false);
		}
	}
	return pol_formula_join(arena, POL_FORMULA_OR, parts, count);
}

/* Paths at other places of the region are compared there: they do not count here. It matters where
 * a condition reads the path. False: no memory. */
static bool confine(const struct asked *asked, struct pol_arena *arena,
	const struct pol_formula *both[POL_SIDES])
{
	const struct pol_subject_search *search = asked->search;
	const struct pol_joint *joint = &search->compare->joint;
	uint32_t node = joint->node_of[asked->permission];

	if (!reads_segment(both[0]) && !reads_segment(both[1])) {
		return true;
	}
	for (size_t i = 0; i < search->count; i++) {
		const struct pol_subject_region *place = &search->regions[i];
		const struct pol_formula *parts[2];

		if (place == asked->region || place->owned ||
			&search->regions[place->general] != asked->region ||
			node < place->at.node || node >= joint->nodes[place->at.node].end) {
			continue;
		}
		parts[1] = outside(asked, place, arena);
		for (int side = 0; side < POL_SIDES; side++) {
			parts[0] = both[side];
			both[side] = pol_formula_join(arena, POL_FORMULA_AND, parts, 2);
			if (both[side] == NULL) {
				return false;
			}
		}
	}
	return true;
}

/* --- verdicts --------------------------------------------------------------------------------- */

/* The number of the verdict and one more; 0: nothing differs. */
static enum pol_status number_verdict(struct pol_subject_search *search,
	const struct pol_condition_verdict *verdict, uint32_t *out)
{
	size_t i = 0;

	*out = 0;
	if (verdict->kind == POL_CHANGE_NONE) {
		return POL_OK;
	}
	while (i < search->verdict_count &&
		!pol_compare_equal_verdicts(&search->verdicts[i], verdict)) {
		i++;
	}
	if (i == search->verdict_capacity) {
		struct pol_condition_verdict *items = pol_arena_grow(&search->arena,
			search->verdicts, i, i + 1, sizeof *items, &search->verdict_capacity);

		if (items == NULL) {
			return search->arena.status;
		}
		search->verdicts = items;
	}
	if (i == search->verdict_count) {
		search->verdicts[search->verdict_count++] = *verdict;
	}
	*out = (uint32_t)i + 1;
	return POL_OK;
}

/* Compares formulas that were not compared before, and keeps them. */
static enum pol_status compare_fresh(const struct asked *asked, struct pol_subject_memo *memo)
{
	struct pol_subject_search *search = asked->search;
	const struct pol_formula *shown[POL_SIDES];
	struct pol_condition_verdict verdict;
	enum pol_status status;

	memo->both[0] = NULL;
	if (!make(asked, &search->arena, shown)) {
		return search->arena.status;
	}
	memcpy(memo->both, shown, sizeof shown);
	if (!confine(asked, &search->arena, memo->both)) {
		memo->both[0] = NULL;
		return search->arena.status;
	}
	status = pol_compare_allowed(search->compare, memo->both, shown, &verdict);
	if (status == POL_OK) {
		status = number_verdict(search, &verdict, &memo->verdict);
	}
	if (status != POL_OK) {
		memo->both[0] = NULL;
	}
	return status;
}

static enum pol_status judge(const struct asked *asked, uint32_t *out)
{
	struct pol_subject_search *search = asked->search;
	const struct pol_formula *both[POL_SIDES];
	struct pol_subject_memo *memo;
	enum pol_status status = POL_OK;

	pol_arena_finish(&search->scratch);
	pol_arena_init(&search->scratch, POL_SNAPSHOT_LIMIT);
	if (!make(asked, &search->scratch, both) || !confine(asked, &search->scratch, both)) {
		return search->scratch.status;
	}
	memo = &search->memos[(pol_formula_hash(both[0]) + 3 * pol_formula_hash(both[1])) %
			      POL_SUBJECT_MEMOS];
	if (memo->both[0] == NULL || !pol_formula_equal(memo->both[0], both[0]) ||
		!pol_formula_equal(memo->both[1], both[1])) {
		status = compare_fresh(asked, memo);
	}
	*out = memo->verdict;
	return status;
}

static enum pol_status begin(struct pol_subject_search *search, struct pol_subject_region *region)
{
	size_t count = (size_t)search->compare->joint.permission_count + 1;
	struct pol_arena *arena = &search->arena;

	if (search->memos == NULL) {
		search->memos = pol_arena_alloc(arena, POL_SUBJECT_MEMOS, sizeof *search->memos);
	}
	if (region->verdicts == NULL) {
		region->verdicts = pol_arena_alloc(arena, count, sizeof *region->verdicts);
		region->was_verdicts = pol_arena_alloc(arena, count, sizeof *region->verdicts);
	}
	return arena->status;
}

enum pol_status pol_subject_region_judge(struct pol_subject_search *search,
	const struct pol_facts *const facts[POL_SIDES], struct pol_subject_region *region,
	const uint64_t *bits)
{
	const struct pol_joint *joint = &search->compare->joint;
	struct asked asked = { search, region, facts, 0 };
	enum pol_status status = begin(search, region);
	uint32_t *was = region->was_verdicts;

	if (status != POL_OK) {
		return status;
	}
	region->was_verdicts = region->verdicts;
	region->verdicts = was;
	memset(region->verdicts, 0, joint->permission_count * sizeof *region->verdicts);
	for (size_t w = 0; w < joint->words; w++) {
		for (uint64_t word = bits[w]; status == POL_OK && word != 0; word &= word - 1) {
			asked.permission = (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(word);
			status = judge(&asked, &region->verdicts[asked.permission]);
		}
	}
	return status;
}

enum pol_status pol_subject_region_add(struct pol_subject_search *search,
	const struct pol_subject_region *region, struct pol_changes *out)
{
	struct pol_compare *compare = search->compare;
	const struct pol_region *at = region->at.place.ptr != NULL ? &region->at : NULL;
	enum pol_status status = POL_OK;

	for (size_t i = 0;
		region->verdicts != NULL && status == POL_OK && i < search->verdict_count; i++) {
		bool any = false;

		memset(compare->result, 0, compare->joint.words * sizeof *compare->result);
		for (uint32_t p = 0; p < compare->joint.permission_count; p++) {
			if (region->verdicts[p] == i + 1) {
				compare->result[p / 64] |= UINT64_C(1) << p % 64;
				any = true;
			}
		}
		if (any) {
			status = pol_compare_add_verdict(
				compare, compare->result, &search->verdicts[i], at, out);
		}
	}
	return status;
}
