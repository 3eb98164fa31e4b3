/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/language/source.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/snapshot/snapshot.h"

Test(source, policies_are_told_by_their_names)
{
	static const struct {
		const char *name;
		bool is;
	} rows[] = {
		{ "a.policy", true },
		{ "sub/a.policy", true },
		{ "a.b.policy", true },
		{ "a.policy~", false },
		{ "a.txt", false },
		{ "policy", false },
		{ "", false },
		{ ".policy", false },
		{ ".a.policy", false },
		{ "sub/.a.policy", false },
		{ ".git/a.policy", false },
		{ "sub/.x/a.policy", false },
		{ "a.POLICY", false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		cr_expect_eq(pol_source_is_policy(pol_str_of(rows[i].name)), rows[i].is, "%s",
			rows[i].name);
	}
}

Test(source, files_are_read_in_the_order_of_their_names_bytes)
{
	static const char *const names[] = { "b.policy", "a/z.policy", "a.policy", "B.policy",
		"a-b.policy", "\xc3\xa9.policy" };
	static const char *const sorted[] = { "B.policy", "a-b.policy", "a.policy", "a/z.policy",
		"b.policy", "\xc3\xa9.policy" };
	struct pol_sources sources;

	pol_sources_init(&sources);
	for (size_t i = 0; i < 6; i++) {
		cr_assert_eq(pol_sources_add(&sources, pol_str_of(names[i]), pol_str_of(names[i])),
			POL_OK);
	}
	pol_sources_sort(&sources);
	for (size_t i = 0; i < 6; i++) {
		cr_expect(pol_str_equal(sources.items[i].name, pol_str_of(sorted[i])), "%zu", i);
		cr_expect(pol_str_equal(sources.items[i].text, pol_str_of(sorted[i])), "%zu", i);
	}
	pol_sources_finish(&sources);
}

/* Compiles files of these sizes, all spaces; the first message, or "". */
static void refusal(const size_t *sizes, size_t count, char *out, size_t room)
{
	struct pol_snapshot *snapshot = NULL;
	struct pol_sources sources;
	struct pol_diags diags;
	char *text = malloc(POL_FILE_MAX + 1);

	cr_assert_not_null(text);
	memset(text, ' ', POL_FILE_MAX + 1);
	pol_sources_init(&sources);
	for (size_t i = 0; i < count; i++) {
		enum pol_status status = pol_sources_add(
			&sources, POL_STR("a.policy"), (struct pol_str){ text, sizes[i] });

		cr_assert_eq(status, i > 8 ? POL_ELIMIT : POL_OK, "file %zu", i);
	}
	pol_diags_init(&diags, sources.items, sources.count);
	(void)pol_compile(sources.items, sources.count, NULL, &diags, &snapshot);
	snprintf(out, room, "%.*s",
		POL_STR_ARGS(diags.first != NULL ? diags.first->message : POL_STR("")));
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
	pol_sources_finish(&sources);
	free(text);
}

Test(source, a_file_or_a_folder_past_its_bound_is_refused_by_name)
{
	static const size_t whole[] = { POL_FILE_MAX };
	static const size_t large[] = { POL_FILE_MAX + 1 };
	static const size_t folder[] = { POL_FILE_MAX, POL_FILE_MAX, POL_FILE_MAX, POL_FILE_MAX,
		POL_FILE_MAX, POL_FILE_MAX, POL_FILE_MAX, POL_FILE_MAX, 1, 1 };
	char message[256];

	refusal(whole, 1, message, sizeof message);
	cr_expect_str_eq(message, "");
	refusal(large, 1, message, sizeof message);
	cr_expect_not_null(strstr(message, "larger than 8 MiB"), "%s", message);
	refusal(folder, 8, message, sizeof message);
	cr_expect_str_eq(message, "");
	refusal(folder, 10, message, sizeof message);
	cr_expect_not_null(strstr(message, "larger than 64 MiB"), "%s", message);
}
