/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "policy/text/timetext.h"

struct moment {
	const char *text;
	int64_t time;
};

static const struct moment moments[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-11-22T03:05:38Z", 1795316738 },
	{ "2026-11-22t03:05:38z", 1795316738 },
	{ "2026-11-22 03:05:38Z", 1795316738 },
	{ "2026-11-22T03:05:38.999999999Z", 1795316738 },
	{ "2026-11-22T04:05:38+01:00", 1795316738 },
	{ "2026-11-21T22:05:38-05:00", 1795316738 },
	{ "2026-11-22", 1795305600 },
	{ "2000-02-29", 951782400 },
	{ "2024-02-29T23:59:59Z", 1709251199 },
	{ "1969-12-31T23:59:59Z", -1 },
	{ "2016-12-31T23:59:60Z", 1483228800 },
	{ "0000-01-01T00:00:00Z", INT64_C(-62167219200) },
	{ "9999-12-31T23:59:59Z", INT64_C(253402300799) },
};

Test(timetext, rfc_3339_is_read)
{
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
		int64_t time = 1;

		cr_expect_eq(pol_timetext_parse(pol_str_of(moments[i].text), &time), POL_OK, "%s",
			moments[i].text);
		cr_expect_eq(time, moments[i].time, "%s is %lld", moments[i].text, (long long)time);
	}
}

Test(timetext, text_that_is_not_a_time_is_refused)
{
	static const char *const bad[] = { "", "2026", "2026-13-01", "2026-00-01", "2026-02-29",
		"1900-02-29", "2026-04-31", "2026-01-00", "2026-1-1", "2026-11-22T",
		"2026-11-22T03:05Z", "2026-11-22T03:05:38", "2026-11-22T24:00:00Z",
		"2026-11-22T03:60:00Z", "2026-11-22T03:05:61Z", "2026-11-22T03:05:38.Z",
		"2026-11-22T03:05:38+0100", "2026-11-22T03:05:38+24:00", "2026-11-22T03:05:38Zx",
		"-026-11-22", "tomorrow" };

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		int64_t time = 7;

		cr_expect_eq(
			pol_timetext_parse(pol_str_of(bad[i]), &time), POL_EINVALID, "%s", bad[i]);
		cr_expect_eq(time, 7, "%s", bad[i]);
	}
}

Test(timetext, every_day_reads_back_as_it_was_written)
{
	char text[POL_TIME_TEXT];

	for (int64_t time = INT64_C(-62167219200); time <= INT64_C(253402300799);
		time += 86400 * 13 + 4567) {
		int64_t back = time + 1;

		cr_assert_eq(pol_timetext_format(time, text), POL_OK);
		cr_assert_eq(pol_timetext_parse(pol_str_of(text), &back), POL_OK, "%s", text);
		cr_assert_eq(back, time, "%s", text);
	}
	cr_expect_eq(pol_timetext_format(INT64_C(-62167219201), text), POL_EINVALID);
	cr_expect_eq(pol_timetext_format(INT64_C(253402300800), text), POL_EINVALID);
	cr_expect_eq(pol_timetext_format(INT64_MIN, text), POL_EINVALID);
	cr_expect_eq(pol_timetext_format(INT64_MAX, text), POL_EINVALID);
}

struct span {
	const char *text;
	enum pol_status status;
	uint64_t seconds;
};

static const struct span spans[] = {
	{ "1s", POL_OK, 1 },
	{ "90s", POL_OK, 90 },
	{ "5m", POL_OK, 300 },
	{ "24h", POL_OK, 86400 },
	{ "365d", POL_OK, 31536000 },
	{ "007d", POL_OK, 604800 },
	{ "9223372036854775800s", POL_OK, UINT64_C(9223372036854775800) },
	{ "9223372036854775807s", POL_OK, INT64_MAX },
	{ "9223372036854775808s", POL_ELIMIT, 0 },
	{ "99999999999999999999999s", POL_ELIMIT, 0 },
	{ "106751991167301d", POL_ELIMIT, 0 },
	{ "106751991167300d", POL_OK, UINT64_C(9223372036854720000) },
	{ "", POL_EINVALID, 0 },
	{ "d", POL_EINVALID, 0 },
	{ "0s", POL_EINVALID, 0 },
	{ "10", POL_EINVALID, 0 },
	{ "-1d", POL_EINVALID, 0 },
	{ "+1d", POL_EINVALID, 0 },
	{ "1.5h", POL_EINVALID, 0 },
	{ "1 h", POL_EINVALID, 0 },
	{ "1D", POL_EINVALID, 0 },
	{ "1w", POL_EINVALID, 0 },
	{ "1hh", POL_EINVALID, 0 },
};

Test(timetext, a_duration_is_a_number_and_a_unit)
{
	for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
		uint64_t seconds = 0;

		cr_expect_eq(pol_timetext_parse_duration(pol_str_of(spans[i].text), &seconds),
			spans[i].status, "%s", spans[i].text);
		cr_expect_eq(seconds, spans[i].seconds, "%s", spans[i].text);
	}
}
