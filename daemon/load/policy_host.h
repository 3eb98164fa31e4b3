/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy_host: the interface by which the compiler asks the host (struct pol_host,
 * policy/text/host.h).
 *
 * Users and groups come from the host's tables (host/names), time zones from its files; both may
 * block, so only threads that build policies use it. Modules and their data files come from a list
 * of the module folder. Bytes in answers live until policy_host_finish. Not thread-safe.
 */

#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/host.h"

struct names;
struct policy_host_zone;
struct plugins;
struct plugin_folder;

struct policy_host {
	struct pol_host interface; /* for pol_compile */
	uint64_t digest; /* of the questions about users and zones so far, and their answers */
	struct pol_arena arena;
	struct policy_host_zone *zones; /* those that were read, newest first */
	struct names *names;
	struct plugins *plugins;
	struct plugin_folder *folder; /* NULL: none is configured */
};

/* Borrows the process that looks up names (NULL: this one does), the loaded modules and the list of
 * the module folder; NULL: none is configured. */
void policy_host_init(struct policy_host *host, struct names *names, struct plugins *plugins,
	struct plugin_folder *folder);
void policy_host_finish(struct policy_host *host);
