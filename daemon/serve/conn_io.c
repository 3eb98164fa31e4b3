/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/serve/conn_internal.h"
#include "daemon/serve/conn_place.h"
#include "daemon/serve/conn_request.h"
#include "daemon/serve/conn_rest.h"
#include "daemon/serve/defer.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/worker.h"

/* A message in part starts with this much room, and doubles. */
enum { IN_FIRST = 8 * 1024, IN_MIN_READ = 4 * 1024 };
/* One message in part, or what one read brought and had no turn yet, with room for another read. */
#define IN_MAX (WIRE_MAX_REQUEST + 2 * WORKER_READ)

static bool charge(struct conn *conn, size_t bytes)
{
	return peer_limits_charge(conn->limits, conn->slot.user, bytes, conn->peer.superuser);
}

void conn_drop_in(struct conn *conn)
{
	if (conn->in != NULL) {
		wire_wipe(conn->in, conn->in_len);
		free(conn->in);
		peer_limits_release(conn->limits, conn->slot.user, conn->in_cap);
	}
	conn->in = NULL;
	conn->in_len = 0;
	conn->in_cap = 0;
}

void conn_drop_out(struct conn *conn)
{
	size_t max = conn->out.max;

	peer_limits_release(conn->limits, conn->slot.user, conn->out.cap);
	wire_buf_finish(&conn->out);
	wire_buf_init(&conn->out, max);
	conn->out_sent = 0;
}

/* Not realloc: it could leave a token in freed memory. */
static bool grow_in(struct conn *conn, size_t need)
{
	size_t cap = conn->in_cap == 0 ? IN_FIRST : conn->in_cap;
	uint8_t *in;

	while (cap < need) {
		cap *= 2;
	}
	if (cap > IN_MAX) {
		cap = IN_MAX;
	}
	if (cap < need || !charge(conn, cap)) {
		return false;
	}
	in = malloc(cap);
	if (in == NULL) {
		peer_limits_release(conn->limits, conn->slot.user, cap);
		return false;
	}
	if (conn->in_len > 0) {
		size_t len = conn->in_len;

		memcpy(in, conn->in, len);
		conn_drop_in(conn);
		conn->in_len = len;
	} else {
		conn_drop_in(conn);
	}
	conn->in = in;
	conn->in_cap = cap;
	return true;
}

/* Keeps what has not been worked off, and wipes what has. */
static void keep_rest(struct conn *conn, uint8_t *bytes, size_t off, size_t len)
{
	size_t rest = len - off;

	if (bytes == conn->in) {
		if (rest == 0) {
			conn_drop_in(conn);
			return;
		}
		if (off > 0) {
			memmove(bytes, bytes + off, rest);
			wire_wipe(bytes + rest, off);
		}
		conn->in_len = rest;
		return;
	}
	if (rest > 0 && !grow_in(conn, rest)) {
		conn_refuse(conn, NULL);
	} else if (rest > 0) {
		memcpy(conn->in, bytes + off, rest);
		conn->in_len = rest;
	}
	wire_wipe(bytes, len);
}

static void keep_answers(struct conn *conn, const uint8_t *bytes, size_t len)
{
	size_t cap = conn->out.cap;

	if (conn->out_sent > conn->out.len / 2) {
		wire_buf_consume(&conn->out, conn->out_sent);
		conn->out_sent = 0;
	}
	wire_put_raw(&conn->out, bytes, len);
	if (conn->out.cap > cap && !charge(conn, conn->out.cap - cap)) {
		/* Not charged, so not to be released. */
		wire_buf_finish(&conn->out);
		peer_limits_release(conn->limits, conn->slot.user, cap);
		conn_close(conn);
	} else if (conn->out.status != WIRE_OK) {
		conn_close(conn);
	}
}

/* Sends now what the socket takes, and keeps the rest. */
static void send_bytes(struct conn *conn, const uint8_t *bytes, size_t len)
{
	ssize_t n = 0;

	if (conn->closed || len == 0) {
		return;
	}
	if (conn->out.len == 0) {
		n = send(conn->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR) {
			conn_close(conn);
			return;
		}
		n = n < 0 ? 0 : n;
	}
	if ((size_t)n < len) {
		keep_answers(conn, bytes + n, len - (size_t)n);
	}
}

static void send_batch(struct conn *conn)
{
	struct wire_buf *out = &conn->worker->out;

	if (out->status != WIRE_OK) {
		conn_close(conn);
	}
	send_bytes(conn, out->data, out->len);
	wire_buf_wipe(out);
}

void conn_flush(struct conn *conn)
{
	while (!conn->closed && conn_unread(conn) > 0) {
		ssize_t n = send(conn->fd, conn->out.data + conn->out_sent, conn_unread(conn),
			MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0 && errno == EAGAIN) {
			return;
		}
		if (n < 0) {
			conn_close(conn);
			return;
		}
		conn->out_sent += (size_t)n;
		conn->active = uv_now(&conn->worker->loop);
		/* A peer that takes something, however slowly, is not one that does not read. */
		conn->deadline = conn->ended ? 0 : conn->deadline;
	}
	if (!conn->closed) {
		conn_drop_out(conn);
	}
}

void conn_refuse(struct conn *conn, const char *message)
{
	struct wire_error err;
	struct wire_buf out;

	/* Nothing goes on: the connection ends when what it waits for was answered. */
	conn_rest_end(conn);
	conn_place_drop(conn);
	wire_error_set(&err, message != NULL ? WIRE_INVALID_REQUEST : WIRE_OVERLOADED,
		(struct wire_str){ NULL, 0 }, "%s",
		message != NULL ? message : "the memory for requests in part is used up");
	wire_buf_init(&out, 1024);
	wire_put_error(&out, NULL, &err);
	send_bytes(conn, out.data, out.len);
	wire_buf_finish(&out);
	stats_add(&conn->worker->stats.malformed, message != NULL);
	conn->failed = true;
	conn->ended = true;
	conn->more = false;
	conn->deadline = 0;
}

void conn_stop(struct conn *conn)
{
	if (!conn->more) {
		conn_drop_in(conn);
	}
	if (!conn->ended) {
		conn->ended = true;
		conn->deadline = 0;
	}
}

static const char *explain(enum wire_progress progress)
{
	switch (progress) {
	case WIRE_TOO_LARGE:
		return "the message is larger than 256 KiB";
	case WIRE_TOO_DEEP:
		return "the message is nested deeper than 16";
	case WIRE_MALFORMED:
	case WIRE_NEED_MORE:
	case WIRE_COMPLETE:
		break;
	}
	return "these bytes are no MessagePack";
}

/* Another request of this turn? Otherwise the rest waits. */
static bool has_turn_left(const struct conn *conn, uint32_t weight)
{
	return weight + conn->cost < CONN_TURN && conn->waiting < CONN_MAX_WAITING &&
	       conn_unread(conn) + conn->worker->out.len < CONN_MAX_UNREAD;
}

/* Processes requests that waited for a change and are due. Gives what they weigh, with `weight`. */
static uint32_t process_due(struct conn *conn, uint32_t weight)
{
	while (conn->due > 0 && conn->rest == NULL && !conn->closed &&
		has_turn_left(conn, weight)) {
		struct conn_place *place = conn_place_take(conn);

		weight += conn_request(conn, place->bytes, place->len, true);
		conn_place_free(place);
	}
	return weight;
}

/* Goes on with a paused call, then processes requests. Gives how many bytes were worked off: all of
 * them, or up to a message in part (more is false) or one that had no turn (more is true). */
static size_t process(struct conn *conn, const uint8_t *bytes, size_t len, uint32_t *out_weight)
{
	uint32_t weight = 0;
	size_t off = 0;

	conn->cost = 0;
	if (conn->rest != NULL) {
		weight = conn_request_continue(conn);
	}
	if (conn->due > 0) {
		weight = process_due(conn, weight);
	}
	while (off < len && !conn->failed && !conn->closed) {
		enum wire_progress progress;
		size_t size = 0;

		if (conn->rest != NULL || !has_turn_left(conn, weight)) {
			conn->more = true;
			break;
		}
		progress = wire_walk(&conn->walk, bytes + off, len - off, &size);
		if (progress == WIRE_NEED_MORE) {
			break;
		}
		if (progress != WIRE_COMPLETE) {
			send_batch(conn);
			conn_refuse(conn, explain(progress));
			break;
		}
		weight += conn_request(conn, bytes + off, size, false);
		off += size;
		conn->deadline = 0;
		if (conn->worker->out.len >= WORKER_FLUSH) {
			send_batch(conn);
		}
	}
	conn->more = conn->more || conn->rest != NULL || conn->due > 0;
	*out_weight = weight;
	return off;
}

void conn_process(struct conn *conn, uint8_t *bytes, size_t len)
{
	struct worker *worker = conn->worker;
	bool sample = worker->batches++ % STATS_SAMPLE == 0;
	uint64_t begin = sample ? uv_hrtime() : 0;
	uint32_t weight = 0;
	size_t off;

	worker_begin(worker);
	off = process(conn, bytes, len, &weight);
	send_batch(conn);
	if (!conn->closed) {
		fairness_spend(conn, weight + conn->cost);
	}
	if (sample && weight > 0) {
		stats_took(&worker->stats, uv_hrtime() - begin, weight);
	}
	/* Whole requests that have no turn yet are still answered at the end, one in part is not.
	 */
	if (conn->failed || (conn->ended && !conn->more)) {
		off = len;
	}
	keep_rest(conn, bytes, off, len);
}

void conn_read(struct conn *conn)
{
	struct worker *worker = conn->worker;
	uint8_t *bytes = worker->bytes;
	size_t room = WORKER_READ;
	ssize_t n;

	if (conn->in_len > 0) {
		if (conn->in_cap - conn->in_len < IN_MIN_READ &&
			!grow_in(conn, conn->in_len + IN_MIN_READ)) {
			conn_refuse(conn, NULL);
			conn_drop_in(conn);
			return;
		}
		bytes = conn->in + conn->in_len;
		room = conn->in_cap - conn->in_len;
	}
	n = recv(conn->fd, bytes, room, MSG_DONTWAIT);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR) {
			conn_close(conn);
		}
		return;
	}
	fairness_spend(conn, (uint32_t)n / FAIRNESS_BYTES);
	conn->active = uv_now(&worker->loop);
	if (n == 0) {
		conn_stop(conn);
	} else if (conn->in_len > 0) {
		conn->in_len += (size_t)n;
		conn_process(conn, conn->in, conn->in_len);
	} else {
		conn_process(conn, worker->bytes, (size_t)n);
	}
}

void conn_answer(struct conn *conn, struct defer *defer)
{
	assert(conn->waiting > 0);
	conn->waiting--;
	conn->active = uv_now(&conn->worker->loop);
	/* Without memory for an answer the connection ends: no request stays without both. */
	if (defer->out.status != WIRE_OK || defer->out.len == 0) {
		conn_close(conn);
	}
	send_bytes(conn, defer->out.data, defer->out.len);
	conn_update(conn);
}
