/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "policy/ask/show.h"
#include "policy/snapshot/snapshot.h"
#include "tools/lsp/kept.h"

static void write_description(FILE *file, struct pol_str description)
{
	if (description.len > 0) {
		fprintf(file, " \"%.*s\"", POL_STR_ARGS(description));
	}
}

/* A node as it is written in a tree. */
static bool write_node(void *context, const struct pol_shown *shown)
{
	FILE *file = context;
	struct pol_str tree, path;

	if (shown->depth == 0 || !pol_path_split(shown->resource, &tree, &path)) {
		return true;
	}
	fprintf(file, "%.*s {", POL_STR_ARGS(path));
	for (size_t i = 0; i < shown->action_count; i++) {
		const struct pol_shown_action *action = &shown->actions[i];

		fprintf(file, "%s %.*s %.*s", i > 0 ? "," : "", POL_STR_ARGS(action->name),
			POL_STR_ARGS(action->methods));
		write_description(file, action->description);
	}
	fputs(" }\n", file);
	return true;
}

/* Every policy has the tree, so that of an empty one is written. */
static void write_tree(FILE *file)
{
	const struct pol_source source = { POL_STR("empty"), POL_STR("limits { }\n") };
	struct pol_snapshot *snapshot = NULL;
	struct pol_diags diags;

	pol_diags_init(&diags, &source, 1);
	if (pol_compile(&source, 1, NULL, &diags, &snapshot) == POL_OK) {
		fputs("tree authz \"Keys, principals and roles of this service\" {\n", file);
		(void)pol_show(snapshot, POL_STR("authz"), NULL, write_node, file);
		fputs("}\n", file);
	}
	pol_snapshot_unref(snapshot);
	pol_diags_finish(&diags);
}

struct lsp_file *lsp_kept_built_in(void)
{
	struct lsp_file *made = NULL;
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (file == NULL) {
		return NULL;
	}
	write_tree(file);
	if (fclose(file) == 0) {
		made = lsp_kept_make(POL_STR("built in"), (struct pol_str){ text, size });
	}
	free(text);
	return made;
}
