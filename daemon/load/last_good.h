/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * last_good: the last policy that was good, in a file of the state folder, for a start that finds
 * the policy folder broken.
 *
 * The file STATE/policy.last-good has the names and texts of the policy's files and the modules
 * that it uses, kept as load/kept says.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/load/build.h"
#include "daemon/load/folder.h"
#include "policy/snapshot/revision.h"

struct pol_snapshot;
struct secrets;

#define LAST_GOOD_NAME "policy.last-good"

/* Bytes of the file: all that a policy may have (FOLDER_MAX_BYTES), and the names of its files. */
#define LAST_GOOD_MAX (FOLDER_MAX_BYTES + ((size_t)16 << 20))

/* A kept policy. The caller finishes it, and may take the folder out. */
struct last_good {
	struct folder *folder; /* with sources and no entries */
	char revision[POL_REVISION_TEXT];
	int64_t at;       /* Unix seconds, when it was kept; by the file's time */
	uint32_t modules; /* that it uses, beside the built-in ones */
	uint64_t code;    /* a hash of their names and code */
};

/* True if the state folder has such a file, of any kind. */
bool last_good_exists(const char *state);

/* The hash of the names and code of the modules that a policy uses; 0: it uses none. */
uint64_t last_good_code(const struct pol_snapshot *snapshot);

/* Removes the file, durably, before another policy answers: a policy that is no longer in force
 * must not come back at a start, and one that cannot be kept must not leave an older one. 0, also
 * if there is none, or a negative errno. */
int last_good_drop(const char *state);

/* Keeps the sources that `snapshot` was compiled from. Writes nothing if the file has them already;
 * a failure leaves no file.
 * 0 or a negative errno; -EFBIG: they are more than LAST_GOOD_MAX. */
int last_good_keep(
	const char *state, const struct secrets *secrets, const struct pol_snapshot *snapshot);

/* Reads the file into *out. `path` becomes the folder's path. 0, or a negative errno and in `why`
 * what is wrong and what to do: -EPERM: wrong owner or mode, -EBADMSG: it does not match its tag.
 */
int last_good_read(const char *state, const struct secrets *secrets, const char *path,
	struct last_good *out, char why[static FOLDER_WHY]);

/* Compiles a kept policy, as build_run does, and takes its folder. Its tests passed when it was
 * kept. They are run again only if the code of a module has changed since: another time, user or
 * data file must not keep it from answering. */
void last_good_build(struct last_good *kept, struct build_options options, struct build *out);
void last_good_finish(struct last_good *kept);
