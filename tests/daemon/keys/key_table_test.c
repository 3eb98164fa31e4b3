/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/key_table.h"

#include <criterion/criterion.h>
#include <string.h>

static struct key_table table;

static void teardown(void)
{
	key_table_finish(&table);
}

TestSuite(key_table, .fini = teardown);

enum { SIZE = 16 };

#define LINES (MEMORY_HUGE / SIZE)

Test(key_table, no_line_is_there_before_one_of_its_segment_is_made)
{
	uint8_t *line;

	cr_expect_null(key_table_find(&table, SIZE, 5));
	line = key_table_make(&table, SIZE, 5);
	cr_assert_not_null(line);
	cr_expect_eq(key_table_find(&table, SIZE, 5), (void *)line);
	cr_expect_eq(key_table_find(&table, SIZE, 6), (void *)(line + SIZE));
	cr_expect_null(key_table_find(&table, SIZE, LINES));
}

Test(key_table, a_line_stays_where_it_is)
{
	static const uint64_t numbers[] = { 0, LINES - 1, LINES, 2 * LINES, KEY_TABLE_NUMBERS - 1 };
	uint8_t *lines[sizeof numbers / sizeof numbers[0]];
	uint8_t zeroes[SIZE] = { 0 };

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		lines[i] = key_table_make(&table, SIZE, numbers[i]);
		cr_assert_not_null(lines[i]);
		cr_expect_arr_eq(lines[i], zeroes, SIZE);
		memset(lines[i], (int)i + 1, SIZE);
	}
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		cr_expect_eq(key_table_make(&table, SIZE, numbers[i]), (void *)lines[i]);
		cr_expect_eq(lines[i][0], i + 1, "%zu", i);
		cr_expect_eq(lines[i][SIZE - 1], i + 1, "%zu", i);
	}
}

Test(key_table, the_largest_lines_have_as_many_numbers)
{
	uint8_t *line = key_table_make(&table, KEY_TABLE_LINE, KEY_TABLE_NUMBERS - 1);

	cr_assert_not_null(line);
	cr_expect_eq(key_table_find(&table, KEY_TABLE_LINE, KEY_TABLE_NUMBERS - 2),
		(void *)(line - KEY_TABLE_LINE));
	cr_expect_not_null(
		atomic_load(&table.segments[KEY_TABLE_SEGMENTS - 1]), "the last segment has it");
}

Test(key_table, a_number_that_is_too_high_has_no_line)
{
	cr_expect_null(key_table_make(&table, SIZE, KEY_TABLE_NUMBERS));
	cr_expect_null(key_table_find(&table, SIZE, KEY_TABLE_NUMBERS));
	cr_expect_null(key_table_make(&table, KEY_TABLE_LINE, UINT64_MAX));
	cr_expect_null(key_table_find(&table, KEY_TABLE_LINE, UINT64_MAX));
}
