/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/durable.h"
#include "daemon/host/log.h"
#include "daemon/store/internal.h"

#define DIGITS 20 /* of a 64-bit number */

/* --- the file --------------------------------------------------------------------------------- */

static char *head_path(const char *path)
{
	size_t size = strlen(path) + sizeof STORE_HEAD_SUFFIX;
	char *name = malloc(size);

	if (name != NULL) {
		snprintf(name, size, "%s" STORE_HEAD_SUFFIX, path);
	}
	return name;
}

/* Checks the head file's type, owner and mode. */
static int check_file(int fd, const char *name, char why[static STORE_WHY])
{
	struct stat st;

	if (fstat(fd, &st) < 0) {
		return store_why(why, -errno, "%s: %s", name, strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return store_why(why, -EINVAL, "%s: is not a regular file", name);
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		return store_why(why, -EPERM,
			"%s: belongs to uid %u: chown it to the daemon's user or root", name,
			(unsigned)st.st_uid);
	}
	if ((st.st_mode & 077) != 0) {
		return store_why(why, -EPERM, "%s: others may use it: chmod 600 it", name);
	}
	return 0;
}

static int read_file(struct store *store, const char *name, char why[static STORE_WHY])
{
	struct store_head heads[2];
	char place[STORE_HEAD_PLACE];
	bool good[2] = { false, false };

	for (int i = 0; i < 2; i++) {
		if (pread(store->head_fd, place, STORE_HEAD_PLACE, (off_t)i * STORE_HEAD_PLACE) ==
			STORE_HEAD_PLACE) {
			good[i] = store_head_decode(store, place, &heads[i]);
		}
	}
	if (!good[0] && !good[1]) {
		return store_why(why, -EBADMSG,
			"%s: was altered, or belongs to another store: put back the one of this "
			"store; if there is none, `authzd --accept-rollback` accepts the store as "
			"it is and records that in the audit trail",
			name);
	}
	store->head_place = good[0] && (!good[1] || heads[0].count >= heads[1].count) ? 0 : 1;
	store->head = heads[store->head_place];
	return 0;
}

static int write_at(int fd, const char place[STORE_HEAD_PLACE], int number)
{
	ssize_t n = pwrite(fd, place, STORE_HEAD_PLACE, (off_t)number * STORE_HEAD_PLACE);

	return n == STORE_HEAD_PLACE ? 0 : n < 0 ? -errno : -ENOSPC;
}

/* Makes the head file under another name and renames it, so that a crash leaves no part of one. */
static int make_file(struct store *store, const char *name)
{
	size_t size = strlen(name) + sizeof ".new";
	char *aside = malloc(size);
	char place[STORE_HEAD_PLACE];
	int fd, r;

	if (aside == NULL) {
		return -ENOMEM;
	}
	snprintf(aside, size, "%s.new", name);
	unlink(aside);
	fd = open(aside, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		r = -errno;
		goto out;
	}
	store_head_encode(store, &store->head, place);
	r = write_at(fd, place, 0);
	if (r == 0) {
		r = write_at(fd, place, 1);
	}
	if (r == 0 && (fsync(fd) < 0 || rename(aside, name) < 0)) {
		r = -errno;
	}
	if (r == 0) {
		r = durable_sync_folder(name);
	}
	if (r < 0) {
		unlink(aside);
		close(fd);
		goto out;
	}
	if (store->head_fd >= 0) {
		close(store->head_fd);
	}
	store->head_fd = fd;
	store->head_place = 0;
out:
	free(aside);
	return r;
}

/* --- opening ---------------------------------------------------------------------------------- */

static bool is_empty(struct store_read *read)
{
	struct store_counts counts;

	return store_count(read, &counts) == 0 && counts.keys == 0 && counts.principals == 0;
}

/* Refuses a store that does not have the entry that the head names. `end`: where its trail ends. */
static int compare(struct store *store, struct store_read *read, const struct store_head *end,
	const char *name, char why[static STORE_WHY])
{
	static const char advice[] = "put back the newer store, or restore a newer copy with "
				     "`authzcheck store restore`; "
				     "`authzd --accept-rollback` accepts the store as it is and "
				     "records that in the audit trail";
	struct store_audit audit;
	int r;

	if (store->head.count == 0) {
		return 0;
	}
	if (end->count < store->head.count) {
		atomic_store(&store->head_state,
			store_is_shared(read) ? STORE_HEAD_AHEAD : STORE_HEAD_FINE);
		return store_why(why, -EBADMSG,
			"the store was rolled back, or its audit trail was cut: %s names record "
			"%" PRIu64 ", and the trail ends at %" PRIu64
			". Keys that were revoked since may "
			"work again: %s",
			name, store->head.count, end->count, advice);
	}
	r = store_get_audit(read, store->head.count, &audit);
	if (r == -ENOENT || r == -EBADMSG ||
		(r == 0 && !secret_equal(audit.tag, store->head.tag, STORE_CHAIN))) {
		return store_why(why, -EBADMSG,
			"the store is not the one that %s belongs to: record %" PRIu64
			" of its audit trail was altered or is another. %s",
			name, store->head.count, advice);
	}
	return r == 0 ? 0 : store_why(why, r, "%s: %s", name, store_explain(r));
}

/* Reads or makes the head file, and compares the store with it. */
static int check_head(
	struct store *store, struct store_read *read, const char *name, char why[static STORE_WHY])
{
	struct store_head end;
	int r = store_get_head(read, &end);

	if (r < 0) {
		return store_why(why, r, "the audit trail: %s", store_explain(r));
	}
	store->head_fd = open(name, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (store->head_fd < 0 && errno != ENOENT) {
		return store_why(why, -errno, "%s: %s", name, strerror(errno));
	}
	if (store->head_fd < 0 && (end.count > 0 || !is_empty(read))) {
		return store_why(why, -EBADMSG,
			"%s: there is no such file, but the store has been changed: the file was "
			"removed, or the store came from elsewhere. Put the file back; if there is "
			"none, `authzd --accept-rollback` accepts the store as it is and records "
			"that in the audit trail",
			name);
	}
	if (store->head_fd < 0) {
		r = make_file(store, name);
		return r == 0 ? 0 : store_why(why, r, "%s: %s", name, strerror(-r));
	}
	r = check_file(store->head_fd, name, why);
	if (r == 0) {
		r = read_file(store, name, why);
	}
	if (r == 0 && store_has_replaced(read, &store->head)) {
		store->head = end;
		r = make_file(store, name);
		return r == 0 ? 0 : store_why(why, r, "%s: %s", name, strerror(-r));
	}
	if (r == 0) {
		r = compare(store, read, &end, name, why);
	}
	if (r == 0) {
		store_advance_head(store, &end);
	}
	return r;
}

int store_append_moved(struct store_write *write, const struct store_moved *moved)
{
	char from[DIGITS + 1], to[DIGITS + 1], actor[32];
	uint8_t bytes[128];
	struct store_pack pack = { .bytes = bytes, .cap = sizeof bytes };
	struct store_audit audit = {
		.time = (int64_t)time(NULL),
		.kind = STORE_AUDIT_STORE,
		.uid = (uint32_t)getuid(),
		.pid = (uint32_t)getpid(),
		.action = moved->action,
	};

	snprintf(actor, sizeof actor, "uid:%u", (unsigned)audit.uid);
	snprintf(from, sizeof from, "%" PRIu64, moved->from);
	snprintf(to, sizeof to, "%" PRIu64, moved->to);
	audit.actor = pol_str_of(actor);
	store_pack_add(&pack, pol_str_of(moved->what));
	store_pack_add(&pack, pol_str_of(from));
	store_pack_add(&pack, pol_str_of(to));
	audit.fields = store_pack_list(&pack);
	return store_append_audit(write, &audit);
}

int store_enter_moved(struct store *store, const struct store_moved *moved)
{
	struct store_write *write = NULL;
	int r = store_write_begin(store, &write);

	if (r == 0) {
		r = store_append_moved(write, moved);
	}
	if (r == 0) {
		r = store_write_keep(write);
	}
	if (r < 0) {
		store_write_abort(write);
		return r;
	}
	return store_write_commit(write, true);
}

/* Accepts the store as it is: appends an entry with the old head, and makes a new head file. The
 * trail of a shared store has no entry that is not in the log. */
static int accept(struct store *store, struct store_read *read, const char *name)
{
	struct store_moved moved = { .action = POL_STR("store.accept_rollback"),
		.what = "head",
		.from = store->head.count };
	struct store_head end;
	int r = store_get_head(read, &end);

	if (r == 0) {
		moved.to = end.count;
		/* The old file stays as it is until the new one takes its place. */
		if (store->head_fd >= 0) {
			close(store->head_fd);
			store->head_fd = -1;
		}
		r = store_is_shared(read) ? 0 : store_enter_moved(store, &moved);
	}
	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r == 0) {
		r = store_get_head(read, &store->head);
	}
	return r == 0 ? make_file(store, name) : r;
}

int store_peek_head(struct store *store, const char *path, struct store_head *out)
{
	struct store peeked = { .secrets = store->secrets, .head_fd = -1 };
	char *name = head_path(path), why[STORE_WHY];
	int r;

	if (name == NULL) {
		return -ENOMEM;
	}
	peeked.head_fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	r = peeked.head_fd < 0 ? -errno : read_file(&peeked, name, why);
	if (r == 0) {
		*out = peeked.head;
	}
	if (peeked.head_fd >= 0) {
		close(peeked.head_fd);
	}
	free(name);
	return r;
}

int store_open_head(
	struct store *store, const struct store_options *options, char why[static STORE_WHY])
{
	char *name = head_path(options->path);
	struct store_read *read = NULL;
	int r;

	if (name == NULL) {
		return store_why(why, -ENOMEM, "out of memory");
	}
	r = store_read_open(store, &read);
	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r < 0) {
		store_why(why, r, "%s: %s", options->path, store_explain(r));
	} else {
		r = check_head(store, read, name, why);
	}
	if (r == -EBADMSG && !options->accept_rollback &&
		atomic_load(&store->head_state) == STORE_HEAD_AHEAD) {
		log_warn("the store was set back: nothing is allowed until the shared log has "
			 "brought it to the head of its audit trail",
			"head=%" PRIu64, store->head.count);
		r = 0;
	}
	if (r == -EBADMSG && options->accept_rollback) {
		atomic_store(&store->head_state, STORE_HEAD_FINE);
		r = accept(store, read, name);
		if (r < 0) {
			store_why(why, r, "%s: %s", name, store_explain(r));
		}
	}
	atomic_store(&store->head_count, store->head.count);
	if (r == 0) {
		r = store_read_renew(read);
	}
	if (r == 0) {
		store_load_clock(store, read);
		r = store_load_everyone(store, read);
	}
	if (r == 0) {
		r = store_load_marks(store, read);
	}
	store_read_close(read);
	free(name);
	return r;
}

uint64_t store_head_count(const struct store *store)
{
	return atomic_load(&store->head_count);
}

enum store_head_state store_head_state(const struct store *store)
{
	return (enum store_head_state)atomic_load(&store->head_state);
}

int store_judge_head(struct store *store, struct store_read *read, const struct store_head *end)
{
	int state = atomic_load(&store->head_state);
	struct store_audit audit;

	if (state != STORE_HEAD_AHEAD || end->count < store->head.count) {
		return state;
	}
	return store_get_audit(read, store->head.count, &audit) == 0 &&
			       secret_equal(audit.tag, store->head.tag, STORE_CHAIN)
		       ? STORE_HEAD_FINE
		       : STORE_HEAD_OTHER;
}

/* --- after each commit ------------------------------------------------------------------------ */

void store_advance_head(struct store *store, const struct store_head *head)
{
	char place[STORE_HEAD_PLACE];
	int next = 1 - store->head_place;
	int r;

	if (head->count == store->head.count || store->head_fd < 0 ||
		atomic_load(&store->head_state) != STORE_HEAD_FINE) {
		return;
	}
	store_head_encode(store, head, place);
	r = write_at(store->head_fd, place, next);
	if (r == 0 && fdatasync(store->head_fd) < 0) {
		r = -errno;
	}
	if (r == 0) {
		store->head = *head;
		store->head_place = next;
		atomic_store(&store->head_count, head->count);
	} else if (!store->head_failed) {
		log_error("cannot write the audit trail's head: until this works again, a rollback "
			  "of the store may go unnoticed",
			"error=%s", strerror(-r));
	}
	store->head_failed = r < 0;
}

static uint64_t milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void store_follow_head(struct store *store, const struct store_head *head)
{
	uint64_t now = milliseconds();

	/* A store that was set back has not come to its head yet. */
	if (store->late.count > store->head.count && now - store->head_at >= STORE_HEAD_MS) {
		store_advance_head(store, &store->late);
		store->head_at = now;
	}
	store->late = *head;
	if (head->count > store->head.count) {
		atomic_store(&store->head_count, head->count);
	}
}

void store_move_head(struct store *store, const struct store_head *head)
{
	struct store_head before = store->head;
	char *name = head_path(store->opened);
	int r;

	store->head = *head;
	r = name != NULL ? make_file(store, name) : -ENOMEM;
	if (r == 0) {
		atomic_store(&store->head_state, STORE_HEAD_FINE);
		atomic_store(&store->head_count, head->count);
	} else {
		store->head = before;
		log_error("cannot write the audit trail's head: restart authzd, which writes it",
			"error=%s", strerror(-r));
	}
	free(name);
}
