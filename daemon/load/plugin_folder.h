/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * plugin_folder: the module folder at one moment: which modules and data files lie in it, and their
 * bytes.
 *
 *	DIR/NAME.so       a module
 *	DIR/data/NAME     a data file of modules; the folder may be missing
 *
 * Whoever may write here runs code in the daemon. So DIR, DIR/data and each file that is read
 * belong to root or to one other owner, nobody else may write them, files are regular, opened
 * beneath DIR and never waited for, and the same before and after they are read. Names that begin
 * with a dot, and what lies deeper, are passed over.
 *
 * Belongs to whoever listed it. Not thread-safe. Knows no loop and no log: the tool uses it too.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/host/beneath.h"
#include "policy/text/str.h"

#define PLUGIN_MAX_CODE  ((size_t)32 << 20)  /* bytes of a module */
#define PLUGIN_MAX_DATA  ((size_t)128 << 20) /* of all data files that one policy asks for */
#define PLUGIN_MAX_NAMES 4096                /* in each of the two folders */
#define PLUGIN_WHY       512

/* A file as it was when it was listed. */
struct plugin_file {
	char *name; /* relative: `geo.so`, `data/networks` */
	bool regular;
	uid_t uid;
	mode_t mode;
	struct beneath_stat stat;
	char *bytes; /* data files, once read; NULL: not read */
};

struct plugin_folder {
	char *path;
	uid_t owner; /* beside root */
	int root;
	struct plugin_file *files; /* in order of their names */
	size_t count;
	size_t capacity;
	size_t read; /* bytes of data so far */
};

/* Lists. 0; or a negative errno and `why`, for people: -EPERM with the chown or chmod that mends
 * it. */
int plugin_folder_list(
	const char *path, uid_t owner, struct plugin_folder **out, char why[static PLUGIN_WHY]);

/* Do both lists say the same? */
bool plugin_folder_equal(const struct plugin_folder *a, const struct plugin_folder *b);

/* `geo.so`, or `data/networks`; NULL: there is none. */
struct plugin_file *plugin_folder_find(const struct plugin_folder *folder, struct pol_str name);

/* A new descriptor of the file, which is what was listed, or a negative errno and `why`. -ESTALE:
 * it changed since, and everything should be listed anew. The caller closes it. */
int plugin_folder_open(const struct plugin_folder *folder, const struct plugin_file *file,
	char why[static PLUGIN_WHY]);

/* Is the file behind the descriptor still what was listed? To be asked after reading. */
bool plugin_folder_is_unchanged(const struct plugin_file *file, int fd);

/* The bytes of a data file, which live as long as the folder. 0, or as plugin_folder_open; -EFBIG:
 * it, or all together, are too large. */
int plugin_folder_read(struct plugin_folder *folder, struct plugin_file *file, struct pol_str *out,
	char why[static PLUGIN_WHY]);

/* Keeps the list alone, to be compared with a later one. */
void plugin_folder_free_contents(struct plugin_folder *folder);

void plugin_folder_destroy(struct plugin_folder *folder); /* NULL is ignored */
