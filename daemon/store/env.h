/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * store: keys, principals and assignments on disk. The only files that know LMDB.
 *
 * One environment, opened once in a process (a lock on the data file refuses the second, here or
 * elsewhere), with a map that is reserved once, sparse, and never grows. Readers never wait for
 * the writer. Every record carries a tag over its place and value; one that was edited, swapped or
 * copied from elsewhere reads as -EBADMSG, is logged as an alarm, and counts as not there.
 *
 * Records handed out are views into the map: they live until their store_read is reset or
 * renewed, or, in the writer, until the next put. Integers on disk are little-endian, those of
 * keys big-endian so that they sort.
 *
 * Errors are negative errno. Those of the store itself:
 *   -ENOENT   there is no such record          -EBADMSG  its tag is wrong
 *   -EEXIST   there is one already             -EFBIG    the map is full
 *   -ENOSPC   the disk is full                 -EIO      the disk failed, or the file is damaged
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/text/str.h"

struct secrets;
struct store;
struct store_read;
struct store_write;

#define STORE_MAP_SIZE       ((size_t)16 << 30) /* sparse: costs address space alone */
#define STORE_MAP_SIZE_SMALL ((size_t)1 << 30)  /* what sanitizers and valgrind bear */

/* Bounds of what is kept; each keeps a record below a few pages. */
#define STORE_MAX_NAME  128  /* ids, names of roles and scopes, as in the policy language */
#define STORE_MAX_TEXT  256  /* names and labels that people type */
#define STORE_MAX_PLACE 1024 /* one place */
#define STORE_MAX_LIST                                                                             \
	64                        /* roles, scopes, places or networks of a key; places of one     \
				   * assignment */
#define STORE_MAX_ASSIGNMENTS 64  /* of one principal */
#define STORE_MAX_PLACES      512 /* of all assignments of one principal */
#define STORE_MAX_RECORD      65536
/* A role's record, its permissions spelled out; a piece of a copy must hold it. */
#define STORE_MAX_ROLE (192 * 1024)

/* The one tenant that always exists. 0 is none. */
#define STORE_TENANT_DEFAULT 1

struct store_options {
	const char
		*path; /* the data file; `-lock` is added for LMDB's own, `-head` for the trail's */
	const char *pepper;   /* the secrets' file; see secret.h */
	size_t map_size;      /* 0: STORE_MAP_SIZE */
	bool accept_rollback; /* take a store that its trail's head does not fit; the trail says so
			       */
	unsigned readers;     /* workers and all others that read at a time */
};

#define STORE_WHY 512

/* Opens or creates. On failure `why` says what is wrong and what to do, for people. */
int store_open(const struct store_options *options, struct store **out, char why[static STORE_WHY]);
/* All transactions must be gone. NULL is ignored. */
void store_close(struct store *store);

struct secrets *store_secrets(struct store *store);

/* Raised by every change, to an odd number before its commit and once more behind it, before its
 * answer. Loads with acquire. */
uint64_t store_generation(const struct store *store);

/*
 * Who keeps what he read from the store is called here with what a transaction changes, before that
 * commits: nothing that was read before `version` is true of it afterwards. The writer's thread.
 */
struct store_watch {
	void *context;
	void (*key)(void *context, uint64_t version, uint64_t number);
	void (*principal)(void *context, uint64_t version, uint32_t tenant, struct pol_str id);
	/* Anything may have changed: another program wrote to the file, or there was too much. */
	void (*all)(void *context, uint64_t version);
};
/* Before other threads use the store. NULL: none any more. */
void store_set_watch(struct store *store, const struct store_watch *watch);

/* Another number after each commit: of changes, of what raises nothing, of strangers. */
uint64_t store_commits(const struct store *store);

/* What an error means to somebody who asked for a change: "the disk is full" and the like. */
const char *store_explain(int error);

struct store_counts {
	uint64_t keys; /* records, the revoked ones included */
	uint64_t principals;
	uint64_t bytes_used; /* of the file */
	uint64_t bytes_map;
	uint64_t altered; /* records that were refused since the start, however often each */
};
int store_count(struct store_read *read, struct store_counts *out);

/* Records that were refused because somebody altered them, and the last one of them. */
struct store_altered {
	uint64_t count;
	const char *table;
	char id[STORE_MAX_NAME];
	size_t id_len;
};
/* Those that nobody took yet, at most once an hour: for the trail. The writer's thread. */
bool store_take_altered(struct store *store, int64_t now, struct store_altered *out);

/* --- reading ---------------------------------------------------------------------------------- */

/* One a worker, made once. It begins reset: renew it before reading. It may move between threads,
 * used by one at a time. */
int store_read_open(struct store *store, struct store_read **out);
void store_read_close(struct store_read *read);
/* Sees all that was committed before. Renewing without a reset in between is allowed. */
int store_read_renew(struct store_read *read);
/* The number of the last transaction that it sees; 0: that was another program's, or the reader is
 * the writer's, which sees what is not committed. */
uint64_t store_read_view(const struct store_read *read);
void store_read_reset(struct store_read *read);

/* A list of texts as it lies in the record. Work on a copy to read it again. */
struct store_list {
	const uint8_t *ptr;
	uint32_t size;
	uint32_t count;
};
bool store_list_next(struct store_list *list, struct pol_str *out);

/* Builds such a list in memory of the caller's. */
struct store_pack {
	uint8_t *bytes;
	uint32_t size;
	uint32_t cap;
	uint32_t count;
};
/* false: no room. */
bool store_pack_add(struct store_pack *pack, struct pol_str text);
struct store_list store_pack_list(const struct store_pack *pack);

#define STORE_KID     12
#define STORE_HASH    32
#define STORE_TAG     16
#define STORE_NETWORK 17 /* bytes of one: 16 of the address, 1 of the prefix's bits */

enum store_key_flag {
	STORE_KEY_DISABLED = 1 << 0,
	STORE_KEY_REVOKED = 1 << 1,
	STORE_KEY_HAS_SCOPES = 1 << 2, /* scopes were given */
	STORE_KEY_HAS_PLACES = 1 << 3,
	/* The current secret is a token made elsewhere, known by its SHA-256 alone. Rotating gives
	 * the key a token of our own; the imported one is the other then. */
	STORE_KEY_IMPORTED = 1 << 4,
	STORE_KEY_OTHER_IMPORTED = 1 << 5,
	/* From these bits on, the number of the pepper under which each secret's hash was made. */
	STORE_KEY_PEPPER = 16,
	STORE_KEY_OTHER_PEPPER = 24,
};

/* What a key's other secret is. Past other_until it is none: dead, but not yet cleared away. */
enum store_other {
	STORE_OTHER_NONE = 0,
	STORE_OTHER_RETIRING, /* was the current one; good until other_until */
	STORE_OTHER_PENDING,  /* becomes the current one when first used; dropped at other_until */
};

/* Dead secrets that are still told apart from wrong ones: enough for who missed some rotations. */
#define STORE_DEAD_TAGS 4

/* A key's secrets beside the current one's hash, and its schedule. Times are Unix seconds. Zero
 * throughout (generation and issued: 0 counts as 1) for a key that has had one secret alone and is
 * on no schedule; its record is no longer than it was without all this. */
struct store_rotation {
	uint8_t other; /* enum store_other */
	uint8_t dead_count;
	uint32_t generation; /* of the current secret, from 1 */
	uint32_t other_generation;
	uint32_t issued;           /* secrets made so far: the next has this generation + 1 */
	const uint8_t *other_hash; /* STORE_HASH bytes; NULL: there is no other */
	const uint8_t *dead;       /* dead_count tags of STORE_TAG bytes, the newest first */
	int64_t other_until;
	int64_t other_overlap; /* of a pending one, seconds: the current one retires so long then */
	int64_t other_since;   /* when a retiring one had become current, a pending one was made */
	int64_t other_renew_by; /* of a retiring one: what renew_by was while it was current */
	int64_t secret_since;   /* when the current one became so; 0: when the key was created */
	int64_t rotate_every;   /* seconds; 0: no schedule, and the next two are 0 */
	int64_t next_rotation_at;
	int64_t renew_by; /* the current one dies then, renewed or not */
};

struct store_key {
	struct pol_str kid; /* STORE_KID bytes */
	uint64_t number;    /* from 1, in order of creation; never used again */
	uint32_t tenant;
	uint32_t flags;
	uint8_t binding; /* enum pol_binding */
	int64_t created_at;
	int64_t not_before;  /* 0: at once */
	int64_t expires_at;  /* 0: never */
	int64_t revoked_at;  /* 0: it is not */
	int64_t deleted_at;  /* 0: it is not */
	const uint8_t *hash; /* STORE_HASH bytes: of the current secret */
	const uint8_t *tag;  /* STORE_TAG bytes, of this very record; NULL: it was not read */
	struct pol_str prefix;
	struct pol_str environment;
	struct pol_str principal;
	struct store_list roles;
	struct store_list scopes;
	struct store_list places;
	const uint8_t *networks;
	uint32_t network_count;
	struct pol_str name;
	struct pol_str label;
	struct pol_str created_by;
	struct store_rotation rotation;
};

/* `which`: STORE_KEY_PEPPER or STORE_KEY_OTHER_PEPPER. */
static inline uint8_t store_key_pepper(const struct store_key *key, unsigned which)
{
	return (uint8_t)(key->flags >> which);
}

static inline void store_key_set_pepper(struct store_key *key, unsigned which, uint8_t number)
{
	key->flags = (key->flags & ~(UINT32_C(0xff) << which)) | (uint32_t)number << which;
}

int store_get_key(struct store_read *read, struct pol_str kid, struct store_key *out);

/* The key that has, or had, the secret made elsewhere whose hash this is. Compare it with the
 * record: what leads there proves nothing. -ENOENT. */
int store_get_key_by_hash(
	struct store_read *read, const uint8_t hash[static STORE_HASH], struct store_key *out);

/* The key that was deleted first, if that was at or before `until`: its kid is copied. -ENOENT. */
int store_find_deleted(struct store_read *read, int64_t until, char out_kid[static STORE_KID]);

/* Return 0 to go on, anything else to stop with it. */
typedef int (*store_key_seen)(void *context, const struct store_key *key);
/* Keys of a tenant, or of one principal when that is not empty, in order of creation, those whose
 * number is above `after`. Records with a wrong tag are passed over. */
int store_list_keys(struct store_read *read, uint32_t tenant, struct pol_str principal,
	uint64_t after, store_key_seen seen, void *context);

/* Keys of all tenants, by kid, those after `after` (empty: from the first). */
int store_walk_keys(
	struct store_read *read, struct pol_str after, store_key_seen seen, void *context);

enum store_tenant_flag {
	STORE_TENANT_DISABLED = 1 << 0,
};

/* The default one has no record: it is always there, and always on. */
struct store_tenant {
	uint32_t number;
	uint32_t flags;
	int64_t created_at;
	struct pol_str name;
	struct pol_str created_by;
};

int store_get_tenant(struct store_read *read, uint32_t number, struct store_tenant *out);
int store_find_tenant(struct store_read *read, struct pol_str name, struct store_tenant *out);
typedef int (*store_tenant_seen)(void *context, const struct store_tenant *tenant);
/* In order of creation, the default one first: those whose number is above `after`. */
int store_list_tenants(
	struct store_read *read, uint32_t after, store_tenant_seen seen, void *context);

/* A role that was made here. */
struct store_role {
	uint32_t tenant;
	uint64_t number; /* from 1; never used again, so that a later role of its name is another
			    one */
	int64_t created_at;
	int64_t updated_at;
	struct pol_str name;
	struct pol_str description;
	struct pol_str created_by;
	struct store_list inherits; /* references: store_role_split */
	struct store_list grants;   /* as written */
	struct store_list lines;    /* what they selected then: policy/snapshot/stored.h */
};

int store_get_role(
	struct store_read *read, uint32_t tenant, struct pol_str name, struct store_role *out);
typedef int (*store_role_seen)(void *context, const struct store_role *role);
/* In order of names, those after `after`. */
int store_list_roles(struct store_read *read, uint32_t tenant, struct pol_str after,
	store_role_seen seen, void *context);

/*
 * Which role a list means: one of the files, its name; or one of the store, its name, a NUL and its
 * number. Splits an item into both; number 0: one of the files.
 */
struct pol_str store_role_split(struct pol_str item, uint64_t *out_number);
/* Adds one; false: no room. */
bool store_role_add(struct store_pack *pack, struct pol_str name, uint64_t number);
#define STORE_ROLE_EXTRA 9 /* bytes behind the name */

enum store_principal_flag {
	STORE_PRINCIPAL_DISABLED = 1 << 0,
	STORE_PRINCIPAL_NO_API = 1 << 1,  /* api_access is off */
	STORE_PRINCIPAL_SERVICE = 1 << 2, /* else a user */
};

struct store_principal {
	struct pol_str id;
	uint32_t tenant;
	uint32_t flags;
	int64_t created_at;
	struct pol_str name;
	struct pol_str created_by;
	struct store_list attributes;  /* name, value, name, value … */
	struct store_list assignments; /* each one packed: store_assignment_decode */
};

struct store_assignment {
	struct pol_str role;      /* its name */
	uint64_t stored;          /* its number, if it is one of the store; 0: of the files */
	struct store_list places; /* sorted; none: everywhere */
	int64_t until;            /* 0: for good */
	int64_t created_at;
	struct pol_str created_by;
};

int store_get_principal(
	struct store_read *read, uint32_t tenant, struct pol_str id, struct store_principal *out);
/* The next of principal->assignments; false at the end. */
bool store_assignment_next(struct store_list *assignments, struct store_assignment *out);
/* Adds one to a pack of assignments. */
bool store_assignment_add(struct store_pack *pack, const struct store_assignment *assignment);

typedef int (*store_principal_seen)(void *context, const struct store_principal *principal);
/* In order of ids, those after `after`. */
int store_list_principals(struct store_read *read, uint32_t tenant, struct pol_str after,
	store_principal_seen seen, void *context);
/* Those that hold the role (by itself, not by inheritance), in order of ids. */
int store_list_holders(struct store_read *read, uint32_t tenant, struct pol_str role,
	struct pol_str after, store_principal_seen seen, void *context);

/* The last use of a key; usage.h is who asks. */
struct store_use {
	int64_t at; /* 0: never */
	uint8_t ip[16];
	bool has_ip;
	uint64_t uses;
	uint64_t denials;
};
/* 0 with zeroes when there is none. */
int store_get_use(struct store_read *read, uint64_t number, struct store_use *out);

/* The permissions that a key has used; used.h is who asks. */
#define STORE_MAX_USED 256
struct store_used {
	uint32_t count;
	bool full; /* there were more than fit */
	uint64_t hashes[STORE_MAX_USED];
};
/* 0 with none when there is no record. */
int store_get_used(struct store_read *read, uint64_t number, struct store_used *out);

/* --- the audit trail: audit.h is who writes it -------------------------------------------------
 */

/* What a record of the trail is about. On disk: never renumbered. */
enum store_audit_kind {
	STORE_AUDIT_NONE = 0,
	STORE_AUDIT_KEY = 'k',
	STORE_AUDIT_PRINCIPAL = 'p',
	STORE_AUDIT_ROLE = 'r',
	STORE_AUDIT_TENANT = 't',
	STORE_AUDIT_POLICY = 'f', /* the files' */
	STORE_AUDIT_STORE = 's',  /* the store itself */
	STORE_AUDIT_ALARM = 'a',  /* about a key */
};

enum store_audit_flag {
	STORE_AUDIT_MADE = 1 << 0,    /* it made a record, whose tag is `made` */
	STORE_AUDIT_REMOVED = 1 << 1, /* it removed the record */
};

#define STORE_CHAIN 32 /* bytes of a chain's tag */

struct store_audit {
	uint64_t sequence; /* from 1, without gaps */
	int64_t time;
	int64_t latest; /* the largest time up to here: it never falls, as clocks do */
	uint32_t uid;   /* of the peer */
	uint32_t pid;
	uint32_t tenant; /* of the target; 0: none */
	uint8_t kind;
	uint8_t flags;
	const uint8_t *made;   /* SECRET_TAG bytes: the tag of the record that it made */
	const uint8_t *before; /* STORE_CHAIN bytes: the tag of the trail's record before */
	const uint8_t *tag;    /* its own */
	struct pol_str actor;
	struct pol_str action;
	struct pol_str target;
	struct store_list fields; /* name, from, to, name, from, to … */
};

/* Where the trail ends. */
struct store_head {
	uint64_t count; /* of records: the last one's sequence */
	uint8_t tag[STORE_CHAIN];
};

/* One record; -ENOENT, -EBADMSG. */
int store_get_audit(struct store_read *read, uint64_t sequence, struct store_audit *out);
/* Zeroes for an empty trail. */
int store_get_head(struct store_read *read, struct store_head *out);

/* Which records: at most one of tenant, actor and target is looked up, in this order of choice:
 * target, actor, tenant; the caller compares the others. */
struct store_audit_filter {
	enum store_audit_kind kind; /* and target: about this */
	uint32_t tenant;            /* 0: any */
	struct pol_str target;
	struct pol_str actor;
	bool backwards; /* the latest first */
};
typedef int (*store_audit_seen)(void *context, const struct store_audit *audit);
/* In order of sequence from `from` on, itself included. Records that were altered are skipped, and
 * the alarm is logged. */
int store_list_audit(struct store_read *read, const struct store_audit_filter *filter,
	uint64_t from, store_audit_seen seen, void *context);
/* The first record that was written at or after a time, or one behind the last. */
int store_find_audit(struct store_read *read, int64_t since, uint64_t *out_sequence);

/* What is not as the daemon wrote it. */
enum store_problem_what {
	STORE_AUDIT_EDITED = 0, /* a record of the trail does not fit its tag */
	STORE_AUDIT_MISSING,    /* those from sequence to `last` are not there */
	STORE_AUDIT_REORDERED,  /* at sequence stands the one that was written as `last` */
	STORE_AUDIT_SPLICED,    /* it does not follow the one before: another trail's */
	STORE_AUDIT_CUT,        /* those from sequence to `last` were at the end */
	STORE_AUDIT_UNLISTED,   /* lists by actor, tenant or target do not lead to it */
	STORE_RECORD_EDITED,    /* a record does not fit its own tag, or is another place's */
	STORE_RECORD_REPLACED,  /* it is sound, and not the one that the trail made last: an old one
				 */
	STORE_RECORD_UNKNOWN,   /* the trail never made it */
	STORE_RECORD_REMOVED,   /* the trail's last word is that it is there */
	STORE_RECORD_UNLISTED,  /* it is as it should be, but a list that had it does not lead to it
				 */
};

struct store_problem {
	enum store_problem_what what;
	uint64_t sequence; /* in the trail; 0: none */
	uint64_t last;
	uint8_t kind; /* of the record, enum store_audit_kind */
	uint32_t tenant;
	struct pol_str target; /* as it stands in the file: any bytes */
};

#define STORE_VERIFY_PLACE 160

/* How far it has come; zeroes begin. */
struct store_verify {
	uint8_t place[STORE_VERIFY_PLACE];
	size_t place_len;
	uint64_t checked; /* records of either kind */
};
typedef void (*store_problem_seen)(void *context, const struct store_problem *problem);
/* The trail's count as its head says: to be asked before the reader is renewed. Any thread. */
uint64_t store_head_count(const struct store *store);
/* Looks at most `most` records further on. 1: that was all; 0: there is more. */
int store_verify(struct store_read *read, struct store_verify *verify, uint32_t most,
	uint64_t head_count, store_problem_seen seen, void *context);

/* --- a copy of the whole store ------------------------------------------------------------------
 */

/*
 * One state of the store in pieces, each tagged over the one before it; what merely serves retries
 * is left out, and so is the pepper. Its transaction keeps old pages alive while it is open: close
 * it in time. By one thread at a time.
 */
struct store_copy;

#define STORE_COPY_PIECE ((size_t)256 << 10) /* at least what store_copy_next wants */

int store_copy_open(struct store *store, struct store_copy **out);
/* The next piece, *out_len bytes. 1: it is the last; 0: there are more; or a negative errno. */
int store_copy_next(struct store_copy *copy, uint8_t *bytes, size_t cap, size_t *out_len);
/* Records so far, and altogether. */
void store_copy_progress(const struct store_copy *copy, uint64_t *out_done, uint64_t *out_total);
void store_copy_close(struct store_copy *copy); /* NULL is ignored */

struct store_restored {
	uint64_t records;
	uint64_t head;  /* of the trail, as it was here */
	uint64_t count; /* of the copy's trail */
};
/*
 * Puts the copy that fd reads in the store's place; no daemon runs, and options->path may name
 * none yet. The old one stays beside it, as `.before`. A copy that lacks the head's record is
 * refused without options->accept_rollback. The trail tells of it either way. *out: on success.
 */
int store_restore(const struct store_options *options, int fd, struct store_restored *out,
	char why[static STORE_WHY]);

/* --- writing: in the writer's thread alone ------------------------------------------------------
 */

/* Begins the batch's transaction. It reads through store_write_reader. */
int store_write_begin(struct store *store, struct store_write **out);
/* Right after the beginning: the batch has a single job, which needs no savepoint. A savepoint is a
 * nested transaction of LMDB, which allocates 3 MiB for its lists and copies the pages that were
 * changed before. An undo of such a job's puts leaves nothing to commit: -EINVAL. */
void store_write_alone(struct store_write *write);
/* A reader of the batch so far; lives as long as the write. */
struct store_read *store_write_reader(struct store_write *write);
/* One job's part: what it put since can be dropped alone. */
void store_write_job(struct store_write *write);
bool store_write_job_changed(const struct store_write *write); /* has it put anything? */
int store_write_keep(struct store_write *write);
void store_write_undo(struct store_write *write);
/* Is there a change of this job that the trail has no record of? Such a job must be undone. */
bool store_write_owes(const struct store_write *write);
/* Was anything kept? */
bool store_write_changed(const struct store_write *write);
/* Makes the batch durable; with `raise` the generation goes up. Ends the write either way. */
int store_write_commit(struct store_write *write, bool raise);
/* Ends it without a trace. NULL is ignored. */
void store_write_abort(struct store_write *write);

/* Gives key->number itself (*out_number). -EEXIST: the kid is taken. */
int store_create_key(struct store_write *write, struct store_key *key);
/* Only what may change of a key differs from what is stored. */
int store_update_key(struct store_write *write, const struct store_key *key);
/* Takes the record away, with its use and all that leads to it. -ENOENT. */
int store_remove_key(struct store_write *write, struct pol_str kid);
/* Forgets where a hash of a token made elsewhere leads; nothing when it leads nowhere. */
int store_drop_import(struct store_write *write, const uint8_t hash[static STORE_HASH]);
/* Gives tenant->number itself. -EEXIST: the name is taken. */
int store_create_tenant(struct store_write *write, struct store_tenant *tenant);
int store_update_tenant(struct store_write *write, const struct store_tenant *tenant);
/* A new role's number. */
int store_take_role_number(struct store_write *write, uint64_t *out);
/* Creates or replaces. -E2BIG: its permissions are too many. */
int store_put_role(struct store_write *write, const struct store_role *role);
int store_delete_role(struct store_write *write, uint32_t tenant, struct pol_str name);
/* Creates or replaces; keeps the index of roles. */
int store_put_principal(struct store_write *write, const struct store_principal *principal);
int store_delete_principal(struct store_write *write, uint32_t tenant, struct pol_str id);
int store_put_use(struct store_write *write, uint64_t number, const struct store_use *use);
int store_put_used(struct store_write *write, uint64_t number, const struct store_used *used);
/* Appends to the trail: sequence, latest, before, tag and, with STORE_AUDIT_MADE, made are given to
 * it here. A record that was put or deleted must have its entry before the next is put: -EPROTO
 * when one entry would be for two. */
int store_append_audit(struct store_write *write, const struct store_audit *audit);

/* --- retries: what a request's id made, for a while (manage/retry.h) ----------------------------
 */

#define STORE_RETRY_SECONDS 600

struct store_retry {
	const uint8_t *id;          /* STORE_HASH bytes: of the request's id, which is not kept */
	const uint8_t *fingerprint; /* STORE_HASH bytes: of all that must be the same again */
	const uint8_t *made;        /* STORE_TAG bytes: of the key's record as it was left */
	struct pol_str kid;
	int64_t at;
	const uint8_t *sealed; /* the token */
	size_t sealed_len;
};

/* -ENOENT, -EBADMSG. */
int store_get_retry(
	struct store_read *read, const uint8_t id[static STORE_HASH], struct store_retry *out);
/* When the oldest was made; -ENOENT: there is none. */
int store_oldest_retry(struct store_read *read, int64_t *out_at);
/* Replaces what has this id. */
int store_put_retry(struct store_write *write, const struct store_retry *retry);
/* Forgets those that were made before, `most` of them. */
int store_drop_retries(struct store_write *write, int64_t before, unsigned most);
