/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/durable.h"
#include "daemon/secret/token.h"
#include "daemon/share/realm_internal.h"
#include "daemon/store/bytes.h"

/* --- its place -------------------------------------------------------------------------------- */

#define PLACE_TAGGED (SHARE_SNAPSHOT_PLACE - STORE_CHAIN)

static const uint8_t no_tag[SECRET_CHAIN];

static void put_place(const struct secrets *secrets, const struct share_head *head,
	const struct store_head *trail, uint8_t out[static SHARE_SNAPSHOT_PLACE])
{
	uint8_t *at = out;

	memcpy(at, head->realm, SHARE_REALM);
	at += SHARE_REALM;
	store_put64(at, head->epoch);
	store_put64(at + 8, head->sequence);
	at += 16;
	memcpy(at, head->tag, SHARE_TAG);
	at += SHARE_TAG;
	store_put64(at, trail->count);
	at += 8;
	memcpy(at, trail->tag, STORE_CHAIN);
	secret_chain(secrets, SECRET_PLACE, no_tag,
		(struct pol_str){ (const char *)out, PLACE_TAGGED }, out + PLACE_TAGGED);
}

/* Is it one of these secrets and of this realm? Then the head has its place. */
static bool take_place(const struct secrets *secrets, struct pol_str piece, struct share_head *head,
	struct store_head *trail)
{
	const uint8_t *bytes = (const uint8_t *)piece.ptr, *at = bytes;
	uint8_t tag[SECRET_CHAIN];

	if (piece.len != SHARE_SNAPSHOT_PLACE) {
		return false;
	}
	secret_chain(
		secrets, SECRET_PLACE, no_tag, (struct pol_str){ piece.ptr, PLACE_TAGGED }, tag);
	if (!secret_equal(tag, bytes + PLACE_TAGGED, sizeof tag) ||
		memcmp(at, head->realm, SHARE_REALM) != 0) {
		return false;
	}
	at += SHARE_REALM;
	if (store_get64(at) != head->epoch) {
		return false;
	}
	head->sequence = store_get64(at + 8);
	at += 16;
	memcpy(head->tag, at, SHARE_TAG);
	at += SHARE_TAG;
	trail->count = store_get64(at);
	memcpy(trail->tag, at + 8, STORE_CHAIN);
	return true;
}

/* --- writing one ------------------------------------------------------------------------------ */

int share_source_open(struct share *share, struct share_source *out)
{
	int r;

	memset(out, 0, sizeof *out);
	out->bytes = malloc(STORE_COPY_PIECE);
	if (out->bytes == NULL) {
		return -ENOMEM;
	}
	out->head = share->append.head;
	out->secrets = store_secrets(share->options.store);
	r = store_copy_open_whole(share->options.store, &out->copy);
	if (r == 0) {
		r = store_read_renew(share->reader);
	}
	if (r == 0) {
		r = store_get_head(share->reader, &out->trail);
		store_read_reset(share->reader);
	}
	if (r < 0) {
		share_source_close(out);
	}
	return r;
}

void share_source_close(struct share_source *source)
{
	store_copy_close(source->copy);
	free(source->bytes);
	memset(source, 0, sizeof *source);
}

int share_source_next(void *context, struct pol_str *out)
{
	struct share_source *source = context;
	uint64_t done, total;
	size_t len;
	int r;

	if (!source->begun) {
		source->begun = true;
		put_place(source->secrets, &source->head, &source->trail, source->place);
		*out = (struct pol_str){ (const char *)source->place, sizeof source->place };
		return 0;
	}
	if (source->between != NULL) {
		source->between(source->context);
	}
	r = source->copy != NULL
		    ? store_copy_next(source->copy, source->bytes, STORE_COPY_PIECE, &len)
		    : store_copy_read(source->fd, source->bytes, &len);
	if (r >= 0) {
		*out = (struct pol_str){ (const char *)source->bytes, len };
	}
	if (r >= 0 && source->copy != NULL && source->done != NULL) {
		store_copy_progress(source->copy, &done, &total);
		atomic_store(source->done, done);
		atomic_store(source->total, total);
	}
	return r;
}

/* --- reading one ------------------------------------------------------------------------------ */

struct parts {
	struct share *share;
	struct share_log *log;
	uint64_t sequence;
	uint32_t part, count;
	int error;                      /* of the database */
	const struct store_head *holds; /* what the snapshot's trail must have; NULL: nothing */
};

static int next_part(void *context, struct pol_str *out)
{
	struct parts *parts = context;
	int r = parts->share->database->snapshot_part(
		parts->log, parts->sequence, parts->part, out, SHARE_ANSWER_MS);

	if (r < 0) {
		parts->error = r;
		return r;
	}
	parts->part++;
	share_go_on(parts->share);
	return parts->part == parts->count ? 1 : 0;
}

bool share_trail_has(struct store_read *read, const struct store_head *head)
{
	struct store_audit audit;

	return head->count == 0 || (store_get_audit(read, head->count, &audit) == 0 &&
					   memcmp(audit.tag, head->tag, STORE_CHAIN) == 0);
}

int share_put_place(struct store_write *write, const struct share_head *head)
{
	struct store_shared shared = {
		.epoch = head->epoch,
		.sequence = head->sequence,
		.server_system = head->server.system,
		.server_timeline = head->server.timeline,
	};
	int r;

	memcpy(shared.realm, head->realm, sizeof shared.realm);
	memcpy(shared.tag, head->tag, sizeof shared.tag);
	store_write_job(write);
	r = store_put_shared(write, &shared);
	return r == 0 ? store_write_keep(write) : r;
}

/* Puts all records and the place into the write. */
static int put_all(struct store_write *write, struct parts *parts, const struct share_head *head,
	const struct store_head *trail, char why[static SHARE_WHY])
{
	struct store_head end;
	int r = store_replace(write, next_part, parts, why);

	if (r == 0) {
		r = store_get_head(store_write_reader(write), &end);
	}
	if (r == 0 &&
		(end.count != trail->count || memcmp(end.tag, trail->tag, sizeof end.tag) != 0)) {
		snprintf(why, SHARE_WHY,
			"the snapshot is not the one of its place: somebody put an old one there");
		r = -EBADMSG;
	}
	if (r == 0) {
		r = share_check_pepper(parts->share, store_write_reader(write), head->realm, why);
	}
	if (r == 0 && parts->holds != NULL &&
		!share_trail_has(store_write_reader(write), parts->holds)) {
		return SHARE_LOST;
	}
	return r == 0 ? share_put_place(write, head) : r;
}

static int replace(struct parts *parts, const struct share_head *head,
	const struct store_head *trail, char why[static SHARE_WHY])
{
	struct store_write *write;
	int r = store_write_begin(parts->share->options.store, &write);

	if (r < 0) {
		return r;
	}
	r = put_all(write, parts, head, trail, why);
	if (r != 0) {
		store_write_abort(write);
	} else {
		r = store_write_commit(write, true);
	}
	return r;
}

/* SHARE_WHY and STORE_WHY are the same size: the store's reasons go where ours do. */
_Static_assert(SHARE_WHY >= STORE_WHY, "a reason of the store fits");

/* Finds the newest one, and reads its place. */
static int open_newest(
	struct parts *parts, struct share_head *place, struct store_head *trail, char *why)
{
	uint8_t tag[SHARE_TAG];
	struct pol_str piece;
	int r = parts->share->database->snapshot_newest(
		parts->log, &parts->sequence, tag, &parts->count, SHARE_ANSWER_MS);

	if (r == 0 && parts->count < 2) {
		r = -EBADMSG;
	}
	if (r == 0) {
		r = next_part(parts, &piece);
	}
	if (r == -ENOENT) {
		snprintf(why, SHARE_WHY, "the database has no snapshot to begin from");
	}
	if (r == 0 &&
		(!take_place(store_secrets(parts->share->options.store), piece, place, trail) ||
			place->sequence != parts->sequence ||
			memcmp(place->tag, tag, sizeof tag) != 0)) {
		r = -EBADMSG;
	}
	return r;
}

int share_snapshot_take(struct share *share, struct share_log *log, const struct share_head *head,
	const struct share_wanted *wanted, char why[static SHARE_WHY])
{
	struct parts parts = { .share = share, .log = log, .holds = wanted->holds };
	struct share_head place = *head;
	struct store_head trail;
	int r;

	why[0] = '\0';
	r = open_newest(&parts, &place, &trail, why);
	if (r == 0 && wanted->join != NULL) {
		r = realm_check_reaches(share, log, &place, wanted->join, why);
	}
	if (r == 0) {
		r = replace(&parts, &place, &trail, why);
	}
	if (r == 0 && share->options.replaced != NULL) {
		share->options.replaced(share->options.context);
	}
	if (r < 0 && why[0] == '\0') {
		snprintf(why, SHARE_WHY, "%s",
			parts.error != 0 ? log->ops->why(log)
			: r == -EBADMSG  ? "the newest snapshot was altered, or is not of this log"
					 : store_explain(r));
	}
	return r;
}

int share_snapshot_trail(struct share *share, struct share_log *log, const struct share_head *head,
	struct store_head *out)
{
	struct parts parts = { .share = share, .log = log };
	struct share_head place = *head;
	char why[SHARE_WHY];

	return open_newest(&parts, &place, out, why);
}

/* --- a copy beside the store ------------------------------------------------------------------ */

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR) {
			return -errno;
		}
		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int write_copy(struct share *share, struct store_copy *copy, int fd)
{
	uint8_t *bytes = malloc(STORE_COPY_PIECE);
	size_t len;
	int r = bytes != NULL ? 0 : -ENOMEM, last = 0;

	while (r == 0 && last == 0) {
		last = store_copy_next(copy, bytes, STORE_COPY_PIECE, &len);
		r = last < 0 ? last : write_all(fd, bytes, len);
		share_go_on(share);
	}
	free(bytes);
	if (r == 0 && fsync(fd) != 0) {
		r = -errno;
	}
	return r;
}

static int make_copy(struct share *share, const char *path)
{
	struct store_copy *copy;
	int fd, r = store_copy_open(share->options.store, &copy);

	if (r < 0) {
		return r;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	r = fd >= 0 ? write_copy(share, copy, fd) : -errno;
	store_copy_close(copy);
	if (fd >= 0) {
		close(fd);
	}
	if (r == 0) {
		r = durable_sync_folder(path);
	}
	if (r < 0 && fd >= 0) {
		unlink(path);
	}
	return r;
}

int share_copy_aside(struct share *share, const char *what, char out[static SHARE_COPY_PATH],
	char why[static SHARE_WHY])
{
	struct timespec now;
	struct tm tm;
	char text[32];
	int r;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm);
	if (snprintf(out, SHARE_COPY_PATH, "%s/store-before-%s-%s-%03ld.copy", share->options.state,
		    what, text, now.tv_nsec / 1000000) >= SHARE_COPY_PATH) {
		r = -ENAMETOOLONG;
	} else {
		r = make_copy(share, out);
	}
	if (r < 0) {
		snprintf(why, SHARE_WHY, "cannot write a copy of the store into %.200s: %s",
			share->options.state, strerror(-r));
		out[0] = '\0';
	}
	return r;
}
