/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * server_parts: what a server needs before its threads can start, each part opened in its turn.
 *
 * In the main thread, at the start. Each says on standard error what is wrong; what it opened is
 * server_finish's to close, whole or not. Return 0, or a negative errno.
 */

struct build;
struct server;

/* The state folder, locked, and the folders of the sockets. As the user who started us. */
int server_prepare_folders(struct server *server);
int server_open_listeners(struct server *server);

/* As who the daemon is in the end: what it opens now it can open again. */
int server_load_policy(struct server *server, struct build *build);
int server_open_store(struct server *server);
/* With what the store holds; and takes its roles into the policy. */
int server_check_policy(struct server *server, struct build *build);
int server_open_decision_log(struct server *server);
