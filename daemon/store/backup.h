/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * backup: the copy of the store that a peer takes, piece by piece, over its connection.
 *
 * One at a time for the whole daemon: it holds a transaction, and that keeps old pages of the
 * file alive. So it is given up when no peer asked for the next piece for BACKUP_IDLE, or when it
 * took BACKUP_LONGEST altogether. The daemon writes no file and is given no path.
 *
 * backup_next: any worker. The others: main's thread.
 */

#include <stddef.h>
#include <stdint.h>

struct backup;
struct store;

#define BACKUP_IDLE    30  /* seconds */
#define BACKUP_LONGEST 600 /* seconds */
#define BACKUP_ID      16

/* What one call took. */
struct backup_piece {
	uint8_t *bytes; /* the caller's, STORE_COPY_PIECE of them */
	size_t len;
	uint8_t id[BACKUP_ID]; /* for the next call; it is good once */
	uint64_t done;         /* records */
	uint64_t total;
};

/* The store must outlive it. */
int backup_create(struct store *store, struct backup **out);
/* Gives up a copy whose time is over. To be called every second or so. */
void backup_tick(struct backup *backup);
/* After the workers have ended. NULL is ignored. */
void backup_destroy(struct backup *backup);

/* The first piece (id NULL), or the next one of the copy with that id. 1: it was the last; 0: there
 * are more; -EBUSY: another copy is being taken; -ESTALE: there is no such copy, or no longer; or
 * another negative errno, and the copy is over. */
int backup_next(struct backup *backup, const uint8_t *id, struct backup_piece *piece);
