/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/compile/compile_condition.h"

/* The first size of the tables; always powers of two. */
#define FIRST_TABLE ((size_t)64)

struct interned_condition {
	const struct pol_condition *condition; /* NULL: the slot is free */
	uint64_t hash;
	struct pol_condition_mark mark;
};

struct interned_predicate {
	const struct pol_predicate *predicate; /* NULL: the slot is free */
	uint64_t hash;
};

struct pol_interned {
	struct interned_condition *conditions;
	size_t condition_count, condition_mask;
	struct interned_predicate *predicates;
	size_t predicate_count, predicate_mask;
};

struct pol_interned *pol_compile_intern(struct pol_compiler *compiler)
{
	struct pol_interned *made = compiler->interned;

	if (made != NULL) {
		return made;
	}
	made = pol_arena_alloc(compiler->scratch, 1, sizeof *made);
	if (made == NULL) {
		return NULL;
	}
	made->conditions =
		pol_arena_alloc(compiler->scratch, FIRST_TABLE, sizeof *made->conditions);
	made->predicates =
		pol_arena_alloc(compiler->scratch, FIRST_TABLE, sizeof *made->predicates);
	if (made->conditions == NULL || made->predicates == NULL) {
		return NULL;
	}
	made->condition_mask = FIRST_TABLE - 1;
	made->predicate_mask = FIRST_TABLE - 1;
	compiler->interned = made;
	return made;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ hash >> 32;
}

/* --- predicates ------------------------------------------------------------------------------- */

static uint64_t hash_value(uint64_t hash, const struct pol_value *value)
{
	hash = mix(hash, value->type);
	switch (value->type) {
	case POL_TYPE_STRING:
	case POL_TYPE_WORD:
		return pol_str_hash(value->text, hash);
	case POL_TYPE_ADDRESS:
		return pol_str_hash((struct pol_str){ (const char *)value->address.bytes,
					    sizeof value->address.bytes },
			hash);
	case POL_TYPE_NETWORK:
		return pol_str_hash((struct pol_str){ (const char *)value->network.bytes,
					    sizeof value->network.bytes },
			mix(hash, value->network.bits));
	case POL_TYPE_ABSENT:
	case POL_TYPE_STRINGS:
		return hash;
	case POL_TYPE_INT:
	case POL_TYPE_BOOL:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		break;
	}
	return mix(hash, (uint64_t)value->number);
}

static uint64_t hash_operand(uint64_t hash, const struct pol_operand *operand)
{
	hash = mix(hash, operand->kind);
	return operand->kind == POL_OPERAND_VALUE ? hash_value(hash, &operand->value)
						  : mix(hash, operand->number);
}

/* Segments are equal by their number: in the paths of one grant it has one name. Grants on other
 * paths may call it otherwise, and texts show the name. */
static bool is_same_operand(const struct pol_operand *a, const struct pol_operand *b)
{
	if (a->kind != b->kind) {
		return false;
	}
	if (a->kind == POL_OPERAND_VALUE) {
		return (a->value.type == POL_TYPE_ABSENT && b->value.type == POL_TYPE_ABSENT) ||
		       pol_value_equal(&a->value, &b->value);
	}
	return a->number == b->number && pol_str_equal(a->name, b->name);
}

static bool is_same_predicate(const struct pol_predicate *a, const struct pol_predicate *b)
{
	return a->comparison == b->comparison && is_same_operand(&a->left, &b->left) &&
	       is_same_operand(&a->right, &b->right);
}

static size_t predicate_slot(
	const struct pol_interned *interned, const struct pol_predicate *predicate, uint64_t hash)
{
	size_t at = hash & interned->predicate_mask;

	while (interned->predicates[at].predicate != NULL &&
		(interned->predicates[at].hash != hash ||
			!is_same_predicate(interned->predicates[at].predicate, predicate))) {
		at = (at + 1) & interned->predicate_mask;
	}
	return at;
}

static bool grow_predicates(struct pol_compiler *compiler)
{
	struct pol_interned *interned = compiler->interned;
	struct pol_interned grown = { .predicate_mask = interned->predicate_mask * 2 + 1 };

	if (interned->predicate_count * 2 <= interned->predicate_mask) {
		return true;
	}
	grown.predicates = pol_arena_alloc(
		compiler->scratch, grown.predicate_mask + 1, sizeof *grown.predicates);
	if (grown.predicates == NULL) {
		return false;
	}
	for (size_t i = 0; i <= interned->predicate_mask; i++) {
		struct interned_predicate *old = &interned->predicates[i];

		if (old->predicate != NULL) {
			grown.predicates[predicate_slot(&grown, old->predicate, old->hash)] = *old;
		}
	}
	interned->predicates = grown.predicates;
	interned->predicate_mask = grown.predicate_mask;
	return true;
}

/* Copies the text of an operand, which may be a view of the sources. */
static void copy_operand(struct pol_compiler *compiler, struct pol_operand *operand)
{
	enum pol_type type = operand->value.type;

	operand->name = pol_compile_text(compiler, operand->name);
	if (operand->kind == POL_OPERAND_VALUE &&
		(type == POL_TYPE_STRING || type == POL_TYPE_WORD)) {
		operand->value.text = pol_compile_text(compiler, operand->value.text);
	}
}

static const struct pol_predicate *intern_predicate(
	struct pol_compiler *compiler, const struct pol_predicate *predicate)
{
	struct pol_interned *interned = pol_compile_intern(compiler);
	uint64_t hash = hash_operand(
		hash_operand(mix(POL_HASH_SEED, predicate->comparison), &predicate->left),
		&predicate->right);
	struct interned_predicate *slot;
	struct pol_predicate *made;

	if (interned == NULL || !grow_predicates(compiler)) {
		return NULL;
	}
	slot = &interned->predicates[predicate_slot(interned, predicate, hash)];
	if (slot->predicate != NULL) {
		return slot->predicate;
	}
	made = pol_arena_alloc(&compiler->snapshot->arena, 1, sizeof *made);
	if (made == NULL) {
		return NULL;
	}
	*made = *predicate;
	copy_operand(compiler, &made->left);
	copy_operand(compiler, &made->right);
	if (compiler->snapshot->arena.status != POL_OK) {
		return NULL;
	}
	slot->predicate = made;
	slot->hash = hash;
	interned->predicate_count++;
	return made;
}

/* --- conditions ------------------------------------------------------------------------------- */

static uint64_t hash_condition(const struct pol_condition *condition)
{
	uint64_t hash = mix(POL_HASH_SEED, condition->kind * 2U + condition->negated);

	hash = mix(hash, (uintptr_t)condition->predicate);
	for (uint32_t i = 0; i < condition->part_count; i++) {
		hash = mix(hash, (uintptr_t)condition->parts[i]);
	}
	return hash;
}

static bool is_same_condition(const struct pol_condition *a, const struct pol_condition *b)
{
	return a->kind == b->kind && a->negated == b->negated && a->predicate == b->predicate &&
	       a->part_count == b->part_count &&
	       (a->part_count == 0 ||
		       memcmp(a->parts, b->parts, a->part_count * sizeof *a->parts) == 0);
}

static size_t condition_slot(
	const struct pol_interned *interned, const struct pol_condition *condition, uint64_t hash)
{
	size_t at = hash & interned->condition_mask;

	while (interned->conditions[at].condition != NULL &&
		(interned->conditions[at].hash != hash ||
			!is_same_condition(interned->conditions[at].condition, condition))) {
		at = (at + 1) & interned->condition_mask;
	}
	return at;
}

static bool grow_conditions(struct pol_compiler *compiler)
{
	struct pol_interned *interned = compiler->interned;
	struct pol_interned grown = { .condition_mask = interned->condition_mask * 2 + 1 };

	if (interned->condition_count * 2 <= interned->condition_mask) {
		return true;
	}
	grown.conditions = pol_arena_alloc(
		compiler->scratch, grown.condition_mask + 1, sizeof *grown.conditions);
	if (grown.conditions == NULL) {
		return false;
	}
	for (size_t i = 0; i <= interned->condition_mask; i++) {
		struct interned_condition *old = &interned->conditions[i];

		if (old->condition != NULL) {
			grown.conditions[condition_slot(&grown, old->condition, old->hash)] = *old;
		}
	}
	interned->conditions = grown.conditions;
	interned->condition_mask = grown.condition_mask;
	return true;
}

/* The one object that is equal to the condition, whose parts are interned. */
static const struct pol_condition *intern_condition(
	struct pol_compiler *compiler, const struct pol_condition *condition)
{
	struct pol_arena *arena = &compiler->snapshot->arena;
	struct pol_interned *interned = pol_compile_intern(compiler);
	uint64_t hash = hash_condition(condition);
	const struct pol_condition **parts;
	struct interned_condition *slot;
	struct pol_condition *made;

	if (interned == NULL || !grow_conditions(compiler)) {
		return NULL;
	}
	slot = &interned->conditions[condition_slot(interned, condition, hash)];
	if (slot->condition != NULL) {
		return slot->condition;
	}
	made = pol_arena_alloc(arena, 1, sizeof *made);
	parts = pol_arena_alloc(arena, condition->part_count, sizeof *parts);
	if (made == NULL || parts == NULL) {
		return NULL;
	}
	*made = *condition;
	made->parts = NULL;
	if (condition->part_count > 0) {
		memcpy(parts, condition->parts, condition->part_count * sizeof *parts);
		made->parts = parts;
	}
	*slot = (struct interned_condition){ .condition = made, .hash = hash };
	interned->condition_count++;
	return made;
}

/* Not (a < b) is b <= a, with absent facts too, so that no `<` is negated. */
static bool turn_order(struct pol_predicate *predicate)
{
	struct pol_operand left = predicate->left;

	if (predicate->comparison != POL_COMPARE_LESS &&
		predicate->comparison != POL_COMPARE_LESS_OR_EQUAL) {
		return false;
	}
	predicate->comparison = predicate->comparison == POL_COMPARE_LESS
					? POL_COMPARE_LESS_OR_EQUAL
					: POL_COMPARE_LESS;
	predicate->left = predicate->right;
	predicate->right = left;
	return true;
}

const struct pol_condition *pol_compile_intern_predicate(
	struct pol_compiler *compiler, const struct pol_predicate *predicate, bool negated)
{
	struct pol_condition condition = { .kind = POL_CONDITION_PREDICATE };
	struct pol_predicate turned = *predicate;

	condition.negated = negated && !turn_order(&turned);
	condition.predicate = intern_predicate(compiler, &turned);
	return condition.predicate != NULL ? intern_condition(compiler, &condition) : NULL;
}

/* Adds a part unless it is there already. */
static void add_part(
	const struct pol_condition **parts, uint32_t *count, const struct pol_condition *part)
{
	for (uint32_t i = 0; i < *count; i++) {
		if (parts[i] == part) {
			return;
		}
	}
	parts[(*count)++] = part;
}

const struct pol_condition *pol_compile_intern_join(struct pol_compiler *compiler,
	enum pol_condition_kind kind, const struct pol_condition *const *parts, uint32_t count)
{
	/* Each part has at least one predicate of its own. */
	const struct pol_condition *flat[POL_CONDITION_PREDICATES];
	struct pol_condition condition = { .kind = kind, .parts = flat };

	for (uint32_t i = 0; i < count; i++) {
		if (parts[i] == NULL) {
			return NULL;
		}
		if (parts[i]->kind != kind) {
			add_part(flat, &condition.part_count, parts[i]);
			continue;
		}
		for (uint32_t k = 0; k < parts[i]->part_count; k++) {
			add_part(flat, &condition.part_count, parts[i]->parts[k]);
		}
	}
	return condition.part_count == 1 ? flat[0] : intern_condition(compiler, &condition);
}

const struct pol_condition *pol_compile_intern_not(
	struct pol_compiler *compiler, const struct pol_condition *condition)
{
	const struct pol_condition *parts[POL_CONDITION_PREDICATES];
	enum pol_condition_kind kind =
		condition->kind == POL_CONDITION_AND ? POL_CONDITION_OR : POL_CONDITION_AND;

	if (condition->kind == POL_CONDITION_PREDICATE) {
		return pol_compile_intern_predicate(
			compiler, condition->predicate, !condition->negated);
	}
	for (uint32_t i = 0; i < condition->part_count; i++) {
		parts[i] = pol_compile_intern_not(compiler, condition->parts[i]);
	}
	return pol_compile_intern_join(compiler, kind, parts, condition->part_count);
}

struct pol_condition_mark *pol_compile_intern_mark(
	struct pol_compiler *compiler, const struct pol_condition *condition)
{
	struct pol_interned *interned = compiler->interned;

	return &interned->conditions[condition_slot(interned, condition, hash_condition(condition))]
			.mark;
}
