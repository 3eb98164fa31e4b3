/* SPDX-License-Identifier: Apache-2.0 */
/* The canonical form, rule by rule; format_random_test.c has what holds of every file. */
#include "policy/format/format.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formatted.h"
#include "policy/language/parse.h"
#include "tests/policy/large.h"

Test(format, blocks_are_indented_by_four_spaces)
{
	formatted_becomes("tree t{\n/a{\n\t/b\t{\n GET\n}\n}}\n", "tree t {\n"
								  "    /a {\n"
								  "        /b {\n"
								  "            GET\n"
								  "        }\n"
								  "    }\n"
								  "}\n");
}

Test(format, a_block_on_one_line_stays_on_it)
{
	formatted_becomes("tree t {/a{GET,  PUT , /b { list   GET,, create POST, } } , /c{} }",
		"tree t { /a { GET, PUT, /b { list GET, create POST } }, /c { } }\n");
}

Test(format, a_block_with_a_line_end_has_its_braces_on_their_own)
{
	formatted_becomes("tree t { /a { GET\nPUT } }", "tree t {\n"
							"    /a {\n"
							"        GET\n"
							"        PUT\n"
							"    }\n"
							"}\n");
	formatted_becomes("role r { allow GET on t:/a\n deny PUT on t:/b }\n",
		"role r {\n"
		"    allow GET on t:/a\n"
		"    deny  PUT on t:/b\n"
		"}\n");
}

Test(format, entries_on_one_line_stay_on_it_except_blocks_of_several_lines)
{
	formatted_becomes(
		"tree t {\nGET, view ,\n/a { GET }, /b {\nGET\n}, /c { GET }, DELETE\n}\n",
		"tree t {\n"
		"    GET, view\n"
		"    /a { GET }\n"
		"    /b {\n"
		"        GET\n"
		"    }\n"
		"    /c { GET }, DELETE\n"
		"}\n");
}

Test(format, commas_that_separate_nothing_are_left_out)
{
	formatted_becomes(
		"tree t {\n,\n, GET,\n,PUT,,POST,\n}\nrole r { allow GET on t:/ {,/,,/a,} }\n",
		"tree t {\n"
		"    GET\n"
		"    PUT, POST\n"
		"}\n"
		"role r { allow GET on t:/ { /, /a } }\n");
}

Test(format, a_block_of_nothing_is_on_one_line)
{
	formatted_becomes("role a {\n\n}\nrole b {\n\n# why\n\n}\ntree t { /a {,\n,} }\n",
		"role a { }\n"
		"role b {\n"
		"    # why\n"
		"}\n"
		"tree t { /a { } }\n");
}

Test(format, at_most_one_empty_line_is_kept_and_none_beside_braces)
{
	formatted_becomes("\n\n# top\n\n\n\nrole a {\n\n\n allow GET on t:/a\n\n\n allow GET on "
			  "t:/b\n\n}\n\n\n",
		"# top\n"
		"\n"
		"role a {\n"
		"    allow GET on t:/a\n"
		"\n"
		"    allow GET on t:/b\n"
		"}\n");
}

Test(format, a_list_goes_on_further_right_in_its_lines)
{
	formatted_becomes(
		"exclusive a,\nb,\n\n  # c is new\n c\n"
		"role r inherits a,\nb {\nallow GET,\nPUT on t:/a,\nt:/b {\n/c,/d\n/e\n}, t:/f\n}\n"
		"tree t {\n/a,\n/b {\nGET\n}\n}\n",
		"exclusive a,\n"
		"    b,\n"
		"    # c is new\n"
		"    c\n"
		"role r inherits a,\n"
		"        b {\n"
		"    allow GET,\n"
		"            PUT on t:/a,\n"
		"            t:/b {\n"
		"        /c, /d\n"
		"        /e\n"
		"    }, t:/f\n"
		"}\n"
		"tree t {\n"
		"    /a,\n"
		"    /b {\n"
		"        GET\n"
		"    }\n"
		"}\n");
}

Test(format, what_follows_the_brace_of_suffixes_stays_there)
{
	formatted_stays("role r {\n"
			"    allow all on t:/a {\n"
			"        /b\n"
			"    } except DELETE\n"
			"}\n");
}

Test(format, comments_stay_with_their_lines)
{
	formatted_becomes(
		"#one  \n\trole r { # of the role\n# inside\n allow GET on t:/a, # goes on\n"
		"t:/b # ends\n#last\n} # after\n#end",
		"#one\n"
		"role r {  # of the role\n"
		"    # inside\n"
		"    allow GET on t:/a,  # goes on\n"
		"        t:/b            # ends\n"
		"    #last\n"
		"}  # after\n"
		"#end\n");
}

Test(format, comments_of_a_run_begin_in_one_column)
{
	formatted_stays("limits {\n"
			"    keys_per_principal    2    # two\n"
			"    # of each key\n"
			"    key_ttl               30d  # a month\n"
			"    rotation_max_overlap  1d\n"
			"\n"
			"    key_max_ttl  60d  # two months\n"
			"}\n");
}

Test(format, a_long_row_does_not_move_the_comments_of_others)
{
	formatted_stays("tree t {\n"
			"    view  # short\n"
			"    see  \"A description so long that the row has more than sixty-four "
			"characters\" "
			" "
			"# x\n"
			"}\n");
}

Test(format, columns_of_a_tree)
{
	formatted_becomes(
		"tree t {\nlist GET \"All\"\nPUT \"One\"\nupdate PUT PATCH\nview\n"
		"/a { GET }\n/long \"With a text\" { GET }\n/x, /y { GET }\nstrict_slash yes\n}\n",
		"tree t {\n"
		"    list    GET \"All\"\n"
		"    PUT         \"One\"\n"
		"    update  PUT PATCH\n"
		"    view\n"
		"    /a     { GET }\n"
		"    /long  \"With a text\" { GET }\n"
		"    /x, /y { GET }\n"
		"    strict_slash yes\n"
		"}\n");
}

Test(format, columns_of_grants)
{
	formatted_becomes(
		"role r {\nallow GET on t:/a\ndeny GET, PUT on t:/b except t:/c\nallow all on t:/d "
		"{ /e }\n}\n",
		"role r {\n"
		"    allow GET      on t:/a\n"
		"    deny  GET, PUT on t:/b except t:/c\n"
		"    allow all      on t:/d { /e }\n"
		"}\n");
	formatted_stays("role r {\n    deny GET on t:/a\n}\n");
}

Test(format, columns_of_stacks_whose_arguments_have_no_spaces)
{
	formatted_becomes(
		"stack s {\nauthenticate required key\naccount sufficient network "
		"allow=10.0.0.0/8, \"::1\",\n"
		" ::/0 deny=1.1.1.1\nrecord optional log\n}\nstack t { account required hours "
		"allow=mon , tue }\n",
		"stack s {\n"
		"    authenticate  required    key\n"
		"    account       sufficient  network  allow=10.0.0.0/8,\"::1\",\n"
		"        ::/0 deny=1.1.1.1\n"
		"    record        optional    log\n"
		"}\n"
		"stack t { account required hours allow=mon,tue }\n");
}

Test(format, columns_of_tests_go_past_facts)
{
	formatted_becomes("test \"t\" {\nas role a,b at t:/x\nallow GET t:/a\nmfa\n"
			  "deny GET, PUT t:/abc, t:/d because role\ndeny GET t:/b because denied\n"
			  "\nallow DELETE t:/e\nas nobody\n}\n",
		"test \"t\" {\n"
		"    as role a, b at t:/x\n"
		"    allow GET      t:/a\n"
		"    mfa\n"
		"    deny  GET, PUT t:/abc, t:/d  because role\n"
		"    deny  GET      t:/b          because denied\n"
		"\n"
		"    allow DELETE t:/e\n"
		"    as nobody\n"
		"}\n");
}

Test(format, columns_of_statements)
{
	formatted_becomes(
		"environment live prefix a_\nenvironment testing \"Of tests\" prefix b_\n"
		"scope a { allow GET on t:/a }\nscope abc includes a { allow GET on t:/b }\n",
		"environment live               prefix a_\n"
		"environment testing \"Of tests\" prefix b_\n"
		"scope a              { allow GET on t:/a }\n"
		"scope abc includes a { allow GET on t:/b }\n");
}

Test(format, a_block_of_several_lines_ends_the_columns)
{
	formatted_stays("tree t {\n"
			"    list  GET\n"
			"    /a {\n"
			"        GET\n"
			"    }\n"
			"    update  PUT\n"
			"}\n");
}

Test(format, a_long_cell_does_not_move_the_others)
{
	formatted_stays("role r {\n"
			"    allow one, two, three, four, five, six, seven, eight on t:/a\n"
			"    allow nine on t:/b\n"
			"    allow ten  on t:/c\n"
			"}\n"
			"role s {\n"
			"    allow GET on t:/a\n"
			"}\n");
}

Test(format, line_ends_become_line_feeds)
{
	formatted_becomes("role r {\r\n  # a\r\n  allow GET on t:/a # b\r\n}\r\n",
		"role r {\n    # a\n    allow GET on t:/a  # b\n}\n");
}

Test(format, words_and_strings_are_not_touched)
{
	formatted_stays("tree t \"A \\\"tree\\\", with {braces} # and\\n\" {\n"
			"    /\"a b\"/{x}/%41 { GET \"äöü\" }\n"
			"    /{rest...}     { GET }\n"
			"}\n");
}

Test(format, columns_count_characters)
{
	formatted_stays("tree t {\n"
			"    /ä     { GET }\n"
			"    /{abc} { GET }\n"
			"}\n");
}

Test(format, nothing_becomes_nothing)
{
	formatted_becomes("", "");
	formatted_becomes("\n\r\n  \n", "");
	formatted_becomes("   # a comment", "# a comment\n");
}

Test(format, what_does_not_parse_is_refused)
{
	struct pol_source source = { POL_STR_INIT("a.policy"),
		POL_STR_INIT("role r {\n  alow GET on t:/a\n}\n") };
	struct pol_str out = { .ptr = NULL };
	struct pol_arena arena;
	struct pol_diags diags;

	pol_arena_init(&arena, POL_FORMAT_MEMORY);
	pol_diags_init(&diags, &source, 1);
	cr_expect_eq(pol_format(&diags, &arena, &out), POL_EINVALID);
	cr_expect_null(out.ptr);
	cr_expect_eq(diags.errors, 1);
	cr_expect_eq(diags.first->line, 2);
	pol_diags_finish(&diags);
	pol_arena_finish(&arena);
}

/* Formats with little memory until it is enough. */
Test(format, memory_that_runs_out_is_an_error)
{
	struct pol_source source = { POL_STR_INIT("a.policy"),
		POL_STR_INIT("tree t { /a {\n GET, PUT } }\nrole r { allow GET on t:/a }\n") };
	enum pol_status status = POL_ELIMIT;
	unsigned refused = 0;

	for (size_t limit = 64; status != POL_OK; limit += 64) {
		struct pol_arena arena;
		struct pol_diags diags;
		struct pol_str out;

		pol_arena_init(&arena, limit);
		pol_diags_init(&diags, &source, 1);
		status = pol_format(&diags, &arena, &out);
		cr_assert(status == POL_OK || status == POL_ELIMIT, "%d", (int)status);
		refused += status != POL_OK;
		pol_diags_finish(&diags);
		pol_arena_finish(&arena);
	}
	cr_expect_gt(refused, 5);
}

/* Lines in blocks as deep as they may be, without indentation. */
static char *deep(int lines)
{
	struct large text = { .bytes = NULL };
	char *got;

	large_add(&text, "tree t {\n");
	LARGE_ADD_EACH(&text, 60, "/a%d {\n", i);
	LARGE_ADD_EACH(&text, lines, "GET\n");
	LARGE_ADD_EACH(&text, 60, "%s}\n", i < 0 ? " " : "");
	large_add(&text, "}\n");
	got = formatted((struct pol_str){ text.bytes, text.len });
	free(text.bytes);
	return got;
}

Test(format, a_file_that_would_become_too_large_is_refused)
{
	char *fits = deep(33000), *large = deep(35000);

	cr_expect(fits != NULL && strlen(fits) < POL_FILE_MAX);
	cr_expect_null(large);
	free(fits);
	free(large);
}

Test(format, a_list_of_many_lines_takes_no_longer_than_many_lists)
{
	struct large text = { .bytes = NULL };
	char *got;

	large_add(&text, "exclusive a");
	LARGE_ADD_EACH(&text, 300000, ",\nr%d", i);
	large_add(&text, "\n");
	got = formatted((struct pol_str){ text.bytes, text.len });
	cr_expect_not_null(got);
	free(got);
	free(text.bytes);
}

static const char *const examples[] = {
	"policy/examples/booking/booking.policy",
	"policy/examples/lendiq/lendiq.policy",
	"policy/examples/loanpro/access.policy",
	"policy/examples/loanpro/api.policy",
	"policy/examples/loanpro/roles.policy",
	"policy/examples/loanpro/stacks.policy",
	"policy/examples/loanpro/ui.policy",
	"policy/examples/loop/loop.policy",
	"tools/examples/caddy/policy/site.policy",
	"tools/examples/loans/loans.policy",
	"tools/examples/nginx/policy/site.policy",
	"tools/examples/policy/site.policy",
};

Test(format, the_examples_have_the_canonical_form)
{
	for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
		static char text[65536];
		FILE *file = fopen(examples[i], "r");
		char *got;

		cr_assert_not_null(file, "%s", examples[i]);
		text[fread(text, 1, sizeof text - 1, file)] = '\0';
		fclose(file);
		got = formatted_well(examples[i], pol_str_of(text));
		cr_expect_str_eq(got, text, "%s", examples[i]);
		free(got);
	}
}
