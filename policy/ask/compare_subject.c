/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/ask/compare_internal.h"
#include "policy/decide/subject.h"
#include "policy/snapshot/given.h"

/* --- subjects that need no comparison --------------------------------------------------------- */

static bool is_equal_places(
	const struct pol_str *a, uint32_t a_count, const struct pol_str *b, uint32_t b_count)
{
	if (a_count != b_count) {
		return false;
	}
	for (uint32_t i = 0; i < a_count; i++) {
		if (!pol_str_equal(a[i], b[i])) {
			return false;
		}
	}
	return true;
}

static const struct pol_grantee *grantee_at(
	const struct pol_grantee *items, uint32_t count, uint32_t number)
{
	return number < count ? &items[number] : NULL;
}

/* Do both roles, or scopes, allow and deny the same? */
static enum pol_status is_equal_grantee(struct pol_compare *compare,
	const struct pol_grantee *before, const struct pol_grantee *after, bool *out)
{
	*out = before == NULL && after == NULL;
	/* The same grants may depend on what else the subject holds. */
	if (*out || pol_subject_grantee_reads(before, POL_FACT_PRINCIPAL_ROLES) ||
		pol_subject_grantee_reads(after, POL_FACT_PRINCIPAL_ROLES)) {
		return POL_OK;
	}
	return pol_compare_grantees(compare, before, after, out);
}

/* Does the one have all attributes that the other has? */
static bool has_attributes(const struct pol_snapshot *snapshot, const struct pol_given *given,
	const struct pol_snapshot *of, const struct pol_given *all)
{
	for (uint32_t i = 0; all != NULL && i < all->count; i++) {
		const struct pol_declared_fact *fact =
			pol_condition_declared(of, all->items[i].fact);
		uint32_t number =
			fact != NULL ? pol_condition_fact(snapshot, fact->name) : POL_NONE;
		const struct pol_given_fact *found =
			number != POL_NONE && given != NULL ? pol_given_find(given, number) : NULL;

		if (found == NULL || !pol_value_equal(&found->value, &all->items[i].value)) {
			return false;
		}
	}
	return true;
}

static bool has_equal_facts(const struct pol_facts *a, const struct pol_facts *b)
{
	return pol_str_equal(a->principal, b->principal) &&
	       pol_str_equal(a->tenant_name, b->tenant_name) &&
	       a->principal_kind == b->principal_kind && a->key_state == b->key_state &&
	       a->binding == b->binding && a->principal_state == b->principal_state &&
	       a->narrowed == b->narrowed && a->narrowed_by_scopes == b->narrowed_by_scopes &&
	       a->held_count == b->held_count && a->everyone_count == b->everyone_count &&
	       a->anyone_count == b->anyone_count && a->scope_count == b->scope_count &&
	       is_equal_places(
		       a->key_places, a->key_place_count, b->key_places, b->key_place_count);
}

/* Most subjects hold the same roles before and after, and those are equal. */
static enum pol_status is_unchanged(
	struct pol_compare *compare, const struct pol_facts *const facts[POL_SIDES], bool *out)
{
	const struct pol_snapshot *before = compare->sides[POL_SIDE_BEFORE];
	const struct pol_snapshot *after = compare->sides[POL_SIDE_AFTER];
	const struct pol_facts *a = facts[POL_SIDE_BEFORE], *b = facts[POL_SIDE_AFTER];
	enum pol_status status;

	*out = false;
	if (a == NULL || b == NULL || !has_equal_facts(a, b) ||
		!has_attributes(before, a->attributes, after, b->attributes) ||
		!has_attributes(after, b->attributes, before, a->attributes)) {
		return POL_OK;
	}
	status = is_equal_grantee(compare,
		grantee_at(before->roles, before->role_count, before->anyone),
		grantee_at(after->roles, after->role_count, after->anyone), out);
	for (uint32_t i = 0; status == POL_OK && *out && i < a->held_count; i++) {
		const struct pol_held *one = &a->held[i], *other = &b->held[i];

		*out = false;
		if (one->until == other->until && is_equal_places(one->places, one->place_count,
							  other->places, other->place_count)) {
			status = is_equal_grantee(compare,
				grantee_at(before->roles, before->role_count, one->role),
				grantee_at(after->roles, after->role_count, other->role), out);
		}
	}
	for (uint32_t i = 0; status == POL_OK && *out && i < a->scope_count; i++) {
		status = is_equal_grantee(compare,
			grantee_at(before->scopes, before->scope_count, a->scopes[i]),
			grantee_at(after->scopes, after->scope_count, b->scopes[i]), out);
	}
	return status;
}

/* --- what changes, at one time ---------------------------------------------------------------- */

static bool is_empty(const uint64_t *bits, size_t words)
{
	for (size_t w = 0; w < words; w++) {
		if (bits[w] != 0) {
			return false;
		}
	}
	return true;
}

/* Are the verdicts on the permissions of the run the same? Without `other` none differs. */
static bool has_equal_verdicts(const struct pol_subject_region *region,
	const struct pol_subject_region *other, struct pol_run run)
{
	for (uint32_t i = run.first; i < run.first + run.count; i++) {
		uint32_t one = region->verdicts != NULL ? region->verdicts[i] : 0;

		if (one != (other != NULL && other->verdicts != NULL ? other->verdicts[i] : 0)) {
			return false;
		}
	}
	return true;
}

/* Does the same change in the region as on these nodes in the region around it? */
static bool is_as_around(
	const struct pol_subject_search *search, const struct pol_subject_region *region)
{
	const struct pol_joint *joint = &search->compare->joint;
	const struct pol_subject_region *around = &search->regions[region->general];
	struct pol_run run = { joint->nodes[region->at.node].first, 0 };
	struct pol_run_word at;

	/* An owned place's nodes are in no other region. */
	if (region->at.place.ptr == NULL || region->owned) {
		run = (struct pol_run){ 0, joint->permission_count };
		return is_empty(region->gained, joint->words) &&
		       is_empty(region->lost, joint->words) &&
		       has_equal_verdicts(region, NULL, run);
	}
	run.count = joint->nodes[joint->nodes[region->at.node].end].first - run.first;
	if (!has_equal_verdicts(region, around, run)) {
		return false;
	}
	while (pol_run_next(&run, &at)) {
		size_t w = (size_t)at.chunk * POL_CHUNK_WORDS + at.word;

		if (((region->gained[w] ^ around->gained[w]) & at.mask) != 0 ||
			((region->lost[w] ^ around->lost[w]) & at.mask) != 0) {
			return false;
		}
	}
	return true;
}

static enum pol_status add_region(struct pol_subject_search *search,
	const struct pol_subject_region *region, int64_t from, struct pol_changes *out)
{
	struct pol_compare *compare = search->compare;
	const struct pol_region *at = region->at.place.ptr != NULL ? &region->at : NULL;
	size_t first = out->count;
	struct pol_str place = { NULL, 0 };
	enum pol_status status;

	if (is_as_around(search, region)) {
		return POL_OK;
	}
	status = pol_fold(compare, region->gained, POL_CHANGE_GAINED, at, out);
	if (status == POL_OK) {
		status = pol_fold(compare, region->lost, POL_CHANGE_LOST, at, out);
	}
	if (status == POL_OK) {
		status = pol_subject_region_add(search, region, out);
	}
	if (status == POL_OK && out->count == first &&
		pol_changes_add(compare, out, POL_CHANGE_NONE) == NULL) {
		status = compare->present.status;
	}
	if (status == POL_OK && at != NULL) {
		place = pol_arena_copy(&compare->present, region->at.place);
		status = compare->present.status;
	}
	for (size_t i = first; status == POL_OK && i < out->count; i++) {
		out->items[i].at = place;
		out->items[i].from = from;
	}
	return status;
}

/* --- over time -------------------------------------------------------------------------------- */

/* The subject at that time, without the roles that have ended. `held` has room for all. */
static const struct pol_facts *at_time(
	const struct pol_facts *facts, int64_t now, struct pol_held *held, struct pol_facts *out)
{
	if (facts == NULL) {
		return NULL;
	}
	pol_subject_at(facts, now, held, out);
	return out;
}

static int compare_times(const void *left, const void *right)
{
	const int64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Now, and each later time at which a role ends. */
static size_t list_times(const struct pol_facts *const facts[POL_SIDES], int64_t now, int64_t *out)
{
	size_t count = 0, kept = 1;

	out[count++] = now;
	for (int side = 0; side < POL_SIDES; side++) {
		for (uint32_t i = 0; facts[side] != NULL && i < facts[side]->held_count; i++) {
			if (facts[side]->held[i].until > now) {
				out[count++] = facts[side]->held[i].until;
			}
		}
	}
	qsort(out, count, sizeof *out, compare_times);
	for (size_t i = 1; i < count; i++) {
		if (out[i] != out[kept - 1]) {
			out[kept++] = out[i];
		}
	}
	return kept;
}

/* Compares all regions; *out_moved: something is other than at the time before. */
static enum pol_status compare_regions(struct pol_subject_search *search,
	const struct pol_facts *const facts[POL_SIDES], bool *out_moved)
{
	const struct pol_joint *joint = &search->compare->joint;
	size_t words = joint->words;
	enum pol_status status = POL_OK;

	*out_moved = false;
	for (size_t i = 0; status == POL_OK && i < search->count; i++) {
		struct pol_subject_region *region = &search->regions[i];
		uint64_t *gained = region->was_gained, *lost = region->was_lost;

		region->was_gained = region->gained;
		region->was_lost = region->lost;
		region->gained = gained;
		region->lost = lost;
		status = pol_subject_region_compare(search, facts, region);
		*out_moved =
			*out_moved ||
			memcmp(gained, region->was_gained, words * sizeof *gained) != 0 ||
			memcmp(lost, region->was_lost, words * sizeof *lost) != 0 ||
			(region->verdicts != NULL &&
				memcmp(region->verdicts, region->was_verdicts,
					joint->permission_count * sizeof *region->verdicts) != 0);
	}
	return status;
}

static enum pol_status add_time(
	struct pol_subject_search *search, int64_t from, struct pol_changes *out)
{
	size_t first = out->count;
	enum pol_status status = POL_OK;

	for (size_t i = 0; status == POL_OK && i < search->count; i++) {
		status = add_region(search, &search->regions[i], from, out);
	}
	/* From then on nothing differs any more. */
	if (status == POL_OK && from != 0 && out->count == first) {
		struct pol_change *change = pol_changes_add(search->compare, out, POL_CHANGE_NONE);

		if (change == NULL) {
			return search->compare->present.status;
		}
		change->from = from;
	}
	return status;
}

static enum pol_status search_all(
	struct pol_subject_search *search, int64_t now, struct pol_changes *out)
{
	const struct pol_facts *const *facts = search->facts;
	struct pol_arena *arena = &search->arena;
	struct pol_held *held[POL_SIDES];
	size_t most = 1;
	int64_t *times;
	size_t count;
	enum pol_status status = pol_subject_regions_find(search);

	for (int side = 0; side < POL_SIDES; side++) {
		size_t holds = facts[side] != NULL ? facts[side]->held_count : 0;

		held[side] = pol_arena_alloc(arena, holds, sizeof *held[side]);
		most += holds;
	}
	times = pol_arena_alloc(arena, most, sizeof *times);
	if (status != POL_OK || arena->status != POL_OK) {
		return status != POL_OK ? status : arena->status;
	}
	count = list_times(facts, now, times);
	for (size_t i = 0; status == POL_OK && i < count; i++) {
		struct pol_facts present[POL_SIDES];
		const struct pol_facts *const both[POL_SIDES] = {
			at_time(facts[0], times[i], held[0], &present[0]),
			at_time(facts[1], times[i], held[1], &present[1]),
		};
		bool moved;

		status = compare_regions(search, both, &moved);
		if (status == POL_OK && (moved || i == 0)) {
			status = add_time(search, i > 0 ? times[i] : 0, out);
		}
	}
	return status;
}

enum pol_status pol_compare_add_subject(struct pol_compare *compare,
	const struct pol_facts *const facts[POL_SIDES], int64_t now, struct pol_changes *out)
{
	struct pol_subject_search search = { .compare = compare, .facts = { facts[0], facts[1] } };
	bool unchanged;
	enum pol_status status = is_unchanged(compare, facts, &unchanged);

	if (status != POL_OK || unchanged) {
		return status;
	}
	pol_arena_init(&search.arena, POL_SNAPSHOT_LIMIT);
	search.conditional = pol_subject_depends(&search);
	status = search_all(&search, now, out);
	pol_arena_finish(&search.scratch);
	pol_arena_finish(&search.arena);
	return status;
}
