/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * modules: the built-in modules, and how they read their arguments.
 *
 * An argument is `NAME=VALUE,VALUE...`. A module has a table of the names that it knows. A line may
 * have each of them once, with at least one value.
 */

#include <stdbool.h>
#include <stddef.h>

#include "policy/snapshot/module.h"
#include "policy/text/arena.h"
#include "policy/text/line.h"

extern const struct pol_module pol_module_deny;
extern const struct pol_module pol_module_hours;
extern const struct pol_module pol_module_key;
extern const struct pol_module pol_module_log;
extern const struct pol_module pol_module_mfa;
extern const struct pol_module pol_module_network;
extern const struct pol_module pol_module_peer;
extern const struct pol_module pol_module_permit;
extern const struct pol_module pol_module_principal;
extern const struct pol_module pol_module_quota;
extern const struct pol_module pol_module_role;
extern const struct pol_module pol_module_scope;
extern const struct pol_module pol_module_warn;

/* Implement options() and zone() of struct pol_prepare; see there. */
bool pol_options_read(const struct pol_prepare *prepare, const char *const *names, size_t count,
	struct pol_option *out);
bool pol_options_zone(const struct pol_prepare *prepare, const struct pol_word *name,
	const struct pol_zone **out);
