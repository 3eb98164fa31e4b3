/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/internal.h"

/*
 * LMDB reports a write that found room for a part of its bytes only as EIO. Whether a full disk, a
 * quota or a limit of the file's size was the reason is tried with a file beside the store.
 */

/* LMDB writes at most 64 pages in one call, so one that was cut left less room than this. */
#define PROBE ((size_t)1 << 20)

/* True if the file may not have PROBE more bytes (RLIMIT_FSIZE). */
static bool is_limited(struct store *store)
{
	struct rlimit limit;
	struct stat st;
	int fd;

	return mdb_env_get_fd(store->env, &fd) == MDB_SUCCESS && fstat(fd, &st) == 0 &&
	       getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
	       limit.rlim_cur < (rlim_t)st.st_size + PROBE;
}

static bool is_full(struct store *store)
{
	char path[PATH_MAX];
	uint8_t *bytes;
	ssize_t n;
	int fd;

	if (store->opened == NULL ||
		(size_t)snprintf(path, sizeof path, "%s.probe", store->opened) >= sizeof path) {
		return false;
	}
	bytes = calloc(1, PROBE);
	if (bytes == NULL) {
		return false;
	}
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	n = fd < 0 ? -1 : write(fd, bytes, PROBE);
	/* Some file systems find out only when they write to the disk. */
	if (n == (ssize_t)PROBE && fsync(fd) != 0) {
		n = -1;
	}
	if (n < 0 && errno != ENOSPC && errno != EDQUOT) {
		n = (ssize_t)PROBE; /* the reason is another one */
	}
	if (fd >= 0) {
		close(fd);
		unlink(path);
	}
	free(bytes);
	return n < (ssize_t)PROBE;
}

int store_why_failed(struct store *store, int error)
{
	return error == -EIO && (is_limited(store) || is_full(store)) ? -ENOSPC : error;
}
