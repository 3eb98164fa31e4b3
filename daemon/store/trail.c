/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/trail_internal.h"

_Static_assert(STORE_CHAIN == SECRET_CHAIN, "trail.h repeats the size of a tag");

/* The tag before the first entry. */
static const uint8_t beginning[STORE_CHAIN] = { 0 };

void store_audit_chain(
	struct store *store, const uint8_t *record, size_t len, uint8_t out[static STORE_CHAIN])
{
	const char *rest = (const char *)record + AUDIT_VERSION;

	secret_chain(store->secrets, SECRET_TRAIL, record + AUDIT_BEFORE,
		(struct pol_str){ rest, len - AUDIT_VERSION }, out);
}

/* --- decoding --------------------------------------------------------------------------------- */

int store_decode_audit(
	struct store *store, MDB_val value, uint64_t sequence, struct store_audit *out)
{
	const uint8_t *at = value.mv_data;
	struct store_list texts;
	uint8_t tag[STORE_CHAIN];

	if (value.mv_size < AUDIT_TEXT || at[AUDIT_VERSION] != AUDIT_PRESENT) {
		return -EBADMSG;
	}
	store_audit_chain(store, at, value.mv_size, tag);
	texts = (struct store_list){ at + AUDIT_TEXT, (uint32_t)(value.mv_size - AUDIT_TEXT),
		store_get16(at + AUDIT_TEXTS) };
	if (memcmp(tag, at, sizeof tag) != 0 || !store_list_next(&texts, &out->actor) ||
		!store_list_next(&texts, &out->action) || !store_list_next(&texts, &out->target)) {
		return -EBADMSG;
	}
	out->sequence = store_get64(at + AUDIT_SEQUENCE);
	out->time = store_get_time(at + AUDIT_TIME);
	out->latest = store_get_time(at + AUDIT_LATEST);
	out->uid = store_get32(at + AUDIT_UID);
	out->pid = store_get32(at + AUDIT_PID);
	out->tenant = store_get32(at + AUDIT_TENANT);
	out->kind = at[AUDIT_KIND];
	out->flags = at[AUDIT_FLAGS];
	out->made = at + AUDIT_MADE;
	out->before = at + AUDIT_BEFORE;
	out->tag = at + AUDIT_TAG;
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
	return r < 0 ? r : store_decode_audit(read->store, value, sequence, out);
}

uint64_t store_audit_number(const uint8_t *at)
{
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof number; i++) {
		number = number << 8 | at[i];
	}
	return number;
}

/* The last entry, which is not checked. -ENOENT: there is none. */
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
	if (key.mv_size != sizeof *out_sequence || out->mv_size < AUDIT_TEXT) {
		return -EBADMSG;
	}
	*out_sequence = store_audit_number(key.mv_data);
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

/* Entries about a key are found without its tenant, so they have 0 here. Alarms are about keys. */
void store_audit_target(
	struct store_place *place, uint8_t kind, uint32_t tenant, struct pol_str target)
{
	bool key = kind == STORE_AUDIT_KEY || kind == STORE_AUDIT_ALARM;

	place_kind(place, key ? STORE_AUDIT_KEY : kind);
	store_place_u32(place, key ? 0 : tenant);
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

/* Returns the table to list, and what its keys begin with before the sequence. */
static enum store_table begin_place(
	const struct store_audit_filter *filter, struct store_place *place)
{
	if (filter->kind != STORE_AUDIT_NONE) {
		store_audit_target(place, (uint8_t)filter->kind, filter->tenant, filter->target);
	} else if (filter->actor.len > 0) {
		actor_place(place, filter->actor);
	} else if (filter->tenant != 0) {
		tenant_place(place, filter->tenant);
	} else {
		return STORE_AUDIT;
	}
	return STORE_AUDIT_INDEX;
}

static int see(struct store_read *read, uint64_t sequence, store_audit_seen seen, void *context)
{
	struct store_audit audit;
	int r = store_report(read->store, store_get_audit(read, sequence, &audit), "audit",
		POL_STR("(by sequence)"));

	if (r < 0) {
		return r == -EBADMSG || r == -ENOENT ? 0 : r;
	}
	return seen(context, &audit);
}

/* Moves the cursor to the first entry at or after *key, or, backwards, to the last one at or before
 * it. */
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
		r = see(read, store_audit_number((const uint8_t *)key.mv_data + common), seen,
			context);
		if (r != 0) {
			break;
		}
		r = store_error(mdb_cursor_get(
			cursor, &key, &value, filter->backwards ? MDB_PREV : MDB_NEXT));
	}
	mdb_cursor_close(cursor);
	return r == -ENOENT ? 0 : r;
}

/* A binary search by `latest`, which never falls. An altered or missing entry counts as earlier
 * than `since`. */
int store_find_audit(struct store_read *read, int64_t since, uint64_t *out_sequence)
{
	struct store_head head = { .count = 0 };
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
	struct store_pack pack = { .bytes = at + AUDIT_TEXT, .cap = STORE_MAX_RECORD - AUDIT_TEXT };
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
	at[AUDIT_VERSION] = AUDIT_PRESENT;
	at[AUDIT_KIND] = audit->kind;
	at[AUDIT_FLAGS] = audit->flags;
	store_put64(at + AUDIT_SEQUENCE, audit->sequence);
	store_put64(at + AUDIT_TIME, (uint64_t)audit->time);
	store_put64(at + AUDIT_LATEST, (uint64_t)audit->latest);
	store_put32(at + AUDIT_UID, audit->uid);
	store_put32(at + AUDIT_PID, audit->pid);
	store_put32(at + AUDIT_TENANT, audit->tenant);
	memcpy(at + AUDIT_MADE, audit->made, SECRET_TAG);
	memcpy(at + AUDIT_BEFORE, audit->before, STORE_CHAIN);
	store_put16(at + AUDIT_TEXTS, pack.count);
	*out_len = AUDIT_TEXT + pack.size;
	store_audit_chain(store, at, *out_len, at + AUDIT_TAG);
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
	return store_write_put(write, table, key, value, flags);
}

size_t store_audit_places(const struct store_audit *audit, struct store_place places[3])
{
	size_t count = 0;

	for (size_t i = 0; i < 3; i++) {
		store_place_init(&places[i]);
	}
	actor_place(&places[count++], audit->actor);
	if (audit->tenant != 0) {
		tenant_place(&places[count++], audit->tenant);
	}
	if (audit->target.len > 0) {
		store_audit_target(&places[count++], audit->kind, audit->tenant, audit->target);
	}
	for (size_t i = 0; i < count; i++) {
		store_place_u64(&places[i], audit->sequence);
	}
	return count;
}

static int put_index(struct store_write *write, const struct store_audit *audit)
{
	struct store_place places[3];
	size_t count = store_audit_places(audit, places);
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = put(write, STORE_AUDIT_INDEX, &places[i], (MDB_val){ 0, NULL }, 0);
	}
	return r;
}

/* Sets the new entry's sequence, latest and before, from the trail's last entry. */
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
	if (store_get_time((const uint8_t *)last.mv_data + AUDIT_LATEST) > audit->time) {
		audit->latest = store_get_time((const uint8_t *)last.mv_data + AUDIT_LATEST);
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
