/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/decide/decision_watch.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

/* Seconds that a test lets pass; clock_gettime is replaced. */
static time_t passed;

int __real_clock_gettime(clockid_t clock, struct timespec *out);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = __real_clock_gettime(clock, out);

	out->tv_sec += passed;
	return r;
}

static struct decision_watch *watch;
static struct decision_watch_taken taken;
static const uint8_t event[100] = { 1 };

static void set_up(void)
{
	passed = 0;
	cr_assert_eq(decision_watch_create(&watch), 0);
}

static void tear_down(void)
{
	decision_watch_destroy(watch);
}

TestSuite(decision_watch, .init = set_up, .fini = tear_down);

/* Takes what there is, and gives the buffer back. */
static int take(const uint8_t *id, bool end)
{
	int r = decision_watch_take(watch, id, &taken);

	if (r == 0) {
		decision_watch_give_back(watch, &taken, end);
	}
	return r;
}

static void put(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		if (decision_watch_wants(watch)) {
			decision_watch_put(watch, event, sizeof event);
		}
	}
}

Test(decision_watch, nothing_is_wanted_before_it_begins_and_after_it_ends)
{
	cr_assert_not(decision_watch_wants(NULL));
	cr_assert_not(decision_watch_wants(watch));
	cr_assert_eq(take(NULL, false), 0);
	cr_assert(decision_watch_wants(watch));
	cr_assert_eq(take(taken.id, true), 0);
	cr_assert_not(decision_watch_wants(watch));
	cr_assert_eq(take(taken.id, false), -ESTALE);
	/* One that was wanted a moment ago. */
	decision_watch_put(watch, event, sizeof event);
	cr_assert_eq(take(NULL, false), 0);
	cr_assert_eq(taken.seen, 0);
}

Test(decision_watch, what_is_put_is_taken_once)
{
	cr_assert_eq(take(NULL, false), 0);
	put(3);
	cr_assert_eq(decision_watch_take(watch, taken.id, &taken), 0);
	cr_assert_eq(taken.events, 3);
	cr_assert_eq(taken.len, 3 * sizeof event);
	cr_assert_eq(memcmp(taken.bytes + 2 * sizeof event, event, sizeof event), 0);
	decision_watch_give_back(watch, &taken, false);
	cr_assert_eq(take(taken.id, false), 0);
	cr_assert_eq(taken.events, 0);
	cr_assert_eq(taken.seen, 3);
}

Test(decision_watch, what_does_not_fit_is_counted_and_taking_makes_room)
{
	const unsigned fit = DECISION_WATCH_BYTES / sizeof event;

	cr_assert_eq(take(NULL, false), 0);
	put(fit + 5);
	cr_assert_not(decision_watch_wants(watch));
	decision_watch_put(watch, event, 0);
	cr_assert_eq(take(taken.id, false), 0);
	cr_assert_eq(taken.events, fit);
	cr_assert_eq(taken.dropped, 7);
	cr_assert_eq(taken.seen, fit + 7);
	put(1);
	cr_assert_eq(take(taken.id, false), 0);
	cr_assert_eq(taken.events, 1);
	cr_assert_eq(taken.dropped, 7);
}

Test(decision_watch, there_is_one_watch_and_one_call_at_a_time)
{
	struct decision_watch_taken other;
	uint8_t wrong[DECISION_WATCH_ID];

	cr_assert_eq(take(NULL, false), 0);
	cr_assert_eq(decision_watch_take(watch, NULL, &other), -EBUSY);
	memcpy(wrong, taken.id, sizeof wrong);
	wrong[0] ^= 1;
	cr_assert_eq(decision_watch_take(watch, wrong, &other), -ESTALE);
	cr_assert_eq(decision_watch_take(watch, taken.id, &taken), 0);
	cr_assert_eq(decision_watch_take(watch, taken.id, &other), -EBUSY);
	/* Meanwhile decisions go on. */
	put(1);
	decision_watch_give_back(watch, &taken, false);
	cr_assert_eq(take(taken.id, false), 0);
	cr_assert_eq(taken.events, 1);
}

Test(decision_watch, it_ends_when_nobody_asks)
{
	cr_assert_eq(take(NULL, false), 0);
	passed = DECISION_WATCH_IDLE - 1;
	decision_watch_tick(watch);
	cr_assert(decision_watch_wants(watch));
	cr_assert_eq(take(taken.id, false), 0);
	passed += DECISION_WATCH_IDLE + 1;
	cr_assert_eq(take(taken.id, false), -ESTALE);
	decision_watch_tick(watch);
	cr_assert_not(decision_watch_wants(watch));
	cr_assert_eq(take(NULL, false), 0);
}

Test(decision_watch, a_buffer_that_is_given_back_too_late_is_freed)
{
	struct decision_watch_taken late;

	cr_assert_eq(take(NULL, false), 0);
	cr_assert_eq(decision_watch_take(watch, taken.id, &late), 0);
	passed = DECISION_WATCH_IDLE + 2;
	decision_watch_tick(watch);
	cr_assert_eq(take(NULL, false), 0);
	decision_watch_give_back(watch, &late, true);
	cr_assert(decision_watch_wants(watch));
}
