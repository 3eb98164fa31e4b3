/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/fact.h"

#include <string.h>

#include "policy/snapshot/condition.h"
#include "policy/text/nearest.h"
#include "tools/text.h"

/* A fact of the command line. */
struct stated {
	struct pol_str name;
	struct pol_raw raw;
};

/* Text that lives as long as the run. */
static struct pol_str keep(struct app *app, const json_t *text)
{
	return pol_arena_copy(
		&app->arena, (struct pol_str){ json_string_value(text), json_string_length(text) });
}

static int read_members(struct app *app, const json_t *list, struct pol_raw *out)
{
	size_t count = json_array_size(list);
	struct pol_str *items = pol_arena_alloc(&app->arena, count, sizeof *items);

	for (size_t i = 0; items != NULL && i < count; i++) {
		const json_t *item = json_array_get(list, i);

		if (!json_is_string(item)) {
			return app_fail(app, EXIT_USAGE, "usage",
				"--fact: the members of a list are strings in double quotes");
		}
		items[i] = keep(app, item);
	}
	*out = (struct pol_raw){
		.kind = POL_RAW_STRINGS, .items = items, .count = (uint32_t)count
	};
	return EXIT_YES;
}

static int read_json(struct app *app, const json_t *value, struct pol_raw *out)
{
	switch (json_typeof(value)) {
	case JSON_NULL:
		*out = (struct pol_raw){ .kind = POL_RAW_NIL };
		return EXIT_YES;
	case JSON_TRUE:
	case JSON_FALSE:
		*out = (struct pol_raw){ .kind = POL_RAW_BOOL, .number = json_is_true(value) };
		return EXIT_YES;
	case JSON_INTEGER:
		*out = (struct pol_raw){ .kind = POL_RAW_INT, .number = json_integer_value(value) };
		return EXIT_YES;
	case JSON_STRING:
		*out = (struct pol_raw){ .kind = POL_RAW_STRING, .text = keep(app, value) };
		return EXIT_YES;
	case JSON_ARRAY:
		return read_members(app, value, out);
	case JSON_REAL:
	case JSON_OBJECT:
		break;
	}
	return app_fail(app, EXIT_USAGE, "usage",
		"--fact: a value is text, an integer, true, false, null or a list of strings");
}

/* Does the name say of what the fact is? */
static bool has_space(struct pol_str name)
{
	static const char *const spaces[] = { "principal.", "resource.", "action.", "context." };

	for (size_t i = 0; i < sizeof spaces / sizeof spaces[0]; i++) {
		if (name.len > strlen(spaces[i]) &&
			strncmp(name.ptr, spaces[i], strlen(spaces[i])) == 0) {
			return true;
		}
	}
	return false;
}

static int read_stated(struct app *app, struct pol_str item, struct stated *out)
{
	const char *sign = memchr(item.ptr, '=', item.len);
	json_t *value;
	int status = EXIT_YES;

	if (sign == NULL || sign == item.ptr) {
		return app_fail(app, EXIT_USAGE, "usage", "--fact needs NAME=VALUE");
	}
	out->name = (struct pol_str){ item.ptr, (size_t)(sign - item.ptr) };
	if (!has_space(out->name)) {
		return app_fail(app, EXIT_USAGE, "usage",
			"--fact %.*s: a fact's name begins with principal., resource., action. or "
			"context.",
			POL_STR_ARGS(out->name));
	}
	out->raw = (struct pol_raw){ .kind = POL_RAW_STRING,
		.text = { sign + 1, item.len - out->name.len - 1 } };
	value = json_loadb(out->raw.text.ptr, out->raw.text.len, JSON_DECODE_ANY, NULL);
	if (value != NULL) {
		status = read_json(app, value, &out->raw);
	}
	json_decref(value);
	return status;
}

/* --- for a request ---------------------------------------------------------------------------- */

static void put_raw(struct wire_buf *buf, const struct pol_raw *raw)
{
	switch (raw->kind) {
	case POL_RAW_NIL:
		wire_put_nil(buf);
		break;
	case POL_RAW_STRING:
		wire_put_str(buf, text_wire(raw->text));
		break;
	case POL_RAW_INT:
		wire_put_int(buf, raw->number);
		break;
	case POL_RAW_BOOL:
		wire_put_bool(buf, raw->number != 0);
		break;
	case POL_RAW_STRINGS:
		wire_put_array(buf, raw->count);
		for (uint32_t i = 0; i < raw->count; i++) {
			wire_put_str(buf, text_wire(raw->items[i]));
		}
		break;
	}
}

int fact_put(struct app *app, struct wire_buf *buf)
{
	const struct args_list *list = &app->args.lists[FLAG_FACT];
	int status = EXIT_YES;

	wire_put_map(buf, (uint32_t)list->count);
	for (size_t i = 0; status == EXIT_YES && i < list->count; i++) {
		struct stated stated = { .name = { NULL, 0 } };

		status = read_stated(app, list->items[i], &stated);
		if (status == EXIT_YES) {
			wire_put_str(buf, text_wire(stated.name));
			put_raw(buf, &stated.raw);
		}
	}
	return status;
}

/* --- for a policy ----------------------------------------------------------------------------- */

static int unknown(struct app *app, const struct pol_snapshot *snapshot, struct pol_str name)
{
	struct pol_nearest nearest = pol_nearest_to(name);
	const struct pol_declared_fact *fact;

	for (uint32_t i = POL_FACT_KNOWN; (fact = pol_condition_declared(snapshot, i)) != NULL;
		i++) {
		pol_nearest_offer(&nearest, fact->name);
	}
	return app_fail(app, EXIT_USAGE, "invalid_request",
		"the policy declares no fact '%.*s'" POL_NEAREST, POL_STR_ARGS(name),
		POL_NEAREST_ARGS(nearest));
}

static int read_value(struct app *app, const struct pol_snapshot *snapshot,
	const struct stated *stated, struct pol_given_fact *out)
{
	struct pol_str *room;
	char why[POL_GIVEN_WHY];

	out->fact = pol_condition_fact(snapshot, stated->name);
	if (out->fact == POL_NONE) {
		return unknown(app, snapshot, stated->name);
	}
	if (out->fact < POL_FACT_KNOWN) {
		return app_fail(app, EXIT_USAGE, "invalid_request",
			"'%.*s' is known without being stated", POL_STR_ARGS(stated->name));
	}
	room = pol_arena_alloc(&app->arena, stated->raw.count, sizeof *room);
	if (room == NULL) {
		return app_fail(app, EXIT_DAEMON, "internal", "no memory left");
	}
	if (pol_given_read(snapshot, &stated->raw, room, out, why) != POL_OK) {
		return app_fail(app, EXIT_USAGE, "invalid_request", "--fact %.*s: %s",
			POL_STR_ARGS(stated->name), why);
	}
	return EXIT_YES;
}

int fact_read(struct app *app, const struct pol_snapshot *snapshot, struct pol_given *out)
{
	const struct args_list *list = &app->args.lists[FLAG_FACT];
	struct pol_given_fact *items = pol_arena_alloc(&app->arena, POL_GIVEN_FACTS, sizeof *items);
	uint32_t count = 0, twice;
	int status = EXIT_YES;

	if (items == NULL || list->count > POL_GIVEN_FACTS) {
		return app_fail(
			app, EXIT_USAGE, "usage", "more than %d facts", (int)POL_GIVEN_FACTS);
	}
	for (size_t i = 0; status == EXIT_YES && i < list->count; i++) {
		struct stated stated = { .name = { NULL, 0 } };

		status = read_stated(app, list->items[i], &stated);
		if (status == EXIT_YES) {
			status = read_value(app, snapshot, &stated, &items[count]);
		}
		count += status == EXIT_YES && stated.raw.kind != POL_RAW_NIL;
	}
	if (status == EXIT_YES && !pol_given_sort(items, count, &twice)) {
		return app_fail(app, EXIT_USAGE, "usage", "--fact '%.*s' is given twice",
			POL_STR_ARGS(pol_condition_declared(snapshot, twice)->name));
	}
	*out = (struct pol_given){ items, count };
	return status;
}
