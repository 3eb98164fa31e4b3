/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "daemon/store/internal.h"

/* Readers besides the workers': of the writer, and of maintenance tasks and copies. */
#define SPARE_READERS 8

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
	[STORE_KEYS_UNREVOKED] = "keys_unrevoked",
	[STORE_ROWS] = "rows",
	[STORE_MARKS] = "marks",
};

const char *store_table_name(enum store_table table)
{
	return table_names[table];
}

int store_open_env(struct store *store, const struct store_options *options, unsigned flags,
	char why[static STORE_WHY])
{
	static const char damaged[] =
		"is not a store, or is damaged: put back a sound one, or restore a copy with "
		"`authzcheck store restore`; if authzd was never ready on this folder, its first "
		"start was cut off: remove the file and start again";
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
		r = store_error(mdb_env_open(
			store->env, options->path, MDB_NOSUBDIR | MDB_NOTLS | flags, 0600));
	}
	if (r == 0) {
		/* LMDB does not set FD_CLOEXEC on its data file. */
		r = store_error(mdb_env_get_fd(store->env, &fd));
	}
	if (r != 0) {
		return store_why(
			why, r, "%s: %s", options->path, r == -EIO ? damaged : strerror(-r));
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
		return store_why(why, -errno, "%s: %s", options->path, strerror(errno));
	}
	/* Frees the slots of readers of a daemon that was killed: they keep old pages in use. */
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

static int refuse_newer(const char *path, uint64_t format, char why[static STORE_WHY])
{
	return store_why(why, -ENOTSUP,
		"%s: a newer authzd has written this store, in format %llu, and this one knows "
		"formats up to %d: install the newer authzd again, or restore a copy that was made "
		"with this one",
		path, (unsigned long long)format, STORE_FORMAT);
}

/* Opens the pepper. A store that was made before has the counter `check`, the number of its format:
 * its tag proves the pepper. Only for a new store a missing pepper is made. */
static int open_secrets(MDB_txn *txn, struct store *store, const struct store_options *options,
	char why[static STORE_WHY])
{
	struct store_write write = { .store = store, .job = txn };
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
	if (r == -ENOENT && found == -ENOENT) {
		return store_why(why, r,
			"%s: the folder that it is to be made in is missing: make it, for the "
			"daemon's user, or correct the line 'pepper' of the configuration",
			options->pepper);
	}
	if (r == -ENOENT) {
		return store_why(why, r,
			"%s: there is no such file, and the store %s was made with one: put it "
			"back from its own backup; without it no key of this store can be used",
			options->pepper, options->path);
	}
	if (r < 0) {
		return store_why(why, r, "%s", why_secret);
	}
	if (found == 0) {
		r = store_decode_meta(store, value, check, &version);
		if (r < 0) {
			return store_why(why, r,
				"%s does not belong to the store %s: put back the file that the "
				"store was made with",
				options->pepper, options->path);
		}
		if (version > STORE_FORMAT) {
			return refuse_newer(options->path, version, why);
		}
		if (version == STORE_FORMAT) {
			return 0;
		}
	}
	r = store_put_format(&write, STORE_FORMAT);
	return r == 0 ? 0 : store_why(why, r, "%s: %s", options->path, store_explain(r));
}

int store_prepare(
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
	if (r == 0) {
		r = store_fill_unrevoked(store, txn);
		if (r < 0) {
			store_why(why, r, "%s: %s", options->path, store_explain(r));
		}
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

void store_close_env(struct store *store)
{
	if (store->env != NULL) {
		mdb_env_close(store->env);
		store->env = NULL;
	}
	secrets_close(store->secrets);
	store->secrets = NULL;
}
