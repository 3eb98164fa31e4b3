/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * peer_limits: limits what peers hold: connections, and memory of the daemon for them.
 *
 * Charge before you allocate, release when you free. Charges never block for long; a refused one
 * leaves the counters as they were. Not on the way of a decision: a request that came whole and an
 * answer that was taken at once cost nothing here. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PEER_LIMITS_CONNECTIONS     1024
#define PEER_LIMITS_CONNECTIONS_UID 256
#define PEER_LIMITS_MEMORY          ((size_t)64 << 20) /* of all connections: requests and answers */
#define PEER_LIMITS_MEMORY_UID      (PEER_LIMITS_MEMORY / 4)
#define PEER_LIMITS_RESERVE         (PEER_LIMITS_MEMORY / 8) /* of it, for managing connections alone */

struct peer_limits;
struct peer_limits_user; /* one uid's part; lives as long as it holds anything */

int peer_limits_create(struct peer_limits **out);
void peer_limits_destroy(struct peer_limits *limits); /* NULL is ignored */

/* Takes one connection for uid; an exempt one is never refused nor counted. 0; -EDQUOT: the uid has
 * as many as it may; -EUSERS: all have together; -ENOMEM. */
int peer_limits_connect(
	struct peer_limits *limits, uid_t uid, bool exempt, struct peer_limits_user **out);
void peer_limits_disconnect(struct peer_limits *limits, struct peer_limits_user *user, bool exempt);

/* Takes memory; with `manages` the reserve may be used. */
bool peer_limits_charge(
	struct peer_limits *limits, struct peer_limits_user *user, size_t bytes, bool manages);
void peer_limits_release(struct peer_limits *limits, struct peer_limits_user *user, size_t bytes);
