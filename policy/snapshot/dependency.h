/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dependency: what a policy needs from its host: modules that are not built in, and the data files
 * of modules.
 *
 * The host is asked once for each, even if several lines name it. The snapshot holds the modules
 * until it is freed, and its revision depends on their code and on the data. Used by the thread
 * that compiles.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/host.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_module;

/* One module or data file. Lives in the snapshot's arena. */
struct pol_dependency {
	struct pol_dependency *next; /* in snapshot->modules or snapshot->data */
	struct pol_str name;
	struct pol_host_module module; /* table NULL: a data file, with the hash of its bytes */
	struct pol_str bytes;          /* of a data file; valid while the policy is compiled */
};

/* The module of that name. The status and `why` are those of host->module. Without a host or that
 * function the result is POL_ENOTFOUND, and `why` is not changed. POL_ENOMEM, POL_ELIMIT: the arena
 * has no memory. */
enum pol_status pol_dependency_module(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_module **out, char why[POL_HOST_WHY]);

/* A module's data file, by host->data, with its bytes and their hash. */
enum pol_status pol_dependency_data(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_dependency **out, char why[POL_HOST_WHY]);

/* The same by host->last_data, whose bytes then stand for the file in the hash. POL_ENOTFOUND:
 * there are none. */
enum pol_status pol_dependency_last(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_dependency **out);

/* A hash of the names and contents of all dependencies; 0: there are none. */
uint64_t pol_dependency_hash(const struct pol_snapshot *snapshot);

/* Releases the modules. For the snapshot that was compiled, not for those that share its modules.
 */
void pol_dependency_release(struct pol_snapshot *snapshot);
