/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy_subject: the subject that --role, --at, --scope and --principal describe, for commands
 * that ask a folder; and what --fact states.
 */

#include "policy/snapshot/given.h"
#include "policy/snapshot/module.h"
#include "policy/snapshot/snapshot.h"
#include "tools/app.h"

struct policy_subject {
	struct pol_facts facts; /* its views are of this and of the policy */
	struct pol_held held[POL_PRINCIPAL_ROLES];
	struct pol_given given;
	bool any_principal; /* roles are anybody's */
};

/* A key of a principal, of roles, or of scopes alone. EXIT_YES, or another status, reported. */
int policy_subject_read(
	struct app *app, const struct pol_snapshot *snapshot, struct policy_subject *out);
