/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/durable.h"

#include <errno.h>
#include <fcntl.h>
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
