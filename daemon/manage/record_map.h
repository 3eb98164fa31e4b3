/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * record_map: the map of one record in an answer, whose pairs are counted as they are put. For
 * record*.c.
 */

#include "daemon/call/call.h"
#include "daemon/store/env.h"

struct record_map {
	struct wire_buf *out;
	size_t at;
	uint32_t pairs;
};

struct record_map record_map_open(struct call *call);
void record_map_close(struct record_map *map);

/* The name of a pair, whose value the caller puts. */
void record_map_name(struct record_map *map, const char *name);

/* Each puts a pair; none if the text or the list is empty, or the time is 0. */
void record_map_text(struct record_map *map, const char *name, struct pol_str text);
void record_map_time(struct record_map *map, const char *name, int64_t time);
void record_map_bool(struct record_map *map, const char *name, bool value);
void record_map_list(struct record_map *map, const char *name, struct store_list list);

/* Names of roles, without their numbers in the store. */
void record_map_roles(struct record_map *map, const char *name, struct store_list list);

/* The pair `tenant`, by its number. */
void record_map_tenant(struct call *call, struct record_map *map, uint32_t tenant);
