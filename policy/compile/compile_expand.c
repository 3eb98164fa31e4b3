/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>

#include "policy/compile/compile.h"

/* A piece of more than SMALL_RUNS runs, or with a first run of more than SMALL_BITS permissions,
 * becomes a set, which all grants that select it share. Smaller pieces are cheaper to add than to
 * look up. */
#define SMALL_RUNS 8
#define SMALL_BITS POL_CHUNK_BITS

/* As many verb numbers as a cache line holds. */
#define FEW_PERMISSIONS 16

/* A set in the cache: the permissions of one verb in [first, end). */
struct expansion {
	uint32_t first, end;
	uint32_t verb;
	struct pol_permset set; /* empty: the slot is free */
};

struct pol_expansions {
	struct expansion *slots;
	size_t count, mask;
};

#define FIRST_TABLE ((size_t)64)

/* Up to this many runs an insertion sort is faster than qsort. */
#define FEW_RUNS ((size_t)64)

enum pol_status pol_compile_expand_create(struct pol_compiler *compiler)
{
	struct pol_expansions *made = calloc(1, sizeof *made);

	if (made == NULL) {
		return POL_ENOMEM;
	}
	compiler->expansions = made;
	made->slots = calloc(FIRST_TABLE, sizeof *made->slots);
	if (made->slots == NULL) {
		return POL_ENOMEM;
	}
	made->mask = FIRST_TABLE - 1;
	return POL_OK;
}

void pol_compile_expand_destroy(struct pol_compiler *compiler)
{
	if (compiler->expansions != NULL) {
		free(compiler->expansions->slots);
		free(compiler->expansions);
		compiler->expansions = NULL;
	}
}

/* How many runs each verb has, into count[verb]. */
static void count_runs(const struct pol_snapshot *snapshot, uint32_t *count)
{
	for (uint32_t i = 0; i < snapshot->action_count; i++) {
		count[snapshot->actions[i].verb] += snapshot->actions[i].has_methods;
	}
	for (uint32_t i = 0; i < snapshot->permission_count; i++) {
		count[snapshot->permissions[i]]++;
	}
}

static void put_run(struct pol_postings *postings, uint32_t *end, uint32_t verb, struct pol_run run)
{
	assert(end[verb] == postings->begin[verb] ||
		postings->runs[end[verb] - 1].first + postings->runs[end[verb] - 1].count <=
			run.first);
	postings->runs[end[verb]++] = run;
}

/* Lists every verb's runs in the order of the permissions, for a binary search. One verb may be an
 * action with methods in one node and a plain action in another; both are in its list. Actions are
 * numbered in the order of their permissions, and one node has a verb once, so a pass over the
 * actions appends each verb's runs in order. */
enum pol_status pol_compile_expand_postings(struct pol_compiler *compiler)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	struct pol_postings *postings = &compiler->postings;
	size_t most = (size_t)snapshot->action_count + snapshot->permission_count;
	uint32_t *end =
		pol_arena_alloc(compiler->scratch, (size_t)snapshot->verb_count + 1, sizeof *end);

	postings->begin = pol_arena_alloc(
		compiler->scratch, (size_t)snapshot->verb_count + 1, sizeof *postings->begin);
	postings->runs = pol_arena_alloc(compiler->scratch, most, sizeof *postings->runs);
	if (end == NULL || postings->begin == NULL || postings->runs == NULL) {
		return compiler->scratch->status;
	}
	count_runs(snapshot, end);
	for (uint32_t v = 0, sum = 0; v <= snapshot->verb_count; v++) {
		uint32_t count = end[v];

		postings->begin[v] = sum;
		end[v] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < snapshot->action_count; i++) {
		const struct pol_action *action = &snapshot->actions[i];

		if (action->has_methods) {
			put_run(postings, end, action->verb, action->run);
		}
		for (uint32_t k = 0; k < action->run.count; k++) {
			uint32_t permission = action->run.first + k;

			put_run(postings, end, snapshot->permissions[permission],
				(struct pol_run){ permission, 1 });
		}
	}
	return POL_OK;
}

/* The first of runs [low, high) that begins at `permission` or later. */
static uint32_t lower_bound(
	const struct pol_run *runs, uint32_t low, uint32_t high, uint32_t permission)
{
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (runs[middle].first < permission) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

static enum pol_status add_run(
	struct pol_compiler *compiler, struct pol_selection *into, struct pol_run run)
{
	if (into->run_count == into->run_capacity) {
		struct pol_run *grown = pol_arena_grow(compiler->scratch, into->runs,
			into->run_count, into->run_count + 1, sizeof *grown, &into->run_capacity);

		if (grown == NULL) {
			return compiler->scratch->status;
		}
		into->runs = grown;
	}
	into->runs[into->run_count++] = run;
	return POL_OK;
}

enum pol_status pol_compile_expand_add_set(
	struct pol_compiler *compiler, struct pol_selection *into, struct pol_permset set)
{
	if (into->set_count == into->set_capacity) {
		struct pol_permset *grown = pol_arena_grow(compiler->scratch, into->sets,
			into->set_count, into->set_count + 1, sizeof *grown, &into->set_capacity);

		if (grown == NULL) {
			return compiler->scratch->status;
		}
		into->sets = grown;
	}
	into->sets[into->set_count++] = set;
	return POL_OK;
}

static size_t slot_of(
	const struct pol_expansions *made, uint32_t first, uint32_t end, uint32_t verb)
{
	uint64_t hash = ((uint64_t)first << 32 | end) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at;

	hash = (hash ^ hash >> 31 ^ verb) * UINT64_C(0xbf58476d1ce4e5b9);
	at = (hash ^ hash >> 32) & made->mask;
	while (made->slots[at].set.count != 0 &&
		(made->slots[at].first != first || made->slots[at].end != end ||
			made->slots[at].verb != verb)) {
		at = (at + 1) & made->mask;
	}
	return at;
}

static enum pol_status grow_expansions(struct pol_compiler *compiler)
{
	struct pol_expansions *made = compiler->expansions;
	struct pol_expansions grown = { .mask = made->mask * 2 + 1, .count = made->count };

	if (!pol_budget_take(compiler->scratch->budget, (grown.mask + 1) * sizeof *grown.slots)) {
		return POL_ELIMIT;
	}
	pol_budget_give(compiler->scratch->budget, (made->mask + 1) * sizeof *made->slots);
	grown.slots = calloc(grown.mask + 1, sizeof *grown.slots);
	if (grown.slots == NULL) {
		return POL_ENOMEM;
	}
	for (size_t i = 0; i <= made->mask; i++) {
		const struct expansion *old = &made->slots[i];

		if (old->set.count != 0) {
			grown.slots[slot_of(&grown, old->first, old->end, old->verb)] = *old;
		}
	}
	free(made->slots);
	*made = grown;
	return POL_OK;
}

/* The set of the runs, which are all of the key: the cached one, or a new one. */
static enum pol_status find_set(struct pol_compiler *compiler, const struct expansion *key,
	const struct pol_run *runs, size_t count, struct pol_permset *out)
{
	struct pol_expansions *made = compiler->expansions;
	enum pol_status status = POL_OK;
	size_t at;

	if (made->count * 2 > made->mask) {
		status = grow_expansions(compiler);
	}
	if (status != POL_OK) {
		return status;
	}
	at = slot_of(made, key->first, key->end, key->verb);
	if (made->slots[at].set.count == 0) {
		struct expansion fresh = *key;

		status = pol_permset_pool_of_runs(compiler->pool, runs, count, &fresh.set);
		if (status != POL_OK) {
			return status;
		}
		made->slots[at] = fresh;
		made->count += fresh.set.count > 0;
	}
	*out = made->slots[at].set;
	return POL_OK;
}

/* Adds a large piece as a set. */
static enum pol_status add_large(struct pol_compiler *compiler, struct pol_selection *into,
	const struct expansion *key, const struct pol_run *runs, size_t count)
{
	struct pol_permset set;
	enum pol_status status = find_set(compiler, key, runs, count, &set);

	return status == POL_OK ? pol_compile_expand_add_set(compiler, into, set) : status;
}

/* The set of one run, which many grants on a condition select alone. */
static enum pol_status find_run(
	struct pol_compiler *compiler, const struct pol_run *run, struct pol_permset *out)
{
	struct expansion key = { run->first, run->first + run->count, POL_NONE, { 0 } };

	return find_set(compiler, &key, run, 1, out);
}

/* Expands a range with so few permissions that a pass over them touches less memory than a search
 * among the verb's runs. */
static enum pol_status expand_few(struct pol_compiler *compiler, struct pol_node_range range,
	uint32_t verb, struct pol_selection *into, bool *out_any)
{
	const struct pol_snapshot *snapshot = compiler->snapshot;
	const struct pol_node *first = &snapshot->nodes[range.first];
	const struct pol_node *end = &snapshot->nodes[range.end];
	/* No action with methods has the name of a method. */
	uint32_t actions_end = snapshot->verb_is_method[verb] ? first->action : end->action;
	enum pol_status status = POL_OK;

	for (uint32_t i = first->action; status == POL_OK && i < actions_end; i++) {
		const struct pol_action *action = &snapshot->actions[i];

		if (action->verb == verb && action->has_methods) {
			*out_any = true;
			status = add_run(compiler, into, action->run);
		}
	}
	for (uint32_t i = first->first; status == POL_OK && i < end->first; i++) {
		if (snapshot->permissions[i] == verb) {
			*out_any = true;
			status = add_run(compiler, into, (struct pol_run){ i, 1 });
		}
	}
	return status;
}

enum pol_status pol_compile_expand(struct pol_compiler *compiler, struct pol_node_range range,
	uint32_t verb, struct pol_selection *into, bool *out_any)
{
	const struct pol_node *nodes = compiler->snapshot->nodes;
	const struct pol_postings *postings = &compiler->postings;
	struct expansion key = { nodes[range.first].first, nodes[range.end].first, verb, { 0 } };
	struct pol_run all = { key.first, key.end - key.first };
	const struct pol_run *runs = &all;
	uint32_t count = all.count > 0 ? 1 : 0;
	enum pol_status status = POL_OK;

	if (verb != POL_NONE && all.count <= FEW_PERMISSIONS) {
		return expand_few(compiler, range, verb, into, out_any);
	}
	if (verb != POL_NONE) {
		uint32_t end = postings->begin[verb + 1];
		uint32_t begin = lower_bound(postings->runs, postings->begin[verb], end, key.first);

		runs = postings->runs + begin;
		count = lower_bound(postings->runs, begin, end, key.end) - begin;
	}
	if (count == 0) {
		return POL_OK;
	}
	*out_any = true;
	if (count > SMALL_RUNS || runs[0].count > SMALL_BITS) {
		return add_large(compiler, into, &key, runs, count);
	}
	for (uint32_t i = 0; status == POL_OK && i < count; i++) {
		status = add_run(compiler, into, runs[i]);
	}
	return status;
}

enum pol_status pol_compile_expand_set(struct pol_compiler *compiler,
	const struct pol_selection *selection, struct pol_permset *out)
{
	struct pol_permset set = { 0 };
	enum pol_status status;

	if (selection->run_count == 1 && selection->set_count == 0) {
		return find_run(compiler, selection->runs, out);
	}
	status = pol_permset_pool_of_runs(
		compiler->pool, selection->runs, selection->run_count, &set);
	for (size_t i = 0; status == POL_OK && i < selection->set_count; i++) {
		status = pol_permset_pool_union(compiler->pool, &set, &selection->sets[i], &set);
	}
	if (status == POL_OK) {
		*out = set;
	}
	return status;
}

static int compare_runs(const void *a, const void *b)
{
	const struct pol_run *x = a;
	const struct pol_run *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

static void sort_runs(struct pol_run *runs, size_t count)
{
	if (count > FEW_RUNS) {
		qsort(runs, count, sizeof *runs, compare_runs);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		struct pol_run run = runs[i];
		size_t k = i;

		for (; k > 0 && runs[k - 1].first > run.first; k--) {
			runs[k] = runs[k - 1];
		}
		runs[k] = run;
	}
}

void pol_compile_expand_merge(struct pol_selection *selection, size_t first)
{
	size_t count = selection->run_count - first;
	struct pol_run *runs;
	size_t kept = 0;

	/* Without runs there may be no array. */
	if (count < 2) {
		return;
	}
	runs = selection->runs + first;
	sort_runs(runs, count);
	for (size_t i = 1; i < count; i++) {
		uint32_t end = runs[kept].first + runs[kept].count;
		uint32_t next = runs[i].first + runs[i].count;

		if (runs[i].first > end) {
			runs[++kept] = runs[i];
		} else if (next > end) {
			runs[kept].count = next - runs[kept].first;
		}
	}
	selection->run_count = first + kept + 1;
}
