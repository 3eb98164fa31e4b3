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
	char *said;                    /* every diagnostic as rendered; never NULL */
};

/* Text becomes one file, "test.policy". */
struct loaded load_text(const char *text);
/* Every *.policy directly in the folder, in byte order; the path begins at the project's root. */
struct loaded load_folder(const char *path);
/* One file, which need not compile. */
struct loaded load_file(const char *path);
void unload(struct loaded *loaded);

/* Renders again, after something added to the diagnostics. */
void render(struct loaded *loaded);
