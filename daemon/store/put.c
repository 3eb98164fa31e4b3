/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/secret/token.h"
#include "daemon/store/bytes.h"
#include "daemon/store/changes_format.h"

/* Kept free after the changes, for their sum. */
#define SPARE CHANGES_SUM

/* --- recording -------------------------------------------------------------------------------- */

void store_record_changes(struct store *store, bool on)
{
	store->records = on;
}

/* Makes room for more bytes. */
static int reserve(struct store_recorded *recorded, size_t more)
{
	size_t capacity = recorded->capacity == 0 ? 4096 : recorded->capacity;
	uint8_t *bytes;

	if (more > STORE_MAX_CHANGES - recorded->len) {
		return -E2BIG;
	}
	while (capacity < recorded->len + more + SPARE) {
		capacity *= 2;
	}
	if (capacity == recorded->capacity) {
		return 0;
	}
	bytes = realloc(recorded->bytes, capacity);
	if (bytes == NULL) {
		return -ENOMEM;
	}
	recorded->bytes = bytes;
	recorded->capacity = capacity;
	return 0;
}

static void record(struct store_recorded *recorded, enum store_table table, bool put, MDB_val key,
	MDB_val value)
{
	size_t size = CHANGES_HEADER + key.mv_size + value.mv_size;
	uint8_t *at;
	int r;

	if (recorded->error != 0 ||
		!changes_have(table, (struct pol_str){ key.mv_data, key.mv_size })) {
		return;
	}
	r = reserve(recorded, size);
	if (r < 0) {
		recorded->error = r;
		return;
	}
	at = recorded->bytes + recorded->len;
	at[CHANGES_TABLE] = (uint8_t)table;
	at[CHANGES_PUT] = put;
	store_put16(at + CHANGES_KEY_LEN, key.mv_size);
	store_put32(at + CHANGES_VALUE_LEN, value.mv_size);
	memcpy(at + CHANGES_HEADER, key.mv_data, key.mv_size);
	if (value.mv_size > 0) {
		memcpy(at + CHANGES_HEADER + key.mv_size, value.mv_data, value.mv_size);
	}
	recorded->len += size;
}

void store_recorded_keep(struct store_recorded *recorded)
{
	recorded->kept = recorded->len;
	recorded->kept_error = recorded->error;
}

void store_recorded_undo(struct store_recorded *recorded)
{
	recorded->len = recorded->kept;
	recorded->error = recorded->kept_error;
}

int store_write_changes(const struct store_write *write, struct pol_str *out)
{
	const struct store_recorded *recorded = &write->recorded;
	struct pol_str kept = { (const char *)recorded->bytes, recorded->kept };

	*out = (struct pol_str){ "", 0 };
	if (recorded->kept_error != 0) {
		return recorded->kept_error;
	}
	if (kept.len > 0) {
		store_put32(recorded->bytes + kept.len, secret_crc32(kept));
		*out = (struct pol_str){ kept.ptr, kept.len + CHANGES_SUM };
	}
	return 0;
}

/* --- puts and deletes ------------------------------------------------------------------------- */

int store_write_put(struct store_write *write, enum store_table table, MDB_val key, MDB_val value,
	unsigned flags)
{
	size_t before = write->recorded.len;
	int r;

	/* Before the put, which makes views invalid. */
	if (write->recorded.on) {
		record(&write->recorded, table, true, key, value);
	}
	if (table == STORE_ROLES) {
		write->job_roles = true;
	}
	r = store_error(mdb_put(write->job, write->store->tables[table], &key, &value, flags));
	if (r < 0) {
		write->recorded.len = before;
	}
	return r;
}

int store_write_delete(struct store_write *write, enum store_table table, MDB_val key)
{
	size_t before = write->recorded.len;
	int r;

	if (write->recorded.on) {
		record(&write->recorded, table, false, key, (MDB_val){ 0, NULL });
	}
	if (table == STORE_ROLES) {
		write->job_roles = true;
	}
	r = store_error(mdb_del(write->job, write->store->tables[table], &key, NULL));
	if (r < 0) {
		write->recorded.len = before;
	}
	return r;
}

bool store_write_changed_roles(const struct store_write *write)
{
	return write->roles;
}
