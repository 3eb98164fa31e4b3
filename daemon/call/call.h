/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * call: one request on its way to its answer, as a method's handler sees it.
 *
 * A handler knows neither sockets nor the loop. Reading methods run on the worker that read the
 * request, with its read transaction; changing ones run in the writer, inside the write
 * transaction of their batch, on a copy of the request. Either way `params` are views that live
 * as long as the call, and the handler writes exactly one result or one error into `out`.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/config/peer.h"
#include "policy/snapshot/snapshot.h"

struct actor;
struct audit_change;
struct backup;
struct quota_counters;
struct decision_log;
struct config;
struct pepper;
struct rotation;
struct server;
struct principal_cache;
struct store;
struct store_read;
struct usage;

struct call {
	struct server *server;
	struct store *store;       /* the server's, so that handlers reach it without the loop */
	struct usage *usage;       /* likewise */
	struct rotation *rotation; /* likewise */
	struct pepper *pepper;     /* likewise */
	struct quota_counters *charges; /* likewise */
	struct decision_log *decisions;
	struct backup *backup;
	uint32_t *dice; /* of the thread that runs it, never 0; NULL where nothing is decided */
	const struct config *config; /* likewise */
	const struct peer *peer;
	const struct actor *actor;           /* who manages by a token; NULL: the peer himself */
	const struct pol_snapshot *snapshot; /* the present one, borrowed for the call */
	uint64_t serial;                     /* of the snapshot: raised by every exchange */
	struct principal_cache *standings;   /* the server's; used where generation is known */
	uint64_t generation; /* of the store, loaded before `read` was renewed; 0: not for this call
			      */
	struct store_read *read;     /* always there; in the writer it sees the batch so far */
	struct audit_change *change; /* the writer's: the change under way; NULL: none */
	int64_t now;                 /* Unix seconds, taken once a batch */
	uint32_t id;                 /* of the request, to be echoed */
	const struct method *method;
	const struct wire_value *params; /* one for each of method->fields, in that order */
	struct wire_buf *out;
	struct pol_snapshot **next; /* METHOD_ALONE: a snapshot to be put in the present one's
				     * place, behind the commit; the reference is taken over */
	uint32_t allowed;           /* decisions that the handler made: it counts them here */
	uint32_t denied;
	uint32_t cost; /* work beside those, in decisions: the connection's turn ends the sooner */
};

/* Writes the whole response (envelope, error nil, result; or the error) into call->out. Returns 0
 * when it did, or a negative errno, for which dispatch answers `internal` or `overloaded`; what
 * stood in out is then dropped, and in the writer the change is undone. A refusal that was written
 * as an error undoes the change likewise: a handler that answers an error has changed nothing. */
typedef int (*call_handler)(struct call *call);

/* For samples of decisions: nobody gains by guessing it (Marsaglia, Xorshift RNGs). */
static inline uint32_t call_draw(struct call *call)
{
	uint32_t *dice = call->dice;

	if (dice == NULL) {
		return 0;
	}
	*dice ^= *dice << 13;
	*dice ^= *dice >> 17;
	*dice ^= *dice << 5;
	return *dice;
}

enum method_flags {
	METHOD_CHANGES = 1 << 0, /* runs in the writer */
	METHOD_MANAGES = 1 << 1, /* a listener for decisions alone refuses it */
	METHOD_SECRET = 1 << 2,  /* request or answer hold a secret: wipe both */
	METHOD_RELOADS = 1 << 3, /* runs when the reload that it asks for has ended, read is NULL */
	METHOD_ALONE = 1 << 5,   /* changes roles: in a transaction of its own */
	METHOD_TOKEN = 1 << 4,   /* manages, and by a token too: others are for peers alone */
	METHOD_EDITS = 1 << 6,   /* changes what is there: STORE_EDITS; else STORE_MAKES */
	METHOD_ENDS = 1 << 7,    /* takes away or switches off: STORE_ENDS */
};

struct method {
	const char *name;
	const struct wire_field *fields;
	uint32_t field_count;
	uint32_t flags;
	call_handler handler;
};

/* A method that manages takes a parameter more than its fields say, `token`, behind them: so that
 * none forgets it. */

/* The table of every method, sorted by name. dispatch.c */
const struct method *dispatch_find(struct wire_str name);

/* Writes an error response; `message` is printf-checked. Returns 0 or -ENOMEM. dispatch.c */
__attribute__((format(printf, 3, 4))) int call_error(
	struct call *call, const char *code, const char *format, ...);
/* invalid_request with the parameter's name. */
__attribute__((format(printf, 3, 4))) int call_invalid(
	struct call *call, const char *param, const char *format, ...);
