/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "daemon/host/confine.h"

/* What later kernels have, by the ABI that brought it; the headers of Linux 6.1 end with REFER. */
#define ACCESS_FIRST    ((UINT64_C(1) << 13) - 1) /* 1: files and folders */
#define ACCESS_REFER    (UINT64_C(1) << 13)       /* 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)       /* 3 */
#define ACCESS_IOCTL    (UINT64_C(1) << 15)       /* 5 */
#define ACCESS_TCP      UINT64_C(3)               /* 4: bind and connect */
#define ACCESS_BIND     UINT64_C(1)               /* of these */
#define SCOPE_ALL       UINT64_C(3)               /* 6: abstract sockets and signals */

/* Rights that a rule for a file that is not a folder may have. */
#define ACCESS_OF_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* How often, and how long in between, to look whether a thread that was joined is gone. */
enum { ALONE_TRIES = 500, ALONE_PAUSE_NS = 10 * 1000 * 1000 };

/* struct landlock_ruleset_attr of ABI 6. An older kernel takes it if what it does not know is 0. */
struct ruleset {
	uint64_t files;
	uint64_t net;
	uint64_t scoped;
};

static const uint64_t rights[] = {
	[CONFINE_READ] = ACCESS_READ,
	[CONFINE_CHANGE] = ACCESS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |
			   LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_REMOVE_FILE,
	[CONFINE_APPEND] = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG,
	[CONFINE_UNLINK] = LANDLOCK_ACCESS_FS_REMOVE_FILE,
};

static int begin(struct confine_files *files, uint64_t net)
{
	struct ruleset ruleset = { .files = ACCESS_FIRST };
	long abi = syscall(
		SYS_landlock_create_ruleset, NULL, 0, (uint32_t)LANDLOCK_CREATE_RULESET_VERSION);

	/* Nothing about the question itself can be wrong: the kernel, or a filter around us, does
	 * not have it. */
	if (abi < 1) {
		return -EOPNOTSUPP;
	}
	ruleset.files |= abi >= 2 ? ACCESS_REFER : 0;
	ruleset.files |= abi >= 3 ? ACCESS_TRUNCATE : 0;
	ruleset.files |= abi >= 5 ? ACCESS_IOCTL : 0;
	ruleset.net = abi >= 4 ? net : 0;
	ruleset.scoped = abi >= 6 ? SCOPE_ALL : 0;
	*files = (struct confine_files){
		.ruleset = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0),
		.abi = (unsigned)abi,
		.handled = ruleset.files,
	};
	return files->ruleset < 0 ? -errno : 0;
}

int confine_files_begin(struct confine_files *files)
{
	return begin(files, ACCESS_TCP);
}

int confine_files_allow(struct confine_files *files, const char *path, enum confine_use use)
{
	struct landlock_path_beneath_attr rule = { .allowed_access = rights[use] & files->handled };
	struct stat stat;
	int r = 0;

	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0) {
		return -errno;
	}
	if (fstat(rule.parent_fd, &stat) != 0) {
		r = -errno;
	} else if (!S_ISDIR(stat.st_mode)) {
		rule.allowed_access &= ACCESS_OF_FILE;
	}
	if (r == 0 && syscall(SYS_landlock_add_rule, files->ruleset, LANDLOCK_RULE_PATH_BENEATH,
			      &rule, 0) != 0) {
		r = -errno;
	}
	close(rule.parent_fd);
	return r;
}

int confine_files_allow_folder_of(
	struct confine_files *files, const char *path, enum confine_use use)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];

	if (slash == NULL) {
		return confine_files_allow(files, ".", use);
	}
	snprintf(folder, sizeof folder, "%.*s", slash == path ? 1 : (int)(slash - path), path);
	return confine_files_allow(files, folder, use);
}

/* The folder in which the path's target lies; nothing for the root folder. */
static int allow_around(struct confine_files *files, const char *path)
{
	char *real = realpath(path, NULL);
	char *slash = real != NULL ? strrchr(real, '/') : NULL;
	int r = 0;

	if (real == NULL) {
		return -errno;
	}
	if (slash != real) {
		*slash = '\0';
		r = confine_files_allow(files, real, CONFINE_READ);
	}
	free(real);
	return r;
}

/* The folder that has the path's last component, as named. */
static int allow_container(struct confine_files *files, const char *path)
{
	char *copy = strdup(path), *real = NULL, *slash;
	size_t len = strlen(path);
	int r;

	if (copy == NULL) {
		return -ENOMEM;
	}
	while (len > 1 && copy[len - 1] == '/') {
		copy[--len] = '\0';
	}
	slash = strrchr(copy, '/');
	if (slash != NULL) {
		slash[slash == copy] = '\0';
	}
	real = realpath(slash != NULL ? copy : ".", NULL);
	r = real != NULL ? 0 : -errno;
	if (r == 0 && strcmp(real, "/") != 0) {
		r = confine_files_allow(files, real, CONFINE_READ);
	}
	free(real);
	free(copy);
	return r;
}

int confine_files_allow_missing(struct confine_files *files, const char *path)
{
	return allow_container(files, path);
}

int confine_files_allow_replaced(struct confine_files *files, const char *path)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	int r = len < sizeof part ? confine_files_allow(files, path, CONFINE_READ) : -ENAMETOOLONG;

	if (r == 0) {
		r = allow_container(files, path);
	}
	for (size_t i = 1; i <= len && r == 0; i++) {
		struct stat stat;

		if (path[i] != '/' && path[i] != '\0') {
			continue;
		}
		memcpy(part, path, i);
		part[i] = '\0';
		if (lstat(part, &stat) == 0 && S_ISLNK(stat.st_mode)) {
			r = allow_around(files, part);
		}
	}
	return r;
}

static unsigned count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *entry;
	unsigned count = 0;

	if (dir == NULL) {
		return 0;
	}
	while ((entry = readdir(dir)) != NULL) {
		count += entry->d_name[0] != '.';
	}
	closedir(dir);
	return count;
}

/* Landlock limits the calling thread alone. A module must not keep another one out of it; a thread
 * that was joined may be listed for a moment longer. */
static bool is_alone(unsigned others)
{
	static const struct timespec pause = { 0, ALONE_PAUSE_NS };

	for (int i = 0; i < ALONE_TRIES; i++) {
		if (count_threads() <= 1 + others) {
			return true;
		}
		nanosleep(&pause, NULL);
	}
	return false;
}

static int restrict_self(const struct confine_files *files)
{
	return syscall(SYS_landlock_restrict_self, files->ruleset, 0) == 0 ? 0 : -errno;
}

int confine_files_enter(struct confine_files *files)
{
	int r = is_alone(files->others) ? restrict_self(files) : -EBUSY;

	confine_files_cancel(files);
	return r;
}

void confine_files_cancel(struct confine_files *files)
{
	close(files->ruleset);
	files->ruleset = -1;
}

/* Where the C library finds names of hosts and users, and OpenSSL its settings and authorities. */
static const char *const network_paths[] = { "/dev/null", "/dev/urandom", "/etc/gai.conf",
	"/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/localtime", "/etc/nsswitch.conf",
	"/etc/passwd", "/etc/resolv.conf", "/etc/services", "/etc/ssl", "/run/systemd/resolve",
	"/usr/lib/ssl", "/usr/local/share/ca-certificates", "/usr/share/ca-certificates" };

static int allow_each(struct confine_files *files, const char *const *paths, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		if (paths[i] != NULL && paths[i][0] == '/') {
			r = confine_files_allow(files, paths[i], CONFINE_READ);
		}
		if (r == -ENOENT || r == -ENOTDIR || r == -EACCES) {
			r = 0;
		}
	}
	return r;
}

int confine_files_allow_libraries(struct confine_files *files)
{
	/* Where the dynamic loader finds them. */
	static const char *const paths[] = { "/etc/ld.so.cache", "/lib", "/lib64", "/usr/lib",
		"/usr/lib64", "/usr/local/lib" };

	return allow_each(files, paths, sizeof paths / sizeof paths[0]);
}

int confine_network(const char *const *paths, size_t count)
{
	struct confine_calls needs = { .network = true, .this_thread = true };
	struct confine_files files;
	int r = begin(&files, ACCESS_BIND);

	if (r == 0) {
		r = allow_each(
			&files, network_paths, sizeof network_paths / sizeof network_paths[0]);
		if (r == 0) {
			r = allow_each(&files, paths, count);
		}
		if (r == 0) {
			r = restrict_self(&files);
		}
		confine_files_cancel(&files);
	} else if (r == -EOPNOTSUPP) {
		/* The C library then finds modules that look up names, and maps their code. */
		needs.modules = true;
		r = 0;
	}
	if (r == 0) {
		r = confine_calls(&needs);
	}
	return r == -EOPNOTSUPP ? 0 : r;
}
