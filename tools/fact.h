/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fact: the options --fact NAME=VALUE.
 *
 * VALUE is JSON where it is an integer, true, false, null, a string or a list of strings; all else
 * is text as it stands. So 500 is an int, and "500" in double quotes is text.
 */

#include "client/wire.h"
#include "policy/snapshot/given.h"
#include "tools/app.h"

struct pol_snapshot;

/* Puts the map of all --fact, for a request. EXIT_YES, or another status, reported. */
int fact_put(struct app *app, struct wire_buf *buf);

/* Reads all --fact by the declarations of a policy, as the daemon would. *out lives as long as the
 * run. EXIT_YES, or another status, reported. */
int fact_read(struct app *app, const struct pol_snapshot *snapshot, struct pol_given *out);
