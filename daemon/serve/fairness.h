/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fairness: chooses the connection that a worker serves next.
 *
 * A round is one iteration of the worker's loop. In a round each connected user has one share,
 * however many connections it has; what it uses beyond its share is subtracted from its next
 * shares. So a user with few requests is served within one round of all others, and more
 * connections gain nothing. Within a share, connections are served in the order in which they came.
 * (Deficit round robin, M. Shreedhar and G. Varghese, 1995; a request that does not fit the share
 * is served and paid for afterwards.)
 *
 * Each worker has its own; only its thread may call these functions.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct fairness_share;

/* Decisions, or what costs as much, of one user in a round. With others connected a round takes it
 * less than half a millisecond. A user who is alone is bounded too, since others may connect. */
#define FAIRNESS_SHARE 1024
#define FAIRNESS_ALONE 8192
/* This many bytes from outside cost as much as a decision. */
#define FAIRNESS_BYTES 256

struct fairness {
	struct fairness_share *shares; /* as many as users are connected: a handful */
	uint32_t share_count;
	uint32_t ready; /* connections that wait */
};

/* A zeroed one is ready. The connection's peer.user and its own fields are used: conn->share and
 * conn->next_ready belong to fairness. -ENOMEM. */
int fairness_join(struct fairness *fairness, struct conn *conn);
void fairness_leave(struct fairness *fairness, struct conn *conn);

/* Has its user something left of this round? */
bool fairness_may(const struct fairness *fairness, const struct conn *conn);
void fairness_spend(struct conn *conn, uint32_t weight);

/* Puts it after the others of its user. One that waits already stays where it is. */
void fairness_queue(struct fairness *fairness, struct conn *conn);

/* Takes out the next that may be served in this round, whose turn costs its user one at least.
 * NULL: none. */
struct conn *fairness_next(struct fairness *fairness);

/* Begins a round. */
void fairness_renew(struct fairness *fairness);
