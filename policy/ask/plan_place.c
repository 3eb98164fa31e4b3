/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/plan_internal.h"
#include "policy/snapshot/compiled.h"

bool pol_planning_is_open(const struct planning *planning, uint32_t segment)
{
	return segment < POL_PATH_SEGMENTS && (planning->at->open >> segment & 1) != 0;
}

/* Decodes a segment of a place, which has %25 and %3B alone. ptr NULL: no memory; *out_spelled is
 * false if it is spelled otherwise, which no path matches. */
static struct pol_str decode(struct pol_arena *arena, struct pol_str segment, bool *out_spelled)
{
	char *text = pol_arena_alloc(arena, segment.len + 1, 1);
	size_t len = 0;

	*out_spelled = true;
	for (size_t i = 0; text != NULL && i < segment.len; i++) {
		bool percent = segment.ptr[i] == '%';

		text[len++] = segment.ptr[i];
		if (!percent) {
			continue;
		}
		if (segment.len - i < 3 || (memcmp(segment.ptr + i, "%25", 3) != 0 &&
						   memcmp(segment.ptr + i, "%3B", 3) != 0)) {
			*out_spelled = false;
			break;
		}
		text[len - 1] = segment.ptr[i + 1] == '2' ? '%' : ';';
		i += 2;
	}
	return (struct pol_str){ text, len };
}

/* "The open segment is the text", or that it is not. NULL: no memory. */
static const struct pol_formula *compare_segment(
	const struct planning *planning, uint32_t segment, struct pol_str text, bool negated)
{
	struct pol_predicate *predicate = pol_arena_alloc(planning->arena, 1, sizeof *predicate);
	struct pol_formula *out = pol_arena_alloc(planning->arena, 1, sizeof *out);

	if (predicate == NULL || out == NULL) {
		return NULL;
	}
	*predicate = (struct pol_predicate){
		.comparison = POL_COMPARE_IS,
		.left = { .kind = POL_OPERAND_SEGMENT,
			.number = segment,
			.name = planning->snapshot->nodes[planning->chain[segment]].name },
		.right = { .kind = POL_OPERAND_VALUE,
			.value = { .type = POL_TYPE_STRING, .text = text } },
	};
	*out = (struct pol_formula){
		.kind = POL_FORMULA_COMPARE, .negated = negated, .predicate = predicate
	};
	return out;
}

const struct pol_formula *pol_planning_join(const struct planning *planning,
	enum pol_formula_kind kind, const struct pol_formula *a, const struct pol_formula *b)
{
	const struct pol_formula *const parts[] = { a, b };

	return pol_formula_join(planning->arena, kind, parts, 2);
}

static struct pol_formula_place nowhere(bool elsewhere)
{
	return pol_formula_place_of(elsewhere ? POL_PLACE_ELSEWHERE : POL_PLACE_OUTSIDE);
}

/* Where the path is, seen from one place. Formulas are NULL: no memory. */
static struct pol_formula_place see(const struct planning *planning, struct pol_str place)
{
	const struct pol_path *path = &planning->at->memo.path;
	struct pol_formula_place out = pol_formula_place_of(POL_PLACE_INSIDE);
	struct pol_str tree, at;

	if (!pol_path_split(place, &tree, &at) || !pol_str_equal(tree, planning->at->tree)) {
		return nowhere(true);
	}
	for (uint32_t i = 0; at.len > 1; i++) {
		const char *slash = memchr(at.ptr + 1, '/', at.len - 1);
		size_t end = slash != NULL ? (size_t)(slash - at.ptr) : at.len;
		bool spelled;
		struct pol_str segment =
			decode(planning->arena, (struct pol_str){ at.ptr + 1, end - 1 }, &spelled);

		if (segment.ptr == NULL) {
			return (struct pol_formula_place){ 0 };
		}
		if (i == planning->at->open_rest) {
			*planning->below_rest = true;
			return out;
		}
		if (i >= path->count || !spelled ||
			(!pol_planning_is_open(planning, i) &&
				!pol_str_equal(segment, path->segments[i]))) {
			return nowhere(false);
		}
		if (pol_planning_is_open(planning, i)) {
			out.inside = pol_planning_join(planning, POL_FORMULA_AND, out.inside,
				compare_segment(planning, i, segment, false));
			out.outside = pol_planning_join(planning, POL_FORMULA_OR, out.outside,
				compare_segment(planning, i, segment, true));
		}
		at.ptr += end;
		at.len -= end;
	}
	return out;
}

/* Does the role say anything of the permissions, or might a condition ask whether it is held? */
static bool is_about(const struct planning *planning, uint32_t role)
{
	const struct pol_snapshot *snapshot = planning->snapshot;
	struct pol_run run = planning->at->run;
	const struct pol_grantee *grantee;

	if (role >= snapshot->role_count) {
		return false;
	}
	grantee = &snapshot->roles[role];
	return snapshot->facts[POL_FACT_PRINCIPAL_ROLES].is_used ||
	       pol_permset_has_any(&grantee->allow, run) ||
	       pol_permset_has_any(&grantee->deny, run) ||
	       pol_permset_has_any(&grantee->sometimes, run);
}

struct pol_formula_place pol_planning_place(
	const struct pol_formula_subject *subject, uint32_t number)
{
	const struct planning *planning = subject->context;
	const struct pol_facts *facts = subject->facts;
	const struct pol_held of_key = { .place_count = facts->key_place_count,
		.places = facts->key_places };
	const struct pol_held *held = number != POL_NONE ? &facts->held[number] : &of_key;
	struct pol_formula_place all = nowhere(true);

	if (held->place_count == 0) {
		return pol_formula_place_of(POL_PLACE_INSIDE);
	}
	if (number != POL_NONE && !is_about(planning, held->role)) {
		return nowhere(false);
	}
	for (uint32_t i = 0; i < held->place_count; i++) {
		struct pol_formula_place one = see(planning, held->places[i]);

		all.inside = pol_planning_join(planning, POL_FORMULA_OR, all.inside, one.inside);
		all.outside =
			pol_planning_join(planning, POL_FORMULA_AND, all.outside, one.outside);
		all.elsewhere = all.elsewhere && one.elsewhere;
	}
	return all;
}
