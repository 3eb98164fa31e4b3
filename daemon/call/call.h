/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * call: one request as its method's handler sees it.
 *
 * A handler knows neither sockets nor the loop. Reading methods run on the worker that read the
 * request, with its read transaction; changing ones run in the writer, inside the write
 * transaction of their batch, on a copy of the request; policy.reload runs after the reload,
 * without a transaction. In each case `params` are views that live as long as the call, and the
 * handler writes exactly one result or one error into `out`.
 */

#include <stdbool.h>
#include <stdint.h>

#include "client/wire.h"
#include "daemon/call/context.h"
#include "daemon/config/peer.h"
#include "daemon/share/fresh.h"
#include "daemon/store/record.h"
#include "policy/snapshot/revision.h"
#include "policy/snapshot/snapshot.h"

struct actor;
struct audit_change;
struct call_slices;
struct given_room;
struct missing_counts;
struct everyone_memo;
struct store_read;

struct call {
	const struct context *context;

	/* the request */
	const struct method *method;
	const struct wire_value *params; /* one for each of method->fields, in that order */
	uint32_t id;                     /* echoed in the answer */
	const struct peer *peer;
	const struct actor *actor; /* the owner of the managing token, or the principal that the
				    * peer impersonates; NULL: the peer acts */
	struct wire_buf *out;

	/* what the answer is made from */
	const struct pol_snapshot *snapshot; /* the current policy, borrowed for the call */
	uint64_t serial;                     /* of the snapshot: raised by every exchange */
	int64_t now;                         /* Unix seconds, taken once a batch */
	uint32_t *random_state;              /* the thread's, never 0; NULL after a reload */
	struct given_room *given;            /* the thread's, for facts (decide/given.h); NULL: no
					      * method that takes facts runs there */
	struct missing_counts *missing;      /* the thread's (decide/missing.h), or NULL */
	struct store_read *read;             /* NULL after a reload; a change's sees its batch */
	struct everyone_memo *everyone;      /* the worker's; NULL: not a worker's call */
	uint64_t view;            /* store_read_view of `read`; 0: nothing kept is for this call */
	struct share_view shared; /* taken before `read` was renewed; not for changing methods */
	bool late; /* `as_of` was not reached in time: nothing is allowed, and nothing is shown */

	/* for changing methods, else NULL */
	struct audit_change *change; /* the write transaction, and the author for the trail */
	struct pol_snapshot **next;  /* METHOD_ALONE: the snapshot that replaces the present one
				      * after the commit; takes over the reference */
	int (**after)(struct call *call); /* METHOD_ALONE: a handler that runs after the commit, in
					   * the writer's thread and without a transaction; the
					   * answer is what it writes */
	struct call_slices *slices;       /* how far it is: see CALL_MORE */
	bool local; /* what it puts is this host's alone, and is not appended to the shared log */

	/* set by the handler */
	uint32_t allowed; /* decisions it made */
	uint32_t denied;
	uint32_t cost; /* further work, as a number of decisions that take as long: it
			* shortens the connection's turn */

	/* for a handler that can pause: see CALL_PAUSED */
	bool may_pause;
	uint32_t done; /* entries that earlier turns have answered */
};

/*
 * A handler whose work may be long returns this between two entries when it has done CALL_TURN and
 * call->may_pause is set. It has written a part of its response and set call->done. The worker
 * serves other connections, then calls the handler again, with the same parameters, policy and
 * buffer; all else may have changed: time, store, and where params point to.
 */
#define CALL_PAUSED 2

/* The work of one turn, as a number of decisions. */
#define CALL_TURN 1024

/*
 * A changing handler whose work may be long returns this after a part of it, with nothing written.
 * What it has stored is committed, other changes run, then the handler is called again with `going`
 * set. It has to leave a state after each part that may stand for ever. Who called was judged
 * before the first part, and is not judged again: call->actor is NULL from the second one on. With
 * METHOD_JUDGED each part is judged as the first one was.
 */
#define CALL_MORE 3

struct call_slices {
	bool going; /* not the first part */
	/* The handler's. */
	uint32_t tenant;
	uint64_t after;
	unsigned phase;
	unsigned begun; /* how often it had to begin again */
	char revision[POL_REVISION_TEXT];
	uint64_t sequence; /* in the trail */
	char id[STORE_MAX_NAME];
	size_t id_len;
};

/*
 * Writes the whole response into call->out: envelope, error nil and result, or the error. Returns
 *
 *	0	the result is written;
 *	1	the response is written, and the call changes nothing: a refusal, or the same answer
 *		as before (manage/retry.h). What a changing method has stored is undone;
 *	2	CALL_PAUSED, from a reading method alone;
 *	3	CALL_MORE, from a changing method alone;
 *	-errno	dispatch drops what is in `out`, answers `internal` or `overloaded`, and what was
 *		stored is undone.
 *
 * A function that checks something for a handler returns 0 to go on, or 1 or -errno with the same
 * meaning, and the handler passes them up: `if (r != 0) { return r; }`.
 */
typedef int (*call_handler)(struct call *call);

/* A handler runs again when the batch of its transaction is undone, so it changes nothing but the
 * store. What else is to change follows the commit: call->next, call->after. */

/* A pseudo-random number, to choose samples of decisions (Marsaglia, Xorshift RNGs); 0 without a
 * state. */
static inline uint32_t call_random(struct call *call)
{
	uint32_t *random_state = call->random_state;

	if (random_state == NULL) {
		return 0;
	}
	*random_state ^= *random_state << 13;
	*random_state ^= *random_state >> 17;
	*random_state ^= *random_state << 5;
	return *random_state;
}

enum method_flags {
	METHOD_CHANGES = 1 << 0,  /* runs in the writer */
	METHOD_MANAGES = 1 << 1,  /* a managing method: needs a managing listener or a token */
	METHOD_SECRET = 1 << 2,   /* request or answer hold a secret: both are wiped */
	METHOD_RELOADS = 1 << 3,  /* runs after the reload that it requests, without `read`; only
				   * for peers that manage the daemon: judged before the reload */
	METHOD_TOKEN = 1 << 4,    /* a managing method that accepts a token */
	METHOD_ALONE = 1 << 5,    /* runs in a transaction of its own: changes of roles, pepper */
	METHOD_EDITS = 1 << 6,    /* changes a record: STORE_EDITS; without a flag STORE_MAKES */
	METHOD_ENDS = 1 << 7,     /* removes or disables: STORE_ENDS */
	METHOD_HOLDER = 1 << 8,   /* for a key's holder: its first parameter is the key's token */
	METHOD_JUDGED = 1 << 9,   /* each part of a long change (CALL_MORE) is judged again */
	METHOD_DECIDES = 1 << 10, /* answers with decisions, which say themselves that they are
				   * stale */
	METHOD_ANY_AGE = 1 << 11, /* shows no rights: a peer is answered by what is stale, too */
	METHOD_MARKS = 1 << 13,   /* its second parameter is `local`: see call.local */
	METHOD_LOCAL = 1 << 12,   /* a change of this host alone: it puts nothing that a shared
				   * store's log has, and runs while the database is away */
};

/*
 * The parameters of a method are its fields and, after them, those that dispatch.h adds to all. A
 * method that
 * changes something and accepts a token is named NOUN.ACTION after what its caller must be allowed,
 * or has a row in decide/actor.c: judge_right.
 */
struct method {
	const char *name;
	const struct wire_field *fields;
	uint32_t field_count;
	uint32_t flags;
	call_handler handler;
};

/* Writes an error response and returns 1, for the handler to return. In dispatch.c. */
__attribute__((format(printf, 3, 4))) int call_error(
	struct call *call, const char *code, const char *format, ...);
/* The same for `stale`: what this host knows is too old, or not what `as_of` asked for. */
int call_stale(struct call *call);
/* True if what the call allows or shows may be given: it is of a single store, or recent enough. To
 * be asked after the store was read. */
static inline bool call_is_fresh(const struct call *call)
{
	return !call->late && share_is_fresh(call->context->fresh, &call->shared);
}
/* The same for invalid_request, with the parameter's name. */
__attribute__((format(printf, 3, 4))) int call_invalid(
	struct call *call, const char *param, const char *format, ...);
