/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hold_commits: holds the daemon's writer in a commit, so that a test decides what waits for it.
 * Loaded by LD_PRELOAD, it keeps each fdatasync from returning while the first byte of the file
 * HOLD_COMMITS_FILE is 1, and counts in the second one those that wait. The third one is how many
 * may return all the same. No commit waits for the disk: a test that needs this claims an order,
 * and its thousands of changes would take minutes where a disk is slow.
 */

#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT  __attribute__((visibility("default")))
#define LOOK_NS 500000 /* between two looks at the file: nothing says when it was changed */

enum { HELD, WAITING, PERMITS, BYTES };

static atomic_uchar *bytes;

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("HOLD_COMMITS_FILE");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	if (fd >= 0) {
		at = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (at == MAP_FAILED) {
		abort();
	}
	bytes = at;
}

static bool take_permit(void)
{
	unsigned char permits = atomic_load(&bytes[PERMITS]);

	while (permits > 0) {
		if (atomic_compare_exchange_weak(&bytes[PERMITS], &permits, permits - 1)) {
			return true;
		}
	}
	return false;
}

EXPORT int fdatasync(int fd)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };

	(void)fd;
	if (atomic_load(&bytes[HELD]) == 1) {
		atomic_fetch_add(&bytes[WAITING], 1);
		while (atomic_load(&bytes[HELD]) == 1 && !take_permit()) {
			nanosleep(&look, NULL);
		}
		atomic_fetch_sub(&bytes[WAITING], 1);
	}
	return 0;
}

/* LMDB writes the page that ends a commit through a descriptor of its own, which is opened so that
 * a write waits for the disk. */
EXPORT int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
		va_list more;

		va_start(more, flags);
		mode = va_arg(more, mode_t);
		va_end(more);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags & ~(O_SYNC | O_DSYNC), mode);
}
