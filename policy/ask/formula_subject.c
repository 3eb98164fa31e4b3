/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/formula_subject.h"

#include "policy/decide/subject.h"
#include "policy/decide/truth.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/stored.h"

/* --- parts ------------------------------------------------------------------------------------ */

/* A list of parts that grows. */
struct parts {
	struct pol_arena *arena;
	const struct pol_formula **items;
	size_t count, capacity;
	bool failed;
};

static void add(struct parts *parts, const struct pol_formula *part)
{
	if (part == NULL || parts->failed) {
		parts->failed = true;
		return;
	}
	if (parts->count == parts->capacity) {
		const struct pol_formula **items = pol_arena_grow(parts->arena, parts->items,
			parts->count, parts->count + 1, sizeof *items, &parts->capacity);

		if (items == NULL) {
			parts->failed = true;
			return;
		}
		parts->items = items;
	}
	parts->items[parts->count++] = part;
}

static const struct pol_formula *join(const struct parts *parts, enum pol_formula_kind kind)
{
	return parts->failed ? NULL
			     : pol_formula_join(parts->arena, kind, parts->items, parts->count);
}

static const struct pol_formula *join_two(struct pol_arena *arena, enum pol_formula_kind kind,
	const struct pol_formula *a, const struct pol_formula *b)
{
	const struct pol_formula *const parts[] = { a, b };

	return pol_formula_join(arena, kind, parts, 2);
}

/* --- roles and scopes ------------------------------------------------------------------------- */

/* Adds the formulas of the conditionals with that effect that have the permission. */
static void add_conditionals(const struct pol_formulas *formulas, const struct pol_grantee *grantee,
	uint32_t permission, bool deny, struct parts *out)
{
	if (!pol_permset_has(&grantee->sometimes, permission)) {
		return;
	}
	for (uint32_t i = 0; i < grantee->conditional_count; i++) {
		const struct pol_conditional *one = &grantee->conditionals[i];

		if (one->deny == deny && pol_permset_has(&one->set, permission)) {
			add(out, pol_formula_of(formulas, one->condition, deny));
		}
	}
}

const struct pol_formula *pol_formula_allows(
	const struct pol_formulas *formulas, const struct pol_grantee *grantee, uint32_t permission)
{
	struct parts parts = { .arena = formulas->arena };

	if (pol_permset_has(&grantee->allow, permission)) {
		return pol_formula_always();
	}
	add_conditionals(formulas, grantee, permission, false, &parts);
	return join(&parts, POL_FORMULA_OR);
}

const struct pol_formula *pol_formula_does_not_deny(
	const struct pol_formulas *formulas, const struct pol_grantee *grantee, uint32_t permission)
{
	struct parts parts = { .arena = formulas->arena };

	if (pol_permset_has(&grantee->deny, permission)) {
		return pol_formula_never();
	}
	add_conditionals(formulas, grantee, permission, true, &parts);
	return join(&parts, POL_FORMULA_AND);
}

/* --- places ----------------------------------------------------------------------------------- */

struct pol_formula_place pol_formula_place_of(enum pol_path_place_match match)
{
	bool inside = match == POL_PLACE_INSIDE;

	return (struct pol_formula_place){
		.inside = inside ? pol_formula_always() : pol_formula_never(),
		.outside = inside ? pol_formula_never() : pol_formula_always(),
		.elsewhere = match == POL_PLACE_ELSEWHERE,
	};
}

struct pol_formula_place pol_formula_path_place(
	const struct pol_formula_subject *subject, uint32_t number)
{
	const struct pol_formula_path *at = subject->context;
	const struct pol_facts *facts = subject->facts;
	const struct pol_held of_key = { .place_count = facts->key_place_count,
		.places = facts->key_places };
	const struct pol_held *held = number != POL_NONE ? &facts->held[number] : &of_key;
	const struct pol_str *place;

	return pol_formula_place_of(pol_subject_match(held, at->tree, at->path, &place));
}

struct pol_knowledge pol_formula_path_segment(const struct pol_formula_path *path, uint32_t segment)
{
	if (segment >= path->path->count) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	return (struct pol_knowledge){ POL_KNOWN_VALUE,
		{ .type = POL_TYPE_STRING, .text = path->path->segments[segment] } };
}

/* --- what is known of the subject ------------------------------------------------------------- */

struct known_subject {
	struct pol_knowing knowing;
	const struct pol_formula_subject *subject;
	const struct pol_formula_place *places; /* of each held role */
};

static const struct pol_formula_subject *subject_of(const struct pol_knowing *knowing)
{
	const struct known_subject *known = knowing->context;

	return known->subject;
}

/* A fact that every request has, or has not, by its subject. */
static struct pol_knowledge known_fact(const struct pol_formula_subject *subject, uint32_t fact)
{
	struct pol_truth_table table;
	struct pol_value value;

	pol_truth_begin(&table, subject->snapshot, subject->facts, (struct pol_str){ 0 }, NULL);
	value = pol_truth_value(&table, fact);
	return (struct pol_knowledge){
		value.type != POL_TYPE_ABSENT ? POL_KNOWN_VALUE : POL_KNOWN_ABSENT, value
	};
}

static const struct pol_given_fact *find_given(
	const struct pol_formula_subject *subject, uint32_t fact, bool own)
{
	const struct pol_facts *facts = subject->facts;
	const struct pol_given_fact *given = NULL;

	if (own && facts->attributes != NULL) {
		given = pol_given_find(facts->attributes, fact);
	}
	if (given == NULL && facts->given != NULL) {
		given = pol_given_find(facts->given, fact);
	}
	return given;
}

static struct pol_knowledge known_of_fact(const struct pol_knowing *knowing, uint32_t fact)
{
	const struct pol_formula_subject *subject = subject_of(knowing);
	const struct pol_declared_fact *declared = pol_condition_declared(subject->snapshot, fact);
	bool own = declared != NULL && declared->space == POL_SPACE_PRINCIPAL;
	const struct pol_given_fact *given;

	if (subject->anybody && fact < POL_FACT_KNOWN) {
		return (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
	}
	if (fact == POL_FACT_PRINCIPAL_ID || fact == POL_FACT_PRINCIPAL_TENANT ||
		fact == POL_FACT_PRINCIPAL_KIND) {
		return subject->any_principal ? (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } }
					      : known_fact(subject, fact);
	}
	given = fact >= POL_FACT_KNOWN ? find_given(subject, fact, own) : NULL;
	if (given != NULL) {
		return (struct pol_knowledge){
			given->value.type != POL_TYPE_ABSENT ? POL_KNOWN_VALUE : POL_KNOWN_UNKNOWN,
			given->value
		};
	}
	if (own) {
		return (struct pol_knowledge){
			subject->no_statements ? POL_KNOWN_ABSENT : POL_KNOWN_OPEN, { 0 }
		};
	}
	return subject->others != NULL ? subject->others->fact(subject->others, fact)
				       : (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
}

static struct pol_knowledge known_of_segment(const struct pol_knowing *knowing, uint32_t segment)
{
	const struct pol_formula_subject *subject = subject_of(knowing);

	return subject->others != NULL ? subject->others->segment(subject->others, segment)
				       : (struct pol_knowledge){ POL_KNOWN_OPEN, { 0 } };
}

/* Is the role the target, or does it inherit it? Unknown as in decide/truth.c: a stored role that
 * is shadowed may have been it, and of very many roles not all are read. */
static enum pol_truth leads_to(const struct pol_snapshot *snapshot, uint32_t role, uint32_t target)
{
	uint32_t found[POL_TRUTH_ROLES];
	uint32_t count = 0;
	enum pol_truth no = POL_FALSE;

	found[count++] = role;
	for (uint32_t i = 0; i < count; i++) {
		const struct pol_origin *origin;

		if (found[i] >= snapshot->role_count) {
			continue;
		}
		if (pol_stored_is_shadowed(snapshot, found[i])) {
			no = POL_UNKNOWN;
			continue;
		}
		if (found[i] == target) {
			return POL_TRUE;
		}
		origin = &snapshot->role_origins[found[i]];
		for (uint32_t p = 0; p < origin->parent_count; p++) {
			uint32_t k = 0;

			while (k < count && found[k] != origin->parents[p]) {
				k++;
			}
			if (k < count) {
				continue;
			}
			if (count == POL_TRUTH_ROLES) {
				return POL_UNKNOWN;
			}
			found[count++] = origin->parents[p];
		}
	}
	return no;
}

static const struct pol_formula *formula_of_role(
	const struct pol_knowing *knowing, struct pol_str name, bool negated)
{
	const struct known_subject *known = knowing->context;
	const struct pol_formula_subject *subject = known->subject;
	const struct pol_snapshot *snapshot = subject->snapshot;
	const struct pol_facts *facts = subject->facts;
	uint32_t target = pol_snapshot_role(snapshot, name);
	struct parts parts = { .arena = subject->arena };
	enum pol_truth by_anyone;

	if (target == POL_NONE) {
		return pol_formula_never();
	}
	by_anyone = leads_to(snapshot, snapshot->anyone, target);
	if (by_anyone == POL_TRUE || (negated && by_anyone == POL_UNKNOWN)) {
		return negated ? pol_formula_never() : pol_formula_always();
	}
	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		enum pol_truth leads = leads_to(snapshot, facts->held[i].role, target);

		if (negated && leads != POL_FALSE) {
			add(&parts, known->places[i].outside);
		} else if (!negated && leads == POL_TRUE) {
			add(&parts, known->places[i].inside);
		}
	}
	return join(&parts, negated ? POL_FORMULA_AND : POL_FORMULA_OR);
}

/* --- the subject ------------------------------------------------------------------------------ */

/* What a decision combines: decide/subject.c has the rules. */
struct combining {
	const struct pol_formula_subject *subject;
	struct pol_formulas formulas;
	const struct pol_formula_place *places;
	uint32_t permission;
	struct parts denials; /* each says that it does not deny */
};

static const struct pol_formula *combine_anyone(struct combining *combining)
{
	const struct pol_snapshot *snapshot = combining->subject->snapshot;
	const struct pol_grantee *anyone;

	if (snapshot->anyone >= snapshot->role_count) {
		return pol_formula_never();
	}
	anyone = &snapshot->roles[snapshot->anyone];
	add(&combining->denials,
		pol_formula_does_not_deny(&combining->formulas, anyone, combining->permission));
	return pol_formula_allows(&combining->formulas, anyone, combining->permission);
}

static const struct pol_formula *combine_scopes(struct combining *combining)
{
	const struct pol_formula_subject *subject = combining->subject;
	const struct pol_snapshot *snapshot = subject->snapshot;
	const struct pol_facts *facts = subject->facts;
	struct parts allowed = { .arena = subject->arena };
	bool by_scopes;

	if (!pol_subject_key_counts(facts)) {
		return pol_formula_always();
	}
	by_scopes = facts->narrowed_by_scopes || facts->scope_count > 0 ||
		    facts->binding == POL_BOUND_TO_SCOPES;
	if (!by_scopes) {
		add(&allowed, facts->narrowed && facts->key_place_count == 0
				      ? pol_formula_never()
				      : pol_formula_always());
	}
	for (uint32_t i = 0; i < facts->scope_count; i++) {
		if (facts->scopes[i] < snapshot->scope_count) {
			const struct pol_grantee *scope = &snapshot->scopes[facts->scopes[i]];

			add(&allowed, pol_formula_allows(
					      &combining->formulas, scope, combining->permission));
			add(&combining->denials, pol_formula_does_not_deny(&combining->formulas,
							 scope, combining->permission));
		}
	}
	return join_two(subject->arena, POL_FORMULA_AND, join(&allowed, POL_FORMULA_OR),
		subject->place(subject, POL_NONE).inside);
}

/* What the subject's roles allow goes to `roles`, what every caller holds to `anyone`. */
static void combine_roles(struct combining *combining, struct parts *roles, struct parts *anyone)
{
	const struct pol_formula_subject *subject = combining->subject;
	const struct pol_snapshot *snapshot = subject->snapshot;
	const struct pol_facts *facts = subject->facts;
	struct pol_arena *arena = subject->arena;

	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		const struct pol_formula_place *place = &combining->places[i];
		const struct pol_grantee *role;
		const struct pol_formula *denial;

		if (facts->held[i].role >= snapshot->role_count) {
			continue;
		}
		role = &snapshot->roles[facts->held[i].role];
		add(pol_subject_holder(facts, i) == POL_HOLDER_ANYONE ? anyone : roles,
			join_two(arena, POL_FORMULA_AND, place->inside,
				pol_formula_allows(
					&combining->formulas, role, combining->permission)));
		denial = pol_formula_does_not_deny(
			&combining->formulas, role, combining->permission);
		add(&combining->denials,
			place->elsewhere ? denial
					 : join_two(arena, POL_FORMULA_OR, place->outside, denial));
	}
}

static const struct pol_formula_place *find_places(const struct pol_formula_subject *subject)
{
	uint32_t count = subject->facts->held_count;
	struct pol_formula_place *places = pol_arena_alloc(subject->arena, count, sizeof *places);

	for (uint32_t i = 0; places != NULL && i < count; i++) {
		places[i] = subject->place(subject, i);
	}
	return places;
}

/* False: no memory. */
static bool know(const struct pol_formula_subject *subject, struct known_subject *out)
{
	*out = (struct known_subject){
		.knowing = { .fact = known_of_fact,
			.segment = known_of_segment,
			.role = subject->anybody ? NULL : formula_of_role,
			.context = out },
		.subject = subject,
		.places = find_places(subject),
	};
	return out->places != NULL;
}

bool pol_formula_parts_of_subject(const struct pol_formula_subject *subject, uint32_t permission,
	struct pol_formula_parts *out)
{
	struct pol_arena *arena = subject->arena;
	struct known_subject known;
	struct combining combining = {
		.subject = subject,
		.formulas = { subject->snapshot, arena, &known.knowing },
		.permission = permission,
		.denials = { .arena = arena },
	};
	struct parts anyone = { .arena = arena }, roles = { .arena = arena };

	if (!know(subject, &known)) {
		return false;
	}
	combining.places = known.places;
	add(&anyone, combine_anyone(&combining));
	out->scopes = combine_scopes(&combining);
	combine_roles(&combining, &roles, &anyone);
	out->anyone = join(&anyone, POL_FORMULA_OR);
	out->roles = join(&roles, POL_FORMULA_OR);
	out->not_denied = join(&combining.denials, POL_FORMULA_AND);
	return out->anyone != NULL && out->roles != NULL && out->scopes != NULL &&
	       out->not_denied != NULL;
}

const struct pol_formula *pol_formula_of_subject(
	const struct pol_formula_subject *subject, uint32_t permission)
{
	struct pol_arena *arena = subject->arena;
	struct pol_formula_parts parts;
	const struct pol_formula *named;

	if (!pol_formula_parts_of_subject(subject, permission, &parts)) {
		return NULL;
	}
	named = subject->facts->binding == POL_BOUND_TO_SCOPES
			? parts.scopes
			: join_two(arena, POL_FORMULA_AND, parts.scopes, parts.roles);
	return join_two(arena, POL_FORMULA_AND,
		join_two(arena, POL_FORMULA_OR, parts.anyone, named), parts.not_denied);
}

const struct pol_formula *pol_formula_allows_subject(const struct pol_formula_subject *subject,
	const struct pol_grantee *grantee, uint32_t permission)
{
	struct known_subject known;
	const struct pol_formulas formulas = { subject->snapshot, subject->arena, &known.knowing };

	return know(subject, &known) ? pol_formula_allows(&formulas, grantee, permission) : NULL;
}
