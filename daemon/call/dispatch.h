/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * dispatch: from a request's bytes to its method, and from what a handler returns to bytes.
 *
 * It runs on the thread of its caller: serve/conn_request on a worker, serve/defer in the writer.
 * They own the bytes and the transactions.
 */

#include <stdbool.h>

#include "client/wire.h"
#include "daemon/call/call.h"
#include "daemon/config/peer.h"

/* The method of that name, a static one; NULL: there is none. */
const struct method *dispatch_find(struct wire_str name);

/* By whom a managing call is. */
enum dispatch_by {
	DISPATCH_BY_PEER = 0,
	DISPATCH_BY_TOKEN,     /* by the holder of the token */
	DISPATCH_BY_PRINCIPAL, /* by the principal that the peer impersonates */
};

/* May this peer call the method through its socket, for that caller? 0; or WIRE_EPARAM, and *err
 * has the refusal. */
int dispatch_admit(const struct method *method, const struct peer *peer, enum dispatch_by by,
	struct wire_error *err);

/* Parameters that methods take beside their fields: a managing one `token` and `impersonate`, each
 * one `as_of`, a managing one that changes something `everywhere`. */
#define DISPATCH_COMMON 4

/* Decodes the method's parameters and the common ones after them: `values` has room for field_count
 * + DISPATCH_COMMON. Returns what wire_decode_params returns. */
int dispatch_decode_params(const struct method *method, struct wire_cursor params,
	struct wire_value values[], struct wire_error *err);

/*
 * Finds the method, decodes its parameters and checks dispatch_admit. 0: *out and `values` are
 * filled. WIRE_EPARAM: the caller answers with *err. Another error is wire_decode_params'.
 */
int dispatch_decode(const struct wire_request *request, const struct peer *peer,
	const struct method **out, struct wire_value values[static WIRE_MAX_FIELDS],
	struct wire_error *err);

/* Who makes the call; a method that does not manage is called by the peer. */
enum dispatch_by dispatch_by(const struct call *call);
/* For a call that the peer does not make itself: its managing token, or the principal that is
 * impersonated. */
struct wire_str dispatch_caller(const struct call *call);

/* Among a method's values: the place of the log that the answer must know; NULL: none was given. */
const struct wire_value *dispatch_as_of(
	const struct method *method, const struct wire_value *values);

/* Among a method's values: is it to be done on this host at once? */
bool dispatch_local(const struct method *method, const struct wire_value *values);

/* Among a method's values: is a change to be answered when all hosts have it? */
bool dispatch_everywhere(const struct method *method, const struct wire_value *values);

/* Calls `run`, which runs the call's handler, and makes sure that exactly one response follows what
 * call->out held before. Returns what `run` returned. A negative errno is answered as `overloaded`
 * or `internal`; for an answer that is too large it returns -EMSGSIZE and answers `limit_reached`.
 * After CALL_PAUSED a part of the response follows; the buffer of a call that goes on holds nothing
 * else. After CALL_MORE no response follows.
 */
int dispatch_run(struct call *call, call_handler run);

/* Answers a call that failed with this errno: `overloaded` if the host lacks memory, space or
 * descriptors, else `internal`. */
void dispatch_fail(struct wire_buf *out, uint32_t id, int error);
