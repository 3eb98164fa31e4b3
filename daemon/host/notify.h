/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * notify: reports the daemon's state to its supervisor by the protocol of sd_notify(3): one
 * datagram to the socket that $NOTIFY_SOCKET names, in the file system or abstract. Without the
 * variable nothing is sent.
 */

#include <stdint.h>

struct notify {
	int fd; /* -1: there is no supervisor */
	/* It expects WATCHDOG=1 within this time, always ($WATCHDOG_USEC); 0: it does not. */
	uint64_t watchdog_usec;
};

#define NOTIFY_NONE ((struct notify){ .fd = -1 })

/* Connects to the supervisor's socket, which the daemon cannot do once it is confined, and reads
 * what it asks for. A socket that cannot be reached is logged, and is as none. */
struct notify notify_open(void);
void notify_close(struct notify *notify);

/* Sends `state`, such as `READY=1`; a failure is logged. Any thread. */
void notify_send(const struct notify *notify, const char *state);

/* The same for RELOADING=1, with the time that Type=notify-reload wants. READY=1 is to follow. */
void notify_reloading(const struct notify *notify);
