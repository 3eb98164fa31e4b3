/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * prepared: the lines of stacks whose modules read data files, and what a new snapshot is made of
 * when only data files have changed (compile/renew.h). Private to policy/.
 *
 * What such a module prepared is in memory of its own, so that snapshots can share it, and so that
 * it is freed when no snapshot uses that content of the files any more.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/compiled.h"
#include "policy/text/arena.h"
#include "policy/text/line.h"

/* A data file that a module asked for, and the hash of the bytes that it got; 0 if it got none. */
struct pol_data_use {
	struct pol_str name;
	uint64_t hash;
};

/* What a module prepared for one line. Immutable once its snapshot is made; reference-counted. */
struct pol_prepared {
	atomic_size_t references;
	struct pol_arena arena;          /* of all below */
	const struct pol_module *module; /* that decides */
	const void *state;
	struct pol_str note; /* ptr NULL: none */
	struct pol_data_use *uses;
	uint32_t use_count;
	size_t use_capacity;
	bool refused; /* a file was refused, so that it must be tried again with each new snapshot
		       */
};

/* One reference; NULL: no memory. The budget, which may be NULL, must outlive it, or be taken from
 * its arena. */
struct pol_prepared *pol_prepared_create(size_t limit, struct pol_budget *budget);
struct pol_prepared *pol_prepared_ref(struct pol_prepared *prepared);
void pol_prepared_unref(struct pol_prepared *prepared); /* NULL is ignored */

/* Notes that the module asked for the file. False: the arena has no memory. */
bool pol_prepared_use(struct pol_prepared *prepared, struct pol_str name, uint64_t hash);

/* A line whose module reads data files. */
struct pol_data_line {
	const struct pol_ast_line *line; /* a copy */
	const struct pol_module *module; /* as its name says, even if another one decides */
	uint32_t number;                 /* of the line in its file */
	uint32_t fixed_notes;            /* how many of the fixed notes come before its own */
	struct pol_prepared *prepared;   /* a reference; NULL while it is renewed */
};

/* A warning that does not depend on data files. */
struct pol_fixed_warning {
	enum pol_warning warning;
	struct pol_span at;
	struct pol_str message;
	const struct pol_fixed_note *notes;
	uint32_t note_count;
};
struct pol_fixed_note {
	struct pol_span at;
	struct pol_str message;
};

/* What the compiled snapshot and those with other data files have in common beside its fields. */
struct pol_fixed {
	uint64_t sources; /* pol_revision_of */
	/* Bytes that compiling took without what the data lines prepared, and might take. */
	size_t taken, limit;
	struct pol_note *notes; /* of all other lines */
	uint32_t note_count;
	size_t note_capacity;
	struct pol_fixed_warning *warnings;
	uint32_t warning_count;
	bool whole; /* all warnings are there; else each new snapshot is compiled */
};

/* Adds a line of the snapshot that is compiled. Takes the reference over, unless there is no memory
 * (false). */
bool pol_prepared_add(struct pol_snapshot *snapshot, struct pol_data_line line);

/* Makes snapshot->notes of the fixed notes and those of the data lines, in the order of the lines;
 * the first POL_NOTES_MAX. False: the arena has no memory. */
bool pol_prepared_join_notes(struct pol_snapshot *snapshot);

/* Bytes of memory of what the data lines prepared. */
size_t pol_prepared_bytes(const struct pol_snapshot *snapshot);

/* Takes the budget from what the lines prepared. */
void pol_prepared_settle(struct pol_snapshot *snapshot);

/* Drops the snapshot's references. */
void pol_prepared_release(struct pol_snapshot *snapshot);
