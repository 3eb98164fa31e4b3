/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * folder_internal: what folder's files share: owners, links, refusals. For folder*.c alone.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/load/folder.h"

/* Is the uid root's or one of these? */
bool folder_is_owner(const struct folder_owners *owners, uid_t uid);

/* Is `name` an absolute link whose target is inside the folder? `folder` is the folder's
 * descriptor, `path` its path. Such a link is refused too, with another message than one that leads
 * out. */
bool folder_link_is_inside(int folder, const char *path, const char *name);

/* Writes the message into `why` and returns `error`. */
__attribute__((format(printf, 3, 4))) int folder_refuse(
	char *why, int error, const char *format, ...);
/* Says who may not read the file or folder `name` of the folder `path` ("": that folder itself),
 * and the chmod that mends it, with `mode`. Returns -EACCES. */
int folder_unreadable(char *why, const char *path, const char *name, const char *mode);
