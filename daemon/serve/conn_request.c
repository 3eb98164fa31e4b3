/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/conn_request.h"

#include <errno.h>

#include "daemon/call/dispatch.h"
#include "daemon/decide/actor.h"
#include "daemon/load/current.h"
#include "daemon/serve/conn.h"
#include "daemon/serve/conn_place.h"
#include "daemon/serve/conn_rest.h"
#include "daemon/serve/defer.h"
#include "daemon/serve/judge.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/reload.h"
#include "daemon/serve/server.h"
#include "daemon/serve/worker.h"
#include "daemon/share/row.h"
#include "daemon/store/env.h"
#include "daemon/write/writer.h"

static int on_run(struct writer_job *job, const struct writer_turn *turn)
{
	return defer_change((struct defer *)job, turn);
}

_Static_assert(WRITER_MORE == CALL_MORE, "the writer gets what the handler returns");

static void on_more(struct writer_job *job)
{
	defer_continue((struct defer *)job);
}

static void on_done(struct writer_job *job, int result)
{
	struct defer *defer = (struct defer *)job;

	if (result < 0) {
		defer_fail(defer, result);
	}
	if (result == 0 && defer->next_snapshot != NULL) {
		current_exchange(&defer->server->current, defer->next_snapshot);
		defer->next_snapshot = NULL;
		server_wake_workers(defer->server);
	}
	if (result == 0) {
		defer_after(defer);
	}
	if (!defer_place(defer)) {
		worker_deliver(defer);
	}
}

/* What the writer goes by: which jobs go before it, and how much of the reserve it may use. */
static void describe_job(struct conn *conn, const struct call *call, struct writer_job *job)
{
	uint32_t flags = call->method->flags;

	job->run = on_run;
	job->done = on_done;
	job->more = on_more;
	job->need = (flags & METHOD_ENDS) != 0    ? STORE_ENDS
		    : (flags & METHOD_EDITS) != 0 ? STORE_EDITS
						  : STORE_MAKES;
	job->item.class = (flags & METHOD_ENDS) != 0    ? QUEUE_ENDS
			  : (flags & METHOD_EDITS) != 0 ? QUEUE_EDITS
							: QUEUE_MAKES;
	job->item.uid = conn->peer.user;
	job->item.order = judge_order(conn, call);
	job->alone = (flags & METHOD_ALONE) != 0;
	job->local = (flags & METHOD_LOCAL) != 0 ||
		     (conn->worker->view.shared && dispatch_local(call->method, call->params));
	job->asks = dispatch_everywhere(call->method, call->params) ? SHARE_ASKS_REPORT : 0;
}

/* Hands the call to another thread, unless its token is refused, which is answered here. */
static int defer_request(struct conn *conn, struct call *call, const struct wire_request *request)
{
	struct worker *worker = conn->worker;
	struct server *server = worker->server;
	struct defer *defer;
	uint32_t tenant;
	int r;

	if (judge_change(conn, call, &tenant) != 0) {
		return 0;
	}
	r = defer_create(call->method, request, &conn->peer, &defer);
	if (r < 0) {
		return r;
	}
	if (!peer_limits_charge(
		    conn->limits, conn->slot.user, defer_size(defer), conn->peer.superuser)) {
		defer_destroy(defer);
		return -ENOBUFS;
	}
	defer->charged = defer_size(defer);
	defer->limits = conn->limits;
	defer->user = conn->slot.user;
	defer->server = server;
	defer->worker = worker;
	defer->conn = conn->number;
	describe_job(conn, call, &defer->job);
	defer->job.item.tenant = tenant;
	conn->waiting++;
	worker->deferred++;
	if ((call->method->flags & METHOD_RELOADS) != 0) {
		reload_ask(server->reload, defer);
	} else {
		writer_submit(server->writer, &defer->job);
	}
	return 0;
}

/* The call of a reading method, all but what it is about. */
static inline struct call make_call(struct conn *conn)
{
	struct worker *worker = conn->worker;

	return (struct call){
		.context = &worker->server->context,
		.peer = &conn->peer,
		.out = &worker->out,
		.snapshot = worker->snapshot,
		.serial = worker->serial,
		.now = worker->now,
		.random_state = &worker->random_state,
		.given = worker->given,
		.missing = &worker->stats.missing,
		.everyone = &worker->everyone,
		.read = worker->read,
		.view = store_read_view(worker->read),
		.shared = worker->view,
		.may_pause = true,
	};
}

/* Adds what the call has done to the counters. */
static uint32_t weigh(struct conn *conn, const struct call *call)
{
	struct worker *worker = conn->worker;
	uint32_t decisions = call->allowed + call->denied;

	conn->cost += call->cost;
	if (decisions > 0) {
		stats_decided(&worker->stats, worker->now, call->allowed, call->denied);
	}
	return decisions > 0 ? decisions : 1;
}

/* May the call be answered by a store that is stale? */
static bool bears_stale(const struct call *call)
{
	uint32_t flags = call->method->flags;

	return (flags & METHOD_DECIDES) != 0 || (!call->late && (flags & METHOD_ANY_AGE) != 0 &&
							dispatch_by(call) == DISPATCH_BY_PEER);
}

/* Runs a reading method. In a shared store the clock is looked at last: what the handler allowed or
 * showed by a store that is too old becomes `stale`; what it refused stays. */
static int run(struct call *call)
{
	size_t mark = call->done > 0 ? 0 : call->out->len;
	int r = actor_run(call);

	if ((r != 0 && r != CALL_PAUSED) || call_is_fresh(call) || bears_stale(call)) {
		return r;
	}
	wire_buf_rewind(call->out, mark);
	return call_stale(call);
}

/* What a request asks for. Small, since each request passes. */
struct asked {
	const struct method *method;
	const struct wire_value *values;
	uint32_t id;
	bool late; /* see call.late */
};

/* Runs a reading method on the worker. message: the request, of which the values are views. */
static uint32_t answer(struct conn *conn, const struct asked *what, struct wire_cursor message)
{
	struct call call = make_call(conn);
	size_t mark = call.out->len;
	uint32_t id = what->id;
	int r;

	call.method = what->method;
	call.params = what->values;
	call.id = id;
	call.late = what->late;
	if (dispatch_run(&call, run) != CALL_PAUSED) {
		return weigh(conn, &call);
	}
	r = conn_rest_begin(conn, &call, message, mark);
	if (r < 0) {
		wire_buf_rewind(call.out, mark);
		dispatch_fail(call.out, id, r);
	}
	return weigh(conn, &call);
}

/* Its policy was taken away. */
static int refuse_old(struct conn_rest *rest)
{
	struct wire_error err;

	wire_buf_rewind(&rest->out, 0);
	wire_error_set(&err, WIRE_OVERLOADED, (struct wire_str){ NULL, 0 },
		"the policy changed again and again while this call was answered: send it again");
	wire_put_error(&rest->out, &rest->id, &err);
	return 0;
}

/* Without memory for an answer the connection ends: no request stays without both. */
static void send_whole(struct conn *conn)
{
	const struct conn_rest *rest = conn->rest;

	if (rest->out.status != WIRE_OK || rest->out.len == 0) {
		conn_close(conn);
		return;
	}
	wire_put_raw(&conn->worker->out, rest->out.data, rest->out.len);
	conn_rest_end(conn);
}

uint32_t conn_request_continue(struct conn *conn)
{
	struct worker *worker = conn->worker;
	struct conn_rest *rest = conn->rest;
	struct call call = make_call(conn);
	int r;

	call.method = rest->method;
	call.params = rest->values;
	call.id = rest->id;
	call.out = &rest->out;
	call.snapshot = rest->snapshot;
	call.serial = rest->serial;
	call.done = rest->done;
	call.late = rest->late;
	if (!worker->reading) {
		wire_buf_rewind(&rest->out, 0);
		dispatch_fail(&rest->out, rest->id, worker->read_error);
		r = 0;
	} else if (rest->snapshot == NULL) {
		r = refuse_old(rest);
	} else {
		r = dispatch_run(&call, run);
	}
	if (r == CALL_PAUSED && !conn_rest_charge(conn)) {
		wire_buf_rewind(&rest->out, 0);
		dispatch_fail(&rest->out, rest->id, -ENOBUFS);
		r = 0;
	}
	if (r == CALL_PAUSED) {
		rest->done = call.done;
	} else {
		send_whole(conn);
	}
	return weigh(conn, &call);
}

/* A request that is a message, and what it asks for. False: it was answered, or waits. */
static bool decode(struct conn *conn, const struct wire_request *request,
	struct wire_value values[static WIRE_MAX_FIELDS], struct asked *out)
{
	struct wire_error err;
	int r = dispatch_decode(request, &conn->peer, &out->method, values, &err);

	if (r != 0) {
		wire_put_error(&conn->worker->out, &request->id, &err);
		return false;
	}
	out->values = values;
	out->id = request->id;
	out->late = false;
	return true;
}

/* Does this host have the change that the request asks for? False: it was answered, or waits. */
static bool find_place(
	struct conn *conn, struct asked *what, struct wire_cursor message, bool waited)
{
	const struct wire_value *as_of = dispatch_as_of(what->method, what->values);
	enum conn_place_state state;

	if (as_of == NULL) {
		return true;
	}
	state = conn_place_check(conn, as_of, what->id, message, waited);
	what->late = state == CONN_PLACE_LATE;
	return state != CONN_PLACE_DONE;
}

/* A method that another thread runs. */
static void change(struct conn *conn, const struct asked *what, const struct wire_request *request)
{
	struct call call = { .method = what->method, .params = what->values, .id = what->id };
	struct wire_buf *out = &conn->worker->out;
	int r;

	if (what->late) {
		call.out = out;
		call.late = true;
		call_stale(&call);
		return;
	}
	r = defer_request(conn, &call, request);
	conn->cost += call.cost; /* of judging the token */
	if (r < 0) {
		dispatch_fail(out, request->id, r);
	}
}

uint32_t conn_request(struct conn *conn, const uint8_t *bytes, size_t len, bool waited)
{
	struct worker *worker = conn->worker;
	struct wire_value values[WIRE_MAX_FIELDS];
	struct asked what;
	struct wire_request request;
	struct wire_error err;
	int r = wire_decode_request(bytes, len, &request, &err);

	stats_add(&worker->stats.requests, 1);
	if (r == WIRE_ESHAPE) {
		wire_put_error(&worker->out, request.has_id ? &request.id : NULL, &err);
		stats_add(&worker->stats.malformed, 1);
		conn->failed = true;
		conn->ended = true;
		conn->deadline = 0;
		return 1;
	}
	if (r != 0) {
		wire_put_error(&worker->out, &request.id, &err);
		return 1;
	}
	if (!decode(conn, &request, values, &what) ||
		!find_place(conn, &what, wire_cursor_of(bytes, len), waited)) {
		return 1;
	}
	if ((what.method->flags & (METHOD_CHANGES | METHOD_RELOADS)) != 0) {
		change(conn, &what, &request);
		return 1;
	}
	if (!worker->reading) {
		dispatch_fail(&worker->out, request.id, worker->read_error);
		return 1;
	}
	return answer(conn, &what, wire_cursor_of(bytes, len));
}
