/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * start: opens what a server needs before its threads can start, one part after the other.
 *
 * In the main thread. Each function writes on standard error what is wrong; server_finish closes
 * what it opened, after a failure too. Return 0, or a negative errno.
 */

struct build;
struct server;

/* The state folder, locked, and the folders of the sockets. As the user who started us. */
int server_prepare_folders(struct server *server);
int server_open_listeners(struct server *server);

/* As the user that the daemon runs as: what it opens now it can open again. */

/* Reads the policy folder. 0 with a build that has no snapshot: it is broken, and there is a last
 * good policy to start with. */
int server_load_policy(struct server *server, struct build *build);
int server_open_store(struct server *server);
/* Checks the policy against the store, and takes the store's roles into it. A broken one is
 * replaced by the last good one, unless the configuration is strict; then `build` still says what
 * is wrong. */
int server_choose_policy(struct server *server, struct build *build);
int server_open_decision_log(struct server *server);

/* After server_confine: the first thread, and what needs it. */
int server_start_writer(struct server *server);
/* Keeps the policy that answers for a start with a broken folder, after it has entered in the audit
 * trail that it took the place of another one; finds its commit. A failure is logged. */
void server_keep_policy(struct server *server);
