/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/ask/written.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "tests/policy/load.h"

/* The roles of the policy, each up to its end. */
#define BASE "role base { allow list on api:/loans }"
#define VIEWER                                                                                     \
	"role viewer \"Reads\" inherits base {   # who may see\n"                                  \
	"    allow   GET on api:/loans {      # both:\n"                                           \
	"        /,\n"                                                                             \
	"        /{loan}                      # \"one\"\n"                                         \
	"    }\n"                                                                                  \
	"\n"                                                                                       \
	"    deny GET on api:/loans/{loan},\n"                                                     \
	"                   api:/\"loans\" except GET on api:/loans }"
#define LAST                                                                                       \
	"role last {\n"                                                                            \
	"\tallow all on api:/loans/** except create on api:/loans}"
#define HEIR "role heir inherits base,\n\n  viewer"

static const char policy[] =
	"tree api { /loans { list GET, create POST, /{loan} { read GET, update PUT } } }\n" BASE
	"\n" VIEWER "\n" LAST "\n" HEIR "   # and no more\n"
	"# of nobody: }\n";

static const char *grant(
	const struct loaded *loaded, const char *role, uint32_t index, uint32_t *out_line)
{
	static struct pol_written written;
	static char text[POL_WRITTEN_TEXT + 1];

	if (!pol_written_grant(loaded->snapshot,
		    pol_snapshot_role(loaded->snapshot, pol_str_of(role)), index, &written)) {
		return NULL;
	}
	cr_expect(pol_str_equal(written.file, POL_STR("test.policy")));
	*out_line = written.line;
	memcpy(text, written.text, written.len);
	text[written.len] = '\0';
	return text;
}

Test(written, a_grant_is_shown_as_written_on_one_line_with_its_position)
{
	struct loaded loaded = load_text(policy);
	uint32_t viewer;
	struct pol_str file;
	uint32_t line = 0;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	viewer = pol_snapshot_role(loaded.snapshot, POL_STR("viewer"));
	cr_expect_str_eq(
		grant(&loaded, "viewer", 0, &line), "allow GET on api:/loans { /, /{loan} }");
	cr_expect_eq(line, 4u);
	cr_expect_str_eq(grant(&loaded, "viewer", 1, &line),
		"deny GET on api:/loans/{loan}, api:/\"loans\" except GET on api:/loans");
	cr_expect_eq(line, 9u);
	cr_expect_null(grant(&loaded, "viewer", 2, &line));
	cr_expect_str_eq(grant(&loaded, "last", 0, &line),
		"allow all on api:/loans/** except create on api:/loans");
	cr_expect_eq(line, 12u);
	cr_expect(pol_written_role(loaded.snapshot, viewer, &file, &line));
	cr_expect_eq(line, 3u);
	cr_expect_eq(pol_written_parent(loaded.snapshot, viewer, 0),
		pol_snapshot_role(loaded.snapshot, POL_STR("base")));
	cr_expect_eq(pol_written_parent(loaded.snapshot, viewer, 1), POL_NONE);
	cr_expect_null(grant(&loaded, "nobody", 0, &line));
	unload(&loaded);
}

static void expect_whole(const char *role, const char *text, uint32_t line, uint32_t end_line)
{
	struct loaded loaded = load_text(policy);
	struct pol_written_text whole;

	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	cr_assert(pol_written_whole(
		loaded.snapshot, pol_snapshot_role(loaded.snapshot, pol_str_of(role)), &whole));
	cr_expect(pol_str_equal(whole.file, POL_STR("test.policy")));
	cr_expect(pol_str_equal(whole.text, pol_str_of(text)), "%.*s", POL_STR_ARGS(whole.text));
	cr_expect_eq(whole.line, line);
	cr_expect_eq(whole.end_line, end_line, "%u", (unsigned)whole.end_line);
	unload(&loaded);
}

Test(written, a_role_is_its_whole_declaration_as_written)
{
	struct loaded loaded = load_text(policy);
	struct pol_written_text whole;

	cr_expect_not(pol_written_whole(loaded.snapshot, POL_NONE, &whole));
	unload(&loaded);
	expect_whole("base", BASE, 2, 2);
	expect_whole("viewer", VIEWER, 3, 10);
	expect_whole("last", LAST, 11, 12);
	expect_whole("heir", HEIR, 13, 15);
}

Test(written, a_grant_that_is_too_long_is_cut)
{
	static char text[3 * POL_WRITTEN_TEXT];
	struct loaded loaded;
	uint32_t line;
	size_t len = 0;
	const char *shown;

	len = (size_t)snprintf(
		text, sizeof text, "tree api { /\"\xc3\xa9\" { GET } }\nrole r { allow GET on ");
	while (len < 2 * POL_WRITTEN_TEXT) {
		len += (size_t)snprintf(text + len, sizeof text - len, "api:/\"\xc3\xa9\", ");
	}
	snprintf(text + len, sizeof text - len, "api:/\"\xc3\xa9\" }\n");
	loaded = load_text(text);
	cr_assert_eq(loaded.status, POL_OK, "%s", loaded.said);
	shown = grant(&loaded, "r", 0, &line);
	cr_assert_not_null(shown);
	cr_expect_leq(strlen(shown), POL_WRITTEN_TEXT);
	cr_expect_geq(strlen(shown), POL_WRITTEN_TEXT - 8);
	cr_expect_str_eq(shown + strlen(shown) - 3, "...");
	cr_expect(pol_str_is_utf8(pol_str_of(shown)));
	unload(&loaded);
}

Test(written, a_condition_is_shown_whole_whatever_its_lines)
{
	static const struct {
		const char *text;
		const char *shown;
	} rows[] = {
		{ "allow x on t:/a when b\nallow", "allow x on t:/a when b" },
		{ "allow x on t:/a\n  when b\n  allow", "allow x on t:/a when b" },
		{ "allow x on t:/a  # why\n\n # when?\n when # b\n b\n}",
			"allow x on t:/a when b" },
		{ "allow x on t:/a when b\n and c or\n d\n}", "allow x on t:/a when b and c or d" },
		{ "deny x on t:/a when(b\n is \"(\"\n)\ndeny", "deny x on t:/a when(b is \"(\" )" },
		{ "deny x on t:/a when not\n{b} is c }", "deny x on t:/a when not {b} is c" },
		{ "deny x on t:/a when {b}is\"and\"\ndeny", "deny x on t:/a when {b}is\"and\"" },
		{ "deny x on t:/a when b in \"c\",\n\"d\"\nor e\n}",
			"deny x on t:/a when b in \"c\", \"d\" or e" },
		{ "deny x on t:/when(\ndeny", "deny x on t:/when(" },
		{ "deny x on t:/(\nwhenever", "deny x on t:/(" },
		{ "deny x on t:/a\nor b", "deny x on t:/a" },
		{ "deny x on t:/a when b and", "deny x on t:/a when b and" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		static struct pol_written written;

		pol_written_statement(pol_str_of(rows[i].text), 0, &written);
		cr_expect(pol_str_equal((struct pol_str){ written.text, written.len },
				  pol_str_of(rows[i].shown)),
			"%s: '%.*s'", rows[i].text, (int)written.len, written.text);
	}
}
