/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * decision_log: the decisions that the policy has logged, one JSON object a line, in a log_sink of
 * their own. A line `{"dropped":N}` reports dropped ones.
 */

#include "daemon/host/log_sink.h"

/* `path` NULL: standard output. A file that is made gets the mode and, unless NULL, the group. 0,
 * or a negative errno: it cannot be opened; -EPERM: or the process is not in the group. */
int decision_log_create(const char *path, mode_t mode, const gid_t *group, struct log_sink **out);
/* Writes what is left; the daemon's log has a warning if decisions were dropped. NULL is ignored.
 */
void decision_log_destroy(struct log_sink *log);
