/* SPDX-License-Identifier: Apache-2.0 */

/*
 * step_clock: clocks that a test sets. Loaded by LD_PRELOAD, it adds numbers of seconds to the real
 * clocks: two int64_t in the file STEP_CLOCK_FILE, which may be written at any time. The first is
 * for the wall clock, the second, 0 in a shorter file, for the time since boot: a test in which
 * time passes sets both. The monotonic clock is not changed.
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
		bytes = mmap(NULL, 2 * sizeof *added, PROT_READ, MAP_SHARED, fd, 0);
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
		out->tv_sec += (time_t)atomic_load(&added[0]);
	} else if (r == 0 && clock == CLOCK_BOOTTIME) {
		out->tv_sec += (time_t)atomic_load(&added[1]);
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
