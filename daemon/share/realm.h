/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * realm: how a host becomes part of a realm, the hosts that share one log, and leaves it.
 *
 * The writer's thread, between two batches: nothing else changes the store meanwhile, decisions go
 * on. They return 0, or
 *
 *	-EEXIST		the store, or the database, is not in the state for it;
 *	-ENOENT		there is nothing to do it with: no log, no snapshot, no line `shared`;
 *	-EPERM		the database refuses, or it is not the realm's;
 *	-ENOTCONN	the database does not answer; -EINPROGRESS: and it may have been done;
 *	another one	of the store;
 *
 * and then `why` is a sentence that says what to do.
 */

#include <stdbool.h>
#include <stdint.h>

#include "daemon/share/everywhere.h"
#include "daemon/share/log.h"

struct share;

#define SHARE_COPY_PATH 4096

struct share_realm {
	uint8_t realm[SHARE_REALM];
	uint64_t epoch;
	uint64_t sequence;
	uint8_t tag[SHARE_TAG];
	char copy[SHARE_COPY_PATH]; /* of the store as it was before; empty: none was made */
};

/* Makes the tables, and puts this host's store there. `database`: must be the configured text;
 * empty: it is. */
int share_begin(struct share *share, struct pol_str database, struct share_realm *out,
	char why[static SHARE_WHY]);

#define SHARE_CURSOR_SIZE 16
/* Seconds without the next part, after which a copy is dropped. */
#define SHARE_RESTORE_IDLE 30

struct share_copied {
	struct pol_str database; /* as share_begin */
	struct pol_str bytes;
	const uint8_t
		*cursor; /* SHARE_CURSOR_SIZE bytes, of the part before; NULL: it is the first */
	bool last;
	bool accept_rollback; /* the copy may lack what this host's trail has */
};
/* Takes a part of a copy (store/copy.h). After the last one the copy is the store of all hosts, as
 * a new epoch of the log: *out is set, and the other hosts follow if they can. Else
 * share_restore_cursor is for the next part. After an error the parts are dropped. -EEXIST also: it
 * is not a copy, or lacks changes. */
int share_restore(struct share *share, const struct share_copied *part, struct share_realm *out,
	char why[static SHARE_WHY]);
const uint8_t *share_restore_cursor(const struct share *share);

struct share_join {
	bool at; /* the log must have this row */
	uint64_t sequence;
	uint8_t tag[8];
	bool discard; /* the records that the store has */
};
/* Begins from the newest snapshot and the rows after it. */
int share_join(struct share *share, const struct share_join *join, struct share_realm *out,
	char why[static SHARE_WHY]);

/* The store is a single one again, with all that it has. */
int share_leave(struct share *share, struct share_realm *out, char why[static SHARE_WHY]);

/* What a host that has diverged has and the log lacks: *out is the last row that both have, and
 * *out_first the first entry of this store's trail after it; 0: there is none. If the log is of
 * another epoch, *out is its place, and *out_first may be SHARE_UNKNOWN: the trails have parted,
 * and it is not known where. */
#define SHARE_UNKNOWN UINT64_MAX
int share_find_lost(struct share *share, struct share_realm *out, uint64_t *out_first,
	char why[static SHARE_WHY]);
/* After share_find_lost: begins from the log, whatever this store has. */
int share_rejoin(struct share *share, struct share_realm *out, char why[static SHARE_WHY]);

/* Hosts that cannot read a format: the first of their names, each once. */
struct share_older {
	char names[SHARE_NAMED_HOSTS][SHARE_HOST + 1];
	size_t count;
};
/* Raises the format that all hosts may write. *out_before: what it was. -EEXIST with names in
 * *older: these hosts cannot read it. */
int share_upgrade(struct share *share, uint32_t *out_before, struct share_older *older,
	char why[static SHARE_WHY]);

/* Deletes the rows of a host, by its name or its instance in hex. */
int share_forget(
	struct share *share, const char *name, unsigned *out_count, char why[static SHARE_WHY]);
