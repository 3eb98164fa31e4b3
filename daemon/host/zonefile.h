/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * zonefile: the files of the machine's time zones, as bytes. policy/decide/zone interprets them.
 * Any thread.
 */

#include "policy/text/arena.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* Where the system keeps them (tzset(3)). */
#define ZONEFILE_FOLDER "/usr/share/zoneinfo"

/* Reads the zone's file into the arena: a regular file beneath the folder of at most POL_ZONE_MAX
 * bytes. pol_zone_is_name accepts `name`. Fails as `zone` of struct pol_host does. */
enum pol_status zonefile_read(struct pol_arena *arena, struct pol_str name, struct pol_str *out);
