/* SPDX-License-Identifier: Apache-2.0 */
/* A copy that takes the place of all records of another host's store. */
#include <errno.h>
#include <fcntl.h>

#include "tests/daemon/store/pair.h"

TestSuite(replace, .init = pair_setup, .fini = pair_teardown);

struct pieces {
	struct store_copy *copy;
	uint8_t *bytes;
	unsigned count;
	unsigned flip; /* the number of a piece to damage */
	unsigned last; /* the number of the piece that is given as the last one; 0: the last */
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
	return r == 0 && pieces->count == pieces->last ? 1 : r;
}

/* Replaces `to` by a copy of `from`. */
static int replace_by(struct pieces pieces, struct store *from, struct store *to, bool keep)
{
	struct store_write *write = pair_begin(to);
	char why[STORE_WHY] = "";
	int r;

	pieces.bytes = malloc(STORE_COPY_PIECE);
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

static int replace(struct store *from, struct store *to, unsigned flip, bool keep)
{
	return replace_by((struct pieces){ .flip = flip }, from, to, keep);
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

static unsigned alls, keys;

static void on_key(void *context, uint64_t version, uint64_t number)
{
	(void)context, (void)version;
	keys++;
	cr_assert_eq(number, 1);
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

Test(replace, the_watch_hears_of_a_marked_key)
{
	folder_put_key(a, 1);
	store_set_watch(a, &watch);
	pair_put_mark(a, "100000000001");
	cr_assert_eq(keys, 1);
	pair_put_mark(a, "1aaaaaaaaaaa");
	cr_assert_eq(keys, 1);
	cr_assert_eq(alls, 0);
}

static void expect_head_file(struct store *store, const char *name)
{
	struct store_read *read = folder_reader(store);
	struct store_head head, found;
	char path[256];

	folder_path(path, sizeof path, name);
	cr_assert_eq(store_get_head(read, &head), 0);
	cr_assert_eq(store_peek_head(store, path, &found), 0);
	cr_assert_eq(memcmp(&head, &found, sizeof head), 0);
	store_read_close(read);
}

Test(replace, a_replaced_store_has_all_records_of_the_copy_and_opens_again)
{
	fill(a, 1, 60);
	fill(b, 2, 90); /* a longer trail: the head goes back */
	store_set_watch(b, &watch);
	cr_assert_eq(replace(a, b, 0, true), 0);
	cr_assert_eq(alls, 1);
	pair_assert_equal(a, b);
	cr_assert_eq(store_head_count(a), store_head_count(b));
	expect_head_file(b, "other");
	store_close(b);
	b = pair_open("other", STORE_MAP_SIZE_SMALL);
	pair_assert_equal(a, b);
	fill(b, 3, 3);
}

Test(replace, a_reader_sees_one_state_while_the_store_is_replaced)
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

Test(replace, marks_and_the_place_stay_and_rows_and_uses_do_not)
{
	const struct store_use use = { .at = 7, .uses = 3 };
	uint8_t id[STORE_USES_ID] = { 1 };
	struct store_write *write;
	struct store_shared found;
	struct store_read *read;
	struct store_use used;
	struct pol_str row;

	folder_put_key(a, 1); /* number 1 on both */
	folder_put_key(b, 1);
	folder_put_key(a, 2); /* number 2 is another key */
	folder_put_key(b, 3);
	folder_put_key(a, 4); /* the same key has other numbers */
	folder_put_key(b, 5);
	folder_put_key(b, 4);
	write = pair_begin(b);
	cr_assert_eq(store_put_use(write, 1, &use, NULL), 0);
	cr_assert_eq(store_put_use(write, 2, &use, NULL), 0);
	cr_assert_eq(store_put_use(write, 4, &use, NULL), 0);
	cr_assert_eq(store_put_use(write, 99, &use, NULL), 0);
	cr_assert_eq(store_put_uses_id(write, id), 0);
	cr_assert_eq(store_put_shared(write, &pair_place), 0);
	cr_assert_eq(store_put_row(write, 5, POL_STR("a row")), 0);
	cr_assert_eq(store_put_setting(write, "max_lag", POL_STR("3s")), 0);
	pair_end(write);
	pair_put_mark(b, "1aaaaaaaaaaa");
	cr_assert_eq(replace(a, b, 0, true), 0);
	cr_assert(store_has_marks(b));
	read = folder_reader(b);
	cr_assert_eq(store_get_shared(read, &found), 0);
	cr_assert_eq(store_get_row(read, 5, &row), -ENOENT);
	cr_assert_eq(store_get_setting(read, "max_lag", &row), -ENOENT);
	cr_assert_eq(store_get_use(read, 1, &used), 0);
	cr_assert_eq(used.uses, 0);
	cr_assert_eq(store_get_uses_id(read, id), -ENOENT);
	cr_assert_eq(store_get_use(read, 2, &used), 0);
	cr_assert_eq(used.uses, 0);
	cr_assert_eq(store_get_use(read, 4, &used), 0);
	cr_assert_eq(used.uses, 0);
	cr_assert_eq(store_get_use(read, 99, &used), 0);
	cr_assert_eq(used.uses, 0);
	store_read_close(read);
}

Test(replace, a_damaged_copy_replaces_nothing)
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

static void put_large_retries(struct store *store)
{
	static const uint8_t sealed[60000];
	struct store_write *write = pair_begin(store);

	for (uint8_t i = 0; i < 12; i++) {
		uint8_t id[STORE_HASH] = { i };
		const struct store_retry retry = {
			.id = id,
			.fingerprint = id,
			.made = id,
			.kid = POL_STR("1aaaaaaaaaaa"),
			.at = 1000,
			.sealed = sealed,
			.sealed_len = sizeof sealed,
		};

		cr_assert_eq(store_put_retry(write, &retry), 0);
	}
	pair_end(write);
}

Test(replace, a_copy_that_ends_early_or_lacks_a_piece_replaces_nothing)
{
	struct store *same = pair_open("same", STORE_MAP_SIZE_SMALL);

	fill(a, 1, 20);
	put_large_retries(a);
	fill(b, 2, 20);
	fill(same, 2, 20);
	for (unsigned last = 1; last < 3; last++) {
		cr_assert_eq(replace_by((struct pieces){ .last = last }, a, b, true), -EBADMSG);
		cr_assert_eq(replace_by((struct pieces){ .flip = last }, a, b, true), -EBADMSG);
		pair_assert_equal(b, same);
	}
	cr_assert_eq(replace(a, b, 0, true), 0);
	pair_assert_equal(a, b);
	store_close(same);
}

Test(replace, a_full_map_replaces_nothing)
{
	struct store *small = pair_open("small", 64 * 4096);
	struct store *empty = pair_open("empty", STORE_MAP_SIZE_SMALL);

	put_large_retries(a);
	cr_assert_eq(replace(a, small, 0, true), -EFBIG);
	pair_assert_equal(small, empty);
	store_close(small);
	store_close(empty);
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
	static char bytes[4 << 20];
	char path[256];
	ssize_t len;
	int fd;

	folder_path(path, sizeof path, from);
	fd = open(path, O_RDONLY);
	len = read(fd, bytes, sizeof bytes);
	close(fd);
	folder_path(path, sizeof path, to);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	cr_assert(len > 0 && (size_t)len < sizeof bytes && write(fd, bytes, (size_t)len) == len);
	close(fd);
}

Test(replace, a_crash_before_the_head_is_written_leaves_a_store_that_opens)
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

Test(replace, a_replaced_store_that_is_rolled_back_is_judged_when_its_trail_has_come_to_the_head)
{
	char path[256], pepper[256], why[STORE_WHY];
	const struct store_options options = {
		.path = path, .pepper = pepper, .map_size = STORE_MAP_SIZE_SMALL, .readers = 4
	};

	fill(a, 1, 20);
	fill(b, 2, 20);
	cr_assert_eq(replace(a, b, 0, true), 0);
	fill(a, 3, 20);
	store_close(b);
	b = NULL;
	copy_file("store-head", "other-head");
	folder_path(path, sizeof path, "other");
	folder_path(pepper, sizeof pepper, "pepper");
	cr_assert_eq(store_open(&options, &b, why), 0, "%s", why);
	cr_assert_eq(store_head_state(b), STORE_HEAD_AHEAD);
}

Test(replace, a_rolled_back_shared_store_that_is_accepted_has_no_entry_that_the_log_lacks)
{
	char path[256], pepper[256], why[STORE_WHY];
	const struct store_options options = { .path = path,
		.pepper = pepper,
		.map_size = STORE_MAP_SIZE_SMALL,
		.readers = 4,
		.accept_rollback = true };
	struct store_write *write = pair_begin(b);
	uint64_t count;

	folder_path(path, sizeof path, "other");
	folder_path(pepper, sizeof pepper, "pepper");
	cr_assert_eq(store_put_shared(write, &pair_place), 0);
	pair_end(write);
	fill(b, 2, 5);
	count = store_head_count(b);
	store_close(b);
	copy_file("other", "kept");
	b = pair_open("other", STORE_MAP_SIZE_SMALL);
	fill(b, 3, 5);
	store_close(b);
	copy_file("kept", "other");
	cr_assert_eq(store_open(&options, &b, why), 0, "%s", why);
	cr_assert_eq(store_head_count(b), count);
	fill(b, 4, 1);
}
