/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/share/share_internal.h"

/* A snapshot is due after this number of rows or bytes since the newest. A host that joins applies
 * the rows after it: some ten thousand a second, so this many take it about a second, and 64 MiB
 * are about what a snapshot of a large store has itself. */
#define SNAPSHOT_ROWS  10000
#define SNAPSHOT_BYTES ((uint64_t)64 << 20)
/* One host puts it: the first in the order of instances. Each one after it waits for a part more of
 * both, so that another one does it when the first cannot. */
#define SNAPSHOT_PARTS 4
#define SNAPSHOT_MS    10000 /* between two looks whether it is time */
/* Rows that are counted at a look, so that the other duties of the thread are not late. */
#define COUNTED_ROWS 4096

unsigned watcher_rank(struct share *share)
{
	unsigned rank = 0;

	pthread_mutex_lock(&share->lock);
	for (size_t i = 0; i < share->host_count; i++) {
		const struct share_host *host = &share->hosts[i];

		if (!host->gone && !host->diverged &&
			memcmp(host->instance, share->instance, SHARE_INSTANCE) < 0) {
			rank++;
		}
	}
	pthread_mutex_unlock(&share->lock);
	return rank;
}

/* Counts the bytes of kept rows that it has not counted yet. */
static void count_bytes(struct watcher *watcher)
{
	struct pol_str bytes;

	if (watcher->counted < watcher->snapshot) {
		watcher->counted = watcher->snapshot;
		watcher->grown = 0;
	}
	if (store_read_renew(watcher->reader) < 0) {
		return;
	}
	for (unsigned i = 0; i < COUNTED_ROWS && watcher->counted < watcher->place.sequence; i++) {
		if (store_get_row(watcher->reader, watcher->counted + 1, &bytes) == 0) {
			watcher->grown += bytes.len;
		}
		watcher->counted++;
	}
	store_read_reset(watcher->reader);
}

/* Which is the newest? Rows before the one before it are kept no longer. -EAGAIN: not known now. */
static int find_newest(struct watcher *watcher)
{
	struct share *share = watcher->share;
	uint64_t sequence;
	uint8_t tag[SHARE_TAG];
	uint32_t parts;
	int r = share->database->snapshot_newest(
		watcher->log, &sequence, tag, &parts, SHARE_LOOK_MS);

	if (r == -ENOENT) {
		sequence = 0;
		r = 0;
	}
	if (r < 0) {
		watcher_lose(watcher, r);
		return r;
	}
	/* It is of a row that this host does not have: this host lacks rows, or the snapshot was
	 * made up. No row is removed. */
	if (sequence > watcher->place.sequence) {
		return -EAGAIN;
	}
	if (watcher->knows_snapshot && sequence > watcher->snapshot) {
		pthread_mutex_lock(&share->lock);
		share->drop_before = watcher->snapshot + 1;
		pthread_mutex_unlock(&share->lock);
		share_wake_writer(share);
		watcher->counted = 0;
	}
	watcher->snapshot = sequence;
	watcher->knows_snapshot = true;
	return 0;
}

static bool is_due(struct watcher *watcher)
{
	unsigned rank = watcher_rank(watcher->share);
	uint64_t rows = watcher->place.sequence > watcher->snapshot
				? watcher->place.sequence - watcher->snapshot
				: 0;

	count_bytes(watcher);
	return rows >= SNAPSHOT_ROWS + SNAPSHOT_ROWS / SNAPSHOT_PARTS * rank ||
	       watcher->grown >= SNAPSHOT_BYTES + SNAPSHOT_BYTES / SNAPSHOT_PARTS * rank;
}

static void on_between(void *context)
{
	watcher_step(context);
}

static int put(struct watcher *watcher, struct share_source *source)
{
	struct share *share = watcher->share;
	struct share_expect expect = { .realm = true };
	const struct share_connect how = {
		.conninfo = share->options.conninfo, .expect = &expect, .timeout = SHARE_CONNECT_MS
	};
	const struct share_copy copy = { .sequence = source->head.sequence,
		.tag = source->head.tag,
		.next = share_source_next,
		.context = source };
	struct share_log *log;
	char why[SHARE_WHY] = "";
	int r;

	memcpy(expect.realm_id, source->head.realm, sizeof expect.realm_id);
	memcpy(expect.secrets, share->fingerprint, sizeof expect.secrets);
	r = share->database->connect(&how, &log, why);
	if (r == 0) {
		r = share->database->snapshot_put(log, &copy, SHARE_SNAPSHOT_MS);
		if (r == 0) {
			r = share->database->snapshots_tend(log, SHARE_ANSWER_MS);
		}
		if (r < 0) {
			snprintf(why, sizeof why, "%s", log->ops->why(log));
		}
		log->ops->close(log);
	}
	if (r < 0) {
		log_warn("a snapshot of the shared store was not put", "sequence=%llu why=%s",
			(unsigned long long)source->head.sequence, why);
	} else {
		log_info("a snapshot of the shared store was put", "sequence=%llu",
			(unsigned long long)source->head.sequence);
	}
	return r;
}

/* The writer has opened the copy, or could not. */
static void use_copy(struct watcher *watcher)
{
	struct share *share = watcher->share;
	struct share_source source;
	enum share_copying copying;

	pthread_mutex_lock(&share->lock);
	copying = share->copying;
	source = share->source;
	if (copying != SHARE_COPY_WANTED) {
		share->copying = SHARE_COPY_NONE;
	}
	pthread_mutex_unlock(&share->lock);
	if (copying == SHARE_COPY_READY) {
		source.between = on_between;
		source.context = watcher;
		put(watcher, &source);
		share_source_close(&source);
		watcher->snapshot_at = share_now() + SNAPSHOT_MS * SHARE_NS_OF_MS;
	}
}

void watcher_snapshot(struct watcher *watcher)
{
	struct share *share = watcher->share;
	uint64_t now = share_now();

	use_copy(watcher);
	if (watcher->log == NULL || now < watcher->snapshot_at) {
		return;
	}
	watcher->snapshot_at = now + SNAPSHOT_MS * SHARE_NS_OF_MS;
	if (find_newest(watcher) < 0 || watcher->place.diverged || !is_due(watcher)) {
		return;
	}
	pthread_mutex_lock(&share->lock);
	share->copying = SHARE_COPY_WANTED;
	pthread_mutex_unlock(&share->lock);
	share_wake_writer(share);
}
