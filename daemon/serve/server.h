/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * server: all parts of the daemon, on main's stack. Only serve/ and main.c include it; handlers
 * get `context`.
 *
 * main's thread owns the loop here: listeners, signals, the clock, the end. Workers, writer and
 * reload have threads and loops of their own, which other threads reach by their functions only.
 * What the workers use is made before they start and destroyed after they ended, so that it needs
 * no lock; the policy that answers (current) and the store have their own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "daemon/call/context.h"
#include "daemon/config/config.h"
#include "daemon/host/notify.h"
#include "daemon/load/commit.h"
#include "daemon/load/current.h"
#include "daemon/load/feed.h"
#include "daemon/serve/accept.h"
#include "daemon/serve/listener.h"
#include "daemon/serve/watchdog.h"
#include "daemon/serve/worker.h"
#include "daemon/share/fresh.h"

struct activation;
struct activation_socket;
struct names;
struct peer_limits;
struct plugins;
struct reload;
struct store_read;
struct sweep;
struct writer;

/* Descriptors that are not connections, listeners or workers: store, policy, modules, logs, and the
 * connections of root and the daemon's own user, which are not counted. */
#define SERVER_DESCRIPTORS 128

#define SERVER_DRAIN 5000 /* ms, for answers that peers do not read, at the end */

struct server {
	struct context context; /* what handlers use */
	uv_loop_t loop;
	bool has_loop;
	uv_signal_t signals[3]; /* SIGTERM, SIGINT, SIGHUP */
	size_t signal_count;
	uv_async_t ended; /* a worker's thread has ended */
	bool has_ended;
	uv_timer_t clock; /* every second: what is done by the clock */
	bool has_clock;
	uint64_t seconds;
	unsigned workers_ended;
	bool stopping;
	const struct activation_socket *passed[CONFIG_MAX_LISTENERS]; /* NULL: ours to open */
	struct listener listeners[CONFIG_MAX_LISTENERS];
	size_t listener_count;
	struct worker *workers; /* 30 KiB each */
	unsigned worker_count;
	unsigned next_worker;
	struct peer_limits *limits;
	struct accept_refusals refusals;
	uint32_t random_state; /* the writer's thread's: see call.random_state */
	struct writer *writer;
	struct share_fresh fresh;      /* see context.fresh */
	struct store_read *share_read; /* the writer's thread's; NULL: no `shared` */
	struct sweep *sweep;
	struct names *names;     /* looks up users and groups */
	struct plugins *plugins; /* what the policies use */
	struct feeds feeds;      /* their data files */
	struct current current;
	struct reload *reload;
	int64_t kept_at;          /* of the last good policy, if the start is from that; else 0 */
	char commit[COMMIT_TEXT]; /* of the start's policy; empty: unknown */
	bool unentered;           /* that policy's entry is missing in the trail */
	int lock;                 /* of the state folder; -1: none */
	struct notify notify;     /* to the supervisor */
	struct watchdog watchdog;
	int64_t started_at;    /* Unix seconds */
	uint64_t commits;      /* of the store, when workers were woken last */
	uint64_t started_tick; /* uv_hrtime */
};

/* Everything up to readiness: folders, sockets, user, policy, store, threads. `activation`: what a
 * supervisor passed, which must outlive the server. What is wrong is on standard error or in the
 * log already. A failed one is to be finished too. */
int server_init(
	struct server *server, const struct config *config, const struct activation *activation);

/* Serves until a signal says otherwise; all is answered and flushed when it returns. 0 or a
 * negative errno. */
int server_run(struct server *server);

/* Takes down what is left. SERVER_NONE is well. */
void server_finish(struct server *server);

#define SERVER_NONE ((struct server){ .lock = -1, .notify = NOTIFY_NONE })

/* The worker for a new connection. main's thread. */
struct worker *server_pick_worker(struct server *server);

/* Any thread: the policy was exchanged, or the store changed. */
void server_wake_workers(struct server *server);

/* By a worker's thread, when it ends. */
void server_worker_ended(struct server *server);
