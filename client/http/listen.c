/* SPDX-License-Identifier: Apache-2.0 */
#include "client/http/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/host/activation.h"

enum { BACKLOG = 1024 };

static int fail(const char *what, const char *path)
{
	int r = -errno;

	fprintf(stderr, "authz-http: cannot %s: %s: %s\n", what, strerror(-r), path);
	return r;
}

/* --- a Unix socket ---------------------------------------------------------------------------- */

/* The socket that a supervisor passed for this path; -1: none. */
static int passed(const struct http_listener *listener, const struct activation *activation)
{
	for (unsigned i = 0; activation != NULL && i < activation->count; i++) {
		if (strcmp(activation->sockets[i].path, listener->path) == 0) {
			return activation->sockets[i].fd;
		}
	}
	return -1;
}

/* Removes a socket that a dead process left. */
static int clear_path(const struct sockaddr_un *address)
{
	const char *path = address->sun_path;
	struct stat stat;
	int fd, r;

	if (lstat(path, &stat) != 0) {
		return errno == ENOENT ? 0 : fail("look at the socket's path", path);
	}
	if (!S_ISSOCK(stat.st_mode)) {
		errno = EEXIST;
		return fail("make the socket: something that is not a socket is at its path", path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return fail("make a socket", path);
	}
	r = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
	close(fd);
	if (r != -ECONNREFUSED) {
		errno = EADDRINUSE;
		return fail("make the socket: another process serves it", path);
	}
	return unlink(path) == 0 || errno == ENOENT ? 0 : fail("remove a dead socket", path);
}

static int open_unix(const struct http_listener *listener)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, r;

	memcpy(address.sun_path, listener->path, strlen(listener->path));
	r = clear_path(&address);
	if (r < 0) {
		return r;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return fail("make the socket", listener->path);
	}
	mask = umask(0777 & ~listener->mode);
	r = bind(fd, (const struct sockaddr *)&address, sizeof address);
	umask(mask);
	if (r != 0) {
		r = fail("make the socket", listener->path);
	} else if (listener->has_group && fchownat(AT_FDCWD, listener->path, (uid_t)-1,
						  listener->group, AT_SYMLINK_NOFOLLOW) != 0) {
		r = fail("give the socket to the group of its `listen` line", listener->path);
	} else if (listen(fd, BACKLOG) != 0) {
		r = fail("listen", listener->path);
	}
	if (r < 0) {
		close(fd);
	}
	return r < 0 ? r : fd;
}

/* --- the loopback address --------------------------------------------------------------------- */

static int open_loopback(const struct http_listener *listener)
{
	struct sockaddr_in ip4 = { .sin_family = AF_INET, .sin_port = htons(listener->port) };
	struct sockaddr_in6 ip6 = { .sin6_family = AF_INET6, .sin6_port = htons(listener->port) };
	const struct sockaddr *address = (const struct sockaddr *)&ip4;
	socklen_t len = sizeof ip4;
	int fd, r = 0;
	char name[32];

	ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ip6.sin6_addr = in6addr_loopback;
	snprintf(name, sizeof name, listener->ip6 ? "[::1]:%u" : "127.0.0.1:%u", listener->port);
	if (listener->ip6) {
		address = (const struct sockaddr *)&ip6;
		len = sizeof ip6;
	}
	fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return fail("make the socket", name);
	}
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)) != 0 ||
		bind(fd, address, len) != 0 || listen(fd, BACKLOG) != 0) {
		r = fail("listen", name);
		close(fd);
	}
	return r < 0 ? r : fd;
}

/* --- both ------------------------------------------------------------------------------------- */

int http_listen(const struct http_listener *listener, const struct activation *activation)
{
	int fd;

	if (listener->path == NULL) {
		return open_loopback(listener);
	}
	fd = passed(listener, activation);
	if (fd < 0) {
		return open_unix(listener);
	}
	return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 ? fd
						   : fail("take the passed socket", listener->path);
}

bool http_listen_is_made(const struct http_listener *listener, const struct activation *activation)
{
	return listener->path != NULL && passed(listener, activation) < 0;
}

void http_listen_remove(const struct http_listener *listener, const struct activation *activation)
{
	if (http_listen_is_made(listener, activation)) {
		(void)unlink(listener->path);
	}
}
