/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * turns: whose connection a worker serves next.
 *
 * Time is cut into rounds, one for each time round the worker's loop. In a round each uid that is
 * connected has one share, however many connections it has; what it takes beyond its share is owed
 * and taken off its next ones. So who asks little is served within one round of all others, and
 * nobody gains by more connections. Within a share: first come, first served. (Deficit round robin,
 * M. Shreedhar and G. Varghese, 1995, in which the overdraft of an indivisible request is paid
 * afterwards.)
 *
 * A worker's own; no loop here.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct conn;
struct turn_share;

/* Decisions, or what costs as much, of one uid in a round: less than half a millisecond beside
 * others. Alone the bound is there for those who are yet to come. */
#define TURNS_SHARE 1024
#define TURNS_ALONE 8192
/* So many bytes from outside weigh as much as a decision. */
#define TURNS_BYTES 256

struct turns {
	struct turn_share *shares; /* as many as uids are connected: a handful */
	uint32_t share_count;
	uint32_t ready; /* connections that wait */
};

/* A zeroed one is ready. The connection's uid and its own fields are used: conn->share and
 * conn->next_ready belong to turns. -ENOMEM. */
int turns_join(struct turns *turns, struct conn *conn);
void turns_leave(struct turns *turns, struct conn *conn);

/* Has its uid something left of this round? */
bool turns_may(const struct turns *turns, const struct conn *conn);
void turns_spend(struct conn *conn, uint32_t weight);

/* Puts it behind the others of its uid. One that waits already stays where it is. */
void turns_queue(struct turns *turns, struct conn *conn);

/* Takes out the next that may be served in this round, whose turn costs its uid one at least.
 * NULL: none. */
struct conn *turns_next(struct turns *turns);

/* Begins a round. */
void turns_renew(struct turns *turns);
