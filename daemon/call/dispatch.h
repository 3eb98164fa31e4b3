/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dispatch: from a request's bytes to its method, and from what a handler returns to bytes.
 *
 * conn and defer own the bytes, the transactions and the threads.
 */

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/config/peer.h"

/* The method of that name; NULL: there is none. */
const struct method *dispatch_find(struct wire_str name);

/* May this peer, with a token or without, call the method through its socket? 0, or WIRE_EPARAM and
 * *err is the refusal. */
int dispatch_admit(const struct method *method, const struct peer *peer, bool has_token,
	struct wire_error *err);

/* Decodes the method's parameters and, if it manages, the token after them: values has room for
 * field_count + 1. Returns what wire_decode_params returns. */
int dispatch_decode_params(const struct method *method, struct wire_cursor params,
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

/* Answers a call that failed with this errno: `overloaded` where the host lacks something, else
 * `internal`. */
void dispatch_fail(struct wire_buf *out, uint32_t id, int error);
