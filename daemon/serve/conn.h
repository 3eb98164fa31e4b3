/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * conn: one connection, from its bytes to its answers.
 *
 * Made by the listener, given to a worker, and from then on touched by that worker's thread alone.
 * Each read is processed whole: every request that it brought is decided, then one write. What
 * came whole is decided where it was read, in the worker's buffer, and answered from the worker's
 * other one; a connection holds memory only for a message that has come in part, and for answers
 * that its peer has not read. Both are charged to the peer's uid.
 *
 * Reading stops, and goes on by itself: after CONN_TURN decisions or work that takes as long, until
 * the others had their turn; when its uid has had its share of the round (fairness.h); while
 * CONN_MAX_WAITING requests wait for the writer; while CONN_MAX_UNREAD bytes of answers have not
 * been read.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "client/wire.h"
#include "daemon/config/peer.h"
#include "daemon/serve/peer_limits.h"

struct conn_rest;
struct defer;
struct fairness_share;
struct worker;

#define CONN_TURN        256
#define CONN_MAX_WAITING 1024
#define CONN_MAX_UNREAD  ((size_t)4 << 20)
#define CONN_DEADLINE    10000 /* ms, of a message begun and not ended */
#define CONN_LINGER      5000  /* ms, for the last answers of one that is being closed */

struct conn {
	struct conn *next, *prev;     /* in worker.conns */
	struct conn *next_ready;      /* in its share's queue */
	struct fairness_share *share; /* its uid's, of worker.fairness */
	struct worker *worker;
	struct peer_limits *limits;
	struct peer_limits_slot slot;
	uv_poll_t poll;
	int fd;
	int events; /* that poll waits for */
	uint64_t number;
	uint64_t deadline; /* of the loop's clock; 0: none */
	uint64_t active;   /* of the loop's clock: when bytes last came or were taken */
	uint8_t *in;       /* a message in part, or requests that wait for their turn */
	size_t in_len;
	size_t in_cap;
	struct wire_walk walk;
	struct wire_buf out; /* not yet taken by the peer, from out_sent on */
	size_t out_sent;
	uint32_t cost;          /* of this turn beside its decisions, counted in decisions */
	uint32_t waiting;       /* requests that other threads answer, or conn_place.h keeps */
	uint32_t due;           /* of the latter, those that wait for a turn */
	bool ready;             /* waits for a turn */
	bool more;              /* in holds requests that have not had their turn, or rest is set,
				 * or requests are due */
	struct conn_rest *rest; /* a call that goes on in the next turn */
	bool ended;             /* the peer will send no more, or we shall read no more */
	bool failed;            /* it sent what is not a message: nothing more is processed */
	bool closed;
	struct peer peer;
};

/* Takes over fd on success: connected, not blocking. Its slot of the quota was taken. */
int conn_create(int fd, const struct peer *peer, struct peer_limits *limits,
	const struct peer_limits_slot *slot, struct conn **out);

/* Gives the connection to the worker, whose thread alone may use it from now on, and begins to
 * read. On failure it is freed. */
int conn_start(struct conn *conn, struct worker *worker);

/* Gives the connection a turn: handles requests that it has read. */
void conn_turn(struct conn *conn);

/* An answer from another thread. Takes over defer. */
void conn_answer(struct conn *conn, struct defer *defer);

/* May it be closed for another: has it been idle since this time of the loop's clock, with no
 * request unanswered? Answers that the peer does not read do not keep it. */
bool conn_is_idle(const struct conn *conn, uint64_t since);

/* Answers what was read, then closes. */
void conn_end(struct conn *conn);

/* Closes now; it is freed when the loop has let go of it. */
void conn_close(struct conn *conn);

/* Its deadline has passed. */
void conn_expire(struct conn *conn);
