/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/query_when.h"

#include "policy/decide/subject.h"
#include "policy/snapshot/tree.h"

/* Does a place of the held role, or for POL_NONE of the key, cover the node? The places of a
 * substitution and of all with which it begins are its own. */
static bool is_covered(const struct pol_query_when *when, uint32_t held)
{
	uint32_t number = when->number;

	for (;;) {
		const struct pol_substitution *at = &when->substitutions->items[number];

		*when->steps += at->place_count;
		for (uint32_t i = at->first; i < at->first + at->place_count; i++) {
			const struct pol_place_range *placed = &when->substitutions->places[i];

			if (placed->held == held && when->node >= placed->node &&
				when->node < placed->end) {
				return true;
			}
		}
		if (number == 0) {
			return false;
		}
		number = at->general;
	}
}

static struct pol_formula_place place_of(const struct pol_formula_subject *subject, uint32_t number)
{
	const struct pol_query_when *when = subject->context;
	const struct pol_facts *facts = subject->facts;
	uint32_t count =
		number == POL_NONE ? facts->key_place_count : facts->held[number].place_count;
	enum pol_path_place_match match = POL_PLACE_OUTSIDE;

	if (count == 0 || is_covered(when, number)) {
		match = POL_PLACE_INSIDE;
	} else if (number != POL_NONE && !when->placed_roles[number]) {
		match = POL_PLACE_ELSEWHERE;
	}
	return pol_formula_place_of(match);
}

static struct pol_knowledge known_fact(const struct pol_knowing *knowing, uint32_t fact)
{
	const struct pol_query_when *when = knowing->context;

	return pol_when_fact(when->snapshot, when->facts, fact);
}

static struct pol_knowledge known_segment(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct pol_query_when *when = knowing->context;
	const struct pol_substitution *at = &when->substitutions->items[when->number];

	if (segment >= at->count) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	return (struct pol_knowledge){ POL_KNOWN_VALUE,
		{ .type = POL_TYPE_STRING, .text = at->values[segment] } };
}

static void find_item(struct pol_query_when *when, const struct pol_formula_subject *subject,
	uint32_t permission, struct pol_when *out)
{
	size_t before = pol_when_steps(&when->arena);
	const struct pol_formula *formula = NULL;

	if (when->arena.status == POL_OK) {
		formula = pol_formula_of_subject(subject, permission);
	}
	*out = pol_when_of(when->snapshot, formula, when->steps);
	*when->steps += pol_when_steps(&when->arena) - before + when->facts->held_count +
			when->facts->scope_count;
}

static bool has(const uint64_t *bits, uint32_t bit)
{
	return (bits[bit / 64] >> bit % 64 & 1) != 0;
}

enum pol_status pol_query_when_find(struct pol_query_when *when, uint32_t node, uint32_t number,
	const uint64_t *allowed, const uint64_t *unsure)
{
	const struct pol_knowing others = {
		.fact = known_fact, .segment = known_segment, .context = when
	};
	const struct pol_formula_subject subject = {
		.snapshot = when->snapshot,
		.arena = &when->arena,
		.facts = when->facts,
		.place = place_of,
		.context = when,
		.others = &others,
		.any_principal = when->any_principal,
	};
	struct pol_run run = pol_tree_node_run(when->snapshot, node);

	pol_arena_finish(&when->arena);
	pol_arena_init(&when->arena, POL_WHEN_MEMORY);
	when->node = node;
	when->number = number;
	for (uint32_t i = 0; i < run.count; i++) {
		uint32_t bit = run.first % 64 + i;

		when->items[i] =
			(struct pol_when){ has(allowed, bit) ? POL_WHEN_ALWAYS : POL_WHEN_NEVER,
				NULL };
		if (!has(allowed, bit) && has(unsure, bit)) {
			find_item(when, &subject, run.first + i, &when->items[i]);
		}
	}
	return when->arena.status == POL_ENOMEM ? POL_ENOMEM : POL_OK;
}

bool pol_query_when_equal(const struct pol_query_when *when, const struct pol_query_when *general)
{
	static const struct pol_when never = { POL_WHEN_NEVER, NULL };
	uint32_t count = pol_tree_node_run(when->snapshot, when->node).count;

	for (uint32_t i = 0; i < count; i++) {
		if (!pol_when_equal(
			    &when->items[i], general != NULL ? &general->items[i] : &never)) {
			return false;
		}
	}
	return true;
}

uint32_t pol_query_when_group(const struct pol_query_when *when, uint32_t *groups)
{
	struct pol_run run = pol_tree_node_run(when->snapshot, when->node);
	uint32_t last = 1;

	for (uint32_t i = 0; i < run.count; i++) {
		const struct pol_when *item = &when->items[i];
		uint32_t k = 0;

		groups[i] = item->kind == POL_WHEN_ALWAYS ? 1 : 0;
		if (item->kind != POL_WHEN_SOMETIMES) {
			continue;
		}
		while (k < i && (groups[k] < 2 || !pol_when_equal(&when->items[k], item))) {
			k++;
		}
		*when->steps += i;
		groups[i] = k < i ? groups[k] : ++last;
	}
	return last;
}

struct pol_str pol_query_when_text(const struct pol_query_when *when, const uint32_t *groups,
	uint32_t group, char out[POL_WHEN_TEXT])
{
	uint32_t number = 0;
	struct pol_str text;

	if (group < 2) {
		return (struct pol_str){ NULL, 0 };
	}
	while (groups[number] != group) {
		number++;
	}
	text = pol_when_text(when->snapshot, &when->items[number], out);
	*when->steps += text.len;
	return text;
}

void pol_query_when_finish(struct pol_query_when *when)
{
	pol_arena_finish(&when->arena);
}
