/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refuse(int fd, const char *why)
{
	fprintf(stderr, "authzd: the supervisor passed descriptor %d: %s\n", fd, why);
	return -EINVAL;
}

/* Reads a variable that is a number from 0 to `most`. False: it is not set, or not such a
 * number. */
static bool read_number(const char *name, unsigned long most, unsigned long *out)
{
	const char *text = getenv(name);
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9') {
		return false;
	}
	errno = 0;
	*out = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && *out <= most;
}

static bool has_option(int fd, int option, int value)
{
	int got = -1;
	socklen_t size = sizeof got;

	return getsockopt(fd, SOL_SOCKET, option, &got, &size) == 0 && got == value;
}

static int read_path(struct activation_socket *socket)
{
	struct sockaddr_un address = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof address;
	size_t len;

	if (getsockname(socket->fd, (struct sockaddr *)&address, &size) != 0) {
		return refuse(socket->fd, strerror(errno));
	}
	len = size > offsetof(struct sockaddr_un, sun_path)
		      ? size - offsetof(struct sockaddr_un, sun_path)
		      : 0;
	/* The address of an abstract socket begins with a zero. */
	if (len > sizeof address.sun_path || len == 0 || address.sun_path[0] == '\0') {
		return refuse(socket->fd,
			"it has no path: give ListenStream= of its unit an absolute path");
	}
	snprintf(socket->path, sizeof socket->path, "%.*s", (int)len, address.sun_path);
	return 0;
}

static int read_socket(struct activation_socket *socket)
{
	int flags = fcntl(socket->fd, F_GETFL);

	if (flags < 0) {
		return refuse(socket->fd, strerror(errno));
	}
	if (!has_option(socket->fd, SO_DOMAIN, AF_UNIX) ||
		!has_option(socket->fd, SO_TYPE, SOCK_STREAM)) {
		return refuse(socket->fd, "it is not a Unix stream socket: use ListenStream= with "
					  "a path in its unit");
	}
	if (!has_option(socket->fd, SO_ACCEPTCONN, 1)) {
		return refuse(socket->fd,
			"it does not listen: its unit is to have ListenStream= and Accept=no");
	}
	if (fcntl(socket->fd, F_SETFD, FD_CLOEXEC) != 0 ||
		fcntl(socket->fd, F_SETFL, flags | O_NONBLOCK) != 0) {
		return refuse(socket->fd, strerror(errno));
	}
	return read_path(socket);
}

/* Cuts the next name off the list, whose separators are colons. */
static void read_name(const char **list, char out[static ACTIVATION_NAME])
{
	size_t len = strcspn(*list, ":");

	snprintf(out, ACTIVATION_NAME, "%.*s", (int)(len < ACTIVATION_NAME ? len : 0), *list);
	*list += len + ((*list)[len] == ':');
}

int activation_read(struct activation *out)
{
	const char *names = getenv("LISTEN_FDNAMES");
	unsigned long pid, count;

	*out = (struct activation){ .count = 0 };
	/* What another process was passed is not for us. */
	if (!read_number("LISTEN_PID", (unsigned long)-1, &pid) || pid != (unsigned long)getpid() ||
		getenv("LISTEN_FDS") == NULL) {
		return 0;
	}
	if (!read_number("LISTEN_FDS", ACTIVATION_SOCKETS, &count)) {
		fprintf(stderr, "authzd: LISTEN_FDS is not a number of at most %d sockets: %s\n",
			ACTIVATION_SOCKETS, getenv("LISTEN_FDS"));
		return -EINVAL;
	}
	names = names != NULL ? names : "";
	for (unsigned i = 0; i < count; i++) {
		struct activation_socket *socket = &out->sockets[i];
		int r;

		socket->fd = ACTIVATION_FIRST + (int)i;
		read_name(&names, socket->name);
		r = read_socket(socket);
		if (r < 0) {
			return r;
		}
	}
	out->count = (unsigned)count;
	return 0;
}
