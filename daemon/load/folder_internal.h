/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * folder_internal: what folder's files share: owners, links, refusals. For folder*.c alone.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/load/folder.h"

/* May this uid write policies? Root may. */
bool folder_is_owner(const struct folder_owners *owners, uid_t uid);

/* Is `name`, beneath the open folder that lies at `path`, an absolute link to a place inside? It is
 * refused like one that leads out, but the reason must not be that. */
bool folder_link_is_inside(int folder, const char *path, const char *name);

/* Writes why, for people, and gives back the error. */
__attribute__((format(printf, 3, 4))) int folder_refuse(
	char *why, int error, const char *format, ...);
