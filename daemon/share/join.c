/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/share/append_internal.h"
#include "daemon/share/catch_up.h"
#include "daemon/share/realm_internal.h"

/* --- may it? ---------------------------------------------------------------------------------- */

static int check_secrets(
	const struct share *share, const struct share_head *head, char why[static SHARE_WHY])
{
	if (memcmp(head->secrets, share->fingerprint, sizeof head->secrets) != 0) {
		snprintf(why, SHARE_WHY,
			"the hosts of this log have another secrets' file: copy theirs to this "
			"host, and start it again");
		return -EPERM;
	}
	if (head->format > SHARE_FORMAT) {
		snprintf(why, SHARE_WHY,
			"the log has format %u, and this program reads up to %u: upgrade it",
			head->format, SHARE_FORMAT);
		return -EPERM;
	}
	return 0;
}

static int on_row(void *context, const struct share_row *row)
{
	const struct share_join *join = context;

	if (row->sequence != join->sequence) {
		return -ENODATA;
	}
	return memcmp(row->tag, join->tag, sizeof join->tag) == 0 ? -EALREADY : -ESTALE;
}

/* Has the log the row that another host named? One so old that the log does not have it any more
 * cannot be compared, and is believed. */
static int check_at(struct share_log *log, const struct share_head *head,
	const struct share_join *join, char why[static SHARE_WHY])
{
	int r;

	if (!join->at || join->sequence == 0) {
		return 0;
	}
	if (join->sequence > head->sequence) {
		r = -ESTALE;
	} else {
		struct share_join copy = *join;

		r = log->ops->read(log, join->sequence, on_row, &copy, SHARE_ANSWER_MS);
	}
	if (r == -ESTALE) {
		snprintf(why, SHARE_WHY,
			"the log ends before this change, or has another one in its place: it is "
			"not the one that the other host knows, or it has lost its end");
		return -EEXIST;
	}
	return r == -EALREADY || r == -ENODATA || r == 0 ? 0 : r;
}

struct reaching {
	const struct secrets *secrets;
	const struct share_join *join;
	struct share_head before;
};

static int on_reaching(void *context, const struct share_row *row)
{
	struct reaching *reaching = context;

	if (share_row_check(reaching->secrets, &reaching->before, row) != 0) {
		return -ESTALE;
	}
	reaching->before = share_append_after(&reaching->before, row);
	return on_row((void *)(uintptr_t)reaching->join, row) == -ENODATA ? 0 : -EALREADY;
}

/* A program that controls the database can write any head, but cannot write rows. */
int realm_check_reaches(struct share *share, struct share_log *log, const struct share_head *place,
	const struct share_join *join, char why[static SHARE_WHY])
{
	struct reaching reaching = { store_secrets(share->options.store), join, *place };
	uint64_t from = 0;
	int r = 0;

	if (!join->at || join->sequence < place->sequence) {
		return 0;
	}
	if (join->sequence == place->sequence) {
		r = memcmp(place->tag, join->tag, sizeof join->tag) == 0 ? -EALREADY : -ESTALE;
	}
	while (r == 0 && reaching.before.sequence + 1 > from) {
		from = reaching.before.sequence + 1;
		r = log->ops->read(log, from, on_reaching, &reaching, SHARE_ANSWER_MS);
	}
	if (r == -EALREADY &&
		(reaching.before.sequence == place->sequence ||
			memcmp(reaching.before.tag, join->tag, sizeof join->tag) == 0)) {
		return 0;
	}
	if (r == 0 || r == -ESTALE || r == -EALREADY || r == -EBADMSG) {
		snprintf(why, SHARE_WHY,
			"the log does not lead from its newest snapshot to this change: it has "
			"lost "
			"its end, or was altered");
		r = -EEXIST;
	}
	return r;
}

static int check_store(
	struct share *share, bool discard, bool *out_empty, char why[static SHARE_WHY])
{
	struct store_counts counts;
	struct store_head trail;
	int r = store_read_renew(share->reader);

	if (r < 0) {
		snprintf(why, SHARE_WHY, "%s", store_explain(r));
		return r;
	}
	r = store_count(share->reader, &counts);
	if (r == 0) {
		r = store_get_head(share->reader, &trail);
	}
	store_read_reset(share->reader);
	if (r != 0) {
		snprintf(why, SHARE_WHY, "%s", store_explain(r));
		return r;
	}
	*out_empty = trail.count == 0;
	if (!discard && (counts.keys > 0 || counts.principals > 0)) {
		snprintf(why, SHARE_WHY,
			"this store has %llu keys and %llu principals, which those of the log "
			"replace: give --discard to accept that; a copy is kept",
			(unsigned long long)counts.keys, (unsigned long long)counts.principals);
		return -EEXIST;
	}
	return 0;
}

/* --- joining ---------------------------------------------------------------------------------- */

/* Applies the rows after the snapshot. What cannot be read now is read later, as ever. */
static bool catch_up(struct share *share)
{
	uint64_t applied, before;
	char why[SHARE_WHY] = "";
	int r;

	do {
		before = share->append.head.sequence;
		r = share_catch_up(&share->append, &applied, why);
	} while (r == 0 && share->append.head.sequence > before);
	share_append_end(&share->append);
	if (r != 0) {
		log_warn("the rows after the snapshot are applied later", "why=%s", why);
	}
	return r == 0;
}

static int begin_from(struct share *share, const struct share_join *join, const char *what,
	struct share_realm *out, char why[static SHARE_WHY])
{
	const struct share_wanted wanted = { .join = join };
	struct share_head head;
	struct share_log *log;
	bool empty = true;
	int r = realm_look(share, &log, &head, why);

	if (log == NULL) {
		return r;
	}
	why[0] = '\0';
	if (r == -ENOENT) {
		snprintf(why, SHARE_WHY,
			"the database has no log: begin with authzcheck store share on the first "
			"host");
	}
	r = r == 0 ? check_secrets(share, &head, why) : r;
	r = r == 0 ? check_at(log, &head, join, why) : r;
	r = r == 0 ? check_store(share, join->discard, &empty, why) : r;
	if (r == 0 && !empty) {
		r = share_copy_aside(share, what, out->copy, why);
	}
	r = r == 0 ? share_snapshot_take(share, log, &head, &wanted, why) : r;
	return realm_done(share, log, r, why);
}

/* The store now has its place in the log. This host stays stale until it has entered its row and
 * then read the log up to its end. What of that fails here is tried again later. */
static int settle(struct share *share)
{
	bool entered = false, read = false;
	int r = share_take_up(share, false);

	if (r == 0) {
		entered = share_await_entered(share);
		read = catch_up(share);
	}
	if (entered && read) {
		pthread_mutex_lock(&share->lock);
		share->caught_up = true;
		share->want_stale = false;
		pthread_mutex_unlock(&share->lock);
		share_end_stale(share);
	}
	return r;
}

static int join_as(struct share *share, const struct share_join *join, const char *what,
	struct share_realm *out, char why[static SHARE_WHY])
{
	int r;

	realm_begin_work(share, what);
	r = begin_from(share, join, what, out, why);
	if (r == 0) {
		r = settle(share);
	}
	realm_end_work(share);
	if (r == 0) {
		realm_report(share, out);
		share_wake_watcher(share);
		log_info("this host has joined the shared store", "host=%s epoch=%llu row=%llu",
			share->options.host, (unsigned long long)out->epoch,
			(unsigned long long)out->sequence);
	}
	return r;
}

int share_join(struct share *share, const struct share_join *join, struct share_realm *out,
	char why[static SHARE_WHY])
{
	memset(out, 0, sizeof *out);
	if (share_is_on(share)) {
		snprintf(why, SHARE_WHY, "the store is shared already");
		return -EEXIST;
	}
	return join_as(share, join, "join", out, why);
}

int share_rejoin(struct share *share, struct share_realm *out, char why[static SHARE_WHY])
{
	const struct share_join join = { .discard = true };

	memset(out, 0, sizeof *out);
	if (!share_is_on(share)) {
		snprintf(why, SHARE_WHY, "the store is not shared: run 'authzcheck store join'");
		return -EEXIST;
	}
	return join_as(share, &join, "rejoin", out, why);
}

/* --- following -------------------------------------------------------------------------------- */

/* 0; SHARE_LOST: the copy lacks changes of this host; -EALREADY: there is nothing to follow. */
static int begin_epoch(struct share *share, char why[static SHARE_WHY])
{
	const struct share_head *own = &share->append.head;
	struct share_head head;
	struct share_log *log;
	struct store_head trail;
	const struct share_wanted wanted = { .holds = &trail };
	int r = realm_look(share, &log, &head, why);

	if (log == NULL) {
		return r;
	}
	why[0] = '\0';
	if (r == 0 && (memcmp(head.realm, own->realm, sizeof head.realm) != 0 ||
			      head.epoch <= own->epoch)) {
		r = -EALREADY;
	}
	r = r == 0 ? check_secrets(share, &head, why) : r;
	r = r == 0 ? store_read_renew(share->reader) : r;
	if (r == 0) {
		r = store_get_head(share->reader, &trail);
		store_read_reset(share->reader);
	}
	r = r == 0 ? share_snapshot_take(share, log, &head, &wanted, why) : r;
	return realm_done(share, log, r, why);
}

void share_follow(struct share *share)
{
	char why[SHARE_WHY] = "";
	int r;

	if (share->append.diverged) {
		return;
	}
	realm_begin_work(share, "follow");
	r = begin_epoch(share, why);
	if (r == SHARE_LOST) {
		snprintf(share->append.why, sizeof share->append.why,
			"the log began again from a copy that lacks changes of this host");
		share_append_diverge(&share->append);
		share_append_save_diverged(&share->append);
	}
	r = r == 0 ? settle(share) : r;
	realm_end_work(share);
	if (r == 0) {
		log_warn("this host follows the shared store, which began again from a copy",
			"host=%s epoch=%llu", share->options.host,
			(unsigned long long)share->append.head.epoch);
	}
	share_note_problem(share, SHARE_ROWS, r < 0 && r != -EALREADY ? why : "");
	share_wake_watcher(share);
}

/* --- leaving ---------------------------------------------------------------------------------- */

/* Rows of one write; see share.c. */
#define DROPPED_ROWS 256

static int drop_place(struct share *share)
{
	struct store_write *write;
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		share_go_on(share);
		r = store_write_begin(share->options.store, &write);
		if (r < 0) {
			return r;
		}
		store_write_alone(write);
		store_write_job(write);
		r = store_drop_rows(write, UINT64_MAX, DROPPED_ROWS, &more);
		if (r == 0 && !more) {
			r = store_drop_shared(write);
		}
		r = r == 0 ? store_write_keep(write) : r;
		if (r < 0) {
			store_write_abort(write);
		} else {
			r = store_write_commit(write, true);
		}
	}
	return r;
}

int share_leave(struct share *share, struct share_realm *out, char why[static SHARE_WHY])
{
	char unused[SHARE_WHY];
	struct share_log *log;
	int r;

	memset(out, 0, sizeof *out);
	if (!share_is_on(share)) {
		snprintf(why, SHARE_WHY, "the store is not shared");
		return -EEXIST;
	}
	realm_begin_work(share, "leave");
	r = share_copy_aside(share, "leave", out->copy, why);
	if (r == 0) {
		/* The others mark its row themselves when the database is away. */
		log = realm_borrow(share, unused);
		if (log != NULL) {
			r = share->database->host_leave(log, share->instance, SHARE_LOOK_MS);
			realm_give(share, log, r < 0);
		}
		r = drop_place(share);
		if (r == 0) {
			r = share_take_up(share, true);
		}
		if (r < 0) {
			snprintf(why, SHARE_WHY, "%s", store_explain(r));
		}
	}
	realm_end_work(share);
	if (r == 0) {
		share_note_problem(share, SHARE_ROWS, "");
		log_info("this host has left the shared store", "host=%s", share->options.host);
	}
	return r;
}
