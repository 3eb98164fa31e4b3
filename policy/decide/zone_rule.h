/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * zone_rule: the TZ string in the footer of a TZif file (POSIX.1-2017, chapter 8; RFC 8536, 3.3).
 * Private to zone.c and this file. Pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

enum pol_zone_day { POL_ZONE_DAY_JULIAN = 0, POL_ZONE_DAY_OF_YEAR, POL_ZONE_DAY_OF_WEEK };

/* When in a year summer time begins or ends. */
struct pol_zone_change {
	enum pol_zone_day kind;
	int32_t day;   /* JULIAN: 1 to 365, 29 February is not counted; OF_YEAR: 0 to 365;
			* OF_WEEK: the weekday, 0 is Sunday */
	int32_t week;  /* OF_WEEK: 1 to 5; 5 is the last one of the month */
	int32_t month; /* OF_WEEK: 1 to 12 */
	int32_t time;  /* seconds from midnight, by the clock before the change */
};

/* Zeroed: UTC. */
struct pol_zone_rule {
	int32_t standard; /* seconds east of UTC */
	int32_t summer;
	bool changes;                      /* false: `standard` all year */
	struct pol_zone_change begin, end; /* of summer time */
};

/* Reads a TZ string. False: it is not valid. */
bool pol_zone_rule_read(struct pol_str text, struct pol_zone_rule *out);

/* The offset in seconds east of UTC at any time in Unix seconds. */
int32_t pol_zone_rule_offset(const struct pol_zone_rule *rule, int64_t time);
