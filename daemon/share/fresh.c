/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/fresh.h"

#include <time.h>

uint64_t share_now(void)
{
	struct timespec time;

	/* Cannot fail: the clock is there since Linux 2.6.39. */
	(void)clock_gettime(CLOCK_BOOTTIME, &time);
	return (uint64_t)time.tv_sec * UINT64_C(1000000000) + (uint64_t)time.tv_nsec;
}

bool share_fresh_slow(struct share_fresh *fresh, const struct share_view *view)
{
	uint64_t max_lag, now;

	if (atomic_load_explicit(&fresh->stale, memory_order_acquire)) {
		return false;
	}
	max_lag = atomic_load_explicit(&fresh->max_lag, memory_order_acquire);
	if (max_lag == 0) {
		return true;
	}
	if (view->anchor == 0) {
		return false;
	}
	now = share_now();
	return now >= view->anchor && now - view->anchor <= max_lag;
}

int64_t share_wall_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
