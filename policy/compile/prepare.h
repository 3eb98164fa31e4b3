/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * prepare: the functions that a module's `prepare` may call, as struct pol_prepare
 * (snapshot/module.h).
 *
 * A preparation lives for one call of `prepare`, in the thread that compiles.
 */

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"

struct pol_prepared;

/* Bytes of why a data file cannot be used: what the host says, after some words. */
#define POL_PREPARE_WHY (sizeof "cannot be used: " - 1 + POL_HOST_WHY)

struct pol_preparation {
	struct pol_prepare base; /* what the module sees */
	struct pol_snapshot *snapshot;
	char note[POL_NOTE_TEXT]; /* that the module left; empty: none */
	/* A data file that cannot be used, with a host that keeps the last good one: then it is not
	 * an error of the policy. */
	struct pol_word feed; /* its name; empty: none */
	char feed_why[POL_PREPARE_WHY];
	bool last; /* the second preparation: with the last good content */
	/* What is kept of the line. NULL until the module reads a data file: from then on it gets
	 * memory there. A reference. */
	struct pol_prepared *prepared;
};

/* Fills *preparation in for one line of a stack. All that is passed is borrowed; host may be NULL.
 */
void pol_prepare_init(struct pol_preparation *preparation, struct pol_snapshot *snapshot,
	const struct pol_host *host, struct pol_diags *diags, const struct pol_ast_line *line);

/* Is that a valid name of a data file? It has letters, digits, `.`, `_` and `-`, begins with no
 * dot, and has at most 128 bytes, so it is never a path. */
bool pol_prepare_is_data_name(struct pol_str name);
