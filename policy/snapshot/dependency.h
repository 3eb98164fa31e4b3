/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * used: what a policy took from its host: modules that are not built in, and their data files.
 *
 * Each is asked for once, however many lines name it. The snapshot holds the modules until it is
 * freed, and its revision tells one set of code and data from another.
 */

#include <stdbool.h>
#include <stdint.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/host.h"
#include "policy/text/status.h"
#include "policy/text/str.h"

struct pol_module;

/* One module or data file. Lives in the snapshot's arena. */
struct pol_used {
	struct pol_used *next; /* in snapshot.used */
	struct pol_str name;
	struct pol_host_module module; /* table NULL: a data file */
	struct pol_str bytes;          /* of a data file; while the policy is compiled */
};

/* The host's module of that name. host may be NULL; then, and where it has no answer, `why` is left
 * as it is. POL_ENOTFOUND, POL_EINVALID: as pol_host.module. POL_ENOMEM, POL_ELIMIT: no room. */
enum pol_status pol_used_module(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, const struct pol_module **out, char why[POL_HOST_WHY]);

/* Likewise a data file's bytes. */
enum pol_status pol_used_data(struct pol_snapshot *snapshot, const struct pol_host *host,
	struct pol_str name, struct pol_str *out, char why[POL_HOST_WHY]);

/* A number that changes with whatever the policy took from its host; 0: nothing. */
uint64_t pol_used_hash(const struct pol_snapshot *snapshot);

/* Gives the modules back. */
void pol_used_release(struct pol_snapshot *snapshot);
