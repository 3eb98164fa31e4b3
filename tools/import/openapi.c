/* SPDX-License-Identifier: Apache-2.0 */

/*
 * An OpenAPI document (versions 3.0 and 3.1 of the specification) as a model. Only what a policy
 * can use is looked at: paths, their operations, names, descriptions, path parameters, servers and
 * security. Schemas, responses, callbacks and webhooks are ignored.
 */

#include <string.h>

#include "tools/import/import.h"

/* The members of a path item that are operations. */
static const struct {
	const char *key;
	const char *method;
} methods[] = {
	{ "get", "GET" },
	{ "put", "PUT" },
	{ "post", "POST" },
	{ "delete", "DELETE" },
	{ "options", "OPTIONS" },
	{ "head", "HEAD" },
	{ "patch", "PATCH" },
	{ "trace", "TRACE" },
};

static struct pol_str text_of(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_string(value)
		       ? (struct pol_str){ json_string_value(value), json_string_length(value) }
		       : (struct pol_str){ "", 0 };
}

bool import_split_braces(struct import *import, struct pol_str raw, struct import_segment *out)
{
	const char *open = memchr(raw.ptr, '{', raw.len);
	const char *end = raw.ptr + raw.len;
	const char *close = open != NULL ? memchr(open, '}', (size_t)(end - open)) : NULL;
	const char *names = "";

	if (close == NULL) {
		return false;
	}
	out->partial = open > raw.ptr || close + 1 < end;
	while (open != NULL && close != NULL) {
		struct pol_str name = { open + 1, (size_t)(close - open) - 1 };

		/* {+path} and {path*} of RFC 6570, and {path...} */
		if (name.len > 1 && name.ptr[0] == '+') {
			name.ptr++;
			name.len--;
			out->rest = true;
		}
		while (name.len > 1 &&
			(name.ptr[name.len - 1] == '*' || name.ptr[name.len - 1] == '.')) {
			name.len--;
			out->rest = true;
		}
		names = import_text(
			import, "%s%s%.*s", names, names[0] != '\0' ? "-" : "", POL_STR_ARGS(name));
		open = memchr(close, '{', (size_t)(end - close));
		close = open != NULL ? memchr(open, '}', (size_t)(end - open)) : NULL;
	}
	out->rest = out->rest && !out->partial;
	out->text = pol_str_of(names);
	return true;
}

/* Marks the path's parameters that may have slashes: `x-multi-segment` is what GitHub's document
 * calls it. */
static void mark_rests(struct import *import, const json_t *list, struct import_operation *out,
	struct import_segment *segments)
{
	const json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		const char *why;
		const json_t *parameter = import_ref(import, item, &why);
		struct pol_str name = text_of(parameter, "name");

		if (!json_is_true(json_object_get(parameter, "x-multi-segment")) ||
			!pol_str_equal(text_of(parameter, "in"), POL_STR("path"))) {
			continue;
		}
		name = import_param_name(import, name);
		for (uint32_t k = 0; k < out->segment_count; k++) {
			if (segments[k].param && !segments[k].partial &&
				pol_str_equal(segments[k].text, name)) {
				segments[k].rest = true;
			}
		}
	}
}

static bool mark_added(struct import *import, const json_t *item, const json_t *operation)
{
	struct import_operation *added = &import->operations[import->count - 1];
	size_t bytes = added->segment_count * sizeof(struct import_segment);
	struct import_segment *segments =
		pol_arena_alloc(&import->arena, added->segment_count, sizeof *segments);

	if (segments == NULL) {
		return import_fail(import, "no memory left");
	}
	if (bytes > 0) {
		memcpy(segments, added->segments, bytes);
	}
	mark_rests(import, json_object_get(item, "parameters"), added, segments);
	mark_rests(import, json_object_get(operation, "parameters"), added, segments);
	added->segments = segments;
	return true;
}

/* The summary, or else the beginning of the description. */
static struct pol_str describe(struct import *import, const json_t *object)
{
	struct pol_str text = text_of(object, "summary");

	if (text.len == 0) {
		text = text_of(object, "description");
	}
	text = import_description(import, text);
	if (text.len > 0 && json_is_true(json_object_get(object, "deprecated"))) {
		text = pol_str_of(import_text(import, "%.*s (deprecated)", POL_STR_ARGS(text)));
	}
	return text;
}

static bool add_operation(struct import *import, const json_t *item, const json_t *operation,
	const struct import_operation *known)
{
	const json_t *security = json_object_get(operation, "security");
	const char *where = import_text(
		import, "%.*s %.*s", POL_STR_ARGS(known->method), POL_STR_ARGS(known->path));
	struct import_operation one = *known;
	size_t before = import->count;

	if (!json_is_object(operation)) {
		return import_fail(import, "%s: an operation must be an object", where);
	}
	one.id = text_of(operation, "operationId");
	one.description = describe(import, operation);
	one.needs = import_security(import,
		security != NULL ? security : json_object_get(import->document, "security"), where);
	if (json_object_get(operation, "servers") != NULL) {
		import_note(import, where, "has servers of its own: a tree has paths, no hosts");
	}
	return import_add(import, &one, import_split_braces) &&
	       (import->count == before || mark_added(import, item, operation));
}

static bool add_path(struct import *import, const char *path, const json_t *value)
{
	const char *why = NULL;
	const json_t *item = import_ref(import, value, &why);
	struct import_operation one = { .path = pol_str_of(path) };
	bool any = false;

	if (item == NULL && strstr(why, "circle") != NULL) {
		return import_fail(import, "path '%.200s': %s", path, why);
	}
	if (item == NULL) {
		import_note(import, path, "left out: %s", why);
		return import->error == NULL;
	}
	if (!json_is_object(item)) {
		return import_fail(import, "path '%.200s' is not an object", path);
	}
	one.about = describe(import, item);
	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		const json_t *operation = json_object_get(item, methods[i].key);

		one.method = pol_str_of(methods[i].method);
		if (operation != NULL && !add_operation(import, item, operation, &one)) {
			return false;
		}
		any = any || operation != NULL;
	}
	import->paths += any;
	return true;
}

/* The path of a server's URL, without a '/' at its end; NULL: it has a variable. */
static const char *server_path(struct import *import, const json_t *server)
{
	const char *url = json_string_value(json_object_get(server, "url"));
	const char *path = url != NULL ? strstr(url, "://") : NULL;
	size_t len;

	path = path != NULL ? strchr(path + 3, '/') : url;
	if (path == NULL || path[0] != '/') {
		return "";
	}
	len = strcspn(path, "?#");
	while (len > 0 && path[len - 1] == '/') {
		len--;
	}
	return memchr(path, '{', len) != NULL ? NULL : import_text(import, "%.*s", (int)len, path);
}

/* Requests have the path of the server's URL before the document's paths. */
static void find_base(struct import *import)
{
	const json_t *servers = json_object_get(import->document, "servers");
	const char *base =
		json_array_size(servers) > 0 ? server_path(import, json_array_get(servers, 0)) : "";
	const json_t *server;
	size_t i;

	if (import->base != NULL) {
		return;
	}
	json_array_foreach(servers, i, server)
	{
		const char *other = server_path(import, server);

		if (base == NULL || other == NULL || strcmp(base, other) != 0) {
			import_note(import, "servers",
				"have different paths or variables in them: paths are taken as "
				"they are; --base PATH sets one before them");
			return;
		}
	}
	if (base[0] != '\0') {
		import->base = base;
		import_note(import, "servers",
			"all paths begin with '%.200s', as the server's URL does; --base / leaves "
			"it out",
			base);
	}
}

static bool check_version(struct import *import)
{
	const char *version = json_string_value(json_object_get(import->document, "openapi"));

	if (!json_is_object(import->document)) {
		return import_fail(import, "not an OpenAPI document: it is not an object");
	}
	if (version == NULL && json_object_get(import->document, "swagger") != NULL) {
		return import_fail(import,
			"a Swagger document, version 2: convert it to OpenAPI 3 first, for "
			"instance with swagger2openapi");
	}
	if (version == NULL) {
		return import_fail(import, "not an OpenAPI document: it has no member 'openapi'");
	}
	if (strncmp(version, "3.0", 3) != 0 && strncmp(version, "3.1", 3) != 0) {
		return import_fail(
			import, "OpenAPI version %.20s is not supported: use 3.0 or 3.1", version);
	}
	return true;
}

bool import_openapi(struct import *import, struct pol_str text)
{
	const json_t *info, *paths;
	const char *path;
	json_t *item;

	import->document = import_document(import, text);
	if (import->document == NULL || !check_version(import)) {
		return false;
	}
	info = json_object_get(import->document, "info");
	import->title = import_description(import, text_of(info, "title"));
	import->version = import_description(import, text_of(info, "version"));
	find_base(import);
	paths = json_object_get(import->document, "paths");
	if (paths != NULL && !json_is_object(paths)) {
		return import_fail(import, "'paths' is not an object");
	}
	json_object_foreach((json_t *)(uintptr_t)paths, path, item)
	{
		if (!add_path(import, path, item)) {
			return false;
		}
	}
	return import->count > 0 || import->note_count > 0
		       ? true
		       : import_fail(import, "it has no operations");
}
