/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/env.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <sys/stat.h>

#include "tests/daemon/folder.h"

TestSuite(store, .init = folder_make, .fini = folder_remove);

Test(store, a_job_that_is_undone_leaves_the_others_in_the_batch)
{
	struct store *store = folder_store();
	struct store_write *write;
	struct store_read *read;
	struct store_key key, found;
	char kids[3][STORE_KID + 1];

	cr_assert_eq(store_write_begin(store, &write), 0);
	for (unsigned i = 0; i < 3; i++) {
		store_write_job(write);
		key = folder_key(kids[i], i);
		cr_assert_eq(store_create_key(write, &key), 0);
		if (i == 1) {
			store_write_undo(write);
		} else {
			cr_assert_eq(store_write_keep(write), 0);
		}
	}
	cr_assert_eq(store_write_commit(write, true), 0);
	read = folder_reader(store);
	for (unsigned i = 0; i < 3; i++) {
		cr_assert_eq(
			store_get_key(read, pol_str_of(kids[i]), &found), i == 1 ? -ENOENT : 0);
	}
	store_read_close(read);
	store_close(store);
}

/* A job that is alone in its batch has no savepoint. */
Test(store, a_job_that_is_alone_is_kept_whole_or_not_at_all)
{
	struct store *store = folder_store();
	uint64_t before = store_generation(store);
	struct store_write *write;
	struct store_read *read;
	struct store_key key, found;
	char kids[2][STORE_KID + 1];

	for (unsigned i = 0; i < 2; i++) {
		cr_assert_eq(store_write_begin(store, &write), 0);
		store_write_alone(write);
		key = folder_key(kids[i], i);
		cr_assert_eq(store_create_key(write, &key), 0);
		cr_assert(store_write_job_changed(write));
		cr_assert_eq(store_get_key(store_write_reader(write), key.kid, &found), 0);
		if (i == 0) {
			cr_assert_eq(store_write_keep(write), 0);
			cr_assert(store_write_changed(write));
			cr_assert_eq(store_write_commit(write, true), 0);
			continue;
		}
		store_write_undo(write);
		cr_assert_not(store_write_changed(write));
		cr_assert_eq(store_create_key(write, &key), -EINVAL);
		cr_assert_eq(store_write_commit(write, true), -EINVAL);
	}
	cr_assert_eq(store_generation(store), before + 2);
	read = folder_reader(store);
	cr_assert_eq(store_get_key(read, pol_str_of(kids[0]), &found), 0);
	cr_assert_eq(store_get_key(read, pol_str_of(kids[1]), &found), -ENOENT);
	store_read_close(read);
	store_close(store);
}

Test(store, a_job_sees_what_the_batch_did_before_it)
{
	struct store *store = folder_store();
	struct store_write *write;
	char kid[STORE_KID + 1];
	struct store_key key = folder_key(kid, 1), found;

	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_create_key(write, &key), 0);
	cr_assert_eq(store_get_key(store_write_reader(write), key.kid, &found), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_get_key(store_write_reader(write), key.kid, &found), 0);
	store_write_abort(write);
	store_close(store);
}

Test(store, a_change_raises_the_generation_and_use_does_not)
{
	struct store *store = folder_store();
	uint64_t before = store_generation(store);
	struct store_use use = { .at = 5, .uses = 7 }, found;
	struct store_write *write;
	struct store_read *read;
	uint64_t number = folder_put_key(store, 1);

	cr_assert_eq(store_generation(store), before + 2);
	cr_assert_eq(store_write_begin(store, &write), 0);
	cr_assert_eq(store_put_use(write, number, &use, NULL), 0);
	cr_assert_eq(store_write_keep(write), 0);
	cr_assert_eq(store_write_commit(write, false), 0);
	cr_assert_eq(store_generation(store), before + 2);
	read = folder_reader(store);
	cr_assert_eq(store_get_use(read, number, &found), 0);
	cr_assert_eq(found.uses, 7);
	store_read_close(read);
	store_close(store);
}

/* --- opening ---------------------------------------------------------------------------------- */

Test(store, it_cannot_be_opened_twice)
{
	struct store *store = folder_store(), *again = NULL;
	char why[STORE_WHY];

	cr_assert_eq(folder_try_store(&again, why, STORE_MAP_SIZE_SMALL), -EBUSY);
	cr_assert_null(again);
	store_close(store);
	store_close(folder_store());
}

Test(store, without_its_pepper_it_does_not_open_and_makes_none)
{
	struct store *store = folder_store();
	char pepper[256], why[STORE_WHY];

	store_close(store);
	folder_path(pepper, sizeof pepper, "pepper");
	cr_assert_eq(unlink(pepper), 0);
	cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), -ENOENT);
	cr_assert_not_null(strstr(why, "pepper"));
	cr_assert_eq(access(pepper, F_OK), -1);
}

Test(store, with_another_pepper_it_does_not_open)
{
	struct store *store = folder_store();
	char pepper[256], data[256], aside[256], head[256], why[STORE_WHY];

	store_close(store);
	folder_path(head, sizeof head, "store-head");
	cr_assert_eq(unlink(head), 0);
	folder_path(pepper, sizeof pepper, "pepper");
	folder_path(data, sizeof data, "store");
	folder_path(aside, sizeof aside, "aside");
	cr_assert_eq(unlink(pepper), 0);
	cr_assert_eq(rename(data, aside), 0);
	store_close(folder_store());
	cr_assert_eq(rename(aside, data), 0);
	cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), -EBADMSG);
	cr_assert_not_null(strstr(why, "does not belong"));
}

Test(store, a_file_that_others_may_use_is_refused)
{
	struct store *store = folder_store();
	char data[256], why[STORE_WHY];

	store_close(store);
	folder_path(data, sizeof data, "store");
	cr_assert_eq(chmod(data, 0660), 0);
	cr_assert_eq(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), -EPERM);
	cr_assert_not_null(strstr(why, "chmod 600"));
}

Test(store, a_file_that_is_not_a_store_is_refused)
{
	struct store *store = NULL;
	char data[256], why[STORE_WHY];
	FILE *file;

	folder_path(data, sizeof data, "store");
	file = fopen(data, "w");
	cr_assert_not_null(file);
	cr_assert_eq(fchmod(fileno(file), 0600), 0);
	for (int i = 0; i < 2000; i++) {
		fputs("this is no store ", file);
	}
	fclose(file);
	cr_assert_lt(folder_try_store(&store, why, STORE_MAP_SIZE_SMALL), 0);
	cr_assert_not_null(strstr(why, "store"));
}

/* --- tampering and limits --------------------------------------------------------------------- */

/* Replaces all occurrences of bytes in the data file, which is closed. Returns how many. */
static unsigned replace_in_file(const char *from, const char *to, size_t len)
{
	char data[256];
	unsigned count = 0;
	struct stat st;
	char *bytes;
	int fd;

	folder_path(data, sizeof data, "store");
	fd = open(data, O_RDWR);
	cr_assert_geq(fd, 0);
	cr_assert_eq(fstat(fd, &st), 0);
	bytes = malloc((size_t)st.st_size);
	cr_assert_eq(pread(fd, bytes, (size_t)st.st_size, 0), st.st_size);
	for (off_t i = 0; i + (off_t)len <= st.st_size; i++) {
		if (memcmp(bytes + i, from, len) == 0) {
			cr_assert_eq(pwrite(fd, to, len, i), (ssize_t)len);
			count++;
		}
	}
	free(bytes);
	close(fd);
	return count;
}

Test(store, an_edited_record_is_refused)
{
	struct store *store = folder_store();
	struct store_read *read;
	struct store_key found;

	folder_put_key(store, 1);
	store_close(store);
	cr_assert_gt(replace_in_file("alice", "mallo", 5), 0);
	store = folder_store();
	read = folder_reader(store);
	cr_assert_eq(store_get_key(read, POL_STR("100000000001"), &found), -EBADMSG);
	store_read_close(read);
	store_close(store);
}

Test(store, a_full_map_refuses_the_change_and_reads_go_on)
{
	struct store *store = NULL;
	struct store_read *read;
	struct store_key found;
	char why[STORE_WHY];
	int r = 0;
	unsigned i;

	cr_assert_eq(folder_try_store(&store, why, (size_t)256 * 1024), 0, "%s", why);
	folder_put_key(store, 0);
	for (i = 1; r == 0 && i < 10000; i++) {
		char kid[STORE_KID + 1];
		struct store_key key = folder_key(kid, i);
		struct store_write *write;

		cr_assert_eq(store_write_begin(store, &write), 0);
		r = store_create_key(write, &key);
		if (r == 0) {
			r = store_write_keep(write);
		}
		if (r == 0) {
			r = store_write_commit(write, true);
		} else {
			store_write_abort(write);
		}
	}
	cr_assert_eq(r, -EFBIG, "%d", r);
	cr_assert_not_null(strstr(store_explain(r), "map"));
	read = folder_reader(store);
	cr_assert_eq(store_get_key(read, POL_STR("100000000000"), &found), 0);
	store_read_close(read);
	store_close(store);
}
