/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "policy/snapshot/condition.h"
#include "policy/snapshot/given.h"
#include "tools/live_internal.h"

/* What the policy of one side makes of a principal's record. */

/* An attribute that the policy declares with another type is unknown. */
static void read_one(struct app *app, const struct pol_snapshot *snapshot, const json_t *value,
	struct pol_given_fact *out)
{
	struct pol_str text = { json_string_value(value), json_string_length(value) };
	struct pol_str *room = pol_arena_alloc(&app->arena, POL_GIVEN_MEMBERS, sizeof *room);
	char why[POL_GIVEN_WHY];

	if (room == NULL || !json_is_string(value) ||
		pol_given_read_text(snapshot, text, room, out, why) != POL_OK) {
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
		uint32_t fact = pol_given_attribute(snapshot, pol_str_of(name));

		if (fact != POL_NONE && fact >= POL_FACT_KNOWN) {
			items[out->count].fact = fact;
			read_one(app, snapshot, value, &items[out->count++]);
		}
	}
	(void)pol_given_sort(items, out->count, &twice);
	out->items = items;
	return out;
}
