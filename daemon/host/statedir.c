/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/statedir.h"

#include <dirent.h>
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

/* True if the folder has no entries: it was made just now, or for the daemon. */
static bool is_empty(int fd)
{
	int again = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *listing = again >= 0 ? fdopendir(again) : NULL;
	struct dirent *entry;
	bool empty = true;

	if (listing == NULL) {
		if (again >= 0) {
			close(again);
		}
		return false;
	}
	errno = 0;
	while (empty && (entry = readdir(listing)) != NULL) {
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	}
	empty = empty && errno == 0;
	closedir(listing);
	return empty;
}

/* How chown names the daemon's user: "authz:", with its group, or a number. */
static const char *chown_name(const struct statedir *dir, char out[static 64])
{
	if (dir->user != NULL) {
		snprintf(out, 64, "%.60s:", dir->user);
	} else {
		snprintf(out, 64, "%u:%u", (unsigned)dir->uid, (unsigned)dir->gid);
	}
	return out;
}

/* A start as root, before the daemon had a user of its own, leaves files that this user cannot
 * open. Other files in the folder are nobody's business, and one with a second name (a hard link)
 * may be another program's, which must not be given away. */
static int check_files(const struct statedir *dir, int fd, char why[static STATEDIR_WHY])
{
	static const char *const names[] = { "store.mdb", "store.mdb-lock", "store.mdb-head",
		"store.mdb-clean", "pepper", "policy.last-good", "data.last-good" };

	for (size_t i = 0; i < sizeof names / sizeof names[0] && dir->uid != 0; i++) {
		struct stat stat;
		char user[64];

		if (fstatat(fd, names[i], &stat, AT_SYMLINK_NOFOLLOW) != 0 ||
			!S_ISREG(stat.st_mode) || stat.st_nlink != 1 || stat.st_uid == dir->uid ||
			(stat.st_mode & 077) != 0) {
			continue;
		}
		snprintf(why, STATEDIR_WHY,
			"%s/%s belongs to uid %u, so that the daemon, uid %u, cannot open it: as "
			"root, chown -R %s %s",
			dir->path, names[i], (unsigned)stat.st_uid, (unsigned)dir->uid,
			chown_name(dir, user), dir->path);
		return -EACCES;
	}
	return 0;
}

/* A user who may write the folder controls the keys. */
static int check_owner(const struct statedir *dir, int fd, char why[static STATEDIR_WHY])
{
	struct stat stat;
	char user[64];

	if (fstat(fd, &stat) != 0) {
		return -errno;
	}
	/* A folder with files in it may be used by another program, and stays root's. */
	if (geteuid() == 0 && stat.st_uid == 0 && dir->uid != 0 && is_empty(fd)) {
		if (fchown(fd, dir->uid, dir->gid) != 0) {
			return -errno;
		}
		stat.st_uid = dir->uid;
	}
	if (stat.st_uid != dir->uid) {
		snprintf(why, STATEDIR_WHY,
			"the state folder belongs to uid %u and the daemon is uid %u: as root, "
			"chown -R %s %s",
			(unsigned)stat.st_uid, (unsigned)dir->uid, chown_name(dir, user),
			dir->path);
		return -EPERM;
	}
	if ((stat.st_mode & 022) != 0) {
		snprintf(why, STATEDIR_WHY,
			"others may write the state folder and could change keys by it: chmod go-w "
			"%s",
			dir->path);
		return -EPERM;
	}
	return check_files(dir, fd, why);
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

/* Opens the lock file, or makes it. Only a file that this call made is given to the daemon's user:
 * another one may be a second name of a file that has nothing to do with the daemon. */
static int open_lock(const struct statedir *dir, const char *path)
{
	int fd = -1, r = -ENOENT;

	/* The file may be made or removed between the two calls. */
	for (unsigned tries = 0; fd < 0 && r == -ENOENT && tries < 16; tries++) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
		r = fd < 0 ? -errno : 0;
		if (r != -ENOENT) {
			break;
		}
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		r = fd >= 0 ? 0 : errno == EEXIST ? -ENOENT : -errno;
		if (r == 0 && geteuid() == 0 && fchown(fd, dir->uid, dir->gid) != 0) {
			r = -errno;
			close(fd);
		}
	}
	return r < 0 ? r : fd;
}

/* Refuses a file that may be another program's. */
static int check_lock(
	const struct statedir *dir, int fd, const char *path, char why[static STATEDIR_WHY])
{
	struct stat stat;

	if (fstat(fd, &stat) != 0) {
		return -errno;
	}
	if (!S_ISREG(stat.st_mode)) {
		snprintf(why, STATEDIR_WHY,
			"the state folder's lock is not a regular file: remove it: %s", path);
		return -EINVAL;
	}
	if (stat.st_nlink != 1) {
		snprintf(why, STATEDIR_WHY,
			"the state folder's lock has %lu names (hard links), and may be a file of "
			"another program: remove this name: %s",
			(unsigned long)stat.st_nlink, path);
		return -EPERM;
	}
	if (stat.st_uid != dir->uid && stat.st_uid != geteuid()) {
		snprintf(why, STATEDIR_WHY,
			"the state folder's lock belongs to uid %u and the daemon is uid %u: chown "
			"%u %s",
			(unsigned)stat.st_uid, (unsigned)dir->uid, (unsigned)dir->uid, path);
		return -EPERM;
	}
	return 0;
}

static int lock(const struct statedir *dir, int fd, const char *path, char why[static STATEDIR_WHY])
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int r;

	if (fcntl(fd, F_SETLK, &lock) == 0) {
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
	return r;
}

int statedir_lock(const struct statedir *dir, int *out_fd, char why[static STATEDIR_WHY])
{
	char path[PATH_MAX];
	int fd, r;

	if ((size_t)snprintf(path, sizeof path, "%s/lock", dir->path) >= sizeof path) {
		snprintf(why, STATEDIR_WHY, "the state folder's path is too long");
		return -ENAMETOOLONG;
	}
	fd = open_lock(dir, path);
	if (fd < 0) {
		if (fd == -ELOOP) {
			snprintf(why, STATEDIR_WHY,
				"the state folder's lock is a symbolic link, which could lead to a "
				"file of another program: remove it: %s",
				path);
		} else {
			snprintf(why, STATEDIR_WHY, "cannot open the state folder's lock: %s: %s",
				strerror(-fd), path);
		}
		return fd;
	}
	snprintf(why, STATEDIR_WHY, "cannot use the state folder's lock: %s", path);
	r = check_lock(dir, fd, path, why);
	if (r == 0) {
		r = lock(dir, fd, path, why);
	}
	if (r < 0) {
		close(fd);
		return r;
	}
	*out_fd = fd;
	return 0;
}
