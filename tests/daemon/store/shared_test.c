/* SPDX-License-Identifier: Apache-2.0 */
/* The place in a shared log, rows, settings and marks; and a copy that replaces all records. */
#include "daemon/store/shared.h"

#include <errno.h>
#include <fcntl.h>

#include "tests/daemon/store/pair.h"

TestSuite(shared, .init = pair_setup, .fini = pair_teardown);

static void commit(struct store_write *write)
{
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, true), 0);
}

/* --- the place, rows, settings ---------------------------------------------------------------- */

static const struct store_shared place = { .realm = { 1, 2, [15] = 3 },
	.epoch = 4,
	.sequence = 5,
	.tag = { 6, [31] = 7 },
	.diverged = true,
	.server_system = 8,
	.server_timeline = 9 };

Test(shared, the_place_is_as_it_was_put_until_it_is_dropped)
{
	struct store_write *write = pair_begin(a);
	struct store_shared found;

	cr_assert_eq(store_get_shared(store_write_reader(write), &found), -ENOENT);
	cr_assert_eq(store_put_shared(write, &place), 0);
	cr_assert_eq(store_get_shared(store_write_reader(write), &found), 0);
	cr_assert_eq(memcmp(found.realm, place.realm, sizeof found.realm), 0);
	cr_assert_eq(memcmp(found.tag, place.tag, sizeof found.tag), 0);
	cr_assert_eq(found.epoch, 4);
	cr_assert_eq(found.sequence, 5);
	cr_assert(found.diverged);
	cr_assert_eq(found.server_system, 8);
	cr_assert_eq(found.server_timeline, 9);
	cr_assert_eq(store_drop_shared(write), 0);
	cr_assert_eq(store_get_shared(store_write_reader(write), &found), -ENOENT);
	store_write_abort(write);
}

static void expect_format(struct store *store, uint64_t format)
{
	struct store_read *read = folder_reader(store);
	MDB_val key = { 5, (void *)(uintptr_t) "check" }, value;
	uint64_t found = 0;

	cr_assert_eq(mdb_get(read->txn, store->tables[STORE_META], &key, &value), 0);
	cr_assert_eq(store_decode_meta(store, value, POL_STR("check"), &found), 0);
	cr_assert_eq(found, format);
	store_read_close(read);
}

Test(shared, a_store_with_a_place_has_a_format_that_older_programs_refuse)
{
	struct store_write *write = pair_begin(a);

	expect_format(a, 1);
	cr_assert_eq(store_put_shared(write, &place), 0);
	commit(write);
	expect_format(a, 2);
	write = pair_begin(a);
	cr_assert_eq(store_put_shared(write, &place), 0);
	cr_assert_eq(store_drop_shared(write), 0);
	commit(write);
	expect_format(a, 1);
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

static struct store_mark mark_of(const char *kid, enum store_mark_what what)
{
	struct store_mark mark = { .what = what, .at = 77, .uid = 1000 };

	memcpy(mark.kid, kid, STORE_KID);
	return mark;
}

static void put_mark(struct store *store, const char *kid)
{
	const struct store_mark mark = mark_of(kid, STORE_MARK_REVOKE);
	struct store_write *write = pair_begin(store);

	cr_assert_eq(store_put_mark(write, &mark), 0);
	cr_assert(store_has_marks(store), "before the commit");
	commit(write);
}

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
	put_mark(a, "1aaaaaaaaaaa");
	put_mark(a, "1bbbbbbbbbbb");
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
	commit(write);
	cr_assert(store_has_marks(a));
	write = pair_begin(a);
	cr_assert_eq(store_drop_mark(write, POL_STR("1bbbbbbbbbbb")), 0);
	commit(write);
	cr_assert_not(store_has_marks(a));
	store_read_close(read);
}

Test(shared, marks_and_the_place_outlive_a_restart)
{
	struct store_write *write = pair_begin(a);
	struct store_shared found;
	struct store_read *read;

	cr_assert_eq(store_put_shared(write, &place), 0);
	commit(write);
	put_mark(a, "1aaaaaaaaaaa");
	store_close(a);
	a = pair_open("store", STORE_MAP_SIZE_SMALL);
	cr_assert(store_has_marks(a));
	read = folder_reader(a);
	cr_assert_eq(store_get_shared(read, &found), 0);
	cr_assert_eq(found.sequence, 5);
	store_read_close(read);
}

/* --- a copy in place of all records ----------------------------------------------------------- */

struct pieces {
	struct store_copy *copy;
	uint8_t *bytes;
	unsigned count;
	unsigned flip; /* the number of a piece to damage */
};

static int next_piece(void *context, struct pol_str *out)
{
	struct pieces *pieces = (struct pieces *)context;
	size_t len;
	int r = store_copy_next(pieces->copy, pieces->bytes, STORE_COPY_PIECE, &len);

	if (++pieces->count == pieces->flip) {
		pieces->bytes[len / 2] ^= 1;
	}
	*out = (struct pol_str){ (const char *)pieces->bytes, len };
	return r;
}

/* Replaces `to` by a copy of `from`. */
static int replace(struct store *from, struct store *to, unsigned flip, bool keep)
{
	struct pieces pieces = { .bytes = malloc(STORE_COPY_PIECE), .flip = flip };
	struct store_write *write = pair_begin(to);
	char why[STORE_WHY] = "";
	int r;

	cr_assert_eq(store_copy_open_whole(from, &pieces.copy), 0);
	r = store_replace(write, next_piece, &pieces, why);
	cr_assert(r == 0 || why[0] != '\0');
	if (r == 0 && keep) {
		cr_assert(store_write_changed_roles(write));
		r = store_write_commit(write, true);
	} else {
		store_write_abort(write);
	}
	store_copy_close(pieces.copy);
	free(pieces.bytes);
	return r;
}

static void fill(struct store *store, uint64_t state, unsigned batches)
{
	for (unsigned i = 0; i < batches; i++) {
		struct store_write *write = pair_begin(store);

		for (unsigned k = 0; k < 5; k++) {
			pair_job(write, &state);
			cr_assert_eq(store_write_keep(write), 0);
		}
		cr_assert_eq(store_write_commit(write, true), 0);
	}
}

static unsigned alls;

static void on_key(void *context, uint64_t version, uint64_t number)
{
	(void)context, (void)version, (void)number;
}

static void on_principal(void *context, uint64_t version, uint32_t tenant, struct pol_str id)
{
	(void)context, (void)version, (void)tenant, (void)id;
}

static void on_all(void *context, uint64_t version)
{
	(void)context, (void)version;
	alls++;
}

static const struct store_watch watch = { .key = on_key, .principal = on_principal, .all = on_all };

Test(shared, a_replaced_store_has_all_records_of_the_copy_and_opens_again)
{
	fill(a, 1, 60);
	fill(b, 2, 90); /* a longer trail: the head goes back */
	store_set_watch(b, &watch);
	cr_assert_eq(replace(a, b, 0, true), 0);
	cr_assert_eq(alls, 1);
	pair_assert_equal(a, b);
	cr_assert_eq(store_head_count(a), store_head_count(b));
	store_close(b);
	b = pair_open("other", STORE_MAP_SIZE_SMALL);
	pair_assert_equal(a, b);
	fill(b, 3, 3);
}

Test(shared, a_reader_sees_one_state_while_the_store_is_replaced)
{
	struct store_read *read;
	uint64_t commits;
	struct store_head head, again;

	fill(a, 1, 10);
	fill(b, 2, 20);
	read = folder_reader(b);
	cr_assert_eq(store_get_head(read, &head), 0);
	commits = store_generation(b);
	cr_assert_eq(replace(a, b, 0, true), 0);
	cr_assert_eq(store_generation(b), commits + 2);
	cr_assert_eq(store_get_head(read, &again), 0);
	cr_assert_eq(memcmp(&head, &again, sizeof head), 0);
	cr_assert_eq(store_read_renew(read), 0);
	cr_assert_eq(store_get_head(read, &again), 0);
	cr_assert_eq(again.count, store_head_count(a));
	store_read_close(read);
}

Test(shared, marks_the_place_and_uses_of_the_same_keys_stay_and_rows_do_not)
{
	const struct store_use use = { .at = 7, .uses = 3 };
	struct store_write *write;
	struct store_shared found;
	struct store_read *read;
	struct store_use used;
	struct pol_str row;

	folder_put_key(a, 1); /* number 1 on both */
	folder_put_key(b, 1);
	folder_put_key(a, 2); /* number 2 is another key */
	folder_put_key(b, 3);
	write = pair_begin(b);
	cr_assert_eq(store_put_use(write, 1, &use), 0);
	cr_assert_eq(store_put_use(write, 2, &use), 0);
	cr_assert_eq(store_put_use(write, 99, &use), 0);
	cr_assert_eq(store_put_shared(write, &place), 0);
	cr_assert_eq(store_put_row(write, 5, POL_STR("a row")), 0);
	commit(write);
	put_mark(b, "1aaaaaaaaaaa");
	cr_assert_eq(replace(a, b, 0, true), 0);
	cr_assert(store_has_marks(b));
	read = folder_reader(b);
	cr_assert_eq(store_get_shared(read, &found), 0);
	cr_assert_eq(store_get_row(read, 5, &row), -ENOENT);
	cr_assert_eq(store_get_use(read, 1, &used), 0);
	cr_assert_eq(used.uses, 3);
	cr_assert_eq(store_get_use(read, 2, &used), 0);
	cr_assert_eq(used.uses, 0);
	cr_assert_eq(store_get_use(read, 99, &used), 0);
	cr_assert_eq(used.uses, 0);
	store_read_close(read);
}

Test(shared, a_damaged_copy_replaces_nothing)
{
	struct store *same = pair_open("same", STORE_MAP_SIZE_SMALL);

	fill(a, 1, 20);
	fill(b, 2, 20);
	fill(same, 2, 20);
	cr_assert_eq(replace(a, b, 1, true), -EBADMSG);
	pair_assert_equal(b, same);
	cr_assert_eq(replace(a, b, 0, false), 0);
	pair_assert_equal(b, same);
	store_close(same);
}

static void move(const char *from, const char *to)
{
	char path[256], other[256];

	folder_path(path, sizeof path, from);
	folder_path(other, sizeof other, to);
	cr_assert_eq(rename(path, other), 0);
}

static void copy_file(const char *from, const char *to)
{
	char path[256], bytes[16384];
	ssize_t len;
	int fd;

	folder_path(path, sizeof path, from);
	fd = open(path, O_RDONLY);
	len = read(fd, bytes, sizeof bytes);
	close(fd);
	folder_path(path, sizeof path, to);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(len > 0 && write(fd, bytes, (size_t)len) == len);
	close(fd);
}

Test(shared, a_crash_before_the_head_is_written_leaves_a_store_that_opens)
{
	fill(a, 1, 20);
	fill(b, 2, 40);
	copy_file("other-head", "before-head");
	cr_assert_eq(replace(a, b, 0, true), 0);
	store_close(b);
	move("before-head", "other-head");
	b = pair_open("other", STORE_MAP_SIZE_SMALL);
	pair_assert_equal(a, b);
	cr_assert_eq(store_head_count(b), store_head_count(a));
}

Test(shared, a_replaced_store_that_is_rolled_back_is_still_refused)
{
	char path[256], pepper[256], why[STORE_WHY];
	const struct store_options options = {
		.path = path, .pepper = pepper, .map_size = STORE_MAP_SIZE_SMALL, .readers = 4
	};
	struct store *store = NULL;

	fill(a, 1, 20);
	fill(b, 2, 20);
	cr_assert_eq(replace(a, b, 0, true), 0);
	fill(a, 3, 20);
	store_close(b);
	copy_file("store-head", "other-head");
	folder_path(path, sizeof path, "other");
	folder_path(pepper, sizeof pepper, "pepper");
	cr_assert_eq(store_open(&options, &store, why), -EBADMSG);
	b = NULL;
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
	cr_assert_eq(store_put_shared(write, &place), 0);
	cr_assert_eq(store_put_row(write, 5, POL_STR("this is a row")), 0);
	commit(write);
	put_mark(a, "1aaaaaaaaaaa");
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
