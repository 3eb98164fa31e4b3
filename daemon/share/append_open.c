/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/host/log.h"
#include "daemon/share/append_internal.h"
#include "daemon/share/fresh.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"

uint64_t share_append_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

int share_append_left(uint64_t deadline)
{
	uint64_t now = share_append_now();

	return deadline > now ? (int)(deadline - now) : 1;
}

void share_append_note(struct share_append *append, const char *why)
{
	snprintf(append->why, sizeof append->why, "%s", why);
}

/* --- the connection --------------------------------------------------------------------------- */

void share_append_close(struct share_append *append, bool broken)
{
	if (append->log != NULL) {
		append->give(append->context, append->log, broken);
	}
	append->log = NULL;
	append->locked = false;
}

void share_append_broken(struct share_append *append)
{
	append->looked = 0;
	share_append_close(append, true);
}

/* May this head be one of this store's log? */
static int judge(struct share_append *append, const struct share_head *head)
{
	const char *why = NULL;

	if (memcmp(head->realm, append->head.realm, SHARE_REALM) != 0) {
		why = "the database has the log of another realm";
	} else if (memcmp(head->secrets, append->head.secrets, SHARE_FINGERPRINT) != 0) {
		why = "the hosts of this log have other secrets: copy their secrets' file";
	} else if (head->epoch != append->head.epoch) {
		why = "the log is of another epoch: a copy was restored for all hosts";
	} else if (head->format > SHARE_FORMAT) {
		why = "the log has a later format: upgrade this host";
	}
	if (why != NULL) {
		share_append_note(append, why);
	}
	return why != NULL ? -EPERM : 0;
}

/* Another server answers than the one of the last row. */
static void note_server(struct share_append *append, const struct share_server *server)
{
	struct share_server *known = &append->head.server;

	if (known->system == server->system && known->timeline == server->timeline) {
		return;
	}
	if (known->system != 0) {
		append->held_until = share_append_now() + SHARE_HOLD_MS;
		log_warn("another server of the database answers: only lost rows are appended for "
			 "a while",
			"timeline=%lu was=%lu ms=%d", (unsigned long)server->timeline,
			(unsigned long)known->timeline, SHARE_HOLD_MS);
	}
	*known = *server;
}

static int on_newest(void *context, const struct share_row *row)
{
	const struct share_append *append = context;

	if (row->sequence != append->head.sequence) {
		return -ENOENT;
	}
	return memcmp(row->tag, append->head.tag, SHARE_TAG) == 0 ? -EEXIST : SHARE_LOST;
}

/* Does the log have this store's newest row? If it ends before it, gives back. */
static int find_newest(
	struct share_append *append, const struct share_head *head, uint64_t deadline)
{
	struct share_log *log = append->log;
	int r;

	if (head->sequence < append->head.sequence) {
		return share_give_back(append, head, append->why);
	}
	if (append->head.sequence == 0) {
		return 0;
	}
	r = log->ops->read(
		log, append->head.sequence, on_newest, append, share_append_left(deadline));
	if (r == SHARE_LOST) {
		r = share_find_fork(append, append->why);
	} else if (r == 0 || r == -ENOENT) {
		/* It was deleted, for a snapshot: then the next row's tag shows the same. */
		r = head->sequence > append->head.sequence ||
				    memcmp(head->tag, append->head.tag, SHARE_TAG) == 0
			    ? 0
			    : -EBADMSG;
	} else if (r == -EEXIST) {
		r = 0;
	}
	return r;
}

/* Asks which server answers on a new connection. */
static int ask_server(struct share_append *append, uint64_t deadline)
{
	struct share_log *log = append->log;
	struct share_head head;
	int r = log->ops->look(log, NULL, &head, share_append_left(deadline));

	if (r == 0) {
		r = judge(append, &head);
	} else if (r == -EPERM || r == -ENOENT) {
		share_append_note(append, log->ops->why(log));
	}
	if (r == 0) {
		append->head.format = head.format;
		note_server(append, &head.server);
		r = find_newest(append, &head, deadline);
	}
	if (r == SHARE_LOST) {
		share_append_diverge(append);
	}
	if (r == 0) {
		append->looked = append->number;
	}
	return r;
}

/* Takes a connection until `until`, and asks which server answers until `deadline`. */
static int open_until(struct share_append *append, uint64_t until, uint64_t deadline)
{
	int r;

	if (append->diverged) {
		return -EPERM;
	}
	if (append->log != NULL && !append->log->ops->is_connected(append->log)) {
		share_append_broken(append);
	}
	if (append->log == NULL) {
		append->log = append->take(append->context, until, &append->number);
	}
	if (append->log == NULL) {
		share_append_note(append, "there is no connection to the database");
		return -ENOTCONN;
	}
	if (append->looked == append->number) {
		return 0;
	}
	r = ask_server(append, deadline);
	if (r == -ETIMEDOUT || r == -ENOTCONN) {
		share_append_broken(append);
		return -ETIMEDOUT;
	}
	return r == 0 ? 0 : -EPERM;
}

int share_append_open(struct share_append *append, uint64_t deadline)
{
	return open_until(append, deadline, deadline);
}

int share_append_open_now(struct share_append *append)
{
	uint64_t now = share_append_now();

	return open_until(append, now, now + SHARE_ANSWER_MS);
}

bool share_append_wait_hold(struct share_append *append, uint64_t deadline)
{
	uint64_t now = share_append_now();

	if (append->held_until <= now) {
		return true;
	}
	if (append->held_until > deadline) {
		share_append_note(append, "another server of the database answers: hosts give back "
					  "what it lacks first");
		return false;
	}
	(void)poll(NULL, 0, (int)(append->held_until - now));
	return true;
}

/* --- a host that has diverged ----------------------------------------------------------------- */

void share_append_diverge(struct share_append *append)
{
	if (!append->diverged) {
		log_error("alarm: this host has rows that the shared log does not have: it stops; "
			  "see `authzcheck store rejoin`",
			"row=%llu why=%s", (unsigned long long)append->head.sequence, append->why);
	}
	append->diverged = true;
	append->unsaved = true;
	atomic_store_explicit(&append->fresh->stale, true, memory_order_release);
}

void share_append_save_diverged(struct share_append *append)
{
	struct store_write *write;
	int r;

	if (!append->unsaved || store_write_begin(append->store, &write) < 0) {
		return;
	}
	store_write_alone(write);
	r = share_append_put_place(append, write, &append->head);
	r = r == 0 ? store_write_keep(write) : r;
	if (r < 0) {
		store_write_abort(write);
	} else {
		r = store_write_commit(write, false);
	}
	append->unsaved = r < 0;
}
