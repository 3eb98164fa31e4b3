/* SPDX-License-Identifier: Apache-2.0 */
/* The place in a shared log, rows, settings and marks. */
#include "daemon/store/shared.h"

#include <errno.h>

#include "tests/daemon/store/pair.h"

TestSuite(shared, .init = pair_setup, .fini = pair_teardown);

/* --- the place, rows, settings ---------------------------------------------------------------- */

Test(shared, the_place_is_as_it_was_put_until_it_is_dropped)
{
	struct store_write *write = pair_begin(a);
	struct store_shared found;

	cr_assert_eq(store_get_shared(store_write_reader(write), &found), -ENOENT);
	cr_assert_eq(store_put_shared(write, &pair_place), 0);
	cr_assert_eq(store_get_shared(store_write_reader(write), &found), 0);
	cr_assert_eq(memcmp(found.realm, pair_place.realm, sizeof found.realm), 0);
	cr_assert_eq(memcmp(found.tag, pair_place.tag, sizeof found.tag), 0);
	cr_assert_eq(found.epoch, 4);
	cr_assert_eq(found.sequence, 5);
	cr_assert(found.diverged);
	cr_assert_eq(found.server_system, 8);
	cr_assert_eq(found.server_timeline, 9);
	cr_assert_eq(store_drop_shared(write), 0);
	cr_assert_eq(store_get_shared(store_write_reader(write), &found), -ENOENT);
	store_write_abort(write);
}

/* The bytes after the tag. */
static void expect_bytes(struct store_write *write, enum store_table table, const char *name,
	const char *bytes, size_t len)
{
	struct store *store = write->store;
	MDB_val key = { strlen(name), (void *)(uintptr_t)name }, value;

	cr_assert_eq(mdb_get(write->job, store->tables[table], &key, &value), 0);
	cr_assert_eq(value.mv_size, SECRET_TAG + len, "%s: %zu", name, value.mv_size);
	cr_assert_eq(memcmp((const char *)value.mv_data + SECRET_TAG, bytes, len), 0, "%s", name);
	cr_assert_not_null(store_unseal(store, value, table, STORE_AT_BODY));
}

Test(shared, the_forms_on_disk_are_what_stores_have)
{
	static const char setting[] = "\x00\x01\x0fsetting:max_lag3s";
	static const char shared[] = "\x00\x01\x06shared"
				     "\1\2\0\0\0\0\0\0\0\0\0\0\0\0\0\3"
				     "\4\0\0\0\0\0\0\0"
				     "\5\0\0\0\0\0\0\0"
				     "\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\7"
				     "\1"
				     "\x08\0\0\0\0\0\0\0"
				     "\x09\0\0\0";
	static const char mark[] = "\x13\x01"
				   "1aaaaaaaaaaa\2"
				   "\x4d\0\0\0\0\0\0\0"
				   "\xe8\3\0\0";
	const struct store_mark put = { .kid = { '1', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a', 'a',
						'a', 'a' },
		.what = STORE_MARK_REVOKE,
		.at = 77,
		.uid = 1000 };
	struct store_write *write = pair_begin(a);

	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("3s")), 0);
	cr_assert_eq(store_put_shared(write, &pair_place), 0);
	cr_assert_eq(store_put_mark(write, &put), 0);
	expect_bytes(write, STORE_META, "setting:max_lag", setting, sizeof setting - 1);
	expect_bytes(write, STORE_META, "shared", shared, sizeof shared - 1);
	expect_bytes(write, STORE_MARKS, "1aaaaaaaaaaa", mark, sizeof mark - 1);
	store_write_abort(write);
}

Test(shared, rows_are_views_of_what_was_put_and_the_oldest_are_dropped_first)
{
	struct store_write *write = pair_begin(a);
	struct store_read *read = store_write_reader(write);
	struct pol_str row;
	uint64_t oldest = 0;
	bool more = false;

	cr_assert_eq(store_oldest_row(read, &oldest), -ENOENT);
	for (uint64_t i = 300; i > 250; i--) {
		cr_assert_eq(store_put_row(write, i, (struct pol_str){ (char *)&i, sizeof i }), 0);
	}
	cr_assert_eq(store_get_row(read, 256, &row), 0);
	cr_assert_eq(row.len, sizeof(uint64_t));
	cr_assert_eq(*(const uint8_t *)row.ptr, 0);
	cr_assert_eq(store_get_row(read, 250, &row), -ENOENT);
	cr_assert_eq(store_drop_rows(write, 270, 10, &more), 0);
	cr_assert(more);
	cr_assert_eq(store_oldest_row(read, &oldest), 0);
	cr_assert_eq(oldest, 261);
	cr_assert_eq(store_drop_rows(write, 270, 9, &more), 0);
	cr_assert_not(more);
	cr_assert_eq(store_oldest_row(read, &oldest), 0);
	cr_assert_eq(oldest, 270);
	store_write_abort(write);
}

Test(shared, a_setting_is_kept_until_an_empty_text_and_owes_an_entry)
{
	struct store_write *write = pair_begin(a);
	struct store_read *read = store_write_reader(write);
	struct pol_str text;

	cr_assert_eq(store_get_setting(read, "max_lag", &text), -ENOENT);
	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("3s")), 0);
	cr_assert(store_write_owes(write));
	cr_assert_eq(
		pair_enter(write, STORE_AUDIT_STORE, STORE_AUDIT_MADE, 0, POL_STR("max_lag")), 0);
	cr_assert_not(store_write_owes(write));
	cr_assert_eq(store_get_setting(read, "max_lag", &text), 0);
	cr_assert(pol_str_equal(text, POL_STR("3s")));
	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("")), 0);
	cr_assert(store_write_owes(write));
	cr_assert_eq(store_get_setting(read, "max_lag", &text), -ENOENT);
	cr_assert_eq(store_put_setting(write, "", POL_STR("3s")), -E2BIG);
	store_write_abort(write);
}

static unsigned problems[STORE_RECORD_UNLISTED + 1];

static void on_problem(void *context, const struct store_problem *problem)
{
	(void)context;
	problems[problem->what]++;
	cr_assert_eq(problem->kind, STORE_AUDIT_STORE);
	cr_assert(pol_str_equal(problem->target, POL_STR("max_lag")));
}

static void verify(struct store_write *write)
{
	struct store_verify state = { .checked = 0 };

	memset(problems, 0, sizeof problems);
	while (store_verify(store_write_reader(write), &state, 3, 0, on_problem, NULL) == 0) {
	}
}

Test(shared, verification_finds_a_setting_that_is_not_the_trails)
{
	struct store_write *write = pair_begin(a);

	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("3s")), 0);
	cr_assert_eq(
		pair_enter(write, STORE_AUDIT_STORE, STORE_AUDIT_MADE, 0, POL_STR("max_lag")), 0);
	verify(write);
	for (size_t i = 0; i < sizeof problems / sizeof problems[0]; i++) {
		cr_assert_eq(problems[i], 0);
	}
	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("9s")), 0);
	verify(write);
	cr_assert_eq(problems[STORE_RECORD_REPLACED], 1);
	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("")), 0);
	verify(write);
	cr_assert_eq(problems[STORE_RECORD_REMOVED], 1);
	store_write_abort(write);
}

/* --- marks ------------------------------------------------------------------------------------ */

static int on_mark(void *context, const struct store_mark *mark)
{
	cr_assert_eq(mark->at, 77);
	cr_assert_eq(mark->uid, 1000);
	++*(unsigned *)context;
	return 0;
}

Test(shared, a_mark_is_found_until_it_is_dropped)
{
	struct store_read *read;
	struct store_write *write;
	struct store_mark mark;
	unsigned count = 0;

	cr_assert_not(store_has_marks(a));
	pair_put_mark(a, "1aaaaaaaaaaa");
	pair_put_mark(a, "1bbbbbbbbbbb");
	read = folder_reader(a);
	cr_assert_eq(store_get_mark(read, POL_STR("1aaaaaaaaaaa"), &mark), 0);
	cr_assert_eq(mark.what, STORE_MARK_REVOKE);
	cr_assert_eq(mark.at, 77);
	cr_assert_eq(store_get_mark(read, POL_STR("1ccccccccccc"), &mark), -ENOENT);
	cr_assert_eq(store_list_marks(read, on_mark, &count), 0);
	cr_assert_eq(count, 2);
	write = pair_begin(a);
	cr_assert_eq(store_drop_mark(write, POL_STR("1aaaaaaaaaaa")), 0);
	cr_assert_eq(store_drop_mark(write, POL_STR("1ccccccccccc")), -ENOENT);
	pair_end(write);
	cr_assert(store_has_marks(a));
	write = pair_begin(a);
	cr_assert_eq(store_drop_mark(write, POL_STR("1bbbbbbbbbbb")), 0);
	pair_end(write);
	cr_assert_not(store_has_marks(a));
	store_read_close(read);
}

Test(shared, marks_and_the_place_outlive_a_restart)
{
	struct store_write *write = pair_begin(a);
	struct store_shared found;
	struct store_read *read;

	cr_assert_eq(store_put_shared(write, &pair_place), 0);
	pair_end(write);
	pair_put_mark(a, "1aaaaaaaaaaa");
	store_close(a);
	a = pair_open("store", STORE_MAP_SIZE_SMALL);
	cr_assert(store_has_marks(a));
	read = folder_reader(a);
	cr_assert_eq(store_get_shared(read, &found), 0);
	cr_assert_eq(found.sequence, 5);
	store_read_close(read);
}

/* --- backups ---------------------------------------------------------------------------------- */

Test(shared, a_backup_has_neither_rows_marks_nor_the_place_and_a_whole_copy_has_retries)
{
	uint64_t totals[2];
	uint8_t *bytes = malloc(STORE_COPY_PIECE);
	struct store_write *write = pair_begin(a);
	const uint8_t zeroes[STORE_HASH] = { 0 };
	const struct store_retry retry = {
		.id = zeroes,
		.fingerprint = zeroes,
		.made = zeroes,
		.kid = POL_STR("1aaaaaaaaaaa"),
		.at = 1000,
		.sealed = zeroes,
		.sealed_len = sizeof zeroes,
	};

	cr_assert_eq(store_put_retry(write, &retry), 0);
	cr_assert_eq(store_put_shared(write, &pair_place), 0);
	cr_assert_eq(store_put_row(write, 5, POL_STR("this is a row")), 0);
	pair_end(write);
	pair_put_mark(a, "1aaaaaaaaaaa");
	for (int whole = 0; whole < 2; whole++) {
		struct store_copy *copy;
		uint64_t done;
		size_t len;

		cr_assert_eq((whole ? store_copy_open_whole : store_copy_open)(a, &copy), 0);
		cr_assert_eq(store_copy_next(copy, bytes, STORE_COPY_PIECE, &len), 1);
		cr_assert_null(memmem(bytes, len, "this is a row", 13));
		cr_assert_null(memmem(bytes, len, "shared", 6));
		cr_assert_null(memmem(bytes, len, "marks", 5));
		store_copy_progress(copy, &done, &totals[whole]);
		cr_assert_eq(done, totals[whole]);
		store_copy_close(copy);
	}
	cr_assert_eq(totals[1], totals[0] + 2);
	free(bytes);
}
