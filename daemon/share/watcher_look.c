/* SPDX-License-Identifier: Apache-2.0 */
/* A look at the log: is it the store's, and what does the host do by it? */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/share/share_internal.h"

/* Milliseconds after which this host reports what it has applied, while there are few hosts; at
 * once if the row asks for it. A look costs a commit, so there is not one for each row. */
#define REPORT_MS 100

/* A server that was promoted, or begun from a copy, may lack rows that hosts have. No host allows
 * anything until these rows were given back. */
static void note_server(struct watcher *watcher, const struct share_server *server)
{
	bool same = watcher->server.system == server->system &&
		    watcher->server.timeline == server->timeline;

	if (!watcher->knows_server && watcher->place.server_system != 0) {
		same = watcher->place.server_system == server->system &&
		       watcher->place.server_timeline == server->timeline;
	} else if (!watcher->knows_server) {
		same = true;
	}
	watcher->server = *server;
	watcher->knows_server = true;
	if (!same) {
		log_warn("another database server answers: hosts give back what it lacks",
			"system=%llu timeline=%u", (unsigned long long)server->system,
			server->timeline);
		share_lease_drop(&watcher->lease, true);
		watcher->held_until = share_now() + SHARE_HOLD_MS * SHARE_NS_OF_MS;
		share_wake_writer(watcher->share);
	}
}

/* Can this log be the store's? */
static bool judge_head(
	const struct watcher *watcher, const struct share_head *head, char why[static SHARE_WHY])
{
	const struct share *share = watcher->share;

	if (memcmp(head->realm, watcher->place.realm, sizeof head->realm) != 0) {
		snprintf(why, SHARE_WHY,
			"the database has the log of another realm: correct the line `shared`, or "
			"begin from it with authzcheck store join --discard");
	} else if (memcmp(head->secrets, share->fingerprint, sizeof head->secrets) != 0) {
		snprintf(why, SHARE_WHY,
			"the hosts of this log have another secrets' file: copy theirs to this "
			"host");
	} else if (head->epoch > watcher->place.epoch) {
		snprintf(why, SHARE_WHY, "the log began again, from a copy, as epoch %llu%s",
			(unsigned long long)head->epoch,
			watcher->place.diverged
				? ", which lacks changes of this host: authzcheck store rejoin, "
				  "and --yes --accept-rollback"
				: ": this host is about to follow");
	} else if (head->epoch < watcher->place.epoch) {
		snprintf(why, SHARE_WHY,
			"the database is an old copy, of epoch %llu: put the right one there, or "
			"begin a new epoch with authzcheck store share --restore COPY",
			(unsigned long long)head->epoch);
	} else if (head->format > SHARE_FORMAT) {
		snprintf(why, SHARE_WHY,
			"the log has format %u, and this program reads up to %u: upgrade it",
			head->format, SHARE_FORMAT);
	} else if (watcher->place.diverged) {
		snprintf(why, SHARE_WHY,
			"this host has diverged: it has changes that the log does not have: "
			"authzcheck store rejoin");
	} else {
		return true;
	}
	return false;
}

/* The log began again: the writer follows. Until then nothing is known of it here. */
static void note_epoch(struct watcher *watcher, const struct share_head *head)
{
	struct share *share = watcher->share;

	watcher->parted = head->epoch != watcher->place.epoch;
	if (head->epoch > watcher->place.epoch && !watcher->place.diverged) {
		pthread_mutex_lock(&share->lock);
		share->follow = true;
		pthread_mutex_unlock(&share->lock);
		share_wake_writer(share);
	}
}

static void note_status(struct watcher *watcher, const struct share_head *head, int64_t clock)
{
	struct share *share = watcher->share;

	watcher->head = head->sequence;
	watcher->hosts = head->hosts;
	pthread_mutex_lock(&share->lock);
	share->status.diverged = watcher->place.diverged;
	share->status.head = head->sequence;
	share->status.format = head->format;
	share->status.hosts = head->hosts;
	share->status.clock_us = clock;
	pthread_mutex_unlock(&share->lock);
}

/* Was there a row that could not be applied? */
static bool has_problem(struct share *share)
{
	bool has;

	pthread_mutex_lock(&share->lock);
	has = share->problems[SHARE_ROWS][0] != '\0';
	pthread_mutex_unlock(&share->lock);
	return has;
}

/* The head was read: what the host does by it. */
static void act(
	struct watcher *watcher, const struct share_look *look, const struct share_head *head)
{
	const struct store_shared *place = &watcher->place;
	char why[SHARE_WHY] = "";
	bool behind = head->sequence < place->sequence ||
		      (head->sequence == place->sequence &&
			      memcmp(head->tag, place->tag, sizeof head->tag) != 0);
	bool lacks = behind || head->sequence > place->sequence;

	if (judge_head(watcher, head, why) && !behind) {
		share_lease_look(&watcher->lease, look);
	}
	share_note_problem(watcher->share, SHARE_CONNECTION, why);
	if (why[0] != '\0') {
		share_lease_drop(&watcher->lease, place->diverged);
		return;
	}
	/* The writer looks again, with its own connection, and gives back what the log lacks. */
	if (behind) {
		pthread_mutex_lock(&watcher->share->lock);
		watcher->share->look_again = true;
		pthread_mutex_unlock(&watcher->share->lock);
	}
	/* A batch may have brought the row that could not be applied: a turn finds no problem then.
	 */
	if (lacks || has_problem(watcher->share)) {
		share_wake_writer(watcher->share);
	}
	if (!lacks && !watcher->caught_up) {
		watcher->caught_up = true;
		pthread_mutex_lock(&watcher->share->lock);
		watcher->share->caught_up = true;
		pthread_mutex_unlock(&watcher->share->lock);
	}
}

void watcher_look(struct watcher *watcher)
{
	struct share_report report = {
		.instance = watcher->share->instance,
		.applied = watcher_applied(watcher),
		.diverged = watcher->place.diverged,
	};
	struct share_look look = { .connection = watcher->connection };
	struct share_head head;
	int64_t before = share_wall_us();
	int r;

	look.sent = share_now();
	r = watcher->log->ops->look(watcher->log, &report, &head, SHARE_LOOK_MS);
	if (r == -ESTALE) {
		/* Another host took this one for dead: it enters again, and looks after that. */
		watcher->entered = false;
		watcher->look_at = 0;
		return;
	}
	if (r < 0) {
		watcher_lose(watcher, r);
		return;
	}
	watcher->look_at = look.sent + WATCHER_LOOK_MS * SHARE_NS_OF_MS;
	watcher->report_at = look.sent + REPORT_MS * SHARE_NS_OF_MS;
	watcher->reported = report.applied;
	look.sequence = head.sequence;
	look.beat = head.beat;
	note_server(watcher, &head.server);
	note_epoch(watcher, &head);
	note_status(watcher, &head, before + (share_wall_us() - before) / 2 - head.now);
	act(watcher, &look, &head);
}
