/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "daemon/secret/token.h"
#include "daemon/store/internal.h"

/* The entry of the table `meta`. */
static const struct pol_str name = POL_STR_INIT("pepper");

static MDB_val name_value(void)
{
	return (MDB_val){ name.len, (void *)(uintptr_t)name.ptr };
}

int store_get_pepper_due(struct store_read *read, uint8_t *out)
{
	MDB_val key = name_value(), value;
	uint64_t number;
	int r = store_error(mdb_get(read->txn, read->store->tables[STORE_META], &key, &value));

	if (r == 0) {
		r = store_decode_meta(read->store, value, name, &number);
	}
	if (r == 0) {
		*out = (uint8_t)number;
	}
	return r;
}

int store_put_pepper_due(struct store_write *write, uint8_t number)
{
	struct store *store = write->store;
	MDB_val key = name_value(), value = { 0, store->buffer };
	int r = store_write_ready(write);

	if (r < 0) {
		return r;
	}
	value.mv_size = store_encode_meta(store, name, number);
	return store_write_put(write, STORE_META, key, value, 0);
}

int store_drop_pepper_due(struct store_write *write)
{
	MDB_val key = name_value();
	int r = store_write_ready(write);

	if (r == 0) {
		r = store_write_delete(write, STORE_META, key);
	}
	return r == -ENOENT ? 0 : r;
}

/* --- keys whose pepper is gone ---------------------------------------------------------------- */

void store_lost_add(
	struct store_lost *lost, const struct secrets *secrets, const struct store_key *key)
{
	uint8_t number = store_key_pepper(key, STORE_KEY_PEPPER), present = secrets_pepper(secrets);

	if ((key->flags & STORE_KEY_REVOKED) != 0) {
		return;
	}
	lost->keys++;
	if (number != present && !(secrets_have_old(secrets) && number == (uint8_t)(present - 1))) {
		lost->lost++;
		lost->pepper = number;
	}
}

struct count {
	struct store_lost *lost;
	const struct secrets *secrets;
};

static int on_key(void *context, const struct store_key *key)
{
	struct count *count = context;

	store_lost_add(count->lost, count->secrets, key);
	return 0;
}

int store_count_lost(struct store_read *read, struct store_lost *out)
{
	struct store_lost lost = { 0 };
	struct count count = { &lost, read->store->secrets };
	int r = store_walk_keys(read, (struct pol_str){ NULL, 0 }, on_key, &count);

	if (r == 0) {
		*out = lost;
	}
	return r;
}
