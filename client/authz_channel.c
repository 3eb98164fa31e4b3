/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE /* struct ucred and SO_PEERCRED, which POSIX does not have */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/authz_handle.h"

int64_t authz_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool random_id(uint32_t *out)
{
	ssize_t n;

	do {
		n = getrandom(out, sizeof *out, 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof *out;
}

/* No advice has this number. */
#define NO_ADVICE (-1)

void authz_channel_make_own(struct authz *authz)
{
	size_t size = sizeof *authz->own; /* the kernel makes pages of it */
	void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED) {
		return;
	}
	/* An emulator of system calls may say yes to whatever it is asked, and wipe nothing. */
	if (madvise(page, size, NO_ADVICE) == 0 || madvise(page, size, MADV_WIPEONFORK) != 0) {
		munmap(page, size);
		return;
	}
	authz->own = page;
}

void authz_channel_drop_own(struct authz *authz)
{
	if (authz->own != NULL) {
		munmap(authz->own, sizeof *authz->own);
		authz->own = NULL;
	}
}

bool authz_channel_is_own(const struct authz *authz)
{
	return authz->own != NULL ? *authz->own : authz->pid == getpid();
}

/* After a fork: closes the child's copy of the descriptor, without on_disconnect, and forgets the
 * parent's requests. */
static void leave_parent(struct authz *authz)
{
	if (authz->fd >= 0) {
		close(authz->fd);
		authz->fd = -1;
	}
	wire_buf_wipe(&authz->out);
	wire_buf_wipe(&authz->in);
	authz->held = 0;
	authz->processing = false;
	authz->outstanding = authz->failing = authz->given_up = 0;
	authz->started = 0;
	if (authz->slots != NULL) {
		memset(authz->slots, 0, AUTHZ_SLOTS * sizeof *authz->slots);
	}
	authz_watch_forget(authz);
}

int authz_channel_enter(struct authz *authz)
{
	if (!authz_channel_is_own(authz)) {
		uint32_t random;

		leave_parent(authz);
		if (!random_id(&random)) {
			authz->sys_errno = errno;
			return AUTHZ_ECONNECT;
		}
		/* Another upper half, so that no id of the parent is one of the child, nor 0. */
		authz->next_id = ((authz->next_id >> 32) + 1) << 32 | random;
		authz->oldest = authz->next_id;
		authz->pid = getpid();
		if (authz->own != NULL) {
			*authz->own = true;
		}
	}
	if (authz->held > 0 && !authz->processing) {
		wire_buf_consume(&authz->in, authz->held);
		authz->held = 0;
	}
	return AUTHZ_OK;
}

/* Sets the socket's own timeouts, which spare a poll before each call. ms must be at least 1: 0
 * means no timeout. */
static int set_timeouts(int fd, int64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof tv) < 0 ||
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv) < 0) {
		return -1;
	}
	return 0;
}

/* Sets the socket's timeouts to the time left until the deadline. */
static int shorten_timeouts(struct authz *authz, int64_t deadline)
{
	int64_t left = deadline - authz_now();

	if (left <= 0) {
		return AUTHZ_ETIMEOUT;
	}
	if (set_timeouts(authz->fd, left) < 0) {
		authz->sys_errno = errno;
		return AUTHZ_ECLOSED;
	}
	authz->timeo_changed = true;
	return AUTHZ_OK;
}

/* Sets the timeouts of a kept connection back to timeout_ms. */
static int restore_timeouts(struct authz *authz)
{
	if (authz->timeo_changed && set_timeouts(authz->fd, authz->timeout_ms) < 0) {
		authz->sys_errno = errno;
		return AUTHZ_ECLOSED;
	}
	authz->timeo_changed = false;
	return AUTHZ_OK;
}

static int connect_path(struct authz *authz, int fd, int64_t deadline, bool wait)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, authz->path, strlen(authz->path) + 1);
	for (;;) {
		int64_t left = deadline - authz_now();

		if (left <= 0) {
			return AUTHZ_ETIMEOUT;
		}
		if (wait && set_timeouts(fd, left) < 0) {
			break;
		}
		if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
			return AUTHZ_OK;
		}
		/* EAGAIN: the listener's queue stayed full until the timeout. */
		if (errno != EINTR && !(wait && errno == EAGAIN)) {
			break;
		}
	}
	authz->sys_errno = errno;
	return AUTHZ_ECONNECT;
}

/* Makes a connected descriptor blocking, whatever it was for connect(): the event loop interface
 * uses MSG_DONTWAIT. Its timeouts are the time left until the deadline. */
static int make_blocking(struct authz *authz, int fd, int64_t deadline)
{
	int flags = fcntl(fd, F_GETFL);
	int64_t left = deadline - authz_now();

	if (left <= 0) {
		return AUTHZ_ETIMEOUT;
	}
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
		set_timeouts(fd, left) < 0) {
		authz->sys_errno = errno;
		return AUTHZ_ECONNECT;
	}
	return AUTHZ_OK;
}

int authz_channel_open(struct authz *authz, int64_t deadline, bool wait)
{
	int fd, r;

	if (authz->fd >= 0) {
		return wait ? restore_timeouts(authz) : AUTHZ_OK;
	}
	authz->sys_errno = 0;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	if (fd < 0) {
		authz->sys_errno = errno;
		return AUTHZ_ECONNECT;
	}
	r = connect_path(authz, fd, deadline, wait);
	if (r == AUTHZ_OK) {
		r = authz_trust_check(authz, fd);
	}
	if (r == AUTHZ_OK) {
		r = make_blocking(authz, fd, deadline);
	}
	if (r != AUTHZ_OK) {
		close(fd);
		return r;
	}
	authz->fd = fd;
	authz->timeo_changed = true;
	authz->was_connected = true;
	authz->ids_used = 0;
	wire_buf_wipe(&authz->in);
	wire_walk_init(&authz->walk, WIRE_MAX_RESPONSE);
	return AUTHZ_OK;
}

void authz_channel_close(struct authz *authz)
{
	if (authz->fd >= 0) {
		if (authz->on_disconnect != NULL && authz_channel_is_own(authz)) {
			authz->on_disconnect(authz->data, authz->fd);
		}
		authz_watch_close(authz);
		close(authz->fd);
		authz->fd = -1;
	}
	authz_slots_forget(authz);
	wire_buf_wipe(&authz->in);
	authz->held = 0;
}

int authz_channel_send(struct authz *authz, int64_t deadline, size_t *out_sent)
{
	int r = AUTHZ_OK;

	*out_sent = 0;
	while (r == AUTHZ_OK && *out_sent < authz->out.len) {
		ssize_t n = send(authz->fd, authz->out.data + *out_sent, authz->out.len - *out_sent,
			MSG_NOSIGNAL);

		if (n > 0) {
			*out_sent += (size_t)n;
		} else if (errno != EINTR && errno != EAGAIN) {
			authz->sys_errno = errno;
			return AUTHZ_ECLOSED;
		}
		if (*out_sent < authz->out.len) {
			r = shorten_timeouts(authz, deadline);
		}
	}
	return r;
}

int authz_channel_recv(struct authz *authz, int64_t deadline, size_t *out_len)
{
	for (;;) {
		uint8_t *room = wire_buf_reserve(&authz->in, AUTHZ_RECV_ROOM);
		ssize_t n;
		int r;

		if (room == NULL) {
			return AUTHZ_ENOMEM;
		}
		n = recv(authz->fd, room, authz->in.cap - authz->in.len, 0);
		if (n == 0) {
			authz->sys_errno = 0;
			return AUTHZ_ECLOSED;
		}
		if (n > 0) {
			enum wire_progress progress;

			authz->in.len += (size_t)n;
			progress = wire_walk(&authz->walk, authz->in.data, authz->in.len, out_len);
			if (progress == WIRE_COMPLETE) {
				return AUTHZ_OK;
			}
			if (progress != WIRE_NEED_MORE) {
				return AUTHZ_EPROTO;
			}
		} else if (errno != EINTR && errno != EAGAIN) {
			authz->sys_errno = errno;
			return AUTHZ_ECLOSED;
		}
		r = shorten_timeouts(authz, deadline);
		if (r != AUTHZ_OK) {
			return r;
		}
	}
}

uint64_t authz_channel_id(struct authz *authz)
{
	authz->ids_used++;
	return authz->next_id++;
}
