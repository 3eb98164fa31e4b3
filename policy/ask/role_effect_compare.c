/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/role_effect_internal.h"
#include "policy/ask/who.h"
#include "policy/decide/subject.h"

/* Steps that conditions take for one change, at most: other changes wait for it, and so does a
 * revocation. A combination of values that is tried is STEPS_OF_CASE. To make formulas is work too,
 * and so is to find which conditions a permission has: those of a permission are one step, and one
 * more for this many bytes, or sets. */
#define STEPS_OF_EFFECT (1U << 18)
#define STEPS_OF_CASE   8
#define BYTES_OF_STEP   128
#define SETS_OF_STEP    64

/* Bytes of all formulas, for which there are as many steps. When they are used up, nothing
 * further is decided. */
#define FORMULAS_OF_EFFECT ((size_t)STEPS_OF_EFFECT * BYTES_OF_STEP)

/* --- what is allowed -------------------------------------------------------------------------- */

static void begin_side(
	struct pol_role_side *side, const struct pol_snapshot *snapshot, uint32_t role)
{
	const uint32_t numbers[2] = { snapshot->anyone, role };

	side->snapshot = snapshot;
	side->held = (struct pol_held){ .role = role };
	side->facts = pol_who_principal(&side->held, role != POL_NONE ? 1 : 0);
	for (int i = 0; i < 2; i++) {
		side->grantees[i] =
			numbers[i] < snapshot->role_count ? &snapshot->roles[numbers[i]] : NULL;
	}
}

static struct pol_role_bits allowed(const struct pol_role_side *side, const struct pol_run_word *at)
{
	const struct pol_facts *facts = &side->facts;
	struct pol_subject_bits say = pol_subject_general(side->snapshot, facts, at);

	for (uint32_t h = pol_subject_first(facts); h < facts->held_count; h++) {
		pol_subject_held(side->snapshot, facts, h, POL_PLACE_INSIDE, at, &say);
	}
	return (struct pol_role_bits){ pol_subject_allows(facts, say),
		pol_subject_may(facts, say) };
}

const struct pol_role_bits *pol_role_search_bits(
	struct pol_role_search *search, uint32_t permission)
{
	const struct pol_run_word at = { permission / POL_CHUNK_BITS,
		permission % POL_CHUNK_BITS / 64, UINT64_MAX };

	if (search->word != permission / 64) {
		search->word = permission / 64;
		for (int i = 0; i < POL_ROLE_SIDES; i++) {
			search->bits[i] = allowed(&search->sides[i], &at);
		}
	}
	return search->bits;
}

static struct pol_formula_place everywhere(
	const struct pol_formula_subject *subject, uint32_t number)
{
	(void)subject;
	(void)number;
	return pol_formula_place_of(POL_PLACE_INSIDE);
}

static bool is_plain(struct pol_role_bits bits, uint32_t permission)
{
	return ((bits.sure ^ bits.may) >> permission % 64 & 1) == 0;
}

/* NULL: it is too large. */
static const struct pol_formula *make_formula(struct pol_role_search *search,
	const struct pol_role_side *side, uint32_t permission, struct pol_role_bits bits)
{
	const struct pol_formula_subject subject = {
		.snapshot = side->snapshot,
		.arena = &search->arena,
		.facts = &side->facts,
		.place = everywhere,
		.any_principal = true,
	};

	if (is_plain(bits, permission)) {
		return (bits.sure >> permission % 64 & 1) != 0 ? pol_formula_always()
							       : pol_formula_never();
	}
	return search->steps < STEPS_OF_EFFECT ? pol_formula_of_subject(&subject, permission)
					       : NULL;
}

/* --- comparison ------------------------------------------------------------------------------- */

static enum pol_formula_difference compare(
	struct pol_role_search *search, const struct pol_formula *const formulas[POL_ROLE_SIDES])
{
	const struct pol_formula_side sides[2] = {
		{ search->sides[POL_ROLE_BEFORE].snapshot, formulas[POL_ROLE_BEFORE] },
		{ search->sides[POL_ROLE_AFTER].snapshot, formulas[POL_ROLE_AFTER] },
	};
	enum pol_formula_difference difference;
	uint64_t cost;

	if (formulas[POL_ROLE_BEFORE] == NULL || formulas[POL_ROLE_AFTER] == NULL) {
		return POL_FORMULA_MAY_BE_WIDER;
	}
	if (pol_formula_equal(formulas[POL_ROLE_BEFORE], formulas[POL_ROLE_AFTER])) {
		return POL_FORMULA_SAME;
	}
	if (search->steps >= STEPS_OF_EFFECT ||
		pol_formula_compare_counted(&sides[POL_ROLE_BEFORE], &sides[POL_ROLE_AFTER],
			(STEPS_OF_EFFECT - search->steps) / STEPS_OF_CASE, &cost,
			&difference) != POL_OK) {
		return POL_FORMULA_MAY_BE_WIDER;
	}
	search->steps += cost * STEPS_OF_CASE;
	return difference;
}

/* Sets the conditions of both sides. What is not decided may be wider, and narrower. */
static void settle(struct pol_role_search *search,
	const struct pol_formula *const formulas[POL_ROLE_SIDES],
	enum pol_formula_difference difference, struct pol_role_permission *out)
{
	bool both = difference == POL_FORMULA_MAY_BE_WIDER || difference == POL_FORMULA_BOTH;
	size_t steps = 0;

	*out = (struct pol_role_permission){ .gained = false };
	if (difference == POL_FORMULA_SAME) {
		return;
	}
	for (int i = 0; i < POL_ROLE_SIDES; i++) {
		out->when[i] = pol_when_of(search->sides[i].snapshot, formulas[i], &steps);
	}
	out->gained = (both || difference == POL_FORMULA_WIDER) &&
		      out->when[POL_ROLE_AFTER].kind != POL_WHEN_NEVER &&
		      out->when[POL_ROLE_BEFORE].kind != POL_WHEN_ALWAYS;
	out->lost = (both || difference == POL_FORMULA_NARROWER) &&
		    out->when[POL_ROLE_BEFORE].kind != POL_WHEN_NEVER &&
		    out->when[POL_ROLE_AFTER].kind != POL_WHEN_ALWAYS;
	search->steps += steps;
}

/* The same for what no condition is about. */
static void settle_plain(bool before, bool after, struct pol_role_permission *out)
{
	*out = (struct pol_role_permission){
		.when = { { before ? POL_WHEN_ALWAYS : POL_WHEN_NEVER, NULL },
			{ after ? POL_WHEN_ALWAYS : POL_WHEN_NEVER, NULL } },
		.gained = after && !before,
		.lost = before && !after,
	};
}

/* Writes in which of the sets a permission is: the formulas are made of nothing else. */
static void sign(struct pol_role_search *search, uint32_t permission)
{
	uint32_t number = permission / POL_CHUNK_BITS, word = permission % POL_CHUNK_BITS / 64;

	for (size_t i = 0; search->chunk != number && i < search->set_count; i++) {
		search->chunks[i] = pol_permset_chunk(search->sets[i], number);
	}
	search->chunk = number;
	memset(search->signature, 0, search->words * sizeof *search->signature);
	for (size_t i = 0; i < search->set_count; i++) {
		if (search->chunks[i] != NULL) {
			search->signature[i / 64] |=
				(search->chunks[i]->words[word] >> permission % 64 & 1) << i % 64;
		}
	}
	search->steps += 1 + search->set_count / SETS_OF_STEP;
}

/* Where a permission of this signature is kept. */
static struct pol_role_kept *find_kept(struct pol_role_search *search)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < search->words; i++) {
		hash = (hash ^ search->signature[i]) * UINT64_C(0x100000001b3);
		hash ^= hash >> 32;
	}
	return &search->kept[hash % POL_ROLE_KEPT];
}

static void look_at_conditions(struct pol_role_search *search, uint32_t permission,
	const struct pol_role_bits bits[POL_ROLE_SIDES], struct pol_role_permission *out)
{
	const struct pol_formula *formulas[POL_ROLE_SIDES];
	size_t size = search->words * sizeof *search->signature;
	size_t used = search->arena.used;
	struct pol_role_kept *kept;

	if (search->steps >= STEPS_OF_EFFECT) {
		formulas[POL_ROLE_BEFORE] = make_formula(
			search, &search->sides[POL_ROLE_BEFORE], permission, bits[POL_ROLE_BEFORE]);
		formulas[POL_ROLE_AFTER] = make_formula(
			search, &search->sides[POL_ROLE_AFTER], permission, bits[POL_ROLE_AFTER]);
		settle(search, formulas, POL_FORMULA_MAY_BE_WIDER, out);
		return;
	}
	sign(search, permission);
	kept = find_kept(search);
	if (kept->signature != NULL && memcmp(kept->signature, search->signature, size) == 0) {
		*out = kept->found;
		return;
	}
	for (int i = 0; i < POL_ROLE_SIDES; i++) {
		formulas[i] = make_formula(search, &search->sides[i], permission, bits[i]);
	}
	search->steps += (search->arena.used - used) / BYTES_OF_STEP;
	settle(search, formulas, compare(search, formulas), out);
	kept->signature = pol_arena_alloc(&search->arena, 1, size);
	if (kept->signature != NULL) {
		memcpy(kept->signature, search->signature, size);
		kept->found = *out;
	}
}

void pol_role_search_look(struct pol_role_search *search, uint32_t permission,
	const struct pol_role_bits bits[POL_ROLE_SIDES], struct pol_role_permission *out)
{
	uint32_t shift = permission % 64;

	if (is_plain(bits[POL_ROLE_BEFORE], permission) &&
		is_plain(bits[POL_ROLE_AFTER], permission)) {
		settle_plain((bits[POL_ROLE_BEFORE].sure >> shift & 1) != 0,
			(bits[POL_ROLE_AFTER].sure >> shift & 1) != 0, out);
	} else {
		look_at_conditions(search, permission, bits, out);
	}
}

/* --- the beginning ---------------------------------------------------------------------------- */

static void add_sets(struct pol_role_search *search, const struct pol_grantee *grantee)
{
	search->sets[search->set_count++] = &grantee->allow;
	search->sets[search->set_count++] = &grantee->deny;
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		search->sets[search->set_count++] = &grantee->conditionals[i].set;
	}
}

/* Finds the sets that formulas are made of. False: no memory. */
static bool prepare_signatures(struct pol_role_search *search)
{
	struct pol_arena *arena = &search->arena;
	const struct pol_grantee *grantees[2 * POL_ROLE_SIDES];
	size_t count = 0, most = 0;

	for (int i = 0; i < POL_ROLE_SIDES; i++) {
		for (int k = 0; k < 2; k++) {
			if (search->sides[i].grantees[k] != NULL) {
				grantees[count] = search->sides[i].grantees[k];
				most += 2 + (size_t)grantees[count++]->conditional_count;
			}
		}
	}
	search->words = most / 64 + 1;
	search->sets = pol_arena_alloc(arena, most, sizeof *search->sets);
	search->chunks = pol_arena_alloc(arena, most, sizeof *search->chunks);
	search->signature = pol_arena_alloc(arena, search->words, sizeof *search->signature);
	search->chunk = POL_NONE;
	for (size_t i = 0; arena->status == POL_OK && i < count; i++) {
		add_sets(search, grantees[i]);
	}
	return arena->status == POL_OK;
}

bool pol_role_search_begin(struct pol_role_search *search)
{
	const struct pol_role_change *change = search->change;

	begin_side(&search->sides[POL_ROLE_BEFORE], change->before, change->role_before);
	begin_side(&search->sides[POL_ROLE_AFTER], change->after, change->role_after);
	search->word = POL_NONE;
	pol_arena_init(&search->arena, FORMULAS_OF_EFFECT);
	return prepare_signatures(search);
}
