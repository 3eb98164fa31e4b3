/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum {
	RETRY_KID = STORE_AT_BODY,
	RETRY_ID = RETRY_KID + STORE_KID,
	RETRY_FINGERPRINT = RETRY_ID + STORE_HASH,
	RETRY_MADE = RETRY_FINGERPRINT + STORE_HASH,
	RETRY_AT = RETRY_MADE + STORE_TAG,
	RETRY_SEALED = RETRY_AT + 8,
};

/* A key of STORE_RETRIES_BY_TIME: the time, big-endian, then the id. */
#define TIME_KEY (8 + STORE_HASH)

static MDB_val id_value(const uint8_t *id)
{
	return (MDB_val){ STORE_HASH, (void *)(uintptr_t)id };
}

static void time_key(uint8_t out[static TIME_KEY], int64_t at, const uint8_t *id)
{
	for (unsigned i = 0; i < 8; i++) {
		out[i] = (uint8_t)((uint64_t)at >> (56 - 8 * i));
	}
	memcpy(out + 8, id, STORE_HASH);
}

static int64_t time_of(const MDB_val *key)
{
	const uint8_t *bytes = key->mv_data;
	uint64_t at = 0;

	for (unsigned i = 0; i < 8; i++) {
		at = at << 8 | bytes[i];
	}
	return (int64_t)at;
}

int store_decode_retry(struct store *store, MDB_val value, const uint8_t id[static STORE_HASH],
	struct store_retry *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_RETRIES, RETRY_SEALED);
	if (at == NULL || memcmp(at + RETRY_ID, id, STORE_HASH) != 0) {
		return -EBADMSG;
	}
	*out = (struct store_retry){
		.id = at + RETRY_ID,
		.fingerprint = at + RETRY_FINGERPRINT,
		.made = at + RETRY_MADE,
		.kid = { (const char *)at + RETRY_KID, STORE_KID },
		.at = store_get_time(at + RETRY_AT),
		.sealed = at + RETRY_SEALED,
		.sealed_len = value.mv_size - RETRY_SEALED,
	};
	return 0;
}

int store_get_retry(
	struct store_read *read, const uint8_t id[static STORE_HASH], struct store_retry *out)
{
	MDB_val key = id_value(id), value;
	int r = store_error(mdb_get(read->txn, read->store->tables[STORE_RETRIES], &key, &value));

	return r < 0 ? r : store_decode_retry(read->store, value, id, out);
}

int store_oldest_retry(struct store_read *read, int64_t *out_at)
{
	struct store *store = read->store;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_error(
		mdb_cursor_open(read->txn, store->tables[STORE_RETRIES_BY_TIME], &cursor));

	if (r < 0) {
		return r;
	}
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_FIRST));
	if (r == 0 && key.mv_size == TIME_KEY) {
		*out_at = time_of(&key);
	}
	mdb_cursor_close(cursor);
	return r;
}

int store_put_retry(struct store_write *write, const struct store_retry *retry)
{
	struct store *store = write->store;
	uint8_t *at = store->buffer, by_time[TIME_KEY];
	size_t len = RETRY_SEALED + retry->sealed_len;
	MDB_val key = id_value(retry->id), none = { 0, NULL };
	MDB_val value = { len, at };
	int r = len > STORE_MAX_RECORD ? -E2BIG : store_write_ready(write);

	if (r < 0) {
		return r;
	}
	memset(at, 0, RETRY_SEALED);
	memcpy(at + RETRY_KID, retry->kid.ptr, STORE_KID);
	memcpy(at + RETRY_ID, retry->id, STORE_HASH);
	memcpy(at + RETRY_FINGERPRINT, retry->fingerprint, STORE_HASH);
	memcpy(at + RETRY_MADE, retry->made, STORE_TAG);
	store_put64(at + RETRY_AT, (uint64_t)retry->at);
	memcpy(at + RETRY_SEALED, retry->sealed, retry->sealed_len);
	store_seal(store, STORE_RETRIES, len);
	r = store_write_put(write, STORE_RETRIES, key, value, 0);
	if (r < 0) {
		return r;
	}
	time_key(by_time, retry->at, retry->id);
	key = (MDB_val){ sizeof by_time, by_time };
	return store_write_put(write, STORE_RETRIES_BY_TIME, key, none, 0);
}

/* Deletes an entry of the index by time. Deletes its record too, unless the record is a later one
 * with the same id. */
static int drop(struct store_write *write, const MDB_val *found)
{
	struct store_retry retry;
	uint8_t by_time[TIME_KEY], *id = by_time + 8;
	int64_t at = time_of(found);
	MDB_val key = { sizeof by_time, by_time };
	int r;

	memcpy(by_time, found->mv_data, sizeof by_time);
	r = store_write_delete(write, STORE_RETRIES_BY_TIME, key);
	if (r < 0) {
		return r;
	}
	r = store_get_retry(&write->reader, id, &retry);
	if (r == -ENOENT || (r == 0 && retry.at != at)) {
		return 0;
	}
	key = id_value(id);
	r = store_write_delete(write, STORE_RETRIES, key);
	return r == -ENOENT ? 0 : r;
}

int store_drop_retries(struct store_write *write, int64_t before, unsigned most)
{
	struct store *store = write->store;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r = store_write_ready(write);

	if (r == 0) {
		r = store_error(
			mdb_cursor_open(write->job, store->tables[STORE_RETRIES_BY_TIME], &cursor));
	}
	if (r != 0) {
		return r;
	}
	while (most-- > 0) {
		r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_FIRST));
		if (r < 0 || key.mv_size != TIME_KEY || time_of(&key) >= before) {
			break;
		}
		r = drop(write, &key);
		if (r < 0) {
			break;
		}
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}
