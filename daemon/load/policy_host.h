/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: answers what a policy asks of this machine while it is compiled (policy/text/host.h).
 *
 * Users and groups come from the machine's own tables, time zones from its files, which may mean a
 * wait: only threads that build policies ask. Modules and their data files come from the module
 * folder as it was listed. The answers are kept until policy_host_finish. Not thread-safe.
 */

#include <stdint.h>

#include "policy/text/arena.h"
#include "policy/text/host.h"

struct policy_host_zone;
struct plugins;
struct plugin_folder;

struct policy_host {
	struct pol_host interface; /* for pol_compile */
	uint64_t digest;           /* of all that was asked and answered so far */
	struct pol_arena arena;
	struct policy_host_zone *zones; /* those that were read, newest first */
	struct plugins *plugins;
	struct plugin_folder *folder; /* NULL: none is named */
};

/* With what is loaded, and a list of the module folder or NULL: none is named. Both are borrowed.
 */
void policy_host_init(
	struct policy_host *host, struct plugins *plugins, struct plugin_folder *folder);
void policy_host_finish(struct policy_host *host);
