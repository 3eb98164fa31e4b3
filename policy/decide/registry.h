/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * registry: the modules that a policy may name.
 *
 * The built-in ones, each one table in a file of modules/. A table is checked before it is handed
 * out, a built-in one no less than a foreign one.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/snapshot/module.h"
#include "policy/text/str.h"

/* The module of that name, or NULL. */
const struct pol_module *pol_registry_find(struct pol_str name);

/* All of them, sorted by name. Returns how many. */
size_t pol_registry_modules(const struct pol_module *const **out);

#define POL_MODULE_WHY         256
#define POL_MODULE_VERSION_MAX 32

/* Is the module's table what it should be? If not, `why`, for people. Looked at in this order, for
 * a table of another ABI may mean anything behind its first two fields: its ABI number, its size,
 * that it calls itself by the `name` that it was asked for by, its version, that it has a decide,
 * that it serves a group. */
bool pol_registry_fits(
	const struct pol_module *module, struct pol_str name, char why[POL_MODULE_WHY]);
