/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/secret/token.h"
#include "daemon/store/bytes.h"
#include "daemon/store/changes_format.h"
#include "daemon/store/trail_internal.h"

struct change {
	enum store_table table;
	bool put;
	MDB_val key;
	MDB_val value;
};

struct apply {
	struct store_write *write;
	const uint8_t *at;
	size_t left;
	uint64_t number; /* of the change, from 1 */
	/* What the index must have next, of the last entry of the trail. */
	struct store_place places[3];
	size_t place_count;
	size_t place_next;
	char *why;
};

static int refuse(struct apply *apply, const char *how)
{
	return store_why(apply->why, -EBADMSG, "change %llu of the batch %s",
		(unsigned long long)apply->number, how);
}

static struct pol_str text_of(MDB_val value)
{
	return (struct pol_str){ value.mv_data, value.mv_size };
}

static uint32_t tenant_of(MDB_val key)
{
	const uint8_t *big = key.mv_data;

	return (uint32_t)big[0] << 24 | (uint32_t)big[1] << 16 | (uint32_t)big[2] << 8 | big[3];
}

/* --- the form --------------------------------------------------------------------------------- */

#define TAGGED SIZE_MAX /* the value is a record: its decoder looks at its size */

/* Bytes of the keys, and of the values; 0 for `most`: the table is in no changes. */
static const struct {
	size_t least;
	size_t most;
	size_t value;
} forms[STORE_TABLES] = {
	[STORE_META] = { 1, STORE_MAX_KEY, TAGGED },
	[STORE_KEYS] = { STORE_KID, STORE_KID, TAGGED },
	[STORE_KEYS_BY_TENANT] = { 12, 12, STORE_KID },
	[STORE_KEYS_BY_PRINCIPAL] = { 14, STORE_MAX_KEY, STORE_KID },
	[STORE_KEYS_BY_HASH] = { STORE_HASH, STORE_HASH, STORE_KID },
	[STORE_KEYS_DELETED] = { 16, 16, STORE_KID },
	[STORE_PRINCIPALS] = { 5, 4 + STORE_MAX_NAME, TAGGED },
	[STORE_PRINCIPALS_BY_ROLE] = { 6, STORE_MAX_KEY, 0 },
	[STORE_AUDIT] = { 8, 8, TAGGED },
	[STORE_AUDIT_INDEX] = { 9, STORE_MAX_KEY, 0 },
	[STORE_TENANTS] = { 4, 4, TAGGED },
	[STORE_TENANT_NAMES] = { 1, STORE_MAX_NAME, 4 },
	[STORE_ROLES] = { 5, 4 + STORE_MAX_NAME, TAGGED },
	[STORE_RETRIES] = { STORE_HASH, STORE_HASH, TAGGED },
	[STORE_RETRIES_BY_TIME] = { 8 + STORE_HASH, 8 + STORE_HASH, 0 },
	[STORE_KEYS_UNREVOKED] = { 14, STORE_MAX_KEY, STORE_KID },
};

/* Takes the next change. */
static int take(struct apply *apply, struct change *out)
{
	const uint8_t *at = apply->at;
	size_t size;

	apply->number++;
	if (apply->left < CHANGES_HEADER) {
		return refuse(apply, "is cut short");
	}
	*out = (struct change){
		.table = at[CHANGES_TABLE],
		.put = at[CHANGES_PUT] == 1,
		.key = { store_get16(at + CHANGES_KEY_LEN),
			(void *)(uintptr_t)(at + CHANGES_HEADER) },
		.value = { store_get32(at + CHANGES_VALUE_LEN), NULL },
	};
	size = CHANGES_HEADER + out->key.mv_size + out->value.mv_size;
	if (size > apply->left) {
		return refuse(apply, "is cut short");
	}
	out->value.mv_data = (uint8_t *)out->key.mv_data + out->key.mv_size;
	if (out->table >= STORE_TABLES || forms[out->table].most == 0 || at[CHANGES_PUT] > 1 ||
		!changes_have(out->table, text_of(out->key))) {
		return refuse(apply, "is of a kind that this authzd does not know");
	}
	if (out->key.mv_size < forms[out->table].least ||
		out->key.mv_size > forms[out->table].most ||
		(out->put ? forms[out->table].value != TAGGED &&
					out->value.mv_size != forms[out->table].value
			  : out->value.mv_size != 0)) {
		return refuse(apply, "has a wrong length");
	}
	apply->at += size;
	apply->left -= size;
	return 0;
}

/* --- one table each --------------------------------------------------------------------------- */

/* Is the value a right record of this key? */
static bool is_record(struct store *store, const struct change *change)
{
	union {
		struct store_key key;
		struct store_principal principal;
		struct store_tenant tenant;
		struct store_role role;
		struct store_retry retry;
		struct pol_str setting;
		uint64_t number;
	} record;
	MDB_val key = change->key, value = change->value;
	struct pol_str name = text_of(key);
	size_t skip = name.len < 4 ? name.len : 4; /* the tenant */
	struct pol_str rest = { name.ptr + skip, name.len - skip };

	switch ((int)change->table) {
	case STORE_META:
		return (store_meta_kind(name) == STORE_META_SETTING
				       ? store_decode_named(store, value, name, &record.setting)
				       : store_decode_meta(store, value, name, &record.number)) ==
		       0;
	case STORE_KEYS:
		return store_decode_key(store, value, name, &record.key) == 0;
	case STORE_PRINCIPALS:
		return store_decode_principal(
			       store, value, tenant_of(key), rest, &record.principal) == 0;
	case STORE_TENANTS:
		return store_decode_tenant(store, value, tenant_of(key), &record.tenant) == 0;
	case STORE_ROLES:
		return store_decode_role(store, value, tenant_of(key), rest, &record.role) == 0;
	case STORE_RETRIES:
		return store_decode_retry(store, value, key.mv_data, &record.retry) == 0;
	default:
		return true;
	}
}

/* Does a change of the record need an entry in the trail? */
static bool has_entry(const struct change *change)
{
	switch ((int)change->table) {
	case STORE_KEYS:
	case STORE_PRINCIPALS:
	case STORE_TENANTS:
	case STORE_ROLES:
		return true;
	case STORE_META:
		return store_meta_kind(text_of(change->key)) == STORE_META_SETTING;
	default:
		return false;
	}
}

/* The entry must follow the last one, and must be about the record that was changed. */
static int check_entry(struct apply *apply, const struct change *change)
{
	struct store_write *write = apply->write;
	struct store_head head = { .count = 0 };
	struct store_audit audit;
	bool record;
	int r = store_get_head(&write->reader, &head);

	if (r < 0) {
		return r;
	}
	if (!change->put || apply->place_next != apply->place_count ||
		store_audit_number(change->key.mv_data) != head.count + 1 ||
		store_decode_audit(write->store, change->value, head.count + 1, &audit) < 0 ||
		memcmp(audit.before, head.tag, STORE_CHAIN) != 0) {
		return refuse(apply, "does not continue the audit trail");
	}
	record = (audit.flags & (STORE_AUDIT_MADE | STORE_AUDIT_REMOVED)) != 0;
	if (write->owed != (record ? 1 : 0) ||
		(record && memcmp(audit.made, write->made, SECRET_TAG) != 0)) {
		return refuse(apply, "is another than the record that was changed");
	}
	write->owed = 0;
	apply->place_count = store_audit_places(&audit, apply->places);
	apply->place_next = 0;
	return 0;
}

static int check_index(struct apply *apply, const struct change *change)
{
	const struct store_place *place = &apply->places[apply->place_next];

	if (!change->put || apply->place_next >= apply->place_count ||
		place->len != change->key.mv_size ||
		memcmp(place->bytes, change->key.mv_data, place->len) != 0) {
		return refuse(apply, "does not belong to the audit trail's last entry");
	}
	apply->place_next++;
	return 0;
}

/* Notes for the watch that the key is about to be changed, and deletes the use of one that is
 * deleted: it is this host's, and in no changes. */
static int leave_key(struct store_write *write, const struct change *change)
{
	struct store_key before;
	MDB_val key = change->key, value;
	int r = store_error(mdb_get(write->job, write->store->tables[STORE_KEYS], &key, &value));

	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	if (store_decode_key(write->store, value, text_of(key), &before) < 0) {
		/* It was altered here, and does not say its number. */
		store_touch_all(write);
		return 0;
	}
	store_touch_key(write, before.number);
	return change->put ? 0 : store_drop_use(write, before.number);
}

static int leave(struct store_write *write, const struct change *change)
{
	const char *at = change->key.mv_data;

	if (change->table == STORE_KEYS) {
		return leave_key(write, change);
	}
	if (change->table == STORE_PRINCIPALS) {
		struct pol_str id = { at + 4, change->key.mv_size - 4 };

		store_touch_principal(write, tenant_of(change->key), id);
		if (store_is_everyone(id)) {
			store_note_everyone(write->store);
		}
	}
	return 0;
}

static int check(struct apply *apply, const struct change *change)
{
	if (change->table == STORE_AUDIT) {
		return check_entry(apply, change);
	}
	if (change->table == STORE_AUDIT_INDEX) {
		return check_index(apply, change);
	}
	return change->put && !is_record(apply->write->store, change)
		       ? refuse(apply, "is a record that was altered, or of other secrets")
		       : 0;
}

static int apply_one(struct apply *apply, const struct change *change)
{
	struct store_write *write = apply->write;
	unsigned flags = change->table == STORE_AUDIT ? MDB_APPEND : 0;
	int r = check(apply, change);

	if (r < 0) {
		return r;
	}
	r = leave(write, change);
	if (r == 0) {
		r = change->put ? store_write_put(
					  write, change->table, change->key, change->value, flags)
				: store_write_delete(write, change->table, change->key);
		/* An index may have been altered here; what was to go is gone. */
		r = !change->put && r == -ENOENT ? 0 : r;
	}
	if (r < 0) {
		return store_why(apply->why, r, "%s", store_explain(r));
	}
	if (has_entry(change)) {
		store_write_owe(write, change->put ? change->value.mv_data : NULL);
	}
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int apply_all(struct apply *apply)
{
	int r = store_write_ready(apply->write);

	if (r < 0) {
		return store_why(apply->why, r, "%s", store_explain(r));
	}
	while (r == 0 && apply->left > 0) {
		struct change change = { .put = false };

		r = take(apply, &change);
		if (r == 0) {
			r = apply_one(apply, &change);
		}
	}
	if (r == 0 && (apply->write->owed != 0 || apply->place_next != apply->place_count)) {
		r = refuse(apply, "is the last one, and the audit trail lacks it");
	}
	if (r == 0) {
		r = store_write_keep(apply->write);
	}
	return r;
}

int store_apply_changes(
	struct store_write *write, struct pol_str changes, char why[static STORE_WHY])
{
	struct apply apply = { .write = write,
		.at = (const uint8_t *)changes.ptr,
		.left = changes.len - CHANGES_SUM,
		.why = why };
	bool records = write->recorded.on;
	int r;

	if (write->job != NULL || write->owed != 0) {
		return store_why(why, -EINVAL, "the batch has an open job");
	}
	if (changes.len == 0) {
		return 0;
	}
	if (changes.len < CHANGES_SUM ||
		secret_crc32((struct pol_str){ changes.ptr, apply.left }) !=
			store_get32(apply.at + apply.left)) {
		return store_why(why, -EBADMSG, "the batch is damaged");
	}
	write->recorded.on = false;
	r = apply_all(&apply);
	write->recorded.on = records;
	return r;
}

uint64_t store_changes_entry(struct pol_str changes)
{
	const uint8_t *at = (const uint8_t *)changes.ptr;
	size_t left = changes.len;

	while (left >= CHANGES_HEADER + CHANGES_SUM) {
		size_t key = store_get16(at + CHANGES_KEY_LEN);
		size_t size = CHANGES_HEADER + key + store_get32(at + CHANGES_VALUE_LEN);

		if (size > left) {
			return 0;
		}
		if (at[CHANGES_TABLE] == STORE_AUDIT && at[CHANGES_PUT] == 1 && key == 8) {
			uint64_t sequence = 0;

			for (size_t i = 0; i < key; i++) {
				sequence = sequence << 8 | at[CHANGES_HEADER + i];
			}
			return sequence;
		}
		at += size;
		left -= size;
	}
	return 0;
}
