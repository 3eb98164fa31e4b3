/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * internal: what the files of this room share; no other room includes it.
 *
 *     env.c          opening and closing, errors, counts
 *     open.c         LMDB's environment, its tables, and whether the pepper belongs to the store
 *     file.c         the data file: its lock, and how a new one is made
 *     txn.c          transactions
 *     pack.c         keys of tables, lists, assignments (bytes.h: integers)
 *     record.c       tags, and the bytes of principals and counters; record_key.c: of keys;
 *                    record_use.c: of their uses
 *     read.c         look-ups and lists of keys and principals
 *     put.c          the one place where a write puts and deletes; records what it does
 *     apply.c        does the same to another store (changes_format.h: the form)
 *     shared.c, rows.c, marks.c
 *                    what a store that follows a shared log has beside its records
 *     write.c        puts of keys and principals, and their indexes
 *     remove.c       deleted keys and imported tokens: their indexes, and the end of a key
 *     everyone.c     the roles that every principal, or every caller, of a tenant holds
 *     tenant.c, role.c, used.c, retry.c
 *                    the other kinds of records
 *     altered.c      records that do not match their tag; altered_keys.c: such keys
 *     clock.c        the time that counts
 *     admit.c        checks an existing data file before it is opened: check.c in a child process,
 *                    pages.c the pages, clean.c whether the last end was a clean one
 *     fault.c        what happens when a damaged page is found while the daemon serves
 *     reserve.c      what may be written when the map is nearly full
 *     trail.c        the trail: entries, their chain, its lists
 *     head.c         the trail's head, in a file of its own; head_place.c: its form
 *     verify.c       whether the trail is as it was written, and each record as its last entry
 *                    says; verify_lists.c: whether the indexes have each record
 *     copy.c, restore.c
 *                    copies (copy_read.c reads one); backup.c: a copy for a peer; replace.c: a copy
 *                    takes the place of all records
 *     offline.c      authzd without serving
 *
 * Tables (T: the tenant in 4 bytes, N: a number in 8, both big-endian; L: a length of one byte):
 *
 *     meta                "check", "next"        -> tagged constants and counters
 *                         "shared"               -> the place in the shared log
 *                         "uses_id"              -> under which other hosts know this store's uses
 *                         "setting:" name        -> a setting's text
 *     keys                kid                    -> the record, which holds its tenant
 *     keys_by_tenant      T N                    -> kid
 *     keys_by_principal   T L principal N        -> kid
 *     keys_unrevoked      T L principal N        -> kid; of keys that are not revoked
 *     keys_by_hash        hash of an imported token -> kid; those of replaced tokens stay
 *     keys_deleted        time N                 -> kid; the time has the form of a number
 *     principals          T id                   -> the record, its assignments included; under
 *                                                   two ids that no principal has, what every
 *                                                   principal, and every caller, is assigned
 *     principals_by_role  T L role principal     -> nothing
 *     uses                N                      -> the key's use, in all and by day
 *     retries             hash of a request's id -> what the request made
 *     retries_by_time     time hash              -> nothing; the time has the form of a number
 *     used                N                      -> hashes of the permissions that the key used
 *     audit               N                      -> an entry of the trail
 *     audit_index         `T` T N, `A` L actor N, `t` T L target N (t: enum store_audit_kind)
 *                                                -> nothing
 *
 *     rows                sequence of a row in 8 bytes, big-endian
 *                                                -> the row of the shared log, which has its own
 * tag marks               kid                    -> that the key is denied on this host
 *
 *     tenants             T                      -> the record; `default` has none
 *     tenant_names        name                   -> T, little-endian
 *     roles               T name                 -> the record, its permissions included
 *
 * A record is its tag, a byte for its table, one for its version, and its content. The content has
 * the record's whole key, so that the tag, which covers all that follows it, covers the key too.
 * Entries of the trail have a form of their own (trail_internal.h). Indexes have no tags.
 */

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "daemon/store/env.h"

/* Records hold these numbers: add new tables at the end. */
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
	STORE_KEYS_UNREVOKED,
	STORE_ROWS,
	STORE_MARKS,
	STORE_TABLES,
};

struct store {
	MDB_env *env;
	MDB_dbi tables[STORE_TABLES];
	struct secrets *secrets;
	int lock_fd;                     /* has a flock on the data file */
	atomic_uint_fast64_t generation; /* odd while a change commits */
	atomic_uint_fast64_t last_txn;   /* LMDB's number of the last transaction we committed */
	atomic_bool has_everyone;        /* a tenant may have a record of everyone.c */
	atomic_uint_fast64_t everyone_changed; /* the last transaction that changed one */
	atomic_bool has_marks;                 /* a key may be marked on this host */
	bool records;                          /* writes record their changes */
	struct store_watch watch;              /* all NULL: there is none */
	pthread_mutex_t altered_lock;          /* of the next five */
	struct store_altered altered;
	uint64_t altered_reported; /* of altered.count: what store_take_altered has given */
	int64_t altered_reported_at;
	pthread_t writing;    /* the thread of the last write */
	bool writing_altered; /* it met an altered record since that began */
	uint8_t *buffer;      /* the writer's, STORE_MAX_ROLE bytes: the record that is encoded */
	int head_fd;
	int head_place;                  /* which of the head file's two places has the head */
	bool head_failed;                /* the last write of the head failed */
	atomic_int head_state;           /* enum store_head_state */
	struct store_head head;          /* as last written; for the writer only */
	struct store_head late;          /* of a commit that may not be durable; count 0: none */
	uint64_t head_at;                /* when the head was written, in ms, CLOCK_MONOTONIC */
	atomic_uint_fast64_t head_count; /* its count, for any thread */
	atomic_int_fast64_t latest;      /* time seen, in Unix seconds: clock.h */
	atomic_int_fast64_t clock_limit; /* a later time is ahead; 0: there is no limit yet */
	atomic_int_fast64_t clock_ahead; /* seconds */
	bool clock_is_back;              /* store_watch_clock's, as the next four */
	bool clock_is_based;
	int64_t clock_base;        /* a wall time that was right, */
	int64_t clock_base_boot;   /* and the time since boot of then */
	int64_t clock_ahead_since; /* since boot; 0: it is not ahead */
	char *opened;              /* the data file's path, once the store is open */
};

struct store_read {
	struct store *store;
	MDB_txn *txn;
	bool live;     /* renewed and not reset */
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
	size_t left; /* free pages of the map; if more than the reserve, at least this many */
	size_t reserve;
};
/* reserve.c. Call it before the write transaction begins. */
void store_reserve_look(struct store *store, struct store_room *out);

/* What the jobs of a batch put and deleted: changes.h. */
struct store_recorded {
	bool on;
	uint8_t *bytes;
	size_t len;
	size_t kept; /* bytes of the jobs that were kept */
	size_t capacity;
	int error; /* some changes are missing; else 0 */
	int kept_error;
};

struct store_write {
	struct store *store;
	struct store_room room; /* at the beginning of the batch */
	MDB_txn *batch;
	MDB_txn *job; /* from a job's first put on: its savepoint, or the batch if it is alone */
	bool alone;   /* store_write_alone */
	bool lost;    /* a job without a savepoint was undone: only an abort may follow */
	bool logged;  /* store_write_begin_logged */
	struct store_read reader;
	bool changed;   /* a job was kept */
	bool job_roles; /* the job put or deleted a stored role, */
	bool roles;     /* or one that was kept did */
	bool marks;     /* a mark may have been put or deleted */
	bool replaced;  /* store_replace */
	struct store_recorded recorded;
	unsigned owed;                 /* changes of records that have no entry in the trail yet */
	uint8_t made[SECRET_TAG];      /* the tag of the last record put; zeroes after a delete */
	struct store_touched *touched; /* in the batch, changes that were undone included */
	size_t touched_count;
	size_t touched_capacity;
	bool touched_all; /* there was no room for more of them */
};

/* A write that touches more records than this reports that all may have changed. */
#define STORE_MAX_TOUCHED 4096

/* The table's name in LMDB. */
const char *store_table_name(enum store_table table);

/* Translates a result of LMDB to 0 or a negative errno. */
int store_error(int mdb);

/* To be called after each commit with the transaction's number. A transaction that wrote nothing
 * uses no number. */
void store_committed(struct store *store, uint64_t number);

/* Formats what is wrong and returns the error. */
__attribute__((format(printf, 3, 4))) int store_why(
	char why[static STORE_WHY], int error, const char *format, ...);

/* --- altered.c -------------------------------------------------------------------------------- */

/* Counts -EBADMSG, and logs the first one as an alarm. Returns r. */
int store_report(struct store *store, int r, const char *table, struct pol_str id);
uint64_t store_count_altered(struct store *store);
/* A write begins. */
void store_watch_altered(struct store *store);

/* --- remove.c --------------------------------------------------------------------------------- */

/* The hashes of a key's imported tokens. */
struct store_imports {
	uint8_t hashes[2][STORE_HASH];
	unsigned count;
};
void store_imports_of(const struct store_key *key, struct store_imports *out);
/* Deletes what is counted of the key's use, if there is anything. */
int store_drop_use(struct store_write *write, uint64_t number);
/* Updates keys_by_hash for a key whose imported tokens were `before` and are `after`. */
int store_move_imports(struct store_write *write, struct pol_str kid,
	const struct store_imports *before, const struct store_imports *after);

/* Updates keys_deleted for a key whose deleted_at was `before`. */
int store_move_deleted(struct store_write *write, int64_t before, const struct store_key *key);

/* Updates keys_unrevoked for a key whose flags were `before`. */
int store_move_unrevoked(struct store_write *write, uint32_t before, const struct store_key *key);
/* Fills keys_unrevoked if it is empty: in a store of an earlier version, and after a restore. */
int store_fill_unrevoked(struct store *store, MDB_txn *txn);

/* --- everyone.c ------------------------------------------------------------------------------- */

/* Looks whether any tenant has such a record. */
int store_load_everyone(struct store *store, struct store_read *read);
/* To be called before the commit of a transaction that may make one. */
void store_note_everyone(struct store *store);
/* The transaction with that number may change one: to be called before its commit. */
void store_change_everyone(struct store *store, uint64_t number);
/* How many there are. */
int store_count_everyone(struct store_read *read, uint64_t *out);

/* --- open.c ----------------------------------------------------------------------------------- */

/* Opens LMDB's environment at options->path, which is locked. flags: further flags of LMDB. */
int store_open_env(struct store *store, const struct store_options *options, unsigned flags,
	char why[static STORE_WHY]);
/* Opens the tables and the secrets. Creates those that do not exist, in one transaction. */
int store_prepare(
	struct store *store, const struct store_options *options, char why[static STORE_WHY]);
/* Closes the environment and the secrets; does nothing if they are closed. */
void store_close_env(struct store *store);

/* --- file.c ----------------------------------------------------------------------------------- */

#define STORE_CREATING_SUFFIX ".creating" /* of the data file while it is made */

/* Opens a file with further `flags` of open(2), checks its type, owner and mode, and locks it. */
int store_lock_file(struct store *store, const char *path, int flags, char why[static STORE_WHY]);
/* Removes the file `aside` that an interrupted start left, unless another start has it locked. */
int store_remove_left(struct store *store, const char *aside, char why[static STORE_WHY]);
/* Opens and locks the data file. -ENOENT: there is none, or it was blank and has been removed. */
int store_find_file(struct store *store, const char *path, char why[static STORE_WHY]);
/* Creates the file `aside`, empty and locked. -EBUSY: another daemon makes the store or has made
 * it. */
int store_begin_file(
	struct store *store, const char *path, const char *aside, char why[static STORE_WHY]);
/* Renames the new file to `path`, durably. Its environment must be closed; the lock stays. */
int store_finish_file(
	struct store *store, const char *path, const char *aside, char why[static STORE_WHY]);

/* --- head.c ----------------------------------------------------------------------------------- */

#define STORE_HEAD_SUFFIX "-head"

/* head_place.c: a place of the head file: a page, so that a write of one cannot damage the other.
 */
#define STORE_HEAD_PLACE 4096
void store_head_encode(
	struct store *store, const struct store_head *head, char place[STORE_HEAD_PLACE]);
/* False: the place has no head, or one of another store. */
bool store_head_decode(
	struct store *store, const char place[STORE_HEAD_PLACE], struct store_head *out);

/* Reads the trail's head from the file beside the store, or makes the file for a new store. Refuses
 * a store without the head's entry. The tables must be open. */
int store_open_head(
	struct store *store, const struct store_options *options, char why[static STORE_WHY]);
/* Writes the head durably, after a commit. A failure is logged and changes nothing else: the commit
 * stands, and a store with more entries than its head is accepted. */
void store_advance_head(struct store *store, const struct store_head *head);
/* After a commit of store_write_begin_logged: notes the head of the one before, which that made
 * durable, unless the file was written a short time ago. */
#define STORE_HEAD_MS 1000
void store_follow_head(struct store *store, const struct store_head *head);
/* Before a commit: what the head's state is after it, if its trail ends at `end`. */
int store_judge_head(struct store *store, struct store_read *read, const struct store_head *end);
/* Makes a new head file after a commit that replaced the store. A failure is logged; the store then
 * names the old head, and opens. */
void store_move_head(struct store *store, const struct store_head *head);
/* replace.c. Has the store replaced one whose trail ended there? */
bool store_has_replaced(struct store_read *read, const struct store_head *head);
/* Reads the head of the store at another path. -ENOENT, -EBADMSG. */
int store_peek_head(struct store *store, const char *path, struct store_head *out);
/* What an entry says of the store itself: that it was moved from one head to another by a restore
 * or an accepted rollback, or from one latest time to another. */
struct store_moved {
	struct pol_str action;
	const char *what; /* the entry's field */
	uint64_t from;
	uint64_t to;
};
int store_append_moved(struct store_write *write, const struct store_moved *moved);
/* The same, in a transaction of its own. */
int store_enter_moved(struct store *store, const struct store_moved *moved);

/* --- clock.c ---------------------------------------------------------------------------------- */

/* Reads the latest time that the store knows. */
void store_load_clock(struct store *store, struct store_read *read);

/* --- admit.c ---------------------------------------------------------------------------------- */

/* Checks the data file, which is locked and not open in LMDB. Logs altered records. */
int store_admit(
	struct store *store, const struct store_options *options, char why[static STORE_WHY]);

/* --- fault.c ---------------------------------------------------------------------------------- */

/* From now on a fault (SIGSEGV, SIGBUS) inside the store's map is logged and ends the process. One
 * store in a process has this. */
void store_catch_faults(struct store *store, const char *path, size_t map_size);
void store_ignore_faults(struct store *store);

/* --- verify_lists.c --------------------------------------------------------------------------- */

/* 1: the indexes have the record; 0: one lacks it; or a negative errno. */
int store_is_listed(struct store_read *read, const struct store_problem *about);

/* --- txn.c, write.c --------------------------------------------------------------------------- */

/* Notes for the watch that the record is about to be changed. A new record needs no note, because
 * nothing was read of it. */
void store_touch_key(struct store_write *write, uint64_t number);
/* All records may be changed. */
void store_touch_all(struct store_write *write);
void store_touch_principal(struct store_write *write, uint32_t tenant, struct pol_str id);

/* Begins the job's savepoint if it has none. To be called before each put. */
int store_write_ready(struct store_write *write);

/* Notes that a record was put, or deleted (NULL), and needs an entry in the trail. */
void store_write_owe(struct store_write *write, const uint8_t *record);

/* Takes the next number of a counter, the first time `first`. The store has the counter, so that no
 * number is used twice. */
int store_take_number(struct store_write *write, const char *name, uint64_t first, uint64_t *out);

/* --- put.c ------------------------------------------------------------------------------------ */

/* All puts and deletes of a write go through these two, in a job that is ready. Key and value may
 * be views. -ENOENT: there is nothing to delete. */
int store_write_put(struct store_write *write, enum store_table table, MDB_val key, MDB_val value,
	unsigned flags);
int store_write_delete(struct store_write *write, enum store_table table, MDB_val key);

/* A job ends: its changes are kept, or undone. */
void store_recorded_keep(struct store_recorded *recorded);
void store_recorded_undo(struct store_recorded *recorded);

/* --- shared.c, marks.c ------------------------------------------------------------------------ */

/* What a record of the table `meta` is. */
enum store_meta {
	STORE_META_LOCAL = 0, /* this host's alone: the latest time, the place in a shared log */
	STORE_META_COUNTER,   /* of numbers that were taken; and the pepper's due number */
	STORE_META_SETTING,
};
enum store_meta store_meta_kind(struct pol_str name);
#define STORE_SETTING "setting:" /* what the names of settings begin with */

/* Records of `meta` with a name and any content, a view. -ENOENT, -EBADMSG. */
int store_get_named(struct store_read *read, struct pol_str name, struct pol_str *out);
int store_put_named(struct store_write *write, struct pol_str name, struct pol_str content);
int store_decode_named(
	struct store *store, MDB_val value, struct pol_str name, struct pol_str *out);

/* Has the store a place in a shared log? An altered one counts. */
bool store_is_shared(struct store_read *read);

/* Puts the number of the store's format, whose tag proves the pepper. */
int store_put_format(struct store_write *write, uint64_t format);

/* Looks whether any key is marked. */
int store_load_marks(struct store *store, struct store_read *read);

/* --- pack.c: keys of tables ------------------------------------------------------------------- */

#define STORE_MAX_KEY 511 /* LMDB's limit */

/* A table's key that is built piece by piece. A piece that does not fit sets full. */
struct store_place {
	uint8_t bytes[STORE_MAX_KEY];
	size_t len;
	bool full;
};

/* Unlike an initialiser this does not clear the bytes, at each look-up. */
static inline void store_place_init(struct store_place *place)
{
	place->len = 0;
	place->full = false;
}

void store_place_u32(struct store_place *place, uint32_t value);
void store_place_u64(struct store_place *place, uint64_t value);
void store_place_sized(struct store_place *place, struct pol_str text); /* its length first */
void store_place_text(struct store_place *place, struct pol_str text);

/* --- record.c, record_key.c: records ---------------------------------------------------------- */

/* What each record begins with: byte offsets. */
enum {
	STORE_AT_TAG = 0,
	STORE_AT_TABLE = SECRET_TAG,
	STORE_AT_VERSION,
	STORE_AT_BODY,
};

/* Writes table, version and tag of the record in the store's buffer. */
void store_seal(struct store *store, enum store_table table, size_t len);
/* The record, or NULL if it is shorter than `least` or does not match its tag. */
const uint8_t *store_peek(MDB_val value, enum store_table table, size_t least);
const uint8_t *store_unseal(
	struct store *store, MDB_val value, enum store_table table, size_t least);

/* The texts after a record's fixed part, written or read in order. */
struct store_text {
	uint8_t *at;        /* for encoding */
	const uint8_t *get; /* for decoding */
	size_t left;
	bool bad; /* a text did not fit; all later calls do nothing */
};
void store_text_put(struct store_text *text, const void *bytes, size_t len);
const uint8_t *store_text_take(struct store_text *text, size_t len);
struct pol_str store_text_take_str(struct store_text *text, size_t len);
struct store_list store_text_take_list(struct store_text *text, uint32_t size, uint32_t count);

/* Encode a record into the store's buffer and tag it. -E2BIG: it is larger than STORE_MAX_RECORD,
 * or a text is too long. */
int store_encode_key(struct store *store, const struct store_key *key, size_t *out_len);
int store_encode_principal(
	struct store *store, const struct store_principal *principal, size_t *out_len);
/* `days` NULL: none. */
size_t store_encode_use(struct store *store, uint64_t number, const struct store_use *use,
	const struct store_days *days);
size_t store_encode_meta(struct store *store, struct pol_str name, uint64_t value);

/* Check the tag and the key, and decode. -EBADMSG. */
int store_decode_key(struct store *store, MDB_val value, struct pol_str kid, struct store_key *out);
/* The same without a look at the tag. */
int store_peek_key_record(MDB_val value, struct pol_str kid, struct store_key *out);
int store_peek_principal_flags(MDB_val value, uint32_t tenant, uint32_t *out);
int store_decode_principal(struct store *store, MDB_val value, uint32_t tenant, struct pol_str id,
	struct store_principal *out);
int store_decode_tenant(
	struct store *store, MDB_val value, uint32_t number, struct store_tenant *out);
int store_decode_role(struct store *store, MDB_val value, uint32_t tenant, struct pol_str name,
	struct store_role *out);
int store_decode_retry(struct store *store, MDB_val value, const uint8_t id[static STORE_HASH],
	struct store_retry *out);
int store_decode_use(struct store *store, MDB_val value, uint64_t number, struct store_use *out,
	struct store_days *out_days);
int store_decode_meta(struct store *store, MDB_val value, struct pol_str name, uint64_t *out);
