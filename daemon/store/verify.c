/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "daemon/store/bytes.h"
#include "daemon/store/trail_internal.h"

/*
 * Verification makes three kinds of checks, in the order of the table `looks`: of each entry of the
 * trail; of each record, which must be the one that the last entry about it wrote; and of each
 * target in the trail's index, whose record must exist if its last entry says so. Their place in
 * struct store_verify is the number in the table, then the key after which to go on.
 */

struct look {
	int (*run)(struct look *look);
	enum store_table table;
	uint8_t kind; /* of the table's records */
	struct store_read *read;
	struct store_verify *verify;
	uint32_t left;
	uint64_t head_count;
	store_problem_seen seen;
	void *context;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val value;
};

static void report(
	struct look *look, enum store_problem_what what, uint64_t sequence, uint64_t last)
{
	const struct store_problem problem = { .what = what, .sequence = sequence, .last = last };

	look->seen(look->context, &problem);
}

static void keep_place(struct look *look, const void *bytes, size_t len)
{
	struct store_verify *verify = look->verify;

	if (len > sizeof verify->place - 1) {
		len = sizeof verify->place - 1;
	}
	memcpy(verify->place + 1, bytes, len);
	if (len == sizeof verify->place - 1) {
		/* Longer than any of our keys: skip all that begin the same. */
		verify->place[len] = UINT8_MAX;
	}
	verify->place_len = 1 + len;
}

/* Moves to the first entry after the place. */
static int seek(struct look *look)
{
	const struct store_verify *verify = look->verify;
	const size_t len = verify->place_len - 1;
	int r;

	if (len == 0) {
		return store_error(
			mdb_cursor_get(look->cursor, &look->key, &look->value, MDB_FIRST));
	}
	look->key.mv_size = len;
	look->key.mv_data = (void *)(uintptr_t)(verify->place + 1);
	r = store_error(mdb_cursor_get(look->cursor, &look->key, &look->value, MDB_SET_RANGE));
	if (r == 0 && look->key.mv_size == len &&
		memcmp(look->key.mv_data, verify->place + 1, len) == 0) {
		r = store_error(mdb_cursor_get(look->cursor, &look->key, &look->value, MDB_NEXT));
	}
	return r;
}

/* --- the trail -------------------------------------------------------------------------------- */

static bool is_sound(struct look *look)
{
	const uint8_t *at = look->value.mv_data;
	uint8_t tag[STORE_CHAIN];

	if (look->value.mv_size < AUDIT_TEXT || at[AUDIT_VERSION] != AUDIT_PRESENT) {
		return false;
	}
	store_audit_chain(look->read->store, at, look->value.mv_size, tag);
	return memcmp(tag, at, sizeof tag) == 0;
}

static int check_lists(struct look *look, uint64_t sequence)
{
	struct store *store = look->read->store;
	struct store_place places[3];
	struct store_audit audit;
	size_t count;
	int r = store_decode_audit(store, look->value, sequence, &audit);

	if (r < 0) {
		report(look, STORE_AUDIT_EDITED, sequence, sequence);
		return 0;
	}
	count = store_audit_places(&audit, places);
	for (size_t i = 0; i < count; i++) {
		MDB_val key = { places[i].len, places[i].bytes }, value;

		r = store_error(
			mdb_get(look->read->txn, store->tables[STORE_AUDIT_INDEX], &key, &value));
		if (r == -ENOENT) {
			report(look, STORE_AUDIT_UNLISTED, sequence, sequence);
			return 0;
		}
		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* Gives the tag of the entry before. False: that entry is missing or was altered. */
static bool tag_before(struct look *look, uint64_t sequence, uint8_t tag[STORE_CHAIN])
{
	struct store_audit audit;

	memset(tag, 0, STORE_CHAIN);
	if (sequence == 1) {
		return true;
	}
	if (store_get_audit(look->read, sequence - 1, &audit) < 0) {
		return false;
	}
	memcpy(tag, audit.tag, STORE_CHAIN);
	return true;
}

static int check_entry(struct look *look, uint64_t sequence)
{
	const uint8_t *at = look->value.mv_data;
	uint8_t before[STORE_CHAIN];

	if (!is_sound(look)) {
		report(look, STORE_AUDIT_EDITED, sequence, sequence);
		return 0;
	}
	if (store_get64(at + AUDIT_SEQUENCE) != sequence) {
		report(look, STORE_AUDIT_REORDERED, sequence, store_get64(at + AUDIT_SEQUENCE));
		return 0;
	}
	if (tag_before(look, sequence, before) &&
		memcmp(before, at + AUDIT_BEFORE, sizeof before) != 0) {
		report(look, STORE_AUDIT_SPLICED, sequence, sequence);
	}
	return check_lists(look, sequence);
}

static int look_along(struct look *look)
{
	const struct store_verify *verify = look->verify;
	uint64_t last = verify->place_len > 1 ? store_audit_number(verify->place + 1) : 0;
	int r = seek(look);

	while (r == 0 && look->left > 0) {
		uint64_t sequence = look->key.mv_size == sizeof sequence
					    ? store_audit_number(look->key.mv_data)
					    : 0;

		if (sequence > last + 1) {
			report(look, STORE_AUDIT_MISSING, last + 1, sequence - 1);
		}
		r = check_entry(look, sequence);
		if (r < 0) {
			return r;
		}
		last = sequence;
		keep_place(look, look->key.mv_data, look->key.mv_size);
		look->left--;
		look->verify->checked++;
		r = store_error(mdb_cursor_get(look->cursor, &look->key, &look->value, MDB_NEXT));
	}
	if (r == -ENOENT && last < look->head_count) {
		report(look, STORE_AUDIT_CUT, last + 1, look->head_count);
	}
	return r;
}

/* --- records ---------------------------------------------------------------------------------- */

static uint32_t number_of(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The record's target as the trail names it, from its key. */
static struct store_problem name(const struct look *look)
{
	const size_t prefix = sizeof STORE_SETTING - 1;
	const uint8_t *at = look->key.mv_data;
	size_t skip = look->kind == STORE_AUDIT_KEY || look->key.mv_size < 4 ? 0 : 4;
	struct store_tenant tenant;

	if (look->table == STORE_META) {
		return (struct store_problem){ .kind = look->kind,
			.target = { (const char *)at + prefix, look->key.mv_size - prefix } };
	}

	/* A tenant's key is its number, but the trail has its name. */
	if (look->kind == STORE_AUDIT_TENANT && skip > 0 &&
		store_get_tenant(look->read, number_of(at), &tenant) == 0) {
		return (struct store_problem){
			.kind = look->kind, .tenant = number_of(at), .target = tenant.name
		};
	}
	return (struct store_problem){
		.kind = look->kind,
		.tenant = skip > 0 ? number_of(at) : 0,
		.target = { (const char *)at + skip, look->key.mv_size - skip },
	};
}

/* Finds the last entry about the target that wrote or deleted the record. -ENOENT. */
static int find_last(struct look *look, const struct store_place *target, struct store_audit *out)
{
	struct store *store = look->read->store;
	struct store_place place = *target;
	MDB_cursor *cursor;
	MDB_val key, value;
	int r;

	store_place_u64(&place, UINT64_MAX);
	r = store_error(
		mdb_cursor_open(look->read->txn, store->tables[STORE_AUDIT_INDEX], &cursor));
	if (r < 0) {
		return r;
	}
	key = (MDB_val){ place.len, place.bytes };
	r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE));
	r = store_error(mdb_cursor_get(cursor, &key, &value, r == -ENOENT ? MDB_LAST : MDB_PREV));
	while (r == 0 && key.mv_size == place.len &&
		memcmp(key.mv_data, place.bytes, target->len) == 0) {
		const uint8_t *number = (const uint8_t *)key.mv_data + target->len;

		r = store_get_audit(look->read, store_audit_number(number), out);
		if (r == 0 && (out->flags & (STORE_AUDIT_MADE | STORE_AUDIT_REMOVED)) != 0) {
			mdb_cursor_close(cursor);
			return 0;
		}
		if (r < 0 && r != -EBADMSG && r != -ENOENT) {
			break;
		}
		r = store_error(mdb_cursor_get(cursor, &key, &value, MDB_PREV));
	}
	mdb_cursor_close(cursor);
	return r < 0 ? r : -ENOENT;
}

static int check_record(struct look *look)
{
	struct store *store = look->read->store;
	struct store_problem problem = name(look);
	struct store_place target;
	struct store_audit audit;
	int r;

	if (store_unseal(store, look->value, look->table, STORE_AT_BODY) == NULL) {
		problem.what = STORE_RECORD_EDITED;
		look->seen(look->context, &problem);
		return 0;
	}
	store_place_init(&target);
	store_audit_target(&target, problem.kind, problem.tenant, problem.target);
	r = target.full ? -ENOENT : find_last(look, &target, &audit);
	if (r == -ENOENT) {
		problem.what = STORE_RECORD_UNKNOWN;
		look->seen(look->context, &problem);
		return 0;
	}
	if (r == 0 && memcmp(audit.made, look->value.mv_data, SECRET_TAG) != 0) {
		problem.what = STORE_RECORD_REPLACED;
		problem.sequence = audit.sequence;
		look->seen(look->context, &problem);
		return 0;
	}
	r = r == 0 ? store_is_listed(look->read, &problem) : r;
	if (r == 0) {
		problem.what = STORE_RECORD_UNLISTED;
		look->seen(look->context, &problem);
	}
	return r < 0 ? r : 0;
}

/* In the table `meta` only settings have entries in the trail. */
static bool has_entry(const struct look *look)
{
	return look->table != STORE_META || store_meta_kind((struct pol_str){ look->key.mv_data,
						    look->key.mv_size }) == STORE_META_SETTING;
}

static int look_at_records(struct look *look)
{
	int r = seek(look);

	while (r == 0 && look->left > 0) {
		r = has_entry(look) ? check_record(look) : 0;
		if (r < 0) {
			return r;
		}
		keep_place(look, look->key.mv_data, look->key.mv_size);
		look->left--;
		look->verify->checked++;
		r = store_error(mdb_cursor_get(look->cursor, &look->key, &look->value, MDB_NEXT));
	}
	return r;
}

/* --- records that are not there --------------------------------------------------------------- */

/* Offsets in a key of the index of targets: kind, tenant, length of the id, id, sequence. */
enum { AT_TENANT = 1, AT_LEN = 5, AT_ID = 6, AFTER_ID = 8 };

static bool is_about(const struct look *look)
{
	const uint8_t *at = look->key.mv_data;

	return look->key.mv_size > AT_ID + AFTER_ID && at[0] == look->kind &&
	       look->key.mv_size == AT_ID + AFTER_ID + (size_t)at[AT_LEN];
}

static int check_target(struct look *look, const struct store_place *target)
{
	struct store *store = look->read->store;
	struct store_problem problem = {
		.what = STORE_RECORD_REMOVED,
		.kind = look->kind,
		.tenant = number_of(target->bytes + AT_TENANT),
		.target = { (const char *)target->bytes + AT_ID, target->len - AT_ID },
	};
	struct store_place place;
	struct store_audit audit;
	MDB_val key, value;
	int r = find_last(look, target, &audit);

	if (r < 0 || (audit.flags & STORE_AUDIT_MADE) == 0) {
		return r == -ENOENT ? 0 : r;
	}
	store_place_init(&place);
	if (look->table == STORE_META) {
		store_place_text(&place, POL_STR(STORE_SETTING));
	} else if (look->kind != STORE_AUDIT_KEY) {
		store_place_u32(&place, problem.tenant);
	}
	if (look->kind != STORE_AUDIT_TENANT) {
		store_place_text(&place, problem.target);
	}
	key = (MDB_val){ place.len, place.bytes };
	r = store_error(mdb_get(look->read->txn, store->tables[look->table], &key, &value));
	if (r == -ENOENT) {
		problem.sequence = audit.sequence;
		look->seen(look->context, &problem);
		r = 0;
	}
	return r;
}

/* Goes from target to target in the index, and skips the other entries about each. */
static int look_for_missing(struct look *look)
{
	MDB_cursor *records = look->cursor;
	int r = store_error(mdb_cursor_open(
		look->read->txn, look->read->store->tables[STORE_AUDIT_INDEX], &look->cursor));

	if (r < 0) {
		look->cursor = records;
		return r;
	}
	if (look->verify->place_len == 1) {
		keep_place(look, &look->kind, 1);
	}
	r = seek(look);
	while (r == 0 && look->left > 0) {
		struct store_place target;

		if (!is_about(look)) {
			r = -ENOENT;
			break;
		}
		store_place_init(&target);
		store_place_text(&target,
			(struct pol_str){ look->key.mv_data, look->key.mv_size - AFTER_ID });
		r = check_target(look, &target);
		if (r < 0) {
			break;
		}
		store_place_u64(&target, UINT64_MAX);
		keep_place(look, target.bytes, target.len);
		look->left--;
		look->verify->checked++;
		r = seek(look);
	}
	mdb_cursor_close(look->cursor);
	look->cursor = records;
	return r;
}

/* --- all of them ------------------------------------------------------------------------------ */

static const struct {
	int (*run)(struct look *look);
	enum store_table table;
	uint8_t kind;
} looks[] = {
	{ look_along, STORE_AUDIT, STORE_AUDIT_NONE },
	{ look_at_records, STORE_KEYS, STORE_AUDIT_KEY },
	{ look_at_records, STORE_PRINCIPALS, STORE_AUDIT_PRINCIPAL },
	{ look_at_records, STORE_ROLES, STORE_AUDIT_ROLE },
	{ look_at_records, STORE_TENANTS, STORE_AUDIT_TENANT },
	{ look_for_missing, STORE_KEYS, STORE_AUDIT_KEY },
	{ look_for_missing, STORE_PRINCIPALS, STORE_AUDIT_PRINCIPAL },
	{ look_for_missing, STORE_ROLES, STORE_AUDIT_ROLE },
	{ look_for_missing, STORE_TENANTS, STORE_AUDIT_TENANT },
	{ look_at_records, STORE_META, STORE_AUDIT_STORE },
	{ look_for_missing, STORE_META, STORE_AUDIT_STORE },
};

enum { LOOKS = sizeof looks / sizeof looks[0] };

static int run(struct look *look, uint8_t number)
{
	int r;

	look->table = looks[number].table;
	look->kind = looks[number].kind;
	r = store_error(mdb_cursor_open(
		look->read->txn, look->read->store->tables[look->table], &look->cursor));
	if (r < 0) {
		return r;
	}
	r = looks[number].run(look);
	mdb_cursor_close(look->cursor);
	return r;
}

int store_verify(struct store_read *read, struct store_verify *verify, uint32_t most,
	uint64_t head_count, store_problem_seen seen, void *context)
{
	struct look look = {
		.read = read,
		.verify = verify,
		.left = most,
		.head_count = head_count,
		.seen = seen,
		.context = context,
	};

	if (verify->place_len == 0) {
		verify->place[0] = 0;
		verify->place_len = 1;
	}
	while (look.left > 0 && verify->place[0] < LOOKS) {
		int r = run(&look, verify->place[0]);

		if (r < 0 && r != -ENOENT) {
			return r;
		}
		if (r == -ENOENT) {
			verify->place[0]++;
			verify->place_len = 1;
		}
	}
	return verify->place[0] >= LOOKS;
}
