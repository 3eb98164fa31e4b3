/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tools/table.h"

static const char *const titles[] = { "KEY", "NAME", "STATUS" };

static void add(struct table *table, const char *key, const char *name, const char *status)
{
	const struct table_cell cells[] = { { key, COLOUR_NONE }, { name, COLOUR_NONE },
		{ status, COLOUR_GREEN } };

	cr_assert(table_add(table, cells));
}

Test(table, columns_align_by_width_and_unused_ones_are_left_out)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct table table;

	table_init(&table, titles, 3, false);
	add(&table, "k1", NULL, "active");
	add(&table, "key2", "", "revoked");
	table_print(&table, file);
	fclose(file);
	table_finish(&table);
	cr_expect_str_eq(text, "KEY   STATUS\n"
			       "k1    active\n"
			       "key2  revoked\n");
	free(text);
}

Test(table, a_later_page_keeps_the_columns_and_has_no_second_header)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct table table;

	table_init(&table, titles, 3, true);
	add(&table, "k1", "東京", "active");
	table_print(&table, file);
	add(&table, "k2", "a", "");
	table_print(&table, file);
	table_print(&table, file);
	fclose(file);
	table_finish(&table);
	cr_expect_str_eq(text, "\033[1mKEY\033[0m  \033[1mNAME\033[0m  \033[1mSTATUS\033[0m\n"
			       "k1   東京  \033[32mactive\033[0m\n"
			       "k2   a     \033[32m-\033[0m\n");
	free(text);
}

/* The table of two rows in lines of `width`. Freed by the caller. */
static char *fitted(size_t width, const char *const *spare, bool fold)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct table table;

	table_init(&table, titles, 3, false);
	table.width = width;
	table.spare = spare;
	table.fold = fold;
	add(&table, "an id that is never cut", "0123456789abcdef", "active since a long time");
	add(&table, "k2", "東京東京東京東京", "");
	table_print(&table, file);
	fclose(file);
	table_finish(&table);
	return text;
}

Test(table, lines_that_are_too_long_are_cut_where_they_are_widest)
{
	char *text = fitted(54, NULL, false);

	cr_expect_str_eq(text,
		"KEY                      NAME            STATUS\n"
		"an id that is never cut  0123456789abc…  active since…\n"
		"k2                       東京東京東京…   -\n",
		"%s", text);
	free(text);
}

Test(table, what_fits_is_not_cut)
{
	char *text = fitted(67, NULL, false);

	cr_expect(strstr(text, "0123456789abcdef  active since a long time\n") != NULL, "%s", text);
	cr_expect(strstr(text, "…") == NULL, "%s", text);
	free(text);
}

Test(table, columns_that_may_be_left_out_are_when_the_least_is_too_much)
{
	static const char *const spare[] = { "NAME", NULL };
	char *text = fitted(40, spare, false);

	cr_expect_str_eq(text,
		"KEY                      STATUS\n"
		"an id that is never cut  active since a…\n"
		"k2                       -\n",
		"%s", text);
	free(text);
}

Test(table, a_last_column_that_folds_loses_nothing)
{
	char *text = fitted(63, NULL, true);

	cr_expect_str_eq(text,
		"KEY                      NAME              STATUS\n"
		"an id that is never cut  0123456789abcdef  active since a long\n"
		"                                           time\n"
		"k2                       東京東京東京東京  -\n",
		"%s", text);
	free(text);
	text = fitted(45, NULL, true);
	cr_expect_str_eq(text,
		"KEY                      NAME\n"
		"        STATUS\n"
		"an id that is never cut  0123456789abcdef\n"
		"        active since a long time\n"
		"k2                       東京東京東京東京\n"
		"        -\n",
		"%s", text);
	free(text);
}

Test(table, without_rows_nothing_is_printed)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct table table;

	table_init(&table, titles, 3, false);
	table_print(&table, file);
	fclose(file);
	table_finish(&table);
	cr_expect_eq(len, 0);
	free(text);
}
