/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/host/log.h"

static void report(int error)
{
	log_warn("the supervisor could not be notified", "error=%s", strerror(error));
}

/* A descriptor or a negative errno. */
static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	socklen_t size;
	int fd, r;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof address.sun_path) {
		return -EINVAL;
	}
	memcpy(address.sun_path, path, len);
	if (path[0] == '@') {
		address.sun_path[0] = '\0';
	}
	size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		return -errno;
	}
	if (connect(fd, (const struct sockaddr *)&address, size) != 0) {
		r = -errno;
		close(fd);
		return r;
	}
	return fd;
}

int notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd;

	if (path == NULL || path[0] == '\0') {
		return -1;
	}
	fd = connect_to(path);
	if (fd < 0) {
		report(-fd);
		return -1;
	}
	return fd;
}

void notify_send(int fd, const char *state)
{
	if (fd >= 0 && send(fd, state, strlen(state), MSG_NOSIGNAL) < 0) {
		report(errno);
	}
}
