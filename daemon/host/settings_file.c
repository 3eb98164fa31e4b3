/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/settings_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int check(const char *path, const struct stat *stat)
{
	if (!S_ISREG(stat->st_mode) || stat->st_size > SETTINGS_FILE_MAX) {
		fprintf(stderr, "%s: error: not a regular file of at most 1 MiB\n", path);
		return -EINVAL;
	}
	if (stat->st_uid != 0 && stat->st_uid != geteuid()) {
		fprintf(stderr,
			"%s: error: it belongs to uid %u, who could command this program by it: "
			"chown root %s\n",
			path, (unsigned)stat->st_uid, path);
		return -EPERM;
	}
	if ((stat->st_mode & 022) != 0) {
		fprintf(stderr, "%s: error: others may write it: chmod go-w %s\n", path, path);
		return -EPERM;
	}
	return 0;
}

/* The bytes of an open file of this size, or as many as it still has. */
static int read_all(int fd, char *bytes, size_t size, size_t *out_len)
{
	size_t len = 0;
	ssize_t n = 0;

	while (len < size && (n = read(fd, bytes + len, size - len)) > 0) {
		len += (size_t)n;
	}
	*out_len = len;
	return n < 0 ? -errno : 0;
}

int settings_file_load(const char *path, struct pol_arena *arena, struct pol_str *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat stat = { 0 };
	char *bytes;
	size_t len = 0;
	int r = fd < 0 || fstat(fd, &stat) != 0 ? -errno : 0;

	if (r == 0) {
		r = check(path, &stat);
		if (r < 0) {
			close(fd);
			return r;
		}
		bytes = pol_arena_alloc(arena, (size_t)stat.st_size + 1, 1);
		r = bytes != NULL ? read_all(fd, bytes, (size_t)stat.st_size, &len) : -ENOMEM;
		*out = (struct pol_str){ bytes, len };
	}
	if (r < 0) {
		fprintf(stderr, "%s: error: cannot read the configuration: %s\n", path,
			strerror(-r));
	}
	if (fd >= 0) {
		close(fd);
	}
	return r;
}

static void on_text(void *context, const char *text, size_t len)
{
	fwrite(text, 1, len, context);
}

int settings_file_report(struct pol_diags *diags)
{
	pol_diags_sort(diags);
	for (const struct pol_diag *diag = diags->first; diag != NULL; diag = diag->next) {
		pol_diag_render(diags, diag, on_text, stderr);
	}
	return diags->errors > 0 ? -EINVAL : 0;
}
