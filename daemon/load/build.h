/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * build: from a folder's name to a policy that compiled and passed its own tests, or to what is
 * wrong with it. Aside from all that runs; any thread.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/wire.h"
#include "daemon/load/folder.h"
#include "policy/snapshot/snapshot.h"

struct config;
struct plugins;
struct store_read;
struct watch;

/* Diagnostics that are told of one attempt: more would help nobody. */
#define BUILD_MAX_REPORTED 200
#define BUILD_TRIES        5 /* of reading a folder that changes meanwhile */

struct build {
	struct pol_snapshot *snapshot; /* one reference, or NULL: refused */
	struct folder *folder;         /* as it was read; NULL: it could not be */
	struct plugin_folder *modules; /* likewise, its list; NULL too when none is named */
	uint64_t host;                 /* a digest of what it was told of the machine */
	size_t errors, warnings;
	struct wire_buf diagnostics; /* an array, ready to be sent */
	uint32_t reported;           /* in it */
	bool unchanged;              /* nothing was built: all is as in the listing given */
	bool unstable;               /* it went on changing while it was read */
	char why[FOLDER_WHY];        /* what diagnostics with a place cannot say; else empty */
};

struct build_options {
	const char *path;
	struct folder_owners owners;
	const char *modules; /* the module folder; NULL: none */
	uid_t modules_owner; /* beside root */
	struct plugins *plugins;
	const struct folder *before; /* NULL; else nothing is built when the listing equals it, */
	const struct plugin_folder *modules_before; /* and this one */
	struct watch *watch; /* NULL; else armed with each listing, before it is read */
	bool print;          /* diagnostics in full to standard error, not to the log */
};

/* As the configuration has it; the rest is zero. */
struct build_options build_options_of(const struct config *config, struct plugins *plugins);

/* Arms the options' watch, if any, with all that a build would read; `folder` as for watch_folder.
 */
void build_watch(const struct build_options *options, const struct folder *folder);

/* Always fills *out, to be finished by the caller. */
void build_run(struct build *out, const struct build_options *options);
void build_finish(struct build *build);

/* Does the snapshot, made by this build, stand beside the store as `read` sees it? An id that both
 * have would be two principals. If not, diagnostics, errors and maybe why say so. */
bool build_check_store(struct build *build, const struct build_options *options,
	const struct pol_snapshot *snapshot, struct store_read *read);
