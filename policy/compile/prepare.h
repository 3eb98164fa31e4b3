/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * prepare: what a module is handed to prepare a line with, around struct pol_prepare.
 *
 * Lives for one call of a module's prepare, in the thread that compiles.
 */

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"

struct pol_preparation {
	struct pol_prepare base; /* what the module sees */
	struct pol_snapshot *snapshot;
};

/* host may be NULL. */
void pol_prepare_init(struct pol_preparation *preparation, struct pol_snapshot *snapshot,
	const struct pol_host *host, struct pol_diags *diags, const struct pol_ast_line *line);

/* May a data file be called so? Letters, digits, `.`, `_` and `-`, not beginning with a dot, at
 * most 128 bytes: never a path. */
bool pol_prepare_is_data_name(struct pol_str name);
