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
		status = refuse(app, path, "not a regular file");
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

/* A new file's rights are those that the user wants for all. */
static bool give_rights(int fd)
{
	mode_t mask = umask(0);

	umask(mask);
	return fchmod(fd, 0666 & ~mask) == 0;
}

/* old: what is to be replaced; NULL: nothing. */
static int open_aside(struct app *app, struct replace_new *new, const struct stat *old)
{
	const char *slash = strrchr(new->place, '/');
	const char *name = slash != NULL ? slash + 1 : new->place;
	size_t size = strlen(new->place) + sizeof "..-XXXXXX";
	int fd, why;

	new->aside = pol_arena_alloc(&app->arena, size, 1);
	if (new->aside == NULL) {
		return EXIT_DAEMON; /* the arena's status is reported at the end */
	}
	snprintf(
		new->aside, size, "%.*s.%.200s-XXXXXX", (int)(name - new->place), new->place, name);
	fd = mkstemp(new->aside);
	if (fd < 0) {
		return app_fail(app, EXIT_USAGE, "unreadable", "%s: cannot write beside it: %s",
			new->path, strerror(errno));
	}
	new->file = fdopen(fd, "w");
	if (new->file == NULL) {
		why = errno;
		close(fd);
		unlink(new->aside);
		return refuse(app, new->path, strerror(why));
	}
	if (old != NULL ? keep_rights(fd, old) : give_rights(fd)) {
		return EXIT_YES;
	}
	return replace_end(app, new,
		refuse(app, new->path, "its owner and mode cannot be kept; run this as its owner"));
}

/* A file that is there: it is opened to be written, though it is not, because that is what the
 * system allows or refuses, of a link as well. */
static int begin_old(struct app *app, int fd, struct replace_new *new)
{
	char place[PATH_MAX];
	struct stat old, now;

	if (fstat(fd, &old) != 0) {
		return refuse(app, new->path, strerror(errno));
	}
	if (!S_ISREG(old.st_mode)) {
		new->file = fdopen(dup(fd), "w");
		return new->file != NULL ? EXIT_YES : refuse(app, new->path, strerror(errno));
	}
	if (realpath(new->path, place) == NULL || stat(place, &now) != 0) {
		return refuse(app, new->path, strerror(errno));
	}
	if (now.st_dev != old.st_dev || now.st_ino != old.st_ino) {
		return refuse(app, new->path, "it changed meanwhile: run this again");
	}
	new->place = app_text(app, "%s", place);
	return open_aside(app, new, &old);
}

int replace_begin(struct app *app, const char *path, bool fresh, struct replace_new *out)
{
	int fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	int status;

	*out = (struct replace_new){ .path = path, .place = path, .fresh = fresh };
	if (fd < 0 && errno == ENOENT) {
		return open_aside(app, out, NULL);
	}
	if (fd < 0 || fresh) {
		status = refuse(app, path, strerror(fd < 0 ? errno : EEXIST));
	} else {
		status = begin_old(app, fd, out);
	}
	if (fd >= 0) {
		close(fd);
	}
	return status;
}

/* A new name, unless it is taken meanwhile; where the file system has no links, only as far as can
 * be seen. */
static bool name_fresh(const struct replace_new *new)
{
	struct stat there;

	if (link(new->aside, new->place) == 0) {
		unlink(new->aside);
		return true;
	}
	if (errno == EEXIST) {
		return false;
	}
	if (lstat(new->place, &there) == 0) {
		errno = EEXIST;
		return false;
	}
	return rename(new->aside, new->place) == 0;
}

/* What failed, or NULL. */
static const char *name_aside(const struct replace_new *new)
{
	struct stat now;

	if (new->unchanged != NULL &&
		(stat(new->place, &now) != 0 || !is_unchanged(new->unchanged, &now))) {
		return "it changed meanwhile: run this again";
	}
	if (new->fresh ? name_fresh(new) : rename(new->aside, new->place) == 0) {
		return NULL;
	}
	return strerror(errno);
}

int replace_end(struct app *app, struct replace_new *new, int status)
{
	const char *why = NULL;

	if (new->file == NULL) {
		return status;
	}
	if (status == EXIT_YES && (fflush(new->file) != 0 || ferror(new->file) != 0 ||
					  (new->aside != NULL &&fsync(fileno(new->file)) != 0))) {
		why = errno != 0 ? strerror(errno) : "it cannot be written";
	}
	fclose(new->file);
	new->file = NULL;
	if (status == EXIT_YES && why == NULL && new->aside != NULL) {
		why = name_aside(new);
	}
	if (new->aside != NULL && (status != EXIT_YES || why != NULL)) {
		unlink(new->aside);
	}
	return why == NULL ? status : refuse(app, new->path, why);
}

int replace_write(struct app *app, const struct replace_file *file, struct pol_str text)
{
	struct replace_new new = { .path = file->path, .unchanged = &file->stat };
	char place[PATH_MAX];
	int status;

	if (file->stat.st_nlink > 1) {
		return refuse(app, file->path,
			"it has several names (hard links), of which the others would keep the "
			"old text");
	}
	if (realpath(file->path, place) == NULL) {
		return refuse(app, file->path, strerror(errno));
	}
	new.place = place;
	status = open_aside(app, &new, &file->stat);
	if (status == EXIT_YES) {
		fwrite(text.ptr, 1, text.len, new.file);
	}
	return replace_end(app, &new, status);
}
