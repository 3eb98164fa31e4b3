/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/share/share_internal.h"

/* Pauses between two tries, in ms. The first is short, since most connections break because the
 * server was started again; the longest bounds how long after an outage a host goes on. */
#define FIRST_PAUSE   100
#define LONGEST_PAUSE 3000

/* The next try is later than the last one, and not that of all other hosts. */
static void put_off(struct watcher *watcher)
{
	uint64_t pause = watcher->pause < FIRST_PAUSE ? FIRST_PAUSE : watcher->pause;

	watcher->random = watcher->random * 1664525 + 1013904223;
	watcher->connect_at = share_now() + (pause / 2 + (watcher->random >> 8) % (pause / 2 + 1)) *
						    SHARE_NS_OF_MS;
	watcher->pause = pause * 2 > LONGEST_PAUSE ? LONGEST_PAUSE : pause * 2;
}

static void set_connected(struct share *share, bool connected)
{
	pthread_mutex_lock(&share->lock);
	share->status.connected = connected;
	pthread_mutex_unlock(&share->lock);
}

void watcher_lose(struct watcher *watcher, int error)
{
	char why[SHARE_WHY];

	snprintf(why, sizeof why, "%s", watcher->log->ops->why(watcher->log));
	if (why[0] == '\0') {
		snprintf(why, sizeof why, "the database does not answer (%s)", strerror(-error));
	}
	watcher->log->ops->close(watcher->log);
	watcher->log = NULL;
	watcher->entered = false;
	share_note_problem(watcher->share, SHARE_CONNECTION, why);
	set_connected(watcher->share, false);
	put_off(watcher);
}

static int open_one(struct watcher *watcher, bool listen, struct share_log **out)
{
	struct share *share = watcher->share;
	/* A copy that is being sent may be for a database that was lost. */
	struct share_expect expect = {
		.realm = watcher->shared,
		.absent = atomic_load(&share->restore.touched) != 0,
	};
	const struct share_connect how = {
		.conninfo = share->options.conninfo,
		.expect = watcher->shared ? &expect : NULL,
		.listen = listen,
		.timeout = SHARE_CONNECT_MS,
	};
	char why[SHARE_WHY] = "";
	int r;

	memcpy(expect.realm_id, watcher->place.realm, sizeof expect.realm_id);
	memcpy(expect.secrets, share->fingerprint, sizeof expect.secrets);
	r = share->database->connect(&how, out, why);
	if (r < 0) {
		share_note_problem(share, SHARE_CONNECTION, why);
		put_off(watcher);
	}
	return r;
}

static void open_own(struct watcher *watcher)
{
	bool listens = watcher->hosts <= 200;

	if (open_one(watcher, listens, &watcher->log) < 0) {
		watcher->log = NULL;
		return;
	}
	watcher->listens = listens;
	watcher->connection++;
	watcher->entered = false;
	watcher->look_at = 0;
	watcher->beat_at = 0;
	set_connected(watcher->share, true);
	if (!watcher->shared) {
		share_note_problem(watcher->share, SHARE_CONNECTION, "");
	}
}

/* Closes what the writer gave back broken. True: it has none, and wants one. */
static bool wants_one(struct share *share)
{
	struct share_log *broken;
	bool wants;

	pthread_mutex_lock(&share->lock);
	broken = share->lending.broken;
	share->lending.broken = NULL;
	wants = share->lending.log == NULL && !share->lending.lent;
	pthread_mutex_unlock(&share->lock);
	if (broken != NULL) {
		broken->ops->close(broken);
	}
	return wants;
}

static void open_writers(struct watcher *watcher)
{
	struct share *share = watcher->share;
	struct share_log *log = NULL;
	int r = open_one(watcher, false, &log);

	pthread_mutex_lock(&share->lock);
	if (r == 0) {
		share->lending.log = log;
		share->lending.number++;
	}
	share->lending.opening = false;
	pthread_cond_broadcast(&share->changed);
	pthread_mutex_unlock(&share->lock);
	if (r == 0) {
		watcher->pause = 0;
		share_wake_writer(share);
	}
}

void watcher_connect(struct watcher *watcher)
{
	struct share *share = watcher->share;
	bool wants = wants_one(share);

	if ((watcher->log != NULL && !wants) || share_now() < watcher->connect_at) {
		return;
	}
	if (watcher->log == NULL) {
		open_own(watcher);
	}
	if (watcher->log != NULL && wants) {
		open_writers(watcher);
	}
	if (watcher->log == NULL) {
		pthread_mutex_lock(&share->lock);
		share->lending.opening = false;
		pthread_cond_broadcast(&share->changed);
		pthread_mutex_unlock(&share->lock);
	}
}

void watcher_disconnect(struct watcher *watcher)
{
	struct share *share = watcher->share;

	wants_one(share);
	watcher_use_end(watcher);
	if (watcher->log != NULL && watcher->entered) {
		share->database->host_leave(watcher->log, share->instance, SHARE_LOOK_MS);
	}
	if (watcher->log != NULL) {
		watcher->log->ops->close(watcher->log);
		watcher->log = NULL;
	}
	/* The writer has ended. */
	if (share->lending.log != NULL) {
		share->lending.log->ops->close(share->lending.log);
		share->lending.log = NULL;
	}
}
