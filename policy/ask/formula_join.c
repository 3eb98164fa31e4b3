/* SPDX-License-Identifier: Apache-2.0 */

#include "policy/ask/formula_internal.h"
#include "policy/text/str.h"

/* --- equality --------------------------------------------------------------------------------- */

bool pol_formula_equal_value(const struct pol_value *a, const struct pol_value *b)
{
	return a->type == b->type && (a->type == POL_TYPE_ABSENT || pol_value_equal(a, b));
}

static bool is_equal_operand(const struct pol_operand *a, const struct pol_operand *b)
{
	if (a->kind != b->kind) {
		return false;
	}
	return a->kind == POL_OPERAND_VALUE ? pol_formula_equal_value(&a->value, &b->value)
					    : a->number == b->number;
}

static bool is_equal_predicate(const struct pol_predicate *a, const struct pol_predicate *b)
{
	return a == b || (a->comparison == b->comparison && is_equal_operand(&a->left, &b->left) &&
				 (a->comparison == POL_COMPARE_TRUE ||
					 is_equal_operand(&a->right, &b->right)));
}

bool pol_formula_equal(const struct pol_formula *a, const struct pol_formula *b)
{
	if (a == b) {
		return true;
	}
	if (a->kind != b->kind || a->negated != b->negated || a->fact != b->fact ||
		a->part_count != b->part_count) {
		return false;
	}
	for (uint32_t i = 0; i < a->part_count; i++) {
		if (!pol_formula_equal(a->parts[i], b->parts[i])) {
			return false;
		}
	}
	return a->kind != POL_FORMULA_COMPARE || is_equal_predicate(a->predicate, b->predicate);
}

/* --- hashes, so that many parts are compared with few ----------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t with)
{
	hash = (hash ^ with) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 31);
}

static uint64_t hash_operand(const struct pol_operand *operand)
{
	const struct pol_value *value = &operand->value;

	if (operand->kind != POL_OPERAND_VALUE) {
		return mix((uint64_t)operand->kind, operand->number);
	}
	switch (value->type) {
	case POL_TYPE_STRING:
	case POL_TYPE_WORD:
		return pol_str_hash(value->text, POL_HASH_SEED);
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
	case POL_TYPE_BOOL:
		return mix(POL_HASH_SEED, (uint64_t)value->number);
	case POL_TYPE_ABSENT:
	case POL_TYPE_STRINGS:
	case POL_TYPE_ADDRESS:
	case POL_TYPE_NETWORK:
		break;
	}
	return (uint64_t)value->type;
}

uint64_t pol_formula_hash(const struct pol_formula *formula)
{
	uint64_t hash = mix(POL_HASH_SEED, (uint64_t)formula->kind * 2 + formula->negated);

	for (uint32_t i = 0; i < formula->part_count; i++) {
		hash = mix(hash, pol_formula_hash(formula->parts[i]));
	}
	if (formula->kind == POL_FORMULA_COMPARE) {
		hash = mix(hash, (uint64_t)formula->predicate->comparison);
		hash = mix(hash, hash_operand(&formula->predicate->left));
		if (formula->predicate->comparison != POL_COMPARE_TRUE) {
			hash = mix(hash, hash_operand(&formula->predicate->right));
		}
	}
	return mix(hash, formula->fact);
}

/* --- joining ---------------------------------------------------------------------------------- */

static const struct pol_formula always = { .kind = POL_FORMULA_ALWAYS };
static const struct pol_formula never = { .kind = POL_FORMULA_NEVER };

const struct pol_formula *pol_formula_always(void)
{
	return &always;
}

const struct pol_formula *pol_formula_never(void)
{
	return &never;
}

/* The parts so far, each once. */
struct joining {
	const struct pol_formula **items;
	size_t count;
	const struct pol_formula **table; /* by hash; twice as many slots as parts, at least */
	size_t mask;
};

static void add(struct joining *joining, const struct pol_formula *part)
{
	size_t at = pol_formula_hash(part) & joining->mask;

	while (joining->table[at] != NULL && !pol_formula_equal(joining->table[at], part)) {
		at = (at + 1) & joining->mask;
	}
	if (joining->table[at] == NULL) {
		joining->table[at] = part;
		joining->items[joining->count++] = part;
	}
}

static bool begin(struct pol_arena *arena, size_t most, struct joining *out)
{
	size_t slots = 4;

	while (slots < 2 * most) {
		slots *= 2;
	}
	*out = (struct joining){
		.items = pol_arena_alloc(arena, most, sizeof(const struct pol_formula *)),
		.table = pol_arena_alloc(arena, slots, sizeof(const struct pol_formula *)),
		.mask = slots - 1,
	};
	return out->items != NULL && out->table != NULL;
}

static const struct pol_formula *finish(
	struct pol_arena *arena, enum pol_formula_kind kind, const struct joining *joining)
{
	struct pol_formula *out;

	if (joining->count == 0) {
		return kind == POL_FORMULA_AND ? &always : &never;
	}
	if (joining->count == 1) {
		return joining->items[0];
	}
	out = pol_arena_alloc(arena, 1, sizeof *out);
	if (out != NULL) {
		*out = (struct pol_formula){
			.kind = kind,
			.parts = joining->items,
			.part_count = (uint32_t)joining->count,
		};
	}
	return out;
}

const struct pol_formula *pol_formula_join(struct pol_arena *arena, enum pol_formula_kind kind,
	const struct pol_formula *const *parts, size_t count)
{
	enum pol_formula_kind absorbing =
		kind == POL_FORMULA_AND ? POL_FORMULA_NEVER : POL_FORMULA_ALWAYS;
	enum pol_formula_kind neutral =
		kind == POL_FORMULA_AND ? POL_FORMULA_ALWAYS : POL_FORMULA_NEVER;
	struct joining joining;
	size_t most = 0;
	bool absorbed = false;

	for (size_t i = 0; i < count; i++) {
		if (parts[i] == NULL) {
			return NULL;
		}
		absorbed = absorbed || parts[i]->kind == absorbing;
		most += parts[i]->kind == kind ? parts[i]->part_count : 1;
	}
	if (absorbed) {
		return absorbing == POL_FORMULA_NEVER ? &never : &always;
	}
	if (count == 1) {
		return parts[0];
	}
	if (!begin(arena, most, &joining)) {
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		bool flat = parts[i]->kind == kind;

		for (uint32_t k = 0; flat && k < parts[i]->part_count; k++) {
			add(&joining, parts[i]->parts[k]);
		}
		if (!flat && parts[i]->kind != neutral) {
			add(&joining, parts[i]);
		}
	}
	return finish(arena, kind, &joining);
}
