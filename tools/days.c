/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/days.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tools/record.h"

enum { DAYS = 32, DAY = 86400 };

struct days {
	int64_t last;
	int64_t uses[DAYS]; /* of the last day, and of those before it */
};

/* The newest day of a daemon whose clock is ahead of this one's. */
static int64_t last_day(struct app *app, struct wire_cursor days, uint32_t count)
{
	int64_t last = app->now / DAY;

	for (uint32_t i = 0; i < count; i++) {
		struct wire_cursor item;
		int64_t day;

		if (!wire_take(&days, &item)) {
			break;
		}
		day = record_int(item, "day", 0) / DAY;
		last = day > last ? day : last;
	}
	return last;
}

/* The most uses of a day. */
static int64_t read_days(struct app *app, struct wire_cursor value, struct days *out)
{
	int64_t most = 0;
	uint32_t count = 0;

	*out = (struct days){ 0 };
	(void)wire_read_array(&value, &count);
	out->last = last_day(app, value, count);
	for (uint32_t i = 0; i < count; i++) {
		struct wire_cursor item;
		int64_t age, uses;

		if (!wire_take(&value, &item)) {
			break;
		}
		age = out->last - record_int(item, "day", 0) / DAY;
		uses = record_int(item, "uses", 0);
		if (age < DAYS && uses > 0) {
			out->uses[age] = uses;
			most = uses > most ? uses : most;
		}
	}
	return most;
}

/* As the C library finds the character set of a locale. */
static bool shows_blocks(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	const char *locale = "", *dot;

	for (size_t i = 0; i < sizeof names / sizeof names[0] && locale[0] == '\0'; i++) {
		const char *value = getenv(names[i]);

		locale = value != NULL ? value : "";
	}
	dot = strchr(locale, '.');
	return isatty(STDOUT_FILENO) == 1 && dot != NULL &&
	       (strncasecmp(dot, ".utf-8", 6) == 0 || strncasecmp(dot, ".utf8", 5) == 0);
}

/* Any use has a block, and the day of the most uses the highest. `most` is below 2^44. */
static const char *block(int64_t uses, int64_t most)
{
	static const char *const blocks[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

	return uses == 0 ? "·" : blocks[(uses * 8 - 1) / most];
}

const char *days_text(struct app *app, struct wire_cursor value)
{
	bool blocks = shows_blocks();
	struct days days;
	int64_t most = read_days(app, value, &days);
	const char *text = "";

	if (most == 0) {
		return text;
	}
	for (int age = DAYS - 1; age >= 0; age--) {
		text = blocks ? app_text(app, "%s%s", text, block(days.uses[age], most))
			      : app_text(app, "%s%s%" PRId64, text, age < DAYS - 1 ? " " : "",
					days.uses[age]);
	}
	return blocks ? app_text(app, "%s  at most %" PRId64 " a day", text, most) : text;
}
