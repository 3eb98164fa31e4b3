/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * work: a call that takes as long as the store is large. On a terminal its progress is shown, which
 * the daemon's `status` has (`shared.work`).
 */

#include "client/wire.h"
#include "tools/app.h"
#include "tools/rpc.h"

/* As rpc_call does. The result lives as long as the run. */
int work_call(
	struct app *app, const char *method, struct params *params, struct wire_cursor *out_result);

/* For the `run` of a row: the options become parameters of its method, and `show` has the result.
 */
int work_run(struct app *app);
/* The same from parameters that were begun, which it finishes. */
int work_finish(struct app *app, struct params *params);
