/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * timetext: times and durations as people write them. Pure: reads no clock and no zone.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

/* "2026-11-22T03:05:38Z" and a NUL; years 0 to 9999. */
#define POL_TIME_TEXT 21

/*
 * RFC 3339 (date-time: with a zone, `Z` or `+01:00`; a fraction is cut; a leap second counts as
 * the second after) or a date alone, which is its midnight in UTC. Unix seconds.
 * POL_EINVALID: none of these. Days are checked against the month and the year.
 */
enum pol_status pol_timetext_parse(struct pol_str text, int64_t *out);

/* RFC 3339 in UTC. POL_EINVALID: outside the years 0 to 9999. */
enum pol_status pol_timetext_format(int64_t time, char out[POL_TIME_TEXT]);

/*
 * A number and one of s, m, h, d: `30s`, `24h`, `365d`. Seconds, from 1 to INT64_MAX.
 * POL_EINVALID: not of this form, or zero. POL_ELIMIT: too large.
 */
enum pol_status pol_timetext_parse_duration(struct pol_str text, uint64_t *out);
