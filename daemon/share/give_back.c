/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/host/log.h"
#include "daemon/share/append_internal.h"
#include "daemon/store/env.h"
#include "daemon/store/shared.h"

/* --- the rows that the store keeps ------------------------------------------------------------ */

/* A view of a row until the reader is reset. */
static int kept_row(struct store_read *read, uint64_t sequence, struct share_row *out)
{
	struct pol_str bytes;
	int r = store_get_row(read, sequence, &bytes);

	if (r == 0 && (!share_row_decode(bytes, out) || out->sequence != sequence)) {
		r = -EBADMSG;
	}
	return r;
}

static int open_reader(struct store *store, struct store_read **out)
{
	int r = store_read_open(store, out);

	if (r < 0) {
		return r;
	}
	r = store_read_renew(*out);
	if (r < 0) {
		store_read_close(*out);
	}
	return r;
}

/* --- where the log and this store part -------------------------------------------------------- */

struct forking {
	const struct secrets *secrets;
	struct store_read *read;
	struct share_head before; /* the last row that both have */
	bool common;              /* there was one */
	uint64_t last;            /* of the store's rows */
	uint64_t next;            /* to be read */
};

static int on_forking(void *context, const struct share_row *row)
{
	struct forking *forking = context;
	struct share_row own;
	int r;

	if (row->sequence > forking->last) {
		return -EEXIST; /* all rows of the store were compared */
	}
	r = kept_row(forking->read, row->sequence, &own);
	if (r < 0) {
		return r;
	}
	forking->next = row->sequence + 1;
	if (memcmp(own.tag, row->tag, SHARE_TAG) == 0) {
		forking->before = share_append_after(&forking->before, row);
		forking->common = true;
		return 0;
	}
	if (!forking->common) {
		return -ENOENT;
	}
	return share_row_check(forking->secrets, &forking->before, row) == 0 ? SHARE_LOST
									     : -EBADMSG;
}

static int compare(struct share_append *append, struct forking *forking)
{
	struct share_log *log = append->log;
	uint64_t from;
	int r;

	do {
		from = forking->next;
		r = log->ops->read(log, from, on_forking, forking, SHARE_ANSWER_MS);
	} while (r == 0 && forking->next > from);
	return r == -EEXIST ? 0 : r;
}

int share_find_fork(struct share_append *append, char why[static SHARE_WHY])
{
	struct forking forking = {
		.secrets = store_secrets(append->store),
		.before = append->head,
		.last = append->head.sequence,
	};
	int r = open_reader(append->store, &forking.read);

	if (r < 0) {
		return r;
	}
	r = store_oldest_row(forking.read, &forking.next);
	if (r == 0 && forking.next == 1) {
		/* The first row of a realm follows zeroes. */
		forking.before.sequence = 0;
		memset(forking.before.tag, 0, SHARE_TAG);
		forking.common = true;
	}
	r = r == 0 ? compare(append, &forking) : r;
	store_read_close(forking.read);
	if (r == SHARE_LOST) {
		snprintf(why, SHARE_WHY,
			"the log has another host's row %llu: this host has diverged",
			(unsigned long long)forking.next - 1);
	} else if (r == -EBADMSG) {
		snprintf(why, SHARE_WHY, "row %llu of the log was altered",
			(unsigned long long)forking.next - 1);
	} else if (r == -ENOENT) {
		snprintf(why, SHARE_WHY,
			"the log is not this host's, and parted from it before "
			"the rows that this host keeps: rejoin");
	}
	return r;
}

/* --- giving back ------------------------------------------------------------------------------ */

static int on_given(void *context, const struct share_row *row)
{
	const struct share_row *own = context;

	if (row->sequence != own->sequence) {
		return -ENOENT;
	}
	return memcmp(row->tag, own->tag, SHARE_TAG) == 0 ? -EEXIST : SHARE_LOST;
}

/* Appends one row as it is. Another host may give the same one back. */
static int give(struct share_append *append, const struct share_head *before, struct share_row *row)
{
	struct share_log *log = append->log;
	int r = log->ops->append(log, before, row, SHARE_ANSWER_MS);

	if (r == SHARE_LOST) {
		r = log->ops->read(log, row->sequence, on_given, row, SHARE_ANSWER_MS);
		r = r == -EEXIST ? 0 : r == 0 || r == -ENOENT ? -ETIMEDOUT : r;
	}
	return r;
}

static int give_all(struct share_append *append, struct store_read *read, struct share_head before)
{
	int r = 0;

	while (r == 0 && before.sequence < append->head.sequence) {
		struct share_row row;

		r = kept_row(read, before.sequence + 1, &row);
		if (r == 0 && share_row_check(store_secrets(append->store), &before, &row) != 0) {
			r = SHARE_LOST; /* the log's last row is not the one that ours follows */
		}
		r = r == 0 ? give(append, &before, &row) : r;
		if (r == 0) {
			before = share_append_after(&before, &row);
		}
	}
	return r;
}

int share_give_back(
	struct share_append *append, const struct share_head *end, char why[static SHARE_WHY])
{
	struct share_head before = append->head;
	struct store_read *read;
	int r = open_reader(append->store, &read);

	if (r < 0) {
		return r;
	}
	before.sequence = end->sequence;
	memcpy(before.tag, end->tag, SHARE_TAG);
	log_warn("the shared log ends before this host's store: its rows are given back",
		"log=%llu store=%llu", (unsigned long long)end->sequence,
		(unsigned long long)append->head.sequence);
	r = give_all(append, read, before);
	store_read_close(read);
	if (r == SHARE_LOST) {
		r = share_find_fork(append, why);
		r = r == 0 ? -EBADMSG : r;
	} else if (r == -ENOENT) {
		snprintf(why, SHARE_WHY,
			"the log ends at row %llu, and this host does not have "
			"the rows after it any more",
			(unsigned long long)end->sequence);
	}
	if (r == SHARE_LOST) {
		share_append_diverge(append);
	}
	return r;
}
