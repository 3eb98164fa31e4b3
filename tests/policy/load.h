/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * load: a policy for a test, from text or from a folder of the source tree.
 */

#include <stddef.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"

struct loaded {
	struct pol_source *sources;
	size_t count;
	struct pol_diags diags;
	enum pol_status status;
	struct pol_snapshot *snapshot; /* NULL: it did not compile */
	char *said;                    /* all diagnostics, rendered; never NULL */
};

/* Compiles the text as one file, "test.policy". Release the result with unload. Any failure but a
 * mistake in the policy ends the test; the same for the others. */
struct loaded load_text(const char *text);
/* The same of a text that has no mistake. */
struct loaded load_good(const char *text);
/* Compiles every *.policy file directly in the folder, in byte order. The path begins at the
 * project's root. */
struct loaded load_folder(const char *path);
/* Compiles one file. */
struct loaded load_file(const char *path);
void unload(struct loaded *loaded);

/* Renders loaded->diags into `said` again, after diagnostics were added. */
void render(struct loaded *loaded);
