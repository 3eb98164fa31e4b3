/* SPDX-License-Identifier: Apache-2.0 */

/*
 * step_clock: a wall clock that a test sets. Loaded by LD_PRELOAD, it adds to the real clock the
 * number of seconds in the file STEP_CLOCK_FILE, an int64_t that may be written at any time. The
 * monotonic clock is not changed.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const _Atomic int64_t *added;

static void map(void)
{
	const char *path = getenv("STEP_CLOCK_FILE");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *bytes = MAP_FAILED;

	if (fd >= 0) {
		bytes = mmap(NULL, sizeof *added, PROT_READ, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (bytes == MAP_FAILED) {
		abort();
	}
	added = bytes;
}

/* Before the program can empty its environment. */
__attribute__((constructor)) static void begin(void)
{
	pthread_once(&once, map);
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *out)
{
	long r = syscall(SYS_clock_gettime, clock, out);

	pthread_once(&once, map);
	if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
		out->tv_sec += (time_t)atomic_load(added);
	}
	return (int)r;
}

EXPORT time_t time(time_t *out)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (out != NULL) {
		*out = now.tv_sec;
	}
	return now.tv_sec;
}
