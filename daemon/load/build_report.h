/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * build_report: the diagnostics of a build, logged or printed, and encoded for answers. Any thread.
 */

#include "daemon/load/build.h"
#include "policy/text/diag.h"

/* Bytes of the encoded array, and of one diagnostic as it is printed: less than an answer may have.
 */
enum { BUILD_DIAGNOSTICS_MAX = 1024 * 1024 };

/* Fills the counts, the first error and the encoded array of *out. to_people: writes them with
 * their source lines to standard error; else to the log, BUILD_MAX_REPORTED of them at most. */
void build_report(struct build *out, bool to_people, const struct pol_diags *diags);

/* The same of the failure in out->why, which has no position. */
void build_report_why(struct build *out, const struct build_options *options);
