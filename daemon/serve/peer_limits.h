/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * quota: what peers may hold open: connections, and memory of the daemon's.
 *
 * Charge before you allocate, release when you free. Charges never block for long; a refused one
 * leaves the counters as they were. Not on the way of a decision: a request that came whole and an
 * answer that was taken at once cost nothing here. Any thread.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define QUOTA_CONNECTIONS     1024
#define QUOTA_CONNECTIONS_UID 256
#define QUOTA_MEMORY          ((size_t)64 << 20) /* of all connections: requests and answers */
#define QUOTA_MEMORY_UID      (QUOTA_MEMORY / 4)
#define QUOTA_RESERVE         (QUOTA_MEMORY / 8) /* of it, for managing connections alone */

struct quota;
struct quota_user; /* one uid's part; lives as long as it holds anything */

int quota_create(struct quota **out);
void quota_destroy(struct quota *quota); /* NULL is ignored */

/* Takes one connection for uid; an exempt one is never refused nor counted. 0; -EDQUOT: the uid has
 * as many as it may; -EUSERS: all have together; -ENOMEM. */
int quota_connect(struct quota *quota, uid_t uid, bool exempt, struct quota_user **out);
void quota_disconnect(struct quota *quota, struct quota_user *user, bool exempt);

/* Takes memory; with `manages` the reserve may be used. */
bool quota_charge(struct quota *quota, struct quota_user *user, size_t bytes, bool manages);
void quota_release(struct quota *quota, struct quota_user *user, size_t bytes);
