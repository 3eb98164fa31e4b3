/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/conn_rest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/dispatch.h"
#include "daemon/serve/conn.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/worker.h"

static bool charge(struct conn *conn, size_t bytes)
{
	if (!peer_limits_charge(conn->limits, conn->slot.user, bytes, conn->peer.superuser)) {
		return false;
	}
	conn->rest->charged += bytes;
	return true;
}

/* The parameters once more, as views into the copy. They were decoded before, so nothing fails. */
static void decode(struct conn *conn)
{
	struct conn_rest *rest = conn->rest;
	struct wire_request request;
	struct wire_error err;

	(void)wire_decode_request(rest->bytes, rest->len, &request, &err);
	(void)dispatch_decode(&request, &conn->peer, &rest->method, rest->values, &err);
}

/* Seldom called, and from where every request passes. */
__attribute__((noinline)) int conn_rest_begin(
	struct conn *conn, const struct call *call, struct wire_cursor message, size_t mark)
{
	size_t len = (size_t)(message.end - message.ptr);
	struct wire_buf *out = &conn->worker->out;
	struct conn_rest *rest = malloc(sizeof *rest + len);

	if (rest == NULL) {
		return -ENOMEM;
	}
	*rest = (struct conn_rest){
		.snapshot = pol_snapshot_ref(conn->worker->snapshot),
		.serial = call->serial,
		.id = call->id,
		.done = call->done,
		.len = len,
	};
	memcpy(rest->bytes, message.ptr, len);
	wire_buf_init(&rest->out, WIRE_MAX_RESPONSE + 4096);
	conn->rest = rest;
	conn->worker->paused++;
	decode(conn);
	wire_put_raw(&rest->out, out->data + mark, out->len - mark);
	if (rest->out.status != WIRE_OK || !charge(conn, sizeof *rest + len) ||
		!conn_rest_charge(conn)) {
		int r = rest->out.status != WIRE_OK ? -ENOMEM : -ENOBUFS;

		conn_rest_end(conn);
		return r;
	}
	wire_buf_rewind(out, mark);
	return 0;
}

bool conn_rest_charge(struct conn *conn)
{
	const struct conn_rest *rest = conn->rest;
	size_t holds = sizeof *rest + rest->len + rest->out.cap;

	return holds <= rest->charged || charge(conn, holds - rest->charged);
}

void conn_rest_end(struct conn *conn)
{
	struct conn_rest *rest = conn->rest;

	if (rest == NULL) {
		return;
	}
	conn->rest = NULL;
	peer_limits_release(conn->limits, conn->slot.user, rest->charged);
	wire_buf_finish(&rest->out);
	wire_wipe(rest->bytes, rest->len);
	conn->worker->paused--;
	pol_snapshot_unref(rest->snapshot);
	if (rest->serial != conn->worker->serial) {
		worker_publish_taken(conn->worker);
	}
	free(rest);
}
