/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/judge.h"

#include <string.h>

#include "daemon/call/dispatch.h"
#include "daemon/decide/actor.h"
#include "daemon/serve/conn.h"
#include "daemon/serve/server.h"
#include "daemon/serve/worker.h"
#include "daemon/store/env.h"

int judge_change(struct conn *conn, struct call *call, uint32_t *out_tenant)
{
	struct worker *worker = conn->worker;
	size_t mark = worker->out.len;
	bool by_store =
		dispatch_by(call) != DISPATCH_BY_PEER || (call->method->flags & METHOD_HOLDER) != 0;
	int r;

	*out_tenant = 0;
	if (by_store && !worker->reading) {
		dispatch_fail(&worker->out, call->id, worker->read_error);
		return 1;
	}
	call->context = &worker->server->context;
	call->peer = &conn->peer;
	call->out = &worker->out;
	call->snapshot = worker->snapshot;
	call->serial = worker->serial;
	call->now = worker->now;
	call->random_state = &worker->random_state;
	call->everyone = &worker->everyone;
	call->read = worker->read;
	call->view = worker->reading ? store_read_view(worker->read) : 0;
	r = actor_judge(call, out_tenant);
	if (r < 0) {
		wire_buf_rewind(&worker->out, mark);
		dispatch_fail(&worker->out, call->id, r);
	}
	return r != 0;
}

/* The text that names the record. */
static struct wire_str find_target(const struct call *call)
{
	const struct method *method = call->method;
	uint32_t at = 0;

	for (uint32_t i = 0; i < method->field_count; i++) {
		if (wire_str_equal(method->fields[i].name, WIRE_STR("principal"))) {
			at = i;
		}
	}
	return method->field_count > 0 && call->params[at].given &&
			       method->fields[at].kind == WIRE_KIND_TEXT
		       ? call->params[at].text
		       : (struct wire_str){ NULL, 0 };
}

/* FNV-1a, and at its end the finalizer of MurmurHash3. */
static uint64_t hash(uint64_t state, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++) {
		state = (state ^ at[i]) * UINT64_C(0x100000001b3);
	}
	state = (state ^ state >> 33) * UINT64_C(0xff51afd7ed558ccd);
	return state ^ state >> 33;
}

uint64_t judge_order(const struct conn *conn, const struct call *call)
{
	struct wire_str target = find_target(call);
	uint64_t of = (uint64_t)(uintptr_t)conn->worker ^ conn->number << 1;
	uint64_t order;

	if (target.len == 0) {
		return 0;
	}
	order = hash(UINT64_C(0xcbf29ce484222325), &of, sizeof of);
	order = hash(order, target.ptr, target.len);
	return order != 0 ? order : 1;
}
