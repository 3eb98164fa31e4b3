/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/explain_internal.h"
#include "policy/decide/stack.h"
#include "policy/decide/subject.h"

/*
 * Finds the roles and scopes that would have allowed the request: they allow all permissions that
 * are missing, deny none of those asked for, and may be assigned. A condition that is not false
 * counts, and is shown. First come those that are held at other places, then those that allow the
 * fewest permissions.
 *
 * Roles and scopes are searched apart, and find_kinds asks the stack what it makes of both. So when
 * both are missing, any role found and any scope found suffice together.
 */

/* The permissions of a verb lie in at most this many words: it has fewer methods than a word has
 * bits. */
#define RUN_WORDS 2

struct candidate {
	uint32_t number;
	size_t size;
	const struct pol_held *held; /* how it is held, at other places; NULL: not at all */
};

struct search {
	struct pol_explainer *explainer;
	bool scopes;
	struct pol_run_word words[RUN_WORDS]; /* the permissions asked for */
	uint64_t missing[RUN_WORDS];          /* those of them that nothing allows */
	uint32_t word_count;
	struct candidate best[POL_EXPLAIN_NEEDS];
	uint32_t count;
	uint32_t found; /* all that would do, also those that are not in `best` */
};

static const struct pol_held *find_held(const struct pol_facts *facts, uint32_t role)
{
	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		if (facts->held[i].role == role) {
			return &facts->held[i];
		}
	}
	return NULL;
}

static inline bool has_permission(const struct pol_permset *set, uint32_t permission)
{
	uint32_t number = permission / POL_CHUNK_BITS;
	const struct pol_chunk *chunk;

	if (set->count == 0) {
		return false;
	}
	chunk = set->numbers[0] == number ? set->chunks[0] : pol_permset_chunk(set, number);
	return chunk != NULL &&
	       (chunk->words[permission % POL_CHUNK_BITS / 64] >> (permission % 64) & 1) != 0;
}

static inline bool may_allow(const struct pol_grantee *grantee, uint32_t permission)
{
	return pol_sketch_may_have(&grantee->sketch, permission / POL_CHUNK_BITS) &&
	       (has_permission(&grantee->allow, permission) ||
		       has_permission(&grantee->sometimes, permission));
}

/* Adds what it allows on conditions that are not false. False: one by which it denies some of the
 * word is not. */
static bool add_conditionals(const struct search *search, const struct pol_grantee *grantee,
	const struct pol_run_word *at, uint64_t *allowed)
{
	struct pol_truth_table *truth = search->explainer->truth;

	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *conditional = &grantee->conditionals[i];
		uint64_t word = pol_permset_word(&conditional->set, at);

		if (word == 0 || pol_truth_of(truth, conditional->condition) == POL_FALSE) {
			continue;
		}
		if (conditional->deny) {
			return false;
		}
		*allowed |= word;
	}
	return true;
}

/* Does it allow all that is missing, and deny none of what was asked for? A condition that is
 * unknown may hold when the same is asked with its facts. */
static bool would_do(const struct search *search, const struct pol_grantee *grantee)
{
	for (uint32_t i = 0; i < search->word_count; i++) {
		const struct pol_run_word *at = &search->words[i];
		uint64_t missing = search->missing[i];
		uint64_t allowed = pol_permset_word(&grantee->allow, at);

		if (pol_permset_word(&grantee->deny, at) != 0 ||
			(grantee->conditional_count > 0 &&
				!add_conditionals(search, grantee, at, &allowed)) ||
			(allowed & missing) != missing) {
			return false;
		}
	}
	return true;
}

/* The condition on which the role or scope allows the permission: the first that is true, or else
 * the first that is unknown. NULL: it allows it always. */
static const struct pol_condition *find_condition(
	const struct search *search, const struct pol_grantee *grantee, uint32_t permission)
{
	const struct pol_condition *found = NULL;

	if (pol_permset_has(&grantee->allow, permission)) {
		return NULL;
	}
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *conditional = &grantee->conditionals[i];
		enum pol_truth truth;

		if (conditional->deny || !pol_permset_has(&conditional->set, permission)) {
			continue;
		}
		truth = pol_truth_of(search->explainer->truth, conditional->condition);
		if (truth == POL_TRUE) {
			return conditional->condition;
		}
		found = found == NULL && truth == POL_UNKNOWN ? conditional->condition : found;
	}
	return found;
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

/* The first missing permission. The explanation shows the rule that allows this one. */
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

/* Searches all roles, or all scopes. holder: the subject, for roles; NULL for scopes. */
static void search_all(struct search *search, const struct pol_explained_holder *holder)
{
	const struct pol_explainer *explainer = search->explainer;
	const struct pol_snapshot *snapshot = explainer->snapshot;
	const struct pol_grantee *grantees = search->scopes ? snapshot->scopes : snapshot->roles;
	uint32_t count = search->scopes ? snapshot->scope_count : snapshot->role_count;
	uint32_t first = first_missing(search);

	for (uint32_t i = 0; i < count; i++) {
		struct candidate candidate = { .number = i };

		/* may_allow is a quick test that most of them fail. */
		if (!may_allow(&grantees[i], first) || !would_do(search, &grantees[i]) ||
			(!search->scopes && !pol_explain_roles_may_assign(holder, i))) {
			continue;
		}
		search->found++;
		candidate.held = search->scopes ? NULL : find_held(&explainer->trace->facts, i);
		if (search->found <= POL_EXPLAIN_CANDIDATES || candidate.held != NULL) {
			candidate.size = pol_permset_size(&grantees[i].allow) +
					 pol_permset_size(&grantees[i].sometimes);
			offer(search, candidate);
		}
	}
}

/* Finds what is missing. False: there are more words than any verb has. */
static bool find_missing(struct search *search)
{
	const struct pol_trace *trace = search->explainer->trace;
	struct pol_run run = trace->run;
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		struct pol_subject_bits say = pol_subject_decide(search->explainer->truth, &at);

		if (search->word_count == RUN_WORDS) {
			return false;
		}
		search->words[search->word_count] = at;
		search->missing[search->word_count++] =
			at.mask &
			~((search->scopes ? say.scopes.sure : say.roles.sure) | say.anyone.sure);
	}
	return true;
}

static void explain_candidates(
	struct search *search, struct pol_explained_rule *out, uint32_t *count)
{
	const struct pol_facts *facts = &search->explainer->trace->facts;
	const struct pol_snapshot *snapshot = search->explainer->snapshot;
	const struct pol_grantee *grantees = search->scopes ? snapshot->scopes : snapshot->roles;
	uint32_t permission = first_missing(search);

	for (uint32_t i = 0; i < search->count; i++) {
		const struct candidate *candidate = &search->best[i];
		struct pol_explained_rule rule = { .scope = search->scopes };

		if (candidate->held != NULL) {
			rule.held = true;
			rule.at = candidate->held->places;
			rule.at_count = candidate->held->place_count;
			rule.until = candidate->held->until;
			rule.holder = pol_subject_holder(
				facts, (uint32_t)(candidate->held - facts->held));
		}
		rule.condition = find_condition(search, &grantees[candidate->number], permission);
		if (pol_explain_rules_find(
			    search->explainer, candidate->number, permission, &rule)) {
			pol_explain_condition(search->explainer, &rule);
			out[(*count)++] = rule;
		}
	}
	search->explainer->out->more_needs += search->found - search->count;
}

/* Notes the key's places when the path is outside of them, so that no scope counts. */
static void explain_key_places(struct pol_explainer *explainer)
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
	if (pol_explain_roles_init(&holder, search->explainer)) {
		search_all(search, &holder);
	}
	pol_explain_roles_finish(&holder);
}

/* Searches the scopes, unless the path is outside of the key's places: no scope helps then. */
static void search_scopes(struct search *search)
{
	explain_key_places(search->explainer);
	if (search->explainer->out->key_at == NULL) {
		search_all(search, NULL);
	}
}

/* Does the stack allow the request when the key's scopes do, and the roles do or do not? */
static bool stack_allows(const struct pol_trace *trace, bool roles_allow)
{
	struct pol_charges charges = { .count = 0 };
	struct pol_request request = trace->request;

	request.roles_allow = roles_allow;
	request.scopes_allow = true;
	return pol_stack_run_group(&trace->stack->groups[POL_GROUP_AUTHORIZE], &request, &charges)
		.passed;
}

/* Does a role or scope that counts deny any of it? */
static bool is_denied(const struct pol_explainer *explainer)
{
	const struct pol_trace *trace = explainer->trace;
	struct pol_run run = trace->run;
	struct pol_run_word at;

	while (pol_run_next(&run, &at)) {
		if (pol_subject_decide(explainer->truth, &at).denied.sure != 0) {
			return true;
		}
	}
	return false;
}

/* Finds which kinds are missing. Neither: no role or scope helps, because a role, a scope or the
 * stack denies the request. */
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
	struct pol_explanation *explanation = explainer->out;
	struct search roles = { .explainer = explainer };
	struct search scopes = { .explainer = explainer, .scopes = true };
	struct pol_explained_rule *out;

	if (stage != POL_STAGE_SUBJECT && stage != POL_STAGE_AUTHORIZE) {
		return;
	}
	explanation->missing = find_kinds(explainer);
	if ((explanation->missing.role && !find_missing(&roles)) ||
		(explanation->missing.scope && !find_missing(&scopes))) {
		return;
	}
	if (explanation->missing.role) {
		search_roles(&roles);
	}
	if (explanation->missing.scope) {
		search_scopes(&scopes);
	}
	explanation->none.role =
		roles.found == 0 && (explanation->missing.role || !explanation->missing.scope);
	explanation->none.scope =
		scopes.found == 0 && (explanation->missing.scope || !explanation->missing.role);
	if (explanation->none.role || explanation->none.scope) {
		return;
	}
	out = pol_arena_alloc(explainer->arena, (size_t)roles.count + scopes.count, sizeof *out);
	if (out == NULL) {
		return;
	}
	explain_candidates(&roles, out, &explanation->need_count);
	explain_candidates(&scopes, out, &explanation->need_count);
	explanation->needs = out;
}
