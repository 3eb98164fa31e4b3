/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * defer: a call that another thread answers, the writer's or the reload's.
 *
 * It holds a copy of the request and of the peer, and names its connection by number: if the
 * connection is gone when the answer comes, the answer is dropped. The worker that made it gets it
 * back by worker_deliver and destroys it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/config/peer.h"
#include "daemon/write/audit.h"
#include "daemon/write/writer.h"

struct defer_wait;
struct peer_limits;
struct peer_limits_user;
struct server;
struct worker;

struct defer {
	struct writer_job job; /* first: the writer gives it back */
	struct defer *next;    /* in worker.answered, or in reload's waiting */
	struct server *server;
	struct worker *worker;
	uint64_t conn; /* its number in the worker */
	struct peer_limits *limits;
	struct peer_limits_user *user;
	size_t charged;
	struct peer peer;
	const struct method *method;
	uint32_t id;
	struct wire_value *values;
	struct pol_snapshot *next_snapshot; /* call.next */
	int (*after)(struct call *call);    /* call.after */
	struct call_slices slices;          /* as of the last commit */
	struct call_slices further;         /* as the run leaves them */
	char actor[AUDIT_ACTOR];            /* who made the first slice */
	struct defer_wait *everywhere;      /* to be answered when all hosts have it, or NULL */
	struct wire_buf out;                /* the response */
	uint8_t *bytes;                     /* the request */
	size_t len;
};

/* Copies a request of the method, which the caller has decoded once. -ENOMEM. */
int defer_create(const struct method *method, const struct wire_request *request,
	const struct peer *peer, struct defer **out);

/* Bytes of memory that it takes until it is answered, for the limits of its peer. */
size_t defer_size(const struct defer *defer);

/* Runs a changing method in the writer's turn. Returns what dispatch_run returns. */
int defer_change(struct defer *defer, const struct writer_turn *turn);

/* Runs what the method set for after the commit, if it did. The writer's thread. */
void defer_after(struct defer *defer);

/* After the commit of a slice: the next run goes on from there. */
void defer_continue(struct defer *defer);

/* Runs a method that asked for a reload, after it: with the policy that answers now. */
void defer_reloaded(struct defer *defer, const struct pol_snapshot *snapshot, uint64_t serial);

/* After the commit, with the answer written: in a shared store a result gets `as_of`. True: it also
 * waits until all hosts have the change (share/everywhere.h), which delivers it. The writer's
 * thread. */
bool defer_place(struct defer *defer);

/* Replaces the method's answer. */
void defer_fail(struct defer *defer, int error);

/* Wipes and frees. NULL is ignored. */
void defer_destroy(struct defer *defer);
