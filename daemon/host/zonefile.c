/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/host/zonefile.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/beneath.h"
#include "policy/decide/zone.h"

static enum pol_status status_of(int r)
{
	if (r == 0) {
		return POL_OK;
	}
	if (r == -ENOENT || r == -ENOTDIR || r == -EISDIR) {
		return POL_ENOTFOUND;
	}
	return r == -ENOMEM ? POL_ENOMEM : POL_EINVALID;
}

static enum pol_status read_open(int fd, struct pol_arena *arena, struct pol_str *out)
{
	struct stat stat;
	char *bytes;
	int r;

	if (fstat(fd, &stat) != 0) {
		return POL_EINVALID;
	}
	if (!S_ISREG(stat.st_mode)) {
		return S_ISDIR(stat.st_mode) ? POL_ENOTFOUND : POL_EINVALID;
	}
	if (stat.st_size < 0 || (size_t)stat.st_size > POL_ZONE_MAX) {
		return POL_ELIMIT;
	}
	bytes = pol_arena_alloc(arena, (size_t)stat.st_size, 1);
	if (bytes == NULL) {
		return arena->status;
	}
	r = beneath_read(fd, bytes, (size_t)stat.st_size);
	if (r == 0) {
		*out = (struct pol_str){ bytes, (size_t)stat.st_size };
	}
	return status_of(r);
}

enum pol_status zonefile_read(struct pol_arena *arena, struct pol_str name, struct pol_str *out)
{
	char text[POL_ZONE_NAME_MAX + 1];
	enum pol_status status;
	int root, fd;

	assert(pol_zone_is_name(name));
	memcpy(text, name.ptr, name.len);
	text[name.len] = '\0';
	root = open(ZONEFILE_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0) {
		return status_of(-errno);
	}
	fd = beneath_open(root, text, O_RDONLY);
	close(root);
	if (fd < 0) {
		return status_of(fd);
	}
	status = read_open(fd, arena, out);
	close(fd);
	return status;
}
