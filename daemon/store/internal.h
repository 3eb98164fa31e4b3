/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store_internal: what the store's own files share. Nobody else includes it.
 *
 *     store.c         opening, errors
 *     store_env.c     LMDB's environment, its tables, and whether the pepper fits it
 *     store_file.c    the data file: its lock, and a new one, made aside
 *     store_txn.c     transactions
 *     store_pack.c    keys of tables, lists, assignments (store_bytes.h: integers)
 *     store_record.c  bytes <-> structs, and the tag; store_record_key.c: those of keys
 *     store_read.c    look-ups and lists
 *     store_write.c   puts and their indexes
 *     store_used.c    the permissions that keys have used
 *     store_remove.c  keys that were deleted, and their end
 *     store_tenant.c  tenants
 *     store_role.c    roles that are made here
 *     store_retry.c   what serves retries
 *     store_audit.c   the trail: records, their chain, its lists
 *     store_verify.c  is the trail as it was written, and every record the one that it made last?
 *     store_head.c    the trail's head, in a file of its own
 *
 * Tables (T: the tenant in 4 bytes, N: a number in 8, both big-endian; L: a length of one byte):
 *
 *     meta                "check", "next"        -> tagged constants and counters
 *     keys                kid                    -> the record, which holds its tenant
 *     keys_by_tenant      T N                    -> kid
 *     keys_by_principal   T L principal N        -> kid
 *     keys_by_hash        the hash of a token made elsewhere -> kid; dead ones stay
 *     keys_deleted        time N                 -> kid; the time like a number
 *     principals          T id                   -> the record, its assignments included
 *     principals_by_role  T L role principal     -> nothing
 *     uses                N                      -> last use
 *     retries             hash of a request's id    -> what it made
 *     retries_by_time     time N, hash           -> nothing
 *     used                N                      -> hashes of the permissions that were used
 *     audit               N                      -> a record of the trail
 *     audit_index         `T` T N, `A` L actor N, `t` T L target N (t: enum store_audit_kind)
 *                                                -> nothing
 *
 *     tenants             T                      -> the record; `default` has none
 *     tenant_names        name                   -> T, little-endian
 *     roles               T name                 -> the record, its permissions included
 *
 * A record begins with its tag, then a byte for its table and one for its version, and holds its
 * whole key, so that the tag over what follows it covers the place as well.
 */

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "daemon/store/env.h"

enum store_table {
	STORE_META = 0,
	STORE_KEYS,
	STORE_KEYS_BY_TENANT,
	STORE_KEYS_BY_PRINCIPAL,
	STORE_KEYS_BY_HASH,
	STORE_KEYS_DELETED,
	STORE_PRINCIPALS,
	STORE_PRINCIPALS_BY_ROLE,
	STORE_USES,
	STORE_USED,
	STORE_AUDIT,
	STORE_AUDIT_INDEX,
	STORE_TENANTS,
	STORE_TENANT_NAMES,
	STORE_ROLES,
	STORE_RETRIES,
	STORE_RETRIES_BY_TIME,
	STORE_TABLES,
};

struct store {
	MDB_env *env;
	MDB_dbi tables[STORE_TABLES];
	struct secrets *secrets;
	int lock_fd;                     /* holds a flock on the data file */
	atomic_uint_fast64_t generation; /* odd while a change commits */
	atomic_uint_fast64_t last_txn;   /* LMDB's number of the last one that we committed */
	struct store_watch watch;        /* all NULL: nobody watches */
	pthread_mutex_t altered_lock;    /* of the next three */
	struct store_altered altered;
	uint64_t altered_told; /* of altered.count */
	int64_t altered_told_at;
	uint8_t *buffer; /* the writer's, STORE_MAX_ROLE: a record on its way into a put */
	int head_fd;
	int head_place; /* which of the file's two holds the head */
	bool head_failed;
	struct store_head head;          /* as it was written last; the writer's */
	atomic_uint_fast64_t head_count; /* likewise, for all */
};

struct store_read {
	struct store *store;
	MDB_txn *txn;
	bool live;     /* renewed and not reset */
	bool borrowed; /* a write's: neither renewed nor reset */
	uint64_t view; /* store_read_view */
};

/* What a write changes, for the watch. */
struct store_touched {
	uint64_t number; /* of a key; 0: it is a principal */
	uint32_t tenant;
	size_t id_len;
	char id[STORE_MAX_NAME];
};

/* In pages. */
struct store_room {
	size_t left; /* of the map; where that is more than the reserve, at least that much */
	size_t reserve;
};
/* store_room.c; no transaction of the caller's may be a writer's yet. */
void store_reserve_look(struct store *store, struct store_room *out);

struct store_write {
	struct store *store;
	struct store_room room; /* when it began */
	MDB_txn *batch;
	MDB_txn *job; /* from a job's first put on: its savepoint, or the batch when it is alone */
	bool alone;
	bool lost; /* a job was undone that had no savepoint: only an abort may follow */
	struct store_read reader;
	bool changed;
	unsigned owed;                 /* records put since the trail's last record */
	uint8_t made[SECRET_TAG];      /* the tag of the last one; zeroes when it was deleted */
	struct store_touched *touched; /* in the batch, what was undone included */
	size_t touched_count;
	size_t touched_capacity;
	bool touched_all; /* there was no room for more of them */
};

/* More than that are all. */
#define STORE_MAX_TOUCHED 4096

/* The record is about to be changed. What is new was read by nobody and need not be given. */
void store_touch_key(struct store_write *write, uint64_t number);
void store_touch_principal(struct store_write *write, uint32_t tenant, struct pol_str id);

/* As LMDB knows the table. */
const char *store_table_name(enum store_table table);

/* The one translation of LMDB's results: negative errno. */
int store_error(int mdb);

/* After each commit, of the transaction of that number: one that wrote nothing has used none. */
void store_committed(struct store *store, uint64_t number);

/* Keeps keys_by_hash: of the key as it was (NULL: it is new) and as it is. */
struct store_imports {
	uint8_t hashes[2][STORE_HASH];
	unsigned count;
};
void store_imports_of(const struct store_key *key, struct store_imports *out);
int store_move_imports(struct store_write *write, struct pol_str kid,
	const struct store_imports *before, const struct store_imports *after);

/* Keeps keys_deleted: `before` is the time that the stored record has, the key is the new one. */
int store_move_deleted(struct store_write *write, int64_t before, const struct store_key *key);
/* What is wrong, for people; gives the error back. */
__attribute__((format(printf, 3, 4))) int store_why(
	char why[static STORE_WHY], int error, const char *format, ...);

/* --- store_env.c ------------------------------------------------------------------------------ */

/* The environment at options->path, which is locked; flags: LMDB's, beside the usual ones. */
int store_open_env(struct store *store, const struct store_options *options, unsigned flags,
	char why[static STORE_WHY]);
/* Opens the tables and the secrets; makes them, in one transaction, where there are none. */
int store_prepare(
	struct store *store, const struct store_options *options, char why[static STORE_WHY]);
/* Nothing when it is closed. */
void store_close_env(struct store *store);

/* --- store_file.c ----------------------------------------------------------------------------- */

#define STORE_CREATING_SUFFIX ".creating" /* the data file while it is made */

/* Removes what a start that was cut off left at `aside`, unless another start holds it. */
int store_remove_left(struct store *store, const char *aside, char why[static STORE_WHY]);
/* Opens and locks the data file. -ENOENT: there is none, or there was one that never held a
 * transaction. */
int store_find_file(struct store *store, const char *path, char why[static STORE_WHY]);
/* A new one, to be made at `aside`: empty and locked. */
int store_begin_file(
	struct store *store, const char *path, const char *aside, char why[static STORE_WHY]);
/* Gives it its name, durably. Its environment is closed; the lock stays. */
int store_finish_file(
	struct store *store, const char *path, const char *aside, char why[static STORE_WHY]);

/* --- store_head.c ----------------------------------------------------------------------------- */

#define STORE_HEAD_SUFFIX "-head"

/* Reads the trail's head beside the store, or makes it for one that is new, and refuses a store
 * that does not hold the head's record. The tables are open. */
int store_open_head(
	struct store *store, const struct store_options *options, char why[static STORE_WHY]);
/* Behind a commit: writes it, durably. That it cannot be written is logged and ends nothing: what
 * was committed stands, and a store that goes further than its head is well. */
void store_advance_head(struct store *store, const struct store_head *head);
/* The head that lies beside a store at another path. -ENOENT, -EBADMSG. */
int store_peek_head(struct store *store, const char *path, struct store_head *out);
/* A record of the trail, of its own transaction: somebody moved the store from one head to
 * another. Offline. */
struct store_moved {
	struct pol_str action;
	uint64_t from;
	uint64_t to;
};
int store_enter_moved(struct store *store, const struct store_moved *moved);
/* -EBADMSG is counted and, the first time, logged; gives r back. */
int store_report(struct store *store, int r, const char *table, struct pol_str id);

uint64_t store_count_altered(struct store *store);

/* store_verify_lists.c: do all lists lead to the record, which is sound? 1, 0, or an errno. */
int store_is_listed(struct store_read *read, const struct store_problem *about);

/* Before a job's put: begins its savepoint. */
int store_write_ready(struct store_write *write);

/* The next number of a counter that begins with `first`; kept in the store, so that none is used
 * twice. */
int store_take_number(struct store_write *write, const char *name, uint64_t first, uint64_t *out);

/* A record was put, or deleted (NULL): the trail owes an entry for it. */
void store_write_owe(struct store_write *write, const uint8_t *record);

/* --- store_pack.c, store_record.c
 * --------------------------------------------------------------------------- */

#define STORE_MAX_KEY 511 /* LMDB's own bound */

/* A table's key being built; text behind the bound sets full. */
struct store_place {
	uint8_t bytes[STORE_MAX_KEY];
	size_t len;
	bool full;
};

/* Without clearing all of it, as an initialiser would at each look-up. */
static inline void store_place_init(struct store_place *place)
{
	place->len = 0;
	place->full = false;
}

void store_place_u32(struct store_place *place, uint32_t value);
void store_place_u64(struct store_place *place, uint64_t value);
void store_place_sized(struct store_place *place, struct pol_str text); /* its length first */
void store_place_text(struct store_place *place, struct pol_str text);

/* Every record begins alike: byte offsets. */
enum {
	STORE_AT_TAG = 0,
	STORE_AT_TABLE = SECRET_TAG,
	STORE_AT_VERSION,
	STORE_AT_BODY,
};

/* Completes and tags the record that lies in the store's buffer. */
void store_seal(struct store *store, enum store_table table, size_t len);
/* The record, or NULL when it is none of ours or shorter than `least`. */
const uint8_t *store_unseal(
	struct store *store, MDB_val value, enum store_table table, size_t least);

/* The texts behind a record's fixed part: one pass over them, in either direction. */
struct store_text {
	uint8_t *at;        /* encoding */
	const uint8_t *get; /* decoding */
	size_t left;
	bool bad; /* it did not fit; all that follows does nothing */
};
void store_text_put(struct store_text *text, const void *bytes, size_t len);
const uint8_t *store_text_take(struct store_text *text, size_t len);
struct pol_str store_text_take_str(struct store_text *text, size_t len);
struct store_list store_text_take_list(struct store_text *text, uint32_t size, uint32_t count);

/* Each encodes into buffer (STORE_MAX_RECORD bytes) and tags. -E2BIG: it does not fit. */
int store_encode_key(struct store *store, const struct store_key *key, size_t *out_len);
int store_encode_principal(
	struct store *store, const struct store_principal *principal, size_t *out_len);
size_t store_encode_use(struct store *store, uint64_t number, const struct store_use *use);
size_t store_encode_meta(struct store *store, struct pol_str name, uint64_t value);

/* Each checks the tag and that the record is the one of that place. -EBADMSG. */
int store_decode_key(struct store *store, MDB_val value, struct pol_str kid, struct store_key *out);
int store_decode_principal(struct store *store, MDB_val value, uint32_t tenant, struct pol_str id,
	struct store_principal *out);
int store_decode_use(struct store *store, MDB_val value, uint64_t number, struct store_use *out);
int store_decode_meta(struct store *store, MDB_val value, struct pol_str name, uint64_t *out);
