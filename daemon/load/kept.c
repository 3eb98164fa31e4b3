/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/wire.h"
#include "daemon/host/durable.h"

static const uint8_t start[SECRET_CHAIN];

static int path_of(const struct kept_form *form, const char *state, char out[PATH_MAX])
{
	int len = snprintf(out, PATH_MAX, "%s/%s", state, form->name);

	return len < 0 || len >= PATH_MAX ? -ENAMETOOLONG : 0;
}

bool kept_exists(const struct kept_form *form, const char *state)
{
	char path[PATH_MAX];
	struct stat stat;

	return path_of(form, state, path) == 0 && lstat(path, &stat) == 0;
}

int kept_drop(const struct kept_form *form, const char *state)
{
	char path[PATH_MAX];
	int r = path_of(form, state, path);

	if (r < 0) {
		return r;
	}
	if (unlink(path) < 0) {
		return errno == ENOENT ? 0 : -errno;
	}
	return durable_sync_folder(path);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A user who may write the file could read the pepper too; this finds mistakes. */
static int check_file(const struct kept_form *form, int fd, const char *path, struct stat *out,
	char why[static FOLDER_WHY])
{
	if (fstat(fd, out) != 0) {
		return -errno;
	}
	if (!S_ISREG(out->st_mode) || out->st_nlink != 1) {
		snprintf(
			why, FOLDER_WHY, "%s is not a regular file with one name: remove it", path);
		return -EPERM;
	}
	if ((out->st_uid != geteuid() && out->st_uid != 0) || (out->st_mode & 077) != 0) {
		snprintf(why, FOLDER_WHY,
			"%s must belong to uid %u with mode 0600: another user could have written "
			"it, so remove it",
			path, (unsigned)geteuid());
		return -EPERM;
	}
	if (out->st_size < 0 || (uint64_t)out->st_size > form->max ||
		(size_t)out->st_size < strlen(form->head) + SECRET_CHAIN) {
		snprintf(why, FOLDER_WHY, "%s is not a file that authzd kept: remove it", path);
		return -EBADMSG;
	}
	return 0;
}

static int read_all(int fd, char *bytes, size_t size)
{
	for (size_t len = 0; len < size;) {
		ssize_t n = read(fd, bytes + len, size - len);

		if (n < 0 && errno == EINTR) {
			continue;
		}
		if (n <= 0) {
			return n < 0 ? -errno : -EIO;
		}
		len += (size_t)n;
	}
	return 0;
}

/* The file's bytes with their tag, which the caller frees. */
static int load(const struct kept_form *form, const char *path, struct pol_str *out,
	int64_t *out_at, char why[static FOLDER_WHY])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	int r = fd < 0 ? -errno : 0;
	struct stat stat = { 0 };
	char *bytes = NULL;

	why[0] = '\0';
	if (r == 0) {
		r = check_file(form, fd, path, &stat, why);
	}
	if (r == 0) {
		bytes = malloc((size_t)stat.st_size);
		r = bytes != NULL ? read_all(fd, bytes, (size_t)stat.st_size) : -ENOMEM;
	}
	if (fd >= 0) {
		close(fd);
	}
	if (r < 0) {
		free(bytes);
		if (why[0] == '\0') {
			snprintf(why, FOLDER_WHY, "%s cannot be read: %s", path, strerror(-r));
		}
		return r;
	}
	*out = (struct pol_str){ bytes, (size_t)stat.st_size };
	*out_at = stat.st_mtime;
	return 0;
}

int kept_read(const struct kept_form *form, const char *state, const struct secrets *secrets,
	struct kept *out, char why[static FOLDER_WHY])
{
	size_t head = strlen(form->head);
	char path[PATH_MAX];
	uint8_t tag[SECRET_CHAIN];
	struct pol_str file, tagged;
	int64_t at;
	int r = path_of(form, state, path);

	if (r < 0) {
		snprintf(why, FOLDER_WHY, "the state folder's path is too long");
		return r;
	}
	r = load(form, path, &file, &at, why);
	if (r < 0) {
		return r;
	}
	tagged = (struct pol_str){ file.ptr, file.len - SECRET_CHAIN };
	secret_chain(secrets, form->link, start, tagged, tag);
	*out = (struct kept){ .bytes = { file.ptr + head, tagged.len - head },
		.at = at,
		.file = (char *)(uintptr_t)file.ptr };
	if (memcmp(file.ptr, form->head, head) != 0 ||
		!secret_equal(tag, file.ptr + tagged.len, sizeof tag)) {
		snprintf(why, FOLDER_WHY,
			"%.512s was altered, or belongs to another store: remove it, and look for "
			"how that came about",
			path);
		kept_free(out);
		return -EBADMSG;
	}
	return 0;
}

void kept_free(struct kept *kept)
{
	free(kept->file);
	*kept = (struct kept){ .file = NULL };
}

/* --- writing ---------------------------------------------------------------------------------- */

static bool has_already(
	const struct kept_form *form, const char *path, const struct wire_buf *bytes)
{
	char why[FOLDER_WHY];
	struct pol_str before;
	int64_t at;
	bool same;

	if (load(form, path, &before, &at, why) < 0) {
		return false;
	}
	same = before.len == bytes->len && memcmp(before.ptr, bytes->data, bytes->len) == 0;
	free((void *)(uintptr_t)before.ptr);
	return same;
}

void kept_begin(const struct kept_form *form, struct wire_buf *bytes)
{
	wire_buf_init(bytes, form->max);
	wire_put_raw(bytes, form->head, strlen(form->head));
}

int kept_write(const struct kept_form *form, const char *state, const struct secrets *secrets,
	struct wire_buf *bytes)
{
	char path[PATH_MAX];
	uint8_t tag[SECRET_CHAIN];
	int r = path_of(form, state, path);

	if (r < 0) {
		return r;
	}
	if (bytes->status == WIRE_OK) {
		secret_chain(secrets, form->link, start,
			(struct pol_str){ (const char *)bytes->data, bytes->len }, tag);
		wire_put_raw(bytes, tag, sizeof tag);
	}
	if (bytes->status != WIRE_OK) {
		r = bytes->status == WIRE_ENOMEM ? -ENOMEM : -EFBIG;
	} else if (!has_already(form, path, bytes)) {
		r = durable_write(path, bytes->data, bytes->len, true);
	}
	if (r < 0) {
		kept_drop(form, state);
	}
	return r;
}
