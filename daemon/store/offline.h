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

/* Puts the copy in `file` in the store's place, and says so. `accept`: though the trail's head does
 * not fit it. As above. */
int restore_run(const struct config *config, const char *file, bool accept);
