/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plugin: modules that are shared objects.
 *
 * A module is read whole, and what was read is loaded: copying another file over it cannot change
 * what runs, and no path is looked up twice. It may thus link libraries of the system, and none
 * that lies beside it. Its constructors run when it is loaded, in the thread that builds a policy.
 *
 * One that is loaded stays mapped until the last policy that uses it is freed; the same file again
 * is the same module. One of another version, with the same name, is another module beside it.
 *
 * Refused in this order, each with its own words: it cannot be opened, it has no `authz_module`,
 * its table is of another ABI or size, calls itself otherwise, is not whole (pol_registry_fits), or
 * a built-in module has its name.
 *
 * Knows no loop and no log: the tool uses it too.
 */

#include "daemon/load/plugin_folder.h"
#include "policy/text/host.h"

struct plugins;

/* What is loaded. Any thread may let go of a module; one builds at a time. */
int plugins_create(struct plugins **out);
/* Every policy has been freed. NULL is ignored. */
void plugins_destroy(struct plugins *plugins);

/* pol_host.module and .data, from this listing. `folder` NULL: none is named. A file that is no
 * longer what was listed is POL_EINVALID; whoever lists anew finds out that it is to be done over.
 */
enum pol_status plugin_find(struct plugins *plugins, struct plugin_folder *folder,
	struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY]);
enum pol_status plugin_data(struct plugin_folder *folder, struct pol_str name, struct pol_str *out,
	char why[POL_HOST_WHY]);
