/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/ask/formula_internal.h"
#include "policy/text/str.h"

/* Text that is cut at the end of its buffer, and counted whole. */
struct text {
	const struct pol_snapshot *snapshot;
	char *out;
	size_t size, len;
};

static char *rest_of(const struct text *text, size_t *out_size)
{
	*out_size = text->size > text->len ? text->size - text->len : 0;
	return *out_size > 0 ? text->out + text->len : NULL;
}

static void put(struct text *text, const char *part)
{
	size_t size, len = strlen(part);
	char *out = rest_of(text, &size);

	if (size > 0) {
		size_t kept = len < size ? len : size - 1;

		memcpy(out, part, kept);
		out[kept] = '\0';
	}
	text->len += len;
}

static void put_predicate(struct text *text, const struct pol_formula *formula)
{
	size_t size;
	char *out = rest_of(text, &size);

	text->len += pol_condition_format_predicate(
		text->snapshot, formula->predicate, formula->negated, out, size);
}

static void put_presence(struct text *text, const struct pol_formula *formula)
{
	const struct pol_operand fact = { .kind = POL_OPERAND_FACT, .number = formula->fact };
	const struct pol_predicate alone = { .comparison = POL_COMPARE_TRUE, .left = fact };
	size_t size;
	char *out = rest_of(text, &size);

	text->len += pol_condition_format_predicate(text->snapshot, &alone, false, out, size);
	put(text, formula->kind == POL_FORMULA_PRESENT ? " present" : " absent");
}

/* --- lists ------------------------------------------------------------------------------------ */

/* Is the part an item of `FACT in …` (of an `or`) or `FACT not in …` (of an `and`)? */
static bool is_item(enum pol_formula_kind kind, const struct pol_formula *part)
{
	return part->kind == POL_FORMULA_COMPARE && part->negated == (kind == POL_FORMULA_AND) &&
	       (part->predicate->comparison == POL_COMPARE_IS ||
		       part->predicate->comparison == POL_COMPARE_WITHIN) &&
	       part->predicate->left.kind != POL_OPERAND_VALUE &&
	       part->predicate->right.kind == POL_OPERAND_VALUE;
}

/* How many parts from this one on are items of one list; at least 1. */
static uint32_t list_length(const struct pol_formula *formula, uint32_t from)
{
	const struct pol_formula *const *parts = formula->parts;
	uint32_t count = 1;

	while (is_item(formula->kind, parts[from]) && from + count < formula->part_count &&
		is_item(formula->kind, parts[from + count]) &&
		parts[from]->predicate->left.kind == parts[from + count]->predicate->left.kind &&
		parts[from]->predicate->left.number ==
			parts[from + count]->predicate->left.number) {
		count++;
	}
	return count;
}

static void put_list(
	struct text *text, const struct pol_formula *formula, uint32_t from, uint32_t count)
{
	const struct pol_predicate alone = { .comparison = POL_COMPARE_TRUE,
		.left = formula->parts[from]->predicate->left };
	size_t size;
	char *out = rest_of(text, &size);

	text->len += pol_condition_format_predicate(text->snapshot, &alone, false, out, size);
	put(text, formula->kind == POL_FORMULA_AND ? " not in " : " in ");
	for (uint32_t i = 0; i < count; i++) {
		put(text, i > 0 ? ", " : "");
		out = rest_of(text, &size);
		text->len += pol_value_format(
			&formula->parts[from + i]->predicate->right.value, out, size);
	}
}

/* --- formulas --------------------------------------------------------------------------------- */

static bool is_one_list(const struct pol_formula *formula)
{
	return list_length(formula, 0) == formula->part_count;
}

static void put_formula(struct text *text, const struct pol_formula *formula);

static void put_parts(struct text *text, const struct pol_formula *formula)
{
	bool is_and = formula->kind == POL_FORMULA_AND;
	uint32_t count;

	for (uint32_t i = 0; i < formula->part_count; i += count) {
		const struct pol_formula *part = formula->parts[i];
		bool wrap = is_and && part->kind == POL_FORMULA_OR && !is_one_list(part);

		count = list_length(formula, i);
		put(text, i == 0 ? "" : is_and ? " and " : " or ");
		if (count > 1) {
			put_list(text, formula, i, count);
			continue;
		}
		put(text, wrap ? "(" : "");
		put_formula(text, part);
		put(text, wrap ? ")" : "");
	}
}

static void put_formula(struct text *text, const struct pol_formula *formula)
{
	switch (formula->kind) {
	case POL_FORMULA_NEVER:
		put(text, "never");
		break;
	case POL_FORMULA_ALWAYS:
		put(text, "always");
		break;
	case POL_FORMULA_AND:
	case POL_FORMULA_OR:
		put_parts(text, formula);
		break;
	case POL_FORMULA_COMPARE:
		put_predicate(text, formula);
		break;
	case POL_FORMULA_PRESENT:
	case POL_FORMULA_ABSENT:
		put_presence(text, formula);
		break;
	}
}

size_t pol_formula_format(const struct pol_snapshot *snapshot, const struct pol_formula *formula,
	char *out, size_t size)
{
	struct text text = { snapshot, out, size, 0 };
	size_t len;

	if (size > 0) {
		out[0] = '\0';
	}
	put_formula(&text, formula);
	/* Text that was cut ends with a whole character; one has at most four bytes. */
	len = size > 0 && text.len >= size ? strlen(out) : 0;
	for (int i = 0; i < 3 && len > 0 && !pol_str_is_utf8((struct pol_str){ out, len }); i++) {
		out[--len] = '\0';
	}
	return text.len;
}
