/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * peer_limits: limits what peers hold: connections, and memory of the daemon for them.
 *
 * A uid here is peer.user: subordinate uids count as the user whose they are. Connections are
 * shared fairly by uid, as dbus-broker shares its resources: a uid may hold what lets it have at
 * most 1/(n+1) of the shared connections that no other uid holds, n being the number of uids that
 * hold some. So a new uid finds room long after few uids have taken all they may. Two reserves,
 * each an eighth of all connections, are not shared: one is for peers that the configuration trusts
 * or lets manage, one for the first connection of a uid that holds none. Root and the daemon's own
 * user are not counted.
 *
 * Charge before you allocate, release when you free. Charges never block for long; a refused one
 * leaves the counters as they were. Not on the way of a decision: a request that came whole and an
 * answer that was taken at once cost nothing here. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PEER_LIMITS_MEMORY     ((size_t)64 << 20) /* of all connections: requests and answers */
#define PEER_LIMITS_MEMORY_UID (PEER_LIMITS_MEMORY / 4)
#define PEER_LIMITS_RESERVE    (PEER_LIMITS_MEMORY / 8) /* of it, for managing connections alone */

struct peer_limits;
struct peer_limits_user; /* one uid's part; lives as long as it holds anything */

/* connections: of all together; user_connections: of one uid. */
int peer_limits_create(unsigned connections, unsigned user_connections, struct peer_limits **out);
void peer_limits_destroy(struct peer_limits *limits); /* NULL is ignored */

enum peer_limits_pool {
	PEER_LIMITS_EXEMPT = 0, /* root and the daemon's own user */
	PEER_LIMITS_SHARED,
	PEER_LIMITS_PREFERRED, /* the reserve for trusted peers and managers */
	PEER_LIMITS_FIRST,     /* the reserve for a uid's first connection */
	PEER_LIMITS_POOLS,
};

/* One connection, and what is kept for it. */
struct peer_limits_slot {
	struct peer_limits_user *user;
	enum peer_limits_pool pool;
};

/* Takes a connection for uid. 0; -EDQUOT: the uid has as many as it may; -EUSERS: none is left for
 * a uid that holds none; -ENOMEM. */
int peer_limits_connect(struct peer_limits *limits, uid_t uid, bool exempt, bool preferred,
	struct peer_limits_slot *out);
void peer_limits_disconnect(struct peer_limits *limits, const struct peer_limits_slot *slot);

/* Are so few connections left that a uid that holds none would get none of the shared ones? */
bool peer_limits_are_scarce(struct peer_limits *limits);

/* Counts a connection that was refused for another reason, such as memory or descriptors. */
void peer_limits_count_refused(struct peer_limits *limits);

/* How many connections were refused. */
uint64_t peer_limits_refused(struct peer_limits *limits);

/* Takes memory; with `manages` the reserve may be used. */
bool peer_limits_charge(
	struct peer_limits *limits, struct peer_limits_user *user, size_t bytes, bool manages);
void peer_limits_release(struct peer_limits *limits, struct peer_limits_user *user, size_t bytes);
