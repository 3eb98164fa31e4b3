/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/host/log.h"
#include "daemon/store/check.h"
#include "daemon/store/internal.h"

/* Even, since no change commits; 0 means an unknown generation. */
#define FIRST_GENERATION 2

int store_error(int mdb)
{
	switch (mdb) {
	case MDB_SUCCESS:
		return 0;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_KEYEXIST:
		return -EEXIST;
	case MDB_MAP_FULL:
		return -EFBIG;
	case MDB_READERS_FULL:
	case MDB_TXN_FULL:
		return -EAGAIN;
	case MDB_BAD_VALSIZE:
		return -E2BIG;
	case EFBIG: /* errno: the file may not grow (RLIMIT_FSIZE) */
		return -ENOSPC;
	default:
		/* LMDB's own codes are negative; positive ones are errno. */
		return mdb > 0 ? -mdb : -EIO;
	}
}

const char *store_explain(int error)
{
	switch (error) {
	case -EFBIG:
		return "the store's map is full: it has no room for new records, only for "
		       "revoking, deleting and disabling";
	case -ENOSPC:
	case -EDQUOT:
		return "the disk is full, or the store's file may not grow: make room in the state "
		       "folder";
	case -ENOMEM:
		return "out of memory";
	case -EAGAIN:
		return "the store has no room for another transaction";
	case -E2BIG:
		return "the record is too large";
	case -EBADMSG:
		return "a record of the store was altered outside the daemon";
	case -EPROTO:
		return "the change was not entered in the audit trail, and is undone";
	case -EINPROGRESS:
		return "the database does not answer: the change may stand; ask again with the "
		       "same "
		       "request_id";
	case -ENOTCONN:
		return "the database does not answer: the change was not made";
	case -EROFS:
		return "this host may only end things: see `authzcheck status`";
	case -EMFILE:
	case -ENFILE:
		return "out of file descriptors";
	default:
		return "the store failed";
	}
}

int store_why(char why[static STORE_WHY], int error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, STORE_WHY, format, args);
	va_end(args);
	return error;
}

/* Makes the data file, with its tables and the counter that proves the pepper, and leaves it
 * locked. */
static int make_file(struct store *store, const struct store_options *options, const char *path,
	char why[static STORE_WHY])
{
	struct store_options aside = *options;
	int r = store_begin_file(store, options->path, path, why);

	if (r < 0) {
		return r;
	}
	aside.path = path;
	/* No other process uses this file, so LMDB need not make a lock file, which would remain.
	 */
	r = store_open_env(store, &aside, MDB_NOLOCK, why);
	if (r == 0) {
		r = store_prepare(store, &aside, why);
	}
	store_close_env(store);
	if (r == 0) {
		r = store_finish_file(store, options->path, path, why);
	}
	if (r < 0) {
		unlink(path);
	}
	return r;
}

static int open_file(
	struct store *store, const struct store_options *options, char why[static STORE_WHY])
{
	char aside[PATH_MAX];
	int r;

	if ((size_t)snprintf(aside, sizeof aside, "%s" STORE_CREATING_SUFFIX, options->path) >=
		sizeof aside) {
		return store_why(why, -ENAMETOOLONG, "%s: is too long", options->path);
	}
	r = store_remove_left(store, aside, why);
	if (r < 0) {
		return r;
	}
	r = store_find_file(store, options->path, why);
	if (r == -ENOENT) {
		r = make_file(store, options, aside, why);
	} else if (r == 0) {
		r = store_admit(store, options, why);
	}
	if (r == 0) {
		r = store_open_env(store, options, 0, why);
	}
	if (r == 0) {
		r = store_prepare(store, options, why);
	}
	if (r == 0 && !secrets_are_locked(store->secrets)) {
		log_warn("the pepper may be written to swap: raise the limit of locked memory",
			"path=%s", options->pepper);
	}
	return r;
}

int store_open(const struct store_options *options, struct store **out, char why[static STORE_WHY])
{
	struct store *store = calloc(1, sizeof *store);
	int r;

	why[0] = '\0';
	if (store == NULL) {
		return store_why(why, -ENOMEM, "out of memory");
	}
	store->lock_fd = -1;
	pthread_mutex_init(&store->altered_lock, NULL);
	store->head_fd = -1;
	atomic_init(&store->generation, FIRST_GENERATION);
	store->buffer = malloc(STORE_MAX_ROLE);
	if (store->buffer == NULL) {
		r = store_why(why, -ENOMEM, "out of memory");
		goto fail;
	}
	r = open_file(store, options, why);
	if (r < 0) {
		goto fail;
	}
	r = store_open_head(store, options, why);
	if (r < 0) {
		goto fail;
	}
	store->opened = strdup(options->path);
	if (store->opened == NULL) {
		r = store_why(why, -ENOMEM, "out of memory");
		goto fail;
	}
	store_catch_faults(
		store, store->opened, options->map_size != 0 ? options->map_size : STORE_MAP_SIZE);
	*out = store;
	return 0;

fail:
	store_close(store);
	return r;
}

void store_close(struct store *store)
{
	if (store == NULL) {
		return;
	}
	store_ignore_faults(store);
	(void)store_settle(store);
	store_close_env(store);
	if (store->opened != NULL) {
		check_end_use(store->opened, store->lock_fd);
	}
	if (store->lock_fd >= 0) {
		close(store->lock_fd);
	}
	if (store->head_fd >= 0) {
		close(store->head_fd);
	}
	pthread_mutex_destroy(&store->altered_lock);
	free(store->opened);
	free(store->buffer);
	free(store);
}

struct secrets *store_secrets(struct store *store)
{
	return store->secrets;
}

uint64_t store_generation(const struct store *store)
{
	return atomic_load_explicit(&store->generation, memory_order_acquire);
}

uint64_t store_commits(const struct store *store)
{
	MDB_envinfo info;

	return mdb_env_info(store->env, &info) == MDB_SUCCESS ? info.me_last_txnid : 0;
}

int store_count(struct store_read *read, struct store_counts *out)
{
	MDB_stat keys, principals;
	MDB_envinfo info;
	uint64_t everyone = 0;
	int r = store_error(mdb_stat(read->txn, read->store->tables[STORE_KEYS], &keys));

	if (r == 0) {
		r = store_error(
			mdb_stat(read->txn, read->store->tables[STORE_PRINCIPALS], &principals));
	}
	if (r == 0) {
		r = store_error(mdb_env_info(read->store->env, &info));
	}
	if (r == 0) {
		r = store_count_everyone(read, &everyone);
	}
	if (r != 0) {
		return r;
	}
	out->keys = keys.ms_entries;
	out->principals = principals.ms_entries > everyone ? principals.ms_entries - everyone : 0;
	out->bytes_used = ((uint64_t)info.me_last_pgno + 1) * keys.ms_psize;
	out->bytes_map = info.me_mapsize;
	out->altered = store_count_altered(read->store);
	out->clock = store_clock(read->store);
	return 0;
}
