/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/plan_encode.h"

#include "daemon/decide/subject.h"

/* Arrays and maps around the tree: the message and the result; and those within a comparison: its
 * own, that of a fact, its type, and the words of that. */
#define AROUND 2
#define WITHIN 4

/* A formula has no more `and` and `or` within one another. */
#define LEVELS (WIRE_MAX_DEPTH - AROUND - WITHIN)

/* Bytes of the text of an address or a network. */
#define ADDRESS_TEXT 64

static bool is_deeper(const struct pol_formula *formula, unsigned levels)
{
	if (formula->part_count > 0 && levels == 0) {
		return true;
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		if (is_deeper(formula->parts[i], levels - 1)) {
			return true;
		}
	}
	return false;
}

bool plan_encode_is_deep(const struct pol_formula *formula)
{
	return is_deeper(formula, LEVELS);
}

/* Begins an array with its name. */
static void begin(struct wire_buf *out, const char *name, uint32_t items)
{
	wire_put_array(out, items + 1);
	wire_put_cstr(out, name);
}

static void put_texts(struct wire_buf *out, const struct pol_str *items, uint32_t count)
{
	wire_put_array(out, count);
	for (uint32_t i = 0; i < count; i++) {
		wire_put_str(out, subject_wire(items[i]));
	}
}

static void put_fact(struct wire_buf *out, const struct pol_snapshot *snapshot, uint32_t number)
{
	const struct pol_declared_fact *fact = pol_condition_declared(snapshot, number);

	begin(out, "fact", 2);
	wire_put_str(out, subject_wire(fact->name));
	if (fact->type != POL_TYPE_WORD) {
		wire_put_cstr(out, pol_value_type(fact->type));
		return;
	}
	begin(out, "word", 1);
	put_texts(out, fact->words, fact->word_count);
}

void plan_encode_value(struct wire_buf *out, const struct pol_value *value)
{
	char text[ADDRESS_TEXT];

	switch (value->type) {
	case POL_TYPE_STRING:
	case POL_TYPE_WORD:
		wire_put_str(out, subject_wire(value->text));
		return;
	case POL_TYPE_STRINGS:
		put_texts(out, value->strings.items, value->strings.count);
		return;
	case POL_TYPE_BOOL:
		wire_put_bool(out, value->number != 0);
		return;
	case POL_TYPE_INT:
	case POL_TYPE_TIME:
	case POL_TYPE_DURATION:
		wire_put_int(out, value->number);
		return;
	case POL_TYPE_ADDRESS:
	case POL_TYPE_NETWORK:
		(void)pol_value_format(value, text, sizeof text);
		wire_put_cstr(out, text);
		return;
	case POL_TYPE_ABSENT:
		break;
	}
	wire_put_nil(out);
}

static void put_value(struct wire_buf *out, const struct pol_value *value)
{
	begin(out, pol_value_type(value->type), 1);
	plan_encode_value(out, value);
}

static void put_operand(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_operand *operand)
{
	switch (operand->kind) {
	case POL_OPERAND_FACT:
		put_fact(out, snapshot, operand->number);
		return;
	case POL_OPERAND_SEGMENT:
		begin(out, "parameter", 2);
		wire_put_str(out, subject_wire(operand->name));
		wire_put_cstr(out, "string");
		return;
	case POL_OPERAND_VALUE:
		put_value(out, &operand->value);
		return;
	}
}

/* The two that order are never negated: their sides are exchanged instead. */
static const char *name_of(enum pol_comparison comparison, bool negated)
{
	switch (comparison) {
	case POL_COMPARE_TRUE:
	case POL_COMPARE_IS:
		return negated ? "is not" : "is";
	case POL_COMPARE_LESS:
		return "<";
	case POL_COMPARE_LESS_OR_EQUAL:
		return "<=";
	case POL_COMPARE_HAS:
		return negated ? "has not" : "has";
	case POL_COMPARE_HAS_ANY:
		return negated ? "has none" : "has any";
	case POL_COMPARE_HAS_ALL:
		return negated ? "has not all" : "has all";
	case POL_COMPARE_WITHIN:
		return negated ? "not within" : "within";
	}
	return "is";
}

static void put_comparison(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_formula *formula)
{
	static const struct pol_value yes = { .type = POL_TYPE_BOOL, .number = 1 };
	const struct pol_predicate *predicate = formula->predicate;

	begin(out, name_of(predicate->comparison, formula->negated), 2);
	put_operand(out, snapshot, &predicate->left);
	if (predicate->comparison == POL_COMPARE_TRUE) {
		put_value(out, &yes);
	} else {
		put_operand(out, snapshot, &predicate->right);
	}
}

/* plan_encode_is_deep bounds the recursion. */
void plan_encode(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_formula *formula)
{
	switch (formula->kind) {
	case POL_FORMULA_COMPARE:
		put_comparison(out, snapshot, formula);
		return;
	case POL_FORMULA_PRESENT:
	case POL_FORMULA_ABSENT:
		begin(out, formula->kind == POL_FORMULA_PRESENT ? "present" : "absent", 1);
		put_fact(out, snapshot, formula->fact);
		return;
	case POL_FORMULA_AND:
	case POL_FORMULA_OR:
		begin(out, formula->kind == POL_FORMULA_AND ? "and" : "or", formula->part_count);
		break;
	case POL_FORMULA_NEVER:
	case POL_FORMULA_ALWAYS:
		wire_put_nil(out); /* pol_formula_join leaves none inside */
		return;
	}
	for (uint32_t i = 0; i < formula->part_count; i++) {
		plan_encode(out, snapshot, formula->parts[i]);
	}
}
