/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

enum {
	USED_FULL = STORE_AT_BODY,
	USED_COUNT, /* two bytes */
	USED_NUMBER = USED_COUNT + 2,
	USED_HASHES = USED_NUMBER + 8,
};

static int decode(struct store *store, MDB_val value, uint64_t number, struct store_used *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_USED, USED_HASHES);
	uint32_t count;

	if (at == NULL || store_get64(at + USED_NUMBER) != number) {
		return -EBADMSG;
	}
	count = store_get16(at + USED_COUNT);
	if (count > STORE_MAX_USED || value.mv_size != USED_HASHES + (size_t)count * 8) {
		return -EBADMSG;
	}
	out->full = at[USED_FULL] != 0;
	out->count = count;
	for (uint32_t i = 0; i < count; i++) {
		out->hashes[i] = store_get64(at + USED_HASHES + (size_t)i * 8);
	}
	return 0;
}

int store_get_used(struct store_read *read, uint64_t number, struct store_used *out)
{
	struct store *store = read->store;
	struct store_place place;
	MDB_val key, value;
	int r;

	store_place_init(&place);
	store_place_u64(&place, number);
	key = (MDB_val){ place.len, place.bytes };
	r = store_error(mdb_get(read->txn, store->tables[STORE_USED], &key, &value));
	if (r == 0) {
		r = decode(store, value, number, out);
	}
	/* An altered record counts as none; the next use replaces it. */
	if (r == -ENOENT || r == -EBADMSG) {
		out->count = 0;
		out->full = false;
		r = 0;
	}
	return r;
}

int store_put_used(struct store_write *write, uint64_t number, const struct store_used *used)
{
	struct store *store = write->store;
	uint8_t *at = store->buffer;
	struct store_place place;
	MDB_val key, value = { USED_HASHES + (size_t)used->count * 8, at };
	int r = store_write_ready(write);

	if (r < 0) {
		return r;
	}
	memset(at, 0, USED_HASHES);
	at[USED_FULL] = used->full;
	store_put16(at + USED_COUNT, used->count);
	store_put64(at + USED_NUMBER, number);
	for (uint32_t i = 0; i < used->count; i++) {
		store_put64(at + USED_HASHES + (size_t)i * 8, used->hashes[i]);
	}
	store_seal(store, STORE_USED, value.mv_size);
	store_place_init(&place);
	store_place_u64(&place, number);
	key = (MDB_val){ place.len, place.bytes };
	return store_write_put(write, STORE_USED, key, value, 0);
}
