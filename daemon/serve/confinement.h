/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * confinement: decides what the confined daemon may use (host/confine), by the configuration.
 *
 * In the main thread, while it is the only one. Each function writes on standard error what is
 * wrong. 0 or a negative errno.
 */

struct server;

/* The process that looks up users and groups, which the confined daemon cannot do. To be called
 * after rights_drop and before the store is opened. */
int server_start_names(struct server *server);

/* Limits files and system calls, and notes in the context what is in force. To be called when
 * everything is open, and before the first thread is started. */
int server_confine(struct server *server);
