/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: answers what a policy asks of the machine that it is compiled on (policy/text/host.h), as
 * far as a tool can: the time zones, and the modules of --modules. Whose the users are is the
 * daemon's machine's business.
 *
 * Modules are loaded by the daemon's own code (daemon/load/plugin), the one part of that room that
 * the tool shares, so that both refuse the same. They run inside the tool: whose they are is asked
 * as the daemon asks it, with whoever runs the tool in the place of its user.
 */

#include "policy/text/host.h"
#include "tools/app.h"

struct plugin_folder;
struct plugins;

/* Zeroed it is empty and may be finished. */
struct policy_host {
	struct pol_host asked; /* for pol_compile */
	struct app *app;       /* whose arena holds the answers */
	struct plugins *plugins;
	struct plugin_folder *folder; /* of --modules; NULL: not given */
};

/* EXIT_YES; or another status, reported. */
int policy_host_init(struct policy_host *host, struct app *app);
/* No policy uses its modules any more. */
void policy_host_finish(struct policy_host *host);
