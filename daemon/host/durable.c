/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int durable_sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash == NULL ? strdup(".")
				     : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	int fd, r = 0;

	if (folder == NULL) {
		return -ENOMEM;
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(folder);
	if (fd < 0) {
		return -errno;
	}
	if (fsync(fd) < 0) {
		r = -errno;
	}
	close(fd);
	return r;
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n < 0) {
			return -errno;
		}
		bytes += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0 ? 0 : -errno;
}

static int write_aside(const char *aside, const void *bytes, size_t len)
{
	int fd, r;

	unlink(aside); /* one that an interrupted call left */
	fd = open(aside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		return -errno;
	}
	r = write_all(fd, bytes, len);
	if (close(fd) != 0 && r == 0) {
		r = -errno;
	}
	return r;
}

int durable_write(const char *path, const void *bytes, size_t len, bool replace)
{
	size_t size = strlen(path) + sizeof ".new";
	char *aside = malloc(size);
	int r;

	if (aside == NULL) {
		return -ENOMEM;
	}
	snprintf(aside, size, "%s.new", path);
	r = write_aside(aside, bytes, len);
	/* Unlike rename, link does not replace a file that another process has made meanwhile. */
	if (r == 0 && (replace ? rename(aside, path) : link(aside, path)) < 0) {
		r = -errno;
	}
	if (!replace || r < 0) {
		unlink(aside);
	}
	free(aside);
	return r == 0 ? durable_sync_folder(path) : r;
}
