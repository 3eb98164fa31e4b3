/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/language/parse.h"

static int refuse(struct app *app, const char *path, const char *why)
{
	return app_fail(app, EXIT_USAGE, "unreadable", "%s: %s", path, why);
}

/* Reads to the end, at most one byte more than a policy may have. A negative errno, or the number
 * of bytes. */
static ssize_t read_all(int fd, char *bytes)
{
	size_t used = 0;

	while (used <= POL_FILE_MAX) {
		ssize_t got = read(fd, bytes + used, POL_FILE_MAX + 1 - used);

		if (got < 0 && errno == EINTR) {
			continue;
		}
		if (got < 0) {
			return -errno;
		}
		if (got == 0) {
			break;
		}
		used += (size_t)got;
	}
	return (ssize_t)used;
}

static int read_text(struct app *app, int fd, struct replace_file *out)
{
	char *bytes = malloc(POL_FILE_MAX + 1);
	ssize_t size = bytes != NULL ? read_all(fd, bytes) : -ENOMEM;
	int status = EXIT_YES;

	if (size < 0) {
		status = refuse(app, out->path, strerror((int)-size));
	} else if ((size_t)size > POL_FILE_MAX) {
		status = refuse(app, out->path, "the file is larger than 8 MiB: split it");
	} else {
		out->text = pol_arena_copy(&app->arena, (struct pol_str){ bytes, (size_t)size });
	}
	free(bytes);
	return status;
}

int replace_read(struct app *app, const char *path, struct replace_file *out)
{
	int fd, status;

	*out = (struct replace_file){ .path = path };
	if (strcmp(path, "-") == 0) {
		return read_text(app, STDIN_FILENO, out);
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &out->stat) != 0) {
		status = refuse(app, path, strerror(errno));
	} else if (!S_ISREG(out->stat.st_mode)) {
		status = refuse(app, path, "no regular file");
	} else {
		status = read_text(app, fd, out);
	}
	if (fd >= 0) {
		close(fd);
	}
	return status;
}

static bool is_same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_unchanged(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       is_same_time(a->st_mtim, b->st_mtim) && is_same_time(a->st_ctim, b->st_ctim);
}

static bool write_all(int fd, struct pol_str text)
{
	while (text.len > 0) {
		ssize_t done = write(fd, text.ptr, text.len);

		if (done < 0 && errno == EINTR) {
			continue;
		}
		if (done < 0) {
			return false;
		}
		text.ptr += done;
		text.len -= (size_t)done;
	}
	return true;
}

/* Gives the new file the owner and the mode of the old one: the owner first, because that may
 * change the mode. */
static bool keep_rights(int fd, const struct stat *old)
{
	struct stat now;

	if (fstat(fd, &now) != 0) {
		return false;
	}
	if ((now.st_uid != old->st_uid || now.st_gid != old->st_gid) &&
		fchown(fd, old->st_uid, old->st_gid) != 0) {
		return false;
	}
	return fchmod(fd, old->st_mode & 07777) == 0;
}

/* What failed, or NULL. */
static const char *write_aside(const char *aside, int fd, const struct replace_file *file,
	const char *path, struct pol_str text)
{
	struct stat now;

	if (!keep_rights(fd, &file->stat)) {
		return "its owner and mode cannot be kept; run this as its owner";
	}
	if (!write_all(fd, text) || fsync(fd) != 0) {
		return strerror(errno);
	}
	if (stat(path, &now) != 0 || !is_unchanged(&file->stat, &now)) {
		return "it changed meanwhile: run this again";
	}
	return rename(aside, path) == 0 ? NULL : strerror(errno);
}

int replace_write(struct app *app, const struct replace_file *file, struct pol_str text)
{
	char path[PATH_MAX], aside[PATH_MAX + 16];
	const char *why;
	char *slash;
	int fd;

	if (file->stat.st_nlink > 1) {
		return refuse(app, file->path,
			"it has several names (hard links), of which the others would keep the "
			"old text");
	}
	if (realpath(file->path, path) == NULL) {
		return refuse(app, file->path, strerror(errno));
	}
	slash = strrchr(path, '/');
	snprintf(aside, sizeof aside, "%.*s.%.200s-XXXXXX", (int)(slash + 1 - path), path,
		slash + 1);
	fd = mkstemp(aside);
	if (fd < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: cannot write beside it: %s",
			file->path, strerror(errno));
	}
	why = write_aside(aside, fd, file, path, text);
	if (why != NULL) {
		unlink(aside);
	}
	close(fd);
	return why == NULL ? EXIT_YES : refuse(app, file->path, why);
}
