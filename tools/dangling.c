/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/dangling.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "policy/text/terms.h"
#include "tools/record.h"
#include "tools/text.h"

/* The other lines of a name that is folded begin here. */
#define NAME_INDENT 6

static const char *const holders[] = { "principal", "key", "everyone", "anyone", "role" };

/* How a name is shown; each has two places for text. */
static const struct {
	const char *name;
	const char *before, *after;
} kinds[] = {
	{ "role", "holds role '", "', which the policy lacks" },
	{ "scope", "has scope '", "', which the policy lacks" },
	{ "at", "is limited to '", "', which the policy lacks" },
	{ "grant", "grants '", "', which the policy lacks" },
	{ "inherits", "inherits '", "', which the policy lacks" },
	{ "shadowed_in", "of tenant '", "' is shadowed by one of the policy" },
	{ "exclusive_member", "holds '", "', which is in an exclusive set" },
	{ "exclusive", "holds roles that exclude each other: '", "'" },
	{ "attribute", "has attribute '", "', which is not of the type that the policy declares" },
	{ "like", "differs from '", "' of the policy in case alone" },
	{ "declared", "is in the policy too, and in the store of tenant '", "'" },
};

/* "principal alice", "every principal". */
static const char *holder_text(struct app *app, const char *holder, struct pol_str id)
{
	const char *name = text_escape(&app->arena, id);

	return pol_terms_find_holder(pol_str_of(holder)) != POL_HOLDER_SUBJECT
		       ? name
		       : app_text(app, "%s %s", holder, name);
}

/* "principal alice holds role 'clerk', which the policy lacks"; NULL: another form. */
static const char *text_of(struct app *app, struct wire_cursor item)
{
	const char *holder = NULL;
	struct wire_cursor value;
	struct wire_str word;
	uint32_t pairs;

	/* The first pair is the holder, since `role` may also be what is held. */
	if (!wire_read_map(&item, &pairs) || pairs != 2 || !wire_read_text(&item, &word)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof holders / sizeof holders[0]; i++) {
		if (wire_str_equal(word, (struct wire_str){ holders[i], strlen(holders[i]) })) {
			holder = holders[i];
		}
	}
	value = item;
	if (holder == NULL || !wire_read_text(&value, &word)) {
		return NULL;
	}
	holder = holder_text(app, holder, (struct pol_str){ word.ptr, word.len });
	if (!wire_read_text(&value, &word)) {
		return NULL;
	}
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct wire_str name = word, text;

		if (wire_str_equal(
			    name, (struct wire_str){ kinds[i].name, strlen(kinds[i].name) }) &&
			wire_read_text(&value, &text)) {
			return app_text(app, "%s %s%s%s", holder, kinds[i].before,
				record_grant(app, (struct pol_str){ text.ptr, text.len }),
				kinds[i].after);
		}
	}
	return NULL;
}

struct printing {
	struct app *app;
	size_t count;
};

static bool on_item(void *context, struct wire_cursor item)
{
	struct printing *printing = context;
	const char *text = text_of(printing->app, item);

	if (text != NULL) {
		fputs("  ", stdout);
		text_fold(
			stdout, text, &(struct text_lines){ text_columns(stdout), 2, NAME_INDENT });
		putchar('\n');
		printing->count++;
	}
	return printing->count < DANGLING_SHOWN;
}

void dangling_print(struct app *app, struct wire_cursor answer)
{
	struct printing printing = { app, 0 };
	struct wire_cursor dangling;
	int64_t total;

	if (!record_find(answer, "dangling", &dangling)) {
		return;
	}
	total = record_int(dangling, "total", 0);
	if (total <= 0) {
		return;
	}
	printf("%s%" PRId64 " %s of the store %s not fit this policy%s:\n",
		text_begin(app->colour, COLOUR_YELLOW), total, total == 1 ? "name" : "names",
		total == 1 ? "does" : "do", text_end(app->colour, COLOUR_YELLOW));
	record_each(dangling, "items", on_item, &printing);
	if (printing.count == 0) {
		puts("  root and the daemon's own user see which");
	} else if ((int64_t)printing.count < total) {
		printf("  and %" PRId64 " more: --json lists up to 100\n",
			total - (int64_t)printing.count);
	}
}

static const char *json_text_of(struct app *app, const json_t *item)
{
	const char *holder = NULL, *id = NULL;

	for (size_t i = 0; i < sizeof holders / sizeof holders[0] && id == NULL; i++) {
		holder = holders[i];
		id = json_string_value(json_object_get(item, holder));
	}
	/* `role` alone is what a principal or a key holds. */
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const char *name = json_string_value(json_object_get(item, kinds[i].name));

		if (name != NULL && id != NULL && strcmp(kinds[i].name, holder) != 0) {
			return app_text(app, "%s %s%s%s", holder_text(app, holder, pol_str_of(id)),
				kinds[i].before, text_escape(&app->arena, pol_str_of(name)),
				kinds[i].after);
		}
	}
	return "";
}

void dangling_show(struct app *app, const struct dangling_found *found)
{
	for (size_t i = 0; i < json_array_size(found->items); i++) {
		printf("%swarning%s: %s\n", text_begin(app->colour, COLOUR_YELLOW),
			text_end(app->colour, COLOUR_YELLOW),
			json_text_of(app, json_array_get(found->items, i)));
	}
	if (found->total > 0) {
		printf("%zu %s of the store %s not fit this policy\n", found->total,
			found->total == 1 ? "name" : "names", found->total == 1 ? "does" : "do");
	}
}
