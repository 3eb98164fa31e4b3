/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/when.h"

#include <inttypes.h>
#include <string.h>

#include "policy/text/timetext.h"

struct unit {
	int64_t seconds;
	int64_t from; /* used from this many seconds on */
	const char *name;
};

/* Days go on to two months, months to two years: "45 days ago" says more than "1 month ago". */
static const struct unit units[] = {
	{ 31556952, 2 * 31556952, "year" }, /* the mean Gregorian year */
	{ 2629746, 60 * 86400, "month" },
	{ 86400, 86400, "day" },
	{ 3600, 3600, "hour" },
	{ 60, 60, "minute" },
	{ 1, 0, "second" },
};

/* Seconds. Nearer than this is "just now": two clocks may differ by as much. */
#define JUST_NOW 2

/* RFC 3339 cannot write later times. */
#define LAST_TIME INT64_C(253402300799)

static int fail(struct app *app, enum flag flag, const char *wanted)
{
	return app_fail(app, EXIT_USAGE, "usage", "--%s '%.64s': want %s", args_name(flag),
		app->args.values[flag], wanted);
}

int when_option(struct app *app, enum flag flag, enum when_way way, int64_t *out)
{
	static const char *const wanted[] = {
		[WHEN_EXACT] = "RFC 3339 (2026-11-22T07:00:00Z), a date, or now",
		[WHEN_AHEAD] = "RFC 3339 (2026-11-22T07:00:00Z), a date, or a time from now (30d)",
		[WHEN_AGO] = "RFC 3339 (2026-11-22T07:00:00Z), now, or how long ago (5m)",
	};
	struct pol_str text = pol_str_of(app->args.values[flag]);
	uint64_t seconds;

	if (pol_str_equal(text, POL_STR("now"))) {
		*out = app->now;
		return EXIT_YES;
	}
	if (pol_timetext_parse(text, out) == POL_OK) {
		return EXIT_YES;
	}
	if (way == WHEN_EXACT || pol_timetext_parse_duration(text, &seconds) != POL_OK ||
		seconds > (uint64_t)LAST_TIME) {
		return fail(app, flag, wanted[way]);
	}
	*out = way == WHEN_AHEAD ? app->now + (int64_t)seconds : app->now - (int64_t)seconds;
	if (*out > LAST_TIME || *out < 0) {
		return fail(app, flag, wanted[way]);
	}
	return EXIT_YES;
}

int when_option_duration(struct app *app, enum flag flag, int64_t *out)
{
	uint64_t seconds;

	if (pol_timetext_parse_duration(pol_str_of(app->args.values[flag]), &seconds) != POL_OK ||
		seconds > (uint64_t)LAST_TIME) {
		return fail(app, flag, "a number above 0 and a unit: 30s, 5m, 24h, 90d");
	}
	*out = (int64_t)seconds;
	return EXIT_YES;
}

const char *when_duration(struct app *app, int64_t seconds)
{
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (seconds >= units[i].from) {
			int64_t count = (seconds + units[i].seconds / 2) / units[i].seconds;

			return app_text(app, "%" PRId64 " %s%s", count, units[i].name,
				count == 1 ? "" : "s");
		}
	}
	return "";
}

const char *when_text(struct app *app, int64_t time)
{
	int64_t away = time - app->now;

	if (away >= -JUST_NOW && away <= JUST_NOW) {
		return "just now";
	}
	return away > 0 ? app_text(app, "in %s", when_duration(app, away))
			: app_text(app, "%s ago", when_duration(app, -away));
}

const char *when_text_full(struct app *app, int64_t time)
{
	char text[POL_TIME_TEXT];

	if (time == 0) {
		return "";
	}
	if (pol_timetext_format(time, text) != POL_OK) {
		return when_text(app, time);
	}
	return app_text(app, "%s (%s)", when_text(app, time), text);
}
