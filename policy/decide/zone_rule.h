/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * zone_rule: the TZ string at the end of a zone's file (POSIX.1-2017, chapter 8; RFC 8536, 3.3).
 * For zone.c.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/str.h"

enum pol_zone_day { POL_ZONE_DAY_JULIAN = 0, POL_ZONE_DAY_OF_YEAR, POL_ZONE_DAY_OF_WEEK };

/* When in a year a change comes. */
struct pol_zone_change {
	enum pol_zone_day kind;
	int32_t day;   /* Jn: 1 to 365, 29 February never counted; n: 0 to 365; or the weekday, 0 is
			* Sunday */
	int32_t week;  /* 1 to 5, the last */
	int32_t month; /* 1 to 12 */
	int32_t time;  /* seconds from midnight, in the time before the change */
};

/* Zeroed: UTC. */
struct pol_zone_rule {
	int32_t standard; /* seconds east of UTC */
	int32_t summer;
	bool changes;                      /* else it is `standard` all year */
	struct pol_zone_change begin, end; /* of summer time */
};

/* False: it is none. */
bool pol_zone_rule_read(struct pol_str text, struct pol_zone_rule *out);

int32_t pol_zone_rule_offset(const struct pol_zone_rule *rule, int64_t time);
