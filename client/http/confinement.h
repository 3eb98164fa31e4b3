/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * confinement: decides what the confined program may use (daemon/host/confine): its descriptors,
 * the daemon's socket, and the removal of the sockets that it made. It opens no file and starts no
 * thread or program.
 */

#include "client/http/config.h"
#include "daemon/host/confine.h"

struct activation;

/* Confines the process. To be called when its sockets are open and its rights are given up. A
 * kernel without one of the limits is a warning in the log, and so is `confine` being false. What
 * is in force goes to *out. 0, or a negative errno after a message on standard error. */
int http_confine(const struct http_config *config, const struct activation *activation,
	bool confine, struct confined *out);
