/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * policy_entry: the entries of the audit trail, `policy.reload`, that say which policy answered
 * from then on, at which commit its folder was, and what began the reload.
 *
 * They show that a kept policy (load/last_good) or kept data files (load/feed) are old ones which
 * somebody put back. So a policy
 * is kept only after its entry is in the trail. The policy of the very first start has none.
 */

#include <stdbool.h>

#include "daemon/load/commit.h"
#include "daemon/load/feed.h"
#include "daemon/load/last_good.h"

struct build_options;
struct peer;
struct server;
struct store_read;
struct writer_turn;

/* Why a policy was looked for. */
enum reload_trigger {
	RELOAD_WATCH = 0, /* a change was noticed, or a look was due */
	RELOAD_SIGNAL,
	RELOAD_REQUEST, /* policy.reload */
	RELOAD_BY_START /* of the daemon */
};

/* As the trail says it; a constant. */
const char *reload_trigger_name(enum reload_trigger trigger);

/* The policy with revision `to` took the place of `from`. No text is NULL. */
struct policy_entry {
	enum reload_trigger trigger;
	const struct peer *by;               /* of RELOAD_REQUEST, else NULL: the daemon itself */
	const char *from, *to;               /* `from` empty: unknown */
	const char *commit_from, *commit_to; /* empty: unknown */
	const char *data;                    /* digest of the data files; empty: it uses none */
};

/* Enters it in a job of the writer. 0 or a negative errno. */
int policy_entry_add(const struct writer_turn *turn, const struct policy_entry *entry);

/* The same for the policy of a start, by a job of its own, for which it waits. Main's thread, while
 * no reload runs. */
int policy_entry_add_at_start(struct server *server, const struct policy_entry *entry);

/* The revision of the newest entry. `oldest`: the number of the trail's entry at which the search
 * ends. False: there is none that can be read, and *out is as it was. */
bool policy_entry_newest(
	struct store_read *read, uint64_t oldest, char out[static POL_REVISION_TEXT]);
/* The newest one with data files. */
struct feeds_entry policy_entry_newest_data(struct store_read *read);

/* At which commit the policy folder is, or "" with a line in the log if it should say so and
 * cannot. */
void policy_entry_find_commit(const struct build_options *options, char out[static COMMIT_TEXT]);
