/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/copy_format.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/bytes.h"

struct store_copy {
	struct store_read *read;
	MDB_cursor *cursor;
	unsigned table; /* STORE_TABLES: all are done */
	bool begun;
	bool whole; /* with retries */
	uint64_t done;
	uint64_t total;
	uint8_t before[SECRET_CHAIN];
};

/* A piece being filled. */
struct piece {
	uint8_t *at;
	size_t left;
};

static bool put(struct piece *piece, uint8_t table, MDB_val key, MDB_val value)
{
	uint8_t *at = piece->at;

	if (key.mv_size > UINT16_MAX || value.mv_size > UINT32_MAX ||
		COPY_ENTRY + key.mv_size + value.mv_size > piece->left) {
		return false;
	}
	at[0] = table;
	store_put16(at + 1, key.mv_size);
	store_put32(at + 3, value.mv_size);
	memcpy(at + COPY_ENTRY, key.mv_data, key.mv_size);
	if (value.mv_size > 0) {
		memcpy(at + COPY_ENTRY + key.mv_size, value.mv_data, value.mv_size);
	}
	piece->at += COPY_ENTRY + key.mv_size + value.mv_size;
	piece->left -= COPY_ENTRY + key.mv_size + value.mv_size;
	return true;
}

/* They fit: the piece is empty, and names are few and short. */
static void put_names(const struct store_copy *copy, struct piece *piece)
{
	for (unsigned i = 0; i < STORE_TABLES; i++) {
		const char *name = store_table_name((enum store_table)i);
		uint8_t number = (uint8_t)i;

		if (copy_has((enum store_table)i, copy->whole)) {
			put(piece, COPY_NAME, (MDB_val){ strlen(name), (void *)(uintptr_t)name },
				(MDB_val){ 1, &number });
		}
	}
}

static int put_end(struct store_copy *copy, struct piece *piece)
{
	uint8_t value[COPY_END_SIZE];
	struct store_head head;
	int r = store_get_head(copy->read, &head);

	if (r < 0) {
		return r;
	}
	store_put64(value, head.count);
	memcpy(value + 8, head.tag, STORE_CHAIN);
	return put(piece, COPY_END, (MDB_val){ 3, (void *)(uintptr_t) "end" },
		       (MDB_val){ sizeof value, value })
		       ? 1
		       : 0;
}

/* Opens a cursor on the table's first entry. -ENOENT: the table is empty. */
static int begin_table(struct store_copy *copy, MDB_val *key, MDB_val *value)
{
	int r = store_error(mdb_cursor_open(
		copy->read->txn, copy->read->store->tables[copy->table], &copy->cursor));

	return r < 0 ? r : store_error(mdb_cursor_get(copy->cursor, key, value, MDB_FIRST));
}

static void end_table(struct store_copy *copy)
{
	mdb_cursor_close(copy->cursor);
	copy->cursor = NULL;
	copy->table++;
}

static bool is_copied(const struct store_copy *copy, MDB_val key)
{
	return copy->table != STORE_META ||
	       copy_has_meta((struct pol_str){ key.mv_data, key.mv_size });
}

/* Adds the rest of the table to the piece. 1: the piece is full, and the cursor is on the entry
 * that did not fit; 0: the table is done. */
static int fill_table(struct store_copy *copy, struct piece *piece)
{
	MDB_val key, value;
	int r = copy->cursor == NULL
			? begin_table(copy, &key, &value)
			: store_error(mdb_cursor_get(copy->cursor, &key, &value, MDB_GET_CURRENT));

	while (r == 0) {
		if (is_copied(copy, key) && !put(piece, (uint8_t)copy->table, key, value)) {
			return 1;
		}
		copy->done++;
		r = store_error(mdb_cursor_get(copy->cursor, &key, &value, MDB_NEXT));
	}
	if (r != -ENOENT) {
		return r;
	}
	end_table(copy);
	return 0;
}

static int fill(struct store_copy *copy, struct piece *piece)
{
	int r = 0;

	if (!copy->begun) {
		put_names(copy, piece);
	}
	while (r == 0 && copy->table < STORE_TABLES) {
		if (copy_has((enum store_table)copy->table, copy->whole)) {
			r = fill_table(copy, piece);
		} else {
			copy->table++;
		}
	}
	if (r != 0) {
		return r < 0 ? r : 0;
	}
	return put_end(copy, piece);
}

int store_copy_next(struct store_copy *copy, uint8_t *bytes, size_t cap, size_t *out_len)
{
	size_t beginning = copy->begun ? 0 : sizeof COPY_BEGINNING - 1;
	uint8_t *header = bytes + beginning;
	struct piece piece = { header + COPY_HEADER, cap - beginning - COPY_HEADER };
	size_t len;
	int r;

	if (cap < STORE_COPY_PIECE) {
		return -EINVAL;
	}
	memcpy(bytes, COPY_BEGINNING, beginning);
	r = fill(copy, &piece);
	if (r < 0) {
		return r;
	}
	copy->begun = true;
	len = (size_t)(piece.at - header) - COPY_HEADER;
	store_put32(header, len);
	secret_chain(copy->read->store->secrets, SECRET_BACKUP, copy->before,
		(struct pol_str){ (const char *)header + COPY_HEADER, len }, header + COPY_LENGTH);
	memcpy(copy->before, header + COPY_LENGTH, SECRET_CHAIN);
	*out_len = beginning + COPY_HEADER + len;
	return r;
}

static int open_copy(struct store *store, bool whole, struct store_copy **out)
{
	struct store_copy *copy = calloc(1, sizeof *copy);
	int r;

	if (copy == NULL) {
		return -ENOMEM;
	}
	copy->whole = whole;
	r = store_read_open(store, &copy->read);
	if (r == 0) {
		r = store_read_renew(copy->read);
	}
	for (unsigned i = 0; r == 0 && i < STORE_TABLES; i++) {
		MDB_stat stat;

		r = store_error(mdb_stat(copy->read->txn, store->tables[i], &stat));
		copy->total += r == 0 && copy_has((enum store_table)i, whole) ? stat.ms_entries : 0;
	}
	if (r < 0) {
		store_copy_close(copy);
		return r;
	}
	*out = copy;
	return 0;
}

int store_copy_open(struct store *store, struct store_copy **out)
{
	return open_copy(store, false, out);
}

int store_copy_open_whole(struct store *store, struct store_copy **out)
{
	return open_copy(store, true, out);
}

void store_copy_progress(const struct store_copy *copy, uint64_t *out_done, uint64_t *out_total)
{
	*out_done = copy->done;
	*out_total = copy->total;
}

void store_copy_close(struct store_copy *copy)
{
	if (copy == NULL) {
		return;
	}
	if (copy->cursor != NULL) {
		mdb_cursor_close(copy->cursor);
	}
	store_read_close(copy->read);
	free(copy);
}
