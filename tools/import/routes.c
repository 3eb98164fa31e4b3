/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A list of routes, as frameworks print them, as a model. A line is `METHOD PATH [NAME]`; several
 * methods are joined by '|' or ','. Empty lines, and those that begin with '#', are ignored.
 *
 * Each path is first written with parameters as OpenAPI has them (route_path.h). What is optional
 * makes a path without it and one with it.
 */

#include <string.h>

#include "policy/text/method.h"
#include "tools/import/route_path.h"

static struct pol_str take_word(struct pol_str *line)
{
	struct pol_str word;
	size_t i = 0;

	while (line->len > 0 && (line->ptr[0] == ' ' || line->ptr[0] == '\t')) {
		*line = import_after(*line, 1);
	}
	while (i < line->len && line->ptr[i] != ' ' && line->ptr[i] != '\t') {
		i++;
	}
	word = (struct pol_str){ line->ptr, i };
	*line = import_after(*line, i);
	return word;
}

static bool is_methods(struct pol_str word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '|' ||
			    c == ',' || c == '*')) {
			return false;
		}
	}
	return word.len > 0;
}

static bool add_method(
	struct import_route *route, const struct import_operation *known, struct pol_str method)
{
	struct import_operation one = *known;
	char *capitals = pol_arena_alloc(&route->import->arena, method.len, 1);

	for (size_t i = 0; capitals != NULL && i < method.len; i++) {
		char c = method.ptr[i];

		capitals[i] = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
	}
	one.method = (struct pol_str){ capitals, capitals != NULL ? method.len : 0 };
	if (!pol_method_is_registered(one.method)) {
		return import_fail(route->import,
			"line %zu: '%.*s' is not an HTTP method: a line is METHOD PATH [NAME]",
			route->line, POL_STR_ARGS(method));
	}
	for (size_t i = 0; i < route->count; i++) {
		one.path = pol_str_of(route->variants[i]);
		if (!import_add(route->import, &one, import_split_braces)) {
			return false;
		}
	}
	return true;
}

/* `ANY` and its like stand for the methods that applications have. */
static bool add_any(struct import_route *route, const struct import_operation *known)
{
	static const char *const all[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };

	import_note(route->import, route->variants[0],
		"a route for any method is one for GET, POST, PUT, PATCH and DELETE");
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (!add_method(route, known, pol_str_of(all[i]))) {
			return false;
		}
	}
	return true;
}

static bool is_any(struct pol_str method)
{
	return pol_str_equal_fold(method, POL_STR("ANY")) ||
	       pol_str_equal_fold(method, POL_STR("ALL")) || pol_str_equal(method, POL_STR("*"));
}

static bool add_methods(
	struct import_route *route, const struct import_operation *known, struct pol_str methods)
{
	/* HEAD belongs to GET. */
	bool get = import_contains(methods, "GET") || import_contains(methods, "get");

	while (methods.len > 0) {
		size_t len = 0;
		struct pol_str method;
		bool ok;

		while (len < methods.len && methods.ptr[len] != '|' && methods.ptr[len] != ',') {
			len++;
		}
		method = (struct pol_str){ methods.ptr, len };
		methods = import_after(methods, len + 1);
		if (method.len == 0 || (get && pol_str_equal_fold(method, POL_STR("HEAD")))) {
			continue;
		}
		ok = is_any(method) ? add_any(route, known) : add_method(route, known, method);
		if (!ok) {
			return false;
		}
	}
	return true;
}

static bool refuse_line(struct import *import, size_t number, struct pol_str word, const char *what)
{
	return import_fail(import,
		"line %zu: '%.*s' %s: a line is METHOD PATH [NAME], such as 'GET /loans/:id "
		"loans.read'",
		number, POL_STR_ARGS(word), what);
}

static bool add_line(struct import *import, struct pol_str line, size_t number, size_t *formats)
{
	struct import_route route = { .import = import, .line = number };
	struct import_operation one = { .id = { "", 0 } };
	struct pol_str methods = take_word(&line);
	struct pol_str path = take_word(&line);
	struct pol_str rest;

	if (methods.len == 0 || methods.ptr[0] == '#') {
		return true;
	}
	one.id = take_word(&line);
	rest = take_word(&line);
	if (!is_methods(methods)) {
		return refuse_line(import, number, methods, "is not an HTTP method");
	}
	if (path.len == 0) {
		return refuse_line(import, number, methods, "has no path");
	}
	if (rest.len > 0) {
		return refuse_line(import, number, rest, "is one word too many");
	}
	import_route_read(&route, path);
	*formats += route.format;
	if (route.too_many) {
		return import_fail(import, "line %zu: its optional parts make more than %d paths",
			number, IMPORT_ROUTE_VARIANTS);
	}
	return import->error == NULL && add_methods(&route, &one, methods);
}

bool import_routes(struct import *import, struct pol_str text)
{
	size_t formats = 0;

	if (!pol_str_is_utf8(text) || (text.len > 0 && memchr(text.ptr, '\0', text.len) != NULL)) {
		return import_fail(import, "not text in UTF-8");
	}
	for (size_t number = 1; text.len > 0; number++) {
		const char *end = memchr(text.ptr, '\n', text.len);
		struct pol_str line = { text.ptr,
			end != NULL ? (size_t)(end - text.ptr) : text.len };

		text = import_after(text, line.len + 1);
		if (line.len > 0 && line.ptr[line.len - 1] == '\r') {
			line.len--;
		}
		if (line.len > IMPORT_ROUTE_LINE) {
			return import_fail(import, "line %zu: longer than %zu bytes", number,
				IMPORT_ROUTE_LINE);
		}
		if (!add_line(import, line, number, &formats)) {
			return false;
		}
	}
	if (formats > 0) {
		import_note(import, "(.:format)",
			"%zu %s taken without a suffix such as .json: a request with one is "
			"another path",
			formats, formats == 1 ? "route is" : "routes are");
	}
	return import->count > 0 || import->note_count > 0
		       ? true
		       : import_fail(import, "it has no routes");
}
