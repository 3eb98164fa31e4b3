/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "policy/compile/compile_condition.h"

/* Bytes of a description of an operand in a message. */
#define DESCRIPTION 512

/* A comparison that is compiled. */
struct comparing {
	struct pol_compiler *compiler;
	const struct pol_ast_condition *written;
	const struct pol_parameters *parameters;
	struct pol_side left;
};

static bool is_set(const struct pol_side *side)
{
	return side->type == POL_TYPE_STRINGS;
}

static bool is_roles(const struct pol_side *side)
{
	return side->operand.kind == POL_OPERAND_FACT &&
	       side->operand.number == POL_FACT_PRINCIPAL_ROLES;
}

__attribute__((format(printf, 3, 4))) static const struct pol_condition *refuse(
	const struct comparing *comparing, const struct pol_side *side, const char *format, ...)
{
	char what[DESCRIPTION], text[2 * DESCRIPTION];
	va_list arguments;

	pol_compile_operand_describe(side, what, sizeof what);
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	pol_diag_error(comparing->compiler->diags, side->written->word.at, "%s: %s", what, text);
	return NULL;
}

static const struct pol_condition *make(const struct comparing *comparing,
	enum pol_comparison comparison, const struct pol_side *left, const struct pol_side *right)
{
	struct pol_predicate predicate = { .comparison = comparison, .left = left->operand };

	if (right != NULL) {
		predicate.right = right->operand;
	}
	return pol_compile_intern_predicate(comparing->compiler, &predicate, false);
}

/* `A is B`. A value stands on the right; a bool is asked for by itself. */
static const struct pol_condition *make_is(const struct comparing *comparing,
	const struct pol_side *left, const struct pol_side *right)
{
	const struct pol_condition *made;

	if (left->operand.kind == POL_OPERAND_VALUE) {
		const struct pol_side *swapped = left;

		left = right;
		right = swapped;
	}
	if (left->type != POL_TYPE_BOOL || right->operand.kind != POL_OPERAND_VALUE) {
		return make(comparing, POL_COMPARE_IS, left, right);
	}
	made = make(comparing, POL_COMPARE_TRUE, left, NULL);
	if (made != NULL && right->operand.value.number == 0) {
		made = pol_compile_intern_not(comparing->compiler, made);
	}
	return made;
}

static const struct pol_condition *compare_is(struct comparing *comparing, struct pol_side *right)
{
	struct pol_side *left = &comparing->left;
	const struct pol_side *set = is_set(left) ? left : right;

	if (is_set(set)) {
		return refuse(
			comparing, set, "'is' does not compare sets, 'has' looks for a member");
	}
	if (right->type == POL_TYPE_NETWORK || left->type == POL_TYPE_NETWORK) {
		const struct pol_side *network = right->type == POL_TYPE_NETWORK ? right : left;

		return refuse(comparing, network, "write 'in' for its addresses");
	}
	return pol_compile_operand_match(comparing->compiler, left, right)
		       ? make_is(comparing, left, right)
		       : NULL;
}

static const struct pol_condition *compare_order(
	struct comparing *comparing, struct pol_side *right)
{
	enum pol_ast_comparison written = comparing->written->comparison;
	struct pol_side *left = &comparing->left;
	bool swap = written == POL_AST_GREATER || written == POL_AST_GREATER_OR_EQUAL;
	bool equal = written == POL_AST_LESS_OR_EQUAL || written == POL_AST_GREATER_OR_EQUAL;

	if (!pol_compile_operand_match(comparing->compiler, left, right)) {
		return NULL;
	}
	if (left->type != POL_TYPE_INT && left->type != POL_TYPE_TIME &&
		left->type != POL_TYPE_DURATION) {
		return refuse(comparing, left->fact != NULL ? left : right,
			"only ints, times and durations have an order");
	}
	return make(comparing, equal ? POL_COMPARE_LESS_OR_EQUAL : POL_COMPARE_LESS,
		swap ? right : left, swap ? left : right);
}

/* principal.roles is asked for names in quotes alone, so that it is known which roles matter. */
static const struct pol_condition *make_has(const struct comparing *comparing,
	const struct pol_side *set, const struct pol_side *member)
{
	if (is_roles(set) && member->operand.kind != POL_OPERAND_VALUE) {
		return refuse(
			comparing, member, "principal.roles is asked for names in quotes alone");
	}
	if (member->type != POL_TYPE_STRING) {
		char what[DESCRIPTION];

		pol_compile_operand_describe(set, what, sizeof what);
		if (member->operand.kind == POL_OPERAND_VALUE &&
			member->written->word.text.len < DESCRIPTION) {
			return refuse(comparing, member, "%s, write \"%.*s\"", what,
				POL_STR_ARGS(member->written->word.text));
		}
		return refuse(comparing, member, "%s", what);
	}
	return make(comparing, POL_COMPARE_HAS, set, member);
}

/* One item of `A in …`. */
static const struct pol_condition *compare_in(struct comparing *comparing, struct pol_side *right)
{
	struct pol_side *left = &comparing->left;

	if (is_set(left)) {
		return refuse(comparing, left, "a set is in nothing, 'has' asks for a member");
	}
	if (is_set(right)) {
		return make_has(comparing, right, left);
	}
	if (right->type == POL_TYPE_NETWORK && left->type == POL_TYPE_ADDRESS &&
		left->operand.kind != POL_OPERAND_VALUE) {
		return make(comparing, POL_COMPARE_WITHIN, left, right);
	}
	return pol_compile_operand_match(comparing->compiler, left, right)
		       ? make_is(comparing, left, right)
		       : NULL;
}

/* One item of `A has …`, of `any` or of `all`. */
static const struct pol_condition *compare_has(struct comparing *comparing, struct pol_side *right)
{
	enum pol_ast_comparison written = comparing->written->comparison;
	struct pol_side *left = &comparing->left;

	if (!is_set(left)) {
		return refuse(comparing, left, "'has' asks a set");
	}
	if (!is_set(right)) {
		return make_has(comparing, left, right);
	}
	if (written == POL_AST_HAS) {
		return refuse(comparing, right, "write 'has any' or 'has all'");
	}
	if (is_roles(left) || is_roles(right)) {
		return refuse(
			comparing, right, "principal.roles is asked for names in quotes alone");
	}
	return make(comparing,
		written == POL_AST_HAS_ANY ? POL_COMPARE_HAS_ANY : POL_COMPARE_HAS_ALL, left,
		right);
}

static const struct pol_condition *compare_item(struct comparing *comparing, struct pol_side *right)
{
	switch (comparing->written->comparison) {
	case POL_AST_IS:
	case POL_AST_IS_NOT:
		return compare_is(comparing, right);
	case POL_AST_LESS:
	case POL_AST_LESS_OR_EQUAL:
	case POL_AST_GREATER:
	case POL_AST_GREATER_OR_EQUAL:
		return compare_order(comparing, right);
	case POL_AST_IN:
	case POL_AST_NOT_IN:
		return compare_in(comparing, right);
	case POL_AST_HAS:
	case POL_AST_HAS_ANY:
	case POL_AST_HAS_ALL:
		return compare_has(comparing, right);
	case POL_AST_ALONE:
		break;
	}
	return NULL;
}

static const struct pol_condition *compile_alone(struct comparing *comparing)
{
	const struct pol_side *left = &comparing->left;

	if (left->operand.kind == POL_OPERAND_VALUE) {
		const struct pol_word *word = &left->written->word;
		struct pol_nearest nearest = pol_nearest_to(word->text);
		const struct pol_snapshot *snapshot = comparing->compiler->snapshot;

		for (uint32_t i = 0; snapshot->condition_names.slots != NULL &&
				     i <= snapshot->condition_names.mask;
			i++) {
			pol_nearest_offer(&nearest, snapshot->condition_names.slots[i].text);
		}
		if (left->written->kind == POL_AST_STRING || left->type != POL_TYPE_WORD) {
			return refuse(comparing, left,
				"alone stands a fact that is a bool, or a condition's name");
		}
		if (snapshot->condition_lost) {
			return NULL;
		}
		pol_diag_error(comparing->compiler->diags, word->at,
			"unknown condition '%.*s'" POL_NEAREST, POL_STR_ARGS(word->text),
			POL_NEAREST_ARGS(nearest));
		return NULL;
	}
	if (left->type != POL_TYPE_BOOL) {
		return refuse(comparing, left,
			"alone stands a fact that is a bool, or a condition's name");
	}
	return make(comparing, POL_COMPARE_TRUE, left, NULL);
}

/* Compiles the items of the comparison; all of them, to find each mistake. */
static const struct pol_condition *compile_items(struct comparing *comparing)
{
	const struct pol_ast_condition *written = comparing->written;
	const struct pol_condition *parts[POL_CONDITION_LIST];
	enum pol_condition_kind kind =
		written->comparison == POL_AST_HAS_ALL ? POL_CONDITION_AND : POL_CONDITION_OR;
	bool good = true;

	if (written->right.count > POL_CONDITION_LIST || written->right.count == 0) {
		return NULL; /* the parser reported it */
	}
	for (uint32_t i = 0; i < written->right.count; i++) {
		struct pol_side right;

		parts[i] = NULL;
		if (pol_compile_operand(comparing->compiler, &written->right.items[i],
			    comparing->parameters, &right) &&
			comparing->left.written != NULL) {
			parts[i] = compare_item(comparing, &right);
		}
		good = good && parts[i] != NULL;
	}
	return good ? pol_compile_intern_join(
			      comparing->compiler, kind, parts, written->right.count)
		    : NULL;
}

const struct pol_condition *pol_compile_predicate(struct pol_compiler *compiler,
	const struct pol_ast_condition *written, const struct pol_parameters *parameters)
{
	struct comparing comparing = {
		.compiler = compiler, .written = written, .parameters = parameters
	};
	const struct pol_condition *made;
	bool known = pol_compile_operand(compiler, &written->left, parameters, &comparing.left);

	if (written->comparison == POL_AST_ALONE) {
		return known ? compile_alone(&comparing) : NULL;
	}
	if (!known) {
		comparing.left.written = NULL;
	}
	made = compile_items(&comparing);
	if (made != NULL &&
		(written->comparison == POL_AST_IS_NOT || written->comparison == POL_AST_NOT_IN)) {
		made = pol_compile_intern_not(compiler, made);
	}
	return made;
}
