/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/effect.h"

#include <stdio.h>

#include "tools/record.h"
#include "tools/show.h"

/* One of the two lists. */
struct printing {
	struct app *app;
	const char *other, *other_title; /* the condition of the other side */
	int64_t shown;                   /* permissions */
};

static bool on_item(void *context, struct wire_cursor item)
{
	struct printing *printing = (struct printing *)context;
	struct pol_arena *arena = &printing->app->arena;
	const char *when = record_text(arena, item, "when");
	const char *other = record_text(arena, item, printing->other);

	printf("  %s on %s", record_list(arena, item, "actions"),
		record_text(arena, item, "resource"));
	if (when[0] != '\0') {
		printf(" when %s", when);
	}
	if (other[0] != '\0') {
		printf(" (%s: when %s)", printing->other_title, other);
	}
	putchar('\n');
	printing->shown += record_int(item, "count", 0);
	return true;
}

/* "gains 3:" and a line for each item. */
static void print_list(
	struct printing printing, struct wire_cursor record, const char *name, const char *total)
{
	int64_t count = record_int(record, total, 0);

	printf("%s %lld%s\n", name, (long long)count, count > 0 ? ":" : "");
	record_each(record, name, on_item, &printing);
	if (printing.shown < count) {
		printf("  and %lld more\n", (long long)(count - printing.shown));
	}
}

int effect_show(struct app *app, struct wire_cursor record)
{
	struct wire_cursor ignored;

	if (!record_find(record, "gains_total", &ignored)) {
		return show_role(app, record);
	}
	print_list((struct printing){ app, "was", "before", 0 }, record, "gains", "gains_total");
	print_list((struct printing){ app, "still", "still", 0 }, record, "loses", "loses_total");
	puts("nothing was changed");
	return EXIT_YES;
}
