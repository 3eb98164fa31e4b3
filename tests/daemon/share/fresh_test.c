/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/fresh.h"

#include <criterion/criterion.h>
#include <time.h>

/* The clock of these tests: meson.build wraps clock_gettime. */
static uint64_t now;

int __wrap_clock_gettime(clockid_t clock, struct timespec *out);
int __real_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
	if (clock != CLOCK_BOOTTIME) {
		return __real_clock_gettime(clock, out);
	}
	out->tv_sec = (time_t)(now / UINT64_C(1000000000));
	out->tv_nsec = (long)(now % UINT64_C(1000000000));
	return 0;
}

#define LAG UINT64_C(3000000000)

static struct share_fresh fresh;

static void setup(void)
{
	atomic_init(&fresh.shared, true);
	atomic_init(&fresh.stale, false);
	atomic_init(&fresh.max_lag, LAG);
	atomic_init(&fresh.anchor, 5000);
	now = 6000;
}

TestSuite(fresh, .init = setup);

static bool is_fresh(void)
{
	struct share_view view = share_fresh_view(&fresh);

	return share_is_fresh(&fresh, &view);
}

Test(fresh, a_single_store_is_always_fresh)
{
	struct share_fresh zeroed = { 0 };
	struct share_view view = share_fresh_view(&zeroed);

	atomic_store(&zeroed.stale, true);
	cr_assert(share_is_fresh(&zeroed, &view));
}

Test(fresh, what_is_older_than_max_lag_is_not_fresh)
{
	cr_assert(is_fresh());
	now = 5000 + LAG;
	cr_assert(is_fresh());
	now++;
	cr_assert_not(is_fresh());
}

Test(fresh, the_anchor_is_the_one_of_the_view_and_not_a_later_one)
{
	struct share_view view = share_fresh_view(&fresh);

	now = 5001 + LAG;
	atomic_store(&fresh.anchor, now);
	cr_assert_not(share_is_fresh(&fresh, &view));
	cr_assert(is_fresh());
}

Test(fresh, without_a_bound_any_age_is_fresh)
{
	atomic_store(&fresh.max_lag, 0);
	atomic_store(&fresh.anchor, 0);
	now = UINT64_C(1) << 60;
	cr_assert(is_fresh());
}

Test(fresh, without_an_anchor_nothing_is_fresh)
{
	atomic_store(&fresh.anchor, 0);
	now = 1;
	cr_assert_not(is_fresh());
}

Test(fresh, a_clock_before_the_anchor_is_not_fresh)
{
	now = 4999;
	cr_assert_not(is_fresh());
}

Test(fresh, a_stale_store_is_fresh_by_no_clock)
{
	atomic_store(&fresh.stale, true);
	cr_assert_not(is_fresh());
	atomic_store(&fresh.max_lag, 0);
	cr_assert_not(is_fresh());
}
