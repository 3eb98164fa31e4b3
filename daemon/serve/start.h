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
int server_load_policy(struct server *server, struct build *build);
int server_open_store(struct server *server);
/* With what the store holds; and takes its roles into the policy. */
int server_check_policy(struct server *server, struct build *build);
int server_open_decision_log(struct server *server);

/* After server_confine: the first thread, and what needs it. */
int server_start_writer(struct server *server);
