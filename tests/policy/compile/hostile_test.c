/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Very large policies. If a step of loading compared each thing with all those before it, each of
 * these would take hours; each must end in time, with the expected messages.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/often.h"
#include "tests/policy/large.h"
#include "tests/policy/load.h"

#define MANY OFTEN(100000)

#if OFTEN_SANITIZED
#define ALL_BUT_TWENTY "19980 more like this"
#else
#define ALL_BUT_TWENTY "99980 more like this"
#endif

Test(hostile, one_circle_of_many_roles, .timeout = 2400)
{
	struct large text = { 0 };

	LARGE_ADD_EACH(&text, MANY, "role r%d inherits r%d\n", i, (i + 1) % MANY);
	large_ends_with(&text, ALL_BUT_TWENTY);
}

Test(hostile, many_circles_in_each_other, .timeout = 2400)
{
	struct large text = { 0 };

	LARGE_ADD_EACH(&text, MANY, "role r%d inherits r%d, r0\n", i, (i + 1) % MANY);
	large_ends_with(&text, "a circle: role");
}

Test(hostile, a_line_of_many_roles, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\nrole r0 { allow a on t:/ }\n");
	LARGE_ADD_EACH(&text, MANY, "role r%d inherits r%d\n", i + 1, i);
	large_ends_with(&text, NULL);
}

Test(hostile, many_parents_of_one_role, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\n");
	LARGE_ADD_EACH(&text, MANY, "role r%d { allow a on t:/ }\n", i);
	large_add(&text, "role all inherits r0");
	LARGE_ADD_EACH(&text, MANY - 1, ", r%d", i + 1);
	large_add(&text, "\n");
	large_ends_with(&text, NULL);
}

Test(hostile, many_members_of_one_exclusive_set, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\n");
	LARGE_ADD_EACH(&text, MANY, "role r%d { allow a on t:/ }\n", i);
	large_add(&text, "exclusive r0");
	LARGE_ADD_EACH(&text, MANY - 1, ", r%d", i + 1);
	large_add(&text, ", r7\n");
	large_ends_with(&text, "role 'r7' is twice in this list");
}

Test(hostile, many_exclusive_sets_of_one_role, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\n");
	LARGE_ADD_EACH(&text, MANY, "role r%d { allow a on t:/ }\n", i);
	LARGE_ADD_EACH(&text, MANY - 1, "exclusive r0, r%d\n", i + 1);
	large_add(&text, "role heir inherits r0\n");
	large_ends_with(&text, NULL);
}

Test(hostile, many_words_that_nobody_declared, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, MANY, "/node%d { a }\n", i);
	large_add(&text, "}\nrole r {\n");
	LARGE_ADD_EACH(&text, MANY, "allow a on t:/ndoe%d\n", i);
	large_add(&text, "}\n");
	large_ends_with(&text, "did you mean 'node0'?");
}

Test(hostile, many_actions_of_one_node, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, MANY, "action%d\n", i);
	large_add(&text, "}\n");
	large_ends_with(&text, "more than 512 actions and methods in one node");
}

Test(hostile, one_wildcard_again_and_again, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 20000, "/n%d { a, b }\n", i);
	large_add(&text, "}\nrole r { allow a on t:/*");
	LARGE_ADD_EACH(&text, 5000, ", t:/*");
	large_add(&text, " }\n");
	large_ends_with(&text, "select more than 30000000 nodes");
}

Test(hostile, many_environments, .timeout = 2400)
{
	struct large text = { 0 };

	LARGE_ADD_EACH(&text, MANY, "environment e%d prefix p%d_\n", i, i);
	large_add(&text, "environment e7 prefix q_\n");
	large_ends_with(&text, "environment 'e7' is declared twice");
}

Test(hostile, many_exceptions_of_one_grant, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 20000, "/n%d { a, b }\n", i);
	large_add(&text, "}\nrole r { allow all on t:/** except a on t:/n0");
	LARGE_ADD_EACH(&text, 19999, ", t:/n%d", i + 1);
	large_add(&text, " }\n");
	large_ends_with(&text, NULL);
}

Test(hostile, one_statement_many_times, .timeout = 2400)
{
	struct large text = { 0 };

	large_add(&text, "tree t { a }\n");
	LARGE_ADD_EACH(&text, MANY, "role r { allow a on t:/ }\n");
	large_ends_with(&text, "role 'r' is declared twice");
}

Test(hostile, a_file_of_one_byte_repeated, .timeout = 2400)
{
	static const char bytes[] = "{}\"#/,\\\t\r\x80";

	for (size_t i = 0; i + 1 < sizeof bytes; i++) {
		struct large text = { malloc(LARGE_ROOM), LARGE_ROOM - 1 };
		struct loaded loaded;

		cr_assert_not_null(text.bytes);
		memset(text.bytes, bytes[i], LARGE_ROOM - 1);
		text.bytes[LARGE_ROOM - 1] = '\0';
		loaded = load_text(text.bytes);
		/* A comment, and blanks, are a policy without statements. */
		cr_expect_eq(loaded.status,
			bytes[i] == '#' || bytes[i] == '\t' ? POL_OK : POL_EINVALID,
			"%zu of the bytes", i);
		unload(&loaded);
		free(text.bytes);
	}
}
