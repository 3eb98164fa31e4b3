/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/durable.h"
#include "daemon/host/log.h"
#include "daemon/store/internal.h"

/*
 * The data file. A new one is made and locked under another name, and renamed when its first
 * transaction is on the disk. So an interrupted start leaves no store or a whole one, and perhaps a
 * file with the other name, which the next start removes.
 *
 * Earlier versions of authzd made the file in place, and an interrupted start could leave it empty
 * or all zeroes. LMDB writes both meta pages before its first commit and never clears them, and the
 * head is made after that commit. So a file of zeroes without a head has never had a transaction; a
 * start replaces it by a new store.
 */

/* A first start writes less than this, for any size of a page. */
#define BLANK_MAX ((off_t)1 << 20)

/* The lock refuses a second environment, in this process too, where closing one would silently drop
 * LMDB's locks of the other. */
int store_lock_file(struct store *store, const char *path, int flags, char why[static STORE_WHY])
{
	struct stat st;

	store->lock_fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags, 0600);
	if (store->lock_fd < 0 || fstat(store->lock_fd, &st) < 0) {
		return store_why(why, -errno, "%s: %s", path, strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return store_why(why, -EINVAL, "%s: is not a regular file", path);
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		return store_why(why, -EPERM,
			"%s: belongs to uid %u: chown it to the daemon's user or root", path,
			(unsigned)st.st_uid);
	}
	if ((st.st_mode & 077) != 0) {
		return store_why(why, -EPERM, "%s: others may use it: chmod 600 it", path);
	}
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		return store_why(why, -EBUSY, "%s: another daemon has it open", path);
	}
	return 0;
}

static void unlock(struct store *store)
{
	if (store->lock_fd >= 0) {
		close(store->lock_fd);
		store->lock_fd = -1;
	}
}

/* --- what is there ---------------------------------------------------------------------------- */

/* 1: the file is empty or all zeroes; 0: it is not; or a negative errno. */
static int is_blank(int fd)
{
	uint8_t bytes[4096];
	struct stat st;
	off_t at = 0;

	if (fstat(fd, &st) < 0) {
		return -errno;
	}
	while (at < st.st_size && st.st_size <= BLANK_MAX) {
		ssize_t n = pread(fd, bytes, sizeof bytes, at);

		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (bytes[i] != 0) {
				return 0;
			}
		}
		at += n;
	}
	return st.st_size <= BLANK_MAX;
}

/* Removes the file, which is locked and blank, and returns -ENOENT; refuses one that may belong to
 * a store. */
static int drop_blank(const char *path, char why[static STORE_WHY])
{
	char head[PATH_MAX];
	struct stat st;

	if ((size_t)snprintf(head, sizeof head, "%s" STORE_HEAD_SUFFIX, path) >= sizeof head) {
		return store_why(why, -ENAMETOOLONG, "%s: is too long", path);
	}
	if (lstat(head, &st) == 0) {
		return store_why(why, -EBADMSG,
			"%s: is empty, and %s belongs to a store that was here: put that store "
			"back, or restore a copy with `authzcheck store restore`",
			path, head);
	}
	if (errno != ENOENT) {
		return store_why(why, -errno, "%s: %s", head, strerror(errno));
	}
	if (lstat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
		return store_why(why, -EINVAL,
			"%s: is a link to an empty file: remove the link, or let it lead to a "
			"store",
			path);
	}
	if (unlink(path) < 0) {
		return store_why(why, -errno, "%s: %s", path, strerror(errno));
	}
	log_warn("the store was empty, as an interrupted first start leaves it: making a new one",
		"path=%s", path);
	return -ENOENT;
}

int store_find_file(struct store *store, const char *path, char why[static STORE_WHY])
{
	int r = store_lock_file(store, path, 0, why);
	int blank = 0;

	if (r == 0) {
		blank = is_blank(store->lock_fd);
	}
	if (blank < 0) {
		r = store_why(why, blank, "%s: %s", path, strerror(-blank));
	}
	if (blank > 0) {
		r = drop_blank(path, why);
	}
	if (r < 0) {
		unlock(store);
	}
	return r;
}

/* --- a new one -------------------------------------------------------------------------------- */

int store_remove_left(struct store *store, const char *aside, char why[static STORE_WHY])
{
	struct stat st;
	int r = store_lock_file(store, aside, O_NOFOLLOW, why);

	if (r == -ENOENT) {
		return 0;
	}
	if (r == -ELOOP) {
		return store_why(why, r, "%s: is a link: remove it", aside);
	}
	if (r == 0 && (fstat(store->lock_fd, &st) < 0 || st.st_nlink != 1)) {
		r = store_why(why, -EINVAL, "%s: has another name too: remove this one", aside);
	}
	if (r == 0 && unlink(aside) < 0) {
		r = store_why(why, -errno, "%s: %s", aside, strerror(errno));
	}
	unlock(store);
	return r;
}

int store_begin_file(
	struct store *store, const char *path, const char *aside, char why[static STORE_WHY])
{
	struct stat st;
	int r = store_lock_file(store, aside, O_CREAT | O_EXCL | O_NOFOLLOW, why);

	if (r < 0) {
		return r;
	}
	/* Another start may have removed our file as one that was left, or may have made the store
	 * before we got the lock. */
	if (fstat(store->lock_fd, &st) < 0 || st.st_nlink != 1) {
		return store_why(why, -EBUSY, "%s: another daemon makes it", path);
	}
	if (lstat(path, &st) == 0) {
		r = S_ISLNK(st.st_mode)
			    ? store_why(why, -EINVAL,
				      "%s: is a link that leads nowhere: remove it, or "
				      "let it lead to a store",
				      path)
			    : store_why(why, -EBUSY,
				      "%s: another daemon has just made it: start again", path);
		unlink(aside);
	}
	return r;
}

int store_finish_file(
	struct store *store, const char *path, const char *aside, char why[static STORE_WHY])
{
	int r = 0;

	if (fsync(store->lock_fd) < 0 || rename(aside, path) < 0) {
		r = -errno;
	}
	if (r == 0) {
		r = durable_sync_folder(path);
	}
	return r == 0 ? 0 : store_why(why, r, "%s: %s", path, strerror(-r));
}
