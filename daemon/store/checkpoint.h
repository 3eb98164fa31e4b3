/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * checkpoint: commits that do not wait for the disk.
 *
 * What a shared log has is brought from there again, so the commit of such a write is not synced
 * (store_write_begin_logged). Until it is, its pages and its root reach the disk in any order, and
 * a loss of power may leave the root without its pages. So an earlier state is kept whole, the
 * checkpoint:
 *
 *	its pages	a reader of LMDB stays there: what a reader sees is not used again;
 *	its root	is in a file beside the store, as later commits overwrite both of LMDB's.
 *
 * A new checkpoint is made in this order: the store is synced, its root is written to the file and
 * synced, the reader of the old one ends.
 *
 * The file also has the kernel's number of this boot. A start in the same boot (after kill -9)
 *finds all that was written, in the kernel: it syncs it. A start in another one puts the
 *checkpoint's root back, and the log brings the rest.
 *
 * A failed sync may have lost any page that was written since the last one. Then the process ends,
 * and the next start puts the checkpoint back. The writer's thread, except for the first and the
 *last function.
 */

#include <stdbool.h>
#include <stdint.h>

#include <lmdb.h>

#include "daemon/store/env.h"

struct store;

#define STORE_CHECKPOINT_SUFFIX "-checkpoint"
#define STORE_ROOT              152 /* bytes: LMDB's page header and MDB_meta */
#define STORE_BOOT              40  /* bytes of a boot's number, its NUL included */

/* What a place of the file holds. */
struct store_root {
	uint64_t commit; /* LMDB's number of the transaction */
	uint32_t page_size;
	uint32_t kind; /* of checkpoint.c */
	uint8_t bytes[STORE_ROOT];
};

struct store_checkpoint {
	int fd;                /* of the file; -1: there is none */
	char boot[STORE_BOOT]; /* empty: not known, and every commit is synced */
	uint64_t number;       /* of the place that was written last */
	struct store_root root;
	MDB_txn *reader; /* at the checkpoint; NULL: there is none, and every commit is synced */
	struct store_root next;
	MDB_txn *next_reader; /* at the next one, which may be in the file or not; NULL: none */
	uint64_t since;       /* when the first commit after it was made, in ms of
				 CLOCK_MONOTONIC; 0: there is none */
	bool failed;          /* the last write of the file did */
};

/* Before the store is checked and opened: puts the checkpoint back if it counts. The data file is
 * locked. */
int store_recover(struct store *store, const char *path, char why[static STORE_WHY]);
/* May the next commit go without a sync? Makes the first checkpoint if there is none. */
bool store_checkpoint_stands(struct store *store);
/* Makes the last commit the checkpoint, durably. */
int store_checkpoint(struct store *store);
/* From now on every commit is synced, again. All of them are now. */
void store_checkpoint_end(struct store *store);
/* Ends the readers, before LMDB's environment is closed. */
void store_checkpoint_close(struct store *store);
