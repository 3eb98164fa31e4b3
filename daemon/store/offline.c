/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/offline.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config/config.h"
#include "daemon/host/rights.h"
#include "daemon/host/statedir.h"
#include "daemon/store/check.h"
#include "daemon/store/env.h"
#include "policy/text/timetext.h"

static int fail(int error, const char *why)
{
	fprintf(stderr, "authzd: %s\n", why);
	return error;
}

/* Prepares and locks the state folder, drops the rights that the daemon does not have, and gives
 * the store's path. */
static int prepare(const struct config *config, char path[static PATH_MAX], int *out_lock)
{
	char why[STATEDIR_WHY] = "cannot prepare the state folder";
	const struct statedir dir = config_statedir(config);
	int r = statedir_prepare(&dir, why);

	if (r == 0) {
		r = statedir_lock(&dir, out_lock, why);
	}
	if (r < 0) {
		return fail(r, why);
	}
	if ((size_t)snprintf(path, PATH_MAX, "%s/store.mdb", config->state) >= PATH_MAX) {
		return fail(-ENAMETOOLONG, "the state folder's path is too long");
	}
	return rights_drop(config->user, config->uid, config->gid);
}

static int accept_clock(struct store *store)
{
	char was[POL_TIME_TEXT] = "out of range", is[POL_TIME_TEXT] = "out of range";
	int64_t from, to;
	int r = store_accept_clock(store, &from, &to);

	if (r < 0) {
		return fail(r, store_explain(r));
	}
	(void)pol_timetext_format(from, was);
	(void)pol_timetext_format(to, is);
	if (r > 0) {
		printf("nothing to accept: the clock was not set back: it is %s, and the latest "
		       "time that the store knows is %s\n",
			is, was);
	} else {
		printf("the latest time was %s and is %s\n", was, is);
	}
	return 0;
}

int restore_accept(const struct config *config, bool rollback, bool clock)
{
	char path[PATH_MAX], why[STORE_WHY];
	struct store_options options = {
		.path = path, .pepper = config->pepper, .readers = 1, .accept_rollback = rollback
	};
	struct store *store;
	int lock = -1;
	int r = prepare(config, path, &lock);

	if (r == 0 && access(path, F_OK) != 0) {
		r = fail(-ENOENT, "there is no store that could be accepted");
	}
	if (r == 0) {
		r = store_open(&options, &store, why);
		if (r < 0) {
			fail(r, why);
		} else {
			r = clock ? accept_clock(store) : 0;
			store_close(store);
		}
	}
	if (lock >= 0) {
		close(lock);
	}
	return r;
}

static int report_check(const struct check_result *result)
{
	char text[2 * CHECK_MAX_KEY + 64];

	for (uint64_t i = 0; i < result->altered && i < CHECK_MAX_LISTED; i++) {
		check_describe(&result->listed[i], text, sizeof text);
		fprintf(stderr, "authzd: a record was altered: %s\n", text);
	}
	if (result->altered > 0) {
		fprintf(stderr,
			"authzd: %" PRIu64 " of %" PRIu64
			" records were altered and are refused: see `authzcheck log "
			"--verify`, or restore a copy with `authzcheck store restore`\n",
			result->altered, result->records);
		return -EBADMSG;
	}
	printf("sound: %" PRIu64 " pages, %" PRIu64 " records\n", result->pages, result->records);
	return 0;
}

/* A check makes no folder. */
static int check_state(const struct config *config)
{
	if (access(config->state, F_OK) == 0) {
		return 0;
	}
	fprintf(stderr,
		"authzd: there is no state folder %s: name the one that authzd uses with --state, "
		"or "
		"its configuration with --config\n",
		config->state);
	return -ENOENT;
}

int restore_verify(const struct config *config)
{
	char path[PATH_MAX], why[STORE_WHY];
	struct store_options options = { .path = path, .pepper = config->pepper };
	struct check_result result;
	int lock = -1;
	int r = check_state(config);

	if (r == 0) {
		r = prepare(config, path, &lock);
	}
	if (r == 0) {
		r = store_check(&options, &result, why);
		r = r < 0 ? fail(r, why) : report_check(&result);
	}
	if (lock >= 0) {
		close(lock);
	}
	return r;
}

/* Opens the copy. To be called before rights are dropped: the caller may read files that the
 * daemon's user may not. */
static int open_copy(const char *file, int *out_fd)
{
	struct stat st;
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int r = 0;

	if (fd < 0 || fstat(fd, &st) < 0) {
		r = -errno;
		fprintf(stderr, "authzd: cannot open %s: %s\n", file, strerror(-r));
	} else if (!S_ISREG(st.st_mode)) {
		r = -EINVAL;
		fprintf(stderr, "authzd: %s is not a regular file\n", file);
	}
	if (r < 0 && fd >= 0) {
		close(fd);
	}
	if (r == 0) {
		*out_fd = fd;
	}
	return r;
}

/* A copy would take changes back on this host alone. */
static int refuse_shared(const struct config *config)
{
	if (config->shared == NULL) {
		return 0;
	}
	fprintf(stderr,
		"authzd: the configuration has a line `shared`: a copy for all hosts goes into "
		"the database, by authzcheck store share --restore FILE; for this host alone, run "
		"authzcheck store leave, and take the line out\n");
	return -EINVAL;
}

int restore_run(const struct config *config, const char *file, bool rollback, bool lost)
{
	char path[PATH_MAX], why[STORE_WHY];
	struct store_options options = {
		.path = path,
		.pepper = config->pepper,
		.readers = 1,
		.accept_rollback = rollback,
		.accept_lost = lost,
	};
	struct store_restored restored;
	int lock = -1, fd = -1;
	int r = refuse_shared(config);

	if (r == 0) {
		r = open_copy(file, &fd);
	}
	if (r == 0) {
		r = prepare(config, path, &lock);
	}
	if (r == 0) {
		r = store_restore(&options, fd, &restored, why);
		if (r < 0) {
			fail(r, why);
		} else {
			printf("restored %" PRIu64 " records; the audit trail goes on after "
			       "record %" PRIu64 "\n",
				restored.records, restored.count);
		}
	}
	if (fd >= 0) {
		close(fd);
	}
	if (lock >= 0) {
		close(lock);
	}
	return r;
}
