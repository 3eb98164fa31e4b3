/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/folder_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool folder_is_owner(const struct folder_owners *owners, uid_t uid)
{
	for (size_t i = 0; i < owners->count; i++) {
		if (owners->uids[i] == uid) {
			return true;
		}
	}
	return uid == 0;
}

bool folder_link_is_inside(int folder, const char *path, const char *name)
{
	char *root = realpath(path, NULL);
	char target[PATH_MAX];
	ssize_t n = readlinkat(folder, name, target, sizeof target - 1);
	char *real = NULL;
	bool inside = false;

	if (root != NULL && n > 0 && target[0] == '/') {
		target[n] = '\0';
		real = realpath(target, NULL);
	}
	if (real != NULL) {
		size_t len = strlen(root);

		inside = strncmp(real, root, len) == 0 && (real[len] == '/' || real[len] == '\0');
	}
	free(real);
	free(root);
	return inside;
}

int folder_refuse(char *why, int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, FOLDER_WHY, format, args);
	va_end(args);
	return error;
}

int folder_unreadable(char *why, const char *path, const char *name, const char *mode)
{
	const char *slash = name[0] != '\0' ? "/" : "";

	return folder_refuse(why, -EACCES,
		"%s%s%s cannot be opened: Permission denied for uid %u: chmod %s %s%s%s, or let it "
		"into the folders above",
		path, slash, name, (unsigned)geteuid(), mode, path, slash, name);
}
