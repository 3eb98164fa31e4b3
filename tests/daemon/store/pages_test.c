/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/pages.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/folder.h"
#include "tests/often.h"

/* A store with several levels of pages, in memory; after its last byte is a page that nobody may
 * read. */
static uint8_t *bytes;
static size_t size;
static uint8_t *seen;

#define MAP_SIZE STORE_MAP_SIZE_SMALL
#define SEEN     (MAP_SIZE / PAGES_MIN_SIZE / 8)
#define PAGE     4096

static void put_keys(struct store *store, unsigned from, unsigned count)
{
	struct store_write *write;

	cr_assert_eq(store_write_begin(store, &write), 0);
	for (unsigned i = from; i < from + count; i++) {
		char kid[STORE_KID + 1];
		struct store_key key = folder_key(kid, i);

		cr_assert_eq(store_create_key(write, &key), 0);
		cr_assert_eq(folder_enter(write, key.kid), 0);
		cr_assert_eq(store_write_keep(write), 0);
	}
	cr_assert_eq(store_write_commit(write, true), 0);
}

static void read_file(void)
{
	char path[256];
	struct stat st;
	int fd;

	folder_path(path, sizeof path, "store");
	fd = open(path, O_RDONLY);
	cr_assert(fd >= 0 && fstat(fd, &st) == 0);
	size = (size_t)st.st_size;
	cr_assert_eq(size % PAGE, 0);
	bytes = mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(bytes, MAP_FAILED);
	cr_assert_eq(pread(fd, bytes, size, 0), (ssize_t)size);
	cr_assert_eq(mprotect(bytes + size, PAGE, PROT_NONE), 0);
	close(fd);
}

static void setup(void)
{
	struct store *store;

	folder_make();
	store = folder_store();
	for (unsigned i = 0; i < 4; i++) {
		put_keys(store, 1000 * i, 300);
	}
	store_close(store);
	read_file();
	seen = mmap(NULL, SEEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(seen, MAP_FAILED);
}

static void teardown(void)
{
	munmap(bytes, size + PAGE);
	munmap(seen, SEEN);
	folder_remove();
}

TestSuite(pages, .init = setup, .fini = teardown);

static uint64_t records;

static void on_record(void *context, int table, struct pages_bytes key, struct pages_bytes value)
{
	static volatile uint8_t sum;

	(void)context;
	(void)table;
	for (size_t i = 0; i < key.len; i++) {
		sum ^= key.at[i];
	}
	for (size_t i = 0; i < value.len; i++) {
		sum ^= value.at[i];
	}
	(void)sum;
	records++;
}

static struct pages_walk walk_all(bool leaves)
{
	static const char *const names[] = { "keys", "audit" };
	struct pages_walk walk = { .bytes = bytes,
		.size = size,
		.map_size = MAP_SIZE,
		.leaves = leaves,
		.seen = seen,
		.record = on_record,
		.names = names,
		.name_count = 2 };

	memset(seen, 0, size / PAGES_MIN_SIZE / 8 + 1);
	records = 0;
	pages_walk(&walk);
	return walk;
}

Test(pages, a_sound_store_is_sound)
{
	struct pages_walk all = walk_all(true), some;

	cr_assert_eq(all.fault, PAGES_SOUND, "page %llu: %s", (unsigned long long)all.page,
		pages_explain(all.fault));
	cr_expect_gt(records, 1200 * 4);
	some = walk_all(false);
	cr_assert_eq(some.fault, PAGES_SOUND);
	cr_expect_eq(records, 0);
	cr_expect_lt(some.walked, all.walked / 4);
}

/* Each page that the walk reads, with a wrong number: it is found, and named. */
Test(pages, a_page_with_a_wrong_number_is_named)
{
	uint64_t found = 0, walked = walk_all(true).walked;

	for (uint64_t page = 0; page < size / PAGE; page++) {
		struct pages_walk walk;

		bytes[page * PAGE] ^= 0x10;
		walk = walk_all(true);
		bytes[page * PAGE] ^= 0x10;
		if (walk.fault != PAGES_SOUND) {
			found++;
			cr_expect_eq(walk.page, page);
		}
	}
	/* The meta pages too; all others are free. */
	cr_expect_eq(found, walked + 2);
}

/* Whatever the bytes are, the walk ends and reads no byte outside of them. */
Test(pages, it_ends_on_any_bytes)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	unsigned found = 0;

	srand(20);
	for (unsigned i = 0; i < OFTEN(2000); i++) {
		struct {
			size_t at;
			uint8_t was;
		} changes[4];
		unsigned count = 1 + (unsigned)rand() % 4;

		for (unsigned k = 0; k < count; k++) {
			size_t at = (size_t)rand() % (size / PAGE) * PAGE +
				    (size_t)rand() % (rand() % 2 == 0 ? 128 : PAGE);

			changes[k].at = at;
			changes[k].was = bytes[at];
			bytes[at] = rand() % 2 == 0 ? values[(unsigned)rand() % sizeof values]
						    : bytes[at] ^ (uint8_t)(1U << rand() % 8);
		}
		found += walk_all(i % 8 != 0).fault != PAGES_SOUND;
		while (count > 0) {
			count--;
			bytes[changes[count].at] = changes[count].was;
		}
	}
	cr_expect_gt(found, OFTEN(200));
	cr_expect_eq(walk_all(true).fault, PAGES_SOUND);
}

Test(pages, a_file_cut_anywhere_is_found)
{
	size_t whole = size;

	for (size = 0; size < whole - PAGE; size += 1000) {
		cr_expect_neq(walk_all(true).fault, PAGES_SOUND, "%zu bytes", size);
	}
	size = whole;
}

Test(pages, a_page_size_that_lmdb_lacks_is_refused)
{
	static const uint32_t sizes[] = { 0, 1, 256, 4095, 4097, 8192, 65536, 1U << 31,
		UINT32_MAX };

	for (unsigned meta = 0; meta < 2; meta++) {
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			uint32_t was;
			struct pages_walk walk;

			memcpy(&was, bytes + meta * PAGE + 40, sizeof was);
			memcpy(bytes + meta * PAGE + 40, &sizes[i], sizeof was);
			walk = walk_all(true);
			cr_expect_neq(walk.fault, PAGES_SOUND, "%u", sizes[i]);
			cr_expect_lt(walk.page, 2);
			memcpy(bytes + meta * PAGE + 40, &was, sizeof was);
		}
	}
}
