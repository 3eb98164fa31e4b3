/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/defer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/dispatch.h"
#include "daemon/decide/actor.h"
#include "daemon/serve/defer_wait.h"
#include "daemon/serve/server.h"
#include "daemon/store/clock.h"
#include "daemon/write/audit.h"

int defer_create(const struct method *method, const struct wire_request *request,
	const struct peer *peer, struct defer **out)
{
	struct defer *defer = calloc(1, sizeof *defer);
	size_t len = (size_t)(request->params.end - request->params.ptr);
	struct wire_error err;

	if (defer == NULL) {
		return -ENOMEM;
	}
	wire_buf_init(&defer->out, WIRE_MAX_RESPONSE);
	defer->peer = *peer;
	defer->method = method;
	defer->id = request->id;
	defer->len = len;
	/* One more than nothing, so that NULL means no memory. */
	defer->bytes = malloc(len + 1);
	defer->values =
		calloc((size_t)method->field_count + DISPATCH_COMMON, sizeof *defer->values);
	if (defer->bytes == NULL || defer->values == NULL) {
		goto fail;
	}
	if (len > 0) {
		memcpy(defer->bytes, request->params.ptr, len);
	}
	/* Decoded again: the views must point into the copy. */
	if (dispatch_decode_params(
		    method, wire_cursor_of(defer->bytes, len), defer->values, &err) != 0) {
		goto fail;
	}
	if (dispatch_everywhere(method, defer->values) && defer_wait_create(defer) < 0) {
		goto fail;
	}
	*out = defer;
	return 0;

fail:
	defer_destroy(defer);
	return -ENOMEM;
}

/* What the allocator needs beside each of its three blocks. */
#define OVERHEAD 16

size_t defer_size(const struct defer *defer)
{
	return sizeof *defer + defer->len + 1 +
	       ((size_t)defer->method->field_count + DISPATCH_COMMON) * sizeof *defer->values +
	       3 * OVERHEAD + (defer->everywhere != NULL ? defer_wait_size + OVERHEAD : 0);
}

/* The part that both kinds of deferred calls have. */
static struct call call_of(
	struct defer *defer, const struct pol_snapshot *snapshot, uint64_t serial, int64_t now)
{
	wire_buf_rewind(&defer->out, 0);
	return (struct call){
		.context = &defer->server->context,
		.method = defer->method,
		.params = defer->values,
		.id = defer->id,
		.peer = &defer->peer,
		.out = &defer->out,
		.snapshot = snapshot,
		.serial = serial,
		.now = now,
	};
}

int defer_change(struct defer *defer, const struct writer_turn *turn)
{
	struct server *server = defer->server;
	struct audit_change change = audit_change_of(turn, &defer->peer, defer->method->name);
	/* The writer's thread alone exchanges the snapshot. */
	struct call call = call_of(
		defer, server->current.snapshot, current_serial(&server->current), turn->now);
	int r;

	/* A run before this one was undone. */
	pol_snapshot_unref(defer->next_snapshot);
	defer->next_snapshot = NULL;
	call.read = turn->read;
	call.random_state = &server->random_state;
	call.change = &change;
	call.next = &defer->next_snapshot;
	defer->after = NULL;
	call.after = &defer->after;
	defer->further = defer->slices;
	call.slices = &defer->further;
	call.local = defer->job.local;
	if (defer->slices.going && (defer->method->flags & METHOD_JUDGED) == 0) {
		memcpy(change.actor, defer->actor, sizeof change.actor);
		return dispatch_run(&call, defer->method->handler);
	}
	r = dispatch_run(&call, actor_run);
	memcpy(defer->actor, change.actor, sizeof defer->actor);
	return r;
}

void defer_continue(struct defer *defer)
{
	defer->slices = defer->further;
	defer->slices.going = true;
}

void defer_after(struct defer *defer)
{
	struct current *current = &defer->server->current;

	if (defer->after != NULL) {
		struct call call = call_of(defer, current->snapshot, current_serial(current),
			store_now(defer->server->context.store));

		dispatch_run(&call, defer->after);
	}
}

void defer_reloaded(struct defer *defer, const struct pol_snapshot *snapshot, uint64_t serial)
{
	struct call call =
		call_of(defer, snapshot, serial, store_now(defer->server->context.store));

	dispatch_run(&call, actor_run);
}

/* A change of a shared store that the database did not answer. */
static void fail_unavailable(struct defer *defer, bool may_stand)
{
	struct wire_error err;

	wire_error_set(&err, WIRE_UNAVAILABLE, (struct wire_str){ NULL, 0 }, "%s",
		may_stand
			? "the database of the shared store did not answer: the change may "
			  "stand; look, or repeat it with the same request_id"
			: "the database of the shared store does not answer: nothing was changed");
	wire_begin_error(&defer->out, &defer->id, &err, 1);
	wire_put_str(&defer->out, WIRE_STR("may_stand"));
	wire_put_bool(&defer->out, may_stand);
	wire_put_nil(&defer->out);
}

void defer_fail(struct defer *defer, int error)
{
	struct wire_error err;

	wire_buf_rewind(&defer->out, 0);
	if (error == -EINPROGRESS || error == -ENOTCONN) {
		fail_unavailable(defer, error == -EINPROGRESS);
	} else if (error == -EROFS && defer->job.refused != NULL) {
		wire_error_set(&err, WIRE_CONFLICT, (struct wire_str){ NULL, 0 }, "%s",
			defer->job.refused);
		wire_put_error(&defer->out, &defer->id, &err);
	} else {
		dispatch_fail(&defer->out, defer->id, error);
	}
}

void defer_destroy(struct defer *defer)
{
	if (defer == NULL) {
		return;
	}
	if (defer->bytes != NULL) {
		wire_wipe(defer->bytes, defer->len);
	}
	pol_snapshot_unref(defer->next_snapshot);
	free(defer->bytes);
	free(defer->values);
	free(defer->everywhere);
	wire_buf_finish(&defer->out);
	free(defer);
}
