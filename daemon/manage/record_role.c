/* SPDX-License-Identifier: Apache-2.0 */
/* record: roles, of the store and of the policy's files. */
#include "daemon/decide/subject.h"
#include "daemon/manage/record.h"
#include "daemon/manage/record_dangling.h"
#include "daemon/manage/record_map.h"
#include "policy/ask/written.h"

int record_encode_role(struct call *call, const struct record_role *record)
{
	const struct store_role *role = record->role;
	struct record_map map = record_map_open(call);
	uint32_t pairs = 0;
	int r;

	record_map_text(&map, "name", role->name);
	record_map_tenant(call, &map, role->tenant);
	record_map_text(&map, "description", role->description);
	record_map_roles(&map, "inherits", role->inherits);
	record_map_list(&map, "grants", role->grants);
	record_map_name(&map, "allowed");
	wire_put_int(map.out, (int64_t)record->allowed);
	record_map_name(&map, "denied");
	wire_put_int(map.out, (int64_t)record->denied);
	record_map_time(&map, "created_at", role->created_at);
	record_map_time(&map, "updated_at", role->updated_at);
	record_map_text(&map, "created_by", role->created_by);
	if (record->shadowed) {
		record_map_bool(&map, "shadowed", true);
	}
	r = record_dangling_role(call, record, &pairs);
	if (record->more_pairs > 0) {
		wire_put_raw(map.out, record->more, record->more_len);
	}
	map.pairs += pairs + record->more_pairs;
	record_map_close(&map);
	return r;
}

static void encode_position(struct record_map *map, struct pol_str file, uint32_t line)
{
	record_map_text(map, "file", file);
	record_map_name(map, "line");
	wire_put_int(map->out, line);
}

static void encode_parents(struct call *call, struct record_map *map, uint32_t number)
{
	uint32_t count = 0;
	size_t at;

	if (pol_written_parent(call->snapshot, number, 0) == POL_NONE) {
		return;
	}
	record_map_name(map, "inherits");
	at = wire_open_array(map->out);
	for (uint32_t parent;
		(parent = pol_written_parent(call->snapshot, number, count)) != POL_NONE; count++) {
		wire_put_str(
			map->out, subject_wire(pol_snapshot_role_name(call->snapshot, parent)));
	}
	wire_close_array(map->out, at, count);
}

/* Texts, and then where they are written, for a caller that may know the names of the policy's
 * files. */
static void encode_written(struct call *call, struct record_map *map, uint32_t number)
{
	struct pol_written grant;
	uint32_t count = 0;
	size_t at;

	record_map_name(map, "grants");
	at = wire_open_array(map->out);
	for (; count < RECORD_GRANTS && pol_written_grant(call->snapshot, number, count, &grant);
		count++) {
		wire_put_str(map->out, (struct wire_str){ grant.text, grant.len });
	}
	wire_close_array(map->out, at, count);
	if (call->actor != NULL) {
		return;
	}
	record_map_name(map, "positions");
	wire_put_array(map->out, count);
	for (uint32_t i = 0; i < count; i++) {
		struct record_map position = record_map_open(call);

		(void)pol_written_grant(call->snapshot, number, i, &grant);
		encode_position(&position, grant.file, grant.line);
		record_map_close(&position);
	}
}

static void encode_declared_role(struct call *call, struct record_map *map, uint32_t number)
{
	record_map_text(map, "name", pol_snapshot_role_name(call->snapshot, number));
	record_map_text(map, "description", pol_snapshot_role_description(call->snapshot, number));
	encode_parents(call, map, number);
	record_map_bool(map, "declared", true);
}

void record_encode_declared_role(struct call *call, uint32_t number)
{
	struct record_map map = record_map_open(call);

	encode_declared_role(call, &map, number);
	record_map_close(&map);
}

void record_encode_written_role(struct call *call, uint32_t number)
{
	struct record_map map = record_map_open(call);
	struct pol_str file;
	uint32_t line;

	encode_declared_role(call, &map, number);
	if (call->actor == NULL && pol_written_role(call->snapshot, number, &file, &line)) {
		encode_position(&map, file, line);
	}
	encode_written(call, &map, number);
	record_map_close(&map);
}
