/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/plan_encode.h"

#include "daemon/decide/missing.h"
#include "daemon/decide/subject.h"
#include "policy/snapshot/resource.h"

/* Arrays and maps around the tree: the message and the result; and those within a comparison: its
 * own, that of a fact, its type, and the words of that. */
#define AROUND 2
#define WITHIN 4

/* A formula has no more `and` and `or` within one another. */
#define LEVELS (WIRE_MAX_DEPTH - AROUND - WITHIN)

/* Bytes of an answer's text and tree. A larger one is of no use as the WHERE of a query. */
#define TEXT_MAX ((size_t)64 * 1024)
#define TREE_MAX ((size_t)256 * 1024)

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

/* --- the formula ------------------------------------------------------------------------------ */

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

/* LEVELS bounds the recursion. */
static void put_tree(struct wire_buf *out, const struct pol_snapshot *snapshot,
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
		put_tree(out, snapshot, formula->parts[i]);
	}
}

/* --- the plan --------------------------------------------------------------------------------- */

/* False: its text or its tree is too large, or too deep. */
static bool put_when(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_formula *when, struct pol_arena *arena)
{
	size_t len = pol_formula_format(snapshot, when, NULL, 0);
	char *text = len < TEXT_MAX ? pol_arena_alloc(arena, len + 1, 1) : NULL;
	size_t mark;

	if (text == NULL || is_deeper(when, LEVELS)) {
		return false;
	}
	(void)pol_formula_format(snapshot, when, text, len + 1);
	wire_put_cstr(out, "when");
	wire_put_str(out, (struct wire_str){ text, len });
	wire_put_cstr(out, "tree");
	mark = out->len;
	put_tree(out, snapshot, when);
	return out->len - mark <= TREE_MAX;
}

static const char *kind_text(enum pol_plan_kind kind)
{
	switch (kind) {
	case POL_PLAN_ALWAYS:
		return "always";
	case POL_PLAN_WHEN:
		return "when";
	case POL_PLAN_NEVER:
		break;
	}
	return "never";
}

enum pol_plan_fault plan_encode(struct wire_buf *out, const struct pol_snapshot *snapshot,
	const struct pol_plan *plan, struct pol_arena *arena)
{
	struct pol_str names[MISSING_FACTS];
	uint32_t missing = missing_names(snapshot, &plan->missing, names);
	char text[POL_RESOURCE_TEXT];
	struct pol_resource resource = { .text = text };
	bool never = plan->kind == POL_PLAN_NEVER, when = plan->kind == POL_PLAN_WHEN;
	bool node = plan->node != POL_NONE;

	wire_put_map(out, 2 + (never || when ? 2 : 0) + (node ? 1 : 0) + (missing > 0 ? 1 : 0));
	wire_put_cstr(out, "plan");
	wire_put_cstr(out, kind_text(plan->kind));
	if (never) {
		wire_put_cstr(out, "reason");
		wire_put_str(out, subject_wire(plan->reason));
		wire_put_cstr(out, "status");
		wire_put_int(out, plan->status);
	}
	if (when && !put_when(out, snapshot, plan->when, arena)) {
		return POL_PLAN_TOO_LARGE;
	}
	if (node) {
		wire_put_cstr(out, "node");
		wire_put_str(
			out, subject_wire(pol_resource_of_node(&resource, snapshot, plan->node)));
	}
	if (missing > 0) {
		wire_put_cstr(out, "missing");
		put_texts(out, names, missing);
	}
	wire_put_cstr(out, "revision");
	wire_put_cstr(out, pol_snapshot_revision(snapshot));
	return POL_PLAN_MADE;
}

enum wire_code plan_encode_code(enum pol_plan_fault fault)
{
	switch (fault) {
	case POL_PLAN_MISNAMED:
	case POL_PLAN_BELOW_REST:
	case POL_PLAN_SEGMENTS:
		return WIRE_INVALID_REQUEST;
	case POL_PLAN_TOO_LARGE:
	case POL_PLAN_REVERSED:
	case POL_PLAN_ROLES:
		return WIRE_CONFLICT;
	case POL_PLAN_MADE:
	case POL_PLAN_NO_MEMORY:
		break;
	}
	return WIRE_INTERNAL;
}
