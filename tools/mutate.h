/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * mutate: tries the mutations of a policy in several processes.
 *
 * Processes and not threads, since the compiler asks the tool's host (host.h), which belongs to one
 * thread, and since a module that crashes then ends one process. Each has a share of the list and
 * writes what it finds into one pipe.
 */

#include "policy/ask/mutation.h"
#include "tools/app.h"

/* The most processes: a compiled policy may take 1 GiB, and each of them has one. */
#define MUTATE_JOBS 64

/* The most statements. On a policy of that size one compilation takes about a second, so that all
 * take days; and the process that begins has 16 bytes for each in its memory twice. */
#define MUTATE_STATEMENTS 100000

/* Finds the result of each mutation; results has room for all. jobs: from 1 to MUTATE_JOBS. Shows
 * progress when standard error is a terminal. EXIT_YES, or another status after a message. */
int mutate_run(struct app *app, const struct pol_mutation_base *base,
	const struct pol_mutations *mutations, unsigned jobs, enum pol_mutation_result *results);
