/* SPDX-License-Identifier: Apache-2.0 */
/* Named records of the table `meta`: the place in the log, and settings. */
#include "daemon/store/shared.h"

#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/internal.h"

static const struct pol_str format_name = POL_STR_INIT("check");
static const struct pol_str shared_name = POL_STR_INIT("shared");

/* A named record: the length of its name, the name, its content. */
enum {
	NAMED_LEN = STORE_AT_BODY,
	NAMED_NAME,
};

enum {
	SHARED_REALM = 0,
	SHARED_EPOCH = STORE_REALM,
	SHARED_SEQUENCE = SHARED_EPOCH + 8,
	SHARED_TAG = SHARED_SEQUENCE + 8,
	SHARED_DIVERGED = SHARED_TAG + STORE_CHAIN,
	SHARED_SYSTEM,
	SHARED_TIMELINE = SHARED_SYSTEM + 8,
	SHARED_END = SHARED_TIMELINE + 4,
};

enum store_meta store_meta_kind(struct pol_str name)
{
	static const struct pol_str counters[] = { POL_STR_INIT("next"), POL_STR_INIT("pepper"),
		POL_STR_INIT("roles"), POL_STR_INIT("tenants") };

	for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
		if (pol_str_equal(name, counters[i])) {
			return STORE_META_COUNTER;
		}
	}
	return name.len > sizeof STORE_SETTING - 1 &&
			       memcmp(name.ptr, STORE_SETTING, sizeof STORE_SETTING - 1) == 0
		       ? STORE_META_SETTING
		       : STORE_META_LOCAL;
}

/* --- named records ---------------------------------------------------------------------------- */

static MDB_val value_of(struct pol_str text)
{
	return (MDB_val){ text.len, (void *)(uintptr_t)text.ptr };
}

int store_decode_named(struct store *store, MDB_val value, struct pol_str name, struct pol_str *out)
{
	const uint8_t *at = store_unseal(store, value, STORE_META, NAMED_NAME + name.len);

	if (at == NULL || at[NAMED_LEN] != name.len ||
		memcmp(at + NAMED_NAME, name.ptr, name.len) != 0) {
		return -EBADMSG;
	}
	*out = (struct pol_str){ (const char *)at + NAMED_NAME + name.len,
		value.mv_size - NAMED_NAME - name.len };
	return 0;
}

int store_get_named(struct store_read *read, struct pol_str name, struct pol_str *out)
{
	MDB_val key = value_of(name), value;
	int r = store_error(mdb_get(read->txn, read->store->tables[STORE_META], &key, &value));

	return r < 0 ? r
		     : store_report(read->store, store_decode_named(read->store, value, name, out),
			       "meta", name);
}

int store_put_named(struct store_write *write, struct pol_str name, struct pol_str content)
{
	uint8_t *at = write->store->buffer;
	size_t len = NAMED_NAME + name.len + content.len;
	int r = name.len > UINT8_MAX || len > STORE_MAX_RECORD ? -E2BIG : store_write_ready(write);

	if (r < 0) {
		return r;
	}
	at[NAMED_LEN] = (uint8_t)name.len;
	memcpy(at + NAMED_NAME, name.ptr, name.len);
	if (content.len > 0) {
		memcpy(at + NAMED_NAME + name.len, content.ptr, content.len);
	}
	store_seal(write->store, STORE_META, len);
	return store_write_put(write, STORE_META, value_of(name), (MDB_val){ len, at }, 0);
}

static int drop_named(struct store_write *write, struct pol_str name)
{
	int r = store_write_ready(write);

	return r < 0 ? r : store_write_delete(write, STORE_META, value_of(name));
}

int store_put_format(struct store_write *write, uint64_t format)
{
	size_t len = store_encode_meta(write->store, format_name, format);

	return store_write_put(write, STORE_META, value_of(format_name),
		(MDB_val){ len, write->store->buffer }, 0);
}

/* --- the place in the log --------------------------------------------------------------------- */

int store_get_shared(struct store_read *read, struct store_shared *out)
{
	struct pol_str content = { 0 };
	const uint8_t *at;
	int r = store_get_named(read, shared_name, &content);

	if (r != 0) {
		return r;
	}
	if (content.len != SHARED_END) {
		return -EBADMSG;
	}
	at = (const uint8_t *)content.ptr;
	*out = (struct store_shared){
		.epoch = store_get64(at + SHARED_EPOCH),
		.sequence = store_get64(at + SHARED_SEQUENCE),
		.diverged = at[SHARED_DIVERGED] != 0,
		.server_system = store_get64(at + SHARED_SYSTEM),
		.server_timeline = store_get32(at + SHARED_TIMELINE),
	};
	memcpy(out->realm, at + SHARED_REALM, STORE_REALM);
	memcpy(out->tag, at + SHARED_TAG, STORE_CHAIN);
	return 0;
}

bool store_is_shared(struct store_read *read)
{
	struct store_shared shared;

	return store_get_shared(read, &shared) != -ENOENT;
}

int store_put_shared(struct store_write *write, const struct store_shared *shared)
{
	uint8_t at[SHARED_END];

	memcpy(at + SHARED_REALM, shared->realm, STORE_REALM);
	store_put64(at + SHARED_EPOCH, shared->epoch);
	store_put64(at + SHARED_SEQUENCE, shared->sequence);
	memcpy(at + SHARED_TAG, shared->tag, STORE_CHAIN);
	at[SHARED_DIVERGED] = shared->diverged;
	store_put64(at + SHARED_SYSTEM, shared->server_system);
	store_put32(at + SHARED_TIMELINE, shared->server_timeline);
	return store_put_named(write, shared_name, (struct pol_str){ (const char *)at, sizeof at });
}

int store_drop_shared(struct store_write *write)
{
	int r = drop_named(write, shared_name);

	return r == -ENOENT ? 0 : r;
}

/* --- settings --------------------------------------------------------------------------------- */

/* False: this is no name of a setting. */
static bool place_setting(struct store_place *place, const char *name)
{
	size_t len = strlen(name);

	store_place_init(place);
	store_place_text(place, POL_STR(STORE_SETTING));
	store_place_text(place, (struct pol_str){ name, len });
	return len > 0 && len <= STORE_MAX_SETTING_NAME;
}

static struct pol_str name_of(const struct store_place *place)
{
	return (struct pol_str){ (const char *)place->bytes, place->len };
}

int store_get_setting(struct store_read *read, const char *name, struct pol_str *out)
{
	struct store_place place;

	return place_setting(&place, name) ? store_get_named(read, name_of(&place), out) : -ENOENT;
}

int store_put_setting(struct store_write *write, const char *name, struct pol_str text)
{
	struct store_place place;
	int r;

	if (!place_setting(&place, name) || text.len > STORE_MAX_SETTING) {
		return -E2BIG;
	}
	r = text.len == 0 ? drop_named(write, name_of(&place))
			  : store_put_named(write, name_of(&place), text);
	if (r == 0) {
		store_write_owe(write, text.len == 0 ? NULL : write->store->buffer);
	}
	return r;
}
