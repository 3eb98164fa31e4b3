/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * zone: the files of the machine's time zones, as bytes. What they mean is policy/decide/zone's.
 */

#include "policy/text/arena.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

/* Where the system keeps them (tzset(3)). */
#define ZONEFILE_FOLDER "/usr/share/zoneinfo"

/* Reads one into the arena, beneath the folder, a regular file within POL_ZONE_MAX. name is one
 * that pol_zone_is_name holds good. Fails as pol_host.zone does. */
enum pol_status zonefile_read(struct pol_arena *arena, struct pol_str name, struct pol_str *out);
