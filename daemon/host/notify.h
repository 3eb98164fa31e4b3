/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * notify: tells the supervisor how the daemon is, by the protocol of sd_notify(3): one datagram to
 * the socket that $NOTIFY_SOCKET names, in the file system or abstract. Without the variable
 * nothing happens.
 */

/* `READY=1` and the like. 0, also without a supervisor; or a negative errno. */
int notify_supervisor(const char *state);
