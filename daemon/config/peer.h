/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * peer: the process at the other end of a connection, by the credentials that the kernel reports
 * (SO_PEERCRED, SO_PEERGROUPS), and what its listener and the configuration allow it. Filled at
 * accept; read-only afterwards.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct config;

/* Supplementary groups that are read. A peer with more is logged, and its primary group alone
 * counts. */
#define PEER_GROUPS 64

/* The kernel's uid for every user that a namespace does not map, and the gid for every such group.
 */
#define PEER_OVERFLOW ((uid_t)65534)

struct peer {
	uid_t uid;
	uid_t user; /* as which limits count it: uid, or the user whose subordinate uid it is */
	gid_t gid;
	pid_t pid;
	gid_t groups[PEER_GROUPS];
	size_t group_count;
	bool known;        /* the kernel reports its uid, and it is not 65534 */
	bool may_decide;   /* the listener serves methods that decide */
	bool may_manage;   /* and managing methods without a token */
	bool trusted;      /* may state facts about others */
	bool superuser;    /* root or the daemon's own uid: with may_manage it may do everything */
	bool impersonates; /* an `impersonate` line names it: with may_manage it may act as any
			    * principal */
	bool manager;      /* a `manage` line names it: with may_manage it may do something */
	bool manages_all;  /* one gives it all of the tree authz: it may give what it does not have
			    */
};

/* Reads the credentials of a connected socket; the caller sets may_decide and may_manage. 0 or a
 * negative errno. uid 65534 stands for any unmapped user: it is neither trusted nor a superuser. */
int peer_init(struct peer *peer, int fd, const struct config *config);

/* May it call methods about the daemon itself? */
static inline bool peer_manages(const struct peer *peer)
{
	return peer->may_manage && (peer->superuser || peer->manager);
}
#define PEER_NOT_MANAGER                                                                           \
	"only the daemon's user, root and peers that a `manage` line names may do this"

/* Is this its primary group, or one of its supplementary groups? */
bool peer_has_group(const struct peer *peer, gid_t gid);
