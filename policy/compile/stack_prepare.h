/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * stack_prepare: lets the module of one line prepare it, if need be with the last good data files.
 * For the compiler of stacks, and for compile/renew, in the thread that compiles.
 */

#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"

struct pol_prepared;

struct pol_line_preparation {
	struct pol_snapshot *snapshot;
	const struct pol_host *host; /* NULL: there is none */
	struct pol_diags *diags;
	const struct pol_ast_line *line;

	const struct pol_module *module; /* has `prepare`; becomes the module that decides */
	const void *state;               /* set */
	char note[POL_NOTE_TEXT];        /* set; empty: none */
	/* Where the module gets memory; NULL: in the snapshot, until it reads a data file. Set to
	 * what is kept of the line, with a reference, or NULL if it reads none. */
	struct pol_prepared *prepared;
};

/* Mistakes are in the diagnostics; a module that refuses without a message gets a general one. */
void pol_stack_prepare(struct pol_line_preparation *line);
