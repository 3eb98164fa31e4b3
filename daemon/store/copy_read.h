/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * copy_read: reads the pieces of a store's copy, for restore.c and replace.c.
 */

#include "daemon/store/copy_format.h"

struct copy_reader {
	const struct secrets *secrets;
	const char *pepper; /* whose secrets these are, for `why` */
	bool whole;         /* also take a copy with retries */
	/* Takes an entry, a view. */
	int (*put)(void *context, enum store_table table, MDB_val key, MDB_val value);
	void *context;
	char *why;

	/* Results. */
	bool ended;            /* the copy's end was read */
	struct store_head end; /* where its trail ends */

	/* Of the reading itself. */
	uint8_t before[SECRET_CHAIN];
	uint8_t tables[UINT8_MAX + 1]; /* by the copy's number of a table: 1 + enum store_table */
};

/* Says what is wrong with the copy. */
int copy_is_damaged(struct copy_reader *reader, const char *how);

/* Takes a piece: its header, of COPY_HEADER bytes, and what follows. Returns what `put` returns, or
 * -EBADMSG. */
int copy_read_piece(
	struct copy_reader *reader, const uint8_t header[static COPY_HEADER], struct pol_str bytes);

/* -EBADMSG: the store's trail does not end where the copy's does. */
int copy_check_end(struct copy_reader *reader, struct store_read *read);
