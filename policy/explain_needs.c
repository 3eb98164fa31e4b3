/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/explain_internal.h"
#include "policy/stored.h"
#include "policy/stored_internal.h"
#include "policy/subject.h"

/*
 * What would have been needed: the roles, or scopes, that allow all that is missing and deny none
 * of what was asked for. Nearest are those that are held elsewhere, then those that allow least
 * beside it.
 */

/* A verb is served by fewer methods than a word has bits. */
#define RUN_WORDS 2

struct candidate {
	uint32_t number;
	size_t size;
	const struct pol_held *held; /* elsewhere; NULL: not at all */
};

struct search {
	struct pol_explainer *explainer;
	bool scopes;
	struct pol_run_word words[RUN_WORDS]; /* what was asked for */
	uint64_t missing[RUN_WORDS];          /* of it, nobody says */
	uint32_t word_count;
	struct candidate best[POL_EXPLAIN_NEEDS];
	uint32_t count;
	uint32_t found;
};

static const struct pol_held *find_held(const struct pol_facts *facts, uint32_t role)
{
	for (uint32_t i = 0; pol_subject_roles_count(facts) && i < facts->held_count; i++) {
		if (facts->held[i].role == role) {
			return &facts->held[i];
		}
	}
	return NULL;
}

static inline bool may_allow(const struct pol_grantee *grantee, uint32_t permission)
{
	const struct pol_permset *allow = &grantee->allow;
	uint32_t number = permission / POL_CHUNK_BITS;
	const struct pol_chunk *chunk;

	if (!pol_sketch_may_have(&grantee->sketch, number)) {
		return false;
	}
	chunk = allow->numbers[0] == number ? allow->chunks[0] : pol_permset_chunk(allow, number);
	return chunk != NULL &&
	       (chunk->words[permission % POL_CHUNK_BITS / 64] >> (permission % 64) & 1) != 0;
}

/* Does it allow what is missing, and deny nothing? */
static bool would_do(const struct search *search, const struct pol_grantee *grantee)
{
	for (uint32_t i = 0; i < search->word_count; i++) {
		const struct pol_run_word *at = &search->words[i];
		uint64_t missing = search->missing[i];

		if ((pol_permset_word(&grantee->allow, at) & missing) != missing ||
			pol_permset_word(&grantee->deny, at) != 0) {
			return false;
		}
	}
	return true;
}

/* Nobody is given `anyone`, and a tenant's own roles are nobody else's business. */
static bool is_foreign(const struct pol_explainer *explainer, uint32_t role)
{
	const struct pol_snapshot *snapshot = explainer->snapshot;
	uint32_t first = snapshot->role_count - snapshot->stored_count;

	return role == snapshot->anyone ||
	       (role >= first &&
		       snapshot->stored[role - first].tenant != explainer->trace->facts.tenant);
}

static bool is_nearer(const struct candidate *a, const struct candidate *b)
{
	if ((a->held != NULL) != (b->held != NULL)) {
		return a->held != NULL;
	}
	return a->size < b->size;
}

static void offer(struct search *search, struct candidate candidate)
{
	uint32_t at = search->count;

	while (at > 0 && is_nearer(&candidate, &search->best[at - 1])) {
		at--;
	}
	if (at == POL_EXPLAIN_NEEDS) {
		return;
	}
	search->count += search->count < POL_EXPLAIN_NEEDS;
	for (uint32_t i = search->count - 1; i > at; i--) {
		search->best[i] = search->best[i - 1];
	}
	search->best[at] = candidate;
}

/* The first permission that is missing stands for all: the rule of that one is told. */
static uint32_t first_missing(const struct search *search)
{
	struct pol_run left = search->explainer->trace->run;

	for (; left.count > 1; left.first++, left.count--) {
		uint32_t word = left.first / 64 - search->explainer->trace->run.first / 64;

		if ((search->missing[word] >> left.first % 64 & 1) != 0) {
			break;
		}
	}
	return left.first;
}

static void look(struct search *search)
{
	const struct pol_explainer *explainer = search->explainer;
	const struct pol_snapshot *snapshot = explainer->snapshot;
	const struct pol_grantee *grantees = search->scopes ? snapshot->scopes : snapshot->roles;
	uint32_t count = search->scopes ? snapshot->scope_count : snapshot->role_count;
	uint32_t first = first_missing(search);

	for (uint32_t i = 0; i < count; i++) {
		struct candidate candidate = { .number = i };

		/* Most have nothing to do with it, which one look tells. */
		if (!may_allow(&grantees[i], first) || !would_do(search, &grantees[i]) ||
			(!search->scopes && is_foreign(explainer, i))) {
			continue;
		}
		search->found++;
		candidate.held = search->scopes ? NULL : find_held(&explainer->trace->facts, i);
		if (search->found <= POL_EXPLAIN_CANDIDATES || candidate.held != NULL) {
			candidate.size = pol_permset_size(&grantees[i].allow);
			offer(search, candidate);
		}
	}
}

/* False: there are more words than any verb has. */
static bool find_missing(struct search *search)
{
	const struct pol_trace *trace = search->explainer->trace;
	struct pol_run run = trace->run;
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		struct pol_say say = pol_subject_say(
			search->explainer->snapshot, &trace->facts, trace->tree, trace->at, &at);

		if (search->word_count == RUN_WORDS) {
			return false;
		}
		search->words[search->word_count] = at;
		search->missing[search->word_count++] =
			at.mask & ~((search->scopes ? say.scopes : say.roles) | say.anyone);
	}
	return true;
}

static void tell(struct search *search, struct pol_explained_rule *out, uint32_t *count)
{
	uint32_t permission = first_missing(search);

	for (uint32_t i = 0; i < search->count; i++) {
		const struct candidate *candidate = &search->best[i];
		struct pol_explained_rule rule = { .scope = search->scopes };

		if (candidate->held != NULL) {
			rule.held = true;
			rule.at = candidate->held->places;
			rule.at_count = candidate->held->place_count;
			rule.until = candidate->held->until;
		}
		if (pol_explain_rule(search->explainer, candidate->number, permission, &rule)) {
			out[(*count)++] = rule;
		}
	}
	search->explainer->out->more_needs += search->found - search->count;
}

static void search(struct search *search)
{
	if (find_missing(search)) {
		look(search);
	}
}

/* The key's places, when they are why no scope counts. */
static void tell_key_places(struct pol_explainer *explainer)
{
	const struct pol_trace *trace = explainer->trace;
	const struct pol_facts *facts = &trace->facts;
	struct pol_held places = { .places = facts->key_places,
		.place_count = facts->key_place_count };
	const struct pol_str *inside;

	if (pol_subject_key_counts(facts) && facts->key_place_count > 0 &&
		pol_subject_match(&places, trace->tree, trace->at, &inside) != POL_PLACE_INSIDE) {
		explainer->out->key_at = facts->key_places;
		explainer->out->key_at_count = facts->key_place_count;
	}
}

void pol_explain_needs(struct pol_explainer *explainer)
{
	const struct pol_trace *trace = explainer->trace;
	struct search roles = { .explainer = explainer };
	struct search scopes = { .explainer = explainer, .scopes = true };
	struct pol_explained_rule *out;
	bool stopped = trace->stage == POL_STAGE_SUBJECT || trace->stage == POL_STAGE_AUTHORIZE;
	uint32_t count = 0;

	if (!stopped || (trace->request.roles_allow && trace->request.scopes_allow)) {
		return;
	}
	for (uint32_t i = 0; i < explainer->out->rule_count; i++) {
		/* No role and no scope helps against a denial. */
		if (explainer->out->rules[i].deny) {
			return;
		}
	}
	if (!trace->request.scopes_allow) {
		tell_key_places(explainer);
	}
	if (!trace->request.roles_allow && trace->facts.binding != POL_BOUND_TO_SCOPES) {
		search(&roles);
	}
	/* No scope widens what the places leave out. */
	if (!trace->request.scopes_allow && explainer->out->key_at == NULL) {
		search(&scopes);
	}
	out = pol_arena_alloc(explainer->arena, (size_t)roles.count + scopes.count, sizeof *out);
	if (out == NULL) {
		return;
	}
	tell(&roles, out, &count);
	tell(&scopes, out, &count);
	explainer->out->needs = out;
	explainer->out->need_count = count;
}
