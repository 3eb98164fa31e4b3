/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/durable.h"
#include "daemon/store/bytes.h"
#include "daemon/store/check.h"
#include "daemon/store/copy_read.h"

/*
 * The copy is read into a new store beside the old one and checked. Then two renames put it in
 * place of the old one: the store first, then its head, so that a crash between them leaves a store
 * that the daemon refuses rather than one whose rollback was not accepted.
 */

/* Entries of one transaction. */
#define BATCH 10000

struct restore {
	const struct store_options *options;
	int fd;
	struct store *store; /* the new one */
	uint8_t *bytes;      /* a piece */
	struct copy_reader reader;
	MDB_txn *txn;
	unsigned put;
	uint64_t records;
	char path[PATH_MAX]; /* of the new one */
	char *why;
};

/* --- reading ---------------------------------------------------------------------------------- */

/* Reads exactly len bytes. 0; 1: the copy ended before the first; -EBADMSG: it ended in between. */
static int read_all(struct restore *restore, uint8_t *bytes, size_t len)
{
	size_t got = 0;

	while (got < len) {
		ssize_t n = read(restore->fd, bytes + got, len - got);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return store_why(
				restore->why, -errno, "cannot read the copy: %s", strerror(errno));
		}
		if (n == 0) {
			return got == 0 ? 1 : copy_is_damaged(&restore->reader, "is cut short");
		}
		got += (size_t)n;
	}
	return 0;
}

static int flush(struct restore *restore)
{
	int r = 0;

	if (restore->txn != NULL) {
		uint64_t number = mdb_txn_id(restore->txn);

		r = store_error(mdb_txn_commit(restore->txn));
		store_committed(restore->store, number);
		restore->txn = NULL;
		restore->put = 0;
	}
	return r;
}

static int put(void *context, enum store_table table, MDB_val key, MDB_val value)
{
	struct restore *restore = (struct restore *)context;
	struct store *store = restore->store;
	int r = 0;

	/* The new store has its own proof of the pepper. */
	if (table == STORE_META && !copy_has_meta((struct pol_str){ key.mv_data, key.mv_size })) {
		return 0;
	}
	if (restore->txn == NULL) {
		r = store_error(mdb_txn_begin(store->env, NULL, 0, &restore->txn));
	}
	if (r == 0) {
		r = store_error(mdb_put(restore->txn, store->tables[table], &key, &value, 0));
		restore->records++;
	}
	if (r == 0 && ++restore->put == BATCH) {
		r = flush(restore);
	}
	return r < 0 ? store_why(restore->why, r, "%s: %s", restore->path, store_explain(r)) : 0;
}

static int read_piece(struct restore *restore)
{
	uint8_t header[COPY_HEADER];
	size_t len;
	int r = read_all(restore, header, sizeof header);

	if (r != 0) {
		return r;
	}
	len = store_get32(header);
	if (len > COPY_PIECE_MAX) {
		return copy_is_damaged(&restore->reader, "is damaged");
	}
	r = read_all(restore, restore->bytes, len);
	if (r != 0) {
		return r < 0 ? r : copy_is_damaged(&restore->reader, "is cut short");
	}
	return copy_read_piece(
		&restore->reader, header, (struct pol_str){ (const char *)restore->bytes, len });
}

static int read_copy(struct restore *restore)
{
	uint8_t beginning[sizeof COPY_BEGINNING - 1];
	int r = read_all(restore, beginning, sizeof beginning);

	if (r != 0 || memcmp(beginning, COPY_BEGINNING, sizeof beginning) != 0) {
		return store_why(restore->why, -EINVAL, "this is not a copy of a store");
	}
	while (r == 0) {
		r = read_piece(restore);
	}
	if (r < 0) {
		return r;
	}
	if (!restore->reader.ended) {
		return copy_is_damaged(&restore->reader, "is cut short");
	}
	r = flush(restore);
	return r == 0 ? 0 : store_why(restore->why, r, "%s: %s", restore->path, store_explain(r));
}

/* --- checks ----------------------------------------------------------------------------------- */

/* Refuses a copy without the entry that the head here names, unless that is accepted. */
static int check_head(struct restore *restore, struct store_read *read, uint64_t *out_head)
{
	const struct store_options *options = restore->options;
	struct store_head head = { .count = 0 };
	struct store_audit audit;
	int r = store_peek_head(restore->store, options->path, &head);

	*out_head = head.count;
	if (options->accept_rollback) {
		return 0;
	}
	if (r == -ENOENT) {
		return store_why(restore->why, -EBADMSG,
			"there is no head of an audit trail at %s" STORE_HEAD_SUFFIX
			", so it is not known whether this copy is the newest: put it back too, or "
			"give --accept-rollback",
			options->path);
	}
	if (r < 0) {
		return store_why(restore->why, -EBADMSG,
			"%s" STORE_HEAD_SUFFIX
			": cannot be read, or was altered: put it back, or give "
			"--accept-rollback",
			options->path);
	}
	if (restore->reader.end.count < head.count) {
		return store_why(restore->why, -EBADMSG,
			"the copy is older than the store was: it ends at record %" PRIu64
			" of the audit trail and misses %" PRIu64
			" change%s since. Keys that were revoked then would work again: take a "
			"newer copy, or give --accept-rollback",
			restore->reader.end.count, head.count - restore->reader.end.count,
			head.count - restore->reader.end.count == 1 ? "" : "s");
	}
	if (head.count == 0) {
		return 0;
	}
	r = store_get_audit(read, head.count, &audit);
	if (r < 0 || !secret_equal(audit.tag, head.tag, STORE_CHAIN)) {
		return store_why(restore->why, -EBADMSG,
			"the copy has another history than the store here: record %" PRIu64
			" of its audit trail is another. Take another copy, or give "
			"--accept-rollback",
			head.count);
	}
	return 0;
}

/* Refuses a copy with keys that would be unknown from now on, unless that is accepted. */
static int check_pepper(struct restore *restore, struct store_read *read)
{
	struct store_lost lost;
	int r = store_count_lost(read, &lost);

	if (r < 0) {
		return store_why(restore->why, r, "%s: %s", restore->path, store_explain(r));
	}
	if (lost.lost == 0 || restore->options->accept_lost) {
		return 0;
	}
	return store_why(restore->why, -EBADMSG,
		"%" PRIu64 " of %" PRIu64 " key%s in the copy need%s pepper %u, which %s no longer "
		"holds, and would be unknown: put back the pepper file of that time first, or give "
		"--accept-lost-keys",
		lost.lost, lost.keys, lost.keys == 1 ? "" : "s", lost.lost == 1 ? "s" : "",
		(unsigned)lost.pepper, restore->options->pepper);
}

static int enter(struct restore *restore, uint64_t head)
{
	const struct store_moved moved = { .action = POL_STR("store.restore"),
		.what = "head",
		.from = head,
		.to = restore->reader.end.count };
	int r = store_enter_moved(restore->store, &moved);

	return r == 0 ? 0 : store_why(restore->why, r, "%s: %s", restore->path, store_explain(r));
}

static int take(struct restore *restore, struct store_restored *out)
{
	struct store_read *read = NULL;
	uint64_t head = 0;
	int r = read_copy(restore);

	if (r == 0) {
		r = store_read_open(restore->store, &read);
	}
	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r == 0) {
		r = copy_check_end(&restore->reader, read);
	}
	if (r == 0) {
		r = check_head(restore, read, &head);
	}
	if (r == 0) {
		r = check_pepper(restore, read);
	}
	store_read_close(read);
	if (r == 0) {
		r = enter(restore, head);
	}
	if (r == 0) {
		*out = (struct store_restored){ restore->records, head, restore->reader.end.count };
	}
	return r;
}

/* --- the exchange ----------------------------------------------------------------------------- */

static const char *const endings[] = { "", "-lock", STORE_HEAD_SUFFIX, CHECK_CLEAN_SUFFIX,
	STORE_CREATING_SUFFIX };

static void name(char out[static PATH_MAX], const char *path, const char *ending)
{
	int len = snprintf(out, PATH_MAX, "%s%s", path, ending);

	/* open_aside has checked that the longest name fits. */
	if (len < 0 || len >= PATH_MAX) {
		out[0] = '\0';
	}
}

static void remove_aside(const struct restore *restore)
{
	for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		char path[PATH_MAX];

		name(path, restore->path, endings[i]);
		unlink(path);
	}
}

static int exchange(struct restore *restore)
{
	const char *to = restore->options->path;
	char from[PATH_MAX], head[PATH_MAX], before[PATH_MAX];

	name(before, to, ".before");
	unlink(before);
	if (link(to, before) < 0 && errno != ENOENT) {
		return store_why(restore->why, -errno, "%s: %s", before, strerror(errno));
	}
	name(from, restore->path, STORE_HEAD_SUFFIX);
	name(head, to, STORE_HEAD_SUFFIX);
	if (rename(restore->path, to) < 0 || rename(from, head) < 0) {
		return store_why(restore->why, -errno, "%s: %s", to, strerror(errno));
	}
	return durable_sync_folder(to);
}

static int open_aside(struct restore *restore)
{
	struct store_options options = *restore->options;

	if (strlen(options.path) + sizeof ".restoring-head.new" > PATH_MAX) {
		return store_why(restore->why, -ENAMETOOLONG, "%s: is too long", options.path);
	}
	/* store_open would make a new pepper, but the copy needs the old one. */
	if (access(options.pepper, F_OK) != 0) {
		return store_why(restore->why, -errno,
			"%s: %s: put the pepper back first, from its own backup", options.pepper,
			strerror(errno));
	}
	name(restore->path, options.path, ".restoring");
	remove_aside(restore);
	options.path = restore->path;
	options.accept_rollback = false;
	return store_open(&options, &restore->store, restore->why);
}

int store_restore(const struct store_options *options, int fd, struct store_restored *out,
	char why[static STORE_WHY])
{
	struct restore *restore = calloc(1, sizeof *restore);
	struct store_restored restored;
	int r = -ENOMEM;

	snprintf(why, STORE_WHY, "out of memory");
	if (restore == NULL) {
		return r;
	}
	*restore = (struct restore){ .options = options, .fd = fd, .why = why };
	restore->reader = (struct copy_reader){
		.pepper = options->pepper, .put = put, .context = restore, .why = why
	};
	restore->bytes = malloc(COPY_PIECE_MAX);
	if (restore->bytes == NULL) {
		goto out;
	}
	r = open_aside(restore);
	if (r == 0) {
		restore->reader.secrets = restore->store->secrets;
		r = take(restore, &restored);
	}
	if (restore->txn != NULL) {
		mdb_txn_abort(restore->txn);
	}
	store_close(restore->store);
	if (r == 0) {
		r = exchange(restore);
	}
	if (r == 0) {
		*out = restored;
	}
	remove_aside(restore);
out:
	free(restore->bytes);
	free(restore);
	return r;
}
