/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * renew: a snapshot of the same policy with other data files.
 *
 * Only the lines are prepared again whose modules asked for a file that has changed since, or that
 * was refused. All else is shared with the snapshot that was compiled, which the new one holds: not
 * the one that it was made of, so that they form no chain. No source is parsed, and nothing but
 * modules and data files is asked of the host. The result is what pol_compile would make of the
 * same sources, modules and files: revision, notes, warnings and decisions.
 */

#include <stdbool.h>

#include "policy/snapshot/snapshot.h"
#include "policy/text/diag.h"
#include "policy/text/host.h"

/*
 * `before` may be any snapshot, stored roles and all, and the new one has none of these. The
 * sources of `diags` are pol_snapshot_files; it gets the warnings, sorted. The policy's own tests
 * are not run. With any other status than POL_OK, the policy must be compiled, which says what is
 * wrong, and what `diags` has is of no use: perhaps a module reports an error.
 */
enum pol_status pol_renew(const struct pol_snapshot *before, const struct pol_host *host,
	struct pol_diags *diags, struct pol_snapshot **out);

/* For the compiler. Does the list have each warning, with room for those of data files? To be asked
 * before one is silenced. */
bool pol_renew_may_keep(const struct pol_diags *diags, const struct pol_snapshot *snapshot);

/* For the compiler. Keeps in snapshot->fixed the warnings, those of data files excepted. `whole`:
 * all of them are in the list. Without memory the snapshot's arena says so. */
void pol_renew_keep(struct pol_snapshot *snapshot, const struct pol_diags *diags, bool whole);
