/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * log: the one ordered log that all hosts of a realm append to and apply.
 *
 * This header is the interface that the daemon uses; database.h implements it with PostgreSQL,
 * and the tests implement it in memory, with faults on command. A struct share_log is one
 * connection: one thread uses it at a time. Every function waits for `timeout` milliseconds at
 * most.
 *
 * They return
 *
 *	0		done;
 *	SHARE_LOST	another row has the place;
 *	-ENOTCONN	there is no connection, and nothing was sent;
 *	-ETIMEDOUT	no answer, or none that proves anything: what was sent may still be done,
 *			and the connection is closed;
 *	-EPERM		the database refuses, or it is not the realm's: share_log_why says it;
 *	-EBADMSG	what was read cannot be a row: altered, too large, or rows are missing;
 *	-ESTALE		look: the report's row of `host` is gone or missing: enter it first;
 *	-ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/secret/token.h"
#include "daemon/share/row.h"
#include "policy/text/str.h"

/* What is to be done about a row that no host can apply. */
#define SHARE_PUT_BACK                                                                             \
	"Put it back from a copy of the database, or begin again on all hosts: "                   \
	"authzcheck store share --restore COPY"

/* Not an error: the writer catches up and runs its batch again. */
#define SHARE_LOST 1

#define SHARE_REALM       16 /* random bytes that name the realm: the hosts that share one log */
#define SHARE_FINGERPRINT SECRET_FINGERPRINT /* of the secrets: equal on all hosts of a realm */
#define SHARE_WHY         512

/* Which server answered: it changes when a standby was promoted or a copy was started. */
struct share_server {
	uint64_t system;   /* PostgreSQL's system identifier */
	uint32_t timeline; /* the first part of the name of its WAL file */
};

/* Where the log ends. */
struct share_head {
	uint8_t realm[SHARE_REALM];
	uint64_t epoch;    /* raised when a copy was restored for all hosts */
	uint64_t sequence; /* of the last row; 0: there is none */
	uint8_t tag[SHARE_TAG];
	uint32_t format; /* what all hosts may write */
	uint8_t secrets[SHARE_FINGERPRINT];
	uint64_t beat;
	uint32_t hosts; /* that have a row and are not gone */
	int64_t now;    /* microseconds since 1970, by the database's clock */
	struct share_server server;
};

/* What a host says of itself in its row of `host`, with each look. */
struct share_report {
	const uint8_t *instance; /* SHARE_INSTANCE bytes, drawn at each start */
	uint64_t applied;        /* the last row that its store has */
	bool diverged;           /* it has rows that the log does not have */
};

/* Called for each row in order; 0 to go on, any other value ends the reading, which returns it. The
 * row's texts are views until the call returns. */
typedef int (*share_row_seen)(void *context, const struct share_row *row);

struct share_log;

struct share_log_ops {
	/* Reads the head, on the primary, in one statement that first writes the report (NULL:
	 * none). -ENOENT: there is no log. */
	int (*look)(struct share_log *log, const struct share_report *report,
		struct share_head *out, int timeout);
	/* Appends the row after `before` in one statement: at its place only if the head's epoch,
	 * sequence and tag are those of `before`. 0: it is durable as far as the database promises.
	 * SHARE_LOST: the head is another one; it may be this row, by an earlier call. A warning
	 * (a cancelled wait for a standby) is -ETIMEDOUT. After `lock` it also ends the lock. */
	int (*append)(struct share_log *log, const struct share_head *before,
		const struct share_row *row, int timeout);
	/* Waits for the head's lock and reads the head, in a transaction that the database ends
	 * when the holder is idle for SHARE_LOCK_IDLE. Ended by append or unlock. */
	int (*lock)(struct share_log *log, struct share_head *out, int timeout);
	void (*unlock)(struct share_log *log);
	/* Reads rows from a sequence on, SHARE_READ_BYTES of payload at most, at least one row. The
	 * first one may be missing: an epoch begins after a place without a row. */
	int (*read)(struct share_log *log, uint64_t from, share_row_seen seen, void *context,
		int timeout);
	/* Commits something durably, so that all rows before are known to be durable, and this
	 * server to be the primary, if a standby acknowledges what is committed. Raises the beat;
	 * `older`: only if it was raised more than SHARE_BEAT_MS ago. */
	int (*beat)(struct share_log *log, bool older, int timeout);
	bool (*is_connected)(const struct share_log *log);
	const char *(*why)(const struct share_log *log);
	void (*close)(struct share_log *log); /* frees it */
};

/* What every implementation begins with. */
struct share_log {
	const struct share_log_ops *ops;
};

#define SHARE_LOCK_IDLE  2000       /* ms */
#define SHARE_BEAT_MS    300        /* a beat older than this is raised */
#define SHARE_READ_BYTES (4U << 20) /* of one call: bounds memory and a transaction */
#define SHARE_ANSWER_MS  5000       /* after that a client hears `unavailable` */
