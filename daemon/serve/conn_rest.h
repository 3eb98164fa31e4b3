/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conn_rest: a call that is answered in several turns (CALL_PAUSED), between two of them.
 *
 * It holds a copy of the request, the part of the response that is written, and the policy that all
 * of the response is made from. The part is sent when it is whole, so that no other response of
 * the connection comes between. Its memory is charged to the peer's uid. A connection has at most
 * one paused call; the requests after it wait. The policy is not charged to a uid. Instead there is
 * a bound on what the paused calls of a worker hold of policies that do not answer any more, for
 * all uids together; beyond it, a call with the oldest policy is answered with an error.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"

struct conn;
struct worker;

/* Old policies that may be held in any case, whatever they take: a call is seldom paused for longer
 * than a few exchanges. */
#define CONN_REST_POLICIES 3
/* Further ones, such as changes of roles make in quick succession, while they are small. */
#define CONN_REST_MOST  64
#define CONN_REST_BYTES ((size_t)16 << 20)

struct conn_rest {
	const struct method *method;
	struct pol_snapshot *snapshot; /* a reference; NULL: conn_rest_bound took it away */
	uint64_t serial;
	uint32_t id;
	uint32_t done;
	bool late; /* see call.late */
	size_t charged;
	struct wire_buf out;
	struct wire_value values[WIRE_MAX_FIELDS]; /* views into bytes */
	size_t len;
	uint8_t bytes[]; /* the request */
};

/* Takes what the paused call has written, in worker->out from `mark` on. 0, or -ENOMEM or -EDQUOT;
 * conn->rest is then NULL. */
int conn_rest_begin(
	struct conn *conn, const struct call *call, struct wire_cursor message, size_t mark);

/* Charges what the response has grown by. false: the peer's uid has no more memory. */
bool conn_rest_charge(struct conn *conn);

/* After the worker has taken another policy: takes the oldest ones away from its paused calls, if
 * they hold more than they may. */
void conn_rest_bound(struct worker *worker);

/* Wipes and frees it; does nothing without one. */
void conn_rest_end(struct conn *conn);
