/* SPDX-License-Identifier: Apache-2.0 */

/*
 * under_valgrind: system calls that valgrind does not know, in terms of those it knows. Loaded by
 * LD_PRELOAD, so that a daemon can run under it: openat2 is openat, without the protection against
 * links that lead out, and Landlock is not there. Filters of system calls are not set, since they
 * would refuse valgrind's own.
 */

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int seccomp_load(void *context);

EXPORT long syscall(long number, ...)
{
	static long (*next)(long, ...);
	long argument[6];
	va_list arguments;

	if (next == NULL) {
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	}
	va_start(arguments, number);
	for (int i = 0; i < 6; i++) {
		argument[i] = va_arg(arguments, long);
	}
	va_end(arguments);
	if (number == SYS_openat2) {
		const struct open_how *how = (const struct open_how *)argument[2];

		return openat((int)argument[0], (const char *)argument[1], (int)how->flags,
			(mode_t)how->mode);
	}
	if (number >= SYS_landlock_create_ruleset && number <= SYS_landlock_restrict_self) {
		errno = ENOSYS;
		return -1;
	}
	return next(number, argument[0], argument[1], argument[2], argument[3], argument[4],
		argument[5]);
}

EXPORT int seccomp_load(void *context)
{
	(void)context;
	return 0;
}
