/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/text/timetext.h"

#include <stdbool.h>

#include "policy/text/calendar.h"

#define HOUR   ((int64_t)3600)
#define MINUTE ((int64_t)60)

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z. */
#define FIRST_SECOND INT64_C(-62167219200)
#define LAST_SECOND  INT64_C(253402300799)

struct cursor {
	struct pol_str text;
	size_t at;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_digits(struct cursor *cursor, size_t count, int64_t *out)
{
	int64_t value = 0;

	if (count > cursor->text.len - cursor->at) {
		return false;
	}
	for (size_t i = 0; i < count; i++) {
		char c = cursor->text.ptr[cursor->at++];

		if (!is_digit(c)) {
			return false;
		}
		value = value * 10 + (c - '0');
	}
	*out = value;
	return true;
}

/* Takes one of the characters in `any`; *out, unless NULL, becomes that one. */
static bool take_char(struct cursor *cursor, const char *any, char *out)
{
	if (cursor->at == cursor->text.len) {
		return false;
	}
	for (; *any != '\0'; any++) {
		if (cursor->text.ptr[cursor->at] == *any) {
			cursor->at++;
			if (out != NULL) {
				*out = *any;
			}
			return true;
		}
	}
	return false;
}

static bool take_date(struct cursor *cursor, struct pol_date *out)
{
	return take_digits(cursor, 4, &out->year) && take_char(cursor, "-", NULL) &&
	       take_digits(cursor, 2, &out->month) && take_char(cursor, "-", NULL) &&
	       take_digits(cursor, 2, &out->day) && out->month >= 1 && out->month <= 12 &&
	       out->day >= 1 && out->day <= pol_calendar_days_in(out->year, out->month);
}

static bool take_fraction(struct cursor *cursor)
{
	size_t begin;

	if (!take_char(cursor, ".", NULL)) {
		return true;
	}
	begin = cursor->at;
	while (cursor->at < cursor->text.len && is_digit(cursor->text.ptr[cursor->at])) {
		cursor->at++;
	}
	return cursor->at > begin;
}

static bool take_clock(struct cursor *cursor, int64_t *out)
{
	int64_t hour;
	int64_t minute;
	int64_t second;

	if (!take_digits(cursor, 2, &hour) || !take_char(cursor, ":", NULL) ||
		!take_digits(cursor, 2, &minute) || !take_char(cursor, ":", NULL) ||
		!take_digits(cursor, 2, &second) || !take_fraction(cursor)) {
		return false;
	}
	*out = hour * HOUR + minute * MINUTE + second;
	return hour <= 23 && minute <= 59 && second <= 60;
}

/* Seconds east of UTC. */
static bool take_zone(struct cursor *cursor, int64_t *out)
{
	int64_t hour;
	int64_t minute;
	char sign;

	*out = 0;
	if (take_char(cursor, "Zz", NULL)) {
		return true;
	}
	if (!take_char(cursor, "+-", &sign) || !take_digits(cursor, 2, &hour) ||
		!take_char(cursor, ":", NULL) || !take_digits(cursor, 2, &minute)) {
		return false;
	}
	*out = (hour * HOUR + minute * MINUTE) * (sign == '-' ? -1 : 1);
	return hour <= 23 && minute <= 59;
}

enum pol_status pol_timetext_parse(struct pol_str text, int64_t *out)
{
	struct cursor cursor = { .text = text };
	struct pol_date date;
	int64_t clock = 0;
	int64_t zone = 0;

	if (!take_date(&cursor, &date)) {
		return POL_EINVALID;
	}
	if (cursor.at < text.len &&
		(!take_char(&cursor, "Tt ", NULL) || !take_clock(&cursor, &clock) ||
			!take_zone(&cursor, &zone) || cursor.at < text.len)) {
		return POL_EINVALID;
	}
	*out = pol_calendar_days(date) * POL_DAY + clock - zone;
	return POL_OK;
}

/* Writes the digits and one character after them. Used instead of printf for speed: each line of a
 * decision log has a time. */
static char *put_digits(char *to, unsigned number, unsigned digits, char after)
{
	for (unsigned i = digits; i > 0; i--) {
		to[i - 1] = (char)('0' + number % 10);
		number /= 10;
	}
	to[digits] = after;
	return to + digits + 1;
}

enum pol_status pol_timetext_format(int64_t time, char out[POL_TIME_TEXT])
{
	int64_t of_day;
	struct pol_date date;

	if (time < FIRST_SECOND || time > LAST_SECOND) {
		return POL_EINVALID;
	}
	of_day = (time % POL_DAY + POL_DAY) % POL_DAY;
	date = pol_calendar_date((time - of_day) / POL_DAY);
	out = put_digits(out, (unsigned)date.year, 4, '-');
	out = put_digits(out, (unsigned)date.month, 2, '-');
	out = put_digits(out, (unsigned)date.day, 2, 'T');
	out = put_digits(out, (unsigned)(of_day / HOUR), 2, ':');
	out = put_digits(out, (unsigned)(of_day / MINUTE % 60), 2, ':');
	out = put_digits(out, (unsigned)(of_day % MINUTE), 2, 'Z');
	*out = '\0';
	return POL_OK;
}

static uint64_t unit_of(char c)
{
	switch (c) {
	case 's':
		return 1;
	case 'm':
		return (uint64_t)MINUTE;
	case 'h':
		return (uint64_t)HOUR;
	case 'd':
		return (uint64_t)POL_DAY;
	default:
		return 0;
	}
}

enum pol_status pol_timetext_parse_duration(struct pol_str text, uint64_t *out)
{
	uint64_t unit = text.len > 1 ? unit_of(text.ptr[text.len - 1]) : 0;
	uint64_t value = 0;
	bool large = false;

	if (unit == 0) {
		return POL_EINVALID;
	}
	for (size_t i = 0; i < text.len - 1; i++) {
		if (!is_digit(text.ptr[i])) {
			return POL_EINVALID;
		}
		large = large || value > (UINT64_MAX - 9) / 10;
		value = large ? value : value * 10 + (uint64_t)(text.ptr[i] - '0');
	}
	if (value == 0) {
		return POL_EINVALID;
	}
	if (large || value > (uint64_t)INT64_MAX / unit) {
		return POL_ELIMIT;
	}
	*out = value * unit;
	return POL_OK;
}
