/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/copy_read.h"
#include "daemon/store/shared.h"
#include "daemon/store/trail_internal.h"

/*
 * The trail's head is in a file of its own, which can be written only after the commit. So the new
 * store names the head that it replaced, in the record `replaced` of its table `meta`: a crash
 * between the two leaves a store that opens.
 */
static const struct pol_str replaced_name = POL_STR_INIT("replaced");

enum { REPLACED_TAG = 8, REPLACED_END = REPLACED_TAG + STORE_CHAIN };

bool store_has_replaced(struct store_read *read, const struct store_head *head)
{
	struct pol_str content;
	const uint8_t *at;

	if (store_get_named(read, replaced_name, &content) < 0 || content.len != REPLACED_END) {
		return false;
	}
	at = (const uint8_t *)content.ptr;
	return store_get64(at) == head->count &&
	       secret_equal(at + REPLACED_TAG, head->tag, STORE_CHAIN);
}

static int put_replaced(struct store_write *write)
{
	const struct store_head *head = &write->store->head;
	uint8_t at[REPLACED_END];

	store_put64(at, head->count);
	memcpy(at + REPLACED_TAG, head->tag, STORE_CHAIN);
	return store_put_named(
		write, replaced_name, (struct pol_str){ (const char *)at, sizeof at });
}

struct replace {
	struct store_write *write;
};

/* --- the exchange ----------------------------------------------------------------------------- */

/* Deletes what is shared in `meta`. */
static int clear_meta(struct store_write *write)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(mdb_cursor_open(write->job, write->store->tables[STORE_META], &cursor));

	if (r < 0) {
		return r;
	}
	while ((r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT))) == 0) {
		if (store_meta_kind((struct pol_str){ key.mv_data, key.mv_size }) !=
			STORE_META_LOCAL) {
			r = store_error(mdb_cursor_del(cursor, 0));
			if (r < 0) {
				break;
			}
		}
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

static bool stays(enum store_table table)
{
	return table == STORE_META || table == STORE_USES || table == STORE_USED ||
	       table == STORE_MARKS;
}

static int clear(struct store_write *write)
{
	int r = clear_meta(write);

	for (unsigned i = 0; i < STORE_TABLES && r == 0; i++) {
		if (!stays((enum store_table)i)) {
			r = store_error(mdb_drop(write->job, write->store->tables[i], 0));
		}
	}
	return r;
}

static int put(void *context, enum store_table table, MDB_val key, MDB_val value)
{
	struct replace *replace = (struct replace *)context;
	struct pol_str name = { key.mv_data, key.mv_size };

	if (table == STORE_META ? store_meta_kind(name) == STORE_META_LOCAL : stays(table)) {
		return 0;
	}
	return store_write_put(replace->write, table, key, value, 0);
}

/* Takes a piece as store_copy_next gives it. */
static int take(struct copy_reader *reader, struct pol_str piece, bool first)
{
	size_t beginning = first ? sizeof COPY_BEGINNING - 1 : 0;
	const uint8_t *header = (const uint8_t *)piece.ptr + beginning;

	if (piece.len < beginning + COPY_HEADER ||
		memcmp(piece.ptr, COPY_BEGINNING, beginning) != 0 ||
		store_get32(header) != piece.len - beginning - COPY_HEADER) {
		return copy_is_damaged(reader, "is damaged");
	}
	return copy_read_piece(reader, header,
		(struct pol_str){
			(const char *)header + COPY_HEADER, piece.len - beginning - COPY_HEADER });
}

static int fill(struct replace *replace, store_next_piece next, void *context, char *why)
{
	struct store_write *write = replace->write;
	struct copy_reader reader = {
		.secrets = write->store->secrets,
		.pepper = "of this host",
		.whole = true,
		.put = put,
		.context = replace,
		.why = why,
	};
	bool first = true;
	int last = 0, r = 0;

	while (r == 0 && last == 0) {
		struct pol_str piece = { NULL, 0 };

		last = next(context, &piece);
		if (last < 0) {
			return last;
		}
		r = take(&reader, piece, first);
		first = false;
	}
	return r == 0 ? copy_check_end(&reader, &write->reader) : r;
}

static int run(struct replace *replace, store_next_piece next, void *context, char *why)
{
	struct store_write *write = replace->write;
	int r = store_write_ready(write);

	if (r == 0) {
		r = clear(write);
	}
	if (r == 0) {
		r = fill(replace, next, context, why);
	}
	if (r == 0) {
		r = store_fill_unrevoked(write->store, write->job);
	}
	if (r == 0) {
		r = store_drop_uses(write);
	}
	return r == 0 ? put_replaced(write) : r;
}

int store_replace(
	struct store_write *write, store_next_piece next, void *context, char why[static STORE_WHY])
{
	struct replace replace = { .write = write };
	bool records = write->recorded.on;
	int r;

	why[0] = '\0';
	if (write->job != NULL || write->changed) {
		return store_why(why, -EINVAL, "the batch has another job");
	}
	store_write_alone(write);
	write->recorded.on = false;
	store_touch_all(write);
	store_note_everyone(write->store);
	write->job_roles = true;
	r = run(&replace, next, context, why);
	write->recorded.on = records;
	if (r == 0) {
		write->replaced = true;
		return store_write_keep(write);
	}
	return why[0] != '\0' ? r : store_why(why, r, "%s", store_explain(r));
}
