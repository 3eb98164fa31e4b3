/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * timetext: the text of times and durations. Pure, any thread; reads no clock and no time zone.
 */

#include <stddef.h>
#include <stdint.h>

#include "policy/text/status.h"
#include "policy/text/str.h"

/* Bytes of "2026-11-22T03:05:38Z" with its NUL. */
#define POL_TIME_TEXT 21

/*
 * Reads a time into Unix seconds: an RFC 3339 date-time with a zone (`Z` or `+01:00`), or a date
 * alone, which is midnight in UTC. A fraction of a second is dropped; a leap second is the second
 * after it. POL_EINVALID: neither, or no such day.
 */
enum pol_status pol_timetext_parse(struct pol_str text, int64_t *out);

/* Writes Unix seconds as RFC 3339 in UTC. POL_EINVALID: not in the years 0 to 9999. */
enum pol_status pol_timetext_format(int64_t time, char out[POL_TIME_TEXT]);

/*
 * Reads a number and a unit, one of s, m, h, d, into seconds: `30s`, `24h`, `365d`.
 * POL_EINVALID: not of this form, or zero. POL_ELIMIT: more than INT64_MAX seconds.
 */
enum pol_status pol_timetext_parse_duration(struct pol_str text, uint64_t *out);
