/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * zone: a time zone, read from the bytes of its file (TZif, RFC 8536).
 *
 * The table's transitions, and behind the last of them the rule of the footer (a TZ string as in
 * POSIX, with RFC 8536's extension of the hours), so that any year is right. The file is somebody
 * else's: every count and index is checked. A zone lives in the arena that it was read into;
 * finding an offset is pure, any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* A zone's file is a few KiB; this much and no more is read. */
#define POL_ZONE_MAX ((size_t)64 * 1024)

/* "America/Argentina/Buenos_Aires" is long; this is the bound of a name. */
#define POL_ZONE_NAME_MAX 64

/* Is it a plain name of the database: parts of letters, digits, `_`, `+` and `-` with a `/` between
 * them, each beginning with a letter? Nothing else may become a path. */
bool pol_zone_is_name(struct pol_str name);

struct pol_zone;

/* POL_EINVALID: no TZif file, a damaged one, or one that counts leap seconds, which Unix time does
 * not. POL_ENOMEM, POL_ELIMIT: the arena's. */
enum pol_status pol_zone_read(
	struct pol_str bytes, struct pol_arena *arena, const struct pol_zone **out);

/* Seconds east of UTC at an instant (Unix seconds, of a year from 0 to 9999). */
int32_t pol_zone_offset(const struct pol_zone *zone, int64_t time);
