/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/load/folder_internal.h"

/* Folders above the policy's that are searched for .git. */
#define UP_MAX 64

/* Bytes of a file that names one thing: .git, HEAD, a reference, .authz-revision. */
#define LINE_MAX_BYTES PATH_MAX

/* Bytes of packed-refs: a hundred thousand references. */
#define PACKED_MAX ((size_t)16 << 20)

/* References to references: HEAD is one, and rarely more follow. */
#define REFERENCES_MAX 5

struct reading {
	const struct folder_owners *owners;
	const char *path; /* the policy folder, for messages */
	char *why;
	int git;    /* the work tree's own folder: HEAD */
	int common; /* what all work trees share: references */
};

static int refuse(const struct reading *reading, int error, const char *name, const char *what)
{
	return folder_refuse(reading->why, error, "%s of the work tree around %s: %s", name,
		reading->path, what);
}

/* May the owners alone write it? */
static int check(const struct reading *reading, int fd, const char *name)
{
	struct stat stat;

	if (fstat(fd, &stat) != 0) {
		return refuse(reading, -errno, name, strerror(errno));
	}
	if (!folder_is_owner(reading->owners, stat.st_uid) || (stat.st_mode & 022) != 0) {
		return refuse(reading, -EPERM, name,
			"others than the policy's owner could write it, so it is not believed");
	}
	return 0;
}

/* Reads a regular file of at most `size` - 1 bytes and ends it with a NUL. Returns their number or
 * a negative errno; -ENOENT: there is no such file. */
static ssize_t read_file(
	const struct reading *reading, int folder, const char *name, char *out, size_t size)
{
	int fd = openat(folder, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat stat;
	size_t used = 0;
	ssize_t got = 0;

	if (fd < 0) {
		return errno == ENOENT || errno == ENOTDIR
			       ? -ENOENT
			       : refuse(reading, -errno, name, strerror(errno));
	}
	got = check(reading, fd, name);
	if (got == 0 && (fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode))) {
		got = refuse(reading, -EINVAL, name, "not a regular file");
	}
	while (got == 0 && used < size) {
		ssize_t some = read(fd, out + used, size - used);

		if (some == 0) {
			break;
		}
		if (some < 0 && errno != EINTR) {
			got = refuse(reading, -errno, name, strerror(errno));
		}
		used += some > 0 ? (size_t)some : 0;
	}
	close(fd);
	if (got == 0 && used == size) {
		got = refuse(reading, -EFBIG, name, "too large");
	}
	if (got < 0) {
		return got;
	}
	out[used] = '\0';
	return (ssize_t)used;
}

/* The same for its first line, without what ends it. */
static int read_line(const struct reading *reading, int folder, const char *name,
	char out[static LINE_MAX_BYTES])
{
	ssize_t used = read_file(reading, folder, name, out, LINE_MAX_BYTES);

	if (used < 0) {
		return (int)used;
	}
	out[strcspn(out, "\r\n")] = '\0';
	return 0;
}

/* A commit in hex, SHA-1 or SHA-256. */
static bool is_commit(const char *text, size_t len)
{
	return (len == 40 || len == 64) && strspn(text, "0123456789abcdef") >= len;
}

static void take(const char *text, size_t len, char out[static COMMIT_TEXT])
{
	memcpy(out, text, len);
	out[len] = '\0';
}

/* --- a folder that says it itself ------------------------------------------------------------- */

/* The word is a commit of any system, so more than hex is allowed. The line that `git archive` has
 * not filled in says nothing. */
static int read_export(const struct reading *reading, int folder, char out[static COMMIT_TEXT])
{
	static const char allowed[] =
		"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"._-+/:@";
	char line[LINE_MAX_BYTES];
	int r = read_line(reading, folder, COMMIT_FILE, line);
	size_t len;

	if (r < 0) {
		return r;
	}
	len = strlen(line);
	if (strncmp(line, "$Format:", 8) == 0) {
		return -ENOENT;
	}
	if (len == 0 || len >= COMMIT_TEXT || strspn(line, allowed) != len) {
		return folder_refuse(reading->why, -EINVAL,
			"%s/" COMMIT_FILE ": its first line is to be a commit: at most %d letters, "
			"digits and . _ - + / : @",
			reading->path, COMMIT_TEXT - 1);
	}
	take(line, len, out);
	return 0;
}

/* --- a work tree ------------------------------------------------------------------------------ */

/* Only below refs/, and nowhere else. */
static bool is_reference(const char *name)
{
	return strncmp(name, "refs/", 5) == 0 && strstr(name, "..") == NULL && name[5] != '\0';
}

/* Finds `HEX NAME` among the references that git has packed into one file. */
static int find_packed(
	const struct reading *reading, const char *name, char out[static COMMIT_TEXT])
{
	char *text = calloc(1, PACKED_MAX);
	size_t name_len = strlen(name);
	ssize_t used =
		text != NULL ? read_file(reading, reading->common, "packed-refs", text, PACKED_MAX)
			     : -ENOMEM;
	int r = used < 0 ? (int)used : -ENOENT;

	for (char *line = text; used > 0 && r == -ENOENT && *line != '\0';) {
		size_t len = strcspn(line, "\n");
		size_t hex = strcspn(line, " \n");

		if (is_commit(line, hex) && len == hex + 1 + name_len &&
			memcmp(line + hex + 1, name, name_len) == 0) {
			take(line, hex, out);
			r = 0;
		}
		line += len + (line[len] == '\n');
	}
	free(text);
	return r;
}

static int read_head(const struct reading *reading, char out[static COMMIT_TEXT])
{
	char line[LINE_MAX_BYTES], name[LINE_MAX_BYTES] = "HEAD";
	int folder = reading->git;

	for (unsigned i = 0; i < REFERENCES_MAX; i++) {
		int r = read_line(reading, folder, name, line);

		if (r == -ENOENT && i > 0) {
			return find_packed(reading, name, out);
		}
		if (r < 0) {
			return r;
		}
		if (is_commit(line, strlen(line))) {
			take(line, strlen(line), out);
			return 0;
		}
		if (strncmp(line, "ref: ", 5) != 0 || !is_reference(line + 5)) {
			return refuse(reading, -EINVAL, name, "neither a commit nor a reference");
		}
		memcpy(name, line + 5, strlen(line + 5) + 1);
		folder = reading->common;
	}
	return refuse(reading, -ELOOP, "HEAD", "too many references to references");
}

/* Opens a folder of git's, whose name may be relative to `at`. A descriptor or a negative errno; a
 * folder that is missing is a mistake (-EINVAL). */
static int open_folder(const struct reading *reading, int at, const char *name)
{
	int fd = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	if (fd < 0) {
		r = errno == ENOENT ? -EINVAL : -errno;
		return refuse(reading, r, name, strerror(errno));
	}
	r = check(reading, fd, name);
	if (r < 0) {
		close(fd);
		return r;
	}
	return fd;
}

/* Opens what .git in `folder` is: git's folder, or a file `gitdir: PATH`, as in a further work tree
 * and in a submodule. */
static int open_git(const struct reading *reading, int folder)
{
	char line[LINE_MAX_BYTES];
	struct stat stat;
	int r;

	if (fstatat(folder, ".git", &stat, 0) != 0) {
		return refuse(reading, -errno, ".git", strerror(errno));
	}
	if (S_ISDIR(stat.st_mode)) {
		return open_folder(reading, folder, ".git");
	}
	r = read_line(reading, folder, ".git", line);
	if (r == 0 && strncmp(line, "gitdir: ", 8) != 0) {
		r = refuse(reading, -EINVAL, ".git", "it names no folder");
	}
	return r < 0 ? r : open_folder(reading, folder, line + 8);
}

/* A further work tree names what it shares with the first one. */
static int open_common(const struct reading *reading)
{
	char line[LINE_MAX_BYTES];
	int r = read_line(reading, reading->git, "commondir", line);

	if (r == -ENOENT) {
		return open_folder(reading, reading->git, ".");
	}
	return r < 0 ? r : open_folder(reading, reading->git, line);
}

/* Opens the folder with .git: this one or one above it, on the same file system, as git does. Takes
 * `folder` over. A descriptor, or -ENOENT. */
static int find_work_tree(int folder)
{
	struct stat here, above, git;

	for (unsigned i = 0; i < UP_MAX && fstat(folder, &here) == 0; i++) {
		int up;

		if (fstatat(folder, ".git", &git, 0) == 0) {
			return folder;
		}
		up = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0) {
			break;
		}
		close(folder);
		folder = up;
		if (fstat(folder, &above) != 0 || above.st_dev != here.st_dev ||
			above.st_ino == here.st_ino) {
			break;
		}
	}
	close(folder);
	return -ENOENT;
}

/* Takes `folder` over. */
static int read_work_tree(struct reading *reading, int folder, char out[static COMMIT_TEXT])
{
	int tree = find_work_tree(folder);
	int r = tree;

	if (tree >= 0) {
		r = reading->git = open_git(reading, tree);
		close(tree);
	}
	if (r >= 0) {
		r = reading->common = open_common(reading);
		if (r >= 0) {
			r = read_head(reading, out);
			close(reading->common);
		}
		close(reading->git);
	}
	return r;
}

int commit_read(const char *path, const struct folder_owners *owners, char out[static COMMIT_TEXT],
	char why[static FOLDER_WHY])
{
	struct reading reading = { .owners = owners, .path = path, .why = why };
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r;

	out[0] = '\0';
	if (folder < 0) {
		return -ENOENT;
	}
	r = read_export(&reading, folder, out);
	if (r != -ENOENT) {
		close(folder);
		return r;
	}
	return read_work_tree(&reading, folder, out);
}
