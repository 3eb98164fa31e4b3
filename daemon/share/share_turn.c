/* SPDX-License-Identifier: Apache-2.0 */
/* share: the writer's turn between batches, and what the watcher leaves for it. */
#include <errno.h>
#include <string.h>

#include "daemon/share/catch_up.h"
#include "daemon/share/share.h"
#include "daemon/share/share_internal.h"
#include "daemon/store/trail.h"

/* What the watcher found is for the next batch. */
static void prepare(struct share *share)
{
	struct share_append *append = &share->append;

	pthread_mutex_lock(&share->lock);
	memcpy(append->revision, share->revision, sizeof append->revision);
	append->least_why = share->pepper.behind ? SHARE_PEPPER_BEHIND : share->least_why;
	append->least = append->least_why != NULL ? STORE_ENDS : STORE_MAKES;
	pthread_mutex_unlock(&share->lock);
}

struct share_append *share_writer_append(struct share *share)
{
	if (!share_is_on(share)) {
		return NULL;
	}
	prepare(share);
	return &share->append;
}

/* A transaction of the writer with many of these deletes would keep revocations waiting. */
#define DROPPED_ROWS 256

static void drop_rows(struct share *share)
{
	struct store_write *write;
	uint64_t before;
	bool more = false;
	int r;

	pthread_mutex_lock(&share->lock);
	before = share->drop_before;
	share->drop_before = 0;
	pthread_mutex_unlock(&share->lock);
	if (before == 0 || store_write_begin(share->options.store, &write) < 0) {
		return;
	}
	store_write_alone(write);
	store_write_job(write);
	r = store_drop_rows(write, before, DROPPED_ROWS, &more);
	if (r == 0) {
		r = store_write_keep(write);
	}
	if (r == 0 && store_write_changed(write)) {
		r = store_write_commit(write, false);
	} else {
		store_write_abort(write);
	}
	if (r == 0 && more) {
		pthread_mutex_lock(&share->lock);
		if (share->drop_before < before) {
			share->drop_before = before;
		}
		pthread_mutex_unlock(&share->lock);
		share_wake_writer(share);
	}
}

static void open_copy(struct share *share)
{
	bool wanted;
	int r;

	pthread_mutex_lock(&share->lock);
	wanted = share->copying == SHARE_COPY_WANTED;
	pthread_mutex_unlock(&share->lock);
	if (!wanted) {
		return;
	}
	r = share_source_open(share, &share->source);
	pthread_mutex_lock(&share->lock);
	share->copying = r == 0 ? SHARE_COPY_READY : SHARE_COPY_FAILED;
	pthread_mutex_unlock(&share->lock);
}

/* The watcher found that the log ends before this store: it is asked again, on the connection that
 * gives rows back. */
static void begin_turn(struct share *share)
{
	bool follow;

	pthread_mutex_lock(&share->lock);
	if (share->look_again) {
		share->append.looked = 0;
		share->look_again = false;
	}
	follow = share->follow;
	share->follow = false;
	pthread_mutex_unlock(&share->lock);
	if (follow) {
		share_follow(share);
	}
}

/* After it has caught up. */
static const char *explain_head(const struct share *share)
{
	return store_head_state(share->options.store) == STORE_HEAD_FINE
		       ? ""
		       : "the log does not have what the head of this host's audit trail names: it "
			 "lost its end, or the head is another store's: authzcheck store rejoin "
			 "begins from the log as it is";
}

void share_writer_turn(struct share *share)
{
	uint64_t applied = 0;
	char why[SHARE_WHY] = "";
	int r;

	if (share_restore_is_over(share)) {
		share_restore_end(share);
	}
	if (!share_is_on(share)) {
		return;
	}
	prepare(share);
	begin_turn(share);
	r = share_catch_up(&share->append, &applied, why);
	share_append_end(&share->append);
	/* An outage is the watcher's to say. */
	if (r != -ENOTCONN && r != -ETIMEDOUT) {
		share_note_problem(share, SHARE_ROWS,
			r < 0                ? why
			: share->append.owes ? share->append.why
					     : explain_head(share));
	}
	if (share->pepper.failed) {
		share_follow_pepper(share);
	}
	share_end_stale(share);
	drop_rows(share);
	open_copy(share);
	share_wake_watcher(share);
}
