/* SPDX-License-Identifier: Apache-2.0 */
/* hours: allows requests on some days of the week and hours of the day, in one time zone. */
#include <stdio.h>
#include <string.h>

#include "policy/decide/modules/modules.h"
#include "policy/decide/zone.h"
#include "policy/text/calendar.h"
#include "policy/text/diag.h"

#define DAYS   7
#define MINUTE 60
#define HOUR   3600

/* 9999-12-31T23:59:59Z, the last time of timetext.h and pol_zone_offset. */
#define LAST_TIME INT64_C(253402300799)

/* Hours of some days. If the end is before the beginning, it is on the next day. */
struct range {
	uint8_t days;       /* bit 1 << day on which it begins, 0 is Monday */
	int32_t begin, end; /* seconds of the day; the end is not included */
};

struct hours_state {
	struct range *ranges;
	size_t count;
	const struct pol_zone *zone; /* NULL: UTC */
	struct pol_str zone_name;
};

enum { ALLOW, ZONE, NAMES };
static const char *const names[NAMES] = { [ALLOW] = "allow", [ZONE] = "zone" };

/* --- arguments -------------------------------------------------------------------------------- */

/* Seconds of `07:00`, `24:00` included. */
static bool read_clock(struct pol_str text, int32_t *out)
{
	static const size_t digits[] = { 0, 1, 3, 4 };
	int32_t value[4];

	if (text.len != 5 || text.ptr[2] != ':') {
		return false;
	}
	for (size_t i = 0; i < 4; i++) {
		char c = text.ptr[digits[i]];

		if (c < '0' || c > '9') {
			return false;
		}
		value[i] = c - '0';
	}
	*out = (value[0] * 10 + value[1]) * HOUR + (value[2] * 10 + value[3]) * MINUTE;
	return value[2] < 6 && *out <= POL_DAY;
}

static const char day_names[DAYS][4] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static bool read_day(struct pol_str text, unsigned *out)
{
	for (unsigned i = 0; i < DAYS; i++) {
		if (pol_str_equal(text, pol_str_of(day_names[i]))) {
			*out = i;
			return true;
		}
	}
	return false;
}

/* Cuts the text at the first `at`; *out_rest is what follows it. False: there is none. */
static bool cut(struct pol_str *text, char at, struct pol_str *out_rest)
{
	const char *found = text->len > 0 ? memchr(text->ptr, at, text->len) : NULL;
	size_t len = found != NULL ? (size_t)(found - text->ptr) : 0;

	if (found == NULL) {
		return false;
	}
	*out_rest = (struct pol_str){ found + 1, text->len - len - 1 };
	text->len = len;
	return true;
}

/* Reads `sat`, `mon-fri`, or `fri-mon` with Saturday and Sunday. */
static bool read_days(struct pol_str text, uint8_t *out)
{
	struct pol_str last = text;
	unsigned from, to;

	if (!cut(&text, '-', &last)) {
		last = text;
	}
	if (!read_day(text, &from) || !read_day(last, &to)) {
		return false;
	}
	*out = 0;
	for (unsigned day = from;; day = (day + 1) % DAYS) {
		*out = (uint8_t)(*out | 1U << day);
		if (day == to) {
			return true;
		}
	}
}

static bool read_range(
	const struct pol_prepare *prepare, const struct pol_word *word, struct range *out)
{
	struct pol_str days = word->text;
	struct pol_str begin, end;

	/* Days without hours and hours without days are refused: in a list with commas they could
	 * be meant to belong to the value before or after them. */
	if (!cut(&days, '/', &begin) || !cut(&begin, '-', &end) || !read_days(days, &out->days) ||
		!read_clock(begin, &out->begin) || !read_clock(end, &out->end) ||
		out->begin == POL_DAY) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' are not hours: write days and a range, as in "
			"'mon-fri/07:00-20:00' or 'sat/22:00-06:00', each range with its days",
			POL_STR_ARGS(word->text));
		return false;
	}
	if (out->begin == out->end) {
		pol_diag_error(prepare->diags, word->at,
			"'%.*s' begins and ends at the same time: a whole day is '00:00-24:00'",
			POL_STR_ARGS(word->text));
		return false;
	}
	return true;
}

static bool read_zone(const struct pol_prepare *prepare, const struct pol_option *option,
	const struct pol_zone **out)
{
	if (option->count > 1) {
		pol_diag_error(
			prepare->diags, option->values[1].at, "argument 'zone' has one value");
		return false;
	}
	return prepare->zone(prepare, &option->values[0], out);
}

static bool prepare(const struct pol_prepare *prepare, const void **out)
{
	struct pol_option options[NAMES];
	struct hours_state *state;
	bool good = true;

	if (!prepare->options(prepare, names, NAMES, options)) {
		return false;
	}
	if (options[ALLOW].count == 0) {
		pol_diag_error(prepare->diags, prepare->line->module.at,
			"module 'hours' wants 'allow=', as in 'hours allow=mon-fri/07:00-20:00 "
			"zone=Europe/Berlin'");
		return false;
	}
	state = pol_arena_alloc(prepare->arena, 1, sizeof *state);
	if (state == NULL) {
		return false;
	}
	state->ranges =
		pol_arena_alloc(prepare->arena, options[ALLOW].count, sizeof *state->ranges);
	if (state->ranges == NULL) {
		return false;
	}
	state->count = options[ALLOW].count;
	for (size_t i = 0; i < state->count; i++) {
		good = read_range(prepare, &options[ALLOW].values[i], &state->ranges[i]) && good;
	}
	if (options[ZONE].count > 0) {
		good = read_zone(prepare, &options[ZONE], &state->zone) && good;
	}
	state->zone_name = state->zone != NULL
				   ? pol_arena_copy(prepare->arena, options[ZONE].values[0].text)
				   : POL_STR("UTC");
	good = good && state->zone_name.ptr != NULL;
	*out = state;
	return good;
}

/* --- deciding --------------------------------------------------------------------------------- */

/* Is a second of a day in the range? The range may have begun on the day before. */
static bool holds(const struct range *range, unsigned today, int32_t second)
{
	unsigned yesterday = (today + DAYS - 1) % DAYS;
	bool begins = (range->days >> today & 1U) != 0;

	if (range->begin < range->end) {
		return begins && second >= range->begin && second < range->end;
	}
	return (begins && second >= range->begin) ||
	       ((range->days >> yesterday & 1U) != 0 && second < range->end);
}

static bool is_open(const struct hours_state *state, int64_t time)
{
	int64_t day;
	unsigned weekday;

	if (state->zone != NULL) {
		time += pol_zone_offset(state->zone, time);
	}
	day = pol_calendar_day_of(time);
	weekday = pol_calendar_weekday(day);
	for (size_t i = 0; i < state->count; i++) {
		if (holds(&state->ranges[i], weekday, (int32_t)(time - day * POL_DAY))) {
			return true;
		}
	}
	return false;
}

/* The time to judge by: the one that is stated, or else the daemon's. */
static int64_t time_of(const struct pol_request *request)
{
	return request->facts->time != 0 ? request->facts->time : request->facts->now;
}

static bool is_known(int64_t time)
{
	return time > POL_NO_TIME && time <= LAST_TIME;
}

static struct pol_answer decide(const void *opaque, const struct pol_request *request)
{
	const struct hours_state *state = opaque;
	int64_t time = time_of(request);

	if (is_known(time) && is_open(state, time)) {
		return (struct pol_answer){ .verdict = POL_ALLOW };
	}
	return (struct pol_answer){ .verdict = POL_DENY, .reason = POL_STR("hours") };
}

/* "fri 2026-11-27 19:04 in Europe/Berlin" */
static void fact(const void *opaque, const struct pol_request *request, char out[POL_FACT_TEXT])
{
	const struct hours_state *state = opaque;
	int64_t time = time_of(request);
	struct pol_date date;
	int64_t day, minute;

	if (!is_known(time)) {
		snprintf(out, POL_FACT_TEXT, "the time is not known");
		return;
	}
	time += state->zone != NULL ? pol_zone_offset(state->zone, time) : 0;
	day = pol_calendar_day_of(time);
	date = pol_calendar_date(day);
	minute = (time - day * POL_DAY) / MINUTE;
	snprintf(out, POL_FACT_TEXT, "%s %04lld-%02lld-%02lld %02lld:%02lld in %.*s%s",
		day_names[pol_calendar_weekday(day)], (long long)date.year, (long long)date.month,
		(long long)date.day, (long long)(minute / 60), (long long)(minute % 60),
		POL_STR_ARGS(state->zone_name), request->facts->time != 0 ? ", as stated" : "");
}

const struct pol_module pol_module_hours = {
	.abi = POL_MODULE_ABI,
	.size = sizeof(struct pol_module),
	.name = "hours",
	.version = "1",
	.groups = 1U << POL_GROUP_ACCOUNT,
	.prepare = prepare,
	.decide = decide,
	.fact = fact,
};
