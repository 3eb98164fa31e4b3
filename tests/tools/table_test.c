/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <stdlib.h>

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
