/* SPDX-License-Identifier: Apache-2.0 */
/* Marks: keys that are denied on this host until the shared log has it. */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"
#include "daemon/store/shared.h"

enum {
	MARK_KID = STORE_AT_BODY,
	MARK_WHAT = MARK_KID + STORE_KID,
	MARK_AT,
	MARK_UID = MARK_AT + 8,
	MARK_END = MARK_UID + 4,
};

static int decode(struct store *store, MDB_val value, struct pol_str kid, struct store_mark *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_MARKS, MARK_END);

	if (at == NULL || value.mv_size != MARK_END || kid.len != STORE_KID ||
		memcmp(at + MARK_KID, kid.ptr, STORE_KID) != 0 ||
		(at[MARK_WHAT] != STORE_MARK_DISABLE && at[MARK_WHAT] != STORE_MARK_REVOKE)) {
		return -EBADMSG;
	}
	*out = (struct store_mark){
		.what = (enum store_mark_what)at[MARK_WHAT],
		.at = store_get_time(at + MARK_AT),
		.uid = store_get32(at + MARK_UID),
	};
	memcpy(out->kid, kid.ptr, STORE_KID);
	return 0;
}

int store_load_marks(struct store *store, struct store_read *read)
{
	MDB_stat stat;
	int r = store_error(mdb_stat(read->txn, store->tables[STORE_MARKS], &stat));

	atomic_store_explicit(
		&store->has_marks, r < 0 || stat.ms_entries > 0, memory_order_release);
	return r;
}

bool store_has_marks(const struct store *store)
{
	return atomic_load_explicit(&store->has_marks, memory_order_acquire);
}

int store_get_mark(struct store_read *read, struct pol_str kid, struct store_mark *out)
{
	MDB_val key = { kid.len, (void *)(uintptr_t)kid.ptr }, value;
	int r;

	if (kid.len != STORE_KID) {
		return -ENOENT;
	}
	r = store_error(mdb_get(read->txn, read->store->tables[STORE_MARKS], &key, &value));
	return r < 0 ? r
		     : store_report(
			       read->store, decode(read->store, value, kid, out), "marks", kid);
}

/* What is kept of the key in memory must be read again. */
static void touch(struct store_write *write, struct pol_str kid)
{
	struct store_key key;
	int r = store_get_key(&write->reader, kid, &key);

	if (r == 0) {
		store_touch_key(write, key.number);
	} else if (r != -ENOENT) {
		store_touch_all(write);
	}
	write->marks = true;
}

int store_put_mark(struct store_write *write, const struct store_mark *mark)
{
	uint8_t *at = write->store->buffer;
	MDB_val key = { STORE_KID, (void *)(uintptr_t)mark->kid };
	int r = store_write_ready(write);

	if (r < 0) {
		return r;
	}
	touch(write, (struct pol_str){ mark->kid, STORE_KID });
	memset(at, 0, MARK_END);
	memcpy(at + MARK_KID, mark->kid, STORE_KID);
	at[MARK_WHAT] = (uint8_t)mark->what;
	store_put64(at + MARK_AT, (uint64_t)mark->at);
	store_put32(at + MARK_UID, mark->uid);
	store_seal(write->store, STORE_MARKS, MARK_END);
	r = store_write_put(write, STORE_MARKS, key, (MDB_val){ MARK_END, at }, 0);
	/* Before the commit, so that no reader of the mark misses it. */
	atomic_store_explicit(&write->store->has_marks, true, memory_order_release);
	return r;
}

int store_drop_mark(struct store_write *write, struct pol_str kid)
{
	int r = store_write_ready(write);

	if (r < 0 || kid.len != STORE_KID) {
		return r < 0 ? r : -ENOENT;
	}
	touch(write, kid);
	return store_write_delete(
		write, STORE_MARKS, (MDB_val){ kid.len, (void *)(uintptr_t)kid.ptr });
}

int store_list_marks(struct store_read *read, store_mark_seen seen, void *context)
{
	struct store_mark mark;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(mdb_cursor_open(read->txn, read->store->tables[STORE_MARKS], &cursor));

	if (r < 0) {
		return r;
	}
	while ((r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) == 0) {
		struct pol_str kid = { key.mv_data, key.mv_size };

		if (store_report(read->store, decode(read->store, value, kid, &mark), "marks",
			    kid) == 0) {
			r = seen(context, &mark);
			if (r != 0) {
				break;
			}
		}
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}
