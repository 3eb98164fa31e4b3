/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * zone: a time zone, read from the bytes of a TZif file (RFC 8536).
 *
 * Before the last transition of the file its table is used, after it the rule in its footer: a TZ
 * string of POSIX, with the extension of RFC 8536 for the hours. The file is not trusted: every
 * count and index is checked. A zone lives in its arena and is immutable; pol_zone_offset is for
 * any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* Bytes of a zone's file, at most; usual ones have a few KiB. */
#define POL_ZONE_MAX ((size_t)64 * 1024)

/* Bytes of a zone's name; "America/Argentina/Buenos_Aires" is one of the longest. */
#define POL_ZONE_NAME_MAX 64

/* Is it a name as in the time zone database: parts of letters, digits, `_`, `+` and `-`, each
 * beginning with a letter, separated by `/`? Only such a name may become the path of a file. */
bool pol_zone_is_name(struct pol_str name);

struct pol_zone;

/* Reads a zone. POL_EINVALID: it is not a TZif file, or damaged, or counts leap seconds, which Unix
 * time does not. POL_ENOMEM, POL_ELIMIT: the status of the arena. */
enum pol_status pol_zone_read(
	struct pol_str bytes, struct pol_arena *arena, const struct pol_zone **out);

/* The offset in seconds east of UTC at any time in Unix seconds. */
int32_t pol_zone_offset(const struct pol_zone *zone, int64_t time);
