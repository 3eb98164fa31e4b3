/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

int beneath_open(int root, const char *name, uint64_t flags)
{
	struct open_how how = {
		/* With O_PATH openat2 refuses flags that have no effect. */
		.flags = flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NONBLOCK | O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do {
		fd = syscall(SYS_openat2, root, name, &how, sizeof how);
	} while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

struct beneath_stat beneath_stat_of(const struct stat *stat)
{
	return (struct beneath_stat){
		.dev = stat->st_dev,
		.ino = stat->st_ino,
		.size = stat->st_size,
		.mtime = stat->st_mtim,
		.ctime = stat->st_ctim,
	};
}

bool beneath_stat_equal(const struct beneath_stat *a, const struct beneath_stat *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	       a->mtime.tv_sec == b->mtime.tv_sec && a->mtime.tv_nsec == b->mtime.tv_nsec &&
	       a->ctime.tv_sec == b->ctime.tv_sec && a->ctime.tv_nsec == b->ctime.tv_nsec;
}

int beneath_read(int fd, char *bytes, size_t size)
{
	size_t len = 0;

	while (len < size) {
		ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -ESTALE;
		}
		len += (size_t)n;
	}
	return 0;
}
