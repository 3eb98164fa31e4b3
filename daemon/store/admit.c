/* SPDX-License-Identifier: Apache-2.0 */

/*
 * admit: how much of a data file is checked before it is opened.
 *
 * After a clean end the pages above the leaves are enough, for nothing has written to the file
 * since the daemon that kept it whole; a small file is walked whole all the same, because that
 * takes a few milliseconds. After any other end, or if another program wrote to the file, each page
 * and each tag is checked.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/store/check.h"
#include "daemon/store/internal.h"

#define SMALL ((off_t)32 << 20) /* bytes of a file of which each page is always checked */

static enum check_depth depth_of(const struct store_options *options, int fd)
{
	struct stat st;

	if (!check_was_clean(options->path, fd)) {
		return CHECK_RECORDS;
	}
	return fstat(fd, &st) == 0 && st.st_size <= SMALL ? CHECK_PAGES : CHECK_BRANCHES;
}

static void report(const struct check_result *result)
{
	char text[2 * CHECK_MAX_KEY + 64];

	for (uint64_t i = 0; i < result->altered && i < CHECK_MAX_LISTED; i++) {
		check_describe(&result->listed[i], text, sizeof text);
		log_error("alarm: a record of the store was altered outside the daemon and is "
			  "refused; see `authzcheck log --verify`, or restore a copy with "
			  "`authzcheck store restore`",
			"record=%s", text);
	}
	if (result->altered > CHECK_MAX_LISTED) {
		log_error("alarm: more records of the store were altered", "records=%llu",
			(unsigned long long)result->altered - CHECK_MAX_LISTED);
	}
}

/* The map may be larger than the file's owner says, never smaller. */
static size_t map_size_of(const struct store_options *options)
{
	return options->map_size > STORE_MAP_SIZE ? options->map_size : STORE_MAP_SIZE;
}

int store_admit(
	struct store *store, const struct store_options *options, char why[static STORE_WHY])
{
	struct check_file file = {
		.path = options->path, .fd = store->lock_fd, .map_size = map_size_of(options)
	};
	enum check_depth depth = depth_of(options, store->lock_fd);
	struct check_result result = { .altered = 0 };
	struct secrets *secrets = NULL;
	char why_secret[SECRET_WHY];
	int r;

	/* Without the pepper the store is refused later, with a better message. */
	if (depth == CHECK_RECORDS &&
		secrets_open(options->pepper, false, &secrets, why_secret) < 0) {
		depth = CHECK_PAGES;
	}
	file.secrets = secrets;
	r = check_run(&file, depth, &result, why);
	secrets_close(secrets);
	if (r == 0) {
		if (!result.is_foreign) {
			report(&result);
		}
		check_begin_use(options->path);
	}
	return r;
}

int store_check(
	const struct store_options *options, struct check_result *out, char why[static STORE_WHY])
{
	struct store store = { .lock_fd = -1, .head_fd = -1 };
	struct check_file file = { .path = options->path, .map_size = map_size_of(options) };
	struct store_head head;
	char why_secret[SECRET_WHY];
	int r = store_lock_file(&store, options->path, 0, why);

	if (r == 0) {
		r = secrets_open(options->pepper, false, &store.secrets, why_secret);
		if (r < 0) {
			store_why(why, r, "%s", why_secret);
		}
	}
	if (r == 0) {
		r = store_peek_head(&store, options->path, &head);
		if (r < 0) {
			store_why(why, r, "%s" STORE_HEAD_SUFFIX ": %s", options->path,
				r == -EBADMSG ? "was altered, or belongs to another store"
					      : strerror(-r));
		}
	}
	if (r == 0) {
		file.fd = store.lock_fd;
		file.secrets = store.secrets;
		file.head = &head;
		r = check_run(&file, CHECK_RECORDS, out, why);
	}
	secrets_close(store.secrets);
	if (store.lock_fd >= 0) {
		close(store.lock_fd);
	}
	return r;
}
