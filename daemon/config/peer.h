/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * peer: who is at the other end of a connection, as the kernel says (SO_PEERCRED, SO_PEERGROUPS),
 * and what the listener it came through and the configuration let it do. Fixed at accept;
 * read-only afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;

/* A group list is cut here: more groups than this give no further rights (and are logged). */
#define PEER_GROUPS 64

struct peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	gid_t groups[PEER_GROUPS];
	size_t group_count;
	bool known;      /* the kernel says who it is, and that is somebody */
	bool may_decide; /* the listener's kind */
	bool may_manage; /* likewise: managing by what the kernel says of the peer */
	bool trusted;    /* may state facts about others */
	bool superuser;  /* root or the daemon's own uid: may do everything where may_manage */
};

/* Reads the credentials of a connected socket. 0 or a negative errno. uid 65534 is never anybody:
 * it gets neither trust nor management. */
int peer_init(struct peer *peer, int fd, const struct config *config);

/* Is the peer the user, or in the group, that a `trust` or `manage` line names? */
bool peer_has_group(const struct peer *peer, gid_t gid);
