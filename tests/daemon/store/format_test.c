/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The bytes of records on disk: they are as they always were, and no others are accepted.
 */

#include "tests/daemon/store/format_rows.h"

enum { ROUNDS = 3000, MAX_TEXT = 60 };

/* --- what holds for each row ------------------------------------------------------------------ */

static size_t bytes_of(const struct row *row, uint8_t *out)
{
	size_t len = strlen(row->bytes) / 2;

	for (size_t i = 0; i < len; i++) {
		unsigned byte;

		cr_assert_eq(sscanf(row->bytes + 2 * i, "%2x", &byte), 1);
		out[i] = (uint8_t)byte;
	}
	return len;
}

static MDB_val place_of(const struct row *row)
{
	return (MDB_val){ row->place.len, (void *)(uintptr_t)row->place.ptr };
}

static MDB_val stored(const struct row *row)
{
	MDB_val place = place_of(row), value = { 0, NULL };

	cr_assert_eq(mdb_get(batch->job, store->tables[row->table], &place, &value), 0, "%s",
		row->title);
	return value;
}

static void store_raw(const struct row *row, uint8_t *bytes, size_t len)
{
	MDB_val place = place_of(row), value = { len, bytes };

	cr_assert_eq(mdb_put(batch->job, store->tables[row->table], &place, &value, 0), 0);
}

/* Stores the bytes as the row's record, under a tag that is right for them. */
static void store_tagged(const struct row *row, uint8_t *bytes, size_t len)
{
	if (row->table == STORE_AUDIT) {
		store_audit_chain(store, bytes, len, bytes);
	} else {
		memcpy(store->buffer, bytes, len);
		store_seal(store, row->table, len);
		memcpy(bytes, store->buffer, len);
	}
	store_raw(row, bytes, len);
}

Test(format, records_are_written_as_before)
{
	uint8_t bytes[1024];

	for (size_t i = 0; i < ROWS; i++) {
		size_t len = bytes_of(&rows[i], bytes);
		MDB_val value;

		rows[i].put();
		value = stored(&rows[i]);
		cr_expect(value.mv_size == len && memcmp(value.mv_data, bytes, len) == 0, "%s",
			rows[i].title);
		store_write_undo(batch);
		cr_assert_eq(store_write_ready(batch), 0);
	}
}

Test(format, records_that_were_written_before_are_read)
{
	uint8_t bytes[1024];

	for (size_t i = 0; i < ROWS; i++) {
		store_raw(&rows[i], bytes, bytes_of(&rows[i], bytes));
		cr_expect_eq(rows[i].get(true), 0, "%s", rows[i].title);
	}
}

Test(format, a_record_that_is_too_short_or_too_long_is_refused_even_with_a_right_tag)
{
	uint8_t bytes[1024];

	for (size_t i = 0; i < ROWS; i++) {
		size_t whole = bytes_of(&rows[i], bytes);
		size_t first = rows[i].table == STORE_AUDIT ? AUDIT_VERSION : STORE_AT_BODY;

		for (size_t len = first; len <= whole + 1; len++) {
			bytes[whole] = 0;
			bytes_of(&rows[i], bytes);
			store_tagged(&rows[i], bytes, len);
			if (len != whole && (rows[i].least == 0 || len < rows[i].least)) {
				cr_expect_eq(rows[i].get(false), -EBADMSG, "%s of %zu bytes",
					rows[i].title, len);
			}
		}
	}
}

Test(format, a_record_with_any_wrong_bit_is_refused)
{
	uint8_t bytes[1024];

	for (size_t i = 0; i < ROWS; i++) {
		size_t len = bytes_of(&rows[i], bytes);

		for (size_t bit = 0; bit < 8 * len; bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			store_raw(&rows[i], bytes, len);
			cr_expect_eq(
				rows[i].get(false), -EBADMSG, "%s, bit %zu", rows[i].title, bit);
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* The newest day in four bytes, which of the days up to it in four, then numbers. */
Test(format, days_have_one_form)
{
	static const struct {
		const char *tail;
		size_t len;
		int expected;
	} cases[] = {
		{ "\2\0\0\0\1\0\0\0\x80\1\0", 11, 0 }, { "\2\0\0\0\7\0\0\0\1\0\1\0\1\0", 14, 0 },
		{ "\2\0\0\0\0\0\0\0", 8, -EBADMSG },                    /* no day */
		{ "\2\0\0\0\2\0\0\0\1\0", 10, -EBADMSG },               /* not of the newest */
		{ "\2\0\0\0\x0f\0\0\0\1\0\1\0\1\0\1\0", 16, -EBADMSG }, /* before 1970 */
		{ "\2\0\0\0\1\0\0\0\0\0", 10, -EBADMSG },               /* without uses */
		{ "\2\0\0\0\1\0\0\0\x81\0\0", 11, -EBADMSG },           /* a longer form */
		{ "\2\0\0\0\1\0\0\0\1", 9, -EBADMSG },                  /* cut short */
		{ "\2\0\0\0\1\0\0\0\1\0\0", 11, -EBADMSG },             /* too long */
		{ "\2\0\0\0\1\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\2\0", 19,
			-EBADMSG }, /* more than 64 bits */
	};
	const struct row *row = &rows[0];
	uint8_t bytes[1024];

	while (row->put != put_use) {
		row++;
	}
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		size_t len = bytes_of(row, bytes);
		struct store_days found;
		struct store_use use;

		memcpy(bytes + len, cases[i].tail, cases[i].len);
		store_tagged(row, bytes, len + cases[i].len);
		cr_expect_eq(
			store_get_days(store_write_reader(batch), 0x0102030405060708, &use, &found),
			cases[i].expected, "case %zu", i);
	}
}

/* --- any content ------------------------------------------------------------------------------ */

static uint64_t state = 1;

static uint64_t draw(uint64_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 33) % below;
}

static struct pol_str draw_text(char out[MAX_TEXT], size_t least)
{
	size_t len = least + draw(MAX_TEXT - least);

	for (size_t i = 0; i < len; i++) {
		out[i] = (char)draw(256);
	}
	return (struct pol_str){ out, len };
}

static struct store_list draw_list(unsigned number)
{
	struct store_pack pack = { .bytes = list_bytes[number], .cap = sizeof list_bytes[number] };
	char text[MAX_TEXT];

	for (size_t i = draw(6); i > 0; i--) {
		store_pack_add(&pack, draw_text(text, 0));
	}
	return store_pack_list(&pack);
}

Test(format, a_role_of_any_content_comes_back)
{
	char name[MAX_TEXT], description[MAX_TEXT], by[MAX_TEXT];

	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct store_role role = {
			.tenant = (uint32_t)draw(UINT32_MAX),
			.number = draw(UINT32_MAX) << 32 | draw(UINT32_MAX),
			.created_at = (int64_t)draw(UINT32_MAX) - 5,
			.updated_at = (int64_t)draw(UINT32_MAX) - 5,
			.name = draw_text(name, 1),
			.description = draw_text(description, 0),
			.created_by = draw_text(by, 0),
			.inherits = draw_list(0),
			.grants = draw_list(1),
			.lines = draw_list(2),
		};
		struct store_role found;

		cr_assert_eq(store_put_role(batch, &role), 0);
		cr_assert_eq(
			store_get_role(store_write_reader(batch), role.tenant, role.name, &found),
			0);
		cr_assert(found.number == role.number && found.created_at == role.created_at &&
			  found.updated_at == role.updated_at);
		cr_assert(pol_str_equal(found.name, role.name) &&
			  pol_str_equal(found.description, role.description) &&
			  pol_str_equal(found.created_by, role.created_by));
		cr_assert(same_list(found.inherits, role.inherits) &&
			  same_list(found.grants, role.grants) &&
			  same_list(found.lines, role.lines));
	}
}

Test(format, a_principal_of_any_content_comes_back)
{
	char id[MAX_TEXT], name[MAX_TEXT], by[MAX_TEXT];

	for (unsigned i = 0; i < ROUNDS; i++) {
		const struct store_principal principal = {
			.id = draw_text(id, 1),
			.tenant = (uint32_t)draw(UINT32_MAX),
			.flags = (uint32_t)draw(256),
			.created_at = (int64_t)draw(UINT32_MAX) - 5,
			.name = draw_text(name, 0),
			.created_by = draw_text(by, 0),
			.attributes = draw_list(0),
		};
		struct store_principal found;

		cr_assert_eq(store_put_principal(batch, &principal), 0);
		cr_assert_eq(store_get_principal(store_write_reader(batch), principal.tenant,
				     principal.id, &found),
			0);
		cr_assert(
			found.flags == principal.flags && found.created_at == principal.created_at);
		cr_assert(pol_str_equal(found.id, principal.id) &&
			  pol_str_equal(found.name, principal.name) &&
			  pol_str_equal(found.created_by, principal.created_by));
		cr_assert(same_list(found.attributes, principal.attributes));
		cr_assert_eq(found.assignments.count, 0);
	}
}

Test(format, what_a_records_lengths_have_no_room_for_is_not_written)
{
	static char text[UINT16_MAX + 1];
	const struct pol_str long_text = { text, UINT8_MAX + 1 }, longest = { text, sizeof text };
	struct store_principal principal = some_principal();
	struct store_role role = some_role();
	struct store_key key = plain_key();
	struct store_tenant tenant = { .name = POL_STR("acme"), .created_by = long_text };

	principal.created_by = long_text;
	cr_expect_eq(store_put_principal(batch, &principal), -E2BIG);
	principal = some_principal();
	principal.name = longest;
	cr_expect_eq(store_put_principal(batch, &principal), -E2BIG);
	principal = some_principal();
	principal.flags = UINT8_MAX + 1;
	cr_expect_eq(store_put_principal(batch, &principal), -E2BIG);
	role.created_by = long_text;
	cr_expect_eq(store_put_role(batch, &role), -E2BIG);
	role = some_role();
	role.description = longest;
	cr_expect_eq(store_put_role(batch, &role), -E2BIG);
	key.created_by = long_text;
	cr_expect_eq(store_create_key(batch, &key), -E2BIG);
	cr_expect_eq(store_create_tenant(batch, &tenant), -E2BIG);
}

/* The tag of the key's record as it is, and its count of changes. */
static void look_at_key(struct pol_str kid, uint32_t changes, uint8_t tag[static STORE_TAG])
{
	struct store_key found;

	cr_assert_eq(store_get_key(store_write_reader(batch), kid, &found), 0);
	cr_expect_eq(found.changes, changes);
	memcpy(tag, found.tag, STORE_TAG);
}

Test(format, no_two_versions_of_a_key_are_equal)
{
	struct store_key keys[] = { plain_key(), rotated_key() };

	for (size_t i = 0; i < 2; i++) {
		uint8_t tags[3][STORE_TAG];

		cr_assert_eq(store_create_key(batch, &keys[i]), 0);
		look_at_key(keys[i].kid, 0, tags[0]);
		cr_assert_eq(store_update_key(batch, &keys[i]), 0);
		look_at_key(keys[i].kid, 1, tags[1]);
		keys[i].changes = 0;
		cr_assert_eq(store_update_key(batch, &keys[i]), 0);
		look_at_key(keys[i].kid, 2, tags[2]);
		cr_expect_neq(memcmp(tags[0], tags[1], STORE_TAG), 0);
		cr_expect_neq(memcmp(tags[1], tags[2], STORE_TAG), 0);
		cr_expect_neq(memcmp(tags[0], tags[2], STORE_TAG), 0);
	}
}

/* The largest key that can be created can be changed, too. */
Test(format, every_key_can_be_revoked)
{
	static char text[UINT16_MAX];
	struct store_key key = plain_key();
	size_t len = sizeof text;

	memset(text, 'x', sizeof text);
	do {
		key.label = (struct pol_str){ text, --len };
	} while (store_create_key(batch, &key) == -E2BIG);
	cr_assert_gt(len, 60000);
	key.flags |= STORE_KEY_REVOKED;
	cr_expect_eq(store_update_key(batch, &key), 0);
}

/* Writes the number of a format under a right tag, into a store that is closed then. */
static void write_format(uint64_t format)
{
	const struct pol_str check = POL_STR("check");
	MDB_val key = { check.len, (void *)(uintptr_t)check.ptr }, value;
	uint8_t bytes[256];
	char path[256];
	MDB_env *env;
	MDB_txn *txn;
	MDB_dbi meta;

	value.mv_size = store_encode_meta(store, check, format);
	cr_assert_leq(value.mv_size, sizeof bytes);
	memcpy(bytes, store->buffer, value.mv_size);
	value.mv_data = bytes;
	store_write_abort(batch);
	store_close(store);
	store = NULL;
	batch = NULL;

	folder_path(path, sizeof path, "store");
	cr_assert_eq(mdb_env_create(&env), 0);
	cr_assert_eq(mdb_env_set_maxdbs(env, 1), 0);
	cr_assert_eq(mdb_env_set_mapsize(env, STORE_MAP_SIZE_SMALL), 0);
	cr_assert_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
	cr_assert_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
	cr_assert_eq(mdb_dbi_open(txn, "meta", 0, &meta), 0);
	cr_assert_eq(mdb_put(txn, meta, &key, &value, 0), 0);
	cr_assert_eq(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

Test(format, the_stores_own_format_is_opened)
{
	char why[STORE_WHY] = "";

	write_format(STORE_FORMAT);
	cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), 0, "%s", why);
}

static uint64_t read_format(void)
{
	struct store_read *read = folder_reader(store);
	MDB_val key = { 5, (void *)(uintptr_t) "check" }, value;
	uint64_t found = 0;

	cr_assert_eq(mdb_get(read->txn, store->tables[STORE_META], &key, &value), 0);
	cr_assert_eq(store_decode_meta(store, value, POL_STR("check"), &found), 0);
	store_read_close(read);
	return found;
}

/* A program that does not know a form of records that the store may have must refuse it. */
Test(format, a_store_of_an_older_format_gets_this_one_when_it_is_opened)
{
	char why[STORE_WHY] = "";

	for (uint64_t older = 1; older < STORE_FORMAT; older++) {
		write_format(older);
		cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), 0, "%s", why);
		cr_expect_eq(read_format(), STORE_FORMAT);
	}
}

/* The record of an earlier authzd is the row "use". */
Test(format, a_use_in_a_store_of_an_older_format_is_read_and_days_are_added_to_it)
{
	struct store_days found;
	struct store_use use;
	char why[STORE_WHY] = "";

	put_use();
	cr_assert_eq(store_write_keep(batch), 0);
	cr_assert_eq(store_write_commit(batch, true), 0);
	batch = NULL;
	write_format(1);
	cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), 0, "%s", why);
	cr_assert_eq(store_write_begin(store, &batch), 0);
	cr_assert_eq(get_use(true), 0);
	cr_assert_eq(get_days(false), -EBADMSG, "it has none");
	put_days();
	cr_assert_eq(get_days(true), 0);
	cr_assert_eq(store_get_days(store_write_reader(batch), 7, &use, &found), 0);
	cr_assert_eq(found.uses[0], 0);
}

Test(format, a_new_store_has_this_format)
{
	cr_expect_eq(read_format(), STORE_FORMAT);
}

Test(format, a_store_of_a_newer_format_is_refused_and_kept)
{
	char why[STORE_WHY] = "";

	write_format(STORE_FORMAT + 1);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), -ENOTSUP);
		cr_assert_not_null(
			strstr(why, "a newer authzd has written this store, in format 4"));
	}
}
