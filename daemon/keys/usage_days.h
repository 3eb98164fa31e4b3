/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * usage_days: the use of a key by day, of STORE_DAYS days.
 *
 * Only the stored record has it. What was counted since that was written is the difference of two
 * counts, and goes to the day of the key's last use. A day is one of the times that are taken as
 * right (store/clock.h): a clock that went ahead does not end days, and what was counted by one
 * that was set back since is in the present day.
 */

#include <stdint.h>

#include "daemon/store/record.h"

/* Makes the days of the use `before` those of `use`, which was counted later. `latest`:
 * store_latest. */
void usage_days_add(struct store_days *days, const struct store_use *before,
	const struct store_use *use, int64_t latest);
