/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/reserve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/internal.h"

/* 256 MiB of a map of 16 GiB: a few hundred thousand revocations with their entries in the
 * trail. */
#define RESERVE_PART 64

/* LMDB's table of freed pages. Its keys are numbers of transactions, as a size_t; the value is how
 * many pages the transaction freed, and which. Readers may read it, as mdb_stat(1) does. */
#define FREE_TABLE 0

/* A callback of mdb_reader_list, which gives a line for each reader: process, thread, and the
 * transaction that it reads, or `-`. The first line has titles. */
static int find_oldest(const char *line, void *context)
{
	const char *last = strrchr(line, ' ');
	size_t *oldest = (size_t *)context;
	unsigned long long number;
	char *end;

	if (last == NULL) {
		return 0;
	}
	number = strtoull(last + 1, &end, 10);
	if (end != last + 1 && number < *oldest) {
		*oldest = (size_t)number;
	}
	return 0;
}

/* Counts the pages that were freed before any reader began: the next transaction may use them. */
static size_t count_freed(MDB_txn *txn, size_t oldest, size_t enough)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	size_t count = 0;
	int r;

	if (mdb_cursor_open(txn, FREE_TABLE, &cursor) != MDB_SUCCESS) {
		return 0;
	}
	r = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
	while (r == MDB_SUCCESS && count < enough) {
		size_t freed_by, pages;

		if (key.mv_size != sizeof freed_by || value.mv_size < sizeof pages) {
			break;
		}
		memcpy(&freed_by, key.mv_data, sizeof freed_by);
		memcpy(&pages, value.mv_data, sizeof pages);
		if (freed_by >= oldest) {
			break;
		}
		count += pages;
		r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return count;
}

void store_reserve_look(struct store *store, struct store_room *out)
{
	size_t used, pages, oldest;
	MDB_envinfo info;
	MDB_stat stat;
	MDB_txn *txn;

	*out = (struct store_room){ 0, 1 };
	if (mdb_env_info(store->env, &info) != MDB_SUCCESS ||
		mdb_env_stat(store->env, &stat) != MDB_SUCCESS) {
		return;
	}
	pages = info.me_mapsize / stat.ms_psize;
	used = info.me_last_pgno + 1;
	out->reserve = pages / RESERVE_PART;
	out->left = used < pages ? pages - used : 0;
	if (out->left >= out->reserve) {
		return;
	}
	oldest = info.me_last_txnid;
	if (mdb_reader_list(store->env, find_oldest, &oldest) < 0 ||
		mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn) != MDB_SUCCESS) {
		return;
	}
	out->left += count_freed(txn, oldest, out->reserve - out->left);
	mdb_txn_abort(txn);
}

bool store_reserve_allows(const struct store_write *write, enum store_need need)
{
	const struct store_room *room = &write->room;

	switch (need) {
	case STORE_ENDS:
		return true;
	case STORE_EDITS:
		return room->left >= room->reserve / 2;
	case STORE_MAKES:
		break;
	}
	return room->left >= room->reserve;
}
