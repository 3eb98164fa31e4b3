/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/token.h"
#include "daemon/share/share_internal.h"

/* Between two readings of all hosts, in ms: for hosts.list, and while an answer waits for them; and
 * what each host adds, so that many do not read each other all the time. */
#define HOSTS_MS          1000
#define HOSTS_MS_PER_HOST UINT64_C(10)
#define WAITING_MS        10
#define WAITING_HOSTS_MS  4 /* hosts for each further ms */
/* Milliseconds without a look after which a host is dead: it looks each second, and a fail-over of
 * the database may take a while. */
#define GONE_MS 60000
#define TEND_MS 10000

/* --- this host's row -------------------------------------------------------------------------- */

/* As much as fits: PostgreSQL takes no half characters, and a terminal shows the text. */
static void put_problem(struct share_host *row, const char *problem)
{
	size_t len = strlen(problem);

	if (len >= sizeof row->problem) {
		len = sizeof row->problem - 1;
		while (len > 0 && ((unsigned char)problem[len] & 0xc0) == 0x80) {
			len--;
		}
	}
	memcpy(row->problem, problem, len);
	row->problem[len] = '\0';
	pol_str_clean(row->problem);
}

static void fill_row(struct watcher *watcher, struct share_host *row)
{
	struct share *share = watcher->share;

	*row = (struct share_host){
		.applied =
			atomic_load_explicit(&share->options.fresh->applied, memory_order_acquire),
		.reads = SHARE_FORMAT,
		.pepper = share_pepper_newest(store_secrets(share->options.store)),
		.diverged = watcher->place.diverged,
	};
	memcpy(row->instance, share->instance, sizeof row->instance);
	snprintf(row->name, sizeof row->name, "%s", share->options.host);
	snprintf(row->version, sizeof row->version, "%s", AUTHZ_VERSION);
	pthread_mutex_lock(&share->lock);
	/* Whole seconds, so that a smaller difference does not change the row. */
	row->clock = share->status.clock_us / 1000000 * 1000000;
	snprintf(row->revision, sizeof row->revision, "%s", share->revision);
	put_problem(row, share->status.problem);
	pthread_mutex_unlock(&share->lock);
}

static bool is_news(const struct share_host *row, const struct share_host *before)
{
	return row->clock != before->clock || row->pepper != before->pepper ||
	       row->diverged != before->diverged || strcmp(row->revision, before->revision) != 0 ||
	       strcmp(row->problem, before->problem) != 0;
}

int watcher_enter(struct watcher *watcher)
{
	struct share_host row;
	int r;

	fill_row(watcher, &row);
	if (watcher->entered && !is_news(&row, &watcher->row)) {
		return 0;
	}
	r = watcher->share->database->host_enter(watcher->log, &row, SHARE_LOOK_MS);
	if (r < 0) {
		watcher_lose(watcher, r);
		return r;
	}
	watcher->row = row;
	watcher->entered = true;
	watcher->pause = 0;
	pthread_mutex_lock(&watcher->share->lock);
	watcher->share->entered = true;
	pthread_cond_broadcast(&watcher->share->changed);
	pthread_mutex_unlock(&watcher->share->lock);
	return 0;
}

/* --- all hosts -------------------------------------------------------------------------------- */

struct reading {
	struct share_host *hosts;
	size_t count, capacity;
};

static int on_host(void *context, const struct share_host *host)
{
	struct reading *reading = context;

	if (reading->count == reading->capacity) {
		size_t capacity = reading->capacity > 0 ? 2 * reading->capacity : 16;
		struct share_host *more =
			realloc(reading->hosts, capacity * sizeof *reading->hosts);

		if (more == NULL) {
			return -ENOMEM;
		}
		reading->hosts = more;
		reading->capacity = capacity;
	}
	reading->hosts[reading->count++] = *host;
	return 0;
}

/* Ends what waits, as far as the hosts have reported. */
static void end_waits(struct watcher *watcher, const struct reading *reading)
{
	struct share *share = watcher->share;
	struct share_host_seen *seen = calloc(reading->count + 1, sizeof *seen);
	uint64_t least = UINT64_MAX;
	struct share_settings settings;

	if (seen == NULL) {
		return;
	}
	for (size_t i = 0; i < reading->count; i++) {
		const struct share_host *host = &reading->hosts[i];

		seen[i].name = pol_str_of(host->name);
		seen[i].applied = host->gone ? 0 : host->applied;
		least = host->applied < least ? host->applied : least;
	}
	if (reading->count > 0) {
		pthread_mutex_lock(&share->lock);
		settings = share->settings;
		pthread_mutex_unlock(&share->lock);
		share_proof_update(&watcher->proof, settings.standbys, settings.max_lag,
			settings.sequence, least);
	}
	share_everywhere_look(
		share->everywhere, seen, reading->count, share_now(), &watcher->proof);
	free(seen);
}

static void keep_hosts(struct share *share, struct reading *reading)
{
	int64_t latest = 0;

	for (size_t i = 0; i < reading->count; i++) {
		latest = reading->hosts[i].seen > latest ? reading->hosts[i].seen : latest;
	}
	pthread_mutex_lock(&share->lock);
	free(share->hosts);
	share->hosts = reading->hosts;
	share->host_count = reading->count;
	share->hosts_read = latest;
	pthread_mutex_unlock(&share->lock);
}

static int read_hosts(struct watcher *watcher)
{
	struct share *share = watcher->share;
	struct reading reading = { .hosts = NULL };
	int r = share->database->hosts(watcher->log, on_host, &reading, SHARE_LOOK_MS);

	if (r < 0) {
		free(reading.hosts);
		watcher_lose(watcher, r);
		return r;
	}
	end_waits(watcher, &reading);
	keep_hosts(share, &reading);
	return 0;
}

/* Marks the dead ones gone, and deletes those that can allow nothing any more. */
static void tend(struct watcher *watcher, uint64_t now)
{
	int64_t deletes = 0;
	int r;

	if (now < watcher->tend_at) {
		return;
	}
	watcher->tend_at = now + TEND_MS * SHARE_NS_OF_MS;
	if (watcher->proof.ready) {
		deletes =
			(int64_t)(SHARE_LEASE_MARGIN(watcher->proof.max_lag) / SHARE_NS_OF_MS) + 1;
	}
	r = watcher->share->database->hosts_tend(watcher->log, GONE_MS, deletes, SHARE_LOOK_MS);
	if (r < 0) {
		watcher_lose(watcher, r);
	}
}

void watcher_hosts(struct watcher *watcher)
{
	uint64_t now = share_now();
	bool waits = share_everywhere_waits(watcher->share->everywhere);
	uint64_t pause = WAITING_MS + watcher->hosts / WAITING_HOSTS_MS;

	if (now >= watcher->hosts_at || (waits && now >= watcher->wait_at)) {
		if (read_hosts(watcher) < 0) {
			return;
		}
		watcher->hosts_at =
			now + (HOSTS_MS + watcher->hosts * HOSTS_MS_PER_HOST) * SHARE_NS_OF_MS;
		waits = share_everywhere_waits(watcher->share->everywhere);
		watcher->wait_at = waits ? share_now() + pause * SHARE_NS_OF_MS : 0;
	}
	tend(watcher, now);
}

void watcher_hosts_without(struct watcher *watcher)
{
	const struct reading none = { .hosts = NULL };
	bool waits = share_everywhere_waits(watcher->share->everywhere);

	if (waits) {
		end_waits(watcher, &none);
	}
	watcher->wait_at = waits ? share_now() + WAITING_MS * SHARE_NS_OF_MS : 0;
}
