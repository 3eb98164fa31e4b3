/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * notify: reports the daemon's state to its supervisor by the protocol of sd_notify(3): one
 * datagram to the socket that $NOTIFY_SOCKET names, in the file system or abstract. Without the
 * variable nothing is sent. Any thread.
 */

/* Sends `state`, such as `READY=1`. 0, also without a supervisor; or a negative errno. */
int notify_supervisor(const char *state);
