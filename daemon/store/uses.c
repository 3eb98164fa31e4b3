/* SPDX-License-Identifier: Apache-2.0 */
/* Uses of all keys, for a shared store: this host's totals are known under an id of its own. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"
#include "daemon/store/shared.h"
#include "daemon/store/trail_internal.h"

static const struct pol_str id_name = POL_STR_INIT("uses_id");

/* --- the id ----------------------------------------------------------------------------------- */

int store_get_uses_id(struct store_read *read, uint8_t out[static STORE_USES_ID])
{
	struct pol_str content;
	int r = store_get_named(read, id_name, &content);

	if (r == 0 && content.len != STORE_USES_ID) {
		r = -EBADMSG;
	}
	if (r == 0) {
		memcpy(out, content.ptr, STORE_USES_ID);
	}
	return r;
}

int store_put_uses_id(struct store_write *write, const uint8_t id[static STORE_USES_ID])
{
	return store_put_named(write, id_name, (struct pol_str){ (const char *)id, STORE_USES_ID });
}

int store_drop_uses(struct store_write *write)
{
	static const enum store_table tables[] = { STORE_USES, STORE_USED };
	int r = store_write_ready(write);

	for (size_t i = 0; i < sizeof tables / sizeof tables[0] && r == 0; i++) {
		r = store_error(mdb_drop(write->job, write->store->tables[tables[i]], 0));
	}
	if (r == 0) {
		r = store_write_delete(write, STORE_META,
			(MDB_val){ id_name.len, (void *)(uintptr_t)id_name.ptr });
	}
	return r == -ENOENT ? 0 : r;
}

/* --- lists ------------------------------------------------------------------------------------ */

static int walk(struct store_read *read, enum store_table table, uint64_t after,
	store_number_seen seen, void *context)
{
	struct store_place place;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(mdb_cursor_open(read->txn, read->store->tables[table], &cursor));

	if (r < 0) {
		return r;
	}
	store_place_init(&place);
	store_place_u64(&place, after + 1);
	key = (MDB_val){ place.len, place.bytes };
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
	while (r == 0) {
		r = key.mv_size == place.len ? seen(context, store_audit_number(key.mv_data)) : 0;
		if (r == 0) {
			r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
		}
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

int store_list_uses(struct store_read *read, uint64_t after, store_number_seen seen, void *context)
{
	return walk(read, STORE_USES, after, seen, context);
}

int store_list_used(struct store_read *read, uint64_t after, store_number_seen seen, void *context)
{
	return walk(read, STORE_USED, after, seen, context);
}

/* --- which numbers are keys ------------------------------------------------------------------- */

/* The index has the tenant in 4 bytes before the number. */
#define TENANT_BYTES 4

static int note_number(struct store_numbers *numbers, uint64_t number)
{
	if (number >= numbers->end) {
		uint64_t end = (number / 64 + 1) * 64 * 2;
		uint8_t *bits = number < STORE_MAX_NUMBERS ? realloc(numbers->bits, end / 8) : NULL;

		if (bits == NULL) {
			return -ENOMEM;
		}
		memset(bits + numbers->end / 8, 0, (end - numbers->end) / 8);
		numbers->bits = bits;
		numbers->end = end;
	}
	numbers->bits[number / 8] |= (uint8_t)(1u << number % 8);
	numbers->highest = number > numbers->highest ? number : numbers->highest;
	return 0;
}

int store_get_numbers(struct store_read *read, struct store_numbers *out)
{
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(
		mdb_cursor_open(read->txn, read->store->tables[STORE_KEYS_BY_TENANT], &cursor));

	*out = (struct store_numbers){ .bits = NULL };
	if (r < 0) {
		return r;
	}
	while (r == 0) {
		r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_NEXT));
		if (r == 0 && key.mv_size == TENANT_BYTES + sizeof(uint64_t)) {
			r = note_number(
				out, store_audit_number((uint8_t *)key.mv_data + TENANT_BYTES));
		}
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

bool store_numbers_have(const struct store_numbers *numbers, uint64_t number)
{
	return number < numbers->end && (numbers->bits[number / 8] >> number % 8 & 1) != 0;
}

bool store_numbers_lack(const struct store_numbers *numbers, uint64_t number)
{
	return number < numbers->highest && !store_numbers_have(numbers, number);
}
