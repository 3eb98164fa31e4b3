/* SPDX-License-Identifier: Apache-2.0 */

/*
 * hold_commits: holds the daemon's writer in a commit, so that a test decides what waits for it.
 * Loaded by LD_PRELOAD, it keeps each fdatasync from returning while the first byte of the file
 * HOLD_COMMITS_FILE is 1, and counts in the second one those that wait. It makes no call of the
 * kernel while it waits.
 */

#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static atomic_uchar *bytes;

__attribute__((constructor)) static void map(void)
{
	const char *path = getenv("HOLD_COMMITS_FILE");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at = MAP_FAILED;

	if (fd >= 0) {
		at = mmap(NULL, 2, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (at == MAP_FAILED) {
		abort();
	}
	bytes = at;
}

EXPORT int fdatasync(int fd)
{
	if (atomic_load(&bytes[0]) == 1) {
		atomic_fetch_add(&bytes[1], 1);
		while (atomic_load(&bytes[0]) == 1) {
		}
		atomic_fetch_sub(&bytes[1], 1);
	}
	return (int)syscall(SYS_fdatasync, fd);
}
