/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * folder: the policy's files as bytes, read in a way that trusts nobody who may not write them.
 *
 * Every file is opened beneath the folder (openat2, RESOLVE_BENEATH: relative links are followed
 * inside, others refused; a link belongs to who may write policies, the one that names the folder
 * too), is a regular file, is never waited for, belongs to somebody who may write
 * policies, and is read within bounds into memory of ours. What was listed before the reading must
 * stand unchanged after it, else all is read again. Names that begin with a dot are passed over;
 * the order is that of the bytes of relative paths.
 *
 * A folder belongs to whoever read it. Not thread-safe.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "daemon/host/beneath.h"
#include "policy/text/diag.h"

#define FOLDER_MAX_FILE  ((size_t)8 << 20)
#define FOLDER_MAX_BYTES ((size_t)64 << 20)
#define FOLDER_MAX_FILES 10000
#define FOLDER_MAX_SEEN  100000 /* names looked at */
#define FOLDER_MAX_DEPTH 32
#define FOLDER_WHY       1024

/* Who may own what is read: root and these. NULL: owners and rights do not matter. */
struct folder_owners {
	uid_t uids[2];
	size_t count;
};

/* One directory or file below, as it was when it was listed. */
struct folder_entry {
	char *name; /* relative; "" is the folder itself */
	bool is_folder;
	struct beneath_stat stat;
};

struct folder {
	char *path;                   /* as it was named */
	struct folder_entry *entries; /* in order */
	size_t count;
	size_t capacity;
	size_t seen;
	struct pol_source *sources; /* of the files, names joined with path; after folder_read */
	size_t source_count;
};

/* Lists. 0, or a negative errno and `why`, for people: -EPERM with the chown or chmod that mends
 * it, -EXDEV for a link that leads out. */
int folder_list(const char *path, const struct folder_owners *owners, struct folder **out,
	char why[static FOLDER_WHY]);

/* Reads the files of a list. -ESTALE: something changed since it was listed. */
int folder_read(struct folder *folder, char why[static FOLDER_WHY]);

/* Do both lists say the same? Then nothing was changed between them. */
bool folder_equal(const struct folder *a, const struct folder *b);

/* Lets go of what folder_read read, once nobody looks at it any more; the list stays. NULL is
 * ignored. */
void folder_free_sources(struct folder *folder);
void folder_destroy(struct folder *folder); /* NULL is ignored */
