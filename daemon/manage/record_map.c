/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/manage/record_map.h"

#include "daemon/decide/subject.h"

struct record_map record_map_open(struct call *call)
{
	return (struct record_map){ call->out, wire_open_map(call->out), 0 };
}

void record_map_close(struct record_map *map)
{
	wire_close_map(map->out, map->at, map->pairs);
}

void record_map_name(struct record_map *map, const char *name)
{
	wire_put_cstr(map->out, name);
	map->pairs++;
}

void record_map_text(struct record_map *map, const char *name, struct pol_str text)
{
	if (text.len > 0) {
		record_map_name(map, name);
		wire_put_str(map->out, subject_wire(text));
	}
}

void record_map_time(struct record_map *map, const char *name, int64_t time)
{
	if (time != 0) {
		record_map_name(map, name);
		wire_put_int(map->out, time);
	}
}

void record_map_bool(struct record_map *map, const char *name, bool value)
{
	record_map_name(map, name);
	wire_put_bool(map->out, value);
}

void record_map_list(struct record_map *map, const char *name, struct store_list list)
{
	struct pol_str text;

	if (list.count == 0) {
		return;
	}
	record_map_name(map, name);
	wire_put_array(map->out, list.count);
	while (store_list_next(&list, &text)) {
		wire_put_str(map->out, subject_wire(text));
	}
}

void record_map_roles(struct record_map *map, const char *name, struct store_list list)
{
	struct pol_str item;
	uint64_t stored;

	if (list.count == 0) {
		return;
	}
	record_map_name(map, name);
	wire_put_array(map->out, list.count);
	while (store_list_next(&list, &item)) {
		wire_put_str(map->out, subject_wire(store_role_split(item, &stored)));
	}
}

void record_map_tenant(struct call *call, struct record_map *map, uint32_t tenant)
{
	record_map_name(map, "tenant");
	wire_put_str(map->out, subject_wire(subject_tenant_name(call, tenant)));
}
