/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/authzen_facts.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a name, with its NUL. A longer one is ignored; it also bounds the depth. */
#define MAX_NAME 256

/* Properties of one request, undeclared ones included. */
#define MAX_FACTS 1024

/* What the daemon takes (PROTOCOL.md, Facts); more is a value of no type. */
#define MAX_STRING  1024
#define MAX_MEMBERS 256

/* Characters of a fact's name. A property whose name has others is ignored. */
#define NAME_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

/* What the daemon knows itself, and refuses; and what is a parameter. */
static const char *const known[] = { "principal.id", "principal.tenant", "principal.kind",
	"principal.roles", "context.environment", "context.service", "context.ip", "context.time",
	"context.mfa_age", "context.mfa_at" };

/* An object of names to values, which are not in one another; a value of no type is `true` in an
 * array. */
struct flat {
	json_t *values;
	const struct authzen_allowed *allowed;
	enum wire_status status;
};

static bool is_known(const char *name)
{
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(name, known[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_allowed(const struct authzen_allowed *allowed, const char *name)
{
	static const char space[] = "principal.";

	if (strncmp(name, space, sizeof space - 1) != 0) {
		return true;
	}
	for (size_t i = 0; allowed != NULL && i < allowed->count; i++) {
		if (strcmp(name + sizeof space - 1, allowed->names[i]) == 0) {
			return true;
		}
	}
	return false;
}

static bool is_set(const json_t *array)
{
	const json_t *item;
	size_t i;

	if (json_array_size(array) > MAX_MEMBERS) {
		return false;
	}
	json_array_foreach(array, i, item)
	{
		if (!json_is_string(item) || json_string_length(item) > MAX_STRING) {
			return false;
		}
	}
	return true;
}

static bool is_value(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		return json_string_length(value) <= MAX_STRING;
	case JSON_INTEGER:
	case JSON_TRUE:
	case JSON_FALSE:
		return true;
	case JSON_ARRAY:
		return is_set(value);
	case JSON_OBJECT:
	case JSON_REAL:
	case JSON_NULL:
		break;
	}
	return false;
}

/* Two properties can come to one name; then the fact is unknown. */
static void add(struct flat *flat, const char *name, json_t *value)
{
	json_t *copy;

	if (is_known(name) || !is_allowed(flat->allowed, name)) {
		return;
	}
	if (json_object_size(flat->values) == MAX_FACTS) {
		flat->status = WIRE_ELIMIT;
		return;
	}
	if (is_value(value) && json_object_get(flat->values, name) == NULL) {
		copy = json_copy(value);
	} else {
		copy = json_pack("[b]", 1);
	}
	if (copy == NULL || json_object_set_new(flat->values, name, copy) != 0) {
		flat->status = WIRE_ENOMEM;
	}
}

/* `name` has room for MAX_NAME bytes, and holds the object's name up to `len`. */
static void add_object(struct flat *flat, char *name, size_t len, json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		size_t key_len = strlen(key);

		if (key_len == 0 || strspn(key, NAME_CHARS) != key_len ||
			len + 1 + key_len >= MAX_NAME || json_is_null(value)) {
			continue;
		}
		name[len] = '.';
		memcpy(name + len + 1, key, key_len + 1);
		add(flat, name, value);
		if (json_is_object(value)) {
			add_object(flat, name, len + 1 + key_len, value);
		}
	}
}

static void add_space(struct flat *flat, const char *space, json_t *object)
{
	char name[MAX_NAME];

	if (object != NULL) {
		snprintf(name, sizeof name, "%s", space);
		add_object(flat, name, strlen(space), object);
	}
}

static void put_value(struct wire_buf *out, const json_t *value)
{
	static const char fraction[] = "\xca\0\0\0"; /* with the NUL: a float */
	const json_t *item;
	size_t i;

	if (json_is_string(value)) {
		wire_put_str(out,
			(struct wire_str){ json_string_value(value), json_string_length(value) });
	} else if (json_is_integer(value)) {
		wire_put_int(out, json_integer_value(value));
	} else if (json_is_boolean(value)) {
		wire_put_bool(out, json_is_true(value));
	} else if (json_is_true(json_array_get(value, 0))) {
		wire_put_raw(out, fraction, sizeof fraction);
	} else {
		wire_put_array(out, (uint32_t)json_array_size(value));
		json_array_foreach(value, i, item)
		{
			put_value(out, item);
		}
	}
}

static void put_flat(struct wire_buf *out, json_t *values)
{
	const char *name;
	json_t *value;

	wire_put_cstr(out, "facts");
	wire_put_map(out, (uint32_t)json_object_size(values));
	json_object_foreach(values, name, value)
	{
		wire_put_cstr(out, name);
		put_value(out, value);
	}
	wire_put_cstr(out, "undeclared");
	wire_put_cstr(out, "ignore");
}

uint32_t authzen_facts_put(struct wire_buf *out, const struct authzen_facts *facts)
{
	struct flat flat = { NULL, facts->allowed, WIRE_OK };
	uint32_t pairs = 0;

	if (json_object_size(facts->subject) + json_object_size(facts->resource) +
			json_object_size(facts->action) + json_object_size(facts->context) ==
		0) {
		return 0;
	}
	flat.values = json_object();
	add_space(&flat, "principal", facts->subject);
	add_space(&flat, "resource", facts->resource);
	add_space(&flat, "action", facts->action);
	add_space(&flat, "context", facts->context);
	if (json_object_size(flat.values) > 0) {
		put_flat(out, flat.values);
		pairs = 2;
	}
	if (flat.values == NULL || flat.status != WIRE_OK) {
		out->status = flat.values == NULL ? WIRE_ENOMEM : flat.status;
	}
	json_decref(flat.values);
	return pairs;
}
