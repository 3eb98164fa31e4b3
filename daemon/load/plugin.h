/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plugin: loads modules that are shared objects.
 *
 * A module's file is copied into memory, and the copy is loaded: writing to the file later cannot
 * change the code that runs. A module can therefore link libraries of the system, but none from its
 * own folder. Its constructors run when it is loaded, in the thread that builds the policy.
 *
 * A loaded module stays mapped until the last policy that uses it is freed. The same file is loaded
 * once; another version of the same name is loaded beside it.
 *
 * Reasons for a refusal, in the order of the checks: the file cannot be opened, it has no symbol
 * `authz_module`, its table has another size or ABI, another name or a missing member
 * (pol_registry_fits), or a built-in module has its name.
 *
 * Uses no loop and no log: the tool uses it too.
 */

#include "daemon/load/plugin_folder.h"
#include "policy/text/host.h"

struct plugins;

/* The loaded modules. Any thread may release a module; one thread at a time calls plugin_find. 0 or
 * a negative errno. */
int plugins_create(struct plugins **out);
/* To be called after every policy was freed. NULL is ignored. */
void plugins_destroy(struct plugins *plugins);

/* `module` and `data` of struct pol_host, from this list of the module folder; NULL: none is
 * configured. A file that changed since it was listed is POL_EINVALID; a caller that lists again
 * sees the difference. */
enum pol_status plugin_find(struct plugins *plugins, struct plugin_folder *folder,
	struct pol_str name, struct pol_host_module *out, char why[POL_HOST_WHY]);
enum pol_status plugin_data(struct plugin_folder *folder, struct pol_str name, struct pol_str *out,
	char why[POL_HOST_WHY]);
