/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/truth.h"

#include "policy/decide/subject.h"
#include "policy/snapshot/compiled.h"
#include "policy/snapshot/given.h"
#include "policy/snapshot/stored.h"

/* Slots that are used at most, so that a search for one soon meets a free one. */
#define SLOTS_USED (POL_TRUTH_SLOTS * 3 / 4)

/* A condition has at most POL_CONDITION_PREDICATES predicates, and each `and` or `or` at least two
 * parts, so none is deeper. */
#define DEPTH POL_CONDITION_PREDICATES

static const struct pol_value absent = { .type = POL_TYPE_ABSENT };

static enum pol_truth truth_if(bool is)
{
	return is ? POL_TRUE : POL_FALSE;
}

/* Takes steps. False: there are not as many left, and now there are none. */
static bool spend(struct pol_truth_table *table, uint32_t steps)
{
	bool enough = table->steps >= steps;

	table->steps = enough ? table->steps - steps : 0;
	return enough;
}

/* --- values ----------------------------------------------------------------------------------- */

static void set_string(struct pol_value *out, struct pol_str text)
{
	if (text.len > 0) {
		out->type = POL_TYPE_STRING;
		out->text = text;
	}
}

static void set_number(struct pol_value *out, enum pol_type type, int64_t number)
{
	out->type = type;
	out->number = number;
}

static void set_kind(struct pol_value *out, enum pol_principal_kind kind)
{
	static const struct pol_str words[] = { [POL_KIND_NONE] = POL_STR_INIT("none"),
		[POL_KIND_USER] = POL_STR_INIT("user"),
		[POL_KIND_SERVICE] = POL_STR_INIT("service") };

	if ((size_t)kind < sizeof words / sizeof *words) {
		out->type = POL_TYPE_WORD;
		out->text = words[kind];
	}
}

/* A time that is stated counts before the daemon's, as for module `hours`. */
static void set_time(struct pol_value *out, const struct pol_facts *facts)
{
	int64_t time = facts->time != 0 ? facts->time : facts->now;

	if (time > POL_NO_TIME) {
		set_number(out, POL_TYPE_TIME, time);
	}
}

/* A second factor in the future comes from a wrong clock or a false statement, as for module `mfa`.
 */
static void set_mfa_age(struct pol_value *out, const struct pol_facts *facts)
{
	if (facts->mfa_at > 0 && facts->mfa_at <= facts->now) {
		set_number(out, POL_TYPE_DURATION, facts->now - facts->mfa_at);
	}
}

/* Writes the value where it is read: to return it would copy it twice. */
static void set_known(
	struct pol_value *out, const struct pol_facts *facts, enum pol_known_fact fact)
{
	out->type = POL_TYPE_ABSENT;
	switch (fact) {
	case POL_FACT_PRINCIPAL_ID:
		set_string(out, facts->principal);
		break;
	case POL_FACT_PRINCIPAL_TENANT:
		set_string(out, facts->tenant_name);
		break;
	case POL_FACT_PRINCIPAL_KIND:
		set_kind(out, facts->principal_kind);
		break;
	case POL_FACT_ENVIRONMENT:
		set_string(out, facts->environment);
		break;
	case POL_FACT_SERVICE:
		set_string(out, facts->service);
		break;
	case POL_FACT_IP:
		if (facts->ip.known) {
			out->type = POL_TYPE_ADDRESS;
			out->address = facts->ip;
		}
		break;
	case POL_FACT_TIME:
		set_time(out, facts);
		break;
	case POL_FACT_MFA_AGE:
		set_mfa_age(out, facts);
		break;
	case POL_FACT_PRINCIPAL_ROLES:
	case POL_FACT_KNOWN:
		break;
	}
}

/* The value of a fact; `room` is for one that is not kept anywhere. What the principal's record
 * says counts before the request, even if it is absent there because its type is wrong. */
static const struct pol_value *fact_value(
	const struct pol_truth_table *table, uint32_t fact, struct pol_value *room)
{
	const struct pol_facts *facts = table->facts;
	const struct pol_declared_fact *declared;
	const struct pol_given_fact *given = NULL;

	if (fact < POL_FACT_KNOWN) {
		set_known(room, facts, (enum pol_known_fact)fact);
		return room;
	}
	if (fact >= table->snapshot->fact_count) {
		return &absent;
	}
	declared = &table->snapshot->facts[fact];
	if (declared->space == POL_SPACE_PRINCIPAL && facts->attributes != NULL) {
		given = pol_given_find(facts->attributes, fact);
	}
	if (given == NULL && facts->given != NULL) {
		given = pol_given_find(facts->given, fact);
	}
	return given != NULL ? &given->value : &declared->preset;
}

struct pol_value pol_truth_value(const struct pol_truth_table *table, uint32_t fact)
{
	struct pol_value room;

	return *fact_value(table, fact, &room);
}

static const struct pol_value *operand_value(const struct pol_truth_table *table,
	const struct pol_operand *operand, struct pol_value *room)
{
	switch (operand->kind) {
	case POL_OPERAND_FACT:
		return fact_value(table, operand->number, room);
	case POL_OPERAND_SEGMENT:
		if (table->path == NULL || operand->number >= table->path->count) {
			break;
		}
		room->type = POL_TYPE_STRING;
		room->text = table->path->segments[operand->number];
		return room;
	case POL_OPERAND_VALUE:
		return &operand->value;
	}
	return &absent;
}

/* --- principal.roles -------------------------------------------------------------------------- */

/* The roles that were found, each once. */
struct roles {
	const struct pol_snapshot *snapshot;
	uint32_t target;
	uint32_t count;
	bool doubtful; /* an answer "no" is not sure */
	uint32_t found[POL_TRUTH_ROLES];
};

static void find_role(struct roles *roles, uint32_t role)
{
	if (role >= roles->snapshot->role_count) {
		return;
	}
	/* A stored role that a role of the files shadows allows nothing, and denies all it did. */
	if (pol_stored_is_shadowed(roles->snapshot, role)) {
		roles->doubtful = true;
		return;
	}
	for (uint32_t i = 0; i < roles->count; i++) {
		if (roles->found[i] == role) {
			return;
		}
	}
	if (roles->count == POL_TRUTH_ROLES) {
		roles->doubtful = true;
		return;
	}
	roles->found[roles->count++] = role;
}

static void find_held(const struct pol_truth_table *table, struct roles *roles)
{
	const struct pol_facts *facts = table->facts;

	find_role(roles, table->snapshot->anyone);
	for (uint32_t i = pol_subject_first(facts); i < facts->held_count; i++) {
		const struct pol_held *held = &facts->held[i];
		const struct pol_str *place;

		if (held->place_count == 0 ||
			(table->path != NULL && pol_subject_match(held, table->tree, table->path,
							&place) == POL_PLACE_INSIDE)) {
			find_role(roles, held->role);
		}
	}
}

/* Is the role of the files with this name held here, itself or by what inherits it? A stored role
 * of that name is not meant: a tenant chooses the names of its roles. */
static enum pol_truth has_role(struct pol_truth_table *table, struct pol_str name)
{
	struct roles roles = { .snapshot = table->snapshot,
		.target = pol_snapshot_role(table->snapshot, name) };

	if (roles.target == POL_NONE || !spend(table, table->facts->held_count)) {
		return POL_UNKNOWN;
	}
	find_held(table, &roles);
	for (uint32_t i = 0; i < roles.count; i++) {
		const struct pol_origin *origin = &table->snapshot->role_origins[roles.found[i]];

		if (!spend(table, 1 + origin->parent_count)) {
			return POL_UNKNOWN;
		}
		if (roles.found[i] == roles.target) {
			return POL_TRUE;
		}
		for (uint32_t p = 0; p < origin->parent_count; p++) {
			find_role(&roles, origin->parents[p]);
		}
	}
	return roles.doubtful ? POL_UNKNOWN : POL_FALSE;
}

static bool reads_roles(const struct pol_operand *operand)
{
	return operand->kind == POL_OPERAND_FACT && operand->number == POL_FACT_PRINCIPAL_ROLES;
}

/* --- predicates ------------------------------------------------------------------------------- */

/* Members of two sets are steps. */
static enum pol_truth compare(struct pol_truth_table *table, enum pol_comparison comparison,
	const struct pol_value *left, const struct pol_value *right)
{
	if (!pol_condition_fits(comparison, left->type, right->type)) {
		return POL_UNKNOWN;
	}
	if ((comparison == POL_COMPARE_HAS_ANY || comparison == POL_COMPARE_HAS_ALL) &&
		!spend(table, (left->strings.count + right->strings.count) / POL_TRUTH_MEMBERS)) {
		return POL_UNKNOWN;
	}
	return truth_if(pol_condition_holds(comparison, left, right));
}

static enum pol_truth evaluate(struct pol_truth_table *table, const struct pol_predicate *predicate)
{
	bool alone = predicate->comparison == POL_COMPARE_TRUE;
	struct pol_value room[2];
	const struct pol_value *left;

	if (reads_roles(&predicate->left)) {
		const struct pol_operand *right = &predicate->right;

		return predicate->comparison == POL_COMPARE_HAS &&
				       right->kind == POL_OPERAND_VALUE &&
				       right->value.type == POL_TYPE_STRING
			       ? has_role(table, right->value.text)
			       : POL_UNKNOWN;
	}
	left = operand_value(table, &predicate->left, &room[0]);
	return compare(table, predicate->comparison, left,
		alone ? left : operand_value(table, &predicate->right, &room[1]));
}

/* The slot of a predicate, or the free one where it belongs. */
static uint32_t find_slot(
	const struct pol_truth_table *table, const struct pol_predicate *predicate)
{
	/* Fibonacci hashing of the address: the upper bits of the product are well mixed. */
	uint64_t hash = (uint64_t)(uintptr_t)predicate * UINT64_C(0x9e3779b97f4a7c15);
	uint32_t slot = (uint32_t)(hash >> 40) % POL_TRUTH_SLOTS;

	while ((table->taken[slot / 64] >> slot % 64 & 1) != 0 &&
		table->slots[slot].predicate != predicate) {
		slot = (slot + 1) % POL_TRUTH_SLOTS;
	}
	return slot;
}

enum pol_truth pol_truth_of_predicate(
	struct pol_truth_table *table, const struct pol_predicate *predicate)
{
	uint32_t slot = find_slot(table, predicate);
	enum pol_truth truth;

	if ((table->taken[slot / 64] >> slot % 64 & 1) != 0) {
		return table->slots[slot].truth;
	}
	truth = evaluate(table, predicate);
	if (table->used < SLOTS_USED) {
		table->taken[slot / 64] |= UINT64_C(1) << slot % 64;
		table->slots[slot].predicate = predicate;
		table->slots[slot].truth = truth;
		table->used++;
	}
	return truth;
}

/* --- conditions ------------------------------------------------------------------------------- */

const char *pol_truth_text(enum pol_truth truth)
{
	switch (truth) {
	case POL_FALSE:
		return "false";
	case POL_TRUE:
		return "true";
	case POL_UNKNOWN:
		break;
	}
	return "unknown";
}

enum pol_truth pol_truth_negate(enum pol_truth truth)
{
	return truth == POL_UNKNOWN ? truth : truth_if(truth == POL_FALSE);
}

static enum pol_truth truth_of(
	struct pol_truth_table *table, const struct pol_condition *condition, uint32_t depth);

/* `and` and `or`: what their parts come to. */
static enum pol_truth truth_of_parts(
	struct pol_truth_table *table, const struct pol_condition *condition, uint32_t depth)
{
	bool both = condition->kind == POL_CONDITION_AND;
	enum pol_truth ends = truth_if(!both); /* a part that is this decides */
	enum pol_truth truth = condition->part_count > 0 ? truth_if(both) : POL_UNKNOWN;

	for (uint32_t i = 0; i < condition->part_count; i++) {
		enum pol_truth part = truth_of(table, condition->parts[i], depth + 1);

		if (part == ends) {
			return part;
		}
		truth = part == POL_UNKNOWN ? part : truth;
	}
	return truth;
}

/* Inlined, so that the predicates of one `and` need no call each. */
static inline __attribute__((always_inline)) enum pol_truth truth_of(
	struct pol_truth_table *table, const struct pol_condition *condition, uint32_t depth)
{
	enum pol_truth truth;

	if (depth > DEPTH || !spend(table, 1)) {
		return POL_UNKNOWN;
	}
	if (condition->kind != POL_CONDITION_PREDICATE) {
		return truth_of_parts(table, condition, depth);
	}
	truth = pol_truth_of_predicate(table, condition->predicate);
	return condition->negated ? pol_truth_negate(truth) : truth;
}

enum pol_truth pol_truth_of(struct pol_truth_table *table, const struct pol_condition *condition)
{
	return truth_of(table, condition, 1);
}

static void add_missing(const struct pol_truth_table *table, const struct pol_operand *operand,
	struct pol_fact_set *out)
{
	struct pol_value room;

	if (operand->kind == POL_OPERAND_FACT && operand->number < 64 * POL_FACT_WORDS &&
		fact_value(table, operand->number, &room)->type == POL_TYPE_ABSENT) {
		out->words[operand->number / 64] |= UINT64_C(1) << operand->number % 64;
	}
}

static void find_missing(struct pol_truth_table *table, const struct pol_condition *condition,
	struct pol_fact_set *out, uint32_t depth)
{
	if (depth > DEPTH || truth_of(table, condition, depth) != POL_UNKNOWN ||
		table->steps == 0) {
		return;
	}
	if (condition->kind == POL_CONDITION_PREDICATE) {
		const struct pol_predicate *predicate = condition->predicate;

		add_missing(table, &predicate->left, out);
		if (predicate->comparison != POL_COMPARE_TRUE) {
			add_missing(table, &predicate->right, out);
		}
		return;
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		find_missing(table, condition->parts[i], out, depth + 1);
	}
}

void pol_truth_missing(struct pol_truth_table *table, const struct pol_condition *condition,
	struct pol_fact_set *out)
{
	find_missing(table, condition, out, 1);
}
