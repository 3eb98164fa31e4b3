/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * host: answers what a policy asks of the machine that it is compiled on (policy/host.h), as far as
 * a tool can: the time zones. Whose the users are is the daemon's machine's business.
 */

#include "policy/host.h"
#include "tools/app.h"

/* Answers live in the app's arena. */
struct pol_host host_of(struct app *app);
