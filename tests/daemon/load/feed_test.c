/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/load/feed.h"

#include "client/wire.h"
#include "daemon/load/kept.h"
#include "daemon/load/plugin_folder.h"
#include "daemon/store/trail.h"
#include "tests/daemon/folder.h"

static struct store *store;
static struct feeds feeds;

static void setup(void)
{
	folder_make();
	store = folder_store();
	cr_assert_eq(feeds_init(&feeds), 0);
	feeds_use_state(&feeds, folder_name, store);
}

static void teardown(void)
{
	feeds_finish(&feeds);
	store_close(store);
	folder_remove();
}

TestSuite(feed, .init = setup, .fini = teardown);

/* A build that read this content of a file, which is kept then. */
static void take(const char *content)
{
	struct plugin_file file = { .name = strdup("data/denied"), .bytes = strdup(content) };
	struct plugin_folder folder = { .files = &file, .count = 1 };

	file.stat.size = (off_t)strlen(content);
	feeds_take(&feeds, &folder, NULL);
	free(file.name);
	free(file.bytes);
}

static struct feeds_entry entry_of(uint64_t number, const char *content)
{
	struct feeds_entry entry = { .number = number };

	take(content);
	feeds_digest(&feeds, entry.digest);
	return entry;
}

/* What a start finds that lacks the file: it has nothing, and the state folder. NULL: nothing. */
static const char *start(const struct feeds_entry *newest)
{
	static char found[64];
	struct pol_str last;

	feeds_finish(&feeds);
	cr_assert_eq(feeds_init(&feeds), 0);
	feeds_use_state(&feeds, folder_name, store);
	if (!feeds_restore(&feeds, newest)) {
		return NULL;
	}
	cr_assert_eq(feeds_last(&feeds, POL_STR("denied"), &last), POL_OK);
	snprintf(found, sizeof found, "%.*s", POL_STR_ARGS(last));
	return found;
}

Test(feed, the_digest_is_of_names_and_contents_alone)
{
	struct feeds_entry one = entry_of(0, "a"), other = entry_of(0, "b");

	cr_expect_str_neq(one.digest, other.digest);
	other = entry_of(0, "a");
	cr_expect_str_eq(one.digest, other.digest);
	feeds_take(&feeds, NULL, NULL);
	feeds_digest(&feeds, other.digest);
	cr_expect_str_eq(other.digest, "");
}

Test(feed, a_copy_that_the_newest_entry_names_is_used_and_an_older_one_is_not)
{
	struct feeds_entry none = { 0 }, old = entry_of(7, "old"), same = entry_of(8, "now");
	struct feeds_entry before = old;

	cr_expect_str_eq(start(&none), "now", "no entry says that it is old");
	cr_expect_str_eq(start(&same), "now");
	cr_expect_null(start(&old), "its number is larger than that of the trail's end");
	/* Written after the entry, before that of its own was. */
	before.number = store_head_count(store);
	cr_expect_str_eq(start(&before), "now");
}

/* As older versions wrote it: without a number. */
static void keep_unnumbered(const char *content)
{
	static const struct kept_form form = {
		.name = FEEDS_NAME, .head = "authzd data 1\n", .max = 1024, .link = SECRET_FEEDS
	};
	struct wire_buf bytes;

	kept_begin(&form, &bytes);
	wire_put_array(&bytes, 3);
	wire_put_cstr(&bytes, "denied");
	wire_put_int(&bytes, 1);
	wire_put_bin(&bytes, (const uint8_t *)content, strlen(content));
	cr_assert_eq(kept_write(&form, folder_name, store_secrets(store), &bytes), 0);
	wire_buf_finish(&bytes);
}

Test(feed, a_copy_of_an_older_version_is_used_until_an_entry_names_other_contents)
{
	struct feeds_entry none = { 0 }, other = entry_of(0, "other"), same = entry_of(0, "kept");

	keep_unnumbered("kept");
	cr_expect_str_eq(start(&none), "kept");
	cr_expect_str_eq(start(&same), "kept");
	cr_expect_null(start(&other));
}

static ino_t kept_file(void)
{
	struct stat stat;
	char path[256];

	folder_path(path, sizeof path, FEEDS_NAME);
	return lstat(path, &stat) == 0 ? stat.st_ino : 0;
}

Test(feed, the_same_contents_are_not_written_again_at_a_start)
{
	struct feeds_entry none = { 0 };
	ino_t file;

	take("a");
	file = kept_file();
	cr_expect_neq(file, 0);
	feeds_finish(&feeds);
	cr_assert_eq(feeds_init(&feeds), 0);
	feeds_use_state(&feeds, folder_name, store);
	take("a");
	cr_expect_eq(kept_file(), file);
	take("b");
	cr_expect_neq(kept_file(), file);
	cr_expect_str_eq(start(&none), "b");
	feeds_take(&feeds, NULL, NULL);
	cr_expect_eq(kept_file(), 0, "no policy uses it");
}
