/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy_names: the roles, scopes and principals of a folder that a command line names.
 */

#include "policy/snapshot/snapshot.h"
#include "tools/app.h"

/* Find the number of a name. EXIT_YES; or EXIT_USAGE, reported with the nearest name. */
int policy_find_role(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_str name, uint32_t *out);
int policy_find_scope(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_str name, uint32_t *out);
int policy_find_principal(
	struct app *app, const struct pol_snapshot *snapshot, struct pol_str name, uint32_t *out);
