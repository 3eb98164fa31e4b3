/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/subject.h"

#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"

bool pol_subject_key_counts(const struct pol_facts *facts)
{
	return facts->key_state == POL_KEY_ACTIVE;
}

/* Without a key the principal was named by a trusted peer or is the peer itself. */
bool pol_subject_roles_count(const struct pol_facts *facts)
{
	if (pol_subject_key_counts(facts)) {
		return facts->binding == POL_BOUND_TO_ROLES ||
		       (facts->binding == POL_BOUND_TO_PRINCIPAL &&
			       facts->principal_state == POL_PRINCIPAL_ACTIVE);
	}
	return facts->principal_state == POL_PRINCIPAL_ACTIVE;
}

/* The best match of the path with any of the places; inside if there are none. */
static enum pol_path_place_match match_places(const struct pol_str *places, uint32_t count,
	struct pol_str tree, const struct pol_path *path)
{
	enum pol_path_place_match best = POL_PLACE_ELSEWHERE;

	if (count == 0) {
		return POL_PLACE_INSIDE;
	}
	for (uint32_t i = 0; i < count && best != POL_PLACE_INSIDE; i++) {
		enum pol_path_place_match match = pol_path_place_match(places[i], tree, path);

		best = match > best ? match : best;
	}
	return best;
}

enum pol_path_place_match pol_subject_match(const struct pol_held *held, struct pol_str tree,
	const struct pol_path *path, const struct pol_str **out_place)
{
	*out_place = NULL;
	for (uint32_t i = 0; i < held->place_count; i++) {
		if (pol_path_place_match(held->places[i], tree, path) == POL_PLACE_INSIDE) {
			*out_place = &held->places[i];
		}
	}
	return match_places(held->places, held->place_count, tree, path);
}

/* Adds the bits of conditions. A condition that changes nothing is not evaluated. Without a table
 * all of them are unknown. allow NULL: it cannot allow here. */
static void add_conditionals(const struct pol_grantee *grantee, const struct pol_run_word *at,
	struct pol_truth_table *table, struct pol_tri *allow, struct pol_tri *denied)
{
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *conditional = &grantee->conditionals[i];
		struct pol_tri *bits = conditional->deny ? denied : allow;
		uint64_t word = pol_permset_word(&conditional->set, at);
		enum pol_truth truth;

		if (bits == NULL || (word & ~bits->sure) == 0) {
			continue;
		}
		truth = table != NULL ? pol_truth_of(table, conditional->condition) : POL_UNKNOWN;
		bits->sure |= truth == POL_TRUE ? word : 0;
		bits->maybe |= truth == POL_UNKNOWN ? word : 0;
	}
}

/* Most grantees have no condition about what is asked for, which must cost next to nothing. */
static inline bool is_conditional(const struct pol_grantee *grantee, const struct pol_run_word *at)
{
	return grantee->sometimes.count > 0 && pol_permset_word(&grantee->sometimes, at) != 0;
}

static inline __attribute__((always_inline)) void add(const struct pol_grantee *grantee,
	const struct pol_run_word *at, struct pol_truth_table *table, struct pol_tri *allow,
	struct pol_tri *denied)
{
	if (allow != NULL) {
		allow->sure |= pol_permset_word(&grantee->allow, at);
	}
	denied->sure |= pol_permset_word(&grantee->deny, at);
	if (is_conditional(grantee, at)) {
		add_conditionals(grantee, at, table, allow, denied);
	}
}

/* In a tree where none of its places is, a role denies but does not allow. */
static inline __attribute__((always_inline)) void add_role(const struct pol_grantee *role,
	enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_truth_table *table, struct pol_tri *allow, struct pol_tri *denied)
{
	if (match != POL_PLACE_OUTSIDE) {
		add(role, at, table, match == POL_PLACE_INSIDE ? allow : NULL, denied);
	}
}

void pol_subject_role(const struct pol_snapshot *snapshot, uint32_t role,
	enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *bits)
{
	if (role < snapshot->role_count) {
		add_role(&snapshot->roles[role], match, at, NULL, &bits->roles, &bits->denied);
	}
}

enum pol_holder pol_subject_holder(const struct pol_facts *facts, uint32_t held)
{
	uint32_t after = facts->held_count - held;

	if (after <= facts->anyone_count) {
		return POL_HOLDER_ANYONE;
	}
	return after <= (uint32_t)facts->anyone_count + facts->everyone_count ? POL_HOLDER_EVERYONE
									      : POL_HOLDER_SUBJECT;
}

static void join(struct pol_tri *all, const struct pol_tri *more)
{
	all->sure |= more->sure;
	all->maybe |= more->maybe;
}

void pol_subject_held(const struct pol_snapshot *snapshot, const struct pol_facts *facts,
	uint32_t number, enum pol_path_place_match match, const struct pol_run_word *at,
	struct pol_subject_bits *bits)
{
	struct pol_subject_bits say = { 0 };

	pol_subject_role(snapshot, facts->held[number].role, match, at, &say);
	join(&bits->denied, &say.denied);
	join(pol_subject_holder(facts, number) == POL_HOLDER_ANYONE ? &bits->anyone : &bits->roles,
		&say.roles);
}

void pol_subject_at(
	const struct pol_facts *facts, int64_t when, struct pol_held *held, struct pol_facts *out)
{
	*out = *facts;
	out->held = held;
	out->held_count = 0;
	out->everyone_count = 0;
	out->anyone_count = 0;
	for (uint32_t i = 0; i < facts->held_count; i++) {
		enum pol_holder holder = pol_subject_holder(facts, i);

		if (facts->held[i].until != 0 && facts->held[i].until <= when) {
			continue;
		}
		held[out->held_count++] = facts->held[i];
		out->everyone_count += holder == POL_HOLDER_EVERYONE;
		out->anyone_count += holder == POL_HOLDER_ANYONE;
	}
}

/* Is the key narrowed to scopes? If it was made with some and they do not exist any more, nothing
 * is in them. */
static bool has_scopes(const struct pol_facts *facts)
{
	return facts->narrowed_by_scopes || facts->scope_count > 0 ||
	       facts->binding == POL_BOUND_TO_SCOPES;
}

/* Adds the bits of the key's scopes. A key that was made without scopes and places is not narrowed,
 * so all bits are set. */
static inline __attribute__((always_inline)) void add_scopes(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_run_word *at, struct pol_truth_table *table,
	struct pol_subject_bits *bits)
{
	if (!pol_subject_key_counts(facts)) {
		bits->scopes.sure = at->mask;
		return;
	}
	if (!has_scopes(facts)) {
		/* It was made with places, and none of them exists any more. */
		bool nowhere = facts->narrowed && facts->key_place_count == 0;

		bits->scopes.sure = nowhere ? 0 : at->mask;
	}
	for (uint32_t i = 0; i < facts->scope_count; i++) {
		if (facts->scopes[i] < snapshot->scope_count) {
			add(&snapshot->scopes[facts->scopes[i]], at, table, &bits->scopes,
				&bits->denied);
		}
	}
}

/* Adds to bits that are zero. */
static inline __attribute__((always_inline)) void general(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_run_word *at, struct pol_truth_table *table,
	struct pol_subject_bits *bits)
{
	if (snapshot->anyone < snapshot->role_count) {
		add(&snapshot->roles[snapshot->anyone], at, table, &bits->anyone, &bits->denied);
	}
	add_scopes(snapshot, facts, at, table, bits);
}

struct pol_subject_bits pol_subject_general(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, const struct pol_run_word *at)
{
	struct pol_subject_bits bits = { 0 };

	general(snapshot, facts, at, NULL, &bits);
	return bits;
}

/* A path that is judged. */
struct question {
	const struct pol_snapshot *snapshot;
	const struct pol_facts *facts;
	struct pol_str tree;
	const struct pol_path *path;
	struct pol_truth_table *table; /* NULL: conditions are not evaluated */
};

static inline bool is_at_key(const struct question *question)
{
	const struct pol_facts *facts = question->facts;

	return !pol_subject_key_counts(facts) ||
	       match_places(facts->key_places, facts->key_place_count, question->tree,
		       question->path) == POL_PLACE_INSIDE;
}

static inline __attribute__((always_inline)) void add_held(const struct question *question,
	const struct pol_held *held, const struct pol_run_word *at, struct pol_tri *allow,
	struct pol_tri *denied)
{
	if (held->role < question->snapshot->role_count) {
		add_role(&question->snapshot->roles[held->role],
			match_places(
				held->places, held->place_count, question->tree, question->path),
			at, question->table, allow, denied);
	}
}

/* Sets *bits, which must be zero, in place: to return them would copy what was just written, which
 * takes longer than everything else here. Inlined into both callers: where no condition is
 * evaluated, none is looked for. */
static inline __attribute__((always_inline)) void answer(const struct question *question,
	const struct pol_run_word *at, struct pol_subject_bits *bits)
{
	const struct pol_facts *facts = question->facts;
	uint32_t own = facts->held_count - facts->anyone_count;

	general(question->snapshot, facts, at, question->table, bits);
	if (!is_at_key(question)) {
		bits->scopes = (struct pol_tri){ 0 };
	}
	for (uint32_t i = pol_subject_first(facts); i < own; i++) {
		add_held(question, &facts->held[i], at, &bits->roles, &bits->denied);
	}
	for (uint32_t i = own; i < facts->held_count; i++) {
		add_held(question, &facts->held[i], at, &bits->anyone, &bits->denied);
	}
}

struct pol_subject_bits pol_subject_eval(const struct pol_snapshot *snapshot,
	const struct pol_facts *facts, struct pol_str tree, const struct pol_path *path,
	const struct pol_run_word *at)
{
	struct question question = { snapshot, facts, tree, path, NULL };
	struct pol_subject_bits bits = { 0 };

	answer(&question, at, &bits);
	return bits;
}

struct pol_subject_bits pol_subject_decide(
	struct pol_truth_table *table, const struct pol_run_word *at)
{
	struct question question = { table->snapshot, table->facts, table->tree, table->path,
		table };
	struct pol_subject_bits bits = { 0 };

	answer(&question, at, &bits);
	return bits;
}

/* --- what is missing -------------------------------------------------------------------------- */

static void add_missing(const struct pol_grantee *grantee, const struct pol_run_word *at,
	struct pol_truth_table *table, const uint64_t wanted[2], struct pol_fact_set *out)
{
	for (uint32_t i = 0; is_conditional(grantee, at) && i < grantee->conditional_count; i++) {
		const struct pol_conditional *conditional = &grantee->conditionals[i];

		if ((pol_permset_word(&conditional->set, at) & wanted[conditional->deny]) != 0) {
			pol_truth_missing(table, conditional->condition, out);
		}
	}
}

void pol_subject_missing(struct pol_truth_table *table, const struct pol_run_word *at,
	const struct pol_subject_wanted *wanted, struct pol_fact_set *out)
{
	const struct pol_snapshot *snapshot = table->snapshot;
	const struct pol_facts *facts = table->facts;
	bool key = pol_subject_key_counts(facts);
	uint64_t masks[2] = { wanted->anyone, wanted->denied };

	if (snapshot->anyone < snapshot->role_count) {
		add_missing(&snapshot->roles[snapshot->anyone], at, table, masks, out);
	}
	masks[0] = wanted->scopes;
	for (uint32_t i = 0; key && i < facts->scope_count; i++) {
		if (facts->scopes[i] < snapshot->scope_count) {
			add_missing(&snapshot->scopes[facts->scopes[i]], at, table, masks, out);
		}
	}
	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		const struct pol_held *held = &facts->held[i];
		bool anyone = pol_subject_holder(facts, i) == POL_HOLDER_ANYONE;
		enum pol_path_place_match match =
			match_places(held->places, held->place_count, table->tree, table->path);

		masks[0] = anyone ? wanted->anyone : wanted->roles;
		masks[0] = match == POL_PLACE_INSIDE ? masks[0] : 0;
		if (held->role < snapshot->role_count && match != POL_PLACE_OUTSIDE) {
			add_missing(&snapshot->roles[held->role], at, table, masks, out);
		}
	}
}

/* --- the result ------------------------------------------------------------------------------- */

uint64_t pol_subject_allows(const struct pol_facts *facts, struct pol_subject_bits bits)
{
	bool by_roles = facts->binding != POL_BOUND_TO_SCOPES;
	uint64_t named = by_roles ? bits.scopes.sure & bits.roles.sure : bits.scopes.sure;

	return (bits.anyone.sure | named) & ~(bits.denied.sure | bits.denied.maybe);
}

uint64_t pol_subject_may(const struct pol_facts *facts, struct pol_subject_bits bits)
{
	bool by_roles = facts->binding != POL_BOUND_TO_SCOPES;
	uint64_t roles = bits.roles.sure | bits.roles.maybe;
	uint64_t scopes = bits.scopes.sure | bits.scopes.maybe;
	uint64_t anyone = bits.anyone.sure | bits.anyone.maybe;

	return (anyone | (by_roles ? scopes & roles : scopes)) & ~bits.denied.sure;
}
