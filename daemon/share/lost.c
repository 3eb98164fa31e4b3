/* SPDX-License-Identifier: Apache-2.0 */
/* What a host that has diverged has and the log lacks: its kept rows after the last one that both
 * have, and the entries of the trail that came with them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/share/realm_internal.h"
#include "daemon/store/changes.h"

struct comparing {
	struct store_read *read;
	struct share_head common;
	uint64_t next; /* to be read of the log */
};

static int get_row(struct store_read *read, uint64_t sequence, struct share_row *out)
{
	struct pol_str bytes;
	int r = store_get_row(read, sequence, &bytes);

	return r == 0 && !share_row_decode(bytes, out) ? -EBADMSG : r;
}

static int on_row(void *context, const struct share_row *row)
{
	struct comparing *comparing = context;
	struct share_row own;

	if (get_row(comparing->read, row->sequence, &own) != 0 ||
		memcmp(own.tag, row->tag, SHARE_TAG) != 0) {
		return -EEXIST;
	}
	comparing->common.sequence = row->sequence;
	memcpy(comparing->common.tag, row->tag, SHARE_TAG);
	comparing->next = row->sequence + 1;
	return 0;
}

/* The last row that both have. */
static int find_common(struct comparing *comparing, struct share_log *log)
{
	uint64_t from;
	int r = store_oldest_row(comparing->read, &comparing->next);

	if (r == -ENOENT) {
		return 0;
	}
	while (r == 0) {
		from = comparing->next;
		r = log->ops->read(log, from, on_row, comparing, SHARE_ANSWER_MS);
		if (r == 0 && comparing->next == from) {
			break;
		}
	}
	return r == -EEXIST ? 0 : r;
}

/* The first entry of the trail in a row; 0: it has none. */
static int find_entry(struct share *share, const struct share_head *before,
	const struct share_row *row, uint64_t *out)
{
	const struct secrets *secrets = store_secrets(share->options.store);
	struct share_content content;
	uint8_t *bytes = malloc(row->payload.len + 1);
	int r = bytes != NULL ? share_row_open(secrets, before, row, bytes, &content) : -ENOMEM;

	*out = r == 0 ? store_changes_entry(content.changes) : 0;
	free(bytes);
	return r;
}

/* The first entry of the trail after the common row. */
static int find_first(struct share *share, struct comparing *comparing, uint64_t *out)
{
	struct share_head before = comparing->common;
	struct share_row row;
	int r = 0;

	*out = 0;
	while (r == 0 && *out == 0 && before.sequence < share->append.head.sequence) {
		r = get_row(comparing->read, before.sequence + 1, &row);
		if (r == 0) {
			r = find_entry(share, &before, &row, out);
		} else if (r == -ENOENT) {
			/* It is older than what is kept: what came with it cannot be listed. */
			return 0;
		}
		if (r == 0) {
			before.sequence = row.sequence;
			memcpy(before.tag, row.tag, SHARE_TAG);
		}
	}
	return r;
}

/* The log is of another epoch: what this store has after the end of its snapshot's trail. Where
 * that is not in this trail, they have parted before. */
static int find_parted(struct share *share, struct share_log *log, const struct share_head *head,
	uint64_t *out_first)
{
	struct store_head trail, own;
	int r = share_snapshot_trail(share, log, head, &trail);

	r = r == 0 ? store_read_renew(share->reader) : r;
	if (r < 0) {
		return r;
	}
	r = store_get_head(share->reader, &own);
	if (r == 0 && trail.count <= own.count && share_trail_has(share->reader, &trail)) {
		*out_first = trail.count < own.count ? trail.count + 1 : 0;
	} else {
		*out_first = SHARE_UNKNOWN;
	}
	store_read_reset(share->reader);
	return r;
}

int share_find_lost(struct share *share, struct share_realm *out, uint64_t *out_first,
	char why[static SHARE_WHY])
{
	struct comparing comparing = { .read = share->reader, .common = share->append.head };
	struct share_head head;
	struct share_log *log;
	int r;

	memset(out, 0, sizeof *out);
	if (!share_is_on(share)) {
		snprintf(why, SHARE_WHY, "the store is not shared: run 'authzcheck store join'");
		return -EEXIST;
	}
	r = realm_look(share, &log, &head, why);
	if (log == NULL) {
		return r;
	}
	why[0] = '\0';
	comparing.common.sequence = 0;
	memset(comparing.common.tag, 0, SHARE_TAG);
	if (r == 0 && head.epoch != share->append.head.epoch) {
		comparing.common = head;
		r = find_parted(share, log, &head, out_first);
	} else if (r == 0 && (r = store_read_renew(comparing.read)) == 0) {
		r = find_common(&comparing, log);
		r = r == 0 ? find_first(share, &comparing, out_first) : r;
		store_read_reset(comparing.read);
	}
	realm_report(share, out);
	out->sequence = comparing.common.sequence;
	memcpy(out->tag, comparing.common.tag, sizeof out->tag);
	return realm_done(share, log, r, why);
}
