/* SPDX-License-Identifier: Apache-2.0 */

/*
 * record_writes: what a program changes in one folder, in order, for tests. Loaded before all else
 * (LD_PRELOAD), it appends a line to the file named by RECORD_WRITES_TO for each call that
 * succeeded on a file of the folder named by RECORD_WRITES_IN, an absolute path:
 *
 *     create INODE NAME        write INODE OFFSET HEX       rename NAME NAME
 *     truncate INODE SIZE      sync INODE                   link NAME NAME
 *     unlink NAME              sync folder
 *
 * A write through O_DSYNC or O_SYNC is followed by its sync.
 */

#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT   __attribute__((visibility("default")))
#define LINE     ((size_t)1 << 20)
#define MOST_IOV 256

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* from a call to its line */
static const char *folder;
static size_t folder_len;
static int out = -1;
static char line[LINE];

static void begin(void)
{
	const char *to = getenv("RECORD_WRITES_TO");

	folder = getenv("RECORD_WRITES_IN");
	if (to == NULL || folder == NULL) {
		abort();
	}
	folder_len = strlen(folder);
	out = (int)syscall(
		SYS_openat, AT_FDCWD, to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (out < 0) {
		abort();
	}
}

static void lock(void)
{
	pthread_once(&once, begin);
	pthread_mutex_lock(&mutex);
}

static long unlock(long r)
{
	pthread_mutex_unlock(&mutex);
	return r;
}

static void put(size_t len)
{
	if (len >= LINE || syscall(SYS_write, out, line, len) != (long)len) {
		abort();
	}
}

/* A path's name in the folder; "" is the folder itself, NULL elsewhere. */
static const char *name_of(const char *path)
{
	if (strncmp(path, folder, folder_len) != 0) {
		return NULL;
	}
	return path[folder_len] == '\0'  ? ""
	       : path[folder_len] == '/' ? path + folder_len + 1
					 : NULL;
}

/* Is it open on a file of the folder, or on the folder (*out_folder)? */
static bool is_ours(int fd, unsigned long *out_inode, bool *out_folder)
{
	char link[64], path[4096];
	struct stat st;
	const char *name;
	long n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
	if (n < 0 || fstat(fd, &st) < 0) {
		return false;
	}
	path[n] = '\0';
	name = name_of(path);
	*out_inode = (unsigned long)st.st_ino;
	*out_folder = name != NULL && name[0] == '\0';
	return name != NULL;
}

static void put_sync(int fd)
{
	unsigned long inode;
	bool whole;

	if (is_ours(fd, &inode, &whole)) {
		put((size_t)(whole ? snprintf(line, LINE, "sync folder\n")
				   : snprintf(line, LINE, "sync %lu\n", inode)));
	}
}

static void put_write(int fd, const struct iovec *iov, int count, long done, long at)
{
	static const char digits[] = "0123456789abcdef";
	unsigned long inode;
	bool whole;
	size_t len;

	if (done < 0 || !is_ours(fd, &inode, &whole)) {
		return;
	}
	len = (size_t)snprintf(line, LINE, "write %lu %ld ", inode, at);
	for (int i = 0; i < count; i++) {
		const uint8_t *bytes = iov[i].iov_base;

		for (size_t k = 0; k < iov[i].iov_len && done > 0 && len < LINE - 3; k++, done--) {
			line[len++] = digits[bytes[k] >> 4];
			line[len++] = digits[bytes[k] & 15];
		}
	}
	if (done > 0) {
		abort();
	}
	line[len++] = '\n';
	put(len);
	if ((fcntl(fd, F_GETFL) & O_DSYNC) != 0) {
		put_sync(fd);
	}
}

static void put_names(const char *what, const char *from, const char *to)
{
	from = name_of(from);
	to = name_of(to);
	if (from != NULL && to != NULL) {
		put((size_t)snprintf(line, LINE, "%s %s %s\n", what, from, to));
	}
}

/* --- the calls -------------------------------------------------------------------------------- */

EXPORT int open(const char *path, int flags, ...)
{
	struct stat st;
	const char *name;
	va_list args;
	int mode, fd;
	bool is_new;

	va_start(args, flags);
	mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(args, int) : 0;
	va_end(args);
	lock();
	is_new = (flags & O_CREAT) != 0 && stat(path, &st) < 0;
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	name = name_of(path);
	if (fd >= 0 && is_new && name != NULL && fstat(fd, &st) == 0) {
		put((size_t)snprintf(
			line, LINE, "create %lu %s\n", (unsigned long)st.st_ino, name));
	}
	return (int)unlock(fd);
}

EXPORT ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, len };
	long n;

	lock();
	n = syscall(SYS_pwrite64, fd, bytes, len, at);
	put_write(fd, &iov, 1, n, at);
	return unlock(n);
}

EXPORT ssize_t writev(int fd, const struct iovec *iov, int count)
{
	long n, at;

	lock();
	at = syscall(SYS_lseek, fd, 0L, SEEK_CUR);
	n = syscall(SYS_writev, fd, iov, count);
	put_write(fd, iov, count, n, at);
	return unlock(n);
}

EXPORT ssize_t write(int fd, const void *bytes, size_t len)
{
	struct iovec iov = { (void *)(uintptr_t)bytes, len };

	return writev(fd, &iov, 1);
}

EXPORT int ftruncate(int fd, off_t size)
{
	unsigned long inode;
	bool whole;
	long r;

	lock();
	r = syscall(SYS_ftruncate, fd, size);
	if (r == 0 && is_ours(fd, &inode, &whole)) {
		put((size_t)snprintf(line, LINE, "truncate %lu %ld\n", inode, (long)size));
	}
	return (int)unlock(r);
}

EXPORT int fsync(int fd)
{
	long r;

	lock();
	r = syscall(SYS_fsync, fd);
	if (r == 0) {
		put_sync(fd);
	}
	return (int)unlock(r);
}

EXPORT int fdatasync(int fd)
{
	return fsync(fd);
}

EXPORT int rename(const char *from, const char *to)
{
	long r;

	lock();
	r = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (r == 0) {
		put_names("rename", from, to);
	}
	return (int)unlock(r);
}

EXPORT int link(const char *from, const char *to)
{
	long r;

	lock();
	r = syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
	if (r == 0) {
		put_names("link", from, to);
	}
	return (int)unlock(r);
}

EXPORT int unlink(const char *path)
{
	const char *name;
	long r;

	lock();
	r = syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	name = name_of(path);
	if (r == 0 && name != NULL) {
		put((size_t)snprintf(line, LINE, "unlink %s\n", name));
	}
	return (int)unlock(r);
}

/* Their names for programs that were built for large files. */
EXPORT int open64(const char *path, int flags, ...) __attribute__((alias("open")));
EXPORT ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t at)
	__attribute__((alias("pwrite")));
EXPORT int ftruncate64(int fd, off_t size) __attribute__((alias("ftruncate")));
