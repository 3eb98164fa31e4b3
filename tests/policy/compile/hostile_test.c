/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Very large policies. If a step of loading compared each thing with all those before it, each of
 * these would take hours; each must end in time, with the expected messages.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/policy/load.h"

/* Room for the text of one policy: as much as a file may have. */
#define ROOM ((size_t)8 * 1024 * 1024)

struct text {
	char *bytes;
	size_t len;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	if (text->bytes == NULL) {
		text->bytes = malloc(ROOM);
		cr_assert_not_null(text->bytes);
	}
	va_start(args, format);
	len = vsnprintf(text->bytes + text->len, ROOM - text->len, format, args);
	va_end(args);
	cr_assert(len >= 0 && (size_t)len < ROOM - text->len);
	text->len += (size_t)len;
}

/* Adds one text for each number i below count. */
#define ADD_LINES(text, count, ...)                                                                \
	for (int i = 0; i < (count); i++) {                                                        \
		add((text), __VA_ARGS__);                                                          \
	}

/* Loads the text. `wanted` must be in its messages; NULL: it must compile. */
static void ends_with(struct text *text, const char *wanted)
{
	struct loaded loaded = load_text(text->bytes);

	if (wanted == NULL) {
		cr_expect_eq(loaded.status, POL_OK, "%s", loaded.said);
	} else {
		cr_expect_eq(loaded.status, POL_EINVALID);
		cr_expect_not_null(
			strstr(loaded.said, wanted), "no \"%s\" in\n%s", wanted, loaded.said);
	}
	cr_expect_leq(loaded.diags.arena.used, POL_DIAGS_LIMIT);
	unload(&loaded);
	free(text->bytes);
}

#define MANY 100000

Test(hostile, one_circle_of_many_roles, .timeout = 240)
{
	struct text text = { 0 };

	ADD_LINES(&text, MANY, "role r%d inherits r%d\n", i, (i + 1) % MANY);
	ends_with(&text, "99980 more like this");
}

Test(hostile, many_circles_in_each_other, .timeout = 240)
{
	struct text text = { 0 };

	ADD_LINES(&text, MANY, "role r%d inherits r%d, r0\n", i, (i + 1) % MANY);
	ends_with(&text, "a circle: role");
}

Test(hostile, a_line_of_many_roles, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t { a }\nrole r0 { allow a on t:/ }\n");
	ADD_LINES(&text, MANY, "role r%d inherits r%d\n", i + 1, i);
	ends_with(&text, NULL);
}

Test(hostile, many_parents_of_one_role, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t { a }\n");
	ADD_LINES(&text, MANY, "role r%d { allow a on t:/ }\n", i);
	add(&text, "role all inherits r0");
	ADD_LINES(&text, MANY - 1, ", r%d", i + 1);
	add(&text, "\n");
	ends_with(&text, NULL);
}

Test(hostile, many_members_of_one_exclusive_set, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t { a }\n");
	ADD_LINES(&text, MANY, "role r%d { allow a on t:/ }\n", i);
	add(&text, "exclusive r0");
	ADD_LINES(&text, MANY - 1, ", r%d", i + 1);
	add(&text, ", r7\n");
	ends_with(&text, "role 'r7' twice in one list");
}

Test(hostile, many_exclusive_sets_of_one_role, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t { a }\n");
	ADD_LINES(&text, MANY, "role r%d { allow a on t:/ }\n", i);
	ADD_LINES(&text, MANY - 1, "exclusive r0, r%d\n", i + 1);
	add(&text, "role heir inherits r0\n");
	ends_with(&text, NULL);
}

Test(hostile, many_words_that_nobody_declared, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t {\n");
	ADD_LINES(&text, MANY, "/node%d { a }\n", i);
	add(&text, "}\nrole r {\n");
	ADD_LINES(&text, MANY, "allow a on t:/ndoe%d\n", i);
	add(&text, "}\n");
	ends_with(&text, "did you mean 'node0'?");
}

Test(hostile, many_actions_of_one_node, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t {\n");
	ADD_LINES(&text, MANY, "action%d\n", i);
	add(&text, "}\n");
	ends_with(&text, "more than 512 actions and methods in one node");
}

Test(hostile, one_wildcard_again_and_again, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t {\n");
	ADD_LINES(&text, 20000, "/n%d { a, b }\n", i);
	add(&text, "}\nrole r { allow a on t:/*");
	ADD_LINES(&text, 5000, ", t:/*");
	add(&text, " }\n");
	ends_with(&text, "select more than 30000000 nodes");
}

Test(hostile, many_environments, .timeout = 240)
{
	struct text text = { 0 };

	ADD_LINES(&text, MANY, "environment e%d prefix p%d_\n", i, i);
	add(&text, "environment e7 prefix q_\n");
	ends_with(&text, "environment 'e7' is declared twice");
}

Test(hostile, many_exceptions_of_one_grant, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t {\n");
	ADD_LINES(&text, 20000, "/n%d { a, b }\n", i);
	add(&text, "}\nrole r { allow all on t:/** except a on t:/n0");
	ADD_LINES(&text, 19999, ", t:/n%d", i + 1);
	add(&text, " }\n");
	ends_with(&text, NULL);
}

Test(hostile, one_statement_many_times, .timeout = 240)
{
	struct text text = { 0 };

	add(&text, "tree t { a }\n");
	ADD_LINES(&text, MANY, "role r { allow a on t:/ }\n");
	ends_with(&text, "role 'r' is declared twice");
}

Test(hostile, a_file_of_one_byte_repeated, .timeout = 240)
{
	static const char bytes[] = "{}\"#/,\\\t\r\x80";

	for (size_t i = 0; i + 1 < sizeof bytes; i++) {
		struct text text = { malloc(ROOM), ROOM - 1 };
		struct loaded loaded;

		cr_assert_not_null(text.bytes);
		memset(text.bytes, bytes[i], ROOM - 1);
		text.bytes[ROOM - 1] = '\0';
		loaded = load_text(text.bytes);
		/* A comment, and blanks, are a policy without statements. */
		cr_expect_eq(loaded.status,
			bytes[i] == '#' || bytes[i] == '\t' ? POL_OK : POL_EINVALID,
			"%zu of the bytes", i);
		unload(&loaded);
		free(text.bytes);
	}
}
