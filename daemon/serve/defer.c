/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/defer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/call/dispatch.h"

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
	defer->values = calloc((size_t)method->field_count + 1, sizeof *defer->values);
	if (defer->bytes == NULL || defer->values == NULL) {
		goto fail;
	}
	if (len > 0) {
		memcpy(defer->bytes, request->params.ptr, len);
	}
	/* Decoded anew: the views must point into the copy. */
	if (dispatch_read(method, wire_cursor_of(defer->bytes, len), defer->values, &err) != 0) {
		goto fail;
	}
	*out = defer;
	return 0;

fail:
	defer_destroy(defer);
	return -ENOMEM;
}

int defer_run(struct defer *defer, struct call *call)
{
	wire_buf_rewind(&defer->out, 0);
	call->server = defer->server;
	call->peer = &defer->peer;
	call->method = defer->method;
	call->id = defer->id;
	call->params = defer->values;
	call->out = &defer->out;
	/* A run before this one came to nothing. */
	pol_snapshot_unref(defer->next_snapshot);
	defer->next_snapshot = NULL;
	call->next = &defer->next_snapshot;
	return dispatch_run(call);
}

void defer_fail(struct defer *defer, int error)
{
	wire_buf_rewind(&defer->out, 0);
	dispatch_fail(&defer->out, defer->id, error);
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
	wire_buf_finish(&defer->out);
	free(defer);
}
