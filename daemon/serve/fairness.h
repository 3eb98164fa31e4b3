/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * fairness: which connection a worker serves next.
 *
 * Time is cut into rounds, one for each time round the worker's loop. In a round each uid that is
 * connected has one share, however many connections it has; what it takes beyond its share is owed
 * and taken off its next ones. So a uid with few requests is served within one round of all others,
 * and more connections gain it nothing. Within a share: first come, first served. (Deficit round
 * robin, M. Shreedhar and G. Varghese, 1995, in which the overdraft of an indivisible request is
 * paid afterwards.)
 *
 * A worker's own; no loop here.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct fairness_share;

/* Decisions, or what costs as much, of one uid in a round: less than half a millisecond beside
 * others. Alone the bound is there for those who are yet to come. */
#define FAIRNESS_SHARE 1024
#define FAIRNESS_ALONE 8192
/* Bytes received that weigh as much as a decision. */
#define FAIRNESS_BYTES 256

struct fairness {
	struct fairness_share *shares; /* as many as uids are connected: a handful */
	uint32_t share_count;
	uint32_t ready; /* connections that wait */
};

/* A zeroed one is ready. The connection's uid and its own fields are used: conn->share and
 * conn->next_ready belong to fairness. -ENOMEM. */
int fairness_join(struct fairness *fairness, struct conn *conn);
void fairness_leave(struct fairness *fairness, struct conn *conn);

/* Has its uid something left of this round? */
bool fairness_may(const struct fairness *fairness, const struct conn *conn);
void fairness_spend(struct conn *conn, uint32_t weight);

/* Puts it after the others of its uid. One that waits already stays where it is. */
void fairness_queue(struct fairness *fairness, struct conn *conn);

/* Takes out the next that may be served in this round, whose turn costs its uid one at least.
 * NULL: none. */
struct conn *fairness_next(struct fairness *fairness);

/* Begins a round. */
void fairness_renew(struct fairness *fairness);
