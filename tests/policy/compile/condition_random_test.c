/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/often.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/dice.h"

/* The canonical text of a condition, read again, is the same condition. */

#define ROUNDS OFTEN(3000)

#define HEAD                                                                                       \
	"tree api { /{user}/{id} { go } }\n"                                                       \
	"facts {\nresource.s string\nresource.t string\nresource.set strings\n"                    \
	"principal.set strings\nresource.i int\ncontext.j int\nresource.b bool\nresource.c bool\n" \
	"resource.at time\nresource.for duration\nresource.ip address\n"                           \
	"resource.w draft | active | old\ncontext.w old | active | draft\n}\n"

struct text {
	char bytes[8192];
	size_t len;
	unsigned predicates; /* that are left */
	bool parameters;     /* {name} may stand in it */
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	text->len += (size_t)vsnprintf(
		text->bytes + text->len, sizeof text->bytes - text->len, format, arguments);
	va_end(arguments);
	cr_assert_lt(text->len, sizeof text->bytes);
}

static const char *string(struct dice *dice, const struct text *text)
{
	static const char *const all[] = { "\"a\"", "\"b \\\" \\\\\"", "\"\"", "resource.s",
		"resource.t", "principal.id", "\"äö\"", "{user}", "{id}" };

	return all[roll(dice, sizeof all / sizeof *all - (text->parameters ? 0 : 2))];
}

/* One comparison, with at most eight items. */
static void put_predicate(struct dice *dice, struct text *text)
{
	static const char *const strings[] = { "resource.s", "resource.t", "principal.id" };
	static const char *const sets[] = { "resource.set", "principal.set" };
	static const char *const bools[] = { "resource.b", "resource.c" };
	static const char *const orders[] = { "<", "<=", ">", ">=", "is", "is not" };
	static const char *const words[] = { "draft", "active", "old", "context.w" };
	static const char *const ints[] = { "7", "-3", "context.j", "0" };
	static const char *const networks[] = { "10.0.0.0/8", "::/0", "10.0.0.1", "context.ip",
		"2001:db8::/32" };
	static const char *const in[] = { "in", "not in" };
	unsigned count = 1 + roll(dice, 4);

	text->predicates -= text->predicates < count ? text->predicates : count;
	switch (roll(dice, 10)) {
	case 0:
		put(text, "%s", PICK(dice, bools));
		break;
	case 1:
		put(text, "%s is %s", PICK(dice, strings), string(dice, text));
		break;
	case 2:
		put(text, "resource.i %s %s", PICK(dice, orders), PICK(dice, ints));
		break;
	case 3:
		put(text, "%s has %s", PICK(dice, sets), string(dice, text));
		break;
	case 4:
		put(text, "%s has %s ", PICK(dice, sets), roll(dice, 2) == 0 ? "any" : "all");
		for (unsigned i = 0; i < count; i++) {
			put(text, "%s%s", i > 0 ? ", " : "",
				roll(dice, 4) == 0 ? PICK(dice, sets) : string(dice, text));
		}
		break;
	case 5:
		put(text, "%s %s ", PICK(dice, strings), PICK(dice, in));
		for (unsigned i = 0; i < count; i++) {
			put(text, "%s%s", i > 0 ? ", " : "",
				roll(dice, 4) == 0 ? PICK(dice, sets) : string(dice, text));
		}
		break;
	case 6:
		put(text, "resource.ip %s ", PICK(dice, in));
		for (unsigned i = 0; i < count; i++) {
			put(text, "%s%s", i > 0 ? ", " : "", PICK(dice, networks));
		}
		break;
	case 7:
		put(text, "resource.w %s ", PICK(dice, in));
		for (unsigned i = 0; i < count; i++) {
			put(text, "%s%s", i > 0 ? ", " : "", PICK(dice, words));
		}
		break;
	case 8:
		put(text, "resource.at %s 2026-11-22T03:05:38Z", PICK(dice, orders));
		break;
	default:
		put(text, "%s %s resource.for", roll(dice, 2) == 0 ? "8h" : "context.mfa_age",
			PICK(dice, orders));
		break;
	}
}

static void put_condition(struct dice *dice, struct text *text, unsigned levels)
{
	static const char *const joints[] = { " and ", " or " };
	unsigned parts = 1 + roll(dice, 3);

	for (unsigned i = 0; i < parts && (i == 0 || text->predicates > 4); i++) {
		put(text, "%s%s", i > 0 ? PICK(dice, joints) : "",
			roll(dice, 4) == 0 ? "not " : "");
		if (levels > 0 && roll(dice, 2) == 0) {
			put(text, "(");
			put_condition(dice, text, levels - 1);
			put(text, ")");
		} else {
			put_predicate(dice, text);
		}
	}
}

/* Compiles one condition; NULL: it is refused, because it has too many levels or says the same of
 * two values. */
static struct pol_snapshot *compile(const char *first, const char *second, bool parameters)
{
	static char policy[32768];
	const char *texts = policy;
	static struct compiled_text compiled;

	if (parameters) {
		snprintf(policy, sizeof policy,
			"%srole r { allow go on api:/{user}/{id} when %s\n}\n"
			"role s { allow go on api:/{user}/{id} when %s\n}\n",
			HEAD, first, second);
	} else {
		snprintf(policy, sizeof policy, "%scondition a = %s\ncondition b = %s\n", HEAD,
			first, second);
	}
	compiled_text_of(&compiled, &texts, 1);
	cr_assert(
		compiled.snapshot != NULL || strstr(compiled.said, "levels of parentheses") != NULL,
		"%s\n%s", policy, compiled.said);
	return compiled.snapshot;
}

static const struct pol_condition *condition_of(
	const struct pol_snapshot *snapshot, uint32_t i, bool parameters)
{
	return parameters ? snapshot->roles[i].conditionals[0].condition : snapshot->conditions[i];
}

Test(condition_random, a_condition_is_the_same_as_its_text)
{
	unsigned compared = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct dice dice = { i };
		struct text text = { .predicates = 24, .parameters = i % 3 == 0 };
		char canonical[8192];
		struct pol_snapshot *snapshot;

		put_condition(&dice, &text, 4);
		snapshot = compile(text.bytes, "resource.b", text.parameters);
		if (snapshot == NULL) {
			continue;
		}
		cr_assert_lt(
			pol_condition_format(snapshot, condition_of(snapshot, 0, text.parameters),
				canonical, sizeof canonical),
			sizeof canonical);
		pol_snapshot_unref(snapshot);
		snapshot = compile(text.bytes, canonical, text.parameters);
		cr_assert_not_null(snapshot, "%s", canonical);
		cr_expect_eq(condition_of(snapshot, 0, text.parameters),
			condition_of(snapshot, 1, text.parameters), "%s\n%s", text.bytes,
			canonical);
		compared++;
		pol_snapshot_unref(snapshot);
	}
	cr_expect_gt(compared, ROUNDS / 2);
}
