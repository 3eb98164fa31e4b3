/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: answers what a policy asks of this machine while it is compiled (policy/text/host.h).
 *
 * Users and groups come from the machine's own tables, time zones from its files, which may mean a
 * wait: only threads that build policies ask. Modules and their data files come from the module
 * folder as it was listed. The answers are kept until host_finish. Not thread-safe.
 */

#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/host.h"

struct host_zone;
struct plugins;
struct plugin_folder;

struct host {
	struct pol_host asked; /* for pol_compile */
	uint64_t digest;       /* of all that was asked and answered so far */
	struct pol_arena arena;
	struct host_zone *zones; /* those that were read, newest first */
	struct plugins *plugins;
	struct plugin_folder *folder; /* NULL: none is named */
};

/* With what is loaded, and a list of the module folder or NULL: none is named. Both are borrowed.
 */
void host_init(struct host *host, struct plugins *plugins, struct plugin_folder *folder);
void host_finish(struct host *host);
