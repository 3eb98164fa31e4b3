/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * modules: the built-in ones, and what they share for reading their arguments.
 *
 * An argument is `NAME=VALUE,VALUE…`. A module says in a table which names it knows; each is
 * given once at most and has at least one value.
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

/* prepare->options. Sorts a line's arguments by the names that a module knows: out[i] belongs to
 * names[i]. Complains of unknown, repeated and empty ones; false then, or when memory ran out. */
bool pol_options_read(const struct pol_prepare *prepare, const char *const *names, size_t count,
	struct pol_option *out);
