/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/stored.h"
#include "tests/policy/compiled_text.h"
#include "tests/policy/kept_lines.h"

/* Names that would be ambiguous, or cut, if nothing in a line were encoded or if more were. */
static const char policy[] = "tree api { GET\n"
			     "/%7Bloan%7D { GET }\n"
			     "/{loan} { GET\n"
			     "/\"a b\" { GET }\n"
			     "/100%25 { GET }\n"
			     "/x%3By { GET }\n"
			     "/{path...} { GET }\n"
			     "} }\n";

static void missing(void *context, struct pol_str line)
{
	(void)context;
	cr_assert_fail("%.*s is not read back", POL_STR_ARGS(line));
}

Test(stored_lines, a_node_is_written_as_declared_and_read_back)
{
	static const struct pol_str grant = POL_STR_INIT("allow GET on api:/**");
	static const char *const expected[] = { "+GET api:", "+GET api:/%7Bloan}",
		"+GET api:/{loan}", "+GET api:/{loan}/a b", "+GET api:/{loan}/100%25",
		"+GET api:/{loan}/x;y", "+GET api:/{loan}/{path...}" };
	const size_t count = sizeof expected / sizeof *expected;
	struct pol_snapshot *snapshot = compiled_text_good(policy);
	struct kept_lines lines = { .count = 0 };
	struct pol_stored_source source = { kept_lines_next, missing, &lines };
	struct pol_stored_fault fault;
	struct pol_stored *stored = NULL, *read = NULL;
	size_t allowed, denied;

	cr_assert_eq(pol_stored_text_parse(snapshot, &grant, 1, &fault, &stored), POL_OK, "%s",
		fault.why);
	cr_assert_eq(pol_stored_lines_write(snapshot, stored, kept_lines_keep, &lines), POL_OK);
	cr_assert_eq(lines.count, count);
	for (size_t i = 0; i < count; i++) {
		cr_expect_str_eq(lines.items[i], expected[i]);
	}
	cr_assert_eq(pol_stored_lines_read(snapshot, &source, &read), POL_OK);
	pol_stored_count(read, &allowed, &denied);
	cr_expect_eq(allowed, count);
	cr_expect_eq(denied, 0);
	pol_stored_unref(stored);
	pol_stored_unref(read);
	pol_snapshot_unref(snapshot);
}
