/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store: keys, principals, roles, tenants and the audit trail on disk. Only the files of this room
 * use LMDB. This header opens and closes the store; the headers that it includes are about
 * transactions (txn.h), records (record.h, record_key.h), the trail (trail.h), copies (copy.h) and
 * the time that counts (clock.h).
 *
 * A process opens a store once: a lock on the data file refuses a second open, in this process and
 * in others. The map has its full size from the start, is sparse, and never grows. Readers never
 * wait for the writer.
 *
 * Each record has a tag over its table, its key and its value. A record that was edited, swapped or
 * copied from another store does not match its tag: reading it gives -EBADMSG, the first one is
 * logged as an alarm, and lists leave it out.
 *
 * Functions return 0 or a negative errno. The store's own meanings:
 *   -ENOENT   there is no such record       -EBADMSG  the record does not match its tag
 *   -EEXIST   the record exists already     -EFBIG    the map is full
 *   -ENOSPC   the disk is full              -EIO      the disk failed, or the file is damaged
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/clock.h"
#include "daemon/store/copy.h"
#include "daemon/store/record.h"
#include "daemon/store/record_key.h"
#include "daemon/store/trail.h"
#include "daemon/store/txn.h"

struct secrets;
struct store;

#define STORE_MAP_SIZE       ((size_t)16 << 30) /* sparse: takes address space only */
#define STORE_MAP_SIZE_SMALL ((size_t)1 << 30)  /* small enough for sanitizers and valgrind */

/* The format of the store, whose number is in it. CHANGELOG.md has what an upgrade promises. 3: the
 * use of keys has days. 2: a place in a shared log (shared.h). A store of a lower number is of that
 * form too, and gets this number when it is opened. */
#define STORE_FORMAT 3

struct store_options {
	/* The data file. LMDB's lock file is this name with `-lock`, the trail's head with `-head`.
	 */
	const char *path;
	const char *pepper;   /* the secrets' file: daemon/secret/token.h */
	size_t map_size;      /* 0: STORE_MAP_SIZE */
	bool accept_rollback; /* open a store that does not match the trail's head; the trail says
				 so */
	bool accept_lost;     /* store_restore: also a copy with keys that need another pepper */
	unsigned readers;     /* how many threads read at the same time, at most */
};

/* Opens a store, or creates one. On failure `why` says what is wrong and what to do. */
int store_open(const struct store_options *options, struct store **out, char why[static STORE_WHY]);
/* Closes the store; all its readers and writes must be closed before. NULL is ignored. */
void store_close(struct store *store);

struct secrets *store_secrets(struct store *store);

/* Counts changes: goes up by one before the commit of a change, and so is odd while it commits, and
 * by one after it, before the change is answered. Goes up by two when another program is found to
 * have written to the file. Loads with acquire order. */
uint64_t store_generation(const struct store *store);

/* The number of the last commit, of any kind: changes, flushes of use, and those of other programs.
 */
uint64_t store_commits(const struct store *store);

/* The error of a change, or -ENOSPC in place of -EIO if the disk has no room. For the writer's
 * thread.
 */
int store_why_failed(struct store *store, int error);

/* A sentence for an error of a change, such as "the disk is full". */
const char *store_explain(int error);

struct store_counts {
	uint64_t keys; /* records, the revoked ones included */
	uint64_t principals;
	uint64_t bytes_used; /* of the file */
	uint64_t bytes_map;
	uint64_t altered; /* how often an altered record was refused since the start */
	struct store_clock clock;
};
int store_count(struct store_read *read, struct store_counts *out);

/* How often altered records were refused, and the last one of them. */
struct store_altered {
	uint64_t count;
	const char *table;
	char id[STORE_MAX_NAME];
	size_t id_len;
};
/* Gives the refusals since the last call that returned true; true at most once an hour. For the
 * trail, in the writer's thread. */
bool store_take_altered(struct store *store, int64_t now, struct store_altered *out);
