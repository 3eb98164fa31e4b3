/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * compared: compares two policies as text, and the differences with what they should be.
 */

#include <stdarg.h>

#include "policy/ask/compare.h"
#include "tests/policy/compiled_text.h"

/* What two policies differ in, as text: a line for each difference, and below it one for each
 * change. */
struct said {
	char text[16384];
	size_t used;
};

#define NOW INT64_C(1764547200) /* 2025-12-01 */

__attribute__((format(printf, 2, 3))) static inline void say(
	struct said *said, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	said->used += (size_t)vsnprintf(
		said->text + said->used, sizeof said->text - said->used, format, args);
	va_end(args);
	cr_assert_lt(said->used, sizeof said->text);
}

static inline void say_change(struct said *said, const struct pol_change *change)
{
	say(said, "  %s", pol_compare_change_name(change->kind));
	for (size_t i = 0; i < change->verb_count; i++) {
		say(said, "%s%.*s", i > 0 ? "," : " ", POL_STR_ARGS(change->verbs[i]));
	}
	if (change->pattern.len > 0) {
		say(said, " %.*s", POL_STR_ARGS(change->pattern));
	}
	for (size_t i = 0; i < change->except_count; i++) {
		say(said, "%s%.*s", i > 0 ? "," : " except ", POL_STR_ARGS(change->except[i]));
	}
	if (change->when.len > 0) {
		say(said, " when %.*s", POL_STR_ARGS(change->when));
	}
	if (change->denial) {
		say(said, " of denials");
	}
	if (change->what.len > 0) {
		say(said, " %.*s", POL_STR_ARGS(change->what));
	}
	if (change->before.len > 0) {
		say(said, ": %.*s -> %.*s", POL_STR_ARGS(change->before),
			POL_STR_ARGS(change->after));
	}
	if (change->at.len > 0) {
		say(said, " at %.*s", POL_STR_ARGS(change->at));
	}
	if (change->from != 0) {
		say(said, " from %+lld", (long long)(change->from - NOW));
	}
	say(said, "\n");
}

static inline void on_difference(void *context, const struct pol_difference *difference)
{
	static const char *const presences[] = { "", " removed", " new" };
	struct said *said = (struct said *)context;
	unsigned effect = pol_compare_effect(difference);

	say(said, "%s%s%.*s%s%s%s\n", pol_compare_kind_name(difference->kind),
		difference->name.len > 0 ? " " : "", POL_STR_ARGS(difference->name),
		presences[difference->presence], (effect & POL_CHANGE_GAIN) != 0 ? " +" : "",
		(effect & POL_CHANGE_LOSS) != 0 ? " -" : "");
	for (size_t i = 0; i < difference->count; i++) {
		say_change(said, &difference->changes[i]);
	}
}

/* The differences. The text lives until the next call. */
static inline const char *compared(const char *before, const char *after)
{
	static struct said said;
	struct pol_snapshot *one = compiled_text_good(before);
	struct pol_snapshot *other = compiled_text_good(after);
	struct pol_compare *compare;

	said = (struct said){ .used = 0 };
	cr_assert_eq(pol_compare_open(one, other, &compare), POL_OK);
	cr_assert_eq(pol_compare_policies(compare, NOW, on_difference, &said), POL_OK);
	pol_compare_close(compare);
	pol_snapshot_unref(one);
	pol_snapshot_unref(other);
	return said.text;
}

static inline void check(const char *before, const char *after, const char *expected)
{
	const char *text = compared(before, after);

	cr_expect_str_eq(text, expected, "got:\n%s", text);
}
