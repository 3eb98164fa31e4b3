/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
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

/* The number in a variable; 0: it is not set, or not a number. */
static uint64_t read_number(const char *name)
{
	const char *text = getenv(name);
	unsigned long long number;
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9') {
		return 0;
	}
	errno = 0;
	number = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0' ? number : 0;
}

/* A watchdog of another process is not ours. */
static uint64_t read_watchdog(void)
{
	if (getenv("WATCHDOG_PID") != NULL && read_number("WATCHDOG_PID") != (uint64_t)getpid()) {
		return 0;
	}
	return read_number("WATCHDOG_USEC");
}

struct notify notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct notify notify = NOTIFY_NONE;

	if (path == NULL || path[0] == '\0') {
		return notify;
	}
	notify.fd = connect_to(path);
	if (notify.fd < 0) {
		report(-notify.fd);
		return NOTIFY_NONE;
	}
	notify.watchdog_usec = read_watchdog();
	return notify;
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0) {
		close(notify->fd);
	}
	*notify = NOTIFY_NONE;
}

void notify_send(const struct notify *notify, const char *state)
{
	if (notify->fd >= 0 && send(notify->fd, state, strlen(state), MSG_NOSIGNAL) < 0) {
		report(errno);
	}
}

void notify_reloading(const struct notify *notify)
{
	struct timespec now;
	char state[64];

	clock_gettime(CLOCK_MONOTONIC, &now);
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu",
		(unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000);
	notify_send(notify, state);
}
