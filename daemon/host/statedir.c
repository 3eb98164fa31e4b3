/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/statedir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/durable.h"

/* Creates a folder, durably. One that exists stays as it is. */
static int make_folder(const char *path, mode_t mode)
{
	if (mkdir(path, mode) != 0) {
		return errno == EEXIST ? 0 : -errno;
	}
	return durable_sync_folder(path);
}

/* mkdir -p */
static int make_folders(const char *path, mode_t mode, bool parents)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int r = 0;

	if (len == 0 || len >= sizeof part) {
		return -ENAMETOOLONG;
	}
	while (len > 1 && path[len - 1] == '/') {
		len--;
	}
	for (size_t i = 1; i < len && parents && r == 0; i++) {
		if (path[i] != '/') {
			continue;
		}
		memcpy(part, path, i);
		part[i] = '\0';
		r = make_folder(part, 0755);
	}
	memcpy(part, path, len);
	part[len] = '\0';
	return r == 0 ? make_folder(part, mode) : r;
}

/* A user who may write the folder controls the keys. */
static int check_owner(const struct statedir *dir, int fd, char why[static STATEDIR_WHY])
{
	struct stat stat;

	if (fstat(fd, &stat) != 0) {
		return -errno;
	}
	/* Root created it just now, or before the daemon had a user of its own. */
	if (geteuid() == 0 && stat.st_uid == 0 && dir->uid != 0) {
		if (fchown(fd, dir->uid, dir->gid) != 0) {
			return -errno;
		}
		stat.st_uid = dir->uid;
	}
	if (stat.st_uid != dir->uid) {
		snprintf(why, STATEDIR_WHY,
			"the state folder belongs to uid %u and the daemon is uid %u: chown %u %s",
			(unsigned)stat.st_uid, (unsigned)dir->uid, (unsigned)dir->uid, dir->path);
		return -EPERM;
	}
	if ((stat.st_mode & 022) != 0) {
		snprintf(why, STATEDIR_WHY,
			"others may write the state folder and could change keys by it: chmod go-w "
			"%s",
			dir->path);
		return -EPERM;
	}
	return 0;
}

int statedir_prepare(const struct statedir *dir, char why[static STATEDIR_WHY])
{
	int r = make_folders(dir->path, 0700, dir->make_parents);
	int fd;

	if (r < 0) {
		snprintf(why, STATEDIR_WHY, "cannot make the state folder: %s: %s", strerror(-r),
			dir->path);
		return r;
	}
	fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		r = -errno;
		snprintf(why, STATEDIR_WHY, "cannot open the state folder: %s: %s", strerror(-r),
			dir->path);
		return r;
	}
	snprintf(why, STATEDIR_WHY, "cannot use the state folder %s", dir->path);
	r = check_owner(dir, fd, why);
	close(fd);
	return r;
}

int statedir_prepare_socket(const char *socket, char why[static STATEDIR_WHY])
{
	const char *slash = strrchr(socket, '/');
	char folder[PATH_MAX];
	int r;

	snprintf(folder, sizeof folder, "%.*s", (int)(slash - socket), socket);
	/* If root started the daemon, other users must be able to reach its socket; the mode of the
	 * socket itself limits who may connect. */
	r = make_folders(folder, geteuid() == 0 ? 0755 : 0700, true);
	if (r < 0) {
		snprintf(why, STATEDIR_WHY, "cannot make the socket's folder: %s: %s", strerror(-r),
			folder);
	}
	return r;
}

int statedir_lock(const struct statedir *dir, int *out_fd, char why[static STATEDIR_WHY])
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[PATH_MAX];
	int fd, r;

	if ((size_t)snprintf(path, sizeof path, "%s/lock", dir->path) >= sizeof path) {
		snprintf(why, STATEDIR_WHY, "the state folder's path is too long");
		return -ENAMETOOLONG;
	}
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0) {
		r = -errno;
		snprintf(why, STATEDIR_WHY, "cannot open the state folder's lock: %s: %s",
			strerror(-r), path);
		return r;
	}
	if (fcntl(fd, F_SETLK, &lock) == 0) {
		if (fchown(fd, dir->uid, dir->gid) != 0 && geteuid() == 0) {
			snprintf(
				why, STATEDIR_WHY, "cannot change the owner of the lock: %s", path);
			close(fd);
			return -EPERM;
		}
		*out_fd = fd;
		return 0;
	}
	r = errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
	if (r == -EBUSY && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) {
		snprintf(why, STATEDIR_WHY,
			"another authzd, process %d, holds the state folder %s: stop it, or name "
			"another folder with --state",
			(int)lock.l_pid, dir->path);
	} else {
		snprintf(why, STATEDIR_WHY, "cannot lock the state folder: %s: %s", strerror(-r),
			path);
	}
	close(fd);
	return r;
}
