/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/confine.h"
#include "daemon/host/log.h"
#include "daemon/host/signals.h"
#include "daemon/share/share_internal.h"
#include "daemon/store/trail.h"

/* Beyond this number of hosts each polls: a notice would wake all of them for each change. */
#define LISTENING_HOSTS 200
#define POLL_MS         200
/* With more hosts than this, about this many try to raise the beat in each period. */
#define BEATING_HOSTS 10
/* A host whose clock differs from the database's by more than this may only end rights: what
 * expires for it is not what expires for others. */
#define CLOCK_OFF_US 60000000
/* The thread wakes at least each time that this has passed, for what no descriptor shows. */
#define IDLE_MS 1000

/* --- what it knows ---------------------------------------------------------------------------- */

/* The store has become part of a realm: what was known is of another one, or of none. */
static void begin_realm(struct watcher *watcher)
{
	memset(&watcher->lease, 0, sizeof watcher->lease);
	memset(&watcher->proof, 0, sizeof watcher->proof);
	watcher->knows_server = false;
	watcher->knows_snapshot = false;
	watcher->caught_up = false;
	watcher->parted = false;
	watcher->held_until = 0;
	watcher->end_at = 0;
	watcher->entered = false;
	watcher->connect_at = 0;
	watcher->pause = 0;
	watcher_use_begin_again(watcher);
	if (watcher->log != NULL) {
		watcher->log->ops->close(watcher->log);
		watcher->log = NULL;
	}
}

/* Where the store is, as of now. To be read before a look: then the log cannot end before it. */
static void read_place(struct watcher *watcher)
{
	unsigned began = atomic_load(&watcher->share->began);

	watcher->shared = false;
	if (!share_is_on(watcher->share) || store_read_renew(watcher->reader) < 0) {
		return;
	}
	watcher->shared = store_get_shared(watcher->reader, &watcher->place) == 0;
	store_read_reset(watcher->reader);
	if (watcher->shared && watcher->began != began) {
		watcher->began = began;
		begin_realm(watcher);
	}
}

uint64_t watcher_applied(const struct watcher *watcher)
{
	return atomic_load_explicit(&watcher->share->options.fresh->applied, memory_order_acquire);
}

/* Why this host may only end things; NULL: it may do everything. Under the lock. */
static const char *find_least(const struct share *share)
{
	int64_t off = share->status.clock_us;

	if (off > CLOCK_OFF_US || off < -CLOCK_OFF_US) {
		return "this host's clock is 60 seconds or more off the database's: set it right";
	}
	if (share->settings.policy[0] != '\0' &&
		strcmp(share->settings.policy, share->revision) != 0) {
		return "this host's policy is not the one that all hosts are to have (store set "
		       "policy): bring it here";
	}
	return NULL;
}

/* Hands on what the workers and the writer go by. */
static void publish(struct watcher *watcher)
{
	struct share *share = watcher->share;
	struct share_fresh *fresh = share->options.fresh;
	uint64_t now = share_now();
	bool stale, end;

	pthread_mutex_lock(&share->lock);
	watcher->lease.standbys = share->settings.standbys;
	share->least_why = find_least(share);
	stale = watcher->shared &&
		(!share->caught_up || watcher->place.diverged || watcher->parted ||
			now < watcher->held_until ||
			store_head_state(share->options.store) != STORE_HEAD_FINE);
	share->want_stale = stale;
	if (stale) {
		atomic_store_explicit(&fresh->stale, true, memory_order_release);
	}
	end = !stale && atomic_load_explicit(&fresh->stale, memory_order_relaxed);
	pthread_mutex_unlock(&share->lock);
	if (watcher->shared) {
		share_lease_apply(&watcher->lease, watcher_applied(watcher));
		atomic_store_explicit(&fresh->anchor,
			now < watcher->held_until ? 0 : share_lease_anchor(&watcher->lease),
			memory_order_release);
	}
	/* Not again at once: a row that the store cannot commit keeps it stale. */
	if (end && watcher->shared && now >= watcher->end_at) {
		watcher->end_at = now + WATCHER_LOOK_MS * SHARE_NS_OF_MS;
		share_wake_writer(share);
	}
}

/* --- when it looks --------------------------------------------------------------------------- */

static bool reports_soon(const struct watcher *watcher)
{
	return watcher->hosts <= LISTENING_HOSTS;
}

/* A row that a notice names is brought by the writer; one that it has, or that it is about to have,
 * is no news. What else a look would show has time until the next one. */
static void take_notices(struct watcher *watcher)
{
	uint64_t named;

	if (watcher->log == NULL || !watcher->listens || !watcher->shared) {
		return;
	}
	named = watcher->share->database->noticed(watcher->log);
	if (!watcher->log->ops->is_connected(watcher->log)) {
		watcher->look_at = 0;
	}
	/* The writer raises `applied` before it sets `sending` to 0. */
	if (named > atomic_load(&watcher->share->append.sending) &&
		named > watcher_applied(watcher)) {
		share_wake_writer(watcher->share);
	}
}

static bool looks_now(struct watcher *watcher, uint64_t now)
{
	if (now >= watcher->look_at ||
		atomic_load(&watcher->share->append.reports) > watcher->reported) {
		return true;
	}
	/* A host that begins may allow nothing before a look shows that it has all rows. */
	return watcher_applied(watcher) != watcher->reported &&
	       (!watcher->caught_up || (reports_soon(watcher) && now >= watcher->report_at));
}

/* --- beats ------------------------------------------------------------------------------------ */

static uint32_t draw(struct watcher *watcher)
{
	watcher->random = watcher->random * 1664525 + 1013904223;
	return watcher->random >> 8;
}

static void beat(struct watcher *watcher, uint64_t now)
{
	uint64_t period = SHARE_BEAT_MS;
	int r;

	if (now < watcher->beat_at) {
		return;
	}
	/* Where there are many hosts, each tries less often, so that they do not obstruct each
	 * other. */
	if (watcher->hosts > BEATING_HOSTS) {
		period = period * watcher->hosts / BEATING_HOSTS;
		period = period / 2 + draw(watcher) % (period + 1);
	}
	watcher->beat_at = now + period * SHARE_NS_OF_MS;
	r = watcher->log->ops->beat(watcher->log, true, SHARE_LOOK_MS);
	if (r < 0) {
		watcher_lose(watcher, r);
	}
}

/* --- the thread ------------------------------------------------------------------------------- */

void watcher_step(struct watcher *watcher)
{
	uint64_t now = share_now();

	read_place(watcher);
	take_notices(watcher);
	if (watcher->shared && watcher->log != NULL && watcher_enter(watcher) == 0) {
		if (looks_now(watcher, now)) {
			watcher_look(watcher);
		}
		if (watcher->log != NULL) {
			beat(watcher, now);
		}
		if (watcher->log != NULL) {
			watcher_hosts(watcher);
		}
	}
	if (watcher->shared && watcher->log == NULL) {
		watcher_hosts_without(watcher);
	}
	publish(watcher);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* When the next thing is due, in ms from now. */
static int get_pause(const struct watcher *watcher)
{
	uint64_t now = share_now(), at = now + IDLE_MS * SHARE_NS_OF_MS;

	if (watcher->log == NULL) {
		at = sooner(at, watcher->connect_at);
	}
	if (watcher->log != NULL && watcher->shared) {
		at = sooner(sooner(at, watcher->look_at), watcher->beat_at);
		at = sooner(at, watcher->use.at);
		if (watcher_applied(watcher) != watcher->reported && reports_soon(watcher)) {
			at = sooner(at, watcher->report_at);
		}
		if (!watcher->listens) {
			at = sooner(at, now + POLL_MS * SHARE_NS_OF_MS);
		}
	}
	if (watcher->wait_at != 0) {
		at = sooner(at, watcher->wait_at);
	}
	if (watcher->held_until > now) {
		at = sooner(at, watcher->held_until);
	}
	return at <= now ? 0 : (int)((at - now) / SHARE_NS_OF_MS) + 1;
}

static void await(struct watcher *watcher)
{
	struct pollfd polled[2] = { { .fd = watcher->share->wake, .events = POLLIN },
		{ .fd = -1, .events = POLLIN } };
	uint64_t count;

	/* Those that came with answers. */
	take_notices(watcher);
	if (watcher->log != NULL && watcher->listens) {
		polled[1].fd = watcher->share->database->fd(watcher->log);
	}
	if (poll(polled, 2, get_pause(watcher)) > 0 && polled[0].revents != 0) {
		ssize_t r = read(watcher->share->wake, &count, sizeof count);

		(void)r;
	}
}

static bool goes_on(struct watcher *watcher)
{
	struct share *share = watcher->share;
	bool stop;

	pthread_mutex_lock(&share->lock);
	stop = share->stop;
	pthread_mutex_unlock(&share->lock);
	return !stop;
}

/* Without notices a poll is a look without a report. */
static void poll_head(struct watcher *watcher)
{
	struct share_head head;
	int r;

	if (watcher->log == NULL || watcher->listens || !watcher->shared ||
		watcher->look_at <= share_now()) {
		return;
	}
	r = watcher->log->ops->look(watcher->log, NULL, &head, SHARE_LOOK_MS);
	if (r < 0) {
		watcher_lose(watcher, r);
	} else if (head.sequence != watcher->place.sequence) {
		share_wake_writer(watcher->share);
	}
}

/* More hosts than may listen, or few again: the next connection is the other kind. */
static void choose_kind(struct watcher *watcher)
{
	bool many = watcher->hosts > LISTENING_HOSTS;

	if (watcher->log != NULL && watcher->shared && watcher->listens == many) {
		watcher->log->ops->close(watcher->log);
		watcher->log = NULL;
		watcher->connect_at = 0;
	}
}

/* Certificates and keys that CONNINFO names. */
#define NAMED_FILES 16

struct named {
	const char *paths[NAMED_FILES];
	size_t count;
};

static void on_file(void *context, const char *path)
{
	struct named *named = context;

	if (named->count < NAMED_FILES) {
		named->paths[named->count] = strdup(path);
		named->count += named->paths[named->count] != NULL;
	}
}

/* This thread alone reaches the network. One that cannot be limited connects nowhere. */
static bool confine(struct share *share)
{
	struct named named = { .count = 0 };
	char why[SHARE_WHY];
	int r;

	if (!share->options.confine) {
		return true;
	}
	share->database->files(share->options.conninfo, on_file, &named);
	r = confine_network(named.paths, named.count);
	for (size_t i = 0; i < named.count; i++) {
		free((void *)(uintptr_t)named.paths[i]);
	}
	if (r < 0) {
		snprintf(why, sizeof why, "the thread that connects cannot limit itself: %s",
			strerror(-r));
		share_note_problem(share, SHARE_CONNECTION, why);
	}
	return r == 0;
}

static void *on_thread(void *data)
{
	struct watcher *watcher = data;
	bool confined = confine(watcher->share);

	while (goes_on(watcher)) {
		if (confined) {
			watcher_connect(watcher);
		}
		watcher_step(watcher);
		poll_head(watcher);
		if (watcher->shared && watcher->log != NULL) {
			watcher_snapshot(watcher);
		}
		if (watcher->shared && watcher->log != NULL) {
			watcher_use(watcher);
		}
		choose_kind(watcher);
		if (share_restore_is_over(watcher->share)) {
			share_wake_writer(watcher->share);
		}
		await(watcher);
	}
	watcher_disconnect(watcher);
	return NULL;
}

int watcher_start(struct share *share)
{
	struct watcher *watcher = &share->watcher;
	sigset_t before;
	int r;

	watcher->share = share;
	memcpy(&watcher->random, share->instance, sizeof watcher->random);
	signals_block(&before);
	r = -pthread_create(&watcher->thread, NULL, on_thread, watcher);
	signals_restore(&before);
	watcher->running = r == 0;
	return r;
}

void watcher_stop(struct share *share)
{
	if (!share->watcher.running) {
		return;
	}
	pthread_mutex_lock(&share->lock);
	share->stop = true;
	pthread_cond_broadcast(&share->changed);
	pthread_mutex_unlock(&share->lock);
	share_wake_watcher(share);
	pthread_join(share->watcher.thread, NULL);
	share->watcher.running = false;
}
