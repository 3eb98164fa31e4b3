/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * backup: the copy of the store that a peer reads piece by piece over its connection.
 *
 * The daemon makes one copy at a time: an open copy has a transaction, which keeps old pages of the
 * file in use. So the daemon drops the copy when no peer has asked for its next piece for
 * BACKUP_IDLE, or when it has taken BACKUP_LONGEST. The daemon writes no file: the peer does.
 *
 * Workers call backup_next; the other functions are for the main thread.
 */

#include <stddef.h>
#include <stdint.h>

struct backup;
struct store;

#define BACKUP_IDLE    30  /* seconds */
#define BACKUP_LONGEST 600 /* seconds */
#define BACKUP_ID      16

/* One piece, and how far the copy has come. */
struct backup_piece {
	uint8_t *bytes; /* the caller's, STORE_COPY_PIECE of them */
	size_t len;
	uint8_t id[BACKUP_ID]; /* for the next call; valid once */
	uint64_t done;         /* records copied */
	uint64_t total;
};

/* The store must live longer than the backup. */
int backup_create(struct store *store, struct backup **out);
/* Drops a copy whose time is over. The caller calls it about every second. */
void backup_tick(struct backup *backup);
/* To be called after the workers have ended. NULL is ignored. */
void backup_destroy(struct backup *backup);

/* Begins a copy (id NULL) or continues the one with that id, and gives the next piece. 1: it is the
 * last; 0: there are more; -EBUSY: another copy is open; -ESTALE: the copy does not exist or was
 * dropped; or another negative errno, and the copy is dropped. */
int backup_next(struct backup *backup, const uint8_t *id, struct backup_piece *piece);
