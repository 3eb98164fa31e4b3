/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"
#include "policy/snapshot/conditional.h"

/* --- the paths of a grant --------------------------------------------------------------------- */

/* A condition whose parameters are resolved. */
struct splitting {
	struct pol_compiler *compiler;
	const struct pol_ast_grant *grant;
	const struct pol_ast_condition *when; /* with its own positions */
	uint32_t count;
	uint32_t *segments;                                  /* by pattern, then by parameter */
	struct pol_word words[POL_CONDITION_PREDICATES * 2]; /* the parameters */
};

/* The segment of the pattern that the parameter names. False: it does not name it once, which is
 * reported. */
static bool find_segment(struct pol_compiler *compiler, const struct pol_ast_pattern *pattern,
	const struct pol_word *word, uint32_t *out)
{
	uint32_t found = POL_NONE;

	for (uint32_t i = 0; i < pattern->path.count; i++) {
		const struct pol_segment *segment = &pattern->path.segments[i];

		if ((segment->kind != POL_SEGMENT_PARAM && segment->kind != POL_SEGMENT_REST) ||
			!pol_str_equal(segment->text, word->text)) {
			continue;
		}
		if (segment->kind == POL_SEGMENT_REST) {
			pol_diag_error(compiler->diags, word->at,
				"'{%.*s...}' is the rest of a path: a condition compares one "
				"segment",
				POL_STR_ARGS(word->text));
			return false;
		}
		if (found != POL_NONE) {
			pol_diag_error(compiler->diags, segment->at,
				"'{%.*s}' twice in one path: a condition of the grant compares it",
				POL_STR_ARGS(word->text));
			return false;
		}
		found = i;
	}
	if (found == POL_NONE) {
		struct pol_diag *diag = pol_diag_error(compiler->diags, pattern->path.at,
			"no '{%.*s}' in this path: each path of the grant names what its condition "
			"compares",
			POL_STR_ARGS(word->text));

		pol_diag_note(compiler->diags, diag, word->at, "compared here");
		return false;
	}
	*out = found;
	return true;
}

static enum pol_status find_segments(struct splitting *splitting, bool *out_good)
{
	struct pol_compiler *compiler = splitting->compiler;
	const struct pol_ast_patterns *patterns = &splitting->grant->patterns;
	uint32_t at = 0;

	*out_good = true;
	splitting->segments = pol_arena_alloc(compiler->scratch,
		(size_t)patterns->count * splitting->count, sizeof *splitting->segments);
	if (splitting->segments == NULL) {
		return compiler->scratch->status;
	}
	for (uint32_t i = 0; i < patterns->count; i++) {
		for (uint32_t k = 0; k < splitting->count; k++, at++) {
			*out_good = find_segment(compiler, &patterns->items[i],
					    &splitting->words[k], &splitting->segments[at]) &&
				    *out_good;
		}
	}
	return POL_OK;
}

/* Compiles the condition for pattern `of`. */
static enum pol_status compile_for(
	const struct splitting *splitting, uint32_t of, const struct pol_condition **out)
{
	struct pol_parameter items[POL_CONDITION_PREDICATES * 2];
	struct pol_parameters parameters = { items, splitting->count };

	for (uint32_t i = 0; i < splitting->count; i++) {
		items[i] = (struct pol_parameter){ splitting->words[i].text,
			splitting->segments[of * splitting->count + i] };
	}
	return pol_compile_condition(splitting->compiler, splitting->when, &parameters, out);
}

static bool has_same_segments(const struct splitting *splitting, uint32_t a, uint32_t b)
{
	const uint32_t *segments = splitting->segments;
	size_t count = splitting->count;

	return memcmp(segments + a * count, segments + b * count, count * sizeof *segments) == 0;
}

/* Puts the patterns with the same segments together, in the order of the first of each. */
static enum pol_status group_patterns(
	const struct splitting *splitting, struct pol_conditional_groups *out)
{
	struct pol_arena *scratch = splitting->compiler->scratch;
	const struct pol_ast_patterns *patterns = &splitting->grant->patterns;
	bool *taken = pol_arena_alloc(scratch, patterns->count, sizeof *taken);
	struct pol_ast_pattern *items = pol_arena_alloc(scratch, patterns->count, sizeof *items);
	enum pol_status status = POL_OK;

	out->items = pol_arena_alloc(scratch, patterns->count, sizeof *out->items);
	if (taken == NULL || items == NULL || out->items == NULL) {
		return scratch->status;
	}
	for (uint32_t i = 0; status == POL_OK && i < patterns->count; i++) {
		struct pol_conditional_group *group = &out->items[out->count];

		if (taken[i]) {
			continue;
		}
		group->patterns.items = items;
		for (uint32_t k = i; k < patterns->count; k++) {
			if (!taken[k] && has_same_segments(splitting, i, k)) {
				taken[k] = true;
				*items++ = patterns->items[k];
				group->patterns.count++;
			}
		}
		status = compile_for(splitting, i, &group->condition);
		out->count++;
	}
	return status;
}

static bool check_trees(struct pol_compiler *compiler, const struct pol_ast_grant *grant)
{
	for (uint32_t i = 0; i < grant->patterns.count; i++) {
		if (pol_str_equal(grant->patterns.items[i].tree.text, POL_STR("authz"))) {
			pol_diag_error(compiler->diags, pol_ast_when_at(grant, grant->when->at),
				"the tree 'authz' knows no conditions: a management call brings no "
				"facts");
			return false;
		}
	}
	return true;
}

/* --- conditions that are known ---------------------------------------------------------------- */

/* Is the parameter this segment of the path, and no other? */
static bool is_segment(const struct pol_ast_path *path, struct pol_str name, uint32_t segment)
{
	bool found = false;

	for (uint32_t i = 0; i < path->count; i++) {
		enum pol_segment_kind kind = path->segments[i].kind;

		if ((kind == POL_SEGMENT_PARAM || kind == POL_SEGMENT_REST) &&
			pol_str_equal(path->segments[i].text, name)) {
			if (i != segment || kind == POL_SEGMENT_REST) {
				return false;
			}
			found = true;
		}
	}
	return found;
}

/* Does the condition mean on these paths what it meant where it became known? */
static bool is_known(
	const struct pol_known_condition *known, const struct pol_ast_patterns *patterns)
{
	bool same = known != NULL;

	for (uint32_t i = 0; same && known->name.ptr != NULL && i < patterns->count; i++) {
		same = is_segment(&patterns->items[i].path, known->name, known->segment);
	}
	return same;
}

/* Remembers what a condition with at most one parameter was compiled to. POL_OK or scratch's
 * status. */
static enum pol_status remember(
	const struct splitting *splitting, const struct pol_condition *condition)
{
	struct pol_arena *scratch = splitting->compiler->scratch;
	struct pol_known_condition *known;

	if (splitting->count > 1 || condition == NULL ||
		splitting->compiler->fact_is_used == NULL) {
		return POL_OK;
	}
	known = pol_arena_alloc(scratch, 1, sizeof *known);
	if (known == NULL) {
		return scratch->status;
	}
	known->condition = condition;
	if (splitting->count > 0) {
		known->name = splitting->words[0].text;
		known->segment = splitting->segments[0];
	}
	splitting->grant->when->known = known;
	return POL_OK;
}

/* --- the condition of a grant ----------------------------------------------------------------- */

/* Compiles the condition, whose text is not known. */
static enum pol_status split(struct splitting *splitting, struct pol_conditional_groups *out)
{
	struct pol_conditional_group *whole = &out->whole;
	enum pol_status status;
	bool good;

	splitting->count = pol_compile_condition_parameters(splitting->when, splitting->words,
		sizeof splitting->words / sizeof *splitting->words);
	if (splitting->count == 0) {
		return compile_for(splitting, 0, &whole->condition);
	}
	status = find_segments(splitting, &good);
	if (status != POL_OK) {
		return status;
	}
	if (!good) {
		/* All mistakes are found, whatever the numbers of the segments are. */
		status = compile_for(splitting, 0, &whole->condition);
		whole->condition = NULL;
		return status;
	}
	out->count = 0;
	return group_patterns(splitting, out);
}

enum pol_status pol_compile_conditional_split(struct pol_compiler *compiler,
	const struct pol_ast_grant *grant, struct pol_conditional_groups *out)
{
	const struct pol_diags *diags = compiler->diags;
	size_t said = diags->errors + diags->warnings;
	const struct pol_known_condition *known = grant->when->known;
	struct splitting splitting;
	enum pol_status status;

	*out = (struct pol_conditional_groups){ .items = &out->whole, .count = 1 };
	out->whole.patterns = grant->patterns;
	if (grant->patterns.count == 0 || !check_trees(compiler, grant)) {
		return POL_OK;
	}
	if (is_known(known, &grant->patterns)) {
		out->whole.condition = known->condition;
		return POL_OK;
	}
	/* Not all of it is set: it is large. */
	splitting.compiler = compiler;
	splitting.grant = grant;
	splitting.segments = NULL;
	splitting.when = pol_parse_known_own(compiler->scratch, grant);
	if (splitting.when == NULL) {
		return compiler->scratch->status;
	}
	status = split(&splitting, out);
	if (status == POL_OK && out->count == 1 && diags->errors + diags->warnings == said) {
		status = remember(&splitting, out->items[0].condition);
	}
	return status;
}

uint32_t pol_compile_conditional_pieces(const struct pol_ast_grant *grant)
{
	struct pol_word first;

	return grant->when != NULL && grant->patterns.count > 1 &&
			       pol_compile_condition_parameters(grant->when, &first, 1) > 0
		       ? grant->patterns.count
		       : 1;
}

/* --- what a statement allows or denies under conditions --------------------------------------- */

/* The pieces with one condition. */
struct group {
	const struct pol_condition *condition;
	struct pol_selection selection;
};

/* All of it lives in the compiler's room, which the next statement uses again. */
struct grouping {
	const struct pol_pieces *pieces;
	struct group *groups; /* the first has no condition */
	uint32_t count;
	struct pol_permset *sets; /* of all groups, as `runs` */
	struct pol_run *runs;
	uint32_t *of;    /* by piece */
	uint32_t *slots; /* a table by condition; mask + 1 */
	size_t mask;
};

/* POL_OK or scratch's status. */
static enum pol_status make_room(struct grouping *grouping)
{
	const struct pol_pieces *pieces = grouping->pieces;
	struct pol_compiler *compiler = pieces->compiler;
	size_t groups = pieces->count + 1;
	size_t sets = pieces->selection.set_count;
	size_t runs = pieces->selection.run_count;
	size_t bytes;

	grouping->mask = 1;
	while (grouping->mask < 2 * groups) {
		grouping->mask = grouping->mask * 2 + 1;
	}
	bytes = groups * sizeof *grouping->groups + sets * sizeof *grouping->sets +
		runs * sizeof *grouping->runs + pieces->count * sizeof *grouping->of +
		(grouping->mask + 1) * sizeof *grouping->slots;
	if (bytes > compiler->room_size) {
		void *room =
			pol_arena_grow(compiler->scratch, NULL, 0, bytes, 1, &compiler->room_size);

		if (room == NULL) {
			return compiler->scratch->status;
		}
		compiler->room = room;
	}
	grouping->groups = compiler->room;
	grouping->sets = (void *)(grouping->groups + groups);
	grouping->runs = (void *)(grouping->sets + sets);
	grouping->of = (void *)(grouping->runs + runs);
	grouping->slots = grouping->of + pieces->count;
	memset(grouping->slots, 0, (grouping->mask + 1) * sizeof *grouping->slots);
	return POL_OK;
}

static void begin_group(struct grouping *grouping, const struct pol_condition *condition)
{
	grouping->groups[grouping->count++] = (struct group){ .condition = condition };
}

/* Numbers the conditions of the pieces, in their order. */
static void find_groups(struct grouping *grouping)
{
	const struct pol_pieces *pieces = grouping->pieces;
	uint32_t *slots = grouping->slots;
	size_t mask = grouping->mask;

	begin_group(grouping, NULL);
	for (size_t i = 0; i < pieces->count; i++) {
		const struct pol_condition *condition = pieces->conditions[i];
		uint64_t hash = (uintptr_t)condition * UINT64_C(0x9e3779b97f4a7c15);
		size_t at = (hash ^ hash >> 32) & mask;

		grouping->of[i] = 0;
		if (condition == NULL) {
			continue;
		}
		while (slots[at] != 0 && grouping->groups[slots[at]].condition != condition) {
			at = (at + 1) & mask;
		}
		if (slots[at] == 0) {
			slots[at] = grouping->count;
			begin_group(grouping, condition);
		}
		grouping->of[i] = slots[at];
	}
}

/* Makes one selection of the pieces of each group. */
static void fill_groups(struct grouping *grouping)
{
	const struct pol_pieces *pieces = grouping->pieces;
	struct pol_run *runs = grouping->runs;
	struct pol_permset *sets = grouping->sets;

	for (size_t i = 0; i < pieces->count; i++) {
		struct pol_selection own = pol_compile_cover_pieces(pieces, i);
		struct pol_selection *sum = &grouping->groups[grouping->of[i]].selection;

		sum->run_capacity += own.run_count;
		sum->set_capacity += own.set_count;
	}
	for (uint32_t i = 0; i < grouping->count; i++) {
		struct pol_selection *sum = &grouping->groups[i].selection;

		sum->runs = runs;
		sum->sets = sets;
		runs += sum->run_capacity;
		sets += sum->set_capacity;
	}
	for (size_t i = 0; i < pieces->count; i++) {
		struct pol_selection own = pol_compile_cover_pieces(pieces, i);
		struct pol_selection *sum = &grouping->groups[grouping->of[i]].selection;

		for (size_t k = 0; k < own.run_count; k++) {
			sum->runs[sum->run_count++] = own.runs[k];
		}
		for (size_t k = 0; k < own.set_count; k++) {
			sum->sets[sum->set_count++] = own.sets[k];
		}
	}
}

/* Adds a conditional for each group but the first. */
static enum pol_status add_conditionals(
	struct grouping *grouping, bool deny, struct pol_grantee *out)
{
	struct pol_compiler *compiler = grouping->pieces->compiler;
	struct pol_arena *arena = &compiler->snapshot->arena;
	struct pol_conditional *made = pol_arena_alloc(arena, grouping->count - 1, sizeof *made);
	struct pol_selection whole = { 0 };
	struct pol_conditionals list = { .items = made };
	struct pol_permset sometimes = { 0 };
	enum pol_status status = POL_OK;

	if (made == NULL) {
		return arena->status;
	}
	for (uint32_t i = 1; status == POL_OK && i < grouping->count; i++) {
		const struct group *group = &grouping->groups[i];

		made[list.count].condition = group->condition;
		made[list.count].deny = deny;
		status = pol_compile_expand_set(compiler, &group->selection, &made[list.count].set);
		list.count += made[list.count].set.count > 0;
	}
	/* The runs and sets of all these groups follow those of the first. */
	whole = grouping->groups[0].selection;
	whole.runs += whole.run_count;
	whole.sets += whole.set_count;
	whole.run_count = grouping->pieces->selection.run_count - whole.run_count;
	whole.set_count = grouping->pieces->selection.set_count - whole.set_count;
	if (status == POL_OK) {
		status = pol_compile_expand_set(compiler, &whole, &sometimes);
	}
	list.sometimes = &sometimes;
	return status == POL_OK ? pol_conditional_join(compiler->pool, arena, out, &list) : status;
}

enum pol_status pol_compile_conditional_join(const struct pol_pieces *pieces, bool deny,
	struct pol_permset *out_always, struct pol_grantee *out)
{
	struct grouping grouping = { .pieces = pieces };
	enum pol_status status = make_room(&grouping);

	if (status != POL_OK) {
		return status;
	}
	find_groups(&grouping);
	fill_groups(&grouping);
	status =
		pol_compile_expand_set(pieces->compiler, &grouping.groups[0].selection, out_always);
	return status == POL_OK && grouping.count > 1 ? add_conditionals(&grouping, deny, out)
						      : status;
}
