/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/suggest.h"

#include <stdio.h>
#include <string.h>

#include "tools/record.h"
#include "tools/rpc.h"
#include "tools/text.h"

/* A page. Where there are more names, one that is near may still be among the first. */
#define ASKED 1000

static const struct source {
	const char *kind;
	const char *method;
	const char *array; /* of the answer */
	const char *field; /* of an item; NULL: it is a text */
	bool in_tenant;
	const char *before; /* what names begin with, and is left out; NULL: nothing */
} sources[] = {
	{ "role", "roles.list", "items", "name", true, NULL },
	{ "principal", "principals.list", "items", "id", true, NULL },
	{ "tenant", "tenants.list", "items", "id", false, NULL },
	{ "scope", "policy.names", "scopes", NULL, false, NULL },
	{ "tree", "policy.names", "trees", NULL, false, NULL },
	{ "action", "policy.names", "actions", NULL, false, NULL },
	{ "fact", "policy.names", "facts", NULL, false, NULL },
	{ "attribute", "policy.names", "facts", NULL, false, "principal." },
};

struct finding {
	struct app *app;
	const struct source *source;
	const char *names[ASKED];
	size_t count;
};

static bool on_item(void *context, struct wire_cursor item)
{
	struct finding *finding = context;
	struct pol_arena *arena = &finding->app->arena;
	const char *before = finding->source->before != NULL ? finding->source->before : "";
	size_t skip = strlen(before);
	struct wire_str text;

	if (finding->count == ASKED) {
		return false;
	}
	if (finding->source->field != NULL) {
		finding->names[finding->count++] = record_text(arena, item, finding->source->field);
	} else if (wire_read_text(&item, &text) && text.len >= skip &&
		   memcmp(text.ptr, before, skip) == 0) {
		finding->names[finding->count++] =
			text_escape(arena, (struct pol_str){ text.ptr + skip, text.len - skip });
	}
	return true;
}

static bool ask(struct app *app, const struct source *source, struct wire_cursor *out)
{
	struct params params;

	params_begin(&params);
	if (source->field != NULL) {
		params_int(&params, "limit", ASKED);
	}
	if (source->in_tenant && app->args.given[FLAG_TENANT]) {
		params_text(&params, "tenant", app->args.values[FLAG_TENANT]);
	}
	return rpc_ask(app, source->method, &params, out);
}

void suggest_print(struct app *app, const struct suggest_name *name)
{
	struct finding finding = { .app = app };
	struct wire_cursor answer;
	const char *nearest;

	for (size_t i = 0; name->kind != NULL && i < sizeof sources / sizeof sources[0]; i++) {
		if (strcmp(sources[i].kind, name->kind) == 0) {
			finding.source = &sources[i];
		}
	}
	if (finding.source == NULL || !ask(app, finding.source, &answer)) {
		return;
	}
	record_each(answer, finding.source->array, on_item, &finding);
	nearest = args_nearest(name->word, finding.names, finding.count);
	if (nearest != NULL && strcmp(nearest, name->word) != 0) {
		fprintf(stderr, "authzcheck: %sdid you mean '%s'?\n",
			finding.source->before == NULL
				? ""
				: app_text(app, "no condition reads attribute '%s': ",
					  text_escape(&app->arena, pol_str_of(name->word))),
			nearest);
	}
}
