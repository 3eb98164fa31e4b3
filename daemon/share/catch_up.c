/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/share/catch_up.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/share/append_internal.h"
#include "daemon/share/fresh.h"
#include "daemon/store/changes.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"

/* A reading of the log. */
struct reading {
	struct share_append *append;
	struct store_write *write; /* NULL: none is open */
	struct share_head head;    /* after the rows in the write */
	unsigned rows;             /* in the write, */
	uint32_t asks;             /* and what they ask for */
	unsigned most;             /* of one write */
	uint64_t applied;
	size_t bytes;            /* of payloads, in this read */
	bool spoiled;            /* a row could not be applied after others of its write */
	bool newest;             /* the row at this store's own place was read */
	char refused[SHARE_WHY]; /* the row that could not be applied; empty: there is none */
	char *why;
};

/* Notes which row it is. */
static int refuse(struct reading *reading, const struct share_row *row, int r, const char *what)
{
	snprintf(reading->refused, sizeof reading->refused, "row %llu of host %.*s: %s",
		(unsigned long long)row->sequence, POL_STR_ARGS(row->host), what);
	return r;
}

/* Says why a row cannot be applied. The rows of a log that began again do not follow: that raises
 * no alarm. */
static int explain(struct reading *reading, int r)
{
	struct share_append *append = reading->append;

	if (r == -EBADMSG) {
		append->looked = 0;
		if (share_append_open(append, share_append_now() + SHARE_ANSWER_MS) == -EPERM) {
			memcpy(reading->why, append->why, SHARE_WHY);
			return -EPERM;
		}
	}
	if (strcmp(reading->refused, reading->why) != 0) {
		log_error("a row of the shared log cannot be applied", "why=%s", reading->refused);
	}
	memcpy(reading->why, reading->refused, SHARE_WHY);
	return r;
}

/* Commits the rows of the write. */
static int commit(struct reading *reading)
{
	struct share_append *append = reading->append;
	struct store_write *write = reading->write;
	bool roles;
	int r;

	if (write == NULL) {
		return 0;
	}
	roles = store_write_changed_roles(write);
	reading->write = NULL;
	r = share_append_put_place(append, write, &reading->head);
	r = r == 0 ? store_write_keep(write) : r;
	if (r < 0) {
		store_write_abort(write);
	} else {
		r = store_why_failed(append->store, store_write_commit(write, true));
	}
	if (r < 0) {
		reading->spoiled = reading->rows > 1;
		snprintf(reading->why, SHARE_WHY, "row %llu: %s",
			(unsigned long long)reading->head.sequence, store_explain(r));
	} else {
		append->head = reading->head;
		append->owes = false; /* one row can be owed, and it is the next */
		append->applied += reading->rows;
		reading->applied += reading->rows;
		share_append_note_asks(append, reading->asks, append->head.sequence);
		if (append->committed != NULL) {
			append->committed(append->context, roles);
		}
		atomic_store_explicit(
			&append->fresh->applied, append->head.sequence, memory_order_release);
	}
	reading->rows = 0;
	reading->asks = 0;
	return r;
}

/* Puts the row into the write: its changes, and itself. */
static int apply(struct reading *reading, const struct share_row *row)
{
	struct share_append *append = reading->append;
	size_t size = row->payload.len;
	uint8_t *plain = share_append_room(append, 2 * size + SHARE_ROW_FIXED);
	uint8_t *bytes = plain + size;
	struct share_content content;
	char why[STORE_WHY] = "";
	int r;

	if (plain == NULL) {
		return -ENOMEM;
	}
	r = share_row_open(store_secrets(append->store), &reading->head, row, plain, &content);
	if (r < 0) {
		return refuse(reading, row, r, "it cannot be opened");
	}
	if (reading->write == NULL) {
		r = store_write_begin_logged(append->store, &reading->write);
		if (r < 0) {
			return r;
		}
		store_write_alone(reading->write);
	}
	r = store_apply_changes(reading->write, content.changes, why);
	if (r == 0) {
		r = store_put_row(reading->write, row->sequence,
			(struct pol_str){ (const char *)bytes, share_row_encode(row, bytes) });
	}
	r = r == 0 ? store_write_keep(reading->write) : r;
	if (r < 0) {
		store_write_abort(reading->write);
		reading->write = NULL;
		reading->spoiled = reading->rows > 0;
		reading->rows = 0;
		return refuse(reading, row, r, why[0] != '\0' ? why : store_explain(r));
	}
	reading->head = share_append_after(&reading->head, row);
	reading->rows++;
	reading->asks |= row->asks;
	return 0;
}

static int on_row(void *context, const struct share_row *row)
{
	struct reading *reading = context;
	int r;

	if (row->sequence == reading->head.sequence && reading->rows == 0) {
		reading->newest = true;
		return memcmp(row->tag, reading->head.tag, SHARE_TAG) == 0 ? 0 : SHARE_LOST;
	}
	r = share_row_check(store_secrets(reading->append->store), &reading->head, row);
	if (r < 0) {
		int kept = commit(reading);

		return kept < 0 ? kept
				: refuse(reading, row, r,
					  r == -EPROTONOSUPPORT
						  ? "it has a later format: upgrade this host"
						  : "it is not the row that follows: it was "
						    "altered, left out or "
						    "reordered. " SHARE_PUT_BACK);
	}
	r = apply(reading, row);
	if (r == 0) {
		reading->newest = true;
		reading->bytes += row->payload.len;
	}
	return r == 0 && reading->rows >= reading->most ? commit(reading) : r;
}

/* One read. After a row that spoiled a write with others the rows are read again, each in a write
 * of its own, so that those before it are applied. */
static int read_once(struct reading *reading)
{
	struct share_append *append = reading->append;
	struct share_log *log = append->log;
	uint64_t from = append->head.sequence > 0 ? append->head.sequence : 1;
	int r, kept;

	reading->head = append->head;
	reading->rows = 0;
	reading->asks = 0;
	reading->bytes = 0;
	reading->spoiled = false;
	reading->refused[0] = '\0';
	r = log->ops->read(log, from, on_row, reading, SHARE_ANSWER_MS);
	if (r == -EBADMSG && reading->why[0] == '\0') {
		/* It was not a row at all. */
		snprintf(reading->why, SHARE_WHY, "%s", log->ops->why(log));
	}
	kept = commit(reading);
	return r != 0 ? r : kept;
}

/* What a read ended with. */
static int judge(struct reading *reading, int r)
{
	struct share_append *append = reading->append;

	if (r == SHARE_LOST) {
		r = share_find_fork(append, reading->why);
		if (r == SHARE_LOST) {
			share_append_diverge(append);
			share_append_save_diverged(append);
		}
		return r < 0 ? r : -EBADMSG;
	}
	if (r == -ETIMEDOUT || r == -ENOTCONN) {
		share_append_broken(append);
	}
	/* The log may end before this store: the next look says so. */
	if (r == 0 && !reading->newest && append->head.sequence > 0) {
		append->looked = 0;
		r = share_append_open(append, share_append_now() + SHARE_ANSWER_MS);
		if (r < 0) {
			memcpy(reading->why, append->why, SHARE_WHY);
		}
	}
	return r < 0 && reading->refused[0] != '\0' ? explain(reading, r) : r;
}

int share_catch_up(struct share_append *append, uint64_t *out_applied, char why[static SHARE_WHY])
{
	struct reading reading = { .append = append, .most = SHARE_CATCH_UP_ROWS, .why = why };
	int r = share_append_open_now(append);

	*out_applied = 0;
	while (r == 0) {
		r = read_once(&reading);
		if (r < 0 && reading.spoiled && reading.most > 1) {
			reading.most = 1;
			r = 0;
		} else if (r != 0 || reading.bytes < SHARE_READ_BYTES / 2) {
			r = judge(&reading, r);
			break;
		}
	}
	if (append->unsaved) {
		share_append_save_diverged(append);
	}
	*out_applied = reading.applied;
	append->behind = r < 0;
	if (r == 0) {
		why[0] = '\0';
	}
	return r;
}
