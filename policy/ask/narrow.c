/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/narrow.h"

#include <stdlib.h>
#include <string.h>

#include "policy/decide/subject.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/resource.h"
#include "policy/snapshot/tree.h"

enum { MAX_SCOPES = sizeof((struct pol_narrow_result *)0)->scopes / sizeof(uint32_t) };
enum { SETS = 5 };

/* The sets are bitmaps of all permissions, filled for each key. */
struct pol_narrow {
	const struct pol_snapshot *snapshot;
	size_t words;
	size_t steps;
	uint64_t *granted; /* what the key has, on whatever condition */
	uint64_t *held;    /* what it would have without its scopes */
	uint64_t *scoped;  /* what its scopes give without a condition */
	uint64_t *needed;  /* what it has of the actions that were used */
	uint64_t *left;    /* what of `needed` no chosen scope covers yet */
	char name[POL_NARROW_NAME];
	char text[POL_RESOURCE_TEXT];
};

static bool has(const uint64_t *set, uint32_t permission)
{
	return (set[permission / 64] >> permission % 64 & 1) != 0;
}

static void add(uint64_t *set, uint32_t permission)
{
	set[permission / 64] |= UINT64_C(1) << permission % 64;
}

/* --- names ------------------------------------------------------------------------------------ */

static size_t put(char *out, size_t at, struct pol_str text)
{
	size_t len = text.len < POL_NARROW_NAME - at ? text.len : POL_NARROW_NAME - at;

	memcpy(out + at, text.ptr, len);
	return at + len;
}

/* `text` has room for a resource. */
static size_t name_action(
	const struct pol_snapshot *snapshot, uint32_t node, uint32_t action, char *text, char *out)
{
	struct pol_resource resource = { .text = text };
	size_t len = put(out, 0, pol_resource_of_node(&resource, snapshot, node));

	len = put(out, len, POL_STR(" "));
	return action == POL_NONE ? len
				  : put(out, len, snapshot->verbs[snapshot->actions[action].verb]);
}

size_t pol_narrow_action_name(
	const struct pol_snapshot *snapshot, uint32_t permission, char out[static POL_NARROW_NAME])
{
	char text[POL_RESOURCE_TEXT];
	uint32_t node = pol_tree_permission_node(snapshot, permission);
	struct pol_run run = { permission, 1 };

	return name_action(snapshot, node, pol_tree_run_action(snapshot, node, run), text, out);
}

/* --- what the key has ------------------------------------------------------------------------- */

enum pol_status pol_narrow_create(const struct pol_snapshot *snapshot, struct pol_narrow **out)
{
	struct pol_narrow *narrow = calloc(1, sizeof *narrow);
	size_t words = snapshot->permission_count / 64 + 1;

	if (narrow == NULL) {
		return POL_ENOMEM;
	}
	narrow->snapshot = snapshot;
	narrow->words = words;
	narrow->granted = calloc(SETS * words, sizeof *narrow->granted);
	if (narrow->granted == NULL) {
		free(narrow);
		return POL_ENOMEM;
	}
	narrow->held = narrow->granted + words;
	narrow->needed = narrow->held + words;
	narrow->left = narrow->needed + words;
	narrow->scoped = narrow->left + words;
	*out = narrow;
	return POL_OK;
}

void pol_narrow_destroy(struct pol_narrow *narrow)
{
	if (narrow != NULL) {
		free(narrow->granted);
		free(narrow);
	}
}

/* A word of what is allowed at any place and on any condition, without what `anyone` allows. */
static uint64_t word_of(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_run_word *at)
{
	struct pol_subject_bits say = pol_subject_general(snapshot, facts, at);
	uint64_t word;

	for (uint32_t h = pol_subject_first(facts); h < facts->held_count; h++) {
		pol_subject_held(snapshot, facts, h, POL_PLACE_INSIDE, at, &say);
	}
	word = ~say.anyone.sure;
	say.anyone = (struct pol_tri){ 0 };
	return pol_subject_may(facts, say) & word;
}

/* A word of what the scopes give without a condition, and never deny. A proposed scope replaces
 * them, so it may allow no more; conditions of roles stay. */
static uint64_t scoped_word(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	const struct pol_run_word *at)
{
	struct pol_subject_bits say = pol_subject_general(snapshot, facts, at);

	return say.scopes.sure & ~(say.denied.sure | say.denied.maybe);
}

static void fill(struct pol_narrow *narrow, const struct pol_facts *facts)
{
	struct pol_facts scoped = *facts, bare = *facts;
	struct pol_run run = { 0, narrow->snapshot->permission_count };
	struct pol_run_word at;
	bool by_scopes = facts->binding == POL_BOUND_TO_SCOPES;

	scoped.key_place_count = 0;
	scoped.narrowed = facts->narrowed_by_scopes;
	bare.key_place_count = 0;
	bare.narrowed = false;
	bare.narrowed_by_scopes = false;
	memset(narrow->granted, 0, SETS * narrow->words * sizeof *narrow->granted);
	for (size_t w = 0; pol_run_next(&run, &at); w++) {
		narrow->granted[w] = word_of(narrow->snapshot, &scoped, &at);
		narrow->held[w] = by_scopes ? at.mask : word_of(narrow->snapshot, &bare, &at);
		narrow->scoped[w] = scoped_word(narrow->snapshot, &scoped, &at);
	}
	narrow->steps += narrow->words * 2 * (1 + facts->held_count + facts->scope_count);
}

/* Counts the actions that the key has, and finds what is needed. */
static void find_needed(struct pol_narrow *narrow, const struct pol_narrow_usage *ask,
	struct pol_narrow_result *out)
{
	const struct pol_snapshot *snapshot = narrow->snapshot;

	for (uint32_t node = 0; node < snapshot->node_count; node++) {
		for (uint32_t i = snapshot->nodes[node].action;
			i < snapshot->nodes[node + 1].action; i++) {
			struct pol_run run = snapshot->actions[i].run;
			uint32_t end = run.first + run.count, p = run.first;
			struct pol_str name = { narrow->name, 0 };

			while (p < end && !has(narrow->granted, p)) {
				p++;
			}
			if (p == end) {
				continue;
			}
			name.len = name_action(snapshot, node, i, narrow->text, narrow->name);
			out->granted++;
			narrow->steps += 16;
			if (!ask->used(ask->context, i, name)) {
				if (ask->unused != NULL) {
					ask->unused(ask->context, name);
				}
				continue;
			}
			out->used++;
			for (; p < end; p++) {
				if (has(narrow->granted, p)) {
					add(narrow->needed, p);
				}
			}
		}
	}
	narrow->steps += snapshot->action_count / 4;
}

/* --- scopes ----------------------------------------------------------------------------------- */

/* What of `held` a scope allows, in one word. */
static uint64_t scope_word(
	const struct pol_narrow *narrow, const struct pol_grantee *scope, size_t w)
{
	struct pol_run_word at = { (uint32_t)(w / POL_CHUNK_WORDS), (uint32_t)(w % POL_CHUNK_WORDS),
		UINT64_MAX };

	return pol_permset_word(&scope->allow, &at) & ~pol_permset_word(&scope->deny, &at) &
	       narrow->held[w];
}

struct weight {
	uint32_t covers; /* permissions of `left` */
	uint32_t adds;   /* permissions that were not used */
	bool wider;      /* it allows what the key did not have */
};

static struct weight weigh(struct pol_narrow *narrow, const struct pol_grantee *scope)
{
	struct weight weight = { 0 };

	for (uint32_t c = 0; c < scope->allow.count && !weight.wider; c++) {
		size_t first = (size_t)scope->allow.numbers[c] * POL_CHUNK_WORDS;

		for (size_t w = first; w < first + POL_CHUNK_WORDS && w < narrow->words; w++) {
			uint64_t word = scope_word(narrow, scope, w);

			weight.covers += (uint32_t)__builtin_popcountll(word & narrow->left[w]);
			weight.adds += (uint32_t)__builtin_popcountll(word & ~narrow->needed[w]);
			weight.wider = weight.wider ||
				       (word & ~(narrow->granted[w] & narrow->scoped[w])) != 0;
		}
		narrow->steps += POL_CHUNK_WORDS;
	}
	return weight;
}

static void cover(struct pol_narrow *narrow, const struct pol_grantee *scope)
{
	for (size_t w = 0; w < narrow->words; w++) {
		narrow->left[w] &= ~scope_word(narrow, scope, w);
	}
	narrow->steps += narrow->words;
}

/* Finds the next scope to take; POL_NONE: none covers anything. A scope that denies, or that has a
 * condition, is never proposed: what it would take from the other scopes is not computed. */
static uint32_t best_scope(struct pol_narrow *narrow)
{
	const struct pol_snapshot *snapshot = narrow->snapshot;
	uint32_t best = POL_NONE;
	struct weight most = { 0 };

	for (uint32_t i = 0; i < snapshot->scope_count; i++) {
		struct weight weight;

		if (!pol_permset_is_empty(&snapshot->scopes[i].deny) ||
			snapshot->scopes[i].conditional_count > 0) {
			continue;
		}
		weight = weigh(narrow, &snapshot->scopes[i]);
		if (weight.wider || weight.covers == 0) {
			continue;
		}
		if (best == POL_NONE || (uint64_t)(weight.adds + 1) * most.covers <
						(uint64_t)(most.adds + 1) * weight.covers) {
			best = i;
			most = weight;
		}
	}
	return best;
}

static bool is_empty(const struct pol_narrow *narrow, const uint64_t *set)
{
	for (size_t w = 0; w < narrow->words; w++) {
		if (set[w] != 0) {
			return false;
		}
	}
	return true;
}

/* Do the chosen scopes leave out anything that the key had? */
static bool is_narrower(struct pol_narrow *narrow, const struct pol_narrow_result *out)
{
	for (size_t w = 0; w < narrow->words; w++) {
		uint64_t kept = 0;

		for (uint32_t i = 0; i < out->scope_count; i++) {
			kept |= scope_word(narrow, &narrow->snapshot->scopes[out->scopes[i]], w);
		}
		if ((narrow->granted[w] & ~kept) != 0) {
			return true;
		}
	}
	return false;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void choose(struct pol_narrow *narrow, struct pol_narrow_result *out)
{
	memcpy(narrow->left, narrow->needed, narrow->words * sizeof *narrow->left);
	while (!is_empty(narrow, narrow->left)) {
		uint32_t scope = out->scope_count < MAX_SCOPES ? best_scope(narrow) : POL_NONE;

		if (scope == POL_NONE) {
			out->scope_count = 0;
			return;
		}
		out->scopes[out->scope_count++] = scope;
		cover(narrow, &narrow->snapshot->scopes[scope]);
	}
	if (!is_narrower(narrow, out)) {
		out->scope_count = 0;
	}
	qsort(out->scopes, out->scope_count, sizeof out->scopes[0], compare_numbers);
}

/* What a scope allows or denies on a condition, in one word. */
static uint64_t sometimes_word(const struct pol_grantee *scope, size_t w)
{
	struct pol_run_word at = { (uint32_t)(w / POL_CHUNK_WORDS), (uint32_t)(w % POL_CHUNK_WORDS),
		UINT64_MAX };

	return pol_permset_word(&scope->sometimes, &at);
}

static void find_unused_scopes(
	struct pol_narrow *narrow, const struct pol_facts *facts, struct pol_narrow_result *out)
{
	for (uint32_t i = 0; i < facts->scope_count && out->unused_count < MAX_SCOPES; i++) {
		const struct pol_grantee *scope;
		bool used = false;

		if (facts->scopes[i] == POL_NONE) {
			continue;
		}
		scope = &narrow->snapshot->scopes[facts->scopes[i]];
		for (size_t w = 0; w < narrow->words && !used; w++) {
			uint64_t word = scope_word(narrow, scope, w) | sometimes_word(scope, w);

			used = (word & narrow->needed[w]) != 0;
		}
		if (!used) {
			out->unused_scopes[out->unused_count++] = facts->scopes[i];
		}
	}
}

void pol_narrow_find(struct pol_narrow *narrow, const struct pol_facts *facts,
	const struct pol_narrow_usage *ask, struct pol_narrow_result *out)
{
	*out = (struct pol_narrow_result){ 0 };
	narrow->steps = 0;
	fill(narrow, facts);
	find_needed(narrow, ask, out);
	if (out->used < out->granted) {
		find_unused_scopes(narrow, facts, out);
	}
	if (out->used > 0 && out->used < out->granted) {
		choose(narrow, out);
	}
}

size_t pol_narrow_steps(const struct pol_narrow *narrow)
{
	return narrow->steps;
}
