/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * feed: the data files that modules use, with the last content of each that its modules took.
 *
 * A data file that its module refuses must neither keep a later policy away nor empty what the
 * module knows: the module is prepared with the last good content, which is kept here; if there is
 * none, its lines deny (compile/prepare). The builds of policies write it, one at a time; any
 * thread may read what `status` shows.
 *
 * The contents are kept in the state folder too (STATE/data.last-good, load/kept), for a start that
 * finds a file broken or gone. They are written before the policy that uses them answers, so that a
 * content which an operator has replaced does not come back. An older copy of that file which
 * somebody put back is refused: the audit trail's entry of each policy has a digest of its data
 * files, and the file says after which entry of the trail it was written.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/host.h"
#include "policy/text/str.h"

struct plugin_folder;
struct store;

#define FEEDS_NAME "data.last-good"

#define FEED_WHY 512

struct feed {
	struct feed *next; /* in feeds.first, by name */
	char *name;
	char *bytes; /* the last good content; NULL: there is none, or it is empty */
	size_t len;
	int64_t changed_at; /* of that content: the file's time, in Unix seconds; 0: none */
	bool used;          /* by the policy that was built last */
	char why[FEED_WHY]; /* why the present file is not used; empty: it is */
	char module[64];    /* then: the module that refuses it */
};

struct feeds {
	pthread_mutex_t lock;
	struct feed *first;
	/* For the thread that builds. */
	const char *state; /* NULL: nothing is kept yet */
	struct store *store;
	bool changed; /* since the contents were kept */
};

/* What one build found about a data file that was refused. */
struct feed_fault {
	struct feed_fault *next;
	struct pol_str name; /* in the build's memory */
	struct pol_str module;
	struct pol_str why;
};

/* In place. 0 or a negative errno. */
int feeds_init(struct feeds *feeds);
void feeds_finish(struct feeds *feeds);

/* The last good content. POL_ENOTFOUND: there is none. Valid until feeds_take; for the thread that
 * builds. */
enum pol_status feeds_last(struct feeds *feeds, struct pol_str name, struct pol_str *out);

/* From then on feeds_take keeps the contents in the state folder. Both are borrowed. */
void feeds_use_state(struct feeds *feeds, const char *state, struct store *store);

/* Any thread: 16 hex digits of a hash of the names and good contents; empty: there is none. */
#define FEEDS_DIGEST 17
void feeds_digest(struct feeds *feeds, char out[static FEEDS_DIGEST]);

/* Keeps the contents now, unless the file has them. A failure is logged, and leaves no file. For
 * the thread that builds. */
void feeds_keep(struct feeds *feeds);

/* True if the state folder has such a file. */
bool feeds_are_kept(const char *state);

/* The newest entry of the audit trail about a policy with good data files. */
struct feeds_entry {
	uint64_t number;
	char digest[FEEDS_DIGEST]; /* empty: there is none, perhaps since an older version made all
				    */
};

/* Takes the kept content of each file that has no good one, for the next build. True if there was
 * one; a kept file that is refused is logged. For the thread that builds. */
bool feeds_restore(struct feeds *feeds, const struct feeds_entry *newest);

/* Is a file in use without any good content, so that a module denies? */
bool feeds_lack(struct feeds *feeds);

/* After a build that succeeded: takes the contents that were read and not refused from the folder's
 * files, keeps those of the refused ones, and logs what is refused. `folder` NULL: no file is used.
 */
void feeds_take(struct feeds *feeds, struct plugin_folder *folder, const struct feed_fault *faults);

/* Any thread: calls `seen` for each file in use, under the lock. */
void feeds_each(
	struct feeds *feeds, void (*seen)(void *context, const struct feed *feed), void *context);
