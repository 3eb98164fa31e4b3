/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain_internal.h"
#include "policy/decide/stack.h"
#include "policy/decide/subject.h"

/*
 * What would have been needed: the roles, or scopes, that allow all that is missing, deny none of
 * what was asked for, and may be given. Nearest are those that are held elsewhere, then those that
 * allow least beside it.
 *
 * What roles allow, what scopes allow and what the stack makes of both are asked one by one: so a
 * role that would do and a scope that would do, do together as well.
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

/* holder: who is to be given a role. */
static void look(struct search *search, const struct pol_explained_holder *holder)
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
			(!search->scopes && !pol_explain_may_be_given(holder, i))) {
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

static void search_roles(struct search *search)
{
	struct pol_explained_holder holder;

	if (!pol_subject_roles_count(&search->explainer->trace->facts)) {
		return;
	}
	if (pol_explain_holder_init(&holder, search->explainer)) {
		look(search, &holder);
	}
	pol_explain_holder_finish(&holder);
}

/* No scope widens what the key's places leave out. */
static void search_scopes(struct search *search)
{
	tell_key_places(search->explainer);
	if (search->explainer->out->key_at == NULL) {
		look(search, NULL);
	}
}

/* Does the stack allow it once the key's scopes do, and the roles do or do not? */
static bool stack_allows(const struct pol_trace *trace, bool roles_allow)
{
	struct pol_charges charges = { .count = 0 };
	struct pol_request request = trace->request;

	request.roles_allow = roles_allow;
	request.scopes_allow = true;
	return pol_stack_run_group(&trace->stack->groups[POL_GROUP_AUTHORIZE], &request, &charges)
		.passed;
}

static bool is_denied(const struct pol_explainer *explainer)
{
	const struct pol_trace *trace = explainer->trace;
	struct pol_run run = trace->run;
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		if (pol_subject_say(explainer->snapshot, &trace->facts, trace->tree, trace->at, &at)
				.denied != 0) {
			return true;
		}
	}
	return false;
}

/* Neither: no role and no scope helps, because one of them denies it or the stack does. */
static struct pol_explained_kinds find_kinds(const struct pol_explainer *explainer)
{
	const struct pol_trace *trace = explainer->trace;
	struct pol_explained_kinds missing = { .scope = !trace->request.scopes_allow };

	if (trace->stage == POL_STAGE_SUBJECT && is_denied(explainer)) {
		return (struct pol_explained_kinds){ 0 };
	}
	if (trace->stage == POL_STAGE_AUTHORIZE ||
		!stack_allows(trace, trace->request.roles_allow)) {
		missing.role = true;
		if (trace->request.roles_allow || !stack_allows(trace, true)) {
			return (struct pol_explained_kinds){ 0 };
		}
	}
	return missing;
}

void pol_explain_needs(struct pol_explainer *explainer)
{
	enum pol_stage stage = explainer->trace->stage;
	struct pol_explanation *told = explainer->out;
	struct search roles = { .explainer = explainer };
	struct search scopes = { .explainer = explainer, .scopes = true };
	struct pol_explained_rule *out;

	if (stage != POL_STAGE_SUBJECT && stage != POL_STAGE_AUTHORIZE) {
		return;
	}
	told->missing = find_kinds(explainer);
	if ((told->missing.role && !find_missing(&roles)) ||
		(told->missing.scope && !find_missing(&scopes))) {
		return;
	}
	if (told->missing.role) {
		search_roles(&roles);
	}
	if (told->missing.scope) {
		search_scopes(&scopes);
	}
	told->none.role = roles.found == 0 && (told->missing.role || !told->missing.scope);
	told->none.scope = scopes.found == 0 && (told->missing.scope || !told->missing.role);
	if (told->none.role || told->none.scope) {
		return;
	}
	out = pol_arena_alloc(explainer->arena, (size_t)roles.count + scopes.count, sizeof *out);
	if (out == NULL) {
		return;
	}
	tell(&roles, out, &told->need_count);
	tell(&scopes, out, &told->need_count);
	told->needs = out;
}
