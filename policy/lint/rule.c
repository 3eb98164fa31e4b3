/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/lint/linter.h"
#include "policy/snapshot/tree.h"

bool pol_lint_rule_within(const struct pol_rule *rule, const struct pol_permset *set)
{
	for (uint32_t i = 0; i < rule->run_count; i++) {
		if (!pol_permset_has_all(set, rule->runs[i])) {
			return false;
		}
	}
	for (uint32_t i = 0; i < rule->set_count; i++) {
		if (!pol_permset_covers(set, &rule->sets[i])) {
			return false;
		}
	}
	return rule->run_count + rule->set_count > 0;
}

bool pol_lint_rule_meets(const struct pol_rule *rule, const struct pol_permset *set)
{
	for (uint32_t i = 0; i < rule->run_count; i++) {
		if (pol_permset_has_any(set, rule->runs[i])) {
			return true;
		}
	}
	for (uint32_t i = 0; i < rule->set_count; i++) {
		if (pol_permset_meets(set, &rule->sets[i])) {
			return true;
		}
	}
	return false;
}

enum pol_status pol_lint_rule_set(
	struct pol_linter *linter, const struct pol_rule *rule, struct pol_permset *out)
{
	struct pol_permset set = { 0 };
	enum pol_status status =
		pol_permset_pool_of_runs(linter->pool, rule->runs, rule->run_count, &set);

	for (uint32_t i = 0; status == POL_OK && i < rule->set_count; i++) {
		status = pol_permset_pool_union(linter->pool, &set, &rule->sets[i], &set);
	}
	if (status == POL_OK) {
		*out = set;
	}
	return status;
}

uint32_t pol_lint_next(const struct pol_permset *set, uint32_t from)
{
	for (uint32_t i = 0; i < set->count; i++) {
		uint32_t base = set->numbers[i] * POL_CHUNK_BITS;
		uint32_t first = from > base ? from - base : 0;

		for (uint32_t bit = first; bit < POL_CHUNK_BITS; bit++) {
			uint64_t word = set->chunks[i]->words[bit / 64] >> (bit % 64);

			if (word == 0) {
				bit |= 63;
			} else if ((word & 1) != 0) {
				return base + bit;
			}
		}
	}
	return POL_NONE;
}

struct pol_str pol_lint_verb(const struct pol_linter *linter, uint32_t permission)
{
	const struct pol_snapshot *snapshot = linter->snapshot;

	return snapshot->verbs[snapshot->permissions[permission]];
}

struct pol_str pol_lint_node(const struct pol_linter *linter, uint32_t permission)
{
	struct pol_resource resource = { .text = linter->text };

	return pol_resource_of_node(&resource, linter->snapshot,
		pol_tree_permission_node(linter->snapshot, permission));
}
