/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* struct ucred and SO_PEERCRED, which POSIX does not have */

/*
 * Which user may serve the socket. Root and the caller's own user may, and the user that the caller
 * names. So may the owner of the socket's folder, if nobody else, but root and the caller, can make
 * the path lead elsewhere: then the path names that user as surely as a configuration would. A
 * folder in one that strangers can write, such as /tmp, could be a stranger's own.
 */

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/authz_handle.h"

enum {
	LINKS_MAX = 8, /* symbolic links on the way to the socket: /var/run needs one */
	RECORD_MAX = 64 * 1024,
};

/* The kernel's uid for every user that a namespace does not map. */
#define UNMAPPED ((uid_t)65534)

/* The caller's own user, or root's number if the caller's stands for all unmapped users: then what
 * seems to be the caller's own may be anybody's. */
static uid_t own_uid(void)
{
	uid_t uid = geteuid();

	return uid != UNMAPPED ? uid : 0;
}

/* Why the socket's folder does not name the user who serves. */
enum obstacle { NONE, UNSEEN, STRANGE, WRITABLE, OTHER_OWNER, UNKNOWN_USER };

struct way {
	uid_t server;
	unsigned links;
	enum obstacle obstacle;
	char at[AUTHZ_PATH_SIZE]; /* the place of the obstacle, cut */
	uid_t owner;              /* of that place */
};

static bool stop(struct way *way, enum obstacle obstacle, const char *at, uid_t owner)
{
	way->obstacle = obstacle;
	way->owner = owner;
	snprintf(way->at, sizeof way->at, "%s", at);
	return false;
}

static bool check_way(struct way *way, const char *path);

static bool check_link(struct way *way, const char *path)
{
	char target[PATH_MAX], whole[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof target - 1);
	const char *slash = strrchr(path, '/');
	int n;

	if (len < 0 || ++way->links > LINKS_MAX) {
		return stop(way, UNSEEN, path, 0);
	}
	target[len] = '\0';
	n = target[0] == '/'
		    ? snprintf(whole, sizeof whole, "%s", target)
		    : snprintf(whole, sizeof whole, "%.*s/%s", (int)(slash - path), path, target);
	if (n < 0 || (size_t)n >= sizeof whole) {
		return stop(way, UNSEEN, path, 0);
	}
	return check_way(way, whole);
}

/* One component: may only root, the caller and the server change what is in it? */
static bool check_place(struct way *way, const char *path)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		return stop(way, UNSEEN, path, 0);
	}
	if (st.st_uid != 0 && st.st_uid != own_uid() && st.st_uid != way->server) {
		return stop(way, STRANGE, path, st.st_uid);
	}
	if (S_ISLNK(st.st_mode)) {
		return check_link(way, path);
	}
	if (!S_ISDIR(st.st_mode)) {
		return stop(way, UNSEEN, path, 0);
	}
	return (st.st_mode & 022) == 0 || stop(way, WRITABLE, path, st.st_uid);
}

/* Every component of an absolute path, and of the targets of links in it. */
static bool check_way(struct way *way, const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);

	if (len >= sizeof part) {
		return stop(way, UNSEEN, path, 0);
	}
	if (!check_place(way, "/")) {
		return false;
	}
	for (size_t i = 1; i <= len; i++) {
		if ((path[i] == '/' || path[i] == '\0') && path[i - 1] != '/') {
			memcpy(part, path, i);
			part[i] = '\0';
			if (!check_place(way, part)) {
				return false;
			}
		}
	}
	return true;
}

/* The folder of the socket as an absolute path. */
static bool folder_of(const char *socket, char out[static PATH_MAX])
{
	const char *slash = strrchr(socket, '/');
	int len = slash == socket ? 1 : slash != NULL ? (int)(slash - socket) : 0;
	size_t used = 0;

	if (socket[0] != '/') {
		if (getcwd(out, PATH_MAX) == NULL) {
			return false;
		}
		used = strlen(out);
		if (used + 1 < PATH_MAX) {
			out[used++] = '/';
		}
	}
	return (size_t)snprintf(out + used, PATH_MAX - used, "%.*s", len, socket) < PATH_MAX - used;
}

static bool folder_names(const char *socket, struct way *way)
{
	char folder[PATH_MAX];
	struct stat st;

	if (way->server == UNMAPPED) {
		return stop(way, UNKNOWN_USER, socket, UNMAPPED);
	}
	if (!folder_of(socket, folder)) {
		return stop(way, UNSEEN, socket, 0);
	}
	if (!check_way(way, folder)) {
		return false;
	}
	if (stat(folder, &st) != 0) {
		return stop(way, UNSEEN, folder, 0);
	}
	return st.st_uid == way->server || stop(way, OTHER_OWNER, folder, st.st_uid);
}

static bool is_trusted(const struct authz *authz, struct way *way)
{
	return way->server == 0 || way->server == own_uid() ||
	       (authz->server_uid != 0 && way->server == authz->server_uid) ||
	       folder_names(authz->path, way);
}

int authz_trust_check(struct authz *authz, int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	struct way way = { .obstacle = NONE };
	socklen_t len = sizeof cred;

	authz->server = (uid_t)-1;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0 || len != sizeof cred ||
		cred.uid == (uid_t)-1) {
		authz->sys_errno = errno;
		return AUTHZ_EPEER;
	}
	authz->server = cred.uid;
	way.server = cred.uid;
	return is_trusted(authz, &way) ? AUTHZ_OK : AUTHZ_EPEER;
}

/* --- users ------------------------------------------------------------------------------------ */

/* Calls getpwnam_r, or getpwuid_r when name is NULL. 0, or AUTHZ_EINVAL: there is no such user. */
static int find_record(
	const char *name, uid_t uid, uid_t *out_uid, char *out_name, size_t name_size)
{
	struct passwd record, *found = NULL;
	char *room = NULL, *grown;
	int r = ERANGE;

	for (size_t size = 1024; r == ERANGE && size <= RECORD_MAX; size *= 2) {
		grown = realloc(room, size);
		if (grown == NULL) {
			break;
		}
		room = grown;
		r = name != NULL ? getpwnam_r(name, &record, room, size, &found)
				 : getpwuid_r(uid, &record, room, size, &found);
	}
	if (r != 0) {
		found = NULL;
	}
	if (found != NULL && out_uid != NULL) {
		*out_uid = found->pw_uid;
	}
	if (found != NULL && out_name != NULL) {
		snprintf(out_name, name_size, "%s", found->pw_name);
	}
	free(room);
	return found != NULL ? AUTHZ_OK : AUTHZ_EINVAL;
}

int authz_find_user(const char *user, uid_t *out)
{
	unsigned long long number;
	char *end;

	if (user == NULL || out == NULL || user[0] == '\0') {
		return AUTHZ_EINVAL;
	}
	if (!isdigit((unsigned char)user[0])) {
		return find_record(user, 0, out, NULL, 0);
	}
	errno = 0;
	number = strtoull(user, &end, 10);
	/* The largest number stands for no user. */
	if (errno != 0 || *end != '\0' || number >= (uid_t)-1) {
		return AUTHZ_EINVAL;
	}
	*out = (uid_t)number;
	return AUTHZ_OK;
}

uid_t authz_server(const struct authz *authz)
{
	return authz->server;
}

/* --- for people ------------------------------------------------------------------------------- */

static void explain_obstacle(const struct way *way, char *out, size_t size)
{
	switch (way->obstacle) {
	case STRANGE:
		snprintf(out, size, "%s belongs to uid %u, who could replace the socket", way->at,
			(unsigned)way->owner);
		break;
	case WRITABLE:
		snprintf(out, size, "others can write %s, and could replace the socket", way->at);
		break;
	case OTHER_OWNER:
		snprintf(out, size, "the socket's folder %s belongs to uid %u", way->at,
			(unsigned)way->owner);
		break;
	case UNKNOWN_USER:
		snprintf(out, size, "this number stands for every user of another user namespace");
		break;
	case NONE:
	case UNSEEN:
	default:
		snprintf(out, size, "the way to the socket's folder cannot be checked at %s",
			way->at);
		break;
	}
}

static void explain_peer(const struct authz *authz, char *out, size_t size)
{
	struct way way = { .server = authz->server, .obstacle = NONE };
	char name[64] = "", why[AUTHZ_PATH_SIZE + 96];
	bool named = find_record(NULL, authz->server, NULL, name, sizeof name) == AUTHZ_OK;

	/* Things may have changed since; then it is trusted now, and this says no reason. */
	if (is_trusted(authz, &way)) {
		snprintf(out, size, "%s", authz_strerror(AUTHZ_EPEER));
		return;
	}
	explain_obstacle(&way, why, sizeof why);
	if (!named) {
		snprintf(name, sizeof name, "%u", (unsigned)authz->server);
	}
	snprintf(out, size,
		"the socket is served by uid %u%s%s%s, which is not trusted, since %s; if this is "
		"the daemon's user, set AUTHZ_SERVER_USER=%s",
		(unsigned)authz->server, named ? " (" : "", named ? name : "", named ? ")" : "",
		why, name);
}

void authz_explain(const struct authz *authz, int error, char *out, size_t size)
{
	if (error == AUTHZ_EPEER && authz->server != (uid_t)-1) {
		explain_peer(authz, out, size);
	} else if ((error == AUTHZ_ECONNECT || error == AUTHZ_ECLOSED) && authz->sys_errno != 0) {
		snprintf(out, size, "%s: %s", authz_strerror(error), strerror(authz->sys_errno));
	} else {
		snprintf(out, size, "%s", authz_strerror(error));
	}
}
