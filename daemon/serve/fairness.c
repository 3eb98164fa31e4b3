/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/fairness.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/serve/conn.h"

struct fairness_share {
	struct fairness_share *next; /* in turns.shares */
	uid_t uid;
	uint32_t conns;
	uint64_t spent; /* in this round, with what is owed from those before */
	struct conn *ready;
	struct conn **ready_end;
};

static uint32_t bound(const struct fairness *turns)
{
	return turns->share_count > 1 ? FAIRNESS_SHARE : FAIRNESS_ALONE;
}

int fairness_join(struct fairness *turns, struct conn *conn)
{
	struct fairness_share *share = turns->shares;

	while (share != NULL && share->uid != conn->peer.uid) {
		share = share->next;
	}
	if (share == NULL) {
		share = calloc(1, sizeof *share);
		if (share == NULL) {
			return -ENOMEM;
		}
		share->uid = conn->peer.uid;
		share->ready_end = &share->ready;
		share->next = turns->shares;
		turns->shares = share;
		turns->share_count++;
	}
	share->conns++;
	conn->share = share;
	return 0;
}

static void unqueue(struct fairness *turns, struct conn *conn)
{
	struct fairness_share *share = conn->share;
	struct conn **link = &share->ready;

	while (*link != conn) {
		link = &(*link)->next_ready;
	}
	*link = conn->next_ready;
	if (conn->next_ready == NULL) {
		share->ready_end = link;
	}
	conn->ready = false;
	turns->ready--;
}

void fairness_leave(struct fairness *turns, struct conn *conn)
{
	struct fairness_share *share = conn->share;
	struct fairness_share **link = &turns->shares;

	if (conn->ready) {
		unqueue(turns, conn);
	}
	conn->share = NULL;
	if (--share->conns > 0) {
		return;
	}
	while (*link != share) {
		link = &(*link)->next;
	}
	*link = share->next;
	turns->share_count--;
	free(share);
}

bool fairness_may(const struct fairness *turns, const struct conn *conn)
{
	return conn->share->spent < bound(turns);
}

void fairness_spend(struct conn *conn, uint32_t weight)
{
	conn->share->spent += weight;
}

void fairness_queue(struct fairness *turns, struct conn *conn)
{
	struct fairness_share *share = conn->share;

	if (conn->ready) {
		return;
	}
	conn->ready = true;
	conn->next_ready = NULL;
	*share->ready_end = conn;
	share->ready_end = &conn->next_ready;
	turns->ready++;
}

struct conn *fairness_next(struct fairness *turns)
{
	for (struct fairness_share *share = turns->shares; share != NULL; share = share->next) {
		struct conn *conn = share->ready;

		if (conn != NULL && share->spent < bound(turns)) {
			share->spent++;
			unqueue(turns, conn);
			return conn;
		}
	}
	return NULL;
}

void fairness_renew(struct fairness *turns)
{
	uint32_t share_bound = bound(turns);

	for (struct fairness_share *share = turns->shares; share != NULL; share = share->next) {
		share->spent -= share->spent < share_bound ? share->spent : share_bound;
	}
}
