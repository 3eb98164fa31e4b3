/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
#include "tools/live_internal.h"

/* What the policy of one side makes of a principal's record. */

/* Reads one value. NULL as items of a set: no memory. */
static bool make_raw(struct app *app, const json_t *value, struct pol_raw *out)
{
	struct pol_str *items;

	*out = (struct pol_raw){ .kind = POL_RAW_NIL };
	if (json_is_string(value)) {
		out->kind = POL_RAW_STRING;
		out->text = (struct pol_str){ json_string_value(value), json_string_length(value) };
	} else if (json_is_integer(value) || json_is_boolean(value)) {
		out->kind = json_is_integer(value) ? POL_RAW_INT : POL_RAW_BOOL;
		out->number =
			json_is_integer(value) ? json_integer_value(value) : json_is_true(value);
	} else if (json_is_array(value)) {
		out->kind = POL_RAW_STRINGS;
		items = pol_arena_alloc(&app->arena, json_array_size(value), sizeof *items);
		out->items = items;
		out->count = items != NULL ? (uint32_t)json_array_size(value) : 0;
		for (uint32_t i = 0; i < out->count; i++) {
			items[i] = pol_str_of(json_string_value(json_array_get(value, i)));
		}
		return items != NULL;
	}
	return true;
}

/* An attribute that the policy declares with another type is unknown. */
static void read_one(struct app *app, const struct pol_snapshot *snapshot, uint32_t fact,
	const json_t *value, struct pol_given_fact *out)
{
	char why[POL_GIVEN_WHY];
	struct pol_raw raw;
	struct pol_str *room;

	*out = (struct pol_given_fact){ .fact = fact };
	if (!make_raw(app, value, &raw)) {
		return;
	}
	room = pol_arena_alloc(&app->arena, raw.count, sizeof *room);
	if (room == NULL ||
		pol_given_read(snapshot, fact, &raw, room, &out->value, why) != POL_OK) {
		out->value = (struct pol_value){ .type = POL_TYPE_ABSENT };
	}
}

const struct pol_given *live_attributes(
	struct app *app, const struct pol_snapshot *snapshot, const json_t *record)
{
	json_t *attributes = json_object_get(record, "attributes");
	struct pol_given *out = pol_arena_alloc(&app->arena, 1, sizeof *out);
	struct pol_given_fact *items =
		pol_arena_alloc(&app->arena, json_object_size(attributes), sizeof *items);
	const char *name;
	json_t *value;
	uint32_t twice;

	if (out == NULL || items == NULL) {
		return NULL;
	}
	json_object_foreach(attributes, name, value)
	{
		uint32_t fact = pol_condition_fact(
			snapshot, pol_str_of(app_text(app, "principal.%s", name)));

		if (fact != POL_NONE && fact >= POL_FACT_KNOWN) {
			read_one(app, snapshot, fact, value, &items[out->count++]);
		}
	}
	(void)pol_given_sort(items, out->count, &twice);
	out->items = items;
	return out;
}
