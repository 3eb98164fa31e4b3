/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * names: looks up users and groups of the machine in a process of its own.
 *
 * A look-up runs the machine's name services (nsswitch.conf(5)), which open files and sockets that
 * the confined daemon cannot open. The process is forked before the daemon reads any secret, runs
 * as the daemon's user without capabilities, and ends with the daemon.
 */

#include <stdbool.h>
#include <stdint.h>

struct names;

#define NAMES_MAX 256 /* bytes of a name */

/* Starts the process. To be called after rights_drop and before the first thread is started. 0 or a
 * negative errno. */
int names_start(struct names **out);

/* Any thread. 0, and *out_id if *out_found; or a negative errno: -EPIPE if the process has ended.
 * `names` NULL: looks up in this process. */
int names_find(
	struct names *names, bool is_group, const char *name, bool *out_found, uint32_t *out_id);

/* Ends the process. NULL is ignored. */
void names_stop(struct names *names);
