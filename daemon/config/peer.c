/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config/peer.h"

#include <errno.h>
#include <sys/socket.h>

#include "daemon/config/config.h"
#include "daemon/host/log.h"

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

static void read_groups(struct peer *peer, int fd)
{
	gid_t groups[PEER_GROUPS];
	socklen_t size = sizeof groups;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0) {
		peer->group_count = size / sizeof groups[0];
		for (size_t i = 0; i < peer->group_count; i++) {
			peer->groups[i] = groups[i];
		}
		return;
	}
	/* Too many groups, or a kernel without SO_PEERGROUPS: the primary group alone counts. */
	if (errno == ERANGE) {
		log_warn("peer has too many groups, only its primary one counts",
			"uid=%u pid=%d groups=%u", (unsigned)peer->uid, (int)peer->pid,
			(unsigned)(size / sizeof groups[0]));
	}
}

int peer_init(struct peer *peer, int fd, const struct config *config)
{
	struct ucred credentials = { 0 };
	socklen_t size = sizeof credentials;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
		return -errno;
	}
	*peer = (struct peer){ .uid = credentials.uid,
		.user = credentials.uid,
		.gid = credentials.gid,
		.pid = credentials.pid };
	if (peer->uid == PEER_OVERFLOW || peer->uid == (uid_t)-1) {
		return 0;
	}
	peer->known = true;
	peer->user = config_subuid_owner(config, peer->uid);
	read_groups(peer, fd);
	peer->superuser = peer->uid == 0 || peer->uid == config->uid;
	peer->trusted = peer->superuser || config_match_trusts(config, peer);
	peer->impersonates = config_match_impersonates(config, peer);
	peer->manager = config_match_manager(config, peer);
	peer->manages_all = config_match_manager_all(config, peer);
	return 0;
}

bool peer_has_group(const struct peer *peer, gid_t gid)
{
	if (peer->gid == gid) {
		return true;
	}
	for (size_t i = 0; i < peer->group_count; i++) {
		if (peer->groups[i] == gid) {
			return true;
		}
	}
	return false;
}
