/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_log: the decisions that the policy has logged, one JSON object a line, in a log_sink of
 * their own. A line `{"dropped":N}` reports dropped ones.
 */

#include "daemon/host/log_sink.h"

/* path NULL: standard output. 0, or a negative errno: it cannot be opened. */
int decision_log_create(const char *path, struct log_sink **out);
/* Writes what is left; the daemon's log has a warning if decisions were dropped. NULL is ignored.
 */
void decision_log_destroy(struct log_sink *log);
