/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/usage_days.h"

#include "daemon/store/clock.h"

#define DAY INT64_C(86400)

/* Days since 1970-01-01; earlier and very late times are in the nearest one. */
static uint32_t day_of(int64_t time)
{
	int64_t day = time > 0 ? time / DAY : 0;

	return day < UINT32_MAX ? (uint32_t)day : UINT32_MAX;
}

/* Makes it the newest day. Later days are added to it, days that are too old for it fall out. */
static void set_newest(struct store_days *days, uint32_t newest)
{
	struct store_days moved = { .newest = newest };

	for (uint32_t i = 0; i < STORE_DAYS; i++) {
		uint32_t day = days->newest - i, age;

		if (i > days->newest || days->uses[i] == 0) {
			continue;
		}
		age = day < newest ? newest - day : 0;
		if (age < STORE_DAYS) {
			moved.uses[age] += days->uses[i];
			moved.denials[age] += days->denials[i];
		}
	}
	*days = moved;
}

void usage_days_add(struct store_days *days, const struct store_use *before,
	const struct store_use *use, int64_t latest)
{
	uint32_t today = day_of(latest), age;

	/* A clock that is corrected at midnight may be in tomorrow for a moment. */
	if (days->newest < today || days->newest > day_of(latest + STORE_CLOCK_SLACK)) {
		set_newest(days, today);
	}
	/* The counts only grow, but a reader may be older than the store's replacement. */
	if (use->uses <= before->uses) {
		return;
	}
	age = days->newest - day_of(use->at < latest ? use->at : latest);
	if (age < STORE_DAYS) {
		days->uses[age] += use->uses - before->uses;
		days->denials[age] +=
			use->denials > before->denials ? use->denials - before->denials : 0;
	}
}
