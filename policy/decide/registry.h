/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * registry: the built-in modules, one in each file of modules/, and the check of a module's table.
 * Pure, any thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/snapshot/module.h"
#include "policy/text/str.h"

/* The built-in module of that name, or NULL. Its table was checked. */
const struct pol_module *pol_registry_find(struct pol_str name);

/* All built-in modules, sorted by name. Returns their number. */
size_t pol_registry_modules(const struct pol_module *const **out);

#define POL_MODULE_WHY         256
#define POL_MODULE_VERSION_MAX 32

/* Checks a module's table. False: `why` says what is wrong. The checks are, in this order: the ABI
 * number, the size, that its name is `name`, the version, that it has a `decide`, its groups. The
 * order matters: with another ABI number or size the other fields may mean anything. */
bool pol_registry_fits(
	const struct pol_module *module, struct pol_str name, char why[POL_MODULE_WHY]);
