/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/store_internal.h"

/* Beside the workers: the writer's own look-ups and one to spare for each maintenance task. */
#define SPARE_READERS 8

/* 0 is none, odd is while a change commits. */
#define FIRST_GENERATION 2

static const char *const table_names[STORE_TABLES] = {
	[STORE_META] = "meta",
	[STORE_KEYS] = "keys",
	[STORE_KEYS_BY_TENANT] = "keys_by_tenant",
	[STORE_KEYS_BY_PRINCIPAL] = "keys_by_principal",
	[STORE_KEYS_BY_HASH] = "keys_by_hash",
	[STORE_KEYS_DELETED] = "keys_deleted",
	[STORE_PRINCIPALS] = "principals",
	[STORE_PRINCIPALS_BY_ROLE] = "principals_by_role",
	[STORE_USES] = "uses",
	[STORE_USED] = "used",
	[STORE_AUDIT] = "audit",
	[STORE_AUDIT_INDEX] = "audit_index",
	[STORE_TENANTS] = "tenants",
	[STORE_TENANT_NAMES] = "tenant_names",
	[STORE_ROLES] = "roles",
	[STORE_RETRIES] = "retries",
	[STORE_RETRIES_BY_TIME] = "retries_by_time",
};

const char *store_table_name(enum store_table table)
{
	return table_names[table];
}

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
	default:
		/* LMDB's own codes are negative; the host's are errno. */
		return mdb > 0 ? -mdb : -EIO;
	}
}

const char *store_explain(int error)
{
	switch (error) {
	case -EFBIG:
		return "the store's map is full: nothing new has room, but what ends or is "
		       "switched "
		       "off does";
	case -ENOSPC:
	case -EDQUOT:
		return "the disk is full";
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

/* The data file is opened by us first: its lock is what keeps a second environment out, in this
 * process too, where a second one would silently drop LMDB's locks. */
static int lock_file(struct store *store, const char *path, char why[static STORE_WHY])
{
	struct stat st;

	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600);
	if (store->lock_fd < 0 || fstat(store->lock_fd, &st) < 0) {
		return store_why(why, -errno, "%s: %s", path, strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return store_why(why, -EINVAL, "%s: is no regular file", path);
	}
	if (st.st_uid != geteuid() && st.st_uid != 0) {
		return store_why(why, -EPERM,
			"%s: belongs to uid %u: chown it to the daemon's user or root", path,
			(unsigned)st.st_uid);
	}
	if ((st.st_mode & 077) != 0) {
		return store_why(why, -EPERM, "%s: others may use it: chmod 600 it", path);
	}
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		return store_why(why, -EBUSY, "%s: another daemon has it open", path);
	}
	return 0;
}

static int open_env(
	struct store *store, const struct store_options *options, char why[static STORE_WHY])
{
	int fd, dead;
	int r = store_error(mdb_env_create(&store->env));

	if (r == 0) {
		r = store_error(mdb_env_set_maxdbs(store->env, STORE_TABLES));
	}
	if (r == 0) {
		r = store_error(
			mdb_env_set_maxreaders(store->env, options->readers + SPARE_READERS));
	}
	if (r == 0) {
		r = store_error(mdb_env_set_mapsize(
			store->env, options->map_size != 0 ? options->map_size : STORE_MAP_SIZE));
	}
	if (r == 0) {
		r = store_error(
			mdb_env_open(store->env, options->path, MDB_NOSUBDIR | MDB_NOTLS, 0600));
	}
	if (r == 0) {
		/* LMDB leaves this one open across exec. */
		r = store_error(mdb_env_get_fd(store->env, &fd));
	}
	if (r != 0) {
		return store_why(why, r, "%s: %s", options->path,
			r == -EIO ? "is no store, or is damaged" : strerror(-r));
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		return store_why(why, -errno, "%s: %s", options->path, strerror(errno));
	}
	/* Readers that a killed daemon left pin old pages. */
	mdb_reader_check(store->env, &dead);
	return 0;
}

static int open_tables(MDB_txn *txn, struct store *store)
{
	for (size_t i = 0; i < STORE_TABLES; i++) {
		int r = store_error(
			mdb_dbi_open(txn, table_names[i], MDB_CREATE, &store->tables[i]));

		if (r < 0) {
			return r;
		}
	}
	return 0;
}

/* The store says whether it has seen a pepper; a constant that only the right one tags proves it.
 */
static int open_secrets(MDB_txn *txn, struct store *store, const struct store_options *options,
	char why[static STORE_WHY])
{
	struct pol_str check = POL_STR("check");
	MDB_val key = { check.len, (void *)(uintptr_t)check.ptr };
	MDB_val value;
	uint64_t version;
	char why_secret[SECRET_WHY];
	int found = store_error(mdb_get(txn, store->tables[STORE_META], &key, &value));
	int r;

	if (found < 0 && found != -ENOENT) {
		return store_why(why, found, "%s: %s", options->path, store_explain(found));
	}
	r = secrets_open(options->pepper, found == -ENOENT, &store->secrets, why_secret);
	if (r == -ENOENT) {
		return store_why(why, r,
			"%s: there is no such file, and the store %s was made with one: put it "
			"back from its own backup; without it no key of this store can be used",
			options->pepper, options->path);
	}
	if (r < 0) {
		return store_why(why, r, "%s", why_secret);
	}
	if (!secrets_are_locked(store->secrets)) {
		log_warn("the pepper may be written to swap: raise the limit of locked memory",
			"path=%s", options->pepper);
	}
	if (found == 0) {
		r = store_decode_meta(store, value, check, &version);
		return r == 0 ? 0
			      : store_why(why, r,
					"%s does not belong to the store %s: put back the file "
					"that "
					"the store was made with",
					options->pepper, options->path);
	}
	value.mv_size = store_encode_meta(store, check, 1);
	value.mv_data = store->buffer;
	r = store_error(mdb_put(txn, store->tables[STORE_META], &key, &value, 0));
	return r == 0 ? 0 : store_why(why, r, "%s: %s", options->path, store_explain(r));
}

static int prepare(
	struct store *store, const struct store_options *options, char why[static STORE_WHY])
{
	MDB_txn *txn;
	uint64_t number;
	int r = store_error(mdb_txn_begin(store->env, NULL, 0, &txn));

	if (r < 0) {
		return store_why(why, r, "%s: %s", options->path, store_explain(r));
	}
	r = open_tables(txn, store);
	if (r < 0) {
		store_why(why, r, "%s: %s", options->path, store_explain(r));
	} else {
		r = open_secrets(txn, store, options, why);
	}
	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	number = mdb_txn_id(txn);
	atomic_init(&store->last_txn, number - 1);
	r = store_error(mdb_txn_commit(txn));
	store_committed(store, number);
	return r == 0 ? 0 : store_why(why, r, "%s: %s", options->path, store_explain(r));
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
	r = store_hints_create(&store->hints);
	if (r < 0) {
		store_why(why, r, "out of memory");
		goto fail;
	}
	r = lock_file(store, options->path, why);
	if (r < 0) {
		goto fail;
	}
	r = open_env(store, options, why);
	if (r < 0) {
		goto fail;
	}
	r = prepare(store, options, why);
	if (r < 0) {
		goto fail;
	}
	r = store_open_head(store, options, why);
	if (r < 0) {
		goto fail;
	}
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
	if (store->env != NULL) {
		mdb_env_close(store->env);
	}
	if (store->lock_fd >= 0) {
		close(store->lock_fd);
	}
	if (store->head_fd >= 0) {
		close(store->head_fd);
	}
	store_hints_destroy(store->hints);
	secrets_close(store->secrets);
	pthread_mutex_destroy(&store->altered_lock);
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
	int r = store_error(mdb_stat(read->txn, read->store->tables[STORE_KEYS], &keys));

	if (r == 0) {
		r = store_error(
			mdb_stat(read->txn, read->store->tables[STORE_PRINCIPALS], &principals));
	}
	if (r == 0) {
		r = store_error(mdb_env_info(read->store->env, &info));
	}
	if (r != 0) {
		return r;
	}
	out->keys = keys.ms_entries;
	out->principals = principals.ms_entries;
	out->bytes_used = ((uint64_t)info.me_last_pgno + 1) * keys.ms_psize;
	out->bytes_map = info.me_mapsize;
	out->altered = store_count_altered(read->store);
	return 0;
}
