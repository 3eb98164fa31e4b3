/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/compile/compile_condition.h"

/* A statement with more grants of one effect than this is not checked for grants that cover each
 * other: the time for that grows with the square. */
#define COVER_GRANTS 512

struct pol_selection pol_compile_cover_pieces(const struct pol_pieces *pieces, size_t i)
{
	size_t run = i > 0 ? pieces->run_ends[i - 1] : 0;
	size_t set = i > 0 ? pieces->set_ends[i - 1] : 0;
	size_t run_count = pieces->run_ends[i] - run;
	size_t set_count = pieces->set_ends[i] - set;

	return (struct pol_selection){
		.runs = run_count > 0 ? pieces->selection.runs + run : NULL,
		.run_count = run_count,
		.sets = set_count > 0 ? pieces->selection.sets + set : NULL,
		.set_count = set_count,
	};
}

/* Do any two pieces have a permission in common? `runs` is the set of all runs. Costs little
 * compared to making the set, and is mostly false. */
static bool overlaps(const struct pol_selection *selection, const struct pol_permset *runs)
{
	size_t sum = 0;

	for (size_t i = 0; i < selection->run_count; i++) {
		sum += selection->runs[i].count;
	}
	if (sum != pol_permset_size(runs)) {
		return true;
	}
	for (size_t i = 0; i < selection->set_count; i++) {
		if (pol_permset_meets(runs, &selection->sets[i])) {
			return true;
		}
		for (size_t k = i + 1; k < selection->set_count; k++) {
			if (pol_permset_meets(&selection->sets[i], &selection->sets[k])) {
				return true;
			}
		}
	}
	return false;
}

/* Is the run within one piece of `whole`, whose runs are merged? */
static bool covers_run(const struct pol_selection *whole, struct pol_run run)
{
	for (size_t i = 0; i < whole->run_count; i++) {
		if (whole->runs[i].first <= run.first &&
			run.first + run.count <= whole->runs[i].first + whole->runs[i].count) {
			return true;
		}
	}
	for (size_t i = 0; i < whole->set_count; i++) {
		if (pol_permset_has_all(&whole->sets[i], run)) {
			return true;
		}
	}
	return false;
}

static bool covers_set(const struct pol_selection *whole, const struct pol_permset *set)
{
	for (size_t i = 0; i < whole->set_count; i++) {
		if (pol_permset_covers(&whole->sets[i], set)) {
			return true;
		}
	}
	return false;
}

/* Is every piece of `part` within one piece of `whole`? What only several pieces cover together
 * does not count. */
static bool covers(const struct pol_selection *whole, const struct pol_selection *part)
{
	for (size_t i = 0; i < part->run_count; i++) {
		if (!covers_run(whole, part->runs[i])) {
			return false;
		}
	}
	for (size_t i = 0; i < part->set_count; i++) {
		if (!covers_set(whole, &part->sets[i])) {
			return false;
		}
	}
	return part->run_count + part->set_count > 0;
}

static void warn_covered(const struct pol_pieces *pieces, size_t i)
{
	struct pol_selection own = pol_compile_cover_pieces(pieces, i);

	for (size_t k = 0; k < pieces->count; k++) {
		struct pol_selection other = pol_compile_cover_pieces(pieces, k);
		bool alike = pieces->conditions[k] == pieces->conditions[i];
		struct pol_diag *diag;

		/* When two grants are equal, the later one is reported. */
		if (k == i || pieces->doubtful[k] || !covers(&other, &own) ||
			(alike ? i < k && covers(&own, &other) : pieces->conditions[k] != NULL)) {
			continue;
		}
		diag = pol_diag_warning(pieces->compiler->diags, pieces->grants[i]->at,
			POL_WARNING_RULE_COVERED,
			alike ? "another rule covers this one whole"
			      : "another rule covers this one whole: its condition never matters");
		pol_diag_note(pieces->compiler->diags, diag, pieces->grants[k]->at, "that one");
		return;
	}
}

/* The same as join for pieces some of which have a condition. */
static enum pol_status join_conditional(const struct pol_pieces *pieces, bool deny,
	struct pol_permset *out_set, struct pol_grantee *out)
{
	const struct pol_selection *all = &pieces->selection;
	enum pol_status status = pol_compile_conditional_join(pieces, deny, out_set, out);
	bool doubtful;
	size_t sum = 0;

	if (status != POL_OK || pieces->count > COVER_GRANTS) {
		return status;
	}
	for (size_t i = 0; i < all->run_count; i++) {
		sum += all->runs[i].count;
	}
	for (size_t i = 0; i < all->set_count; i++) {
		sum += pol_permset_size(&all->sets[i]);
	}
	doubtful = pol_permset_meets(out_set, &out->sometimes) ||
		   sum != pol_permset_size(out_set) + pol_permset_size(&out->sometimes);
	for (size_t i = 0; doubtful && i < pieces->count; i++) {
		if (!pieces->doubtful[i]) {
			warn_covered(pieces, i);
		}
	}
	return POL_OK;
}

enum pol_status pol_compile_cover_join(const struct pol_pieces *pieces, bool deny,
	struct pol_permset *out_set, struct pol_grantee *out)
{
	struct pol_selection runs = pieces->selection;
	struct pol_permset set;
	enum pol_status status;
	bool doubtful;

	if (pieces->any_conditional) {
		return join_conditional(pieces, deny, out_set, out);
	}
	runs.set_count = 0;
	status = pol_compile_expand_set(pieces->compiler, &runs, &set);
	if (status != POL_OK) {
		return status;
	}
	doubtful = pieces->count > 1 && pieces->count <= COVER_GRANTS &&
		   overlaps(&pieces->selection, &set);
	for (size_t i = 0; status == POL_OK && i < pieces->selection.set_count; i++) {
		status = pol_permset_pool_union(
			pieces->compiler->pool, &set, &pieces->selection.sets[i], &set);
	}
	*out_set = set;
	for (size_t i = 0; doubtful && status == POL_OK && i < pieces->count; i++) {
		if (!pieces->doubtful[i]) {
			warn_covered(pieces, i);
		}
	}
	return status;
}
