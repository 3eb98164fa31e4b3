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
		.late = call->late,
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

static bool has_old(const struct conn *conn)
{
	return conn->rest != NULL && conn->rest->snapshot != NULL &&
	       conn->rest->serial != conn->worker->serial;
}

static void drop_policy(struct worker *worker, uint64_t serial)
{
	for (struct conn *conn = worker->conns; conn != NULL; conn = conn->next) {
		if (has_old(conn) && conn->rest->serial == serial) {
			pol_snapshot_unref(conn->rest->snapshot);
			conn->rest->snapshot = NULL;
			conn->rest->serial = worker->serial;
		}
	}
}

/* The old policies that paused calls hold. With each one that the worker takes there is one more.
 */
struct held {
	struct {
		uint64_t serial;
		size_t bytes;
	} policies[CONN_REST_MOST + 1];
	unsigned count;
	size_t bytes;
};

static void add_policy(struct held *held, const struct conn_rest *rest)
{
	size_t bytes = pol_snapshot_own_bytes(rest->snapshot);

	for (unsigned i = 0; i < held->count; i++) {
		if (held->policies[i].serial == rest->serial) {
			return;
		}
	}
	if (held->count <= CONN_REST_MOST) {
		held->policies[held->count].serial = rest->serial;
		held->policies[held->count++].bytes = bytes;
		held->bytes += bytes;
	}
}

static uint64_t remove_oldest(struct held *held)
{
	unsigned oldest = 0;
	uint64_t serial;

	for (unsigned i = 1; i < held->count; i++) {
		if (held->policies[i].serial < held->policies[oldest].serial) {
			oldest = i;
		}
	}
	serial = held->policies[oldest].serial;
	held->bytes -= held->policies[oldest].bytes;
	held->policies[oldest] = held->policies[--held->count];
	return serial;
}

void conn_rest_bound(struct worker *worker)
{
	struct held held = { .count = 0 };

	for (struct conn *conn = worker->paused > 0 ? worker->conns : NULL; conn != NULL;
		conn = conn->next) {
		if (has_old(conn)) {
			add_policy(&held, conn->rest);
		}
	}
	while (held.count > CONN_REST_POLICIES &&
		(held.count > CONN_REST_MOST || held.bytes > CONN_REST_BYTES)) {
		drop_policy(worker, remove_oldest(&held));
	}
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
