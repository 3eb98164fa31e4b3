/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/activation.h"
#include "daemon/host/log.h"
#include "daemon/host/socket_file.h"
#include "daemon/serve/accept.h"
#include "daemon/serve/peer_limits.h"
#include "daemon/serve/server.h"

/* Connections accepted in a row before the loop does something else. */
enum { ACCEPT_MAX = 64, LOCK_TRIES = 100 };

/* connect(2) asks for these rights alone. */
#define MAY_CONNECT (S_IWUSR | S_IWGRP | S_IWOTH)

static int fill_address(
	struct sockaddr_un *address, const char *path, char why[static LISTENER_WHY])
{
	size_t len = strlen(path);

	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof address->sun_path) {
		snprintf(why, LISTENER_WHY,
			"the socket's path has %zu bytes and the system takes %zu: name a shorter "
			"one with --socket: %s",
			len, sizeof address->sun_path - 1, path);
		return -ENAMETOOLONG;
	}
	memcpy(address->sun_path, path, len);
	return 0;
}

/* A file of our own that nobody else can open: a folder, or a file that others may read, could be
 * locked by them. It is never removed: another authzd could hold the lock of the removed file. */
static int open_lock(const char *path, char why[static LISTENER_WHY])
{
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	struct stat stat;
	int r = 0;

	if (fd < 0 && errno == ENOENT) {
		r = -ENOENT;
		snprintf(why, LISTENER_WHY,
			"the socket's folder is missing: as root, install -d -m 0755 -o %u %.*s",
			(unsigned)geteuid(), (int)(strrchr(path, '/') - path), path);
	} else if (fd < 0 || fstat(fd, &stat) != 0) {
		r = -errno;
		snprintf(why, LISTENER_WHY, "cannot open the socket's lock: %s: %s", strerror(-r),
			path);
	} else if (!S_ISREG(stat.st_mode) || (stat.st_uid != 0 && stat.st_uid != geteuid()) ||
		   (stat.st_mode & 077) != 0) {
		r = -EPERM;
		snprintf(why, LISTENER_WHY,
			"the socket's lock is not ours alone, and others could hold it: remove it: "
			"%s",
			path);
	}
	if (r < 0 && fd >= 0) {
		close(fd);
	}
	return r < 0 ? r : fd;
}

/* Holds off every other authzd that wants to replace the same dead socket, until the caller closes
 * the descriptor. Negative: an errno. */
static int lock_socket(const char *socket_path, char why[static LISTENER_WHY])
{
	static const struct timespec pause = { 0, 20 * 1000 * 1000 };
	char path[sizeof(struct sockaddr_un) + sizeof ".lock"];
	int fd;

	snprintf(path, sizeof path, "%s.lock", socket_path);
	fd = open_lock(path, why);
	if (fd < 0) {
		return fd;
	}
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
			return fd;
		}
		nanosleep(&pause, NULL);
	}
	close(fd);
	snprintf(why, LISTENER_WHY,
		"another process holds the socket's lock: is another authzd starting? %s", path);
	return -EBUSY;
}

static int probe(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0) {
		return -errno;
	}
	r = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
	close(fd);
	return r;
}

/* What is at the path: 1 a socket, 0 nothing; negative: it is not ours to take. */
static int look(const char *path, char why[static LISTENER_WHY])
{
	struct stat stat;

	if (lstat(path, &stat) != 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(stat.st_mode)) {
		snprintf(why, LISTENER_WHY,
			"there is something that is not a socket: move it away, or name another "
			"path with --socket: %s",
			path);
		return -EEXIST;
	}
	return 1;
}

/* Makes the path free: 0, or it is not ours to take. */
static int clear_path(const struct sockaddr_un *address, char why[static LISTENER_WHY])
{
	const char *path = address->sun_path;
	int r = look(path, why);

	if (r <= 0) {
		return r;
	}
	r = probe(address);
	if (r == 0 || r == -EAGAIN) {
		snprintf(why, LISTENER_WHY,
			"another process serves this socket: stop it, or name another path with "
			"--socket: %s",
			path);
		return -EADDRINUSE;
	}
	if (r != -ECONNREFUSED) {
		snprintf(why, LISTENER_WHY,
			"cannot find out whether a process serves this socket: %s: %s",
			strerror(-r), path);
		return r;
	}
	if (unlink(path) != 0 && errno != ENOENT) {
		r = -errno;
		snprintf(why, LISTENER_WHY,
			"cannot remove a socket that a dead daemon left: %s: %s", strerror(-r),
			path);
		return r;
	}
	return 0;
}

/* The owner, of the file that was bound just now: in a folder that somebody else can write, another
 * file may have taken its place, so only a socket of our own with one name is given away. */
static int give_to_owner(struct listener *listener, char why[static LISTENER_WHY])
{
	const struct config_listener *config = listener->config;
	gid_t group = config->has_group ? config->group : (gid_t)-1;
	struct stat stat;
	int fd = socket_file_open(listener->fd, listener->path, &stat);
	int r = fd < 0 ? fd : 0;

	if (r == 0 && stat.st_uid != geteuid()) {
		r = -EPERM;
	} else if (r == 0) {
		listener->dev = stat.st_dev;
		listener->ino = stat.st_ino;
		listener->bound = true;
		if ((config->owner != stat.st_uid || config->has_group) &&
			fchownat(fd, "", config->owner, group, AT_EMPTY_PATH) != 0) {
			r = -errno;
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	if (r < 0) {
		snprintf(why, LISTENER_WHY,
			"cannot give the socket to uid %u and the group of its `listen` line: %s: "
			"%s",
			(unsigned)config->owner, strerror(-r), listener->path);
	}
	return r;
}

/* Nobody can connect before listen, so mode, owner and group are right from the first connection
 * on. */
static int bind_socket(
	struct listener *listener, const struct sockaddr_un *address, char why[static LISTENER_WHY])
{
	mode_t mask;
	int r;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0) {
		r = -errno;
	} else {
		mask = umask(0777 & ~listener->config->mode);
		r = bind(listener->fd, (const struct sockaddr *)address, sizeof *address) == 0
			    ? 0
			    : -errno;
		umask(mask);
	}
	if (r < 0) {
		snprintf(why, LISTENER_WHY, "cannot make the socket: %s: %s", strerror(-r),
			listener->path);
		return r;
	}
	r = give_to_owner(listener, why);
	if (r == 0 && listen(listener->fd, LISTENER_BACKLOG) != 0) {
		r = -errno;
		snprintf(why, LISTENER_WHY, "cannot listen: %s: %s", strerror(-r), listener->path);
	}
	return r;
}

int listener_open(struct listener *listener, const struct config_listener *config,
	char why[static LISTENER_WHY])
{
	struct sockaddr_un address;
	int lock, r;

	*listener = LISTENER_NONE;
	listener->config = config;
	listener->path = config->path;
	r = fill_address(&address, config->path, why);
	if (r < 0) {
		return r;
	}
	/* Beside what is not a socket there is no lock to leave. */
	r = look(config->path, why);
	if (r == -EEXIST) {
		return r;
	}
	lock = lock_socket(config->path, why);
	if (lock < 0) {
		return lock;
	}
	r = clear_path(&address, why);
	if (r == 0) {
		r = bind_socket(listener, &address, why);
	}
	close(lock);
	return r;
}

/* The file of a supervisor's socket: 0 and *out, or why clients cannot reach the socket by it. */
static int look_at_file(
	const struct listener *listener, struct stat *out, char why[static LISTENER_WHY])
{
	int fd = socket_file_open(listener->fd, listener->path, out);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (fd == -ESTALE || fd == -ENOTSOCK) {
		snprintf(why, LISTENER_WHY,
			"another file has taken the place of the socket that the supervisor "
			"passed, so no client reaches it: restart its unit: %s",
			listener->path);
	} else if (fd == -EMLINK) {
		snprintf(why, LISTENER_WHY,
			"the socket that the supervisor passed has a second name, a hard link: "
			"remove that, or restart its unit: %s",
			listener->path);
	} else {
		snprintf(why, LISTENER_WHY,
			"cannot see the socket that the supervisor passed: %s: %s", strerror(-fd),
			listener->path);
	}
	return fd;
}

/* The line is what an operator reads, so the supervisor's socket must let the same users connect,
 * which takes the right to write, and belong to the same user. */
static int check_rights(const struct listener *listener, char why[static LISTENER_WHY])
{
	const struct config_listener *config = listener->config;
	struct stat stat;
	int r = look_at_file(listener, &stat, why);

	if (r < 0) {
		return r;
	}
	if ((stat.st_mode & MAY_CONNECT) == (config->mode & MAY_CONNECT) &&
		stat.st_uid == config->owner &&
		(!config->has_group || (config->mode & S_IWGRP) == 0 ||
			stat.st_gid == config->group)) {
		return 0;
	}
	snprintf(why, LISTENER_WHY,
		"the socket that the supervisor passed has mode %04o, owner %u and group %u; its "
		"`listen` line says %04o, %u and %u: let SocketMode=, SocketUser= and SocketGroup= "
		"of its unit say the same: %s",
		(unsigned)stat.st_mode & 0777, (unsigned)stat.st_uid, (unsigned)stat.st_gid,
		(unsigned)config->mode, (unsigned)config->owner,
		(unsigned)(config->has_group ? config->group : stat.st_gid), listener->path);
	return -EPERM;
}

int listener_adopt(struct listener *listener, const struct config_listener *config,
	const struct activation_socket *socket, char why[static LISTENER_WHY])
{
	*listener = LISTENER_NONE;
	listener->config = config;
	listener->path = socket->path;
	listener->fd = socket->fd;
	return check_rights(listener, why);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void on_pause(uv_timer_t *timer)
{
	struct listener *listener = timer->data;

	uv_poll_start(&listener->poll, UV_READABLE, on_poll);
}

/* Without a descriptor the connection would stay in the queue and wake us for ever: take it with
 * the spare one, turn it away, and accept nothing for a moment. */
static void refuse_without_descriptor(struct listener *listener)
{
	int fd;

	log_error(
		"no descriptors left: connections are turned away", "pause_ms=%d", LISTENER_PAUSE);
	if (listener->spare >= 0) {
		close(listener->spare);
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			peer_limits_count_refused(listener->server->limits);
			accept_refuse(fd, "the daemon has no descriptors left: try later");
		}
		listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	uv_poll_stop(&listener->poll);
	uv_timer_start(&listener->pause, on_pause, LISTENER_PAUSE, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct listener *listener = poll->data;

	(void)status;
	(void)events;
	for (int i = 0; i < ACCEPT_MAX; i++) {
		int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			accept_connection(listener->server, listener->config, fd);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
			   errno == ENOBUFS) {
			refuse_without_descriptor(listener);
			return;
		} else if (errno != EINTR && errno != ECONNABORTED) {
			return;
		}
	}
}

int listener_accept(struct listener *listener, struct server *server)
{
	int r;

	listener->server = server;
	listener->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = uv_poll_init(&server->loop, &listener->poll, listener->fd);
	if (r < 0) {
		return r;
	}
	uv_timer_init(&server->loop, &listener->pause);
	listener->polling = true;
	listener->poll.data = listener;
	listener->pause.data = listener;
	return uv_poll_start(&listener->poll, UV_READABLE, on_poll);
}

/* Before closing: the other order could remove a successor's socket. */
static void remove_file(struct listener *listener)
{
	struct stat stat;

	if (listener->bound && lstat(listener->path, &stat) == 0 && stat.st_dev == listener->dev &&
		stat.st_ino == listener->ino) {
		unlink(listener->path);
	}
	listener->bound = false;
}

static void on_close(uv_handle_t *handle)
{
	(void)handle;
}

void listener_stop(struct listener *listener)
{
	remove_file(listener);
	if (listener->polling) {
		uv_close((uv_handle_t *)&listener->poll, on_close);
		uv_close((uv_handle_t *)&listener->pause, on_close);
		listener->polling = false;
	}
	if (listener->fd >= 0) {
		close(listener->fd);
		listener->fd = -1;
	}
}

void listener_close(struct listener *listener)
{
	listener_stop(listener);
	if (listener->spare >= 0) {
		close(listener->spare);
	}
	listener->spare = -1;
}
