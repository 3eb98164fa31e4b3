/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * lint: looks for what is legal in a policy and surely not meant. Pure, any thread.
 *
 * What a rule, role or scope allows is compared as sets of permissions, so that another spelling of
 * the same policy has the same findings. What the compiler warns about is not reported again. The
 * findings are warnings with codes of text/warning.h, and comments silence them (text/silence.h).
 */

#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"

/*
 * Adds the findings to `diags`, which pol_compile made together with the snapshot, takes out those
 * that are silenced, reports silences that silence nothing, and sorts. The sources must still be
 * there. A policy of 50,000 nodes and 5,000 roles takes less than a second. POL_OK, also with
 * findings; POL_ENOMEM or POL_ELIMIT: some may be missing.
 */
enum pol_status pol_lint(const struct pol_snapshot *snapshot, struct pol_diags *diags);
