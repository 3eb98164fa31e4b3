/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: answers what a policy asks of the machine that compiles it (policy/text/host.h): time
 * zones, and the modules of --modules. It does not answer for users and groups, which are those of
 * the daemon's machine.
 *
 * The daemon's own code reads the modules (daemon/load/plugin), so that both refuse the same ones.
 * They run inside the tool: they must belong to root or to the user who runs it.
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
/* Only when no policy uses its modules any more. */
void policy_host_finish(struct policy_host *host);
