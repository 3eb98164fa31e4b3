/* SPDX-License-Identifier: Apache-2.0 */

/*
 * authz_watch: what the program's event loop has to watch: the descriptor, its events and one
 * timer. Programs ask for them in each turn, or callbacks report that they changed.
 */

#include <limits.h>
#include <poll.h>

#include "client/authz_handle.h"

int authz_fd(const struct authz *authz)
{
	return authz_channel_is_own(authz) ? authz->fd : -1;
}

static short events_of(const struct authz *authz)
{
	if (authz->fd < 0) {
		return 0;
	}
	return (short)(POLLIN | (authz->out.len > 0 ? POLLOUT : 0));
}

short authz_events(const struct authz *authz)
{
	return authz_channel_is_own(authz) ? events_of(authz) : 0;
}

uint32_t authz_outstanding(const struct authz *authz)
{
	return authz_channel_is_own(authz) ? authz->outstanding + authz->failing : 0;
}

/* When authz_process has something to do: the earliest deadline, or an attempt to connect. */
static int64_t next_time(const struct authz *authz)
{
	int64_t at = authz_slots_earliest(authz);

	if (at != INT64_MAX && authz->fd < 0 && authz->retry_at < at) {
		return authz->retry_at;
	}
	return at;
}

static int until(int64_t at)
{
	int64_t left;

	if (at == INT64_MAX) {
		return -1;
	}
	left = at - authz_now();
	if (left < 0) {
		return 0;
	}
	return left < INT_MAX ? (int)left : INT_MAX;
}

int authz_timeout(const struct authz *authz)
{
	return authz_channel_is_own(authz) ? until(next_time(authz)) : -1;
}

void authz_watch_forget(struct authz *authz)
{
	authz->watched_fd = -1;
	authz->watched_events = 0;
	authz->timer_at = INT64_MAX;
}

void authz_watch_close(struct authz *authz)
{
	if (authz->on_watch != NULL && authz->watched_fd == authz->fd &&
		authz_channel_is_own(authz)) {
		authz->on_watch(authz->watch_data, authz->fd, 0);
	}
	authz->watched_fd = -1;
	authz->watched_events = 0;
}

/* A timer that fires too early costs one authz_process, so a later deadline does not change one
 * that runs. */
static void update_timer(struct authz *authz, bool runs)
{
	int64_t at = next_time(authz);

	if (runs && at != INT64_MAX && at >= authz->timer_at) {
		return;
	}
	if (at != INT64_MAX || authz->timer_at != INT64_MAX) {
		authz->timer_at = at;
		authz->on_timer(authz->watch_data, until(at));
	}
}

void authz_watch_finish(struct authz *authz)
{
	if (authz->on_timer != NULL && authz->timer_at != INT64_MAX &&
		authz_channel_is_own(authz)) {
		authz->on_timer(authz->watch_data, -1);
	}
	authz->timer_at = INT64_MAX;
}

static void update(struct authz *authz, bool timer_runs)
{
	short events = events_of(authz);

	if (authz->on_watch == NULL || authz->processing) {
		return;
	}
	if (authz->fd >= 0 && (authz->watched_fd != authz->fd || authz->watched_events != events)) {
		authz->watched_fd = authz->fd;
		authz->watched_events = events;
		authz->on_watch(authz->watch_data, authz->fd, events);
	}
	update_timer(authz, timer_runs);
}

void authz_watch_update(struct authz *authz)
{
	update(authz, true);
}

/* A callback of this turn may have forked, and returned in the child. */
void authz_watch_turn(struct authz *authz)
{
	if (authz_channel_is_own(authz)) {
		update(authz, false);
	}
}

int authz_watch(struct authz *authz, authz_on_watch on_watch, authz_on_timer on_timer, void *data)
{
	if (authz == NULL || (on_watch == NULL) != (on_timer == NULL)) {
		return AUTHZ_EINVAL;
	}
	if (authz->processing) {
		return AUTHZ_EBUSY;
	}
	authz->on_watch = on_watch;
	authz->on_timer = on_timer;
	authz->watch_data = data;
	authz_watch_forget(authz);
	if (authz_channel_is_own(authz)) {
		authz_watch_update(authz);
	}
	return AUTHZ_OK;
}
