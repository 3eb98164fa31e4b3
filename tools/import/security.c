/* SPDX-License-Identifier: Apache-2.0 */

/* What a document says of security, as scopes and as the operations that they allow. */

#include <stdlib.h>
#include <string.h>

#include "tools/import/import.h"

/* Between the names of scopes that are needed together, in the name of the one that has it all. */
#define TOGETHER ".and."

/* Scopes of one operation together. */
#define TOGETHER_MAX 16

static struct import_scope *add_scope(struct import *import)
{
	if (import->scope_count == IMPORT_SCOPES_MAX) {
		import_fail(import, "more than %d scopes", IMPORT_SCOPES_MAX);
		return NULL;
	}
	if (import->scope_count == import->scope_capacity) {
		struct import_scope *grown =
			pol_arena_grow(&import->arena, import->scopes, import->scope_count,
				import->scope_count + 1, sizeof *grown, &import->scope_capacity);

		if (grown == NULL) {
			return NULL;
		}
		import->scopes = grown;
	}
	import->scopes[import->scope_count] = (struct import_scope){ 0 };
	return &import->scopes[import->scope_count++];
}

/* The text for the scope in any flow of the document's OAuth schemes. */
static struct pol_str describe(struct import *import, const char *name)
{
	const json_t *schemes =
		json_object_get(json_object_get(import->document, "components"), "securitySchemes");
	const char *key, *kind;
	json_t *scheme, *flow;

	json_object_foreach((json_t *)(uintptr_t)schemes, key, scheme)
	{
		const char *why;
		json_t *flows = json_object_get(import_ref(import, scheme, &why), "flows");

		json_object_foreach(flows, kind, flow)
		{
			const json_t *text = json_object_get(json_object_get(flow, "scopes"), name);

			if (json_is_string(text)) {
				return import_description(
					import, (struct pol_str){ json_string_value(text),
							json_string_length(text) });
			}
		}
	}
	return (struct pol_str){ "", 0 };
}

/* The number of the scope with this name; POL_NONE: import->error says why. */
static uint32_t number_of(struct import *import, const char *name)
{
	const json_t *known = json_object_get(import->scope_numbers, name);
	uint32_t number = (uint32_t)import->scope_count;
	struct import_scope *scope;

	if (known != NULL) {
		return (uint32_t)json_integer_value(known);
	}
	scope = add_scope(import);
	if (scope == NULL ||
		json_object_set_new(import->scope_numbers, name, json_integer(number)) != 0) {
		import_fail(import, "no memory left");
		return POL_NONE;
	}
	scope->name = pol_str_of(name);
	scope->description = describe(import, name);
	return number;
}

static int compare_numbers(const void *a, const void *b)
{
	const uint32_t *first = a, *second = b;

	return *first < *second ? -1 : *first > *second;
}

/* One requirement object: all of its schemes, with all of their scopes. */
static struct import_need *read_need(struct import *import, const json_t *object, const char *where)
{
	uint32_t scopes[TOGETHER_MAX];
	uint32_t count = 0, unique = 0;
	struct import_need *need;
	const char *scheme;
	json_t *names, *name;
	size_t i;

	json_object_foreach((json_t *)(uintptr_t)object, scheme, names)
	{
		json_array_foreach(names, i, name)
		{
			const char *text = json_string_value(name);

			if (count == TOGETHER_MAX) {
				import_note(import, where,
					"more than %d scopes together: no scope allows it",
					TOGETHER_MAX);
				return NULL;
			}
			scopes[count] = text != NULL ? number_of(import, text) : POL_NONE;
			count += scopes[count] != POL_NONE;
		}
	}
	qsort(scopes, count, sizeof *scopes, compare_numbers);
	for (uint32_t k = 0; k < count; k++) {
		if (unique == 0 || scopes[unique - 1] != scopes[k]) {
			scopes[unique++] = scopes[k];
		}
	}
	need = unique > 0
		       ? pol_arena_alloc(&import->arena, 1, sizeof *need + unique * sizeof *scopes)
		       : NULL;
	if (need != NULL) {
		need->count = unique;
		memcpy(need->scopes, scopes, unique * sizeof *scopes);
	}
	return need;
}

static bool names_scopes(const json_t *object)
{
	const char *scheme;
	json_t *names;

	json_object_foreach((json_t *)(uintptr_t)object, scheme, names)
	{
		if (json_array_size(names) > 0) {
			return true;
		}
	}
	return false;
}

/* For the requirements of the whole document it is noted once. */
static void note_way_without(struct import *import, const json_t *array, const char *where)
{
	if (array == json_object_get(import->document, "security")) {
		if (import->noted_way_without) {
			return;
		}
		import->noted_way_without = true;
		where = "security";
	}
	import_note(import, where,
		"one way to sign in needs no scope: what is asked in that way is for roles to "
		"allow");
}

const struct import_need *import_security(
	struct import *import, const json_t *array, const char *where)
{
	struct import_need *first = NULL, *last = NULL;
	bool without = false; /* is one of the alternatives without scopes? */
	const json_t *object;
	size_t i;

	json_array_foreach(array, i, object)
	{
		struct import_need *need = read_need(import, object, where);

		without = without || !names_scopes(object);
		if (need == NULL) {
			continue;
		}
		if (last != NULL) {
			last->next = need;
		} else {
			first = need;
		}
		last = need;
	}
	if (first != NULL && without) {
		note_way_without(import, array, where);
	}
	return first;
}

/* --- scope statements -------------------------------------------------------------------------
 */

/* Takes a name, unless a scope has it, in any case of letters. */
static bool take_id(struct import *import, const char *name)
{
	char low[IMPORT_NAME_MAX + 1];
	size_t len = strlen(name);

	for (size_t i = 0; i <= len && i < sizeof low; i++) {
		low[i] = name[i] >= 'A' && name[i] <= 'Z' ? (char)(name[i] + ('a' - 'A')) : name[i];
	}
	low[sizeof low - 1] = '\0';
	return json_object_get(import->scope_ids, low) == NULL &&
	       json_object_set_new(import->scope_ids, low, json_true()) == 0;
}

/* The scope that stands for several together, by the names of its parts; POL_NONE: none can. */
static uint32_t together(struct import *import, const struct import_need *need, const char *where)
{
	struct pol_str parts[TOGETHER_MAX];
	const char *name = "";
	struct import_scope *scope;
	uint32_t number = (uint32_t)import->scope_count;
	const json_t *known;

	for (uint32_t i = 0; i < need->count; i++) {
		uint32_t at = i;

		/* In the order of their names, whatever the source's was. */
		while (at > 0 &&
			pol_str_compare(parts[at - 1], import->scopes[need->scopes[i]].id) > 0) {
			parts[at] = parts[at - 1];
			at--;
		}
		parts[at] = import->scopes[need->scopes[i]].id;
	}
	for (uint32_t i = 0; i < need->count; i++) {
		name = import_text(
			import, "%s%s%.*s", name, i > 0 ? TOGETHER : "", POL_STR_ARGS(parts[i]));
	}
	known = json_object_get(import->joint_numbers, name);
	if (known != NULL) {
		return (uint32_t)json_integer_value(known);
	}
	if (strlen(name) > IMPORT_NAME_MAX || !take_id(import, name)) {
		import_note(import, where,
			"needs several scopes together, whose names make no new one of %d bytes: "
			"no scope allows it",
			IMPORT_NAME_MAX);
		return POL_NONE;
	}
	scope = add_scope(import);
	if (scope == NULL) {
		return POL_NONE;
	}
	json_object_set_new(import->joint_numbers, name, json_integer(number));
	scope->id = pol_str_of(name);
	scope->all = need;
	import_note(import, import_text(import, "scope %s", name),
		"stands for its scopes together: the language's scopes each allow by themselves");
	return number;
}

static bool allow(struct import *import, uint32_t number, uint32_t operation)
{
	struct import_scope *scope = &import->scopes[number];

	if (scope->count > 0 && scope->operations[scope->count - 1] == operation) {
		return true;
	}
	if (scope->count == scope->capacity) {
		uint32_t *grown = pol_arena_grow(&import->arena, scope->operations, scope->count,
			scope->count + 1, sizeof *grown, &scope->capacity);

		if (grown == NULL) {
			return import_fail(import, "no memory left");
		}
		scope->operations = grown;
	}
	scope->operations[scope->count++] = operation;
	return true;
}

static int compare_scopes(const void *a, const void *b)
{
	const struct import_scope *const *first = a, *const *second = b;

	return pol_str_compare((*first)->name, (*second)->name);
}

/* A legal name that no other scope has. */
static bool name_scope(struct import *import, struct import_scope *scope)
{
	struct pol_str id = import_scope_name(import, scope->name);
	const char *base = import_text(import, "%.*s", POL_STR_ARGS(id));
	const char *name = id.len > 0 ? base : "scope";

	for (size_t n = 2; !take_id(import, name); n++) {
		if (import->arena.status != POL_OK) {
			return import_fail(import, "no memory left");
		}
		name = import_text(
			import, "%.*s-%zu", IMPORT_NAME_MAX - 20, id.len > 0 ? base : "scope", n);
	}
	scope->id = pol_str_of(name);
	if (!pol_str_equal(scope->id, scope->name)) {
		import_note(import, import_text(import, "scope %.*s", POL_STR_ARGS(scope->name)),
			"is '%s' in the policy", name);
	}
	return true;
}

/* In the order of the source's names, so that what is made of equal ones does not depend on the
 * order of the document. */
static bool name_scopes(struct import *import)
{
	size_t count = import->scope_count;
	struct import_scope **sorted = pol_arena_alloc(&import->arena, count, sizeof *sorted);

	if (sorted == NULL) {
		return import_fail(import, "no memory left");
	}
	for (size_t i = 0; i < count; i++) {
		sorted[i] = &import->scopes[i];
	}
	qsort(sorted, count, sizeof(struct import_scope *), compare_scopes);
	for (size_t i = 0; i < count; i++) {
		if (!name_scope(import, sorted[i])) {
			return false;
		}
	}
	return true;
}

bool import_scopes_build(struct import *import)
{
	size_t unscoped = 0;
	const char *first = NULL;

	if (!name_scopes(import)) {
		return false;
	}
	for (uint32_t i = 0; i < (uint32_t)import->count; i++) {
		const struct import_operation *one = &import->operations[i];
		const char *where = import_text(
			import, "%.*s %.*s", POL_STR_ARGS(one->method), POL_STR_ARGS(one->path));

		if (one->needs == NULL) {
			first = unscoped == 0 ? where : first;
			unscoped++;
		}
		for (const struct import_need *need = one->needs; need != NULL && !one->shares;
			need = need->next) {
			uint32_t number =
				need->count == 1 ? need->scopes[0] : together(import, need, where);

			if (number != POL_NONE && !allow(import, number, i)) {
				return false;
			}
		}
	}
	if (unscoped > 0 && import->scope_count > 0) {
		import_note(import, first, "needs no scope%s: no scope statement allows it",
			unscoped > 1 ? import_text(import, ", as %zu %s", unscoped - 1,
					       unscoped == 2 ? "other" : "others")
				     : "");
	}
	return import->error == NULL && import->arena.status == POL_OK
		       ? true
		       : import_fail(import, "no memory left");
}
