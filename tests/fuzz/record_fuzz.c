/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record_fuzz: any bytes as the content of a record or of an entry of the audit trail, under a
 * right tag. They are read whole, or refused. The first byte says which record; the others follow
 * the tag.
 */
#include <lmdb.h>

#include "daemon/store/internal.h"
#include "daemon/store/trail_internal.h"
#include "tests/fuzz/store.h"

enum { MAX_RECORD = 4096 };

static const uint8_t retry_id[STORE_HASH] = { 1, 2, 3, [31] = 4 };
static struct store *store;
static struct store_write *batch;

volatile unsigned fuzz_sum;

/* Reads every byte, so that a sanitizer reports a view that leaves the map. */
static void walk_list(struct store_list list)
{
	struct pol_str text;
	uint64_t number;

	while (store_list_next(&list, &text)) {
		for (size_t i = 0; i < text.len; i++) {
			fuzz_sum = fuzz_sum + (unsigned char)text.ptr[i];
		}
		(void)store_role_split(text, &number);
	}
}

static void walk_principal(const struct store_principal *principal)
{
	struct store_list left = principal->assignments;
	struct store_assignment held;

	walk_list(principal->attributes);
	while (store_assignment_next(&left, &held)) {
		walk_list(held.places);
	}
}

static void put_raw(
	enum store_table table, const void *key, size_t key_len, void *bytes, size_t len)
{
	MDB_val place = { key_len, (void *)(uintptr_t)key }, value = { len, bytes };

	fuzz_require(mdb_put(batch->job, store->tables[table], &place, &value, 0) == 0);
}

/* Each is put at the place that the seeds of its kind name. */
static void read_key(struct store_read *read)
{
	struct store_key key;

	if (store_get_key(read, POL_STR("1aaaaaaaaaaa"), &key) == 0) {
		walk_list(key.roles);
		walk_list(key.scopes);
		walk_list(key.places);
	}
}

static void read_principal(struct store_read *read)
{
	struct store_principal principal;

	if (store_get_principal(read, 0x01020304, POL_STR("alice"), &principal) == 0) {
		walk_principal(&principal);
	}
}

static void read_role(struct store_read *read)
{
	struct store_role role;

	if (store_get_role(read, 0x01020304, POL_STR("auditor"), &role) == 0) {
		walk_list(role.inherits);
		walk_list(role.grants);
		walk_list(role.lines);
	}
}

/* What was read of a use is written in a form that reads the same. */
static void read_use(struct store_read *read)
{
	struct store_days days, again;
	struct store_use use;

	if (store_get_days(read, 1, &use, &days) != 0) {
		return;
	}
	fuzz_require(use.has_ip == !!use.has_ip);
	fuzz_require(store_put_use(batch, 1, &use, &days) == 0);
	fuzz_require(store_get_days(read, 1, &use, &again) == 0);
	fuzz_require(memcmp(days.uses, again.uses, sizeof days.uses) == 0 &&
		     memcmp(days.denials, again.denials, sizeof days.denials) == 0 &&
		     (days.uses[0] == 0 || days.newest == again.newest));
}

static void read_rest(struct store_read *read)
{
	struct store_tenant tenant;
	struct store_retry retry;
	struct store_used used;

	(void)store_get_tenant(read, 2, &tenant);
	read_use(read);
	fuzz_require(store_get_used(read, 1, &used) != 0 || used.count <= STORE_MAX_USED);
	(void)store_get_retry(read, retry_id, &retry);
}

static void put_record(unsigned kind, uint8_t *bytes, size_t len)
{
	static const struct {
		enum store_table table;
		const char *key;
		size_t len;
	} kinds[] = {
		{ STORE_KEYS, "1aaaaaaaaaaa", 12 },
		{ STORE_PRINCIPALS, "\1\2\3\4alice", 9 },
		{ STORE_ROLES, "\1\2\3\4auditor", 11 },
		{ STORE_TENANTS, "\0\0\0\2", 4 },
		{ STORE_USES, "\0\0\0\0\0\0\0\1", 8 },
		{ STORE_USED, "\0\0\0\0\0\0\0\1", 8 },
		{ STORE_RETRIES, (const char *)retry_id, sizeof retry_id },
	};

	kind %= sizeof kinds / sizeof kinds[0];
	if (len < STORE_AT_BODY) {
		return;
	}
	memcpy(store->buffer, bytes, len);
	store_seal(store, kinds[kind].table, len);
	put_raw(kinds[kind].table, kinds[kind].key, kinds[kind].len, store->buffer, len);
}

static void put_entry(uint8_t *bytes, size_t len)
{
	uint8_t tag[STORE_CHAIN];

	if (len < AUDIT_VERSION) {
		return;
	}
	store_audit_chain(store, bytes, len, tag);
	memcpy(bytes, tag, sizeof tag);
	put_raw(STORE_AUDIT, "\0\0\0\0\0\0\0\1", 8, bytes, len);
}

static void on_problem(void *context, const struct store_problem *problem)
{
	(void)context;
	fuzz_require(problem->what <= STORE_RECORD_UNLISTED);
}

static void read_all(void)
{
	struct store_read *read = store_write_reader(batch);
	struct store_verify verify = { .checked = 0 };
	struct store_audit audit;

	read_key(read);
	read_principal(read);
	read_role(read);
	read_rest(read);
	if (store_get_audit(read, 1, &audit) == 0) {
		walk_list(audit.fields);
	}
	while (store_verify(read, &verify, 64, 1, on_problem, NULL) == 0) {
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *record;

	if (store == NULL) {
		fuzz_folder();
		store = fuzz_store();
	}
	if (size < 2 || size > MAX_RECORD) {
		return 0;
	}
	record = fuzz_copy(data + 1, size - 1);
	fuzz_require(store_write_begin(store, &batch) == 0 && store_write_ready(batch) == 0);
	if (data[0] % 8 == 7) {
		put_entry(record, size - 1);
	} else {
		put_record(data[0] % 8, record, size - 1);
	}
	read_all();
	store_write_abort(batch);
	free(record);
	return 0;
}
