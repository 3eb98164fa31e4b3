/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * reload: notices that the policy changed, builds the new one, and exchanges it.
 *
 * Three files: load/current holds the policy that answers, reload_attempt builds and exchanges one,
 * and the thread here says when. It runs at lower priority, as do the threads that help it with a
 * large policy (host/parallel). Four events start an attempt: a change that the watch saw (after
 * RELOAD_QUIET without another event, RELOAD_LATEST at most), a look every RELOAD_RESCAN, a signal,
 * and policy.reload, whose answer waits for the attempt's end. A policy that does not read, compile
 * or pass its own tests changes nothing: the running one stays, and policy.status and the log say
 * what is wrong. The exchange is a job in the writer's queue.
 *
 * An editor that writes in place empties a file first, and without it the rest may be a valid
 * policy that allows less or more. So a file that has become empty, or is new and empty, is
 * believed to be so only after RELOAD_EMPTY, unless the reload was asked for.
 */

#include <stdint.h>

struct build;
struct defer;
struct reload;
struct report_attempts;
struct server;

#define RELOAD_QUIET  200   /* ms */
#define RELOAD_LATEST 2000  /* ms */
#define RELOAD_RESCAN 10000 /* ms */
#define RELOAD_EMPTY  2000  /* ms, until a file that has become empty is believed to be so */
#define RELOAD_AGAIN  1000  /* ms, after a folder that went on changing */

/* With the build that the server started from, whose folder it takes over. */
int reload_create(struct server *server, struct build *first, struct reload **out);
int reload_start(struct reload *reload);

/* Any thread. Asks for a reload. When it has ended, the method of `defer` (NULL: none) is run in
 * reload's thread. */
void reload_ask(struct reload *reload, struct defer *defer);
/* The same for a signal: the supervisor, which may have sent it, is notified of begin and end. */
void reload_ask_by_signal(struct reload *reload);

/* Any thread: a worker has taken the present policy. */
void reload_taken(struct reload *reload);

/* Ends the thread; calls that wait are answered. No reload_ask from then on. NULL is ignored. */
void reload_stop(struct reload *reload);
/* Workers and writer have ended. NULL is ignored. */
void reload_destroy(struct reload *reload);

/* How its attempts ended; lives as long as reload. */
struct report_attempts *reload_get_attempts(struct reload *reload);
