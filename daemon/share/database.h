/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * database: PostgreSQL, as a table of functions.
 *
 * The only files with libpq are those of this name: database.c (what a connection must be),
 * database_query.c (statements and their deadlines), database_log.c (share_log_ops),
 * database_create.c, database_hosts.c, database_copy.c (snapshots), database_use.c. They are an
 * object of their own, authzd-postgresql.so, which share_database_load loads: a daemon without
 * `shared` neither needs nor loads libpq.
 *
 * Schema `authz`, made by `create`; SHARED-STORE.md has its tables. All statements are
 * prepared per connection, with parameters apart. A connection is used by one thread at a time and
 * every call has a deadline: libpq is used without blocking, and poll(2) waits.
 *
 * Connecting looks up names, which blocks, so `connect` is for the watcher's thread.
 * It refuses, with what to do: a CONNINFO with a password in it, no TLS with verify-full unless the
 * server is local (a socket, or 127.0.0.1 and ::1), fsync off, full_page_writes off, a server that
 * recovers (a standby), a pooler (two statements of one connection answered by two backends), a
 * version below 15, another realm, epoch's secrets or format.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/share/log.h"

/* What a connection must meet. */
struct share_expect {
	bool realm;  /* false: any, or none yet */
	bool absent; /* the log may be missing, too: it is about to be made again */
	uint8_t realm_id[SHARE_REALM];
	uint8_t secrets[SHARE_FINGERPRINT];
};

struct share_connect {
	const char *conninfo;
	const struct share_expect *expect; /* NULL: nothing; the schema may be missing */
	bool listen;
	int timeout;
};

/* A new realm, or a new epoch of the realm that is there, and its first snapshot. */
struct share_new {
	struct share_head head; /* realm, epoch, sequence, tag, format, secrets */
	bool epoch;             /* replaces the log of the realm that is there */
	/* Gives the next piece (store/shared.h: store_next_piece). 1: it is the last. */
	int (*next)(void *context, struct pol_str *out);
	void *context;
};

/* A snapshot that is put: as of the row with this sequence and tag. */
struct share_copy {
	uint64_t sequence;
	const uint8_t *tag; /* SHARE_TAG bytes */
	int (*next)(void *context, struct pol_str *out);
	void *context;
};

/* Rows of `host`: more are refused, since each host keeps all of them in memory. Those of ended
 * daemons count until they are deleted. */
#define SHARE_MOST_HOSTS 100000

/* A row of `host`. */
struct share_host {
	uint8_t instance[SHARE_INSTANCE];
	char name[SHARE_HOST + 1];
	uint64_t applied;
	int64_t seen;   /* when it last looked: microseconds since 1970 by the database's clock */
	int64_t clock;  /* how far its clock is ahead of the database's, in microseconds */
	uint32_t reads; /* the latest format that it can read */
	char revision[72]; /* of its policy */
	char version[32];  /* of the program */
	uint8_t pepper;    /* the newest pepper that its file has */
	bool gone;
	bool diverged;
	char problem[200]; /* why it does not go on; empty: nothing */
};

typedef int (*share_host_row)(void *context, const struct share_host *host);

/* The totals of one store about one key: what this store counted alone. */
struct share_use {
	uint64_t number;
	int64_t at;
	uint8_t ip[16];
	bool has_ip;
	uint64_t uses;
	uint64_t denials;
};

/* What use_read and used_read read. */
struct share_use_from {
	const uint8_t *store; /* 16 bytes: counts of all stores except this one are read; used_read
				 ignores it */
	uint64_t after;
	unsigned most;
};

typedef int (*share_use_row)(void *context, const struct share_use *use);

/* The permissions that a key used on any host, as hashes. */
typedef int (*share_used_row)(void *context, uint64_t number, const uint64_t *hashes, size_t count);

/*
 * The functions. Those with a log return what share/log.h lists, and end the connection with
 * -ETIMEDOUT; share_log_ops.why says more. Each waits for `timeout` milliseconds at most.
 */
struct share_database {
	const char *version; /* of the program that the object was built with */
	size_t size;         /* of this table */

	/* Checks the text alone: 0; -EINVAL and `why`: it is not a CONNINFO, or it has a
	 * password. */
	int (*check)(const char *conninfo, char why[static SHARE_WHY]);

	/* Gives the files that CONNINFO and the environment name: certificates, keys, passwords.
	 * The thread that connects must be able to read them. */
	void (*files)(
		const char *conninfo, void (*seen)(void *context, const char *path), void *context);

	/* Connects. `listen`: it gets notices of new rows. 0; -ENOTCONN: there is no server, try
	 * later; -EPERM: what the server is or has must be changed first. `why` says which and what
	 * to do. */
	int (*connect)(const struct share_connect *how, struct share_log **out,
		char why[static SHARE_WHY]);

	/* The descriptor to poll for notices; and the last row that those since the last call name,
	 * 0: none came. It waits for nothing. Notices also come with the answers of other calls,
	 * after which the descriptor shows nothing: ask before polling. */
	int (*fd)(const struct share_log *log);
	uint64_t (*noticed)(struct share_log *log);

	/* --- a new log ---------------------------------------------------------------- */

	/* Makes the schema and the head in one transaction together with the first snapshot.
	 * -EEXIST: there is a log already. */
	int (*create)(struct share_log *log, const struct share_new *new, int timeout);
	/* Raises the format all hosts may write. SHARE_LOST: a host cannot read it:
	 * share_log_ops.why has its name. */
	int (*upgrade)(struct share_log *log, uint32_t format, int timeout);

	/* --- hosts -------------------------------------------------------------------- */

	/* Enters or updates this host's row. Before its first look. */
	int (*host_enter)(struct share_log *log, const struct share_host *host, int timeout);
	/* Marks this host's row as gone, when the host ends in good order. */
	int (*host_leave)(
		struct share_log *log, const uint8_t instance[SHARE_INSTANCE], int timeout);
	/* Marks rows whose last look is older than `marks` ms gone, and deletes those gone for
	 * longer than `deletes` ms. 0: neither. */
	int (*hosts_tend)(struct share_log *log, int64_t marks, int64_t deletes, int timeout);
	/* Deletes the rows of a name (or of an instance in hex). *out_count: how many. */
	int (*hosts_forget)(
		struct share_log *log, const char *name, unsigned *out_count, int timeout);
	/* By name. `seen` returns 0 to go on; any other value ends the reading, which returns it.
	 */
	int (*hosts)(struct share_log *log, share_host_row seen, void *context, int timeout);

	/* --- snapshots ---------------------------------------------------------------- */

	/* Puts a copy of the whole store as of a row, in parts. Each part has the tag of copies
	 * (store/copy.h) already. */
	int (*snapshot_put)(struct share_log *log, const struct share_copy *copy, int timeout);
	/* The newest one: 0, or -ENOENT. */
	int (*snapshot_newest)(struct share_log *log, uint64_t *out_sequence,
		uint8_t out_tag[static SHARE_TAG], uint32_t *out_parts, int timeout);
	/* One part; a view until the next call on this connection. -ENOENT. */
	int (*snapshot_part)(struct share_log *log, uint64_t sequence, uint32_t part,
		struct pol_str *out, int timeout);
	/* Deletes snapshots but two, and rows that they make unnecessary and that are older than a
	 * day. */
	int (*snapshots_tend)(struct share_log *log, int timeout);

	/* --- use of keys -------------------------------------------------------------- */

	/* Puts this store's totals (a random id of the store, kept in it) and its hashes of used
	 * permissions; both only grow. */
	int (*use_put)(struct share_log *log, const uint8_t store[16], const struct share_use *uses,
		size_t count, int timeout);
	int (*used_put)(struct share_log *log, uint64_t number, const uint64_t *hashes,
		size_t count, int timeout);
	/* The sums of all other stores, for at most `most` keys after `after`, in order of numbers.
	 */
	int (*use_read)(struct share_log *log, const struct share_use_from *from,
		share_use_row seen, void *context, int timeout);
	/* The hashes of at most `most` keys after `after`, in order of numbers. */
	int (*used_read)(struct share_log *log, const struct share_use_from *from,
		share_used_row seen, void *context, int timeout);
	/* Deletes uses and used permissions, of all stores, of keys that are deleted. */
	int (*use_forget)(
		struct share_log *log, const uint64_t *numbers, size_t count, int timeout);
};

/* The symbol of the table in the object. */
#define SHARE_DATABASE_SYMBOL "share_database"
/* The object's file, which is found by the program's run path. */
#define SHARE_DATABASE_FILE "authzd-postgresql.so"

/* Loads the object, once, before the program is confined: from then on the table is valid, to the
 * end of the process. 0; -ENOENT: it or libpq is not installed; -EINVAL: it is of another version.
 * `why` says what to do. */
int share_database_load(const struct share_database **out, char why[static SHARE_WHY]);
