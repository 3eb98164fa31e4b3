/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: answers what a policy asks of this machine while it is compiled (policy/host.h).
 *
 * Users and groups come from the machine's own tables, time zones from its files, which may mean a
 * wait: only threads that build policies ask. The answers are kept until host_finish. Not
 * thread-safe.
 */

#include <stdint.h>

#include "policy/arena.h"
#include "policy/host.h"

struct host_zone;

struct host {
	struct pol_host asked; /* for pol_compile */
	uint64_t digest;       /* of all that was asked and answered so far */
	struct pol_arena arena;
	struct host_zone *zones; /* those that were read, newest first */
};

void host_init(struct host *host);
void host_finish(struct host *host);
