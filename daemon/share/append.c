/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/append.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/token.h"
#include "daemon/share/append_internal.h"
#include "daemon/share/fresh.h"
#include "daemon/store/changes.h"
#include "daemon/store/shared.h"

/*
 * The row of a batch is made once, put into the batch's write with its place, and sent. An append
 * that was not answered may still arrive, as long as the head is the one that it names. So the
 * answer of the same row, sent again, is the only proof: 0, or another row has the place. Both the
 * sequence and the tag are compared by the statement, so a late one cannot follow another row.
 */

/* --- places ----------------------------------------------------------------------------------- */

int share_append_load(struct share_append *append)
{
	struct store_read *read;
	struct store_shared shared;
	int r = store_read_open(append->store, &read);

	if (r < 0) {
		return r;
	}
	r = store_read_renew(read);
	r = r == 0 ? store_get_shared(read, &shared) : r;
	store_read_close(read);
	if (r != 0) {
		return r;
	}
	append->head = (struct share_head){
		.epoch = shared.epoch,
		.sequence = shared.sequence,
		.format = SHARE_FORMAT,
		.server = { shared.server_system, shared.server_timeline },
	};
	memcpy(append->head.realm, shared.realm, SHARE_REALM);
	memcpy(append->head.tag, shared.tag, SHARE_TAG);
	secrets_fingerprint(store_secrets(append->store), append->head.secrets);
	append->diverged = shared.diverged;
	append->looked = 0;
	atomic_store(&append->sending, 0);
	atomic_store(&append->reports, 0);
	append->behind = true;
	atomic_store(&append->fresh->applied, shared.sequence);
	return 0;
}

int share_append_put_place(
	struct share_append *append, struct store_write *write, const struct share_head *head)
{
	struct store_shared shared = {
		.epoch = head->epoch,
		.sequence = head->sequence,
		.diverged = append->diverged,
		.server_system = head->server.system,
		.server_timeline = head->server.timeline,
	};

	memcpy(shared.realm, head->realm, SHARE_REALM);
	memcpy(shared.tag, head->tag, SHARE_TAG);
	return store_put_shared(write, &shared);
}

void share_append_note_asks(struct share_append *append, uint32_t asks, uint64_t sequence)
{
	if ((asks & SHARE_ASKS_REPORT) != 0) {
		atomic_store(&append->reports, sequence);
	}
}

struct share_head share_append_after(const struct share_head *before, const struct share_row *row)
{
	struct share_head after = *before;

	after.sequence = row->sequence;
	memcpy(after.tag, row->tag, SHARE_TAG);
	return after;
}

uint8_t *share_append_room(struct share_append *append, size_t size)
{
	if (size > append->capacity) {
		uint8_t *more = realloc(append->buffer, size);

		if (more == NULL) {
			return NULL;
		}
		append->buffer = more;
		append->capacity = size;
	}
	return append->buffer;
}

/* --- the row of a batch ----------------------------------------------------------------------- */

/* Opens the row as the other hosts will. */
static int open_again(const struct share_append *append, const struct share_row *row, uint8_t *out,
	const struct share_content *content)
{
	const struct secrets *secrets = store_secrets(append->store);
	struct share_content found;
	int r = share_row_check(secrets, &append->head, row);

	r = r == 0 ? share_row_open(secrets, &append->head, row, out, &found) : r;
	if (r == 0 && !pol_str_equal(found.changes, content->changes)) {
		r = -EBADMSG;
	}
	return r;
}

/* Makes the row, and puts it and its place into the write. The payload is in the buffer. */
static int make_row(struct share_append *append, struct store_write *write, struct pol_str changes,
	struct share_row *row)
{
	struct share_content content = {
		{ append->revision, strlen(append->revision) },
		changes,
	};
	size_t size = share_row_size(&content);
	uint8_t *sealed, *bytes;
	int r;

	if (size > SHARE_MAX_PAYLOAD) {
		return -E2BIG;
	}
	sealed = share_append_room(append, 2 * size + SHARE_ROW_FIXED);
	if (sealed == NULL) {
		return -ENOMEM;
	}
	bytes = sealed + size;
	r = share_row_make(store_secrets(append->store), &append->head, &content, sealed, row);
	r = r == 0 ? open_again(append, row, bytes, &content) : r;
	if (r < 0) {
		return r;
	}
	append->after = share_append_after(&append->head, row);
	/* All jobs of the batch were kept or undone: this one needs no savepoint. */
	store_write_job(write);
	store_write_alone(write);
	r = store_put_row(write, row->sequence,
		(struct pol_str){ (const char *)bytes, share_row_encode(row, bytes) });
	r = r == 0 ? share_append_put_place(append, write, &append->after) : r;
	return r == 0 ? store_write_keep(write) : r;
}

/* --- sending it ------------------------------------------------------------------------------- */

struct sending {
	struct share_append *append;
	const struct share_row *row;
	uint64_t deadline;
	bool sent; /* without an answer: it may arrive late */
};

static int on_place(void *context, const struct share_row *row)
{
	struct sending *sending = context;

	if (row->sequence != sending->row->sequence) {
		return -ENOENT;
	}
	return memcmp(row->tag, sending->row->tag, SHARE_TAG) == 0 ? -EEXIST : SHARE_LOST;
}

/* Another row than `before` is the last one: is it ours? Its own wait for a standby may have been
 * cancelled, so one more durable commit follows. */
static int find_place(struct sending *sending)
{
	struct share_append *append = sending->append;
	struct share_log *log = append->log;
	int timeout = share_append_left(sending->deadline);
	int r = log->ops->read(log, sending->row->sequence, on_place, sending, timeout);

	if (r == -EEXIST) {
		return log->ops->beat(log, false, share_append_left(sending->deadline));
	}
	if (r == 0 || r == -ENOENT) {
		/* The place is not taken: the log ends before it, or begins after it. */
		append->looked = 0;
		return -ETIMEDOUT;
	}
	return r;
}

/* 0, SHARE_LOST, -EINPROGRESS, -ENOTCONN; -EAGAIN: send it again. */
static int send_once(struct sending *sending)
{
	struct share_append *append = sending->append;
	uint64_t until = sending->sent ? sending->deadline
				       : sending->deadline - SHARE_ANSWER_MS + SHARE_TAKE_MS;
	int r = share_append_open(append, until);

	if (r == 0 && !share_append_wait_hold(append, until)) {
		r = -EPERM;
	}
	if (r < 0) {
		return r == -ETIMEDOUT ? -EAGAIN : sending->sent ? -EINPROGRESS : -ENOTCONN;
	}
	r = append->log->ops->append(
		append->log, &append->head, sending->row, share_append_left(sending->deadline));
	append->locked = false;
	if (r == SHARE_LOST && sending->sent) {
		r = find_place(sending);
	}
	if (r == 0 || r == SHARE_LOST) {
		return r;
	}
	if (r == -EPERM || r == -ENOMEM) {
		share_append_note(append, append->log->ops->why(append->log));
		return sending->sent ? -EINPROGRESS : -ENOTCONN;
	}
	sending->sent = sending->sent || r != -ENOTCONN;
	if (append->looked != 0) {
		share_append_broken(append);
	}
	return -EAGAIN;
}

static int send_row(struct share_append *append, const struct share_row *row)
{
	struct sending sending = {
		.append = append,
		.row = row,
		.deadline = share_append_now() + SHARE_ANSWER_MS,
	};
	int r;

	r = send_once(&sending);
	while (r == -EAGAIN && share_append_now() < sending.deadline) {
		r = send_once(&sending);
		if (r == -EAGAIN) {
			(void)poll(NULL, 0, SHARE_AGAIN_MS);
		}
	}
	return r != -EAGAIN ? r : sending.sent ? -EINPROGRESS : -ENOTCONN;
}

/* --- a batch ---------------------------------------------------------------------------------- */

int share_append_begin(struct share_append *append)
{
	uint64_t applied;
	int r;

	append->pending = false;
	if (append->diverged) {
		return -ENOTCONN;
	}
	if (!append->behind) {
		return append->owes ? -ENOTCONN : 0;
	}
	r = share_catch_up(append, &applied, append->why);
	if (r == -EBADMSG || r == -EPROTONOSUPPORT || r == -ENOSPC || r == -EFBIG) {
		return -ENOTCONN;
	}
	return append->owes || append->diverged ? -ENOTCONN : 0;
}

int share_append_lock(struct share_append *append)
{
	uint64_t deadline = share_append_now() + SHARE_ANSWER_MS;
	struct share_head head;
	uint64_t applied;
	int r = share_append_open(append, deadline);

	if (r < 0) {
		return -ENOTCONN;
	}
	r = append->log->ops->lock(append->log, &head, share_append_left(deadline));
	if (r < 0) {
		share_append_broken(append);
		return -ENOTCONN;
	}
	append->locked = true;
	r = share_catch_up(append, &applied, append->why);
	return r < 0 ? -ENOTCONN : 0;
}

int share_append(struct share_append *append, struct store_write *write, uint32_t asks)
{
	struct share_row row = {
		.host = { append->host, strlen(append->host) },
		.at = share_wall_us(),
		.asks = asks,
	};
	struct pol_str changes;
	int r = store_write_changes(write, &changes);

	append->pending = false;
	if (r < 0) {
		return r;
	}
	/* What is put on this host alone goes by what the log has, too. */
	if (changes.len == 0) {
		return share_append_still(append);
	}
	/* A server that is asked for first may have lost the tail, which is given back before. */
	if (append->diverged || append->owes) {
		return -ENOTCONN;
	}
	if (store_write_met_altered(write)) {
		return -EBADMSG;
	}
	r = make_row(append, write, changes, &row);
	if (r == 0) {
		atomic_store(&append->sending, row.sequence);
		r = send_row(append, &row);
	}
	append->pending = r == 0;
	append->asks = row.asks;
	if (r == SHARE_LOST) {
		append->lost++;
		append->behind = true;
	} else if (r == -EINPROGRESS) {
		append->unanswered++;
		append->behind = true;
	}
	return r;
}

/* Is the log where this store is? A primary beside which another one was promoted answers, too; it
 * commits nothing, since no standby follows it. So one durable commit follows the look. A new
 * server's log may lack rows that other hosts are about to give back. */
static int ask_still(struct share_append *append, uint64_t deadline)
{
	struct share_log *log = append->log;
	struct share_head head;
	int r;

	if (!share_append_wait_hold(append, deadline)) {
		return -EPERM;
	}
	r = log->ops->look(log, NULL, &head, share_append_left(deadline));
	if (r < 0) {
		return r;
	}
	if (head.epoch != append->head.epoch || head.sequence != append->head.sequence ||
		memcmp(head.tag, append->head.tag, SHARE_TAG) != 0) {
		return SHARE_LOST;
	}
	if (append->locked) {
		log->ops->unlock(log);
		append->locked = false;
	}
	return log->ops->beat(log, false, share_append_left(deadline));
}

int share_append_still(struct share_append *append)
{
	uint64_t deadline = share_append_now() + SHARE_TAKE_MS;
	int r;

	do {
		r = share_append_open(append, deadline);
		r = r == 0 ? ask_still(append, deadline) : r;
		if (r == -ETIMEDOUT || r == -ENOTCONN) {
			share_append_broken(append);
			(void)poll(NULL, 0, SHARE_AGAIN_MS);
		}
	} while (r == -ETIMEDOUT && share_append_now() < deadline);
	if (r < 0 || append->diverged) {
		return -ENOTCONN;
	}
	append->behind = append->behind || r == SHARE_LOST;
	return r;
}

void share_append_committed(struct share_append *append, int result)
{
	if (!append->pending) {
		return;
	}
	append->pending = false;
	if (result == 0) {
		append->head = append->after;
		append->appended++;
		share_append_note_asks(append, append->asks, append->head.sequence);
		if (append->committed != NULL) {
			append->committed(append->context, false);
		}
		atomic_store_explicit(
			&append->fresh->applied, append->head.sequence, memory_order_release);
		return;
	}
	append->owes = true;
	append->behind = true;
	atomic_store_explicit(&append->fresh->stale, true, memory_order_release);
	share_append_note(append, "the store cannot commit a row that is in the log");
}

void share_append_end(struct share_append *append)
{
	atomic_store(&append->sending, 0);
	if (append->log != NULL && append->locked) {
		append->log->ops->unlock(append->log);
	}
	append->pending = false;
	share_append_close(append, false);
	share_append_save_diverged(append);
	if (append->capacity > SHARE_READ_BYTES) {
		free(append->buffer);
		append->buffer = NULL;
		append->capacity = 0;
	}
}

void share_append_finish(struct share_append *append)
{
	share_append_end(append);
	free(append->buffer);
	append->buffer = NULL;
	append->capacity = 0;
}
