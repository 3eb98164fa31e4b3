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

#include "daemon/host/log.h"
#include "daemon/serve/accept.h"
#include "daemon/serve/server.h"

/* Connections accepted in a row before the loop does something else. */
enum { ACCEPT_MAX = 64, LOCK_TRIES = 100 };

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

	if (fd < 0 || fstat(fd, &stat) != 0) {
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

/* Holds off every other authzd that wants to replace the same dead socket. */
static int lock_socket(
	struct listener *listener, const char *socket_path, char why[static LISTENER_WHY])
{
	static const struct timespec pause = { 0, 20 * 1000 * 1000 };
	char path[sizeof(struct sockaddr_un) + sizeof ".lock"];

	snprintf(path, sizeof path, "%s.lock", socket_path);
	listener->lock = open_lock(path, why);
	if (listener->lock < 0) {
		return listener->lock;
	}
	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(listener->lock, LOCK_EX | LOCK_NB) == 0) {
			return 0;
		}
		nanosleep(&pause, NULL);
	}
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

/* Makes the path free: 0, or it is not ours to take. */
static int clear_path(const struct sockaddr_un *address, char why[static LISTENER_WHY])
{
	const char *path = address->sun_path;
	struct stat stat;
	int r;

	if (lstat(path, &stat) != 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(stat.st_mode)) {
		snprintf(why, LISTENER_WHY,
			"there is something that is no socket: move it away, or name another path "
			"with --socket: %s",
			path);
		return -EEXIST;
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

/* Nobody can connect before listen, so mode and group are right from the first connection on. */
static int set_rights(struct listener *listener, const struct sockaddr_un *address)
{
	const struct config_listener *config = listener->config;
	uid_t uid = (uid_t)-1;
	gid_t gid = config->has_group ? config->group : (gid_t)-1;
	struct stat stat;

	if (lstat(address->sun_path, &stat) != 0) {
		return -errno;
	}
	listener->dev = stat.st_dev;
	listener->ino = stat.st_ino;
	listener->bound = true;
	if (config->has_group && lchown(address->sun_path, uid, gid) != 0) {
		return -errno;
	}
	return chmod(address->sun_path, config->mode) == 0 ? 0 : -errno;
}

static int bind_socket(
	struct listener *listener, const struct sockaddr_un *address, char why[static LISTENER_WHY])
{
	mode_t mask;
	int r;

	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0) {
		r = -errno;
	} else {
		mask = umask(0177);
		r = bind(listener->fd, (const struct sockaddr *)address, sizeof *address) == 0
			    ? 0
			    : -errno;
		umask(mask);
	}
	if (r == 0) {
		r = set_rights(listener, address);
	}
	if (r < 0) {
		snprintf(why, LISTENER_WHY, "cannot make the socket: %s: %s", strerror(-r),
			address->sun_path);
	}
	return r;
}

int listener_open(struct listener *listeners, size_t index, const struct config_listener *config,
	char why[static LISTENER_WHY])
{
	struct listener *listener = &listeners[index];
	struct sockaddr_un address;
	int r;

	*listener = LISTENER_NONE;
	listener->config = config;
	r = fill_address(&address, config->path, why);
	if (r == 0) {
		r = lock_socket(listener, config->path, why);
	}
	if (r == 0) {
		r = clear_path(&address, why);
	}
	if (r == 0) {
		r = bind_socket(listener, &address, why);
	}
	return r;
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

void listener_unlock(struct listener *listener)
{
	if (listener->lock >= 0) {
		close(listener->lock);
		listener->lock = -1;
	}
}

int listener_listen(struct listener *listener, struct server *server)
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
	if (listen(listener->fd, LISTENER_BACKLOG) != 0) {
		return -errno;
	}
	return uv_poll_start(&listener->poll, UV_READABLE, on_poll);
}

/* Before closing: the other order could remove a successor's socket. */
static void remove_file(struct listener *listener)
{
	struct stat stat;

	if (listener->bound && lstat(listener->config->path, &stat) == 0 &&
		stat.st_dev == listener->dev && stat.st_ino == listener->ino) {
		unlink(listener->config->path);
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
	if (listener->lock >= 0) {
		close(listener->lock);
	}
	if (listener->spare >= 0) {
		close(listener->spare);
	}
	listener->lock = -1;
	listener->spare = -1;
}
