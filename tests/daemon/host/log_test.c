/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "daemon/host/log.h"

/* The line without its time. */
static const char *after_time(const char *line)
{
	return strchr(line, ' ') + 1;
}

#define LINE(...)                                                                                  \
	char line[512];                                                                            \
	unsigned len = log_line(line, sizeof line - 1, __VA_ARGS__);                               \
	line[len] = '\0'

Test(log, plain_values_are_not_quoted)
{
	LINE(LOG_INFO, "ready", "path=%s n=%u big=%llu z=%zu neg=%d", "/run/x", 7u,
		(unsigned long long)UINT64_MAX, (size_t)9, -3);
	cr_assert_str_eq(after_time(line),
		"info: ready path=/run/x n=7 big=18446744073709551615 z=9 neg=-3\n");
}

Test(log, a_value_can_neither_end_its_line_nor_forge_a_field)
{
	LINE(LOG_WARN, "odd", "name=%s", "a\nb=\"c\" \x1b[31m\\");
	cr_assert_str_eq(after_time(line), "warn: odd name=\"a\\nb=\\\"c\\\" \\u001b[31m\\\\\"\n");
}

Test(log, an_empty_value_and_one_with_spaces_are_quoted)
{
	LINE(LOG_ERROR, "x", "a=%s b=%s c=%.*s", "", "two words", 3, "abcdef");
	cr_assert_str_eq(after_time(line), "error: x a=\"\" b=\"two words\" c=abc\n");
}

Test(log, several_conversions_are_one_value)
{
	LINE(LOG_INFO, "x", "at=%s:%u:%u what=%s", "f g", 1u, 2u, "y");
	cr_assert_str_eq(after_time(line), "info: x at=\"f g:1:2\" what=y\n");
}

Test(log, json_has_numbers_and_strings)
{
	log_init(LOG_JSON);
	LINE(LOG_INFO, "ready", "n=%u s=%s at=%u:%u", 7u, "a\"b", 1u, 2u);
	cr_assert_not_null(strstr(line, "\"level\":\"info\",\"message\":\"ready\",\"n\":7,\"s\":"
					"\"a\\\"b\",\"at\":\"1:2\"}\n"));
	cr_assert_eq(line[0], '{');
}

Test(log, json_has_booleans_where_the_format_says_so)
{
	log_init(LOG_JSON);
	LINE(LOG_WARN, "x", "a=true b=false c=%s d=truth", "true");
	cr_assert_not_null(
		strstr(line, ",\"a\":true,\"b\":false,\"c\":\"true\",\"d\":\"truth\"}\n"));
}

Test(log, a_line_that_is_too_long_is_cut_and_still_ends)
{
	char text[400], line[128];

	memset(text, '\n', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (unsigned size = 100; size < sizeof line; size++) {
		unsigned len = log_line(line, size, LOG_INFO, "x", "value=%s", text);

		cr_assert_leq(len, size);
		cr_assert_eq(line[len - 1], '\n');
	}
}

Test(log, errno_is_kept)
{
	errno = ENOSPC;
	log_info("a line of the tests", "x=%d", 1);
	cr_assert_eq(errno, ENOSPC);
}
