/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/serve/conn_internal.h"
#include "daemon/serve/conn_place.h"
#include "daemon/serve/conn_rest.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/worker.h"

/* What is kept unread may pass its bound by the answers of one batch. */
#define OUT_MAX (CONN_MAX_UNREAD + WORKER_FLUSH + WIRE_MAX_RESPONSE)

int conn_create(int fd, const struct peer *peer, struct peer_limits *limits,
	const struct peer_limits_slot *slot, struct conn **out)
{
	struct conn *conn = calloc(1, sizeof *conn);

	if (conn == NULL) {
		return -ENOMEM;
	}
	conn->fd = fd;
	conn->peer = *peer;
	conn->limits = limits;
	conn->slot = *slot;
	wire_walk_init(&conn->walk, WIRE_MAX_REQUEST);
	wire_buf_init(&conn->out, OUT_MAX);
	*out = conn;
	return 0;
}

static void destroy(struct conn *conn)
{
	close(conn->fd);
	conn_drop_in(conn);
	conn_drop_out(conn);
	peer_limits_disconnect(conn->limits, &conn->slot);
	free(conn);
}

static void on_close(uv_handle_t *handle)
{
	destroy(handle->data);
}

void conn_close(struct conn *conn)
{
	if (conn->closed) {
		return;
	}
	conn->closed = true;
	conn_rest_end(conn);
	conn_place_drop(conn);
	worker_remove(conn->worker, conn);
	uv_close((uv_handle_t *)&conn->poll, on_close);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct conn *conn = poll->data;

	if (status < 0) {
		conn_close(conn);
		return;
	}
	if ((events & UV_WRITABLE) != 0) {
		conn_flush(conn);
	}
	if ((events & UV_READABLE) != 0 && !conn->closed && !conn->ready) {
		if (fairness_may(&conn->worker->fairness, conn)) {
			conn_read(conn);
		} else {
			worker_queue(conn->worker, conn);
		}
	}
	conn_update(conn);
}

int conn_start(struct conn *conn, struct worker *worker)
{
	int r;

	conn->worker = worker;
	conn->active = uv_now(&worker->loop);
	r = worker_add(worker, conn);
	if (r < 0) {
		destroy(conn);
		return r;
	}
	r = uv_poll_init(&worker->loop, &conn->poll, conn->fd);
	if (r < 0) {
		worker_remove(worker, conn);
		destroy(conn);
		return r;
	}
	conn->poll.data = conn;
	conn_update(conn);
	return 0;
}

static bool is_blocked(const struct conn *conn)
{
	return conn->waiting >= CONN_MAX_WAITING || conn_unread(conn) >= CONN_MAX_UNREAD;
}

static void set_deadline(struct conn *conn, bool blocked)
{
	uint64_t now = uv_now(&conn->worker->loop);

	if (conn->ended) {
		/* Waiting for other threads has no deadline, a peer that does not read has. */
		if (conn->deadline == 0 && conn->waiting == 0) {
			conn->deadline = now + CONN_LINGER;
		}
	} else if (conn->in_len == 0 || conn->more || blocked) {
		conn->deadline = 0;
	} else if (conn->deadline == 0) {
		conn->deadline = now + CONN_DEADLINE;
	}
	if (conn->deadline != 0) {
		worker_watch_deadlines(conn->worker);
	}
}

void conn_update(struct conn *conn)
{
	bool blocked = is_blocked(conn);
	int events = 0;

	if (conn->closed) {
		return;
	}
	if (conn->ended && !conn->more && conn->waiting == 0 && conn_unread(conn) == 0) {
		conn_close(conn);
		return;
	}
	/* A paused call goes on in any case, so that it does not hold its policy for long. */
	if (conn->more && (!blocked || conn->rest != NULL)) {
		worker_queue(conn->worker, conn);
	}
	set_deadline(conn, blocked);
	if (!conn->ended && !conn->more && !blocked) {
		events |= UV_READABLE;
	}
	if (conn_unread(conn) > 0) {
		events |= UV_WRITABLE;
	}
	if (events == conn->events) {
		return;
	}
	conn->events = events;
	if (events == 0) {
		uv_poll_stop(&conn->poll);
	} else if (uv_poll_start(&conn->poll, events, on_poll) != 0) {
		conn_close(conn);
	}
}

void conn_turn(struct conn *conn)
{
	if (conn->closed) {
		return;
	}
	if (conn->more) {
		conn->more = false;
		conn_process(conn, conn->in, conn->in_len);
	} else if ((conn->events & UV_READABLE) != 0) {
		conn_read(conn);
	}
	conn_update(conn);
}

bool conn_is_idle(const struct conn *conn, uint64_t since)
{
	return conn->active <= since && conn->waiting == 0 && !conn->more && !conn->closed &&
	       conn->slot.pool != PEER_LIMITS_EXEMPT;
}

void conn_end(struct conn *conn)
{
	conn_stop(conn);
	conn_update(conn);
}

void conn_expire(struct conn *conn)
{
	if (conn->ended) {
		conn_close(conn);
		return;
	}
	conn_refuse(conn, "a message was begun and not ended within 10 seconds");
	conn_drop_in(conn);
	conn_update(conn);
}
