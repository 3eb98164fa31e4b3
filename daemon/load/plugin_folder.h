/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plugin_folder: lists the module folder, and reads its files.
 *
 *	DIR/NAME.so       a module
 *	DIR/data/NAME     a data file of modules; the folder may be missing
 *
 * A user that may write here could run code in the daemon. Therefore DIR, DIR/data and each file
 * that is read must belong to root or to one other owner, and nobody else may write them. Files are
 * regular, opened beneath DIR without blocking, and must be the same before and after they are
 *read. Names that begin with a dot and deeper folders are skipped.
 *
 * A struct plugin_folder belongs to the caller that listed it. Not thread-safe. Uses no loop and no
 * log: the tool uses it too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/host/beneath.h"
#include "policy/text/str.h"

#define PLUGIN_MAX_CODE  ((size_t)32 << 20)  /* bytes of a module */
#define PLUGIN_MAX_DATA  ((size_t)128 << 20) /* of all data files that one policy uses */
#define PLUGIN_MAX_NAMES 4096                /* in each of the two folders */
#define PLUGIN_WHY       512

/* A file as it was when it was listed. */
struct plugin_file {
	char *name; /* relative: `geo.so`, `data/networks` */
	bool regular;
	uid_t uid;
	mode_t mode;
	struct beneath_stat stat;
	char *bytes; /* of a data file, once read; NULL: not read */
};

struct plugin_folder {
	char *path;
	uid_t owner;               /* allowed beside root */
	int root;                  /* descriptor of the folder; -1: closed */
	struct plugin_file *files; /* in order of their names */
	size_t count;
	size_t capacity;
	size_t read; /* bytes of data files read so far */
};

/* Lists the folder into *out, which the caller destroys. 0, or a negative errno and a message in
 * `why`: -EPERM with the chown or chmod that repairs it. */
int plugin_folder_list(
	const char *path, uid_t owner, struct plugin_folder **out, char why[static PLUGIN_WHY]);

/* Are both lists equal? Then nothing changed between them. */
bool plugin_folder_equal(const struct plugin_folder *a, const struct plugin_folder *b);

/* A hash of all files but the data files: while it is the same, so is the code of the modules.
 * NULL: 0. */
uint64_t plugin_folder_code(const struct plugin_folder *folder);

/* The file of that relative name, such as `geo.so` or `data/networks`; NULL: there is none. */
struct plugin_file *plugin_folder_find(const struct plugin_folder *folder, struct pol_str name);

/* Opens a listed file. Returns a descriptor that the caller closes, or a negative errno and a
 * message in `why`; -ESTALE: the file changed since it was listed. */
int plugin_folder_open(const struct plugin_folder *folder, const struct plugin_file *file,
	char why[static PLUGIN_WHY]);

/* Is the open file still as it was listed? To be called after reading. */
bool plugin_folder_is_unchanged(const struct plugin_file *file, int fd);

/* The bytes of a data file, which live until plugin_folder_free_contents. 0, or fails as
 * plugin_folder_open does; -EFBIG: the file, or all together, are too large. */
int plugin_folder_read(struct plugin_folder *folder, struct plugin_file *file, struct pol_str *out,
	char why[static PLUGIN_WHY]);

/* Frees the bytes and closes the folder; the list stays, to be compared with a later one. */
void plugin_folder_free_contents(struct plugin_folder *folder);

void plugin_folder_destroy(struct plugin_folder *folder); /* NULL is ignored */
