/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/import/route_path.h"

#include <string.h>

/*
 * The styles that are read:
 *
 *	:id  :id(\d+)  *rest  (.:format)  (/:id)  :id?     Express, Rails, Sinatra, gin
 *	{id}  {id:[0-9]+}  {path...}  {*path}  {id?}  {$}  chi, gorilla, net/http, Laravel, Spring
 *	<id>  <int:id>  <path:rest>  (?P<id>\d+)           Flask, Django
 *
 * What is optional makes a path without it and one with it.
 */

/* A path that is written again. */
struct path {
	char text[IMPORT_ROUTE_LINE * 2];
	size_t len;
	bool full; /* a part was too long for it */
};

/* A parameter as it was found. */
struct found {
	struct pol_str name;
	bool rest;     /* may have slashes */
	bool optional; /* the path is also one without it */
};

static bool is_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static void put(struct path *path, struct pol_str text)
{
	size_t room = sizeof path->text - path->len;
	size_t len = text.len < room ? text.len : room;

	memcpy(path->text + path->len, text.ptr, len);
	path->len += len;
	path->full = path->full || len < text.len;
}

/* The expressions that take slashes too. */
static bool takes_slashes(struct pol_str expression)
{
	return import_contains(expression, ".*") || import_contains(expression, ".+") ||
	       import_contains(expression, "**") || pol_str_equal(expression, POL_STR("path"));
}

/* The length of what stands in brackets, those around it included; 0: they are not closed. */
static size_t bracketed(struct pol_str text, char open, char close)
{
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] == '\\' && i + 1 < text.len) {
			i++;
		} else if (text.ptr[i] == open) {
			depth++;
		} else if (text.ptr[i] == close && --depth == 0) {
			return i + 1;
		}
	}
	return 0;
}

static struct pol_str inside(struct pol_str text, size_t len)
{
	return (struct pol_str){ text.ptr + 1, len - 2 };
}

static bool is_optional_group(struct pol_str content)
{
	return pol_str_starts(content, POL_STR("/")) || pol_str_starts(content, POL_STR(".:")) ||
	       pol_str_starts(content, POL_STR(".{")) || pol_str_starts(content, POL_STR(".<"));
}

/* --- parameters: each returns the bytes that it took, 0: not a parameter ---------------------- */

/* `:id`, `:id(\d+)`, `:id?`, `:id*` */
static size_t colon(struct pol_str text, struct found *out)
{
	size_t len = 1;

	while (len < text.len && is_name(text.ptr[len])) {
		len++;
	}
	if (len == 1 || (text.ptr[1] >= '0' && text.ptr[1] <= '9')) {
		return 0;
	}
	*out = (struct found){ .name = { text.ptr + 1, len - 1 } };
	if (len < text.len && text.ptr[len] == '(') {
		size_t more = bracketed(import_after(text, len), '(', ')');
		struct pol_str content =
			more > 0 ? inside(import_after(text, len), more) : POL_STR("/");

		if (!is_optional_group(content)) {
			out->rest = takes_slashes(content);
			len += more;
		}
	}
	for (; len < text.len && strchr("?*+", text.ptr[len]) != NULL && text.ptr[len] != '\0';
		len++) {
		out->optional = out->optional || text.ptr[len] != '+';
		out->rest = out->rest || text.ptr[len] != '?';
	}
	/* `{name...}` takes none, too. */
	out->optional = out->optional && !out->rest;
	return len;
}

/* `{id}`, `{id:[0-9]+}`, `{id?}`, `{id=5}`, `{*path}`, `{path...}` */
static size_t braces(struct pol_str text, struct found *out)
{
	size_t len = bracketed(text, '{', '}');
	struct pol_str name;
	const char *colon_at;

	if (len <= 2) {
		return 0;
	}
	name = inside(text, len);
	*out = (struct found){ .rest = false };
	while (name.len > 1 && (name.ptr[0] == '*' || name.ptr[0] == '+')) {
		name = import_after(name, 1);
		out->rest = true;
	}
	colon_at = memchr(name.ptr, ':', name.len);
	if (colon_at != NULL) {
		size_t at = (size_t)(colon_at - name.ptr);

		out->rest = out->rest || takes_slashes(import_after(name, at + 1));
		name.len = at;
	}
	colon_at = memchr(name.ptr, '=', name.len);
	if (colon_at != NULL) {
		name.len = (size_t)(colon_at - name.ptr);
		out->optional = true;
	}
	while (name.len > 1 && strchr("?.*", name.ptr[name.len - 1]) != NULL) {
		out->optional = out->optional || name.ptr[name.len - 1] == '?';
		out->rest = out->rest || name.ptr[name.len - 1] != '?';
		name.len--;
	}
	out->optional = out->optional && !out->rest;
	out->name = name;
	return len;
}

/* `<id>`, `<int:id>`, `<id:int>` */
static size_t angles(struct pol_str text, struct found *out)
{
	static const char *const converters[] = { "int", "str", "string", "float", "uuid", "path",
		"slug", "any", "alpha" };
	size_t len = bracketed(text, '<', '>');
	struct pol_str first = { "", 0 }, second;

	if (len <= 2) {
		return 0;
	}
	second = inside(text, len);
	for (size_t i = second.len; i > 0 && second.ptr[i - 1] != ')'; i--) {
		if (second.ptr[i - 1] == ':') {
			first = (struct pol_str){ second.ptr, i - 1 };
			second = import_after(second, i);
			break;
		}
	}
	for (size_t i = 0; i < sizeof converters / sizeof converters[0] && first.len > 0; i++) {
		if (pol_str_equal(second, pol_str_of(converters[i])) &&
			!pol_str_equal(first, second)) {
			struct pol_str name = first;

			first = second;
			second = name;
			break;
		}
	}
	*out = (struct found){ .name = second, .rest = pol_str_starts(first, POL_STR("path")) };
	return len;
}

/* `*rest`, `*`, `**` */
static size_t star(struct pol_str text, struct found *out)
{
	size_t stars = 0;
	size_t len;

	while (stars < text.len && text.ptr[stars] == '*') {
		stars++;
	}
	for (len = stars; len < text.len && is_name(text.ptr[len]); len++) {
	}
	*out = (struct found){ .name = { text.ptr + stars, len - stars }, .rest = true };
	if (out->name.len == 0) {
		out->name = POL_STR("rest");
	}
	return len;
}

/* `(?P<id>\d+)`, and a group without a name */
static size_t group(struct pol_str text, struct found *out)
{
	size_t len = bracketed(text, '(', ')');
	struct pol_str content;
	const char *end;

	if (len <= 2) {
		return 0;
	}
	content = inside(text, len);
	*out = (struct found){ .name = POL_STR("parameter"), .rest = takes_slashes(content) };
	if (pol_str_starts(content, POL_STR("?P<")) || pol_str_starts(content, POL_STR("?<"))) {
		const char *begin = (const char *)memchr(content.ptr, '<', content.len) + 1;

		end = memchr(begin, '>', (size_t)(content.ptr + content.len - begin));
		if (end != NULL) {
			out->name = (struct pol_str){ begin, (size_t)(end - begin) };
		}
	}
	return len;
}

/* The character before says whether a ':' begins a parameter: in `/loans/{loan}:cancel` none. */
static bool begins(const struct path *path)
{
	return path->len == 0 || strchr("/.-_", path->text[path->len - 1]) != NULL;
}

static size_t parameter(const struct path *path, struct pol_str text, struct found *out)
{
	switch (text.ptr[0]) {
	case ':':
		return begins(path) ? colon(text, out) : 0;
	case '{':
		return braces(text, out);
	case '<':
		return angles(text, out);
	case '*':
		return star(text, out);
	case '(':
		return group(text, out);
	default:
		return 0;
	}
}

/* --- paths ------------------------------------------------------------------------------------ */

static void rewrite(struct import_route *route, struct path *path, struct pol_str text);

/* The path that was written so far, and then `first` and `second` in the place of what follows. */
static void branch(struct import_route *route, const struct path *path, struct pol_str first,
	struct pol_str second)
{
	struct path *copy = pol_arena_alloc(&route->import->arena, 1, sizeof *copy);
	struct path *joined = pol_arena_alloc(&route->import->arena, 1, sizeof *joined);

	if (copy == NULL || joined == NULL) {
		import_fail(route->import, "no memory left");
		return;
	}
	/* Each makes a path at least. */
	if (++route->depth > IMPORT_ROUTE_VARIANTS) {
		route->too_many = true;
		return;
	}
	memcpy(copy->text, path->text, path->len);
	copy->len = path->len;
	put(joined, first);
	put(joined, second);
	copy->full = path->full || joined->full;
	rewrite(route, copy, (struct pol_str){ joined->text, joined->len });
	route->depth--;
}

static void end_path(struct import_route *route, const struct path *path)
{
	if (route->count == IMPORT_ROUTE_VARIANTS) {
		route->too_many = true;
		return;
	}
	if (path->full) {
		import_fail(route->import,
			"a path is longer than %zu bytes, when it is written again",
			sizeof path->text);
	}
	route->variants[route->count++] = import_text(route->import, "%s%.*s",
		path->len > 0 && path->text[0] == '/' ? "" : "/", (int)path->len, path->text);
}

/* A part that may be left out: the path without it goes on here, the other one in a branch. */
static void leave_out(struct import_route *route, const struct path *path, struct pol_str part,
	struct pol_str rest)
{
	if (part.len > 0 && part.ptr[0] == '.') {
		route->format = true;
	} else {
		branch(route, path, part, rest);
	}
}

static size_t optional_group(
	struct import_route *route, const struct path *path, struct pol_str text)
{
	char close = text.ptr[0] == '(' ? ')' : '}';
	size_t len =
		text.ptr[0] == '(' || text.ptr[0] == '{' ? bracketed(text, text.ptr[0], close) : 0;

	if (len <= 2 || !is_optional_group(inside(text, len))) {
		return 0;
	}
	leave_out(route, path, inside(text, len), import_after(text, len));
	return len;
}

static void put_parameter(struct import_route *route, struct path *path, const struct found *found,
	struct pol_str rest)
{
	struct pol_str name = import_param_name(route->import, found->name);
	struct pol_str with = pol_str_of(import_text(
		route->import, "{%.*s%s}", POL_STR_ARGS(name), found->rest ? "..." : ""));

	if (!found->optional) {
		put(path, with);
		return;
	}
	branch(route, path, with, rest);
	/* and without it, and without the '/' before it */
	if (path->len > 0 && path->text[path->len - 1] == '/') {
		path->len--;
	}
}

static void rewrite(struct import_route *route, struct path *path, struct pol_str text)
{
	while (text.len > 0 && !route->too_many && route->import->error == NULL) {
		struct found found;
		size_t len = optional_group(route, path, text);

		if (len > 0) {
			text = import_after(text, len);
			continue;
		}
		if (pol_str_starts(text, POL_STR("{$}"))) {
			text = import_after(text, 3);
			continue;
		}
		len = parameter(path, text, &found);
		if (len > 0) {
			text = import_after(text, len);
			put_parameter(route, path, &found, text);
			continue;
		}
		/* a regular expression's anchors, and what it escapes */
		if ((text.ptr[0] == '^' && path->len == 0) ||
			(text.ptr[0] == '$' && text.len == 1) || text.ptr[0] == '\\') {
			text = import_after(text, 1);
			continue;
		}
		put(path, (struct pol_str){ text.ptr, 1 });
		text = import_after(text, 1);
	}
	end_path(route, path);
}

void import_route_read(struct import_route *route, struct pol_str path)
{
	struct path written = { .len = 0 };

	rewrite(route, &written, path);
}
