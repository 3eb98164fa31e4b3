/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/store_bytes.h"
#include "daemon/store_internal.h"

enum { VERSION = 1 };

/* The tag covers all behind it, the tag before included; so that a record proves itself even when
 * the one before it is gone. */
enum {
	AT_TAG = 0,
	AT_BEFORE = STORE_CHAIN,
	AT_VERSION = AT_BEFORE + STORE_CHAIN,
	AT_KIND,
	AT_FLAGS,
	AT_SEQUENCE,
	AT_TIME = AT_SEQUENCE + 8,
	AT_LATEST = AT_TIME + 8,
	AT_UID = AT_LATEST + 8,
	AT_PID = AT_UID + 4,
	AT_TENANT = AT_PID + 4,
	AT_MADE = AT_TENANT + 4,
	AT_TEXTS = AT_MADE + SECRET_TAG, /* how many: actor, action, target, fields */
	AT_TEXT = AT_TEXTS + 2,
};

_Static_assert(STORE_CHAIN == SECRET_CHAIN, "one tag, two headers");

static const uint8_t beginning[STORE_CHAIN] = { 0 };

static void chain(struct store *store, const uint8_t *record, size_t len, uint8_t *out)
{
	const char *rest = (const char *)record + AT_VERSION;

	secret_chain(store->secrets, SECRET_TRAIL, record + AT_BEFORE,
		(struct pol_str){ rest, len - AT_VERSION }, out);
}

/* --- decoding --------------------------------------------------------------------------------- */

static int decode(struct store *store, MDB_val value, uint64_t sequence, struct store_audit *out)
{
	const uint8_t *at = value.mv_data;
	struct store_list texts;
	uint8_t tag[STORE_CHAIN];

	if (value.mv_size < AT_TEXT || at[AT_VERSION] != VERSION) {
		return -EBADMSG;
	}
	chain(store, at, value.mv_size, tag);
	texts = (struct store_list){ at + AT_TEXT, (uint32_t)(value.mv_size - AT_TEXT),
		store_get16(at + AT_TEXTS) };
	if (memcmp(tag, at, sizeof tag) != 0 || !store_list_next(&texts, &out->actor) ||
		!store_list_next(&texts, &out->action) || !store_list_next(&texts, &out->target)) {
		return -EBADMSG;
	}
	out->sequence = store_get64(at + AT_SEQUENCE);
	out->time = store_get_time(at + AT_TIME);
	out->latest = store_get_time(at + AT_LATEST);
	out->uid = store_get32(at + AT_UID);
	out->pid = store_get32(at + AT_PID);
	out->tenant = store_get32(at + AT_TENANT);
	out->kind = at[AT_KIND];
	out->flags = at[AT_FLAGS];
	out->made = at + AT_MADE;
	out->before = at + AT_BEFORE;
	out->tag = at + AT_TAG;
	out->fields = texts;
	return out->sequence == sequence ? 0 : -EBADMSG;
}

int store_get_audit(struct store_read *read, uint64_t sequence, struct store_audit *out)
{
	struct store_place place = { .len = 0 };
	MDB_val key, value;
	int r;

	store_place_u64(&place, sequence);
	key = (MDB_val){ place.len, place.bytes };
	r = store_error(mdb_get(read->txn, read->store->tables[STORE_AUDIT], &key, &value));
	return r < 0 ? r : decode(read->store, value, sequence, out);
}

static uint64_t number_at(const uint8_t *at)
{
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof number; i++) {
		number = number << 8 | at[i];
	}
	return number;
}

/* The last record, whatever it is worth; -ENOENT: there is none. */
static int find_last(struct store_read *read, uint64_t *out_sequence, MDB_val *out)
{
	MDB_cursor *cursor;
	MDB_val key;
	int r = store_error(mdb_cursor_open(read->txn, read->store->tables[STORE_AUDIT], &cursor));

	if (r < 0) {
		return r;
	}
	r = store_error(mdb_cursor_get(cursor, &key, out, MDB_LAST));
	mdb_cursor_close(cursor);
	if (r < 0) {
		return r;
	}
	if (key.mv_size != sizeof *out_sequence || out->mv_size < AT_TEXT) {
		return -EBADMSG;
	}
	*out_sequence = number_at(key.mv_data);
	return 0;
}

int store_get_head(struct store_read *read, struct store_head *out)
{
	MDB_val value;
	uint64_t sequence;
	int r = find_last(read, &sequence, &value);

	if (r == -ENOENT) {
		*out = (struct store_head){ .count = 0 };
		return 0;
	}
	if (r == 0) {
		out->count = sequence;
		memcpy(out->tag, value.mv_data, sizeof out->tag);
	}
	return r;
}

/* --- lists ------------------------------------------------------------------------------------ */

enum { INDEX_TENANT = 'T', INDEX_ACTOR = 'A' };

static void place_kind(struct store_place *place, uint8_t kind)
{
	place->bytes[place->len++] = kind;
}

/* A key is found whatever its tenant is. */
static void target_place(
	struct store_place *place, uint8_t kind, uint32_t tenant, struct pol_str target)
{
	place_kind(place, kind);
	store_place_u32(place, kind == STORE_AUDIT_KEY ? 0 : tenant);
	store_place_sized(place, target);
}

static void tenant_place(struct store_place *place, uint32_t tenant)
{
	place_kind(place, INDEX_TENANT);
	store_place_u32(place, tenant);
}

static void actor_place(struct store_place *place, struct pol_str actor)
{
	place_kind(place, INDEX_ACTOR);
	store_place_sized(place, actor);
}

/* The table to walk, and what its keys begin with before the number. */
static enum store_table begin_place(
	const struct store_audit_filter *filter, struct store_place *place)
{
	if (filter->kind != STORE_AUDIT_NONE) {
		target_place(place, (uint8_t)filter->kind, filter->tenant, filter->target);
	} else if (filter->actor.len > 0) {
		actor_place(place, filter->actor);
	} else if (filter->tenant != 0) {
		tenant_place(place, filter->tenant);
	} else {
		return STORE_AUDIT;
	}
	return STORE_AUDIT_INDEX;
}

static int report(struct store *store, int r, uint64_t sequence)
{
	if (r == -EBADMSG && atomic_fetch_add(&store->bad_records, 1) == 0) {
		log_error("alarm: a record of the audit trail was altered outside the daemon: "
			  "run `authzcheck log --verify`",
			"sequence=%llu", (unsigned long long)sequence);
	}
	return r;
}

static int see(struct store_read *read, uint64_t sequence, store_audit_seen seen, void *context)
{
	struct store_audit audit;
	int r = report(read->store, store_get_audit(read, sequence, &audit), sequence);

	if (r < 0) {
		return r == -EBADMSG || r == -ENOENT ? 0 : r;
	}
	return seen(context, &audit);
}

/* Puts the cursor on the first entry at `from`, or, backwards, on the last one at or before it. */
static int seek(MDB_cursor *cursor, MDB_val *key, bool backwards)
{
	MDB_val wanted = *key, value;
	int r = store_error(mdb_cursor_get(cursor, key, &value, MDB_SET_RANGE));

	if (!backwards) {
		return r;
	}
	if (r == -ENOENT) {
		return store_error(mdb_cursor_get(cursor, key, &value, MDB_LAST));
	}
	if (r == 0 && (key->mv_size != wanted.mv_size ||
			      memcmp(key->mv_data, wanted.mv_data, wanted.mv_size) != 0)) {
		r = store_error(mdb_cursor_get(cursor, key, &value, MDB_PREV));
	}
	return r;
}

int store_list_audit(struct store_read *read, const struct store_audit_filter *filter,
	uint64_t from, store_audit_seen seen, void *context)
{
	struct store_place place = { .len = 0 };
	enum store_table table = begin_place(filter, &place);
	size_t common = place.len;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r;

	store_place_u64(&place, from);
	if (place.full) {
		return 0;
	}
	r = store_error(mdb_cursor_open(read->txn, read->store->tables[table], &cursor));
	if (r < 0) {
		return r;
	}
	key = (MDB_val){ place.len, place.bytes };
	r = seek(cursor, &key, filter->backwards);
	while (r == 0 && key.mv_size == place.len &&
		memcmp(key.mv_data, place.bytes, common) == 0) {
		r = see(read, number_at((const uint8_t *)key.mv_data + common), seen, context);
		if (r != 0) {
			break;
		}
		r = store_error(mdb_cursor_get(
			cursor, &key, &value, filter->backwards ? MDB_PREV : MDB_NEXT));
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

/* By halves: `latest` never falls. One that was altered counts as early, so that nothing behind it
 * is left out. */
int store_find_audit(struct store_read *read, int64_t since, uint64_t *out_sequence)
{
	struct store_head head;
	uint64_t low = 1;
	int r = store_get_head(read, &head);
	uint64_t high = head.count + 1;

	while (r == 0 && low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct store_audit audit;

		r = store_get_audit(read, middle, &audit);
		if (r == 0 && audit.latest >= since) {
			high = middle;
		} else {
			low = middle + 1;
		}
		r = r == -EBADMSG || r == -ENOENT ? 0 : r;
	}
	if (r == 0) {
		*out_sequence = low;
	}
	return r;
}

/* --- appending -------------------------------------------------------------------------------- */

static bool encode(struct store *store, const struct store_audit *audit, size_t *out_len)
{
	uint8_t *at = store->buffer;
	struct store_pack pack = { .bytes = at + AT_TEXT, .cap = STORE_MAX_RECORD - AT_TEXT };
	struct store_list fields = audit->fields;
	struct pol_str text;

	if (!store_pack_add(&pack, audit->actor) || !store_pack_add(&pack, audit->action) ||
		!store_pack_add(&pack, audit->target)) {
		return false;
	}
	while (store_list_next(&fields, &text)) {
		if (!store_pack_add(&pack, text)) {
			return false;
		}
	}
	at[AT_VERSION] = VERSION;
	at[AT_KIND] = audit->kind;
	at[AT_FLAGS] = audit->flags;
	store_put64(at + AT_SEQUENCE, audit->sequence);
	store_put64(at + AT_TIME, (uint64_t)audit->time);
	store_put64(at + AT_LATEST, (uint64_t)audit->latest);
	store_put32(at + AT_UID, audit->uid);
	store_put32(at + AT_PID, audit->pid);
	store_put32(at + AT_TENANT, audit->tenant);
	memcpy(at + AT_MADE, audit->made, SECRET_TAG);
	memcpy(at + AT_BEFORE, audit->before, STORE_CHAIN);
	store_put16(at + AT_TEXTS, pack.count);
	*out_len = AT_TEXT + pack.size;
	chain(store, at, *out_len, at + AT_TAG);
	return true;
}

static int put(struct store_write *write, enum store_table table, struct store_place *place,
	MDB_val value, unsigned flags)
{
	MDB_val key;

	if (place->full) {
		return -E2BIG;
	}
	key = (MDB_val){ place->len, place->bytes };
	return store_error(mdb_put(write->job, write->store->tables[table], &key, &value, flags));
}

static int put_index(struct store_write *write, const struct store_audit *audit)
{
	struct store_place places[3] = { { .len = 0 }, { .len = 0 }, { .len = 0 } };
	int r = 0;

	actor_place(&places[0], audit->actor);
	if (audit->tenant != 0) {
		tenant_place(&places[1], audit->tenant);
	}
	if (audit->target.len > 0) {
		target_place(&places[2], audit->kind, audit->tenant, audit->target);
	}
	for (size_t i = 0; i < 3 && r == 0; i++) {
		if (places[i].len > 0) {
			store_place_u64(&places[i], audit->sequence);
			r = put(write, STORE_AUDIT_INDEX, &places[i], (MDB_val){ 0, NULL }, 0);
		}
	}
	return r;
}

/* What the trail ends with: gives the new one its place behind it. */
static int follow(struct store_write *write, struct store_audit *audit, uint8_t before[STORE_CHAIN])
{
	MDB_val last;
	uint64_t sequence;
	int r = find_last(&write->reader, &sequence, &last);

	audit->sequence = 1;
	audit->latest = audit->time;
	memcpy(before, beginning, STORE_CHAIN);
	audit->before = before;
	if (r < 0) {
		return r == -ENOENT ? 0 : r;
	}
	audit->sequence = sequence + 1;
	memcpy(before, last.mv_data, STORE_CHAIN);
	if (store_get_time((const uint8_t *)last.mv_data + AT_LATEST) > audit->time) {
		audit->latest = store_get_time((const uint8_t *)last.mv_data + AT_LATEST);
	}
	return 0;
}

int store_append_audit(struct store_write *write, const struct store_audit *audit)
{
	static const uint8_t none[SECRET_TAG] = { 0 };
	bool record = (audit->flags & (STORE_AUDIT_MADE | STORE_AUDIT_REMOVED)) != 0;
	struct store_place place = { .len = 0 };
	struct store_audit next = *audit;
	uint8_t before[STORE_CHAIN];
	MDB_val value;
	int r = store_write_ready(write);

	if (r == 0 && write->owed != (record ? 1 : 0)) {
		r = -EPROTO;
	}
	if (r == 0) {
		r = follow(write, &next, before);
	}
	if (r < 0) {
		return r;
	}
	next.made = record ? write->made : none;
	value.mv_data = write->store->buffer;
	if (!encode(write->store, &next, &value.mv_size)) {
		return -E2BIG;
	}
	store_place_u64(&place, next.sequence);
	r = put(write, STORE_AUDIT, &place, value, MDB_APPEND);
	if (r == 0) {
		r = put_index(write, &next);
	}
	if (r == 0) {
		write->owed = 0;
	}
	return r;
}
