/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/snapshot/condition.h"

#include <string.h>

#include "policy/snapshot/compiled.h"

uint32_t pol_condition_fact(const struct pol_snapshot *snapshot, struct pol_str name)
{
	return pol_names_find(&snapshot->fact_names, name);
}

const struct pol_declared_fact *pol_condition_declared(
	const struct pol_snapshot *snapshot, uint32_t fact)
{
	return fact < snapshot->fact_count ? &snapshot->facts[fact] : NULL;
}

/* Text that is cut at the end of its buffer, and counted whole. */
struct text {
	const struct pol_snapshot *snapshot;
	char *out;
	size_t size;
	size_t len;
};

static void put(struct text *text, struct pol_str part)
{
	size_t room = text->size > text->len ? text->size - text->len - 1 : 0;

	if (room > 0 && part.len > 0) {
		memcpy(text->out + text->len, part.ptr, part.len < room ? part.len : room);
	}
	text->len += part.len;
}

static size_t end(const struct text *text)
{
	size_t at = text->len < text->size ? text->len : text->size - 1;

	if (text->size == 0) {
		return text->len;
	}
	/* Only whole characters. */
	while (at > 0 && at < text->len && ((unsigned char)text->out[at] & 0xc0) == 0x80) {
		at--;
	}
	text->out[at] = '\0';
	return text->len;
}

static void put_operand(struct text *text, const struct pol_operand *operand)
{
	size_t room = text->size > text->len ? text->size - text->len : 0;
	const struct pol_declared_fact *fact;

	switch (operand->kind) {
	case POL_OPERAND_FACT:
		fact = pol_condition_declared(text->snapshot, operand->number);
		put(text, fact != NULL ? fact->name : POL_STR("?"));
		break;
	case POL_OPERAND_SEGMENT:
		put(text, POL_STR("{"));
		put(text, operand->name);
		put(text, POL_STR("}"));
		break;
	case POL_OPERAND_VALUE:
		text->len += pol_value_format(
			&operand->value, room > 0 ? text->out + text->len : NULL, room);
		break;
	}
}

/* Does a comparison stand the other way round, so that its value is on the right? */
static bool is_turned(const struct pol_predicate *predicate)
{
	return (predicate->comparison == POL_COMPARE_LESS ||
		       predicate->comparison == POL_COMPARE_LESS_OR_EQUAL) &&
	       predicate->left.kind == POL_OPERAND_VALUE;
}

static struct pol_str word_of(const struct pol_predicate *predicate, bool negated)
{
	bool turned = is_turned(predicate);

	switch (predicate->comparison) {
	case POL_COMPARE_TRUE:
		break;
	case POL_COMPARE_IS:
		return negated ? POL_STR(" is not ") : POL_STR(" is ");
	case POL_COMPARE_LESS:
		return turned ? POL_STR(" > ") : POL_STR(" < ");
	case POL_COMPARE_LESS_OR_EQUAL:
		return turned ? POL_STR(" >= ") : POL_STR(" <= ");
	case POL_COMPARE_HAS:
		return POL_STR(" has ");
	case POL_COMPARE_HAS_ANY:
		return POL_STR(" has any ");
	case POL_COMPARE_HAS_ALL:
		return POL_STR(" has all ");
	case POL_COMPARE_WITHIN:
		return negated ? POL_STR(" not in ") : POL_STR(" in ");
	}
	return (struct pol_str){ 0 };
}

static void put_predicate(struct text *text, const struct pol_predicate *predicate, bool negated)
{
	bool turned = is_turned(predicate);

	if (negated && predicate->comparison != POL_COMPARE_IS &&
		predicate->comparison != POL_COMPARE_WITHIN) {
		put(text, POL_STR("not "));
	}
	put_operand(text, turned ? &predicate->right : &predicate->left);
	if (predicate->comparison != POL_COMPARE_TRUE) {
		put(text, word_of(predicate, negated));
		put_operand(text, turned ? &predicate->left : &predicate->right);
	}
}

/* --- lists ------------------------------------------------------------------------------------ */

static bool is_same_fact(const struct pol_operand *a, const struct pol_operand *b)
{
	return a->kind == b->kind && a->kind != POL_OPERAND_VALUE && a->number == b->number;
}

/* The word before a list of which the part is an item, when parts of one kind are joined; empty: it
 * is in no list. Items of a list were such parts when they were written. */
static struct pol_str list_word(enum pol_condition_kind kind, const struct pol_condition *part)
{
	bool is_or = kind == POL_CONDITION_OR;

	if (part->kind != POL_CONDITION_PREDICATE) {
		return (struct pol_str){ 0 };
	}
	switch (part->predicate->comparison) {
	case POL_COMPARE_IS:
	case POL_COMPARE_WITHIN:
		if (part->negated == is_or) {
			break;
		}
		return is_or ? POL_STR(" in ") : POL_STR(" not in ");
	case POL_COMPARE_HAS:
		if (part->negated) {
			break;
		}
		return is_or ? POL_STR(" has any ") : POL_STR(" has all ");
	case POL_COMPARE_HAS_ANY:
		return is_or && !part->negated ? POL_STR(" has any ") : (struct pol_str){ 0 };
	case POL_COMPARE_HAS_ALL:
		return is_or || part->negated ? (struct pol_str){ 0 } : POL_STR(" has all ");
	case POL_COMPARE_TRUE:
	case POL_COMPARE_LESS:
	case POL_COMPARE_LESS_OR_EQUAL:
		break;
	}
	return (struct pol_str){ 0 };
}

/* How many parts from this one on are items of one list. */
static uint32_t list_length(const struct pol_condition *condition, uint32_t from)
{
	const struct pol_condition *first = condition->parts[from];
	struct pol_str word = list_word(condition->kind, first);
	uint32_t count = 1;

	while (word.len > 0 && from + count < condition->part_count &&
		pol_str_equal(list_word(condition->kind, condition->parts[from + count]), word) &&
		is_same_fact(&first->predicate->left,
			&condition->parts[from + count]->predicate->left)) {
		count++;
	}
	return count;
}

static void put_list(struct text *text, enum pol_condition_kind kind,
	const struct pol_condition *const *parts, uint32_t count)
{
	put_operand(text, &parts[0]->predicate->left);
	put(text, list_word(kind, parts[0]));
	for (uint32_t i = 0; i < count; i++) {
		put(text, i > 0 ? POL_STR(", ") : (struct pol_str){ 0 });
		put_operand(text, &parts[i]->predicate->right);
	}
}

/* --- conditions ------------------------------------------------------------------------------- */

/* Is the disjunction one list, which needs no parentheses? */
static bool is_list(const struct pol_condition *condition)
{
	return condition->kind != POL_CONDITION_PREDICATE &&
	       list_length(condition, 0) == condition->part_count;
}

static void put_condition(struct text *text, const struct pol_condition *condition)
{
	bool is_and = condition->kind == POL_CONDITION_AND;
	uint32_t count;

	if (condition->kind == POL_CONDITION_PREDICATE) {
		put_predicate(text, condition->predicate, condition->negated);
		return;
	}
	for (uint32_t i = 0; i < condition->part_count; i += count) {
		const struct pol_condition *part = condition->parts[i];
		bool wrap = is_and && part->kind == POL_CONDITION_OR && !is_list(part);

		put(text, i == 0   ? (struct pol_str){ 0 }
			  : is_and ? POL_STR(" and ")
				   : POL_STR(" or "));
		count = list_length(condition, i);
		if (count > 1) {
			put_list(text, condition->kind, condition->parts + i, count);
			continue;
		}
		put(text, wrap ? POL_STR("(") : (struct pol_str){ 0 });
		put_condition(text, part);
		put(text, wrap ? POL_STR(")") : (struct pol_str){ 0 });
	}
}

size_t pol_condition_format(const struct pol_snapshot *snapshot,
	const struct pol_condition *condition, char *out, size_t size)
{
	struct text text = { snapshot, out, size, 0 };

	put_condition(&text, condition);
	return end(&text);
}

size_t pol_condition_format_predicate(const struct pol_snapshot *snapshot,
	const struct pol_predicate *predicate, bool negated, char *out, size_t size)
{
	struct text text = { snapshot, out, size, 0 };

	put_predicate(&text, predicate, negated);
	return end(&text);
}
