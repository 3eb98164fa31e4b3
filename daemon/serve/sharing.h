/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * sharing: this daemon's part in a shared store (daemon/share), which the configuration's `shared`
 * asks for.
 */

#include <stdbool.h>

struct server;
struct writer_shared;

/* Starts the watcher's thread: after the store is open and before server_confine, whose limits would
 * keep it from the network. Without `shared` it does nothing. 0, or a negative errno after a message
 * on standard error. */
int server_start_share(struct server *server);

/* For writer_create; NULL: the store is a single one for ever. `out` is filled then. */
const struct writer_shared *server_share_writer(struct server *server, struct writer_shared *out);

/* The writer is there: from now on it is woken; and before it ends: not any more. */
void server_share_wakes(struct server *server, bool wakes);

/* The policy that answers has this revision. Any thread. */
void server_share_revision(struct server *server, const char *revision);
