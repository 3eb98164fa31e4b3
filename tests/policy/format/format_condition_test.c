/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form of facts and conditions; format_random_test.c has what holds of every file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formatted.h"

/* Characters of the longest line of a condition. */
enum { WIDTH = 100 };

Test(format_condition, facts_have_columns)
{
	formatted_becomes(
		"facts{\nprincipal.limit int # one\nresource.state draft  | active  default draft\n"
		"context.n  int  default  3\n\nresource.tags strings default \"a\",\n\"b\"\n}\n",
		"facts {\n"
		"    principal.limit  int  # one\n"
		"    resource.state   draft | active default draft\n"
		"    context.n        int            default 3\n"
		"\n"
		"    resource.tags  strings default \"a\",\n"
		"        \"b\"\n"
		"}\n");
}

Test(format_condition, operators_have_spaces_and_parentheses_have_none_inside)
{
	formatted_becomes("condition c = ( ( a<=3 )or not( { p }is b.c ) )and d in { q } ,e\n",
		"condition c = ((a <= 3) or not ({p} is b.c)) and d in {q}, e\n");
	formatted_becomes("role r { allow x on t:/a when(a)or b }\ncondition c =(a)\n",
		"role r { allow x on t:/a when (a) or b }\n"
		"condition c = (a)\n");
}

Test(format_condition, a_line_ends_before_and_and_or)
{
	formatted_becomes("condition c = a and\n b or\n c\n", "condition c = a\n"
							      "    and b\n"
							      "    or c\n");
	formatted_becomes(
		"role r {\nallow x on t:/a when a and\nb\nallow x on t:/a when a\nor b\n}\n",
		"role r {\n"
		"    allow x on t:/a when a\n"
		"        and b\n"
		"    allow x on t:/a when a\n"
		"        or b\n"
		"}\n");
}

Test(format_condition, other_line_ends_are_taken_out)
{
	formatted_becomes("condition c =\n\n not\n (\na\nis\nnot\nb\n)\n",
		"condition c = not (a is not b)\n");
	formatted_becomes("condition c = ({\na\n}\nis b\nor\nc\n)\n", "condition c = ({a} is b\n"
								      "        or c)\n");
}

Test(format_condition, a_list_keeps_its_lines_and_goes_on_further_right)
{
	formatted_becomes("condition c = a in \"b\",\n\"c\" and d\nand e\n",
		"condition c = a in \"b\",\n"
		"        \"c\" and d\n"
		"    and e\n");
}

Test(format_condition, parentheses_indent_the_lines_in_them)
{
	formatted_becomes("condition c = (a\nor (b\nand c\n)\nor d)\nand e\n",
		"condition c = (a\n"
		"        or (b\n"
		"            and c)\n"
		"        or d)\n"
		"    and e\n");
}

Test(format_condition, when_stays_on_its_own_line_and_on_that_of_the_grant)
{
	formatted_stays("role r {\n"
			"    allow x on t:/a when a\n"
			"    allow y on t:/a\n"
			"        when a\n"
			"            and b\n"
			"    deny  z on t:/a except t:/b\n"
			"        when a\n"
			"}\n");
	formatted_becomes(
		"scope s {\nallow x on t:/a {\n/b\n} when a\nallow y on t:/a,\nt:/b\nwhen\na\n}\n",
		"scope s {\n"
		"    allow x on t:/a {\n"
		"        /b\n"
		"    } when a\n"
		"    allow y on t:/a,\n"
		"        t:/b\n"
		"        when a\n"
		"}\n");
}

Test(format_condition, comments_stay_in_their_lines)
{
	formatted_stays("role r {\n"
			"    allow x on t:/a  # one\n"
			"        # two\n"
			"        when a       # three\n"
			"            and b    # four\n"
			"            # five\n"
			"            or c     # six\n"
			"    # seven\n"
			"}\n");
	formatted_stays("condition c =  # one\n"
			"    # two\n"
			"    a and      # three\n"
			"    (          # four\n"
			"        b)\n");
}

/* A grant whose line has `width` characters, and what it becomes. */
static void check_width(unsigned width, const char *between)
{
	char name[2 * WIDTH], text[4 * WIDTH], expected[4 * WIDTH];
	const unsigned rest = (unsigned)strlen("    allow x on t:/a when b and ");

	cr_assert_lt(width, sizeof name);
	memset(name, 'n', sizeof name);
	name[width - rest] = '\0';
	snprintf(text, sizeof text, "role r {\n    allow x on t:/a when b and %s\n}\n", name);
	snprintf(expected, sizeof expected, "role r {\n    allow x on t:/a%swhen b and %s\n}\n",
		between, name);
	formatted_becomes(text, expected);
}

Test(format_condition, a_grant_that_is_too_long_has_its_condition_on_a_line_of_its_own)
{
	check_width(WIDTH, " ");
	check_width(WIDTH + 1, "\n        ");
}

Test(format_condition, a_condition_that_is_too_long_is_parted_from_outside_to_inside)
{
	const char *a = "aaaaaaaaaaaaaaaaaaaaaaaaa", *b = "bbbbbbbbbbbbbbbbbbbbbbbbb";
	char text[1024], expected[1024];

	snprintf(text, sizeof text, "condition c = %s and (%s or %s and (%s)) and %s\n", a, b, a, b,
		a);
	snprintf(expected, sizeof expected,
		"condition c = %s\n    and (%s or %s and (%s))\n    and %s\n", a, b, a, b, a);
	formatted_becomes(text, expected);
	snprintf(text, sizeof text, "condition c = %s and (%s or %s and (%s or %s))\n", a, b, a, b,
		a);
	snprintf(expected, sizeof expected,
		"condition c = %s\n    and (%s\n        or %s\n        and (%s or %s))\n", a, b, a,
		b, a);
	formatted_becomes(text, expected);
}

Test(format_condition, what_a_block_on_one_line_has_is_not_parted)
{
	formatted_stays(
		"role r { allow x on t:/a when aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa and "
		"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb }\n");
}

Test(format_condition, attributes_and_given_are_lists)
{
	formatted_becomes(
		"principal p {\nattribute  regions \"EU\" ,\"US\"\n}\n"
		"test \"t\" {\ngiven principal.id \"ann\",\nresource.tags  empty,context.n -3\n}\n",
		"principal p {\n"
		"    attribute regions \"EU\", \"US\"\n"
		"}\n"
		"test \"t\" {\n"
		"    given principal.id \"ann\",\n"
		"        resource.tags empty, context.n -3\n"
		"}\n");
}
