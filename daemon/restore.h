/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * restore: what authzd does to its store instead of serving.
 */

#include <stdbool.h>

struct config;

/* Takes the store as it is though the audit trail's head does not fit it; the trail says so, and
 * who did it. 0, or a negative errno; what is wrong is on standard error. */
int restore_accept(const struct config *config);
