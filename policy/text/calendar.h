/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * calendar: days and dates of the proleptic Gregorian calendar. Pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#define POL_DAY INT64_C(86400) /* seconds */

/* After this many days the calendar repeats: 400 years, which are whole weeks. */
#define POL_CALENDAR_CYCLE INT64_C(146097)

struct pol_date {
	int64_t year;
	int64_t month; /* from 1 */
	int64_t day;   /* from 1 */
};

/* Days since 1970-01-01 of a date, and the date of a day. The algorithms are Howard Hinnant's
 * days_from_civil and civil_from_days ("chrono-Compatible Low-Level Date Algorithms"). */
int64_t pol_calendar_days(struct pol_date date);
struct pol_date pol_calendar_date(int64_t days);

bool pol_calendar_is_leap(int64_t year);
int64_t pol_calendar_days_in(int64_t year, int64_t month); /* of a month, from 1 */

/* The day of a time in Unix seconds; rounds down, also before 1970. */
static inline int64_t pol_calendar_day_of(int64_t time)
{
	return time >= 0 ? time / POL_DAY : -((-(time + 1)) / POL_DAY) - 1;
}

/* The weekday of a day; 0 is Monday. */
static inline unsigned pol_calendar_weekday(int64_t days)
{
	int64_t of_week = (days + 3) % 7;

	return (unsigned)(of_week < 0 ? of_week + 7 : of_week);
}
