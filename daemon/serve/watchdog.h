/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * watchdog: shows the supervisor that the daemon works, if that asked for it (WatchdogSec=).
 *
 * main's thread asks every worker and the writer to answer, and sends WATCHDOG=1 when all have. One
 * that hangs does not answer; then the supervisor ends the daemon and starts it again. Work of the
 * writer that takes long, such as a host's join to a shared store, answers as long as it makes
 * progress (writer_go_on).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct server;

/* How often in the supervisor's time: a notice that comes late still leaves room for others. */
#define WATCHDOG_PARTS 4

struct watchdog {
	uv_timer_t timer;
	bool has_timer;
	_Atomic uint32_t beat; /* that workers and writer are asked for */
};

/* Begins on the server's loop, when workers and writer run; does nothing without a supervisor that
 * asked. 0 or a negative errno. */
int watchdog_start(struct server *server);

/* A zeroed one is well. Its handle is closed by the loop. */
void watchdog_stop(struct watchdog *watchdog);
