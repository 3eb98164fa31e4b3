/* SPDX-License-Identifier: Apache-2.0 */

/*
 * clean: whether the last end of the daemon was a clean one. A clean end leaves a file beside the
 * store that says which file the store was, and when it was changed last. If the store is another
 * file at the next start, or was changed since, by a daemon that was killed or by another program,
 * all of it is checked.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/check.h"

#define TEXT 256

/* Writes what a clean end says of the file. Returns its length, 0: it cannot be found out. */
static size_t describe(int fd, char out[static TEXT])
{
	struct stat st;
	int len;

	if (fstat(fd, &st) < 0) {
		return 0;
	}
	len = snprintf(out, TEXT,
		"authzd clean 1\nfile %ju %ju\nsize %jd\nmodified %jd.%09ld\nchanged %jd.%09ld\n",
		(uintmax_t)st.st_dev, (uintmax_t)st.st_ino, (intmax_t)st.st_size,
		(intmax_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (intmax_t)st.st_ctim.tv_sec,
		st.st_ctim.tv_nsec);
	return len > 0 && len < TEXT ? (size_t)len : 0;
}

static bool name(const char *path, char out[static PATH_MAX])
{
	return (size_t)snprintf(out, PATH_MAX, "%s" CHECK_CLEAN_SUFFIX, path) < PATH_MAX;
}

bool check_was_clean(const char *path, int fd)
{
	char beside[PATH_MAX], wanted[TEXT], found[TEXT];
	size_t len = describe(fd, wanted);
	struct stat st;
	ssize_t n = -1;
	int clean;

	if (len == 0 || !name(path, beside)) {
		return false;
	}
	clean = open(beside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (clean < 0) {
		return false;
	}
	if (fstat(clean, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid()) {
		n = read(clean, found, sizeof found);
	}
	close(clean);
	return n == (ssize_t)len && memcmp(wanted, found, len) == 0;
}

void check_begin_use(const char *path)
{
	char beside[PATH_MAX];

	if (name(path, beside)) {
		unlink(beside);
	}
}

void check_end_use(const char *path, int fd)
{
	char beside[PATH_MAX], text[TEXT];
	size_t len = describe(fd, text);
	int clean;

	if (len == 0 || !name(path, beside)) {
		return;
	}
	unlink(beside);
	clean = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (clean < 0) {
		return;
	}
	/* What is cut off matches no file. */
	if (write(clean, text, len) != (ssize_t)len) {
		unlink(beside);
	}
	close(clean);
}
