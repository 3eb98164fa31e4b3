/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the shared log since its last snapshot. They have tags of their own (daemon/share/row.h).
 */
#include <errno.h>

#include "daemon/store/shared.h"
#include "daemon/store/trail_internal.h"

static MDB_val place_row(struct store_place *place, uint64_t sequence)
{
	store_place_init(place);
	store_place_u64(place, sequence);
	return (MDB_val){ place->len, place->bytes };
}

int store_get_row(struct store_read *read, uint64_t sequence, struct pol_str *out)
{
	struct store_place place;
	MDB_val key = place_row(&place, sequence), value;
	int r = store_error(mdb_get(read->txn, read->store->tables[STORE_ROWS], &key, &value));

	if (r == 0) {
		*out = (struct pol_str){ value.mv_data, value.mv_size };
	}
	return r;
}

int store_put_row(struct store_write *write, uint64_t sequence, struct pol_str bytes)
{
	struct store_place place;
	MDB_val value = { bytes.len, (void *)(uintptr_t)bytes.ptr };
	int r = store_write_ready(write);

	return r < 0 ? r
		     : store_write_put(write, STORE_ROWS, place_row(&place, sequence), value, 0);
}

static int oldest(MDB_txn *txn, struct store *store, uint64_t *out_sequence)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(mdb_cursor_open(txn, store->tables[STORE_ROWS], &cursor));

	if (r < 0) {
		return r;
	}
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_FIRST));
	if (r == 0 && key.mv_size != sizeof *out_sequence) {
		r = -EBADMSG;
	}
	if (r == 0) {
		*out_sequence = store_audit_number(key.mv_data);
	}
	mdb_cursor_close(cursor);
	return r;
}

int store_oldest_row(struct store_read *read, uint64_t *out_sequence)
{
	return oldest(read->txn, read->store, out_sequence);
}

int store_drop_rows(struct store_write *write, uint64_t before, unsigned most, bool *out_more)
{
	struct store_place place;
	uint64_t sequence;
	int r = store_write_ready(write);

	*out_more = false;
	if (r < 0) {
		return r;
	}
	while ((r = oldest(write->job, write->store, &sequence)) == 0 && sequence < before) {
		if (most-- == 0) {
			*out_more = true;
			break;
		}
		r = store_write_delete(write, STORE_ROWS, place_row(&place, sequence));
		if (r < 0) {
			break;
		}
	}
	return r == -ENOENT ? 0 : r;
}
