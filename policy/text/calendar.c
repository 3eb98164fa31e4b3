/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/calendar.h"

/* Here a year begins in March, so that the leap day is its last day. */
int64_t pol_calendar_days(struct pol_date date)
{
	int64_t year = date.month <= 2 ? date.year - 1 : date.year;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t of_era = year - era * 400;
	int64_t month = (date.month + 9) % 12;
	int64_t of_year = (153 * month + 2) / 5 + date.day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct pol_date pol_calendar_date(int64_t days)
{
	int64_t shifted = days + 719468;
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int64_t of_era = shifted - era * 146097;
	int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;
	struct pol_date date = { .day = of_year - (153 * month + 2) / 5 + 1 };

	date.month = month < 10 ? month + 3 : month - 9;
	date.year = year + era * 400 + (date.month <= 2);
	return date;
}

bool pol_calendar_is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

int64_t pol_calendar_days_in(int64_t year, int64_t month)
{
	static const unsigned char days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && pol_calendar_is_leap(year) ? 29 : days[month - 1];
}
