/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/fairness.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/serve/conn.h"

struct fairness_share {
	struct fairness_share *next; /* in fairness.shares */
	uid_t user;
	uint32_t conns;
	uint64_t spent; /* in this round, with what is owed from those before */
	struct conn *ready;
	struct conn **ready_end;
};

static uint32_t bound(const struct fairness *fairness)
{
	return fairness->share_count > 1 ? FAIRNESS_SHARE : FAIRNESS_ALONE;
}

int fairness_join(struct fairness *fairness, struct conn *conn)
{
	struct fairness_share *share = fairness->shares;

	while (share != NULL && share->user != conn->peer.user) {
		share = share->next;
	}
	if (share == NULL) {
		share = calloc(1, sizeof *share);
		if (share == NULL) {
			return -ENOMEM;
		}
		share->user = conn->peer.user;
		share->ready_end = &share->ready;
		share->next = fairness->shares;
		fairness->shares = share;
		fairness->share_count++;
	}
	share->conns++;
	conn->share = share;
	return 0;
}

static void unqueue(struct fairness *fairness, struct conn *conn)
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
	fairness->ready--;
}

void fairness_leave(struct fairness *fairness, struct conn *conn)
{
	struct fairness_share *share = conn->share;
	struct fairness_share **link = &fairness->shares;

	if (conn->ready) {
		unqueue(fairness, conn);
	}
	conn->share = NULL;
	if (--share->conns > 0) {
		return;
	}
	while (*link != share) {
		link = &(*link)->next;
	}
	*link = share->next;
	fairness->share_count--;
	free(share);
}

bool fairness_may(const struct fairness *fairness, const struct conn *conn)
{
	return conn->share->spent < bound(fairness);
}

void fairness_spend(struct conn *conn, uint32_t weight)
{
	conn->share->spent += weight;
}

void fairness_queue(struct fairness *fairness, struct conn *conn)
{
	struct fairness_share *share = conn->share;

	if (conn->ready) {
		return;
	}
	conn->ready = true;
	conn->next_ready = NULL;
	*share->ready_end = conn;
	share->ready_end = &conn->next_ready;
	fairness->ready++;
}

struct conn *fairness_next(struct fairness *fairness)
{
	for (struct fairness_share *share = fairness->shares; share != NULL; share = share->next) {
		struct conn *conn = share->ready;

		if (conn != NULL && share->spent < bound(fairness)) {
			share->spent++;
			unqueue(fairness, conn);
			return conn;
		}
	}
	return NULL;
}

void fairness_renew(struct fairness *fairness)
{
	uint32_t share_bound = bound(fairness);

	for (struct fairness_share *share = fairness->shares; share != NULL; share = share->next) {
		share->spent -= share->spent < share_bound ? share->spent : share_bound;
	}
}
