/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keys/usage_days.h"

#include <criterion/criterion.h>
#include <string.h>

#include "daemon/store/clock.h"

#define DAY   INT64_C(86400)
#define TODAY (20000 * DAY)

static struct store_days days;
static struct store_use use;

static void begin(void)
{
	days = (struct store_days){ 0 };
	use = (struct store_use){ 0 };
}

TestSuite(usage_days, .init = begin);

/* Counts uses and denials at a time, by a clock whose latest right time is `latest`. */
static void count_by(int64_t at, int64_t latest, uint64_t uses, uint64_t denials)
{
	struct store_use before = use;

	use.at = at;
	use.uses += uses;
	use.denials += denials;
	usage_days_add(&days, &before, &use, latest);
}

static void count(int64_t at, uint64_t uses, uint64_t denials)
{
	count_by(at, at, uses, denials);
}

static void look(int64_t latest)
{
	count_by(use.at, latest, 0, 0);
}

static void expect(int64_t day, uint64_t uses, uint64_t denials)
{
	int64_t age = days.newest - day / DAY;

	if (age < 0 || age >= STORE_DAYS) {
		cr_expect_eq(uses, 0, "no place for day %lld", (long long)(day / DAY));
		return;
	}
	cr_expect_eq(days.uses[age], uses);
	cr_expect_eq(days.denials[age], denials);
}

static uint64_t sum(const uint64_t counts[static STORE_DAYS])
{
	uint64_t all = 0;

	for (unsigned i = 0; i < STORE_DAYS; i++) {
		all += counts[i];
	}
	return all;
}

Test(usage_days, uses_are_of_their_day_in_utc)
{
	count(TODAY - 1, 2, 1);
	count(TODAY, 3, 0);
	count(TODAY + DAY - 1, 4, 4);
	expect(TODAY - DAY, 2, 1);
	expect(TODAY, 7, 4);
	cr_expect_eq(sum(days.uses), 9);
}

Test(usage_days, the_33rd_day_falls_out)
{
	count(TODAY, 5, 2);
	look(TODAY + 31 * DAY);
	expect(TODAY, 5, 2);
	count(TODAY + 31 * DAY, 1, 0);
	expect(TODAY, 5, 2);
	look(TODAY + 32 * DAY);
	expect(TODAY, 0, 0);
	cr_expect_eq(sum(days.uses), 1);
	cr_expect_eq(sum(days.denials), 0);
}

/* It is written a moment after midnight. */
Test(usage_days, a_use_of_yesterday_that_is_counted_today_is_of_yesterday)
{
	count_by(TODAY - 1, TODAY + 5, 2, 0);
	expect(TODAY - DAY, 2, 0);
	expect(TODAY, 0, 0);
}

Test(usage_days, a_clock_that_went_ahead_ends_no_day)
{
	count(TODAY, 5, 0);
	count_by(TODAY + 400 * DAY, TODAY + 10, 2, 1);
	expect(TODAY, 7, 1);
	count(TODAY + 20, 1, 0);
	expect(TODAY, 8, 1);
	cr_expect_eq(days.newest, TODAY / DAY);
}

Test(usage_days, what_a_clock_that_was_set_back_since_counted_is_of_the_present_day)
{
	count(TODAY, 5, 1);
	count(TODAY + 20 * DAY, 2, 1);
	look(TODAY + 3 * DAY);
	expect(TODAY, 5, 1);
	expect(TODAY + 3 * DAY, 2, 1);
	count(TODAY + 3 * DAY, 1, 0);
	expect(TODAY + 3 * DAY, 3, 1);
	cr_expect_eq(days.newest, TODAY / DAY + 3);
}

Test(usage_days, a_clock_that_is_corrected_at_midnight_moves_nothing)
{
	count(TODAY + 1, 2, 0);
	count(TODAY - 1, 3, 0);
	expect(TODAY, 2, 0);
	expect(TODAY - DAY, 3, 0);
	look(TODAY - STORE_CLOCK_SLACK - 1);
	expect(TODAY - DAY, 5, 0);
}

Test(usage_days, counts_that_shrank_add_nothing)
{
	const struct store_use before = { .at = TODAY, .uses = 9, .denials = 9 };

	count(TODAY, 5, 1);
	usage_days_add(&days, &before, &use, TODAY);
	expect(TODAY, 5, 1);
	cr_expect_eq(sum(days.uses), 5);
}

Test(usage_days, any_time_has_a_day)
{
	static const int64_t times[] = { INT64_MIN, -1, 0, 31 * DAY, TODAY, UINT32_MAX * DAY,
		INT64_MAX - STORE_CLOCK_SLACK };

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
		begin();
		count(times[i], 2, 1);
		cr_expect_eq(sum(days.uses), 2);
		count_by(times[i], TODAY, 1, 0);
		cr_expect_leq(sum(days.uses), 3);
	}
}

/* --- a model: every use with its time --------------------------------------------------------- */

enum { MODEL_DAYS = 400 };

static uint64_t state = 7;

static uint64_t draw(uint64_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % below;
}

Test(usage_days, random_uses_are_those_of_a_model)
{
	uint64_t model[MODEL_DAYS] = { 0 }, denied[MODEL_DAYS] = { 0 };
	int64_t now = TODAY;

	for (unsigned round = 0; round < 20000; round++) {
		uint64_t uses = draw(5), denials = uses == 0 ? 0 : draw(uses + 1);
		int64_t day = (now - TODAY) / DAY;

		if (day >= MODEL_DAYS) {
			begin();
			memset(model, 0, sizeof model);
			memset(denied, 0, sizeof denied);
			now = TODAY;
			continue;
		}
		model[day] += uses;
		denied[day] += denials;
		count(now, uses, denials);
		for (int64_t age = 0; age < STORE_DAYS; age++) {
			cr_assert_eq(days.uses[age], day >= age ? model[day - age] : 0);
			cr_assert_eq(days.denials[age], day >= age ? denied[day - age] : 0);
		}
		now += (int64_t)(draw(20) == 0 ? draw(40 * DAY) : draw(DAY / 4));
	}
}
