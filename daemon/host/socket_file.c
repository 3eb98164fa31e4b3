/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/socket_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Of linux/un.h, which cannot be included beside sys/un.h. */
#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0)
#endif

/* False: it is another file. True as well if this process may not ask. */
static bool is_bound_to(int fd, const struct stat *at_path)
{
	int bound = ioctl(fd, SIOCUNIXFILE);
	struct stat stat;
	bool same = true;

	if (bound >= 0) {
		same = fstat(bound, &stat) == 0 && stat.st_dev == at_path->st_dev &&
		       stat.st_ino == at_path->st_ino;
		close(bound);
	}
	return same;
}

int socket_file_open(int fd, const char *path, struct stat *out)
{
	int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int r = 0;

	if (file < 0) {
		return -errno;
	}
	if (fstat(file, out) != 0) {
		r = -errno;
	} else if (!S_ISSOCK(out->st_mode)) {
		r = -ENOTSOCK;
	} else if (!is_bound_to(fd, out)) {
		r = -ESTALE;
	} else if (out->st_nlink != 1) {
		r = -EMLINK;
	}
	if (r < 0) {
		close(file);
		return r;
	}
	return file;
}
