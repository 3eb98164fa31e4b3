/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/log.h"

enum { STDERR = 2 };

/* Standard error, and the pipe that takes its place while a line is written. */
static int saved_stderr, captured[2];

static void capture_begin(void)
{
	cr_assert_eq(pipe(captured), 0);
	saved_stderr = dup(STDERR);
	cr_assert_geq(saved_stderr, 0);
	cr_assert_eq(dup2(captured[1], STDERR), STDERR);
}

/* Returns the length of what was written. */
static size_t capture_end(char *line, size_t size)
{
	ssize_t len;

	dup2(saved_stderr, STDERR);
	close(saved_stderr);
	close(captured[1]);
	len = read(captured[0], line, size - 1);
	close(captured[0]);
	cr_assert_gt(len, 0);
	line[len] = '\0';
	return (size_t)len;
}

/* The line without its time. */
static const char *after_time(const char *line)
{
	return strchr(line, ' ') + 1;
}

#define LINE(...)                                                                                  \
	char line[512];                                                                            \
	capture_begin();                                                                           \
	log_write(__VA_ARGS__);                                                                    \
	capture_end(line, sizeof line)

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

/* Each value takes 4000 bytes; the first word moves the place where the line is cut. */
Test(log, a_line_that_is_too_long_is_cut_and_still_ends)
{
	char text[2001], line[8192];

	memset(text, '\n', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	for (int shift = 0; shift < 30; shift++) {
		size_t len;

		capture_begin();
		log_info("x", "shift=%.*s a=%s b=%s", shift, text, text, text);
		len = capture_end(line, sizeof line);
		cr_expect_leq(len, 4096);
		cr_expect_gt(len, 4000);
		cr_expect_eq(line[len - 1], '\n');
		cr_expect_eq(strchr(line, '\n'), line + len - 1);
	}
}

Test(log, errno_is_kept)
{
	errno = ENOSPC;
	log_info("a line of the tests", "x=%d", 1);
	cr_assert_eq(errno, ENOSPC);
}

/* A process ends by these, and they do not pass the sink. */
Test(log, the_last_words_show_no_token)
{
	static const char token[] = "a_live_1kT9aQ2mZx7B_0123456789abcdefghijABCDEFGHIJ01uvwxyz";
	char line[512];

	capture_begin();
	log_write_now(LOG_ERROR, "the end", "path=/run/%s lmdb=%s", token, token);
	capture_end(line, sizeof line);
	cr_assert_str_eq(after_time(line),
		"error: the end path=/run/a_live_1kT9aQ2mZx7B_... lmdb=a_live_1kT9aQ2mZx7B_...\n");
}
