/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * build: lists, reads, compiles and tests the policy in a folder. The result is a snapshot, or
 * diagnostics. It changes nothing that answers requests. Any thread, except that a watch belongs to
 * the thread of its loop.
 */

#include <stdbool.h>
#include <stddef.h>

#include "client/wire.h"
#include "daemon/load/folder.h"
#include "daemon/load/policy_host.h"
#include "policy/snapshot/snapshot.h"

struct config;
struct feeds;
struct names;
struct plugins;
struct store_read;
struct watch;

/* Diagnostics that are kept and logged of one build; the others are counted alone. */
#define BUILD_MAX_REPORTED 200
#define BUILD_TRIES        5 /* of reading a folder that changes while it is read */

struct build {
	struct pol_snapshot *snapshot; /* one reference; NULL: refused, or unchanged */
	struct folder *folder;         /* as it was read; NULL: it could not be listed */
	struct plugin_folder *modules; /* its list; NULL: not listed, or none is configured */
	uint64_t host; /* digest of the host's answers, such as uids and time zones */
	struct policy_host_questions questions; /* to the host */
	uint64_t code;                          /* plugin_folder_code of `modules` */
	bool same;    /* nothing but data files has changed since options.base was built */
	bool renewed; /* the snapshot is that of options.base with other data files */
	size_t errors, warnings;
	struct wire_buf diagnostics; /* an encoded array, for an answer */
	uint32_t reported;           /* diagnostics in that array */
	bool unchanged;              /* nothing was built: both lists equal those in the options */
	const char *emptied;    /* nothing was built: this file has become empty; in `folder` */
	bool unstable;          /* each try found that it had changed while it was read */
	char why[FOLDER_WHY];   /* a failure without a position in a file; else empty */
	char first[FOLDER_WHY]; /* the first error, with its position, in one line; or `why` */
};

/* A policy that was built, and what it was built of. */
struct build_base {
	const struct pol_snapshot *snapshot;
	uint64_t code, host;
	const struct policy_host_questions *questions;
};

struct build_options {
	const char *path;
	struct folder_owners owners;
	const char *modules; /* the module folder; NULL: none */
	uid_t modules_owner; /* who may own it, beside root */
	struct names *names; /* looks up users and groups; NULL: this process does */
	struct plugins *plugins;
	struct feeds
		*feeds; /* the last good data files; NULL: one that is refused refuses the policy */
	/* The lists of files and of modules that the last build read: nothing is built if the new
	 * lists equal them. NULL: always build. */
	const struct folder *before;
	const struct plugin_folder *modules_before;
	/* A policy of the files in `before`: if only data files differ, its snapshot is renewed
	 * (policy/compile/renew.h), and no policy file is read. NULL: always compile. */
	const struct build_base *base;
	bool doubt_empty;    /* with `before`: nothing is built if a file has become empty */
	struct watch *watch; /* set to each list before its files are read; NULL: none */
	bool print; /* write diagnostics with their source lines to standard error, not to the log
		     */
	bool untested; /* do not run the policy's tests */
};

/* The options that the configuration sets; the others are zero. */
struct build_options build_options_of(
	const struct config *config, struct names *names, struct plugins *plugins);

/* Sets the options' watch, if any, to all that a build would read; `folder` as for watch_folder. */
void build_watch(const struct build_options *options, const struct folder *folder);

/* Always fills *out; the caller finishes it. */
void build_run(struct build *out, const struct build_options *options);
/* The same for sources that were read before, which it takes over. Unchanged: the module folder is.
 */
void build_run_sources(
	struct build *out, const struct build_options *options, struct folder *sources);
/* Renews the policy of options.base, whatever has become of the folder. Unchanged: the module
 * folder is. Neither this nor a snapshot nor an error: it must be compiled. */
void build_run_data(struct build *out, const struct build_options *options);
void build_finish(struct build *build);

/* Is no principal of this build's snapshot in the store too, as `read` sees it? An id in both would
 * name two principals. If false, the build's diagnostics are replaced: they name the duplicates, or
 * why the store could not be read. Roles of the same name are no mistake: stored_roles.h. */
bool build_check_store(struct build *build, const struct build_options *options,
	const struct pol_snapshot *snapshot, struct store_read *read);
