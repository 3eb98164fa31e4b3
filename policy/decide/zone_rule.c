/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide/zone_rule.h"

#include "policy/text/calendar.h"

#define HOUR   3600
#define MINUTE 60

/* The time of a change, 02:00, if the string has none. */
#define DEFAULT_TIME (2 * HOUR)
/* RFC 8536 allows up to a week before or after the day of a change. */
#define MAX_HOURS 167

struct cursor {
	struct pol_str text;
	size_t at;
};

static char peek(const struct cursor *cursor)
{
	return cursor->at < cursor->text.len ? cursor->text.ptr[cursor->at] : '\0';
}

static bool take(struct cursor *cursor, char c)
{
	if (cursor->at == cursor->text.len || peek(cursor) != c) {
		return false;
	}
	cursor->at++;
	return true;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_number(struct cursor *cursor, int32_t least, int32_t most, int32_t *out)
{
	int32_t value = 0;

	if (!is_digit(peek(cursor))) {
		return false;
	}
	while (is_digit(peek(cursor))) {
		value = value * 10 + (peek(cursor) - '0');
		if (value > most) {
			return false;
		}
		cursor->at++;
	}
	*out = value;
	return value >= least;
}

/* Skips the name of the time, "EST" or "<+0530>". */
static bool take_name(struct cursor *cursor)
{
	size_t begin = cursor->at;

	if (take(cursor, '<')) {
		while (is_letter(peek(cursor)) || is_digit(peek(cursor)) || peek(cursor) == '+' ||
			peek(cursor) == '-') {
			cursor->at++;
		}
		return take(cursor, '>') && cursor->at - begin >= 5;
	}
	while (is_letter(peek(cursor))) {
		cursor->at++;
	}
	return cursor->at - begin >= 3;
}

/* [+-]hh[:mm[:ss]] */
static bool take_clock(struct cursor *cursor, int32_t most, int32_t *out)
{
	bool negative = take(cursor, '-');
	int32_t hours;
	int32_t minutes = 0;
	int32_t seconds = 0;

	if (!negative) {
		(void)take(cursor, '+');
	}
	if (!take_number(cursor, 0, most, &hours)) {
		return false;
	}
	if (take(cursor, ':')) {
		if (!take_number(cursor, 0, 59, &minutes)) {
			return false;
		}
		if (take(cursor, ':') && !take_number(cursor, 0, 59, &seconds)) {
			return false;
		}
	}
	*out = hours * HOUR + minutes * MINUTE + seconds;
	*out = negative ? -*out : *out;
	return true;
}

/* An offset; POSIX counts it west of UTC. */
static bool take_offset(struct cursor *cursor, int32_t *out)
{
	if (!take_clock(cursor, 24, out)) {
		return false;
	}
	*out = -*out;
	return true;
}

static bool take_change(struct cursor *cursor, struct pol_zone_change *out)
{
	bool good;

	*out = (struct pol_zone_change){ .time = DEFAULT_TIME };
	if (take(cursor, 'J')) {
		out->kind = POL_ZONE_DAY_JULIAN;
		good = take_number(cursor, 1, 365, &out->day);
	} else if (take(cursor, 'M')) {
		out->kind = POL_ZONE_DAY_OF_WEEK;
		good = take_number(cursor, 1, 12, &out->month) && take(cursor, '.') &&
		       take_number(cursor, 1, 5, &out->week) && take(cursor, '.') &&
		       take_number(cursor, 0, 6, &out->day);
	} else {
		out->kind = POL_ZONE_DAY_OF_YEAR;
		good = take_number(cursor, 0, 365, &out->day);
	}
	return good && (!take(cursor, '/') || take_clock(cursor, MAX_HOURS, &out->time));
}

bool pol_zone_rule_read(struct pol_str text, struct pol_zone_rule *out)
{
	struct cursor cursor = { .text = text };
	struct pol_zone_rule rule = { .changes = false };

	if (!take_name(&cursor) || !take_offset(&cursor, &rule.standard)) {
		return false;
	}
	if (cursor.at < text.len) {
		rule.changes = true;
		rule.summer = rule.standard + HOUR;
		if (!take_name(&cursor) ||
			(peek(&cursor) != ',' && !take_offset(&cursor, &rule.summer)) ||
			!take(&cursor, ',') || !take_change(&cursor, &rule.begin) ||
			!take(&cursor, ',') || !take_change(&cursor, &rule.end)) {
			return false;
		}
	}
	if (cursor.at != text.len) {
		return false;
	}
	*out = rule;
	return true;
}

/* --- the times of changes --------------------------------------------------------------------- */

/* The day since 1970-01-01 on which a change falls in a year. */
static int64_t day_of(const struct pol_zone_change *change, int64_t year)
{
	int64_t first = pol_calendar_days((struct pol_date){ year, 1, 1 });
	int64_t days, begin;

	switch (change->kind) {
	case POL_ZONE_DAY_JULIAN:
		/* In a leap year the days from 1 March (day 60) on are one later. */
		return first + change->day - 1 +
		       (change->day >= 60 && pol_calendar_is_leap(year) ? 1 : 0);
	case POL_ZONE_DAY_OF_YEAR:
		return first + change->day;
	case POL_ZONE_DAY_OF_WEEK:
		break;
	}
	begin = pol_calendar_days((struct pol_date){ year, change->month, 1 });
	days = pol_calendar_days_in(year, change->month);
	/* The first such weekday; a Sunday is 0 here and 6 in the calendar. */
	begin += ((change->day + 6) % 7 - (int64_t)pol_calendar_weekday(begin) + 7) % 7;
	begin += 7 * (change->week - 1);
	if (begin >= pol_calendar_days((struct pol_date){ year, change->month, 1 }) + days) {
		begin -= 7;
	}
	return begin;
}

int32_t pol_zone_rule_offset(const struct pol_zone_rule *rule, int64_t time)
{
	int64_t year;
	int64_t latest = INT64_MIN;
	bool summer = false;

	if (!rule->changes) {
		return rule->standard;
	}
	/* The changes repeat with the calendar. Near the ends of int64_t their times would
	 * overflow.
	 */
	time %= POL_CALENDAR_CYCLE * POL_DAY;
	year = pol_calendar_date(pol_calendar_day_of(time)).year;
	/* Finds the latest change up to the time. A change may be up to a week from its day, so it
	 * may fall into the year before or after its own. */
	for (int64_t near = year - 1; near <= year + 1; near++) {
		int64_t begin =
			day_of(&rule->begin, near) * POL_DAY + rule->begin.time - rule->standard;
		int64_t end = day_of(&rule->end, near) * POL_DAY + rule->end.time - rule->summer;

		if (end <= time && end > latest) {
			latest = end;
			summer = false;
		}
		/* If summer time ends at the moment that it begins again, it never ends. */
		if (begin <= time && begin >= latest) {
			latest = begin;
			summer = true;
		}
	}
	return summer ? rule->summer : rule->standard;
}
