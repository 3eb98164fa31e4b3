/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dispatch: from a request's bytes to its method, and from a handler's end to bytes.
 *
 * No loop and no store here. conn and defer own the bytes, the transactions and the threads.
 */

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/config/peer.h"

/* The method of that name; NULL: there is none. */
const struct method *dispatch_find(struct wire_str name);

/* What the rows of methods need beside their own: who may come in through which socket. Returns 0,
 * or WIRE_EPARAM and *err is the refusal. */
int dispatch_admit(const struct method *method, const struct peer *peer, bool has_token,
	struct wire_error *err);

/* The method's parameters, and behind them, when it manages, the token: values has room for
 * field_count + 1. As wire_decode_params. */
int dispatch_read(const struct method *method, struct wire_cursor params,
	struct wire_value values[], struct wire_error *err);

/*
 * Finds the method and its parameters: 0 and *out, values filled for its fields. WIRE_EPARAM:
 * answer *err and go on.
 */
int dispatch_decode(const struct wire_request *request, const struct peer *peer,
	const struct method **out, struct wire_value values[static WIRE_MAX_FIELDS],
	struct wire_error *err);

/* The token with which the caller manages; NULL: none. */
const struct wire_value *dispatch_token(const struct call *call);

/* Runs the call by `run`, which runs its handler, and makes sure that exactly one response follows
 * what call->out held before. Returns what the handler returned; a negative errno is answered as
 * `overloaded` or `internal`, and an answer that is too large, -EMSGSIZE, as `limit_reached`. */
int dispatch_run(struct call *call, call_handler run);

/* The answer to a call that failed with this errno, by the host's fault or ours. */
void dispatch_fail(struct wire_buf *out, uint32_t id, int error);
