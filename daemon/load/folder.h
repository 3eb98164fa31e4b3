/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * folder: lists and reads the policy's files, and refuses what another user could have written.
 *
 * Files are opened beneath the folder (openat2(2), RESOLVE_BENEATH), without blocking: relative
 * links that stay inside are followed, others are refused. Each directory, file and link, and a
 * link that is the folder's own path, must belong to an allowed owner; nobody else may write it.
 * Files are regular, have one name (no hard links) and a bounded size, and are copied into memory.
 * The caller lists again after reading and compares: a difference means that the files may not
 * belong together. Names that begin with a dot are skipped; entries are sorted by the bytes of
 * their relative paths.
 *
 * A struct folder belongs to the caller that listed it. Not thread-safe. Uses no loop and no log:
 * the tool uses it too.
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
#define FOLDER_MAX_SEEN  100000 /* names in all directories */
#define FOLDER_MAX_DEPTH 32
#define FOLDER_WHY       1024

/* Users that may own what is read, beside root. A NULL pointer instead: no check of owners and
 * modes. */
struct folder_owners {
	uid_t uids[2];
	size_t count;
};

/* A directory or file, as it was when it was listed. */
struct folder_entry {
	char *name; /* relative; "" is the folder itself */
	bool is_folder;
	struct beneath_stat stat;
};

struct folder {
	char *path;                   /* as the caller gave it */
	struct folder_entry *entries; /* in order */
	size_t count;
	size_t capacity;
	size_t seen;
	struct pol_source *sources; /* the files, named PATH/NAME; set by folder_read */
	size_t source_count;
};

/* Lists the folder into *out, which the caller destroys. 0, or a negative errno and a message in
 * `why`: -EPERM with the chown or chmod that repairs it, -EXDEV for a link that leads out, -EMLINK
 * for a hard link. */
int folder_list(const char *path, const struct folder_owners *owners, struct folder **out,
	char why[static FOLDER_WHY]);

/* Reads the listed files. 0, or a negative errno and a message in `why`; -ESTALE, without a
 * message: something changed since it was listed. */
int folder_read(struct folder *folder, char why[static FOLDER_WHY]);

/* Are both lists equal? Then nothing changed between them. */
bool folder_equal(const struct folder *a, const struct folder *b);

/* The name of a file that is empty, and that `before` has with content or does not have; NULL:
 * there is none. It lives as long as the list. */
const char *folder_emptied(const struct folder *before, const struct folder *folder);

/* Frees the sources, which nothing may use any more; the list stays. NULL is ignored. */
void folder_free_sources(struct folder *folder);
void folder_destroy(struct folder *folder); /* NULL is ignored */
