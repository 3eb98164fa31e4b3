/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * notify: reports the daemon's state to its supervisor by the protocol of sd_notify(3): one
 * datagram to the socket that $NOTIFY_SOCKET names, in the file system or abstract. Without the
 * variable nothing is sent.
 */

/* Connects to the supervisor's socket, which the daemon cannot do once it is confined. A
 * descriptor; -1 if there is no supervisor or it cannot be reached, which is logged. */
int notify_open(void);

/* Sends `state`, such as `READY=1`, to a descriptor of notify_open; a failure is logged. Any
 * thread. */
void notify_send(int fd, const char *state);
