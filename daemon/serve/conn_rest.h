/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conn_rest: a call that is answered in several turns (CALL_PAUSED), between two of them.
 *
 * It holds a copy of the request, the part of the response that is written, and the policy that all
 * of the response is made from. The part is sent when it is whole, so that no other response of
 * the connection comes between. Its memory is charged to the peer's uid. Of one connection at most
 * one call is paused; the requests after it wait.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/call.h"

struct conn;

struct conn_rest {
	const struct method *method;
	struct pol_snapshot *snapshot; /* a reference */
	uint64_t serial;
	uint32_t id;
	uint32_t done;
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

/* Wipes and frees it; does nothing without one. */
void conn_rest_end(struct conn *conn);
