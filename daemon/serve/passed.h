/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * passed: which socket of a supervisor (host/activation) is for which `listen` line.
 */

#include "daemon/config/config.h"

struct activation;
struct activation_socket;

/*
 * Sets out[i] to the socket for config->listeners[i], or NULL when none was passed for it. A socket
 * is for the line whose path it is bound to; if there is none, for the line whose path ends in its
 * name. 0; or -EINVAL, after a message on standard error: it is for no line, or not for one alone.
 */
int passed_match(const struct config *config, const struct activation *activation,
	const struct activation_socket *out[static CONFIG_MAX_LISTENERS]);
