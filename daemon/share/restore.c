/* SPDX-License-Identifier: Apache-2.0 */
/* A copy becomes the store of all hosts, as a new epoch of the log. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/share/catch_up.h"
#include "daemon/share/realm_internal.h"
#include "daemon/store/record_key.h"

#define NS_OF_S UINT64_C(1000000000)

/* Bytes of a copy. It has the records of a store and little more, and no store is larger than its
 * map, so a larger copy fits into none. */
#define COPY_MOST STORE_MAP_SIZE
/* A new epoch's rows begin so far after those of the one before. A host's row of `host` may report
 * rows of the old epoch for a while: rows that others append until the head is locked, and those
 * that a lost database has and this host has not. None of these must pass for a row of the new
 * epoch. */
#define EPOCH_GAP (UINT64_C(1) << 20)

/* --- collecting the parts --------------------------------------------------------------------- */

/* The file has no name, so it ends with the descriptor, also when the daemon is killed. */
static int open_file(struct share *share, char why[static SHARE_WHY])
{
	char path[SHARE_COPY_PATH];
	int fd = -1;

	if (snprintf(path, sizeof path, "%s/store-restoring.copy", share->options.state) <
		(int)sizeof path) {
		unlink(path); /* a crash between open and unlink left it */
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	} else {
		errno = ENAMETOOLONG;
	}
	if (fd < 0 || unlink(path) < 0) {
		int r = -errno;

		snprintf(why, SHARE_WHY, "cannot write into %.200s: %s", share->options.state,
			strerror(-r));
		if (fd >= 0) {
			close(fd);
		}
		return r;
	}
	share->restore.fd = fd;
	return 0;
}

void share_restore_end(struct share *share)
{
	struct share_restore *restore = &share->restore;

	if (atomic_load(&restore->touched) != 0) {
		close(restore->fd);
	}
	restore->size = 0;
	atomic_store(&restore->touched, 0);
}

bool share_restore_is_over(struct share *share)
{
	uint64_t touched = atomic_load(&share->restore.touched);

	return touched != 0 && share_now() - touched > SHARE_RESTORE_IDLE * NS_OF_S;
}

static int begin(struct share *share, char why[static SHARE_WHY])
{
	if (atomic_load(&share->restore.touched) != 0 && !share_restore_is_over(share)) {
		snprintf(why, SHARE_WHY,
			"another copy is being sent: it ends by itself %d seconds after its last "
			"part",
			SHARE_RESTORE_IDLE);
		return -EEXIST;
	}
	share_restore_end(share);
	return open_file(share, why);
}

static int find(struct share *share, const uint8_t *cursor, char why[static SHARE_WHY])
{
	struct share_restore *restore = &share->restore;

	if (atomic_load(&restore->touched) == 0 || share_restore_is_over(share) ||
		memcmp(cursor, restore->cursor, sizeof restore->cursor) != 0) {
		snprintf(why, SHARE_WHY,
			"this copy is over: each cursor can be used once, for %d seconds; send it "
			"again",
			SHARE_RESTORE_IDLE);
		return -EEXIST;
	}
	return 0;
}

static int write_part(
	struct share_restore *restore, struct pol_str part, char why[static SHARE_WHY])
{
	size_t done = 0;

	if (part.len > COPY_MOST - restore->size) {
		snprintf(why, SHARE_WHY, "the copy is larger than a store can be");
		return -EEXIST;
	}
	while (done < part.len) {
		ssize_t n = write(restore->fd, part.ptr + done, part.len - done);

		if (n < 0 && errno != EINTR) {
			int r = -errno;

			snprintf(why, SHARE_WHY, "cannot keep the copy in the state folder: %s",
				strerror(-r));
			return r;
		}
		done += n > 0 ? (size_t)n : 0;
	}
	restore->size += part.len;
	return 0;
}

/* --- the new epoch ---------------------------------------------------------------------------- */

struct restoring {
	struct share *share;
	const struct share_copied *part;
	struct share_log *log;
	struct share_head head; /* of the new epoch */
	struct store_head before, trail;
	struct share_source source;
	struct store_write *write;
	char *why;
};

/* What other hosts appended counts when the copy is compared with this host's trail. */
static void catch_up(struct share *share)
{
	uint64_t applied, before;
	char why[SHARE_WHY] = "";
	int r;

	if (!share_is_on(share) || share->append.diverged) {
		return;
	}
	do {
		before = share->append.head.sequence;
		r = share_catch_up(&share->append, &applied, why);
	} while (r == 0 && share->append.head.sequence > before);
	share_append_end(&share->append);
}

/* `found`: what the database has; NULL: there is no log. */
static int choose_head(struct restoring *restoring, const struct share_head *found)
{
	struct share *share = restoring->share;
	const struct share_head *own = &share->append.head;
	struct share_head *head = &restoring->head;
	bool on = share_is_on(share);

	*head = (struct share_head){ .format = SHARE_FORMAT };
	memcpy(head->secrets, share->fingerprint, sizeof head->secrets);
	if (found != NULL && (memcmp(found->secrets, head->secrets, sizeof head->secrets) != 0 ||
				     (on && memcmp(found->realm, own->realm, SHARE_REALM) != 0))) {
		snprintf(restoring->why, SHARE_WHY,
			"the database has the log of another realm, or of hosts with another "
			"secrets' file");
		return -EEXIST;
	}
	if (found != NULL) {
		memcpy(head->realm, found->realm, sizeof head->realm);
		head->epoch = found->epoch;
		head->sequence = found->sequence;
		head->format = found->format;
	} else if (on) {
		memcpy(head->realm, own->realm, sizeof head->realm);
	} else {
		secret_random(head->realm, sizeof head->realm);
	}
	if (on && own->epoch > head->epoch) {
		head->epoch = own->epoch;
	}
	if (on && own->sequence > head->sequence) {
		head->sequence = own->sequence;
	}
	head->epoch++;
	if (found != NULL || on) {
		head->sequence += EPOCH_GAP;
		/* Rows of another epoch must not follow this place. */
		secret_random(head->tag, sizeof head->tag);
	}
	return 0;
}

static int next_piece(void *context, struct pol_str *out)
{
	struct restoring *restoring = context;
	size_t len;
	int r = store_copy_read(restoring->share->restore.fd, restoring->source.bytes, &len);

	*out = (struct pol_str){ (const char *)restoring->source.bytes, r >= 0 ? len : 0 };
	if (r == -EBADMSG) {
		snprintf(restoring->why, SHARE_WHY, "the copy is cut short or damaged");
	}
	return r;
}

/* Refuses a copy without what this host's trail has, and one with keys that would be unknown. */
static int judge(struct restoring *restoring)
{
	struct store_read *read = store_write_reader(restoring->write);
	const struct store_head *before = &restoring->before;
	struct store_lost lost = { .keys = 0 };
	int r = store_get_head(read, &restoring->trail);

	if (r == 0 && !restoring->part->accept_rollback && !share_trail_has(read, before)) {
		snprintf(restoring->why, SHARE_WHY,
			"the copy ends at record %" PRIu64
			" of the audit trail and lacks changes which this host has up to record "
			"%" PRIu64 ": keys that were revoked since would work again; take a newer "
			"copy, or say --accept-rollback",
			restoring->trail.count, before->count);
		return -EEXIST;
	}
	r = r == 0 ? store_count_lost(read, &lost) : r;
	if (r == 0 && lost.lost > 0) {
		snprintf(restoring->why, SHARE_WHY,
			"%" PRIu64 " of %" PRIu64 " keys in the copy need pepper %u, which the "
			"secrets' file no longer holds: put back the file of that time on all "
			"hosts first",
			lost.lost, lost.keys, (unsigned)lost.pepper);
		return -EEXIST;
	}
	return r;
}

/* Puts the copy and its place into a write, which is not committed. */
static int fill(struct restoring *restoring)
{
	struct share *share = restoring->share;
	char why[STORE_WHY] = "";
	int r;

	if (lseek(share->restore.fd, 0, SEEK_SET) < 0) {
		return -errno;
	}
	r = store_write_begin(share->options.store, &restoring->write);
	if (r < 0) {
		return r;
	}
	r = store_replace(restoring->write, next_piece, restoring, why);
	if (r < 0 && restoring->why[0] == '\0') {
		snprintf(restoring->why, SHARE_WHY, "%s", why);
	}
	if (r == -EBADMSG) {
		r = -EEXIST;
	}
	r = r == 0 ? judge(restoring) : r;
	return r == 0 ? share_put_place(restoring->write, &restoring->head) : r;
}

/* The tables, in one transaction. */
static int create(struct restoring *restoring)
{
	struct share *share = restoring->share;
	struct share_new new = {
		.head = restoring->head,
		.epoch = true,
		.next = share_source_next,
		.context = &restoring->source,
	};
	int r;

	restoring->source.fd = share->restore.fd;
	restoring->source.head = restoring->head;
	restoring->source.trail = restoring->trail;
	restoring->source.secrets = store_secrets(share->options.store);
	if (lseek(share->restore.fd, 0, SEEK_SET) < 0) {
		return -errno;
	}
	r = share->database->create(restoring->log, &new, SHARE_SNAPSHOT_MS);
	return r == -ETIMEDOUT ? -EINPROGRESS : r;
}

static int replace(struct restoring *restoring)
{
	int r = fill(restoring);

	r = r == 0 ? create(restoring) : r;
	realm_explain(restoring->log, r, restoring->why);
	if (restoring->write == NULL) {
		return r;
	}
	if (r < 0) {
		store_write_abort(restoring->write);
		return r;
	}
	r = store_write_commit(restoring->write, true);
	if (r == 0 && restoring->share->options.replaced != NULL) {
		restoring->share->options.replaced(restoring->share->options.context);
	}
	if (r < 0) {
		snprintf(restoring->why, SHARE_WHY,
			"the new epoch was made, and this store cannot note it (%s): then "
			"authzcheck store rejoin",
			store_explain(r));
	}
	return r;
}

static int get_trail(struct share *share, struct store_head *out)
{
	int r = store_read_renew(share->reader);

	if (r == 0) {
		r = store_get_head(share->reader, out);
		store_read_reset(share->reader);
	}
	return r;
}

static int make_epoch(struct restoring *restoring, struct share_realm *out)
{
	struct share *share = restoring->share;
	struct share_head found;
	int r;

	catch_up(share);
	r = realm_look(share, &restoring->log, &found, restoring->why);
	if (restoring->log == NULL) {
		return r;
	}
	restoring->why[0] = '\0';
	if (r == 0 || r == -ENOENT) {
		r = choose_head(restoring, r == 0 ? &found : NULL);
	}
	r = r == 0 ? get_trail(share, &restoring->before) : r;
	if (r == 0 && restoring->before.count > 0) {
		r = share_copy_aside(share, "restore", out->copy, restoring->why);
	}
	if (r == 0 && restoring->log->ops->look(restoring->log, NULL, &found, SHARE_LOOK_MS) == 0) {
		restoring->head.server = found.server;
	}
	r = r == 0 ? replace(restoring) : realm_explain(restoring->log, r, restoring->why);
	/* It is opened again, as one of the realm. */
	realm_give(share, restoring->log, true);
	if (r < 0 && out->copy[0] != '\0') {
		unlink(out->copy); /* nothing has changed */
		out->copy[0] = '\0';
	}
	return r;
}

static int restore(struct share *share, const struct share_copied *part, struct share_realm *out,
	char why[static SHARE_WHY])
{
	struct restoring restoring = { .share = share, .part = part, .why = why };
	int r;

	restoring.source.bytes = malloc(STORE_COPY_ROOM);
	if (restoring.source.bytes == NULL) {
		return -ENOMEM;
	}
	pthread_mutex_lock(&share->lock);
	/* The last attempt to connect may have failed while the database was lost. Another one
	 * begins now, and the writer waits for it. */
	share->lending.opening = share->lending.opening || share->lending.log == NULL;
	pthread_mutex_unlock(&share->lock);
	share_wake_watcher(share);
	realm_begin_work(share, "restore");
	r = make_epoch(&restoring, out);
	free(restoring.source.bytes);
	if (r == 0) {
		r = share_take_up(share, true);
		share_await_entered(share);
	}
	realm_end_work(share);
	if (r == 0) {
		realm_report(share, out);
		log_warn("the shared store began again from a copy", "host=%s epoch=%llu before=%s",
			share->options.host, (unsigned long long)out->epoch, out->copy);
	}
	return r;
}

const uint8_t *share_restore_cursor(const struct share *share)
{
	return share->restore.cursor;
}

int share_restore(struct share *share, const struct share_copied *part, struct share_realm *out,
	char why[static SHARE_WHY])
{
	struct share_restore *collected = &share->restore;
	int r;

	memset(out, 0, sizeof *out);
	r = realm_check_database(share, part->database, why);
	if (r < 0) {
		return r;
	}
	r = part->cursor == NULL ? begin(share, why) : find(share, part->cursor, why);
	if (r < 0) {
		return r;
	}
	secret_random(collected->cursor, sizeof collected->cursor);
	atomic_store(&collected->touched, share_now());
	r = write_part(collected, part->bytes, why);
	if (r == 0 && !part->last) {
		return 0;
	}
	r = r == 0 ? restore(share, part, out, why) : r;
	share_restore_end(share);
	return r;
}
