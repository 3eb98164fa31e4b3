/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/resources.h"

#include <stdio.h>
#include <string.h>

#include "tools/text.h"

/* A resource's parts: "api:", "/loans", "/{loan}". The next one, or false at the end. */
static bool next_part(struct pol_str *rest, struct pol_str *out)
{
	size_t len = 0;

	if (rest->len == 0) {
		return false;
	}
	if (rest->ptr[0] != '/') {
		const char *colon = memchr(rest->ptr, ':', rest->len);

		len = colon != NULL ? (size_t)(colon - rest->ptr) + 1 : rest->len;
	} else {
		const char *slash = memchr(rest->ptr + 1, '/', rest->len - 1);

		len = slash != NULL ? (size_t)(slash - rest->ptr) : rest->len;
	}
	*out = (struct pol_str){ rest->ptr, len };
	rest->ptr += len;
	rest->len -= len;
	return !pol_str_equal(*out, POL_STR("/"));
}

/* Draws the parts in which the resource differs from the one before, the actions at the last. */
bool resources_add(struct resources *resources, struct pol_str resource, const char *actions,
	struct pol_str when)
{
	struct app *app = resources->app;
	struct pol_str copy = pol_arena_copy(&app->arena, resource);
	struct pol_str rest = copy;
	struct pol_str old = resources->before;
	struct pol_str part;
	bool same = true;

	for (unsigned depth = 0; next_part(&rest, &part); depth++) {
		struct pol_str old_part;
		bool last = rest.len == 0 || pol_str_equal(rest, POL_STR("/"));
		const char *text;

		same = same && next_part(&old, &old_part) && pol_str_equal(part, old_part);
		if (same && !last) {
			continue;
		}
		text = app_text(app, "%s%s%s%s%s%s%s%s%s", text_begin(app->colour, COLOUR_BOLD),
			text_escape(&app->arena, part), text_end(app->colour, COLOUR_BOLD),
			last ? "  " : "", text_begin(app->colour, COLOUR_GREEN),
			last ? actions : "", text_end(app->colour, COLOUR_GREEN),
			last && when.len > 0 ? " when " : "",
			last ? text_escape(&app->arena, when) : "");
		if (!draw_add(&resources->drawing, &app->arena, depth, text)) {
			return false;
		}
	}
	resources->before = copy;
	return true;
}

void resources_print(struct resources *resources)
{
	if (resources->drawing.count == 0) {
		puts("nothing");
	} else {
		draw_print(&resources->drawing, stdout);
	}
}

int resources_read_part(struct app *app, const char *word, struct resources_part *out)
{
	struct pol_str text = pol_str_of(word);
	const char *colon;

	*out = (struct resources_part){ .tree = app->args.values[FLAG_TREE] };
	if (word == NULL) {
		return EXIT_YES;
	}
	if (text.len > 3 && strcmp(word + text.len - 3, "/**") == 0) {
		text.len -= 3;
	}
	colon = text.len > 0 ? memchr(text.ptr, ':', text.len) : NULL;
	if (text.len == 0 || text.ptr[0] == '/' || text.ptr[0] == ':') {
		return app_fail(app, EXIT_USAGE, "usage", "'%s': want TREE or TREE:/PATH", word);
	}
	if (colon != NULL && colon + 1 < text.ptr + text.len) {
		out->at = app_text(app, "%.*s", POL_STR_ARGS(text));
		return EXIT_YES;
	}
	if (out->tree != NULL) {
		return app_fail(
			app, EXIT_USAGE, "usage", "--tree and '%s' exclude each other", word);
	}
	text.len -= colon != NULL;
	out->tree = app_text(app, "%.*s", POL_STR_ARGS(text));
	return EXIT_YES;
}

bool resources_is_pattern(const char *resource)
{
	for (const char *slash = strchr(resource, '/'); slash != NULL; slash = strchr(slash, '/')) {
		size_t stars = strspn(++slash, "*");

		if ((stars == 1 || stars == 2) && (slash[stars] == '/' || slash[stars] == '\0')) {
			return true;
		}
	}
	return false;
}
